package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/folder"
)

const (
	startPatience = time.Minute      // until all servers are up
	stopPatience  = 10 * time.Second // until what did not come up has stopped
	startRestarts = 3                // of a server: it does not come up
)

// startDetached starts the supervisor as a process of its own and waits until all servers are up. Where they do not
// come up, it stops what it started.
func (o *options) startDetached(c *cobra.Command, f *folder.Folder, client *admin.Client, noRestart bool) error {
	s, err := launch(f, noRestart)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := context.WithTimeout(c.Context(), startPatience)
	defer cancel()
	started := time.Now()
	for {
		select {
		case <-s.ended:
			err := s.err
			if err == nil {
				err = errors.New("it ended at once")
			}
			return fmt.Errorf("the cluster did not start: %w\n%s", err, s.supervisor.tail())
		case <-ctx.Done():
			if c.Context().Err() != nil {
				return c.Context().Err()
			}
			return s.giveUp(fmt.Errorf("the cluster did not come up within %s; see %s", startPatience, f.LogFile("supervisor")))
		case <-time.After(10 * time.Millisecond):
		}
		status, err := readStatus(ctx, f, client)
		if err != nil {
			continue
		}
		if status.allUp() {
			return o.print(c, status, func(w io.Writer) {
				line(w, "Started the cluster %q in %d ms", f.Cluster.Name, time.Since(started).Milliseconds())
				status.write(w)
			})
		}
		for _, one := range status.Servers {
			if one.Restarts >= startRestarts || noRestart && one.State == balancer.Down && one.PID == 0 {
				return s.giveUp(fmt.Errorf("the cluster did not start: %s dies; the end of %s says:\n%s",
					one.Name, f.LogFile(one.Name), s.servers[one.Name].tail()))
			}
		}
	}
}

// startup is a supervisor that was started, and the logs of all that it runs.
type startup struct {
	child      *exec.Cmd
	ended      chan struct{} // closed when it has ended
	err        error         // then: how
	supervisor logTail
	servers    map[string]logTail
	log        *os.File
}

func launch(f *folder.Folder, noRestart bool) (*startup, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &startup{ended: make(chan struct{}), supervisor: endOf(f.LogFile("supervisor")), servers: map[string]logTail{}}
	for _, one := range f.Cluster.Servers {
		s.servers[one.Name] = endOf(f.LogFile(one.Name))
	}
	if s.log, err = os.OpenFile(s.supervisor.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	args := []string{"supervise", f.Dir}
	if noRestart {
		args = append(args, "--no-restart")
	}
	s.child = exec.Command(self, args...) //nolint:noctx // it outlives this command
	s.child.Stdout, s.child.Stderr = s.log, s.log
	s.child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := s.child.Start(); err != nil {
		s.close()
		return nil, err
	}
	go func() {
		defer close(s.ended)
		s.err = s.child.Wait()
	}()
	return s, nil
}

func (s *startup) close() { _ = s.log.Close() } // the child has its own

// giveUp stops the supervisor, which stops its servers, and returns why with what is left to say about that.
func (s *startup) giveUp(why error) error {
	if err := s.child.Process.Signal(syscall.SIGTERM); err != nil {
		return errors.Join(why, err)
	}
	select {
	case <-s.ended:
		return why
	case <-time.After(stopPatience):
		return fmt.Errorf("%w\nthe supervisor, process %d, is still stopping", why, s.child.Process.Pid)
	}
}

// logTail is what is added to a log from here on.
type logTail struct {
	path  string
	begin int64
}

func endOf(path string) logTail {
	t := logTail{path: path}
	if info, err := os.Stat(path); err == nil {
		t.begin = info.Size()
	}
	return t
}

// tail is the last lines that were added.
func (t logTail) tail() string {
	const most, lines = 4096, 20
	file, err := os.Open(t.path)
	if err != nil {
		return err.Error()
	}
	defer file.Close() //nolint:errcheck // only read
	begin := t.begin
	if end, err := file.Seek(0, io.SeekEnd); err == nil && end-begin > most {
		begin = end - most
	}
	raw, err := io.ReadAll(io.NewSectionReader(file, begin, most))
	if err != nil {
		return err.Error()
	}
	text := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return strings.Join(text[max(0, len(text)-lines):], "\n")
}
