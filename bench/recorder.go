package bench

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	vegeta "github.com/tsenart/vegeta/v12/lib"
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

// recorder takes in a run's results, from one goroutine. Its size depends on the schedule alone.
type recorder struct {
	schedule  Schedule
	began     time.Time // when request 0 was due
	zero      time.Time // when the measured part began
	neverSent bitmap
	held      bitmap

	outcomes      []Outcome // by place in the measured part
	warmup, total Counts
	never, late   int
	statuses      map[string]int
	errors        errorCounts
	response      *hdrhistogram.Histogram
	service       *hdrhistogram.Histogram
	lag           *hdrhistogram.Histogram
	ownLag        *hdrhistogram.Histogram // lag that was not the target's doing
	lastSent      time.Time
	ended         time.Duration // when it was enough, before the load's own end; 0: it was not
	servers       map[string]int
	timeline      []*happening
	phases        []*phase
	width         time.Duration
	buckets       []bucket
}

type phase struct {
	name              string
	from              time.Duration
	counts            Counts
	response, service *hdrhistogram.Histogram
	firstBad, lastBad time.Duration
}

type bucket struct {
	counts   Counts
	response *hdrhistogram.Histogram
	servers  map[string]int
}

func newRecorder(s Schedule, duration time.Duration, began time.Time, neverSent, held bitmap) *recorder {
	r := &recorder{
		schedule: s, began: began, zero: began.Add(s.Zero()), neverSent: neverSent, held: held,
		outcomes: make([]Outcome, s.Measure), statuses: map[string]int{}, errors: errorCounts{},
		response: newHistogram(3), service: newHistogram(3), lag: newHistogram(3), ownLag: newHistogram(3),
		servers: map[string]int{}, width: bucketWidth(duration),
	}
	r.buckets = make([]bucket, int(math.Ceil(float64(duration)/float64(r.width))))
	r.beginPhase("start", 0)
	return r
}

// trim leaves out what came after the end.
func (r *recorder) trim() {
	r.buckets = r.buckets[:min(len(r.buckets), int(math.Ceil(float64(r.ended)/float64(r.width))))]
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
	r.phases = append(r.phases, &phase{name: name, from: from, response: newHistogram(3), service: newHistogram(3), firstBad: -1, lastBad: -1})
}

// add takes in one result.
func (r *recorder) add(hit *vegeta.Result) {
	seq := int(hit.Seq)
	outcome := Classify(int(hit.Code), hit.Headers, r.neverSent.has(seq))
	if seq < r.schedule.Warmup {
		r.warmup.add(outcome)
		return
	}
	due := r.began.Add(r.schedule.Due(seq))
	offset := due.Sub(r.zero)
	end := hit.Timestamp.Add(hit.Latency)
	r.outcomes[seq-r.schedule.Warmup] = outcome
	r.total.add(outcome)
	if hit.Timestamp.After(r.lastSent) {
		r.lastSent = hit.Timestamp
	}
	if hit.Code != 0 {
		r.statuses[strconv.Itoa(int(hit.Code))]++
	}
	if outcome != OK {
		r.errors.add(hit.Error)
	}

	ph := r.phaseOf(offset)
	ph.counts.add(outcome)
	if outcome != OK {
		if ph.firstBad < 0 || offset < ph.firstBad {
			ph.firstBad = offset
		}
		ph.lastBad = max(ph.lastBad, offset)
	}
	b := &r.buckets[min(max(int(offset/r.width), 0), len(r.buckets)-1)]
	b.counts.add(outcome)

	lag := hit.Timestamp.Sub(due)
	record(r.lag, lag)
	if r.held.has(seq) {
		r.late++
	} else {
		record(r.ownLag, lag)
	}
	if r.neverSent.has(seq) {
		r.never++
		return
	}
	if b.response == nil {
		b.response = newHistogram(2)
	}
	took := end.Sub(due)
	record(b.response, took)
	record(r.response, took)
	record(ph.response, took)
	record(r.service, hit.Latency)
	record(ph.service, hit.Latency)
	if outcome != Unknown { // that is the balancer's word, of a server that gave none
		r.addServer(hit.Headers.Get(headerServer), b, hit.Timestamp, end)
	}
}

// phaseOf is the last phase that had begun at that offset.
func (r *recorder) phaseOf(offset time.Duration) *phase {
	for i := len(r.phases) - 1; i > 0; i-- {
		if r.phases[i].from <= offset {
			return r.phases[i]
		}
	}
	return r.phases[0]
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

// result is all of it in the form for people and programs.
func (r *recorder) result(p Profile, address string) *Result {
	out := &Result{
		Name: p.Name, Address: address, Request: p.Request.Method + " " + p.Request.Path, Started: r.zero,
		Rate: p.Rate, Duration: p.Duration.Std().Seconds(), Warmup: r.warmup, Workers: p.Workers,
		Counts: r.total, NeverSent: r.never, Statuses: r.statuses, Held: r.late,
		Response: latency(r.response), Service: latency(r.service), Lag: latency(r.lag),
		Events: eventResults(r.timeline, r.zero),
	}
	if span := r.lastSent.Sub(r.zero); r.total.Sent > 1 && span > 0 {
		// The last request begins a step that the span does not hold.
		out.AchievedRate = float64(r.total.Sent-1) / span.Seconds()
	}
	for text, n := range r.errors {
		out.Errors = append(out.Errors, ErrorCount{text, n})
	}
	slices.SortFunc(out.Errors, func(a, b ErrorCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	for name, n := range r.servers {
		out.Servers = append(out.Servers, Server{name, n})
	}
	slices.SortFunc(out.Servers, func(a, b Server) int { return cmp.Compare(a.Name, b.Name) })
	for i, ph := range r.phases {
		to := p.Duration.Std()
		if i+1 < len(r.phases) {
			to = r.phases[i+1].from
		}
		row := Phase{Name: ph.name, From: seconds(ph.from), To: seconds(to), Counts: ph.counts, Response: latency(ph.response), Service: latency(ph.service)}
		if ph.firstBad >= 0 {
			first, last := seconds(ph.firstBad), seconds(ph.lastBad)
			row.FirstBad, row.LastBad = &first, &last
		}
		out.Phases = append(out.Phases, row)
	}
	out.Series.Width = r.width.Seconds()
	for i, b := range r.buckets {
		row := Bucket{From: seconds(time.Duration(i) * r.width), Counts: b.counts, Servers: b.servers}
		if b.response != nil {
			l := latency(b.response)
			row.P50, row.P99, row.Max = l.P50, l.P99, l.Max
		}
		out.Series.Buckets = append(out.Series.Buckets, row)
	}
	return out
}

func latency(h *hdrhistogram.Histogram) Latency {
	ms := func(us int64) float64 { return float64(us) / 1000 }
	return Latency{
		Count: h.TotalCount(), Mean: math.Round(h.Mean()) / 1000, Max: ms(h.Max()),
		P50: ms(h.ValueAtQuantile(50)), P90: ms(h.ValueAtQuantile(90)), P95: ms(h.ValueAtQuantile(95)),
		P99: ms(h.ValueAtQuantile(99)), P999: ms(h.ValueAtQuantile(99.9)),
	}
}

// seconds is d to the millisecond.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }
