package folder

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// hashDigits of a program's content are in its name.
const hashDigits = 12

// PutProgram copies an executable file into ProgramsDir, under name and a hash of what it holds, and gives the name there,
// such as parley-0c1d2e3f4a5b. What is there already is left as it is.
func (f *Folder) PutProgram(path, name string) (_ string, err error) {
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer in.Close() //nolint:errcheck // only read
	if err := os.MkdirAll(f.ProgramsDir(), 0o700); err != nil {
		return "", err
	}
	out, err := os.CreateTemp(f.ProgramsDir(), ".new-*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(out.Name()))
		}
	}()
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, hash), in)
	if err == nil {
		err = out.Chmod(0o700)
	}
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return "", fmt.Errorf("copy %s: %w", path, err)
	}
	digits := hex.EncodeToString(hash.Sum(nil))[:hashDigits]
	if !strings.HasSuffix(name, "-"+digits) { // a program of ProgramsDir keeps its name
		name += "-" + digits
	}
	return name, os.Rename(out.Name(), filepath.Join(f.ProgramsDir(), name))
}
