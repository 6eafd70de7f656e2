package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// lastFile remembers which scenarios failed in the last run of a project. It is in the user's cache folder: a project
// holds no file that nobody wrote.
type lastFile struct {
	path string
	root string // absolute
	err  error  // why there is none
}

func lastRun(root string) lastFile {
	root = absolute(root)
	dir, err := os.UserCacheDir()
	if err != nil {
		return lastFile{err: err}
	}
	return lastFile{path: filepath.Join(dir, "apitest", fmt.Sprintf("%x.failed", sha256.Sum256([]byte(root)))[:32]), root: root}
}

// keep remembers path:line of each; it is a convenience, so it fails in silence where it cannot write.
func (l lastFile) keep(locations []string) {
	if l.err != nil {
		return
	}
	var lines []string
	for _, at := range locations {
		lines = append(lines, absolute(at))
	}
	if os.MkdirAll(filepath.Dir(l.path), 0o700) == nil {
		_ = os.WriteFile(l.path, []byte(strings.Join(lines, "\n")), 0o600)
	}
}

// failed gives what was kept, as paths are given now.
func (l lastFile) failed() ([]string, error) {
	if l.err != nil {
		return nil, l.err
	}
	text, err := os.ReadFile(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("--rerun-failed: no run of %s is remembered; run it without first", l.root)
	case err != nil:
		return nil, err
	case len(text) == 0:
		return []string{}, nil
	}
	return strings.Split(string(text), "\n"), nil
}
