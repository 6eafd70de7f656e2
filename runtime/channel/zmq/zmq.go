// Package zmq is the channel_zmq kind: messages that peers send over ZeroMQ go to a service. PULL and SUB, bind or
// connect; libzmq and others at the other side.
//
// What is delivered. A message goes to the service at most once: ZeroMQ has no acknowledgements, so a message counts as
// delivered for its sender when its operating system has taken it. When a server is killed, what had left the sender
// and was not handled is lost: this process's own (each peer's last message read, and pool of them in the service), the
// receive buffer of this side (128 KiB asked for) and the send buffer of the sender's. What its sender still holds waits
// there, and goes to the server that takes the channel over. A planned end loses none of a libzmq peer's: the listener is
// closed, each peer is told by the end of our sending side and its connection is read until it ends, for a second at most,
// and what was read is handled.
package zmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/service"
)

const (
	dialLimit   = 2 * time.Second
	acceptPause = 100 * time.Millisecond // after a failed accept: out of file descriptors, for one
	maxPeers    = 1000                   // that a channel which binds serves at a time
)

// Kind is the row of this kind in the node's table.
func Kind() channel.Kind {
	return channel.DefineRunner("channel_zmq", "messages that come over ZeroMQ, PULL or SUB, go to a service", Defaults(), New)
}

// runner implements channel.Runner.
type runner struct {
	config   Config
	hostPort string
	name     string
	handler  service.Handler
	log      *slog.Logger
	pool     *pool
}

// New builds the channel.
func New(c Config, d channel.Deps) (channel.Runner, error) {
	hostPort, err := c.hostPort()
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &runner{
		config: c, hostPort: hostPort, name: d.Name, handler: d.Handle,
		log: log.With(slog.String("channel", d.Name), slog.String("service", c.Service)),
	}
	r.pool = newPool(c.Pool, r.handle)
	return r, nil
}

// Exclusive implements channel.Runner.
func (r *runner) Exclusive() bool { return r.config.Servers == one }

// Wait implements channel.Runner.
func (r *runner) Wait() { r.pool.wait() }

// Run implements channel.Runner. Where the channel connects, it is one connection's life.
func (r *runner) Run(ctx context.Context) error {
	if r.config.SocketMethod == bind {
		return r.listen(ctx)
	}
	d := net.Dialer{Timeout: dialLimit}
	tcp, err := d.DialContext(ctx, "tcp", r.hostPort)
	if err != nil {
		return fmt.Errorf("no peer at %s: %w", r.config.Address, err)
	}
	p, err := r.greet(ctx, tcp)
	if err != nil {
		return fmt.Errorf("no ZeroMQ peer at %s: %w", r.config.Address, err)
	}
	r.log.Info("zmq channel is connected", "address", r.config.Address)
	if err := p.read(ctx); err != nil {
		return fmt.Errorf("the peer at %s: %w", r.config.Address, err)
	}
	return nil
}

// listen binds and serves each peer that comes.
func (r *runner) listen(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", r.hostPort)
	if err != nil {
		return fmt.Errorf("cannot listen at %s: %w", r.config.Address, err)
	}
	r.log.Info("zmq channel listens", "address", r.config.Address)
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	var peers sync.WaitGroup
	defer peers.Wait()
	places := make(chan struct{}, maxPeers)
	for {
		tcp, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = tcp.Close()
			}
			return nil
		case err != nil:
			select {
			case <-ctx.Done():
			case <-time.After(acceptPause):
			}
			continue
		}
		select {
		case places <- struct{}{}:
		default:
			_ = tcp.Close()
			r.log.Warn("zmq peer refused: the channel serves as many as it can", "peer", tcp.RemoteAddr().String(), "peers", maxPeers)
			continue
		}
		peers.Go(func() {
			defer func() { <-places }()
			r.serve(ctx, tcp)
		})
	}
}

// serve is the life of one peer that came.
func (r *runner) serve(ctx context.Context, tcp net.Conn) {
	from := slog.String("peer", tcp.RemoteAddr().String())
	p, err := r.greet(ctx, tcp)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("zmq peer refused", from, slog.Any("err", err))
		}
		return
	}
	r.log.Debug("zmq peer came", from)
	var bad *badInput
	switch err := p.read(ctx); {
	case errors.As(err, &bad):
		r.log.Warn("zmq peer disconnected", from, slog.Any("err", err))
	case err != nil:
		r.log.Debug("zmq peer went", from, slog.Any("err", err))
	}
}

// handle is one message's way through the service.
func (r *runner) handle(ctx context.Context, m *message) {
	start, cid := time.Now(), service.NewCID()
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout.Std())
	defer cancel()
	_, err := r.handler.Handle(ctx, &service.Request{CID: cid, Channel: r.name, Raw: m.body, Params: m.params(r.config.SocketType), Remote: m.from})
	attrs := []slog.Attr{
		slog.String("cid", cid), slog.Int("bytes", len(m.body)), slog.Float64("ms", float64(time.Since(start).Microseconds())/1000),
	}
	if err == nil {
		r.log.LogAttrs(ctx, slog.LevelInfo, "message", attrs...)
		return
	}
	var known *service.Error
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.As(err, &known) {
		err = fmt.Errorf("service %q did not answer within %s: %w", r.config.Service, r.config.Timeout.Std(), err)
	}
	r.log.LogAttrs(ctx, slog.LevelError, "message failed", append(attrs, slog.String("err", causeOf(err)))...)
}

// causeOf is err with the cause that an *Error keeps for the log.
func causeOf(err error) string {
	text := err.Error()
	var known *service.Error
	if errors.As(err, &known) && known.Err != nil && !strings.Contains(text, known.Err.Error()) {
		text += ": " + known.Err.Error()
	}
	return text
}
