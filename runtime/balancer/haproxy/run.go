package haproxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/parley-run/parley/runtime/balancer"
)

// Options say how a Runner runs HAProxy.
type Options struct {
	Config  Config       // Front is what the Runner listens on; Sockets and StateFile are the Runner's to choose
	Dir     string       // folder of its own files: haproxy.cfg, and the sockets where paths are short enough
	Binary  string       // "": the one on PATH
	LogFile string       // what HAProxy says is added to it
	Log     *slog.Logger // silent
}

// Runner runs HAProxy for as long as Run runs: started, checked, started again where it dies. Clients' connections
// come through a socket that the Runner's caller holds, so that those of the moment in between wait and are served.
type Runner struct {
	o       Options
	program Program
	file    string
	control *Control

	mu       sync.Mutex
	running  chan struct{} // closed while HAProxy runs and knows what is wanted
	draining map[string]bool
	weights  map[string]int
	routes   []balancer.Route // of Repeats

	writing sync.Mutex // held while the configuration is written and loaded
}

// How HAProxy is started again and stopped.
const (
	startMost    = 15 * time.Second
	backoffFirst = 50 * time.Millisecond
	backoffMost  = 5 * time.Second
	backoffReset = 30 * time.Second
	stopMost     = 2 * time.Second // for what is in flight when it is stopped
	endMost      = 3 * time.Second // until SIGKILL
)

// NewRunner prepares a Runner. Nothing is written or started before Prepare.
func NewRunner(o Options) (*Runner, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := SocketDir(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Config.Sockets = In(dir)
	o.Config.StateFile = filepath.Join(o.Dir, "haproxy.state")
	r := &Runner{o: o, file: filepath.Join(o.Dir, "haproxy.cfg"), running: make(chan struct{}), draining: map[string]bool{}, weights: map[string]int{}}
	for _, s := range o.Config.Servers {
		r.weights[s.Name] = s.Weight
	}
	r.control = &Control{Sockets: o.Config.Sockets, Servers: o.Config.Servers, StateFile: o.Config.StateFile}
	return r, nil
}

// Run runs HAProxy on l until ctx ends; Prepare was called before. It closes l. That HAProxy does not start is an error;
// once it has, it is started again where it dies.
func (r *Runner) Run(ctx context.Context, l net.Listener) error {
	defer func() { _ = l.Close() }()
	front, err := fileOf(l)
	if err != nil {
		return err
	}
	defer func() { _ = front.Close() }()
	backoff := backoffFirst
	for first := true; ; first = false {
		began := time.Now()
		p, err := r.start(ctx, front)
		if err == nil {
			if r.follow(ctx, p) {
				return nil
			}
			err = fmt.Errorf("it ended: %w%s", p.err, p.said())
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was stopped while it started
		}
		if first && p == nil {
			return err
		}
		if time.Since(began) >= backoffReset {
			backoff = backoffFirst
		}
		r.o.Log.Error("haproxy is started again", "err", err, "after", backoff.String())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, backoffMost)
	}
}

// start starts HAProxy and returns once it serves; what was drained is drained again.
func (r *Runner) start(ctx context.Context, front *os.File) (*process, error) {
	if err := r.begin(); err != nil {
		return nil, err
	}
	p, err := r.launch(front)
	if err != nil {
		return nil, err
	}
	patience, cancel := context.WithTimeout(ctx, startMost)
	defer cancel()
	for {
		if _, err := ask(patience, r.o.Config.Sockets.Runtime, "show info"); err == nil {
			if _, err = listProcesses(patience, r.o.Config.Sockets.Master); err == nil {
				break
			}
		}
		select {
		case <-p.ended:
			return nil, fmt.Errorf("HAProxy did not start: %w; %s says:%s", p.err, r.o.LogFile, p.said())
		case <-patience.Done():
			p.end()
			return nil, fmt.Errorf("HAProxy did not answer within %s; see %s", startMost, r.o.LogFile)
		case <-time.After(5 * time.Millisecond):
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range r.draining {
		err = errors.Join(err, r.control.Drain(ctx, name))
	}
	for name, weight := range r.weights { // one may have changed since the file was written
		err = errors.Join(err, r.control.SetWeight(ctx, name, weight))
	}
	if err != nil {
		p.end()
		return nil, err
	}
	close(r.running)
	r.o.Log.Info("haproxy serves", "pid", p.cmd.Process.Pid, "version", r.program.Version)
	return p, nil
}

// follow waits until HAProxy ends, and says whether that was wanted: ctx has ended, and it was stopped.
func (r *Runner) follow(ctx context.Context, p *process) bool {
	defer func() {
		r.mu.Lock()
		r.running = make(chan struct{})
		r.mu.Unlock()
	}()
	silent := map[string]time.Time{}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-p.ended:
			return false
		case <-tick.C:
			r.breakOff(ctx, silent)
		case <-ctx.Done():
			r.stop(context.WithoutCancel(ctx), p)
			return true
		}
	}
}

// stop ends HAProxy once nothing is in flight, or stopMost has passed.
func (r *Runner) stop(ctx context.Context, p *process) {
	deadline := time.Now().Add(stopMost)
	for time.Now().Before(deadline) {
		_, totals, err := r.control.Read(ctx)
		if err != nil || totals.InFlight == 0 {
			break
		}
		select {
		case <-p.ended:
			return
		case <-time.After(idleEvery):
		}
	}
	_ = p.cmd.Process.Signal(syscall.SIGUSR1) // no new connections; an error means that it has ended
	select {
	case <-p.ended:
		return
	case <-time.After(replyMost): // the last replies are on their way; connections without a request stay open
	}
	p.end()
}

const replyMost = 100 * time.Millisecond
