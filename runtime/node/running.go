package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/cluster"
	"github.com/parley-run/parley/runtime/service"
)

// A Runner that failed is run again after firstPause, then after twice as long, lastPause at most; one that has run for
// steadyTime runs well.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
	steadyTime = time.Second
)

// running is one channel.Runner, from the change that brought it to the one that changes or removes it. The services
// behind it may change meanwhile: last has them.
type running struct {
	node     *Node
	key      catalog.Key
	log      *slog.Logger
	runner   channel.Runner
	deployed bool                         // each of its services: else it waits, and another takes its place when they are
	last     atomic.Pointer[boundChannel] // as it serves, or served last

	retired context.Context //nolint:containedctx // ends, by ErrStopped, when it is to stop
	end     context.CancelCauseFunc
	free    chan struct{} // closed: another may take its place

	handled, failed atomic.Int64

	mu      sync.Mutex
	state   string
	problem error // of the last Run; nil: it runs well
}

// Standing is how a channel that runs by itself stands on one server.
type Standing struct {
	Kind    string
	Name    string
	State   string // runs, or what it waits for
	Problem string // why it cannot run; empty where it can
	Handled int64  // messages since this server or the channel's config changed, failed ones too
	Failed  int64
}

// What a running channel may stand at.
const (
	waitsForServices = "waits for its service to be deployed"
	waitsForStart    = "waits for the server to be ready"
	waitsForLease    = "waits for its lease"
	runs             = "runs"
	failing          = "fails, and is tried again"
)

func (n *Node) newRunning(o *catalog.Object, deployed bool) *running {
	r := &running{
		node: n, key: o.Key(), log: n.log.With("channel", o.Name), deployed: deployed, state: waitsForServices, free: make(chan struct{}),
	}
	if deployed {
		r.state = waitsForStart
	}
	r.retired, r.end = context.WithCancelCause(context.WithoutCancel(n.runners.patience))
	return r
}

func (r *running) retire() { r.end(channel.ErrStopped) }

// run is the whole life of r, which begins when that before it has left its place.
func (r *running) run(prev *running) {
	defer r.runner.Wait()
	defer close(r.free)
	if prev != nil {
		<-prev.free
	}
	select {
	case <-r.node.runners.ready:
	case <-r.retired.Done():
		return
	}
	if r.runner.Exclusive() {
		r.hold()
	} else {
		r.serve(r.retired)
	}
}

// hold serves while this server has the channel's lease, which it keeps until what was asked to stop has done so.
func (r *running) hold() {
	ctx, end := context.WithCancel(context.WithoutCancel(r.retired))
	defer end()
	var mu sync.Mutex
	holding := false
	stop := context.AfterFunc(r.retired, func() {
		mu.Lock()
		defer mu.Unlock()
		if !holding {
			end()
		}
	})
	defer stop()
	turn := func(to bool) (goesOn bool) {
		mu.Lock()
		defer mu.Unlock()
		holding = to
		if r.retired.Err() != nil {
			end()
			return false
		}
		return true
	}
	r.stand(waitsForLease, nil)
	r.node.leases.Hold(ctx, r.key.Kind+" "+r.key.Name, r.node.server.Name, leaseTime, r.node.log, func(held context.Context, _ cluster.Lease) {
		if !turn(true) {
			return
		}
		under, cancel := context.WithCancelCause(held)
		defer cancel(nil)
		stop := context.AfterFunc(r.retired, func() { cancel(channel.ErrStopped) }) //nolint:contextcheck // both end it
		defer stop()
		r.serve(under)
		if turn(false) {
			r.stand(waitsForLease, nil)
		}
	})
}

// serve runs the Runner, again and again where it fails, until ctx ends. One that only one server may run gives way when it
// has failed for a while: another server's machine may have what this one lacks.
func (r *running) serve(ctx context.Context) {
	pause, well := firstPause, time.Now()
	r.stand(runs, nil)
	for {
		began := time.Now()
		steady := time.AfterFunc(steadyTime, func() { r.note(nil) })
		err := r.runner.Run(ctx)
		steady.Stop()
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("it ended by itself")
		}
		r.note(err)
		if time.Since(began) > steadyTime {
			pause, well = firstPause, time.Now()
		}
		if r.runner.Exclusive() && time.Since(well) > r.node.runners.giveWay {
			r.log.Warn("channel gives way: another server may be able to run it", "err", err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

func (r *running) stand(state string, problem error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state, r.problem = state, problem
}

// note takes in why the last Run ended, or that the present one goes well, and logs it where it is news.
func (r *running) note(problem error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.problem
	r.problem = problem
	switch {
	case problem == nil && was != nil:
		r.log.Info("channel runs again")
	case problem != nil && (was == nil || was.Error() != problem.Error()):
		r.log.Warn("channel cannot run, and is tried again", "err", problem)
	}
}

func (r *running) stands() Standing {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Standing{Kind: r.key.Kind, Name: r.key.Name, State: r.state, Handled: r.handled.Load(), Failed: r.failed.Load()}
	if r.problem != nil {
		s.State, s.Problem = failing, r.problem.Error()
	}
	return s
}

// handler is what the Runner calls: the i-th of its services, as it is deployed when the message comes.
func (r *running) handler(i int) service.Handler {
	return service.HandlerFunc(func(ctx context.Context, req *service.Request) (res *service.Response, err error) {
		s := r.node.enter()
		defer s.leave()
		c := s.channels[r.key]
		if c == nil || c.running != r {
			c = r.last.Load() // retired: what it accepted is handled as its channel was
		}
		ctx, cancel := context.WithCancel(context.WithValue(ctx, stateKey{}, s))
		defer cancel()
		stop := context.AfterFunc(r.node.runners.patience, cancel) //nolint:contextcheck // both end it
		defer stop()
		defer func() {
			// As net/http does for the channels that it serves: one message must not take the server along.
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
			r.handled.Add(1)
			if err == nil {
				return
			}
			r.failed.Add(1)
			if r.node.runners.patience.Err() != nil {
				err = fmt.Errorf("the server stopped before it was done: %w: %w", context.Canceled, err)
			}
		}()
		return c.chains[i].Handle(ctx, req)
	})
}

// secret says whether an input field of the channel's own service is a secret, as it is deployed now.
func (r *running) secret(field string) bool {
	c := r.last.Load()
	return c != nil && c.entry() != nil && c.entry().secret[field]
}
