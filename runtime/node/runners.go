package node

import (
	"context"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/catalog"
)

// runners are the channels that run by themselves on this server, from the moment that it is ready until it stops.
type runners struct {
	ready    chan struct{}   // closed once the server is ready: what it brings into the catalog is there
	patience context.Context //nolint:containedctx // what is in flight is handled under it: ends when the node gives up on that
	giveUp   context.CancelFunc
	group    sync.WaitGroup
	giveWay  time.Duration // after which a lease is let go of by one that cannot make use of it

	mu       sync.Mutex
	byKey    map[catalog.Key]*running // that was started last
	stopping bool
}

// giveWayTime is 30 s: an outage of a peer or a folder is mostly everybody's, and moving the channel would mend nothing.
const giveWayTime = 30 * time.Second

func newRunners(ctx context.Context) *runners {
	rs := &runners{ready: make(chan struct{}), byKey: map[catalog.Key]*running{}, giveWay: giveWayTime}
	rs.patience, rs.giveUp = context.WithCancel(context.WithoutCancel(ctx))
	return rs
}

// take makes what s holds run, and retires what it does not hold. Only one state at a time is taken.
func (rs *runners) take(s *state) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for key, r := range rs.byKey {
		if c := s.channels[key]; c == nil || c.running != r {
			r.retire()
		}
	}
	for key, c := range s.channels {
		r := c.running
		if r == nil {
			continue
		}
		r.last.Store(c)
		prev := rs.byKey[key]
		if rs.stopping || prev == r || !r.deployed || !c.config.Common().IsActive {
			continue
		}
		rs.byKey[key] = r
		rs.group.Go(func() { r.run(prev) })
	}
}

// stop retires all, for good.
func (rs *runners) stop() {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.stopping = true
	for _, r := range rs.byKey {
		r.retire()
	}
}

// wait returns when all that was accepted has been handled, or when it has been given up on: that is when ctx ends. It
// says whether nothing was.
func (rs *runners) wait(ctx context.Context) bool {
	done := make(chan struct{})
	go func() {
		rs.group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
	}
	rs.giveUp()
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	select {
	case <-done:
	case <-late.Done(): // a service that does not look at its context
	}
	return false
}

// standings are how the channels of s that run by themselves stand, by kind and name.
func (rs *runners) standings(s *state) []Standing {
	out := []Standing{}
	for _, o := range s.snapshot.Objects {
		c := s.channels[o.Key()]
		if c != nil && c.running != nil && c.config.Common().IsActive {
			out = append(out, c.running.stands())
		}
	}
	return out
}
