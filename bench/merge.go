package bench

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Merge adds the results of all shards of one run, which may have been sent by different machines: requests, histograms and
// what was executed add up exactly. Events are those of the first shard that has some. Expectations are e's.
func Merge(list []*Result, e Threshold) (*Result, error) {
	if len(list) < 2 {
		return nil, errors.New("give the results of two shards or more")
	}
	if err := mergeable(list); err != nil {
		return nil, err
	}
	out := *list[0]
	out.Shard, out.Merged = "", len(list)
	out.Invalid, out.Unmet, out.Verdicts = nil, nil, nil
	out.Phases, out.Parts, out.Requests = slices.Clone(out.Phases), slices.Clone(out.Parts), slices.Clone(out.Requests)
	out.Series.Buckets = slices.Clone(out.Series.Buckets)
	out.Statuses = map[string]int{}
	errs, servers := map[string]int{}, map[string]int{}
	out.Counts, out.Warmup, out.NeverSent, out.Dropped, out.Held, out.Workers, out.AchievedRate = Counts{}, Counts{}, 0, 0, 0, 0, 0
	out.Generator = Generator{}
	for _, r := range list {
		out.Counts, out.Warmup = out.Counts.plus(r.Counts), out.Warmup.plus(r.Warmup)
		out.NeverSent += r.NeverSent
		out.Dropped += r.Dropped
		out.Held += r.Held
		out.Workers += r.Workers
		out.AchievedRate += r.AchievedRate
		out.Generator.CPU += r.Generator.CPU
		out.Generator.Cores += r.Generator.Cores
		out.Generator.Memory = max(out.Generator.Memory, r.Generator.Memory)
		for status, n := range r.Statuses {
			out.Statuses[status] += n
		}
		for _, one := range r.Errors {
			errs[one.Text] += one.Count
		}
		for _, s := range r.Servers {
			servers[s.Name] += s.Replies
		}
		for _, why := range r.Invalid {
			out.Invalid = append(out.Invalid, fmt.Sprintf("shard %s: %s", r.Shard, why))
		}
	}
	if n := out.Sent + out.Warmup.Sent; n > 0 {
		out.Generator.PerRequest = out.Generator.CPU * 1e6 / float64(n)
	}
	out.Errors, out.Servers = nil, nil
	for text, n := range errs {
		out.Errors = append(out.Errors, ErrorCount{text, n})
	}
	sortErrors(out.Errors)
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		out.Servers = append(out.Servers, Server{name, servers[name]})
	}
	if i := slices.IndexFunc(list, func(r *Result) bool { return len(r.Events) > 0 }); i >= 0 {
		out.Events = list[i].Events
	}
	out.mergeExecuted(list)
	if err := out.mergeTimes(list); err != nil {
		return nil, err
	}
	out.meet(e)
	return &out, nil
}

// mergeable says why the results are not all shards of one run.
func mergeable(list []*Result) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	seen := map[string]bool{}
	for i, r := range list {
		if r.Shard == "" {
			fault("result %d is no shard: it was run without --shard", i+1)
			continue
		}
		var n, of int
		switch _, err := fmt.Sscanf(r.Shard, "%d/%d", &n, &of); {
		case err != nil || r.Shard != fmt.Sprintf("%d/%d", n, of) || n < 1 || n > of:
			fault("result %d is of shard %q: there is no such shard", i+1, r.Shard)
		case of != len(list):
			fault("result %d is shard %s, and there are %d results: give those of all shards", i+1, r.Shard, len(list))
		}
		if seen[r.Shard] {
			fault("there are two results of shard %s", r.Shard)
		}
		seen[r.Shard] = true
		first := list[0]
		if r.Name != first.Name || r.Request != first.Request || r.Rate != first.Rate || r.Duration != first.Duration {
			fault("result %d is of another load: %s, %g requests/s for %gs, %s", i+1, r.Name, r.Rate, r.Duration, r.Request)
		}
		if d := r.Started.Sub(first.Started); d.Abs().Seconds() > 1 {
			fault("result %d began %s apart from the first: start all shards with the same --start-at", i+1, d)
		}
		h := r.Histograms
		if h == nil || len(r.Parts) != len(first.Parts) || len(r.Requests) != len(first.Requests) ||
			len(r.Series.Buckets) != len(first.Series.Buckets) {
			fault("result %d has no histograms, or others than the first", i+1)
			continue
		}
		if len(h.Phases) != len(r.Phases) || len(h.Parts) != len(r.Parts) || len(h.Requests) != len(r.Requests) {
			fault("result %d has not a histogram for each of its phases and requests: it is damaged", i+1)
		}
	}
	return errors.Join(faults...)
}

func (r *Result) mergeExecuted(list []*Result) {
	r.Executed = nil
	sum := &Executed{}
	for _, one := range list {
		e := one.Executed
		if e == nil {
			return
		}
		sum.Executed += e.Executed
		sum.Lost += e.Lost
		sum.LostFailed += e.LostFailed
		sum.LostAcknowledged += e.LostAcknowledged
		sum.Doubled += e.Doubled
		sum.FailedExecuted += e.FailedExecuted
		sum.UnknownExecuted += e.UnknownExecuted
		sum.UnknownNotExecuted += e.UnknownNotExecuted
		sum.Strange = max(sum.Strange, e.Strange) // all read the same record
		sum.LostIDs, sum.LostDue = someOf(append(sum.LostIDs, e.LostIDs...), append(sum.LostDue, e.LostDue...))
		sum.DoubledIDs, sum.DoubledDue = someOf(append(sum.DoubledIDs, e.DoubledIDs...), append(sum.DoubledDue, e.DoubledDue...))
	}
	r.Executed = sum
}

// someOf are the first of the ids, in order, each with its time.
func someOf(ids []int, due []float64) ([]int, []float64) {
	if len(ids) != len(due) || len(ids) == 0 {
		return ids, due
	}
	at := make([]int, len(ids))
	for i := range at {
		at[i] = i
	}
	slices.SortFunc(at, func(a, b int) int { return cmp.Compare(ids[a], ids[b]) })
	var outIDs []int
	var outDue []float64
	for _, i := range at[:min(len(at), listed)] {
		outIDs, outDue = append(outIDs, ids[i]), append(outDue, due[i])
	}
	return outIDs, outDue
}

// mergeTimes adds the histograms, and gives the latencies anew.
func (r *Result) mergeTimes(list []*Result) error {
	h := &Histograms{Buckets: map[int]string{}}
	var faults []error
	sum := func(digits int, of func(*Histograms) string) (string, Latency) {
		total := newHistogram(digits)
		for i, one := range list {
			text := of(one.Histograms)
			if text == "" {
				continue
			}
			part, err := hdrhistogram.Decode([]byte(text))
			if err != nil {
				faults = append(faults, fmt.Errorf("result %d: a histogram cannot be read: %w", i+1, err))
				continue
			}
			total.Merge(part)
		}
		return encode(total), latency(total)
	}
	h.Response, r.Response = sum(3, func(h *Histograms) string { return h.Response })
	h.Service, r.Service = sum(3, func(h *Histograms) string { return h.Service })
	h.Lag, r.Lag = sum(3, func(h *Histograms) string { return h.Lag })
	h.OwnLag, _ = sum(3, func(h *Histograms) string { return h.OwnLag })
	// Events are not at the same instant in each shard, so that only one without has phases between events.
	if slices.ContainsFunc(list, func(one *Result) bool { return len(one.Phases) != 1 }) {
		r.Phases = nil
	}
	for _, one := range []struct {
		what string
		of   func(*Result) Latency
	}{
		{"response time", func(r *Result) Latency { return r.Response }},
		{"service time", func(r *Result) Latency { return r.Service }},
		{"schedule lag", func(r *Result) Latency { return r.Lag }},
	} {
		said := int64(0)
		for _, shard := range list {
			said += one.of(shard).Count
		}
		if got := one.of(r).Count; got != said {
			faults = append(faults, fmt.Errorf("the histograms of %s hold %d times and the results say %d: one is damaged", one.what, got, said))
		}
	}
	two := func(of func(*Histograms) []TwoOf, i int) (TwoOf, Latency, Latency) {
		a, response := sum(3, func(h *Histograms) string { return of(h)[i].Response })
		b, service := sum(3, func(h *Histograms) string { return of(h)[i].Service })
		return TwoOf{a, b}, response, service
	}
	spans := func(rows []Phase, of func(*Histograms) []TwoOf, in func(*Result) []Phase) []TwoOf {
		var all []TwoOf
		for i := range rows {
			var one TwoOf
			rows[i].Counts, rows[i].FirstBad, rows[i].LastBad = Counts{}, nil, nil
			one, rows[i].Response, rows[i].Service = two(of, i)
			for _, shard := range list {
				row := in(shard)[i]
				rows[i].Counts = rows[i].Counts.plus(row.Counts)
				rows[i].FirstBad, rows[i].LastBad = edge(rows[i].FirstBad, row.FirstBad, true), edge(rows[i].LastBad, row.LastBad, false)
			}
			all = append(all, one)
		}
		return all
	}
	h.Phases = spans(r.Phases, func(h *Histograms) []TwoOf { return h.Phases }, func(r *Result) []Phase { return r.Phases })
	h.Parts = spans(r.Parts, func(h *Histograms) []TwoOf { return h.Parts }, func(r *Result) []Phase { return r.Parts })
	for i := range r.Requests {
		var one TwoOf
		r.Requests[i].Counts = Counts{}
		one, r.Requests[i].Response, r.Requests[i].Service = two(func(h *Histograms) []TwoOf { return h.Requests }, i)
		for _, shard := range list {
			r.Requests[i].Counts = r.Requests[i].Counts.plus(shard.Requests[i].Counts)
		}
		h.Requests = append(h.Requests, one)
	}
	r.mergeSeries(list, h, sum)
	r.Histograms = h
	return errors.Join(faults...)
}

func edge(a, b *float64, least bool) *float64 {
	if a == nil || b != nil && (*b < *a) == least {
		return b
	}
	return a
}

func (r *Result) mergeSeries(list []*Result, h *Histograms, sum func(int, func(*Histograms) string) (string, Latency)) {
	for i := range r.Series.Buckets {
		b := Bucket{From: r.Series.Buckets[i].From}
		for _, shard := range list {
			one := shard.Series.Buckets[i]
			b.Counts = b.Counts.plus(one.Counts)
			b.Asked += one.Asked
			b.Achieved += one.Achieved
			for name, n := range one.Servers {
				if b.Servers == nil {
					b.Servers = map[string]int{}
				}
				b.Servers[name] += n
			}
		}
		text, l := sum(2, func(h *Histograms) string { return h.Buckets[i] })
		if l.Count > 0 {
			h.Buckets[i] = text
			b.P50, b.P95, b.P99, b.Max = l.P50, l.P95, l.P99, l.Max
		}
		r.Series.Buckets[i] = b
	}
}

// OfProfile says that a result is of another load than the profile, or nil.
func OfProfile(r *Result, p Profile) error {
	rate := p.Rate
	if len(p.Phases) > 0 && !p.closed() {
		rate = NewSchedule(p).meanRate()
	}
	if sends, d := p.sends(), p.Duration.Std().Seconds(); r.Request != sends || r.Rate != rate || r.Duration != d {
		return fmt.Errorf("profile %q is not that of the results: it sends %s, %g requests/s for %gs, and they are of %s, %g requests/s for %gs",
			p.Name, sends, rate, d, r.Request, r.Rate, r.Duration)
	}
	return nil
}
