package haproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Prepare finds HAProxy, writes its configuration and has it judged. One that a killed process of ours left behind is
// ended.
func (r *Runner) Prepare(ctx context.Context) error {
	program, err := Find(ctx, r.o.Binary)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.program = program
	r.mu.Unlock()
	if err := os.MkdirAll(r.o.Dir, 0o700); err != nil {
		return err
	}
	if err := makeSocketDir(filepath.Dir(r.o.Config.Sockets.Runtime), r.o.Dir); err != nil {
		return err
	}
	if err := r.endOld(ctx); err != nil {
		return err
	}
	if err := writeStates(r.o.Config.StateFile, ""); err != nil {
		return err
	}
	probe, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0") // -c wants fd@3 to be a socket
	if err != nil {
		return err
	}
	defer func() { _ = probe.Close() }()
	file, err := fileOf(probe)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return r.write(ctx, file)
}

// write renders the configuration and puts it in place once HAProxy takes it.
func (r *Runner) write(ctx context.Context, front *os.File) error {
	if _, err := r.o.Config.Join(r.o.Dir); err != nil {
		return err
	}
	r.mu.Lock()
	text, err := r.render(func(s Server) int { return r.weights[s.Name] })
	r.mu.Unlock()
	if err != nil {
		return err
	}
	next := r.file + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	if err := r.program.Check(ctx, next, front); err != nil {
		return err
	}
	return os.Rename(next, r.file)
}

func (r *Runner) render(weight func(Server) int) ([]byte, error) {
	c := r.o.Config.joined(r.o.Dir)
	c.Front = "fd@3"
	c.MaxConnections = connections()
	c.Routes = r.routes
	c.Servers = slices.Clone(c.Servers)
	for i, s := range c.Servers {
		c.Servers[i].Weight = weight(s)
	}
	return c.Render()
}

// connections is how many HAProxy may have: the default, or what the limit of open files leaves.
func connections() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return defaultConnections
	}
	return int(max(100, min(defaultConnections, (limit.Max-min(limit.Max, 200))/2))) // two files each, and some for listeners and checks
}

// begin writes what a new HAProxy begins with: without its predecessor's states, a server that is drained has the
// weight 0 until HAProxy was told.
func (r *Runner) begin() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	text, err := r.render(func(s Server) int {
		if r.draining[s.Name] {
			return 0
		}
		return r.weights[s.Name]
	})
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(r.file, text, 0o600), writeStates(r.o.Config.StateFile, ""))
}

// endOld ends an HAProxy of the same folder whose keeper was killed.
func (r *Runner) endOld(ctx context.Context) error {
	p, err := listProcesses(ctx, r.o.Config.Sockets.Master)
	if err != nil {
		return nil //nolint:nilerr // nobody answers: there is none
	}
	r.o.Log.Warn("an HAProxy of this cluster still runs and is ended", "pid", p.master)
	if err := syscall.Kill(p.master, syscall.SIGTERM); err != nil {
		return fmt.Errorf("HAProxy, process %d, still runs for this cluster and cannot be ended: %w", p.master, err)
	}
	deadline := time.Now().Add(endMost)
	for syscall.Kill(p.master, 0) == nil && time.Now().Before(deadline) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}
