package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// keptFormat is the version of the file's form.
const keptFormat = 1

// keepAgain is the wait before a file that could not be written is tried again.
const keepAgain = 10 * time.Second

// kept is a snapshot as its file holds it.
type kept struct {
	Format   int          `json:"format"`
	Revision int64        `json:"revision"`
	Mark     string       `json:"mark"`
	Hash     string       `json:"hash"`
	Objects  []keptObject `json:"objects"`
}

type keptObject struct {
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Revision int64  `json:"revision"`
	Spec     []byte `json:"spec"` // base64: it need not be text
}

// KeepIn names a file of this machine for the last good snapshot: Keep writes it, and Start serves from it where the
// store is away. Called before both, if at all.
func (l *Live) KeepIn(path string) { l.keptAt = path }

// Keep writes each snapshot that serves into the file, until ctx ends and the last one is written. A file that cannot be
// written is logged and tried again.
func (l *Live) Keep(ctx context.Context) {
	if l.keptAt == "" {
		return
	}
	var written *Snapshot
	save := func() <-chan time.Time {
		now := l.Current()
		if now == written {
			return nil
		}
		if err := writeKept(l.keptAt, now); err != nil {
			l.log.Error("the catalog is not kept on this machine's disk: without the database the server would start with an older one, or not at all",
				"file", l.keptAt, "revision", now.Revision, "err", err)
			return time.After(keepAgain)
		}
		written = now
		return nil
	}
	for {
		again := save()
		select {
		case <-l.changed:
		case <-again:
		case <-ctx.Done():
			save()
			return
		}
	}
}

// writeKept replaces the file as a whole, or not at all. It is its owner's alone: definitions hold secrets.
func writeKept(path string, s *Snapshot) error {
	out := kept{Format: keptFormat, Revision: s.Revision, Mark: s.Mark, Hash: s.Hash, Objects: make([]keptObject, len(s.Objects))}
	for i, o := range s.Objects {
		out.Objects[i] = keptObject{o.Kind, o.Name, o.Revision, o.Spec}
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = file.Write(raw); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name())) // a full disk needs the room
	}
	return os.Rename(file.Name(), path)
}

// readKept is the snapshot in the file, or nil where there is no file. One that is not whole is an error.
func readKept(path string) (*Snapshot, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // as said
	}
	if err != nil {
		return nil, err
	}
	var in kept
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fmt.Errorf("%s: the file is damaged: %w", path, err)
	}
	if in.Format != keptFormat {
		return nil, fmt.Errorf("%s: its form is version %d and this program knows %d", path, in.Format, keptFormat)
	}
	objects := make([]*Object, len(in.Objects))
	for i, o := range in.Objects {
		objects[i] = newObject(o.Kind, o.Name, o.Spec, o.Revision)
	}
	s := NewSnapshot(in.Revision, objects)
	if s.Mark = in.Mark; s.Hash != in.Hash {
		return nil, fmt.Errorf("%s: its content is not what was written: the file is damaged", path)
	}
	return s, nil
}
