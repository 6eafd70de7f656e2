package ratelimit

import (
	"context"
	"sync"
	"time"
)

// Local counts in this process. Safe for concurrent use.
type Local struct {
	now func() time.Time

	mu     sync.Mutex
	counts map[string]*count
	swept  time.Time
}

type count struct {
	n    int
	ends time.Time
}

// mostCounts bounds the memory that addresses may take: about 200 bytes each. From someCounts on, those that have ended are
// forgotten now and then.
const (
	mostCounts = 100_000
	someCounts = 1000
)

// NewLocal counts by a clock; nil is time.Now.
func NewLocal(now func() time.Time) *Local {
	if now == nil {
		now = time.Now
	}
	return &Local{now: now, counts: map[string]*count{}}
}

// Count implements Counter. Where more keys are counted than there is room for, new ones share one count.
func (l *Local) Count(_ context.Context, key string, window time.Duration) (int, time.Duration, error) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts[key]
	if c == nil && len(l.counts) >= someCounts {
		l.sweep(now)
		if len(l.counts) >= mostCounts {
			key = ""
			c = l.counts[key]
		}
	}
	if c == nil || !now.Before(c.ends) {
		c = &count{ends: now.Add(window)}
		l.counts[key] = c
	}
	c.n++
	return c.n, c.ends.Sub(now), nil
}

// sweep forgets the windows that have ended, once a second at most: it looks at all of them.
func (l *Local) sweep(now time.Time) {
	if past := now.Sub(l.swept); past >= 0 && past < time.Second {
		return
	}
	l.swept = now
	for key, c := range l.counts {
		if !now.Before(c.ends) {
			delete(l.counts, key)
		}
	}
}
