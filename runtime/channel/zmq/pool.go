package zmq

import (
	"context"
	"sync"
)

// pool handles messages, a bounded number at a time.
type pool struct {
	slots  chan struct{}
	handle func(context.Context, *message)
	group  sync.WaitGroup

	mu      sync.Mutex
	backlog []*message // that came when the channel was ending
}

func newPool(size int, handle func(context.Context, *message)) *pool {
	return &pool{slots: make(chan struct{}, size), handle: handle}
}

// put hands a message over and waits until it is being handled, so that whoever reads from a peer stops when the pool is
// full. Once ctx has ended it does not wait: the message is handled when its turn comes, after those put before.
func (p *pool) put(ctx context.Context, m *message) {
	detached := context.WithoutCancel(ctx)
	if ctx.Err() == nil {
		select {
		case p.slots <- struct{}{}:
			p.group.Go(func() {
				defer func() { <-p.slots }()
				p.handle(detached, m)
			})
			return
		case <-ctx.Done():
		}
	}
	p.mu.Lock()
	p.backlog = append(p.backlog, m)
	p.mu.Unlock()
	p.group.Go(func() {
		p.slots <- struct{}{}
		defer func() { <-p.slots }()
		p.mu.Lock()
		first := p.backlog[0]
		p.backlog = p.backlog[1:]
		p.mu.Unlock()
		p.handle(detached, first)
	})
}

// wait returns when all has been handled.
func (p *pool) wait() { p.group.Wait() }
