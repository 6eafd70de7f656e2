package bench

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	liveStep  = 100 * time.Millisecond
	liveSteps = 10
)

// live is the last second of a run, by when replies came. It belongs to the goroutine that records.
type live struct {
	steps [liveSteps]liveOne
	sum   *hdrhistogram.Histogram
}

type liveOne struct {
	at       int64 // which step of time it holds
	counts   Counts
	response *hdrhistogram.Histogram
}

func newLive() *live {
	l := &live{sum: newHistogram(2)}
	for i := range l.steps {
		l.steps[i] = liveOne{response: newHistogram(2)}
	}
	return l
}

func (l *live) add(at time.Time, o Outcome, took time.Duration, neverSent bool) {
	step := at.UnixNano() / int64(liveStep)
	one := &l.steps[step%liveSteps]
	if one.at > step {
		return // it came late, and its step is gone
	}
	if one.at < step {
		one.at, one.counts = step, Counts{}
		one.response.Reset()
	}
	one.counts.add(o)
	if !neverSent {
		record(one.response, took)
	}
}

// last is what came in the second before now.
func (l *live) last(now time.Time) (Counts, Latency) {
	var c Counts
	l.sum.Reset()
	oldest := now.UnixNano()/int64(liveStep) - liveSteps
	for i := range l.steps {
		one := &l.steps[i]
		if one.at <= oldest {
			continue
		}
		c = c.plus(one.counts)
		l.sum.Merge(one.response)
	}
	return c, latency(l.sum)
}

func (c Counts) plus(d Counts) Counts {
	return Counts{c.Sent + d.Sent, c.OK + d.OK, c.Failed + d.Failed, c.Unknown + d.Unknown, c.Wrong + d.Wrong}
}

// watch says whether a condition has held for as long as it asks.
type watch struct {
	condition Condition
	since     time.Time // zero: it does not hold
}

func (w *watch) met(c Counts, l Latency, now time.Time) bool {
	v := c.metric(w.condition.Metric)
	switch unit(w.condition.Metric) {
	case "time":
		if l.Count == 0 {
			w.since = time.Time{}
			return false
		}
		v = l.metric(w.condition.Metric)
	case "rate":
		v = float64(c.Sent)
	}
	if !w.condition.holds(v) {
		w.since = time.Time{}
		return false
	}
	if w.since.IsZero() {
		w.since = now
	}
	return now.Sub(w.since) >= w.condition.For
}
