package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// folder is a load of files: each request is a file that appears in the folder with its whole content, as one that is moved there.
type folder struct{ *sender }

func (folder) ready() bool { return true }

func (folder) close() {}

func (f folder) exchange(_ context.Context, r *compiled, v values, _ time.Time, wrote func()) (reply, error) {
	defer wrote()
	unsent := reply{neverSent: true}
	name, err := r.path.fill(v)
	if err != nil {
		return unsent, err
	}
	if name = filepath.FromSlash(name[1:]); !filepath.IsLocal(name) {
		return unsent, fmt.Errorf("path %s gives what is no name of a file in the folder", r.Path)
	}
	text, err := r.body.fill(v)
	if err != nil {
		return unsent, err
	}
	part, err := os.CreateTemp(f.folder, ".bench-*") // hidden: nobody picks it up
	if err != nil {
		return unsent, err
	}
	_, err = part.WriteString(text)
	if fault := part.Close(); err == nil {
		err = fault
	}
	if err == nil {
		err = os.Rename(part.Name(), filepath.Join(f.folder, name))
	}
	if err != nil {
		_ = os.Remove(part.Name()) // what is told is why it could not be put there
		return unsent, err
	}
	return reply{status: done, end: time.Now()}, nil
}
