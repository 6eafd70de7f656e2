package bench

import (
	"math"
	"time"
)

// Schedule says when each request of a run is due, counted from the first one of the whole run. Seq counts from 0.
//
// A shard sends every Of-th request of the whole, beginning with number Shard: together the shards send what one run would,
// each request at the time when that would.
type Schedule struct {
	Warmup  int // requests before the measured part
	Measure int // requests of the measured part

	Shard, Of int // 0 and 1, or 0 and 0: the whole

	warmRate float64 // requests a second of the warm-up
	zero     time.Duration
	shape    pieces
	wholeWarmup,
	wholeMeasure int
}

// NewSchedule is p's: what its phases come to, rounded, and before them a warm-up at the rate with which they begin.
// It is of no use for a closed loop, where requests have no time.
func NewSchedule(p Profile) Schedule {
	s := Schedule{}
	for _, ph := range p.specs() {
		s.shape = ph.shape(s.shape)
	}
	s.warmRate = s.shape.hits(0.001) * 1000
	if _, recorded := s.shape[0].curve.(replay); recorded || s.warmRate < 1 { // it begins at 0, or with a burst
		s.warmRate = s.shape.total() / s.shape.seconds()
	}
	if first, even := s.shape[0].curve.(line); even && first.from == first.to {
		s.warmRate = first.from
	}
	s.wholeWarmup = int(math.Round(s.warmRate * p.Warmup.Std().Seconds()))
	s.wholeMeasure = max(1, int(math.Round(s.shape.total())))
	s.zero = time.Duration(math.Round(float64(s.wholeWarmup) * float64(time.Second) / s.warmRate))
	s.Warmup, s.Measure = s.wholeWarmup, s.wholeMeasure
	return s
}

// OfShard is what the shard of that number, from 0, sends of the whole.
func (s Schedule) OfShard(shard, of int) Schedule {
	s.Shard, s.Of = shard, of
	below := func(n int) int { return (n - shard + of - 1) / of } // of its requests, those before number n of the whole
	s.Warmup = max(0, below(s.wholeWarmup))
	s.Measure = below(s.wholeWarmup+s.wholeMeasure) - s.Warmup
	return s
}

// Total is all requests.
func (s Schedule) Total() int { return s.Warmup + s.Measure }

// Number is which request of the whole, from 0, the one with that place is.
func (s Schedule) Number(seq int) int {
	if s.Of <= 1 {
		return seq
	}
	return seq*s.Of + s.Shard
}

// Due is when request seq is due after the first of the whole run.
func (s Schedule) Due(seq int) time.Duration {
	n := s.Number(seq)
	if n < s.wholeWarmup {
		return time.Duration(math.Round(float64(n) * float64(time.Second) / s.warmRate))
	}
	return s.zero + time.Duration(math.Round(s.shape.when(float64(n-s.wholeWarmup))*float64(time.Second)))
}

// Hits is how many requests of the whole fall due in the measured part's first time t: the inverse of Due.
func (s Schedule) Hits(t time.Duration) float64 { return s.shape.hits(t.Seconds()) }

// Zero is when the measured part begins after the first request.
func (s Schedule) Zero() time.Duration { return s.zero }

// meanRate is how many requests fall due a second, over the measured part of the whole.
func (s Schedule) meanRate() float64 {
	return math.Round(1000*s.shape.total()/s.shape.seconds()) / 1000
}
