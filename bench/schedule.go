package bench

import (
	"math"
	"sync/atomic"
	"time"
)

// Schedule says when each request of a run is due, counted from the first one. Seq counts from 0.
type Schedule struct {
	Rate    float64 // requests a second
	Warmup  int     // requests before the measured part
	Measure int     // requests of the measured part
}

// NewSchedule is p's: rate times duration requests, rounded, and the warm-up's before them.
func NewSchedule(p Profile) Schedule {
	return Schedule{
		Rate:    p.Rate,
		Warmup:  int(math.Round(p.Rate * p.Warmup.Std().Seconds())),
		Measure: max(1, int(math.Round(p.Rate*p.Duration.Std().Seconds()))),
	}
}

// Total is all requests.
func (s Schedule) Total() int { return s.Warmup + s.Measure }

// Due is when request seq is due after the first.
func (s Schedule) Due(seq int) time.Duration {
	return time.Duration(math.Round(float64(seq) * float64(time.Second) / s.Rate))
}

// Zero is when the measured part begins after the first request.
func (s Schedule) Zero() time.Duration { return s.Due(s.Warmup) }

// pacer is vegeta's Pacer for a Schedule. When the generator or the target held it up it gives no wait until it has
// caught up; since each request's response time counts from when it was due, that burst flatters nothing.
type pacer struct {
	schedule Schedule
	workers  int64
	traffic  *Traffic
	began    chan<- time.Time // capacity 1: the instant that the schedule counts from
	held     bitmap           // requests that were late because all workers waited for the target
	holding  bool
}

// Pace is called by one goroutine, once for each hit.
func (p *pacer) Pace(elapsed time.Duration, hits uint64) (time.Duration, bool) {
	seq := int(hits)
	if seq == 0 {
		p.began <- time.Now().Add(-elapsed)
	}
	if seq >= p.schedule.Total() {
		return 0, true
	}
	wait := p.schedule.Due(seq) - elapsed
	if wait > 0 {
		p.holding = false
	}
	// One less: the worker that took the last tick may not have counted itself yet.
	if p.traffic.UnderWay() >= p.workers-1 {
		p.holding = true
	}
	if p.holding {
		p.held.set(seq)
	}
	return max(0, wait), false
}

// Rate is the rate asked for.
func (p *pacer) Rate(time.Duration) float64 { return p.schedule.Rate }

// bitmap is a set of numbers from 0 that many goroutines may use at once.
type bitmap []atomic.Uint64

func newBitmap(n int) bitmap { return make(bitmap, (n+63)/64) }

func (b bitmap) set(i int) { b[i/64].Or(1 << (i % 64)) }

func (b bitmap) has(i int) bool { return b[i/64].Load()&(1<<(i%64)) != 0 }
