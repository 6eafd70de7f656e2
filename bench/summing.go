package bench

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// result is all of it in the form for people and programs.
func (r *recorder) result(p Profile, address string) *Result {
	out := &Result{
		Name: p.Name, Address: address, Request: p.sends(), Started: r.zero,
		Rate: p.Rate, Duration: p.Duration.Std().Seconds(), Warmup: r.warmup, Workers: p.Workers,
		Counts: r.total, NeverSent: r.never, Statuses: map[string]int{}, Held: r.late,
		Response: latency(r.all.response), Service: latency(r.all.service), Lag: latency(r.lag),
		Events: eventResults(r.timeline, r.zero, r.bad, p.Duration.Std()),
	}
	if p.Protocol != protocolHTTP1 {
		out.Protocol = p.Protocol
	}
	if r.closed {
		for _, ph := range p.specs() {
			out.Users = max(out.Users, ph.Users)
		}
	} else if len(p.Phases) > 0 {
		out.Rate = r.schedule.meanRate()
	}
	for status, n := range r.statuses {
		out.Statuses[strconv.Itoa(status)] = n
	}
	if span := r.lastSent.Sub(r.zero); r.total.Sent > 1 && span > 0 {
		// The last request begins a step that the span does not hold.
		out.AchievedRate = float64(r.total.Sent-1) / span.Seconds()
		if len(p.Phases) > 0 || r.closed || r.schedule.Of > 1 { // its steps are not all of one length
			out.AchievedRate = float64(r.total.Sent) / max(span, p.Duration.Std()).Seconds()
		}
	}
	for text, n := range r.errors {
		out.Errors = append(out.Errors, ErrorCount{text, n})
	}
	sortErrors(out.Errors)
	for name, n := range r.servers {
		out.Servers = append(out.Servers, Server{name, n})
	}
	slices.SortFunc(out.Servers, func(a, b Server) int { return cmp.Compare(a.Name, b.Name) })
	out.Phases, out.Parts = spans(r.phases, p.Duration.Std()), spans(r.parts, p.Duration.Std())
	for _, t := range r.each {
		out.Requests = append(out.Requests, RequestResult{Name: t.name, Counts: t.counts, Response: latency(t.response), Service: latency(t.service)})
	}
	out.Series.Width = r.width.Seconds()
	for i := range r.buckets {
		b := &r.buckets[i]
		from := time.Duration(i) * r.width
		row := Bucket{From: seconds(from), Counts: b.counts, Achieved: b.achieved, Servers: b.servers}
		if !r.closed {
			row.Asked = math.Round(10*(r.schedule.Hits(from+r.width)-r.schedule.Hits(from))/float64(max(1, r.schedule.Of))) / 10
		}
		if times := b.times(); times != nil {
			l := latency(times)
			row.P50, row.P95, row.P99, row.Max = l.P50, l.P95, l.P99, l.Max
		}
		out.Series.Buckets = append(out.Series.Buckets, row)
	}
	out.Histograms = r.histograms()
	return out
}

// sends is what the profile sends, in a few words.
func (p *Profile) sends() string {
	all := p.requests()
	text := all[0].Method + " " + all[0].Path
	if len(all) > 1 {
		text += " and " + strconv.Itoa(len(all)-1) + " more"
	}
	return text
}

func sortErrors(list []ErrorCount) {
	slices.SortFunc(list, func(a, b ErrorCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
}

// spans are tallies one after another, the last of which ends then.
func spans(list []*tally, end time.Duration) []Phase {
	var out []Phase
	for i, t := range list {
		to := end
		if i+1 < len(list) {
			to = list[i+1].from
		}
		row := Phase{Name: t.name, From: seconds(t.from), To: seconds(to), Counts: t.counts, Response: latency(t.response), Service: latency(t.service)}
		if t.firstBad >= 0 {
			first, last := seconds(t.firstBad), seconds(t.lastBad)
			row.FirstBad, row.LastBad = &first, &last
		}
		out = append(out, row)
	}
	return out
}

func (r *recorder) histograms() *Histograms {
	out := &Histograms{
		Response: encode(r.all.response), Service: encode(r.all.service), Lag: encode(r.lag), OwnLag: encode(r.ownLag),
		Buckets: map[int]string{},
	}
	both := func(list []*tally) []TwoOf {
		var all []TwoOf
		for _, t := range list {
			all = append(all, TwoOf{encode(t.response), encode(t.service)})
		}
		return all
	}
	out.Phases, out.Parts, out.Requests = both(r.phases), both(r.parts), both(r.each)
	for i := range r.buckets {
		b := &r.buckets[i]
		if times := b.times(); times != nil {
			out.Buckets[i] = encode(times)
		}
	}
	return out
}

// encode is a histogram as a text; it fails for none that newHistogram made.
func encode(h *hdrhistogram.Histogram) string {
	raw, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return ""
	}
	return string(raw)
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
