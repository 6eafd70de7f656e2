// Package zmq is the outgoing ZeroMQ connection: PUSH and PUB sockets that a service sends text through without
// ever waiting for a peer.
//
// A message goes into a bounded queue of our own. Each TCP connection to a peer has one goroutine that takes
// batches from a queue and writes them, and one that reads, so that a peer's end is seen at once; a new TCP
// connection with a new handshake follows. Package zmtp has the handshake and the frames: go-zeromq/zmq4's Socket is not used, for its
// automatic reconnect stops for good once a peer has restarted, and its PUSH sends to all peers at once.
//
// What is delivered. PUSH: every message that was queued leaves in order, once, for a peer that has shaken
// hands; while there is none it waits in the queue. ZeroMQ has no acknowledgements, so what the operating system
// had accepted when a peer died is lost with it: what lies in this side's send buffer (64 KiB asked for), the peer's
// receive buffer and, of a libzmq peer, the queue from which it had not read yet. Before each write the
// connection is checked for its end, so nothing that is queued after a peer's end has reached this machine goes to the
// dead connection. A peer whose machine vanishes without a word is found by TCP alone: after 8 s when nothing
// is being sent, and when something is, after the system's retransmission limit (about 15 minutes on Linux); the send
// buffer bounds what is lost. PUB: a message goes to the subscribers of that moment, and is dropped for one whose queue is
// full and where there is none, as in libzmq.
package zmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/zmtp"
)

// Config is what a definition holds.
type Config struct {
	IsActive     bool   `json:"is_active" doc:"an inactive connection refuses every message"`
	Address      string `json:"address" kind:"required" doc:"tcp://host:port of the peer, or to listen at; tcp://*:port listens on all interfaces"`
	SocketType   string `json:"socket_type" choices:"PUSH,PUB" doc:"PUSH: each message to one peer; PUB: to all subscribers"`
	SocketMethod string `json:"socket_method" choices:"connect,bind" doc:"connect to the peer, or bind and wait for peers"`
	QueueSize    int    `json:"queue_size" doc:"messages that may wait for a peer; of PUB for each subscriber"`
	QueueBytes   int    `json:"queue_bytes" doc:"bytes that may wait, beside queue_size"`
}

// Check finds everything that is wrong with the values.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	if _, err := c.hostPort(); err != nil {
		faults.Add("address", "%s", err)
	}
	if c.SocketType != "PUSH" && c.SocketType != "PUB" {
		faults.Add("socket_type", "unknown type %q; expected PUSH or PUB", c.SocketType)
	}
	if c.SocketMethod != "connect" && c.SocketMethod != "bind" {
		faults.Add("socket_method", "unknown method %q; expected connect or bind", c.SocketMethod)
	}
	if c.QueueSize < 1 {
		faults.Add("queue_size", "expected at least 1 message, not %d", c.QueueSize)
	}
	if c.QueueBytes < 1 {
		faults.Add("queue_bytes", "expected at least 1 byte, not %d", c.QueueBytes)
	}
	return faults
}

// hostPort is the address for package net.
func (c Config) hostPort() (string, error) {
	return zmtp.HostPort(c.Address, c.SocketMethod == "bind")
}

// Kind is the row for the node's table of kinds.
func Kind() outconn.Kind {
	def := Config{IsActive: true, SocketType: "PUSH", SocketMethod: "connect", QueueSize: 10_000, QueueBytes: 64 << 20}
	return outconn.Define("outgoing_zmq", "an outgoing ZeroMQ connection, PUSH or PUB", []string{"zmq"}, def, build)
}

// conn implements outconn.Conn and outconn.Starter.
type conn struct {
	cfg      Config
	name     string
	hostPort string
	log      *slog.Logger

	queue *queue       // of PUSH, shared by its peers
	subs  *subscribers // of PUB, where each peer has a queue of its own
	state state

	mu     sync.Mutex
	cancel context.CancelFunc // ends the loop; nil until Start
	done   chan struct{}      // closed when the loop has returned
	closed bool
}

func build(cfg Config, d outconn.Deps) (outconn.Conn, error) {
	hostPort, err := cfg.hostPort()
	if err != nil {
		return nil, kind.Faults{{Path: "address", Message: err.Error()}}
	}
	c := &conn{cfg: cfg, name: d.Name, hostPort: hostPort, done: make(chan struct{})}
	c.log = d.Log.With("outconn", d.Name, "address", cfg.Address)
	c.queue = newQueue(cfg.QueueSize, cfg.QueueBytes)
	if cfg.SocketType == "PUB" {
		c.subs = &subscribers{peers: map[*peer]struct{}{}}
	}
	return c, nil
}

// Start begins to connect or to listen.
func (c *conn) Start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil || c.closed || !c.cfg.IsActive {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	go func() {
		defer close(c.done)
		if c.cfg.SocketMethod == "bind" {
			c.listen(ctx)
		} else {
			c.connect(ctx)
		}
	}()
}

// Call has one method, send(data): text goes as it is, anything else as JSON. It returns nil as soon as the
// message is queued.
func (c *conn) Call(_ context.Context, method string, args []any, kwargs map[string]any) (any, error) {
	if method != "send" {
		return nil, outconn.UnknownMethod(c.name, method, []string{"send"})
	}
	if !c.cfg.IsActive {
		return nil, &service.Error{Code: service.Unavailable, Message: fmt.Sprintf("outconn %q is inactive", c.name), Fix: "set its is_active to true"}
	}
	data, err := c.message(args, kwargs)
	if err != nil {
		return nil, err
	}
	frame, err := c.frame(data)
	if err != nil {
		return nil, err
	}
	if c.subs != nil {
		if !c.subs.publish(frame) {
			return nil, c.refused(errClosed)
		}
		return nil, nil
	}
	if err := c.queue.put(frame); err != nil {
		return nil, c.refused(err)
	}
	return nil, nil
}

func (c *conn) message(args []any, kwargs map[string]any) (any, error) {
	data, named := kwargs["data"]
	switch {
	case len(args) == 1 && len(kwargs) == 0:
		return args[0], nil
	case len(args) == 0 && len(kwargs) == 1 && named:
		return data, nil
	}
	return nil, service.Errorf(service.Internal, "outconn %q: send takes one message, not %d arguments and %d named ones", c.name, len(args), len(kwargs))
}

// frame is data as one ZMTP frame, header included.
func (c *conn) frame(data any) ([]byte, error) {
	if text, ok := data.(string); ok {
		return append(zmtp.Header(len(text)), text...), nil
	}
	raw, err := service.AppendJSON(nil, data)
	if err != nil {
		return nil, service.Errorf(service.Internal, "outconn %q: the message cannot be written as JSON: %w", c.name, err)
	}
	return append(zmtp.Header(len(raw)), raw...), nil
}

// refused turns a queue's error into one for the caller.
func (c *conn) refused(err error) error {
	e := &service.Error{Code: service.Unavailable, Err: err}
	switch {
	case errors.Is(err, errClosed):
		e.Message = fmt.Sprintf("outconn %q is closed", c.name)
	case errors.Is(err, errTooBig):
		e.Code = service.TooLarge
		e.Message = fmt.Sprintf("outconn %q: the message is larger than the whole queue (queue_bytes %d)", c.name, c.cfg.QueueBytes)
		e.Fix = "send less at once or raise its queue_bytes"
	default:
		if c.state.refuse() {
			c.log.Warn("zmq queue is full, messages are refused", "queued", c.queue.len())
		}
		e.Message = fmt.Sprintf("outconn %q: its queue is full: %d messages wait for %s (queue_size %d, queue_bytes %d)",
			c.name, c.queue.len(), c.cfg.Address, c.cfg.QueueSize, c.cfg.QueueBytes)
		e.Fix = "start the peer or see why it does not read, or raise its queue_size"
	}
	return e
}

// Close sends what is queued until ctx ends, waits until the peers have read up to the end, and says how many messages
// were not sent.
func (c *conn) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	cancel := c.cancel
	c.mu.Unlock()
	c.queue.close()
	if c.subs != nil {
		c.subs.close()
	}
	if cancel != nil {
		if c.unsent() == 0 && c.state.peers() == 0 {
			cancel()
		}
		select {
		case <-c.done:
		case <-ctx.Done():
		}
		cancel()
		<-c.done
	}
	n := c.unsent()
	if n == 0 {
		return nil
	}
	e := service.Errorf(service.Upstream, "outconn %q: closed with %d messages not sent to %s", c.name, n, c.cfg.Address)
	if why := c.state.lastErr(); why != nil {
		e.Message += ": " + reason(why)
		e.Err = why
	}
	return e
}

func (c *conn) unsent() int {
	if c.subs != nil {
		return c.subs.unsent()
	}
	return c.queue.len()
}
