package zmq

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// listen binds, again and again while the port is held, and serves each peer that comes, until ctx ends or the
// connection is closed and drained.
func (c *conn) listen(ctx context.Context) {
	listener := c.bind(ctx)
	if listener == nil {
		return
	}
	var group sync.WaitGroup
	defer group.Wait()
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	defer cancel()
	group.Go(func() {
		c.untilFinished(ctx)
		_ = listener.Close()
	})
	for {
		tcp, err := listener.Accept()
		if err != nil {
			if ctx.Err() != nil || c.finished() {
				// Peers that are being served end by themselves: their queue is closed.
				group.Wait()
				return
			}
			if !c.pause(ctx, firstWait) { // out of file descriptors, for one
				return
			}
			continue
		}
		group.Go(func() {
			p, err := shake(ctx, tcp, c.cfg.SocketType)
			if err != nil {
				c.log.Info("zmq peer refused", "peer", tcp.RemoteAddr().String(), "err", err)
				return
			}
			if err := c.session(ctx, p); err != nil && c.subs == nil && c.state.peers() == 0 {
				c.away(err)
			}
		})
	}
}

// untilFinished returns when the connection is closed and everything has been sent, or ctx has ended.
func (c *conn) untilFinished(ctx context.Context) {
	select {
	case <-c.queue.closed:
	case <-ctx.Done():
		return
	}
	for !c.finished() && c.pause(ctx, firstWait/5) {
	}
}

func (c *conn) bind(ctx context.Context) net.Listener {
	wait := firstWait
	for {
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp", c.hostPort)
		if err == nil {
			c.state.bind()
			if outage, _, ok := c.state.back(time.Now()); ok {
				c.log.Info("zmq address is bound", "ms", outage.Milliseconds())
			}
			return listener
		}
		if ctx.Err() != nil {
			return nil
		}
		if err = fmt.Errorf("cannot listen: %w", err); c.state.away(err, time.Now()) {
			c.log.Warn("zmq address cannot be bound yet", "err", err)
		}
		if c.finished() || !c.pause(ctx, wait) {
			return nil
		}
		wait = min(2*wait, lastWait)
	}
}
