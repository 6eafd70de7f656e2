package bench

import (
	"fmt"
	"time"
)

// judge finds why r does not count, and which expectations do not hold. ownLag is the lag of the requests that no slow
// target held up.
func (r *Result) judge(p Profile, ownLag Latency, wanted int) {
	if r.Sent < wanted {
		r.Invalid = append(r.Invalid, fmt.Sprintf("only %d of %d requests were sent", r.Sent, wanted))
	}
	if limit := milliseconds(p.MaxScheduleLag); ownLag.P99 > limit {
		r.Invalid = append(r.Invalid, fmt.Sprintf("the load generator could not keep the schedule: p99 of lag is %s, over %s, while the target kept up; ask a lower rate or free the machine",
			FormatMS(ownLag.P99), FormatMS(limit)))
	}
	for _, e := range r.Events {
		if e.Error != "" {
			r.Invalid = append(r.Invalid, fmt.Sprintf("event %q at %gs: %s", e.Label, e.Due, e.Error))
		}
	}
	if p.Log != nil && r.Executed == nil {
		r.Invalid = append(r.Invalid, "what was executed could not be compared: nothing here reads "+p.Log.KVDBList)
	}
	if r.Executed != nil && r.Executed.Strange > 0 {
		r.Invalid = append(r.Invalid, fmt.Sprintf("the service's record holds %d elements that are no ids of this run; empty it before a run", r.Executed.Strange))
	}
	r.meet(p.Expect)
}

// meet holds the result against what was expected.
func (r *Result) meet(e Threshold) {
	tell := func(text, got string, ok bool, unmet string) {
		r.Verdicts = append(r.Verdicts, Verdict{Text: text, Got: got, OK: ok})
		if !ok {
			r.Unmet = append(r.Unmet, unmet)
		}
	}
	count := func(what string, got int, most *int) {
		if most != nil {
			tell(fmt.Sprintf("%s <= %d", what, *most), fmt.Sprint(got), got <= *most, fmt.Sprintf("%s is %d, at most %d expected", what, got, *most))
		}
	}
	count("failed", r.Failed, e.Failed)
	count("unknown", r.Unknown, e.Unknown)
	trusted := r.Executed != nil && len(r.Invalid) == 0 // what does not count is no verdict on the service
	if trusted {
		count("lost", r.Executed.Lost, e.Lost)
		count("doubled", r.Executed.Doubled, e.Doubled)
	}
	span := func(what string, got float64, most Duration) {
		if most > 0 {
			limit := milliseconds(most)
			tell(fmt.Sprintf("%s <= %s", what, most), FormatMS(got), got <= limit,
				fmt.Sprintf("%s of response time is %s, at most %s expected", what, FormatMS(got), FormatMS(limit)))
		}
	}
	span("p50", r.Response.P50, e.P50)
	span("p95", r.Response.P95, e.P95)
	span("p99", r.Response.P99, e.P99)
	span("max", r.Response.Max, e.Max)
	for _, t := range e.Terms {
		if (t.Metric == "lost" || t.Metric == "doubled") && !trusted {
			continue
		}
		got, err := r.value(t)
		if err != nil {
			tell(t.Text, err.Error(), false, fmt.Sprintf("%s: %v", t.Text, err))
			continue
		}
		tell(t.Text, t.show(got), t.holds(got), fmt.Sprintf("%s: it is %s", t.Text, t.show(got)))
	}
}

func milliseconds(d Duration) float64 { return float64(time.Duration(d).Microseconds()) / 1000 }

// Expect adds an expectation that the caller has held the result against.
func (r *Result) Expect(text, got string, ok bool) {
	r.Verdicts = append(r.Verdicts, Verdict{Text: text, Got: got, OK: ok})
	if !ok {
		r.Unmet = append(r.Unmet, fmt.Sprintf("%s: it is %s", text, got))
	}
}
