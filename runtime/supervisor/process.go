package supervisor

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/parley-run/parley/runtime/folder"
)

// How servers are started again and stopped.
const (
	backoffFirst = 200 * time.Millisecond
	backoffMost  = 5 * time.Second
	backoffReset = 30 * time.Second // a server that ran for so long starts at backoffFirst again
	drainMost    = 30 * time.Second
	killAfter    = 35 * time.Second
	startingMost = 30 * time.Second
)

// FDVariable is the environment variable that tells a server the number of the file descriptor whose end of
// file means that its supervisor is gone.
const FDVariable = "PARLEY_SUPERVISOR_FD"

// process is one server: what is wanted of it, and what runs. One goroutine, tend, starts and stops it.
type process struct {
	s      *Supervisor
	server folder.Server
	wake   chan struct{}

	mu       sync.Mutex
	wanted   bool
	active   bool // it is being started, runs, or is being stopped
	stopping bool
	died     bool    // the last one ended by itself, or could not be started
	problem  error   // then: why
	program  program // what is started
	pid      int     // 0: none runs
	started  time.Time
	attempts int           // to start it
	restarts int           // after it had died
	changed  chan struct{} // closed, and replaced, at each change of the above
}

func newProcess(s *Supervisor, server folder.Server) *process {
	return &process{s: s, server: server, wanted: true, program: s.programs.of(server.Name), wake: make(chan struct{}, 1), changed: make(chan struct{})}
}

// set changes p's fields.
func (p *process) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	close(p.changed)
	p.changed = make(chan struct{})
}

// look reads p's fields.
func (p *process) look(read func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	read()
}

// want asks for p to run, or not.
func (p *process) want(run bool) {
	p.set(func() { p.wanted = run })
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *process) isWanted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted
}

// wait blocks until done holds of p, or ctx ends.
func (p *process) wait(ctx context.Context, done func() bool) error {
	for {
		p.mu.Lock()
		ok, changed := done(), p.changed
		p.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tend keeps p as it is wanted, until ctx ends; it then stops it in a planned way.
func (p *process) tend(ctx context.Context) {
	log := p.s.d.Log.With("server", p.server.Name)
	backoff := backoffFirst
	for ctx.Err() == nil {
		if !p.begin() {
			p.pause(ctx, nil)
			continue
		}
		r, err := p.start(ctx)
		if err != nil {
			log.Error("server cannot be started", "err", err)
			p.set(func() { p.problem = err })
		} else {
			log.Info("server started", "pid", r.cmd.Process.Pid)
			if p.follow(ctx, r) {
				continue
			}
			log.Warn("server died", "pid", r.cmd.Process.Pid, "err", r.err)
			p.set(func() { p.problem = r.err })
			p.s.d.Died(ctx, p.server.Name, r.cmd.Process.Pid)
			if time.Since(r.at) >= backoffReset {
				backoff = backoffFirst
			}
		}
		p.ended(true)
		if p.s.d.NoRestart {
			p.set(func() { p.wanted = false })
			continue
		}
		p.pause(ctx, time.After(backoff))
		backoff = min(2*backoff, backoffMost)
	}
}

// begin says whether p is wanted, and marks it as active if so.
func (p *process) begin() (wanted bool) {
	p.set(func() { wanted, p.active = p.wanted, p.wanted })
	return wanted
}

func (p *process) ended(died bool) {
	p.set(func() { p.pid, p.active, p.stopping, p.died = 0, false, false, died })
}

// pause waits for the time, unless something is wanted of p before.
func (p *process) pause(ctx context.Context, after <-chan time.Time) {
	select {
	case <-after:
	case <-p.wake:
	case <-ctx.Done():
	}
}

// follow waits until r ends, and says whether that was wanted.
func (p *process) follow(ctx context.Context, r *run) bool {
	for {
		select {
		case <-r.ended:
			return false
		case <-p.wake:
			if p.isWanted() {
				continue
			}
		case <-ctx.Done():
		}
		p.shut(ctx, r)
		return true
	}
}

// run is one started process.
type run struct {
	cmd   *exec.Cmd
	at    time.Time
	ended chan struct{} // closed when it has ended
	err   error         // then: how
}

// start starts the process and lets the balancer use it once it is ready.
func (p *process) start(ctx context.Context) (*run, error) {
	defer p.set(func() { p.attempts++ })
	log, err := os.OpenFile(p.s.d.Folder.LogFile(p.server.Name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	// The server reads theirs; ours is held by nobody else, and closes when this process ends, however it does.
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = theirs.Close() }()
	var now program
	p.look(func() { now = p.program })
	args := slices.Concat(now.Args, []string{"--dir", p.s.d.Folder.Dir, "--name", p.server.Name})
	cmd := exec.CommandContext(context.WithoutCancel(ctx), now.path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Env = append(os.Environ(), FDVariable+"=3")
	// A group of its own: an interrupt typed at the terminal is for the supervisor, which stops the servers by plan.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.s.front.Ready(ctx, p.server.Name); err != nil { // an external one may be away: the server does not wait for it
		p.s.d.Log.Error("server is not readied", "server", p.server.Name, "err", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	r := &run{cmd: cmd, at: time.Now(), ended: make(chan struct{})}
	p.set(func() {
		p.pid, p.started = cmd.Process.Pid, r.at
		if p.died {
			p.restarts++
		}
	})
	go func() {
		defer close(r.ended)
		r.err = cmd.Wait()
		_ = ours.Close()
	}()
	return r, nil
}

// shut stops a running process by plan: no new requests, those in flight to their end, then the process.
func (p *process) shut(ctx context.Context, r *run) {
	ctx = context.WithoutCancel(ctx)
	p.set(func() { p.stopping = true })
	log := p.s.d.Log.With("server", p.server.Name, "pid", r.cmd.Process.Pid)
	if err := p.s.front.Drain(ctx, p.server.Name); err != nil {
		log.Error("server is not drained", "err", err)
	}
	idle, cancel := context.WithTimeout(ctx, drainMost)
	defer cancel()
	go func() {
		select {
		case <-r.ended:
			cancel()
		case <-idle.Done():
		}
	}()
	if err := p.s.front.Idle(idle, p.server.Name); err != nil {
		log.Warn("server is stopped with requests in flight", "err", err)
	}
	_ = r.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
	timer := time.NewTimer(killAfter)
	defer timer.Stop()
	select {
	case <-r.ended:
	case <-timer.C:
		log.Warn("server did not stop and is killed", "after", killAfter.String())
		_ = r.cmd.Process.Kill()
		<-r.ended
	}
	if r.err != nil {
		log.Info("server stopped", "err", r.err)
	} else {
		log.Info("server stopped")
	}
	p.ended(false)
}

// named are the processes that are meant: the one of that name, or with "" all.
func (s *Supervisor) named(name string) ([]*process, error) {
	if name == "" {
		return s.processes, nil
	}
	for _, p := range s.processes {
		if p.server.Name == name {
			return []*process{p}, nil
		}
	}
	_, err := s.d.Folder.Server(name) // its words for a name that there is not
	return nil, err
}
