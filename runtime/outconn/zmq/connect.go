package zmq

import (
	"context"
	"fmt"
	"net"
	"time"
)

const (
	dialLimit = 2 * time.Second
	firstWait = 100 * time.Millisecond
	lastWait  = time.Second
)

// connect keeps one connection to the peer until ctx ends or the closed queue is drained.
func (c *conn) connect(ctx context.Context) {
	wait := firstWait
	for !c.finished() {
		p, err := c.dial(ctx)
		if err == nil {
			wait = firstWait
			err = c.session(ctx, p)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			c.away(err)
		}
		if c.finished() || !c.pause(ctx, wait) {
			return
		}
		if p == nil {
			wait = min(2*wait, lastWait)
		}
	}
}

// finished says that nothing is left to do: the connection is closed, and PUSH has sent everything.
func (c *conn) finished() bool {
	if c.subs != nil {
		return c.subs.isClosed()
	}
	return c.queue.drained()
}

// pause waits d and is false when that makes no sense any more.
func (c *conn) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *conn) dial(ctx context.Context) (*peer, error) {
	d := net.Dialer{Timeout: dialLimit}
	tcp, err := d.DialContext(ctx, "tcp", c.hostPort)
	if err != nil {
		return nil, err
	}
	p, err := shake(ctx, tcp, c.cfg.SocketType)
	if err != nil {
		return nil, fmt.Errorf("no ZeroMQ handshake: %w", err)
	}
	return p, nil
}

// session serves a peer until it goes.
func (c *conn) session(ctx context.Context, p *peer) error {
	c.back()
	c.state.add(1)
	defer c.state.add(-1)
	if c.subs == nil {
		return p.serve(ctx, c.queue, c.share)
	}
	p.queue = newQueue(c.cfg.QueueSize, c.cfg.QueueBytes)
	if !c.subs.add(p) {
		_ = p.tcp.Close()
		return nil
	}
	defer c.subs.remove(p)
	return p.serve(ctx, p.queue, func(int) int {
		if n := p.dropped.Swap(0); n > 0 {
			c.log.Warn("zmq subscriber was too slow, messages to it were dropped", "peer", p.tcp.RemoteAddr().String(), "dropped", n)
		}
		return batchFrames
	})
}

// share is how many of the waiting messages one PUSH peer takes at once, so that all peers get some.
func (c *conn) share(waiting int) int {
	if waiting <= c.cfg.QueueSize/2 {
		if n := c.state.room(); n > 0 {
			c.log.Info("zmq queue has room again", "refused", n)
		}
	}
	peers := max(1, c.state.peers())
	return min(batchFrames, (waiting+peers-1)/peers)
}

// away and back log the start and the end of an outage, once each.
func (c *conn) away(err error) {
	if c.state.away(err, time.Now()) {
		c.log.Warn("zmq peer is away, messages wait", "queued", c.queue.len(), "err", err)
	}
}

func (c *conn) back() {
	if outage, refused, ok := c.state.back(time.Now()); ok {
		c.log.Info("zmq peer is back", "ms", outage.Milliseconds(), "queued", c.queue.len(), "refused", refused)
	}
}
