package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/parley-run/parley/runtime/folder"
)

// program is what a server is started from.
type program struct {
	File    string   `json:"file"`    // its name in DIR/bin; empty: the cluster's own
	Args    []string `json:"args"`    // before --dir and --name
	Version string   `json:"version"` // what it says of itself
	Own     stamp    `json:"own"`     // the cluster's own program when this took its place

	path string
}

// stamp tells one state of a file from another.
type stamp struct {
	Path     string `json:"path"`
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"` // nanoseconds since 1970
}

func stampOf(path string) stamp {
	s := stamp{Path: path}
	if info, err := os.Stat(path); err == nil {
		s.Size, s.Modified = info.Size(), info.ModTime().UnixNano()
	}
	return s
}

// programs are the cluster's own program, and those that took its place on some servers: they are in DIR/bin/servers.json,
// and count until the cluster's own is another file than then. Whatever was chosen last is what runs.
type programs struct {
	folder *folder.Folder
	own    program

	mu       sync.Mutex
	replaced map[string]program
}

func readPrograms(f *folder.Folder, command []string, log *slog.Logger) (*programs, error) {
	p := &programs{folder: f, own: program{Args: command[1:], path: command[0]}, replaced: map[string]program{}}
	raw, err := os.ReadFile(f.ProgramsFile())
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &p.replaced)
	}
	if err != nil {
		return nil, fmt.Errorf("which programs the servers run: %s: %w; remove the file, and they run %s", f.ProgramsFile(), err, command[0])
	}
	now := stampOf(command[0])
	for server, one := range p.replaced {
		one.path = filepath.Join(f.ProgramsDir(), one.File)
		p.replaced[server] = one
		if one.Own != now {
			log.Info("the cluster's own program is another than when the server was upgraded, and runs again", "server", server, "program", command[0], "upgraded_to", one.path)
			delete(p.replaced, server)
		}
	}
	return p, nil
}

// of is what a server is to run.
func (p *programs) of(server string) program {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one, there := p.replaced[server]; there {
		return one
	}
	return p.own
}

// take is the program of that name in DIR/bin.
func (p *programs) take(file string, args []string, version string) (program, error) {
	one := program{File: file, Args: args, Version: version, Own: stampOf(p.own.path), path: filepath.Join(p.folder.ProgramsDir(), file)}
	if file != filepath.Base(file) || !filepath.IsLocal(file) {
		return one, fmt.Errorf("%q is no name of a file in %s: a program is put there first", file, p.folder.ProgramsDir())
	}
	info, err := os.Stat(one.path)
	if err == nil && (!info.Mode().IsRegular() || info.Mode().Perm()&0o100 == 0) {
		err = fmt.Errorf("%s is no file that its owner may execute", one.path)
	}
	return one, err
}

// keep remembers, on disk, what a server runs from here on.
func (p *programs) keep(server string, one program) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := maps.Clone(p.replaced)
	if one.File == "" {
		delete(next, server)
	} else {
		next[server] = one
	}
	if len(next) == 0 && len(p.replaced) == 0 {
		return nil
	}
	raw, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	if err := replaceFile(p.folder.ProgramsFile(), append(raw, '\n')); err != nil {
		return err
	}
	p.replaced = next
	p.prune()
	return nil
}

// spares is how many programs are left in DIR/bin that no server runs: to go back to.
const spares = 2

// prune removes the oldest programs of DIR/bin that no server runs. What cannot be removed now is next time.
func (p *programs) prune() {
	used := map[string]bool{filepath.Base(p.folder.ProgramsFile()): true}
	for _, one := range p.replaced {
		used[one.File] = true
	}
	entries, err := os.ReadDir(p.folder.ProgramsDir())
	if err != nil {
		return
	}
	var idle []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && !used[e.Name()] {
			idle = append(idle, info)
		}
	}
	slices.SortFunc(idle, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, info := range idle[min(spares, len(idle)):] {
		_ = os.Remove(filepath.Join(p.folder.ProgramsDir(), info.Name()))
	}
}

// preserve gives what process pid runs as something to go back to. Where the file that it was started from has been
// replaced since, that is a copy of what runs, in DIR/bin, on systems that let it be read (Linux).
func (p *programs) preserve(one program, pid int) (program, error) {
	running := fmt.Sprintf("/proc/%d/exe", pid)
	there, err := os.Stat(running)
	if err != nil || pid == 0 {
		return one, nil
	}
	if now, err := os.Stat(one.path); err == nil && os.SameFile(now, there) {
		return one, nil
	}
	name, err := p.folder.PutProgram(running, filepath.Base(one.path))
	if err != nil {
		return one, fmt.Errorf("keep the program that runs, %s, to go back to: %w", one.path, err)
	}
	return p.take(name, one.Args, one.Version)
}
