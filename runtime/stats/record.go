package stats

import (
	"math"
	"sync/atomic"
	"time"
)

// Counter counts one thing, such as a service. Until its first request it is these few words; then it grows with the range
// of its times, by a page for each factor of 3.6 between them.
type Counter struct {
	key   Key
	stats *Stats
	used  atomic.Pointer[counters]
	watch atomic.Pointer[watch] // nil: nothing is kept of single requests
	saved int64                 // count on disk; belongs to Save
	taken Sketch                // what take has given out; belongs to Save
}

// counters are a histogram and sums. Every word is atomic: recording takes no lock, and eight goroutines on
// one service wait for one another only as long as a cache line moves.
type counters struct {
	errors atomic.Int64
	sum    atomic.Int64 // ns
	min    atomic.Int64 // ns
	max    atomic.Int64 // ns
	low    atomic.Int64 // ns, since the last take
	high   atomic.Int64 // ns, likewise
	recent [64]atomic.Uint64
	pages  [pageCount]atomic.Pointer[page]
}

// page holds the counts of neighbouring buckets.
type page [pageSize]atomic.Int64

const (
	pageSize  = 64
	pageCount = 26
	longest   = 24 * time.Hour // what takes longer is counted as this long
	window    = 60             // seconds that the rate is of
)

// Record counts a request that ended at end and took that long. Safe for concurrent use.
func (s *Counter) Record(end time.Time, took time.Duration, failed bool) {
	took = min(max(took, 1), longest) // a clock may have no finer step; a sketch has no bucket for 0
	s.record(end, took, bucketOf(took), failed)
}

func (s *Counter) record(end time.Time, took time.Duration, index int, failed bool) {
	c := s.counters()
	c.sum.Add(int64(took))
	if took := int64(took); took < c.low.Load() || took > c.high.Load() {
		lower(&c.min, took) // before the others: who sees those goes by them
		raise(&c.max, took)
		lower(&c.low, took)
		raise(&c.high, took)
	}
	if s.key.Kind == ServiceKind { // of which the rate is told
		c.tick(end.Sub(s.stats.started))
	}
	c.add(index, 1) // last but for the error: who sees it counted sees its time
	if failed {
		c.errors.Add(1)
	}
}

func (s *Counter) counters() *counters {
	if c := s.used.Load(); c != nil {
		return c
	}
	fresh := &counters{}
	fresh.min.Store(math.MaxInt64)
	fresh.low.Store(math.MaxInt64)
	if s.used.CompareAndSwap(nil, fresh) {
		return fresh
	}
	return s.used.Load()
}

func (c *counters) add(index int, n int64) {
	slot := &c.pages[index/pageSize]
	p := slot.Load()
	if p == nil {
		p = &page{}
		if !slot.CompareAndSwap(nil, p) {
			p = slot.Load()
		}
	}
	p[index%pageSize].Add(n)
}

// tick counts for the rate. A slot holds a second since the start and, in its lower half, that second's count.
func (c *counters) tick(sinceStart time.Duration) {
	second := uint64(max(0, sinceStart/time.Second))
	slot := &c.recent[second%uint64(len(c.recent))]
	for {
		old := slot.Load()
		switch {
		case old>>32 == second:
			slot.Add(1)
			return
		case old>>32 > second: // older than the window by now
			return
		case slot.CompareAndSwap(old, second<<32|1):
			return
		}
	}
}

// rate is requests per second over the last minute, or since the start.
func (c *counters) rate(sinceStart time.Duration) float64 {
	current := int64(sinceStart / time.Second)
	var count uint64
	for i := range c.recent {
		slot := c.recent[i].Load()
		if second := int64(slot >> 32); second <= current && second > current-window {
			count += slot & math.MaxUint32
		}
	}
	// The current second has only begun.
	span := min(sinceStart, (window-1)*time.Second+sinceStart%time.Second)
	return float64(count) / max(span, time.Second).Seconds()
}

func (s *Counter) snapshot(now time.Time) ServiceStats {
	out := ServiceStats{Service: s.key.Name}
	c := s.used.Load()
	if c == nil {
		return out
	}
	out.Errors = c.errors.Load() // before the counts, so that they are no fewer
	for i := range c.pages {
		p := c.pages[i].Load()
		if p == nil {
			continue
		}
		for j := range p {
			if n := p[j].Load(); n > 0 {
				out.Buckets = append(out.Buckets, int64(i*pageSize+j), n)
				out.Count += n
			}
		}
	}
	out.SumNS, out.MinNS, out.MaxNS = c.sum.Load(), c.min.Load(), c.max.Load()
	if out.Count == 0 {
		out.MinNS = 0
	}
	out.Rate = c.rate(now.Sub(s.stats.started))
	return out
}

// restore adds what an earlier process counted.
func (s *Counter) restore(from ServiceStats) {
	c := s.counters()
	c.errors.Add(from.Errors)
	c.sum.Add(from.SumNS)
	lower(&c.min, from.MinNS)
	raise(&c.max, from.MaxNS)
	restored := Sketch{Errors: from.Errors, SumNS: from.SumNS}
	from.each(func(index int, n int64) {
		c.add(index, n)
		s.saved += n
		restored.Count += n
		restored.Buckets = append(restored.Buckets, int64(index), n)
	})
	s.taken.add(restored)
}

// take is what was counted since the last take, and whether there is anything. What requests that are being counted at
// this moment add is in the next one.
func (s *Counter) take() (Sketch, bool) {
	c := s.used.Load()
	if c == nil {
		return Sketch{}, false
	}
	now := s.snapshot(s.stats.started).sketch()
	delta := now.since(s.taken)
	if delta.Count == 0 {
		return delta, false
	}
	delta.Errors = min(delta.Errors, delta.Count) // more: of a request that the last take counted without its error
	delta.MinNS, delta.MaxNS = c.low.Swap(math.MaxInt64), c.high.Swap(0)
	if delta.MinNS > delta.MaxNS { // the one request was between its bounds and its count when these were taken
		mean := delta.SumNS / delta.Count
		delta.MinNS, delta.MaxNS = mean, mean
	}
	s.taken = Sketch{Count: now.Count, Errors: s.taken.Errors + delta.Errors, SumNS: now.SumNS, Buckets: now.Buckets}
	return delta, true
}

func lower(to *atomic.Int64, v int64) {
	for old := to.Load(); v < old && !to.CompareAndSwap(old, v); old = to.Load() {
	}
}

func raise(to *atomic.Int64, v int64) {
	for old := to.Load(); v > old && !to.CompareAndSwap(old, v); old = to.Load() {
	}
}
