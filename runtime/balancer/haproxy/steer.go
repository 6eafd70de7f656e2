package haproxy

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/parley-run/parley/runtime/balancer"
)

// Drain gives the server no new requests. Those in flight go on: see Idle. It holds for an HAProxy that is started
// later, too.
func (r *Runner) Drain(ctx context.Context, name string) error {
	return r.steer(ctx, name, func() { r.draining[name] = true }, func() error { return r.control.Drain(ctx, name) })
}

// Ready ends Drain. It does not wait for an HAProxy that is about to start.
func (r *Runner) Ready(ctx context.Context, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.weights[name]; !ok {
		return r.control.unknown(name)
	}
	delete(r.draining, name)
	if !closed(r.running) {
		return nil
	}
	return r.control.Ready(ctx, name)
}

// SetWeight makes weight that of the server, from the next request on.
func (r *Runner) SetWeight(ctx context.Context, name string, weight int) error {
	if weight < 0 || weight > balancer.MaxWeight {
		return fmt.Errorf("%d is no weight; expected 0 to %d", weight, balancer.MaxWeight)
	}
	return r.steer(ctx, name, func() { r.weights[name] = weight }, func() error { return r.control.SetWeight(ctx, name, weight) })
}

// steer remembers what is wanted of a server, and tells HAProxy. One that is about to start is waited for: it may serve
// already, and not know.
func (r *Runner) steer(ctx context.Context, name string, remember func(), tell func() error) error {
	r.mu.Lock()
	_, ok := r.weights[name]
	if ok {
		remember()
	}
	running := r.running
	r.mu.Unlock()
	if !ok {
		return r.control.unknown(name)
	}
	if err := r.await(ctx, running); err != nil {
		return err
	}
	return tell()
}

// awaitMost is how long an HAProxy that does not run is waited for.
const awaitMost = 5 * time.Second

func (r *Runner) await(ctx context.Context, running <-chan struct{}) error {
	timer := time.NewTimer(awaitMost)
	defer timer.Stop()
	select {
	case <-running:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("HAProxy does not run; see %s", r.o.LogFile)
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Idle waits until nothing is in flight on the server, or ctx ends.
func (r *Runner) Idle(ctx context.Context, name string) error { return r.control.Idle(ctx, name) }

// Read is how the servers fare, and what HAProxy counts. Where it does not answer, all servers are down to clients.
func (r *Runner) Read(ctx context.Context) ([]balancer.Status, balancer.Totals, error) {
	return r.control.Read(ctx)
}

// SetRoutes says where channels are served: HAProxy is loaded anew where that makes a difference.
func (r *Runner) SetRoutes(ctx context.Context, routes []balancer.Route) error {
	routes = balancer.Repeats(routes)
	r.mu.Lock()
	before := r.routes
	r.routes = routes
	r.mu.Unlock()
	if balancer.SameRoutes(before, routes) {
		return nil
	}
	if err := r.Reload(ctx); err != nil {
		r.mu.Lock()
		r.routes = before // it is asked for again
		r.mu.Unlock()
		return err
	}
	return nil
}

// Reload writes the configuration anew and loads it, such as after a certificate was renewed.
func (r *Runner) Reload(ctx context.Context) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	r.mu.Lock()
	running := r.running
	r.mu.Unlock()
	if err := r.await(ctx, running); err != nil {
		return err
	}
	probe, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { _ = probe.Close() }()
	file, err := fileOf(probe)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if err := r.write(ctx, file); err != nil {
		return err
	}
	return r.control.Reload(ctx)
}

// Version is HAProxy's, once Prepare has found it.
func (r *Runner) Version() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.program.Version
}
