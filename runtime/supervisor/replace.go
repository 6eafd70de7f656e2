package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/service"
)

const (
	stopMost   = drainMost + killAfter + 5*time.Second
	readyMost  = 20 * time.Second       // for a server to get ready
	steadyTime = 500 * time.Millisecond // that a new program must then stay up before the next server's turn
	lookEvery  = 10 * time.Millisecond
	askMost    = time.Second // for a server's word about itself
)

// Replacement says which server to start anew, and from what.
type Replacement struct {
	Server  string   `json:"server"`
	File    string   `json:"file" sio:"file,optional"`       // a program in DIR/bin; empty: what it runs now
	Args    []string `json:"args" sio:"args,optional"`       // of the program, before --dir and --name
	Version string   `json:"version" sio:"version,optional"` // what the program says of itself
}

// replace stops a server as planned and starts it from the program given. Where that does not get ready, what ran before
// does again, and the answer is an error that says both. It goes on to its end when the caller has gone.
func (s *Supervisor) replace(ctx context.Context, _ service.Runtime, in Replacement) (ServerInfo, error) {
	all, err := s.named(in.Server)
	if err != nil || in.Server == "" {
		return ServerInfo{}, &service.Error{Code: service.NotFound, Message: fmt.Sprintf("which server? %v", err), Err: err}
	}
	p := all[0]
	var before program
	pid := 0
	p.look(func() { before, pid = p.program, p.pid })
	next := before
	if in.File != "" {
		if next, err = s.programs.take(in.File, in.Args, in.Version); err != nil {
			return ServerInfo{}, &service.Error{Code: service.Invalid, Message: err.Error(), Err: err}
		}
	}
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	default:
		return ServerInfo{}, &service.Error{Code: service.Conflict, Message: "another restart or upgrade of this cluster is under way", Fix: "try again when it is done"}
	}
	if err := s.spare(ctx, p); err != nil {
		return ServerInfo{}, err
	}
	if before, err = s.programs.preserve(before, pid); err != nil {
		return ServerInfo{}, err
	}
	ctx, cancel := s.untilEnd(ctx)
	defer cancel()
	if err := s.replaceBy(ctx, p, before, next); err != nil {
		return ServerInfo{}, err
	}
	for i, one := range s.processes {
		if one == p {
			return s.Servers(ctx)[i], nil
		}
	}
	return ServerInfo{}, nil
}

// untilEnd is ctx without its end: it ends when the cluster is stopped.
func (s *Supervisor) untilEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	go func() {
		select {
		case <-s.ending:
			cancel(errors.New("the cluster is being stopped"))
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// spare refuses to take the last server that is up, unless it is the only one: the balancer lets requests wait for that.
func (s *Supervisor) spare(ctx context.Context, p *process) error {
	for i, one := range s.Servers(ctx) {
		if s.processes[i] != p && one.State == balancer.Up {
			return nil
		}
	}
	if len(s.processes) == 1 {
		return nil
	}
	return &service.Error{
		Code: service.Conflict, Message: fmt.Sprintf("no server but %s is up: nobody would answer while it is started anew", p.server.Name),
		Fix: "start another one first",
	}
}

// replaceBy makes p run next in the place of before.
func (s *Supervisor) replaceBy(ctx context.Context, p *process, before, next program) error {
	log := s.d.Log.With("server", p.server.Name, "program", next.path)
	log.Info("server is started anew")
	steady := time.Duration(0)
	if next.path != before.path {
		steady = steadyTime
	}
	err := p.restart(ctx, next, steady)
	if err == nil {
		if err = s.programs.keep(p.server.Name, next); err == nil {
			log.Info("server is up")
			return nil
		}
	}
	log.Error("server did not come up", "err", err)
	said := fmt.Sprintf("%s did not come up from %s: %v", p.server.Name, next.path, err)
	if next.path == before.path {
		return &service.Error{Code: service.Unavailable, Message: said, Fix: "see " + s.d.Folder.LogFile(p.server.Name), Err: err}
	}
	if back := errors.Join(p.restart(ctx, before, 0), s.programs.keep(p.server.Name, before)); back != nil {
		return &service.Error{
			Code: service.Unavailable, Message: fmt.Sprintf("%s; and what ran before, %s, does not come up any more: %v", said, before.path, back),
			Fix: "see " + s.d.Folder.LogFile(p.server.Name), Err: errors.Join(err, back),
		}
	}
	log.Info("what ran before runs again", "before", before.path)
	return &service.Error{
		Code: service.Unavailable, Message: fmt.Sprintf("%s; it runs what it ran before again, %s", said, before.path),
		Fix: "see " + s.d.Folder.LogFile(p.server.Name), Err: err,
	}
}

// restart stops p as planned, starts it from next, and waits until it is ready and has been so for steady.
func (p *process) restart(ctx context.Context, next program, steady time.Duration) error {
	stopping, cancel := context.WithTimeout(ctx, stopMost)
	defer cancel()
	p.want(false)
	if err := p.wait(stopping, func() bool { return !p.active }); err != nil {
		return fmt.Errorf("it does not stop: %w", context.Cause(stopping))
	}
	attempts := 0
	p.set(func() { p.program, attempts = next, p.attempts })
	p.want(true)
	return p.comeUp(ctx, attempts, steady)
}

// comeUp waits until the process that is started after so many attempts is up, and has been so for steady.
func (p *process) comeUp(ctx context.Context, attempts int, steady time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, readyMost)
	defer cancel()
	token, err := p.s.d.Folder.Token()
	if err != nil {
		return err
	}
	client := admin.NewClient(p.server.Admin, token).Secured(p.s.d.Folder.AdminTLS(p.server.Admin))
	defer client.CloseIdle()
	var since time.Time // up
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	why := errors.New("it was not started")
	for {
		pid, problem, died := 0, error(nil), false
		p.look(func() {
			died = p.attempts > attempts+1 || p.attempts > attempts && p.pid == 0
			pid, problem = p.pid, p.problem
		})
		switch {
		case died && problem == nil:
			return errors.New("it ended")
		case died:
			return fmt.Errorf("it ended: %w", problem)
		case pid != 0:
			if why = p.up(ctx, client, pid); why != nil {
				since = time.Time{}
			} else if since.IsZero() {
				since = time.Now()
			}
		}
		if why == nil && time.Since(since) >= steady {
			return nil
		}
		select {
		case <-ctx.Done():
			if why == nil || ctx.Err() == nil {
				why = context.Cause(ctx)
			}
			return fmt.Errorf("it is not ready after %s: %w", readyMost, why)
		case <-tick.C:
		}
	}
}

// up is nil where the process says that it is ready, and the balancer gives it requests.
func (p *process) up(ctx context.Context, client *admin.Client, pid int) error {
	ctx, cancel := context.WithTimeout(ctx, askMost)
	defer cancel()
	var info struct {
		PID   int  `json:"pid"`
		Ready bool `json:"ready"`
	}
	switch err := client.Call(ctx, "parley.server.info", struct{}{}, &info); {
	case err != nil:
		return err
	case info.PID != pid:
		return fmt.Errorf("process %d answers at its address", info.PID)
	case !info.Ready:
		return errors.New("it says that it is not")
	}
	for _, seen := range p.s.look(ctx).Servers {
		if seen.Name == p.server.Name && seen.State != balancer.Up {
			return fmt.Errorf("the load-balancer sees it %s: %s", seen.State, seen.Error)
		}
	}
	return nil
}
