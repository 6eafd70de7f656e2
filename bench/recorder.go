package bench

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	longest    = 300_000_000 // µs: longer times count as this
	maxBuckets = 300
	maxServers = 16 // more than so many names are counted as "other"
)

// newHistogram holds 1 µs to 5 minutes in a fixed size: 150 KB with 3 digits, 18 KB with 2.
func newHistogram(digits int) *hdrhistogram.Histogram { return hdrhistogram.New(1, longest, digits) }

func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d.Microseconds(), 0), longest)) // it fails only out of range
}

// recorder takes in a run's results, from one goroutine. Its size depends on the profile alone, and hardly on how long it takes.
type recorder struct {
	schedule Schedule
	closed   bool
	sample   func(Sample) // may be nil
	began    time.Time    // when request 0 of the whole was due
	zero     time.Time    // when the measured part began

	done, failed, unknown *numbers // by seq; the rest of what is done was ok
	warmup, total         Counts
	never, late           int
	statuses              map[int]int
	errors                errorCounts
	all                   tally
	lag                   *hdrhistogram.Histogram
	ownLag                *hdrhistogram.Histogram // lag that was not the target's doing
	lastSent              time.Time
	ended                 time.Duration // when it was enough, before the load's own end; 0: it was not
	givenUp               bool          // requests were still to be sent long after it
	servers               map[string]int
	timeline              []*happening
	phases, parts, each   []*tally
	bad                   badTimes
	live                  *live
	width                 time.Duration
	buckets               []bucket
	opened                *opened
}

// tally is what came of some of the requests.
type tally struct {
	name              string
	from              time.Duration
	counts            Counts
	response, service *hdrhistogram.Histogram
	firstBad, lastBad time.Duration // when the first and the last were due that did not end ok; -1: none
}

func newTally(name string, from time.Duration) *tally {
	return &tally{name: name, from: from, response: newHistogram(3), service: newHistogram(3), firstBad: -1, lastBad: -1}
}

func (t *tally) add(o Outcome, offset time.Duration) {
	t.counts.add(o)
	if o == OK {
		return
	}
	if t.firstBad < 0 || offset < t.firstBad {
		t.firstBad = offset
	}
	t.lastBad = max(t.lastBad, offset)
}

func (t *tally) times(response, service time.Duration) {
	record(t.response, response)
	record(t.service, service)
}

func newRecorder(s Schedule, p Profile, send *sender, began time.Time) *recorder {
	duration := p.Duration.Std()
	r := &recorder{
		schedule: s, closed: p.closed(), began: began, zero: began.Add(s.Zero()),
		done: newNumbers(), failed: newNumbers(), unknown: newNumbers(), statuses: map[int]int{}, errors: errorCounts{},
		all: *newTally("", 0), lag: newHistogram(3), ownLag: newHistogram(3), live: newLive(),
		servers: map[string]int{}, width: bucketWidth(duration), bad: badTimes{}, opened: newOpened(),
	}
	r.buckets = make([]bucket, int(math.Ceil(float64(duration)/float64(r.width))))
	r.beginPhase("start", 0)
	at := time.Duration(0)
	for _, ph := range p.specs() {
		if len(p.Phases) > 0 {
			r.parts = append(r.parts, newTally(ph.Name, at))
		}
		at += ph.Duration.Std()
	}
	for _, c := range send.requests {
		if len(send.requests) > 1 {
			r.each = append(r.each, newTally(c.label(), 0))
		}
	}
	return r
}

// trim leaves out what came after the end; requests that were due within a moment of it are in the last bucket.
func (r *recorder) trim() {
	n := min(len(r.buckets), int(math.Ceil(float64(r.ended)/float64(r.width))))
	for i := n; i < len(r.buckets) && n > 0; i++ {
		r.buckets[n-1].counts = r.buckets[n-1].counts.plus(r.buckets[i].counts)
	}
	r.buckets = r.buckets[:n]
}

// bucketWidth is the smallest of the round widths that needs no more than maxBuckets.
func bucketWidth(duration time.Duration) time.Duration {
	for _, w := range []time.Duration{100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second, 10 * time.Second, time.Minute} {
		if duration <= w*maxBuckets {
			return w
		}
	}
	return (duration/maxBuckets + 1).Round(time.Minute)
}

func (r *recorder) beginPhase(name string, from time.Duration) {
	r.phases = append(r.phases, newTally(name, from))
}

// add takes in one result.
func (r *recorder) add(h *hit) {
	outcome := h.outcome
	due := h.sent
	warm := h.sent.Before(r.zero)
	if !r.closed {
		due, warm = r.began.Add(r.schedule.Due(h.seq)), h.seq < r.schedule.Warmup
	}
	if warm {
		r.warmup.add(outcome)
		return
	}
	offset := due.Sub(r.zero)
	end := h.sent.Add(h.took)
	if r.sample != nil {
		r.sample(Sample{r.schedule.Number(h.seq) + 1, due, h.sent, end, outcome})
	}
	r.done.add(h.seq)
	switch outcome {
	case Failed:
		r.failed.add(h.seq)
	case Unknown:
		r.unknown.add(h.seq)
	}
	r.total.add(outcome)
	if h.sent.After(r.lastSent) {
		r.lastSent = h.sent
	}
	if h.code != 0 {
		r.statuses[h.code]++
	}
	if outcome != OK {
		r.errors.add(h.fault)
		r.bad.add(offset)
	}
	if at := int(h.sent.Sub(r.zero) / r.width); at >= 0 && at < len(r.buckets) { // those sent after the end are in none
		r.buckets[at].achieved++
	}
	b := &r.buckets[min(max(int(offset/r.width), 0), len(r.buckets)-1)]
	b.counts.add(outcome)
	tallies := r.talliesOf(h.which, offset)
	for _, t := range tallies {
		if t != nil {
			t.add(outcome, offset)
		}
	}
	lag := h.sent.Sub(due)
	record(r.lag, lag)
	if h.held {
		r.late++
	} else {
		record(r.ownLag, lag)
	}
	took := end.Sub(due)
	r.live.add(end, outcome, took, h.neverSent)
	if h.neverSent {
		r.never++
		return
	}
	record(r.opened.histogram(b), took)
	for _, t := range tallies {
		if t != nil {
			t.times(took, h.took)
		}
	}
	if outcome != Unknown { // that is the balancer's word, of a server that gave none
		r.addServer(h.server, b, h.sent, end)
	}
}

// talliesOf are those that a request due then counts in.
func (r *recorder) talliesOf(which int, offset time.Duration) [4]*tally {
	out := [4]*tally{&r.all, at(r.phases, offset)}
	if len(r.parts) > 0 {
		out[2] = at(r.parts, offset)
	}
	if len(r.each) > 0 {
		out[3] = r.each[which]
	}
	return out
}

// at is the last of the list that had begun at that offset.
func at(list []*tally, offset time.Duration) *tally {
	for i := len(list) - 1; i > 0; i-- {
		if list[i].from <= offset {
			return list[i]
		}
	}
	return list[0]
}

func (r *recorder) addServer(name string, b *bucket, sent, end time.Time) {
	if name == "" {
		return
	}
	for _, h := range r.timeline {
		h.reply(name, sent, end)
	}
	if _, known := r.servers[name]; !known && len(r.servers) >= maxServers {
		name = "other"
	}
	r.servers[name]++
	if b.servers == nil {
		b.servers = map[string]int{}
	}
	b.servers[name]++
}

// outcomeOf is what became of the request with that seq.
func (r *recorder) outcomeOf(seq int) Outcome {
	switch {
	case !r.done.has(seq):
		return NotSent
	case r.failed.has(seq):
		return Failed
	case r.unknown.has(seq):
		return Unknown
	}
	return OK
}
