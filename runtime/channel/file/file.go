// Package file is the channel_file kind: file transfer. Files that come into a folder go to a service, one after the
// other, and are moved away: to one folder when the service has handled them, to another, with a file that says why,
// when it could not.
//
// A file is handled at least once. Before it is read it is moved, by a rename, into a folder of the channel's own within
// pickup_from: two servers cannot both have it. A server that is killed in its midst leaves it there, and the server that
// takes the channel over begins it again; a service whose work must not be done twice has to look at what it did. A
// planned end of the channel waits for the file that is being handled.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/service"
)

// Kind is the row of this kind in the node's table.
func Kind() channel.Kind {
	return channel.DefineRunner("channel_file", "file transfer: files that come into a folder go to a service", Defaults(), New)
}

// runner implements channel.Runner. Run is not called twice at a time, and nothing else writes what it holds.
type runner struct {
	config  Config
	name    string
	handler service.Handler
	log     *slog.Logger
	work    string // the channel's own folder

	seen    map[string]*sighting
	told    map[string]string  // what was last logged of a file that is not taken
	stuck   map[string]string  // and of one that could not be moved
	handled map[string]outcome // by claim: only to be moved away still
}

// New builds the channel.
func New(c Config, d channel.Deps) (channel.Runner, error) {
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c.PickupFrom = filepath.Clean(c.PickupFrom)
	return &runner{
		config: c, name: d.Name, handler: d.Handle, log: log.With(slog.String("channel", d.Name), slog.String("service", c.Service)),
		work: filepath.Join(c.PickupFrom, ".parley", "channel-"+url.PathEscape(d.Name)),
		seen: map[string]*sighting{}, told: map[string]string{}, stuck: map[string]string{}, handled: map[string]outcome{},
	}, nil
}

// Exclusive implements channel.Runner.
func (r *runner) Exclusive() bool { return true }

// Wait implements channel.Runner: Run returns when its last file has been moved away.
func (r *runner) Wait() {}

// Run implements channel.Runner.
func (r *runner) Run(ctx context.Context) error {
	if err := r.prepare(); err != nil {
		return err
	}
	if err := r.resume(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		began := time.Now()
		ready, again, err := r.scan(began)
		if err != nil {
			return err
		}
		for _, name := range ready {
			if ctx.Err() != nil {
				return nil
			}
			c, err := r.claim(name)
			if err == nil && c != nil {
				err = r.take(ctx, c)
			}
			if err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(began.Add(again))):
		}
	}
	return nil
}

// outcome is how a file ended.
type outcome struct {
	cid string
	err error // nil: it was handled
}

// take handles a claimed file and moves it away. A file whose handling was broken off stays where it is.
func (r *runner) take(ctx context.Context, c *claim) error {
	if c.attempt > r.config.Attempts {
		why := service.Errorf(service.Internal, "it was begun %d times, and each time the server ended or lost the channel; see why in the servers' logs, and put the file into the folder again",
			c.attempt-1)
		return r.settle(c, outcome{cid: service.NewCID(), err: why})
	}
	under, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.config.Timeout.Std())
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		if !channel.Stopped(ctx) {
			cancel() // the lease is lost: another server begins this file again
		}
	})
	defer stop()
	start, cid := time.Now(), service.NewCID()
	size, err := r.handle(under, c, cid)
	file := []any{"cid", cid, "file", c.name, "bytes", size, "ms", float64(time.Since(start).Microseconds()) / 1000}
	switch {
	case err != nil && ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(under.Err(), context.Canceled)):
		r.log.Warn("file was broken off, and is begun again by who takes the channel over", append(file, "err", causeOf(err))...)
		return nil
	case err != nil:
		r.log.Error("file failed", append(file, "err", causeOf(err))...)
	default:
		r.log.Info("file", file...)
	}
	return r.settle(c, outcome{cid, err})
}

// handle is the file's way through the service.
func (r *runner) handle(ctx context.Context, c *claim, cid string) (size int, err error) {
	raw, err := r.read(ctx, c)
	if err != nil {
		return 0, err
	}
	at := filepath.Join(r.config.PickupFrom, c.name)
	_, err = r.handler.Handle(ctx, &service.Request{
		CID: cid, Channel: r.name, Path: at, Raw: raw, Params: map[string][]string{"file_name": {text(c.name)}, "file_path": {text(at)}},
	})
	var known *service.Error
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.As(err, &known) {
		err = &service.Error{
			Code: service.Timeout, Message: fmt.Sprintf("service %q did not answer within %s", r.config.Service, r.config.Timeout.Std()), Err: err,
		}
	}
	return len(raw), err
}

// text is a name as services may see it: names of files are any bytes.
func text(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }

// read is all of the file, once nobody writes to it any more.
func (r *runner) read(ctx context.Context, c *claim) ([]byte, error) {
	for {
		before, err := os.Lstat(c.path)
		switch {
		case err != nil:
			return nil, err
		case !before.Mode().IsRegular():
			return nil, service.Errorf(service.Invalid, "it is %s, not a file", sort(before.Mode()))
		case before.Size() > r.config.MaxSize:
			return nil, r.tooBig(before.Size())
		}
		raw, after, err := readFile(c.path, r.config.MaxSize)
		switch {
		case err != nil:
			return nil, err
		case same(before, after):
			return raw, nil
		}
		select {
		case <-ctx.Done():
			return nil, service.Errorf(service.Timeout, "it was still being written %s after it had been taken", r.config.Timeout.Std())
		case <-time.After(max(r.config.Settle.Std(), r.config.Poll.Std())):
		}
	}
}

func (r *runner) tooBig(size int64) error {
	return &service.Error{
		Code: service.TooLarge, Message: fmt.Sprintf("it has %d bytes, over the limit of %d of channel %s", size, r.config.MaxSize, r.name),
		Fix: "raise its max_size, or send less at once",
	}
}

// readFile reads at most limit bytes, and says how the file stood afterwards.
func readFile(path string, limit int64) ([]byte, os.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	return raw, info, err
}

// causeOf is err with the cause that an *Error keeps for the log.
func causeOf(err error) string {
	said := err.Error()
	var known *service.Error
	if errors.As(err, &known) && known.Err != nil && !strings.Contains(said, known.Err.Error()) {
		said += ": " + known.Err.Error()
	}
	return said
}
