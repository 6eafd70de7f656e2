package balancer

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// server is a Server with what is known of it. All of it is safe for concurrent use.
type server struct {
	Server
	transport *http.Transport
	conns     conns
	bodies    bodies
	weight    atomic.Int64
	up        atomic.Bool // by the checks
	draining  atomic.Bool // by an operator
	inFlight  atomic.Int64
	served    atomic.Int64
	failed    atomic.Int64
	problem   atomic.Pointer[string] // why it is down, or was the last time
}

// Status is one server as the balancer sees it.
type Status struct {
	Name     string `json:"name"`
	Address  string `json:"address"`
	State    string `json:"state"`     // up, down or draining
	Weight   int    `json:"weight"`    // 0 to 256; 0: it gets no requests
	InFlight int64  `json:"in_flight"` // requests that it works on now
	Queued   int64  `json:"queued"`    // requests that wait for it; the embedded load-balancer queues for no one server
	Served   int64  `json:"served"`    // replies that came from it
	Failed   int64  `json:"failed"`    // requests that it refused, or that broke off
	Error    string `json:"error"`     // of the last failed check; empty once one succeeds
}

// The states of a server.
const (
	Up       = "up"
	Down     = "down"
	Draining = "draining"
)

func newServer(s Server, o Options) *server {
	dialer := &net.Dialer{Timeout: o.DialTimeout, KeepAlive: 15 * time.Second}
	made := &server{Server: s}
	made.weight.Store(DefaultWeight)
	made.transport = &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return made.conns.wrap(c), nil
		},
		// The wrapper is outside: what it counts is what of requests was written, and nothing of handshakes.
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialTLS(ctx, dialer, network, address, o)
			if err != nil {
				return nil, err
			}
			return made.conns.wrap(c), nil
		},
		DisableCompression:    true, // bodies pass as they are
		MaxIdleConnsPerHost:   1024,
		IdleConnTimeout:       IdleTimeout,
		ExpectContinueTimeout: time.Second, // for a server that does not know of it: then the body is sent
	}
	return made
}

// dialTLS is a connection by TLS whose handshake is done.
func dialTLS(ctx context.Context, dialer *net.Dialer, network, address string, o Options) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, o.DialTimeout)
	defer cancel()
	raw, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.ServersTLS != nil {
		config = o.ServersTLS()
	}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address) // it was dialled
	}
	c := tls.Client(raw, config)
	if err := c.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, &net.OpError{Op: "dial", Net: network, Addr: raw.RemoteAddr(), Err: err}
	}
	return c, nil
}

// scheme is how the server is called.
func (s Server) scheme() string {
	if s.TLS {
		return "https"
	}
	return "http"
}

// acquire counts a request in, where the server takes one. The state is looked at again after counting: once
// Drain was called and nothing is in flight, nothing will be.
func (s *server) acquire() bool {
	if !s.available() {
		return false
	}
	s.inFlight.Add(1)
	if s.available() {
		return true
	}
	s.inFlight.Add(-1)
	return false
}

func (s *server) available() bool { return s.up.Load() && !s.draining.Load() && s.weight.Load() > 0 }

// Status is how each server fares, in the order they were given.
func (b *Balancer) Status() []Status {
	out := make([]Status, len(b.servers))
	for i, s := range b.servers {
		out[i] = Status{
			Name: s.Name, Address: s.Address, State: Down, Weight: int(s.weight.Load()),
			InFlight: s.inFlight.Load(), Served: s.served.Load(), Failed: s.failed.Load(),
		}
		if s.up.Load() {
			out[i].State = Up
		}
		if s.draining.Load() {
			out[i].State = Draining
		}
		if p := s.problem.Load(); p != nil {
			out[i].Error = *p
		}
	}
	return out
}

// Drain gives the server no new requests. Those in flight go on: see Idle. One whose client has stopped
// sending is ended.
func (b *Balancer) Drain(name string) error {
	s, err := b.server(name)
	if err != nil {
		return err
	}
	if !s.draining.Swap(true) {
		b.hurry(s)
	}
	return nil
}

// hurry keeps clients that have stopped sending from holding up a drain.
func (b *Balancer) hurry(s *server) {
	time.AfterFunc(b.o.DrainStall, func() {
		if s.draining.Load() && s.bodies.hurry(b.o.DrainStall) > 0 {
			b.hurry(s)
		}
	})
}

// Ready ends Drain.
func (b *Balancer) Ready(name string) error {
	s, err := b.server(name)
	if err != nil {
		return err
	}
	s.draining.Store(false)
	if s.up.Load() {
		b.wake()
	}
	return nil
}

// Idle waits until nothing is in flight on the server, or ctx ends.
func (b *Balancer) Idle(ctx context.Context, name string) error {
	s, err := b.server(name)
	if err != nil {
		return err
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.inFlight.Load() > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s still has %d requests in flight: %w", name, s.inFlight.Load(), ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

func (b *Balancer) server(name string) (*server, error) {
	for _, s := range b.servers {
		if s.Name == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("the balancer has no server %q; its servers are %s", name, b.names())
}

// wake tells waiting requests that a server became available.
func (b *Balancer) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *Balancer) change() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// markDown takes s down for that reason, and drops the connections kept to it.
func (b *Balancer) markDown(s *server, reason string) {
	s.problem.Store(&reason)
	if s.up.Swap(false) {
		b.o.Log.Warn("server is down", "server", s.Name, "err", reason)
		s.transport.CloseIdleConnections()
	}
}

func (b *Balancer) markUp(s *server) {
	s.problem.Store(nil)
	if !s.up.Swap(true) {
		b.o.Log.Info("server is up", "server", s.Name)
		b.wake()
	}
}
