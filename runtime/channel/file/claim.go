package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

// claim is a file that this Run alone has: its folder's name begins with the attempt, and no two are called alike.
type claim struct {
	name    string // of the file
	path    string // where it is now
	attempt int
}

// newClaim is a place for a file in the channel's own folder.
func (r *runner) newClaim(name string, attempt int) (*claim, error) {
	dir := filepath.Join(r.work, strconv.Itoa(attempt)+"-"+service.NewCID())
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot claim a file: %w", err)
	}
	return &claim{name: name, path: filepath.Join(dir, name), attempt: attempt}, nil
}

// claim moves a file out of the pickup folder, or gives nil where it is not as it was seen any more.
func (r *runner) claim(name string) (*claim, error) {
	from := filepath.Join(r.config.PickupFrom, name)
	if info, err := os.Lstat(from); err != nil || !same(info, r.seen[name].info) {
		return nil, nil //nolint:nilnil,nilerr // as said; the next scan sees what it is now
	}
	c, err := r.newClaim(name, 1)
	if err != nil {
		return nil, err
	}
	if err := c.from(from); err != nil {
		// Another was faster, or this file's owner lets nobody move it: the others have their turn.
		r.tell(name, err.Error())
		return nil, nil //nolint:nilnil // as said
	}
	delete(r.stuck, name)
	return c, nil
}

// tell logs why a file is not moved, where that is news.
func (r *runner) tell(name, why string) {
	if r.stuck[name] != why {
		r.log.Warn("file is not taken", "file", name, "err", why)
	}
	r.stuck[name] = why
}

// from moves the file to its place. Another may have been faster: then the claim's folder is removed.
func (c *claim) from(path string) error {
	err := os.Rename(path, c.path)
	if err != nil {
		_ = os.Remove(filepath.Dir(c.path)) // it is empty
		var in *os.LinkError
		if errors.As(err, &in) {
			err = in.Err // the place that it was for has a new name each time
		}
		return fmt.Errorf("cannot move %s away: %w", path, err)
	}
	return nil
}

// resume takes what was claimed by one that ended before it was done with it.
func (r *runner) resume(ctx context.Context) error {
	claims, err := os.ReadDir(r.work)
	if err != nil {
		return fmt.Errorf("cannot read the channel's own folder: %w", err)
	}
	for _, dir := range claims {
		number, _, _ := strings.Cut(dir.Name(), "-")
		attempt, err := strconv.Atoi(number)
		if err != nil || !dir.IsDir() {
			continue
		}
		files, err := os.ReadDir(filepath.Join(r.work, dir.Name()))
		if err != nil {
			return fmt.Errorf("cannot read the channel's own folder: %w", err)
		}
		for _, f := range files {
			if ctx.Err() != nil {
				return nil
			}
			if err := r.resumeOne(ctx, filepath.Join(r.work, dir.Name(), f.Name()), attempt); err != nil {
				return err
			}
		}
		_ = os.Remove(filepath.Join(r.work, dir.Name())) // one that is not empty stays
	}
	return nil
}

func (r *runner) resumeOne(ctx context.Context, path string, attempt int) error {
	if ended, ok := r.handled[path]; ok {
		return r.settle(&claim{name: filepath.Base(path), path: path, attempt: attempt}, ended)
	}
	c, err := r.newClaim(filepath.Base(path), attempt+1)
	if err != nil {
		return err
	}
	if err := c.from(path); err != nil {
		return err
	}
	_ = os.Remove(filepath.Dir(path))
	r.log.Warn("file was begun by one that ended before it was done, and is begun again", "file", c.name, "attempt", c.attempt)
	return r.take(ctx, c)
}

// settle moves a file that has ended to where it belongs. Where that fails, the file is not handled again by this server:
// its outcome is remembered, and the next Run moves it.
func (r *runner) settle(c *claim, ended outcome) error {
	folder, report := r.config.done(), []byte(nil)
	if ended.err != nil {
		folder, report = r.config.failed(), r.report(c, ended)
	}
	err := move(c.path, folder, c.name, report)
	if err == nil {
		delete(r.handled, c.path)
		_ = os.Remove(filepath.Dir(c.path)) // it is empty
		return nil
	}
	if _, gone := os.Lstat(c.path); errors.Is(gone, fs.ErrNotExist) {
		// The lease was lost meanwhile, and who has it now has taken the file.
		delete(r.handled, c.path)
		r.log.Warn("file was taken by another before it could be moved away", "file", c.name, "cid", ended.cid)
		return nil
	}
	r.handled[c.path] = ended
	return fmt.Errorf("cannot move %q, which was handled, to %s: %w", c.name, folder, err)
}

// errorSuffix is what the name of a failed file has behind it in that of the file that says why.
const errorSuffix = ".error"

// report says why a file failed, for whoever sent it: no more than a caller of a service may know.
func (r *runner) report(c *claim, ended outcome) []byte {
	return fmt.Appendf(nil, "cid: %s\ntime: %s\nchannel: %s\nservice: %s\nfile: %s\nerror: %s\n",
		ended.cid, time.Now().UTC().Format(time.RFC3339), r.name, r.config.Service, strconv.Quote(c.name), service.AsError(ended.err).Error())
}

// move brings the file at path into folder, under its name or one like it: what is there stays. Where there is a report, it
// is beside the file before that appears.
func move(path, folder, name string, report []byte) error {
	free := name
	for i := 1; ; i++ {
		err := moveTo(path, filepath.Join(folder, free), report)
		if !errors.Is(err, fs.ErrExist) || i > 1000 {
			return err
		}
		ext := filepath.Ext(name)
		free = strings.TrimSuffix(name, ext) + "-" + time.Now().UTC().Format("20060102T150405.000000") + ext
	}
}

func moveTo(path, to string, report []byte) (err error) {
	if report != nil {
		if err := create(to+errorSuffix, report, 0o644); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				_ = os.Remove(to + errorSuffix)
			}
		}()
	}
	err = os.Link(path, to) // unlike a rename, it replaces nothing
	switch {
	case err == nil:
		return os.Remove(path)
	case errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist):
		return err
	}
	// A file system without hard links, or another's file: an empty file keeps the name.
	if err := create(to, nil, 0o600); err != nil {
		return err
	}
	if err := os.Rename(path, to); err != nil {
		_ = os.Remove(to)
		return err
	}
	return nil
}

// create makes a file where there is none.
func create(path string, content []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path)
	}
	return err
}

// prepare makes the folders and tries what every file will need, so that no file is handled that could not be moved.
func (r *runner) prepare() error {
	c := r.config
	if info, err := os.Stat(c.PickupFrom); err != nil || !info.IsDir() {
		if err == nil {
			err = fmt.Errorf("%s is no folder", c.PickupFrom)
		}
		return fmt.Errorf("pickup_from: %w; create or mount it", err)
	}
	if err := os.MkdirAll(r.work, 0o700); err != nil {
		return fmt.Errorf("the channel's own folder: %w", err)
	}
	probe := ".parley-probe-" + service.NewCID()
	at := filepath.Join(c.PickupFrom, probe)
	if err := create(at, nil, 0o600); err != nil {
		return fmt.Errorf("pickup_from: files cannot be moved out of it: %w", err)
	}
	defer func() { _ = os.Remove(at) }()
	for _, to := range []struct{ key, dir string }{
		{"the channel's own folder", r.work}, {"move_processed_to", c.done()}, {"move_failed_to", c.failed()},
	} {
		if err := os.MkdirAll(to.dir, 0o755); err != nil {
			return fmt.Errorf("%s: %w", to.key, err)
		}
		next := filepath.Join(to.dir, probe)
		if err := os.Rename(at, next); err != nil {
			if errors.Is(err, syscall.EXDEV) {
				return fmt.Errorf("%s: %s is on another file system than %s; choose folders of one file system", to.key, to.dir, c.PickupFrom)
			}
			return fmt.Errorf("%s: files cannot be moved to it: %w", to.key, err)
		}
		at = next
	}
	return nil
}
