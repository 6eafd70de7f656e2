package otlp

import (
	"fmt"

	"github.com/parley-run/parley/bench"
)

// part is the whole of a run, or one of its parts. Parts have metrics of their own names: who adds up one metric counts no
// request twice.
type part struct {
	prefix, of string // of metrics' names and descriptions
	labels     labels
	counts     bench.Counts
	response   bench.Latency
	service    bench.Latency
	histograms bench.TwoOf
}

func (w *writer) result(r *bench.Result) error {
	h := r.Histograms
	if h == nil {
		h = &bench.Histograms{}
	}
	parts := []part{{"", "the run", w.profile, r.Counts, r.Response, r.Service, bench.TwoOf{Response: h.Response, Service: h.Service}}}
	for i, p := range r.Parts {
		parts = append(parts, part{"phase.", "a phase of the profile", w.profile.and("phase", p.Name), p.Counts, p.Response, p.Service, nth(h.Parts, i)})
	}
	for i, p := range r.Phases {
		if len(r.Phases) > 1 {
			name := w.profile.and("event", fmt.Sprintf("%d %s", i, p.Name)) // the same event may come twice
			parts = append(parts, part{"event.", "the time from an event to the next", name, p.Counts, p.Response, p.Service, nth(h.Phases, i)})
		}
	}
	for i, q := range r.Requests {
		parts = append(parts, part{"request.", "one of several requests", w.profile.and("request", q.Name), q.Counts, q.Response, q.Service, nth(h.Requests, i)})
	}
	for _, p := range parts {
		if err := w.part(p); err != nil {
			return err
		}
	}
	w.quantiles("schedule_lag", "From when requests were due until they were sent.", w.profile, r.Lag)
	if err := w.histogram("schedule_lag", "From when requests were due until they were sent.", w.profile, h.Lag); err != nil {
		return err
	}
	w.whole(r)
	return nil
}

func nth(list []bench.TwoOf, i int) bench.TwoOf {
	if i < len(list) {
		return list[i]
	}
	return bench.TwoOf{}
}

func (w *writer) part(p part) error {
	for _, o := range []struct {
		outcome string
		n       int
	}{{"ok", p.counts.OK}, {"failed", p.counts.Failed}, {"unknown", p.counts.Unknown}, {"wrong", p.counts.Wrong}} {
		w.count(p.prefix+"requests", "Requests of "+p.of+", by outcome.", p.labels.and("outcome", o.outcome), o.n)
	}
	for _, t := range []struct {
		name, description, histogram string
		latency                      bench.Latency
	}{
		{"response_time", "From when requests of " + p.of + " were due to the end of their replies.", p.histograms.Response, p.response},
		{"service_time", "From when requests of " + p.of + " were sent to the end of their replies.", p.histograms.Service, p.service},
	} {
		w.quantiles(p.prefix+t.name, t.description, p.labels, t.latency)
		if err := w.histogram(p.prefix+t.name, t.description, p.labels, t.histogram); err != nil {
			return err
		}
	}
	return nil
}

// quantiles are those that the result tells, of all its digits.
func (w *writer) quantiles(name, description string, l labels, t bench.Latency) {
	if t.Count == 0 {
		return
	}
	for _, q := range []struct {
		name string
		ms   float64
	}{{"0.5", t.P50}, {"0.9", t.P90}, {"0.95", t.P95}, {"0.99", t.P99}, {"0.999", t.P999}, {"1", t.Max}} {
		w.gauge(name+".quantile", "s", description, l.and("quantile", q.name), q.ms/1000)
	}
}

// whole is what is told of the run alone.
func (w *writer) whole(r *bench.Result) {
	if e := r.Executed; e != nil {
		w.count("lost", "Requests that were never executed, and of which nobody was told \"unknown\".", w.profile, e.Lost)
		w.count("doubled", "Requests that were executed more than once.", w.profile, e.Doubled)
	}
	w.count("dropped", "Requests of the schedule that were never sent.", w.profile, r.Dropped)
	if r.Users == 0 {
		w.gauge("rate.asked", "{request}/s", "Requests a second that the profile asks for.", w.profile, r.Rate)
	}
	w.gauge("rate.achieved", "{request}/s", "Requests a second that were sent.", w.profile, r.AchievedRate)
	w.gauge("generator.cores", "{cpu}", "Processors that the load generator kept busy.", w.profile, r.Generator.Cores)
	w.gauge("valid", "1", "1 where the measurement counts, else 0.", w.profile, truth(len(r.Invalid) == 0))
	told := map[string]bool{}
	for _, v := range r.Verdicts {
		if !told[v.Text] { // one series has one value
			w.gauge("as_expected", "1", "1 where an expectation holds, else 0.", w.profile.and("expected", v.Text), truth(v.OK))
		}
		told[v.Text] = true
	}
}

func truth(so bool) float64 {
	if so {
		return 1
	}
	return 0
}
