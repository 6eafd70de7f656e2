package bench

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ErrIncomparable is of two results that say nothing about each other.
var ErrIncomparable = errors.New("these results cannot be compared")

// ReadResult reads a result that WriteJSON wrote.
func ReadResult(path string) (*Result, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r Result
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("%s: it is no result of a benchmark: %w", path, err)
	}
	if r.Duration == 0 || r.Sent == 0 {
		return nil, fmt.Errorf("%s: it is no result of a benchmark: it says nothing of requests sent", path)
	}
	if fault := r.damage(); fault != "" {
		return nil, fmt.Errorf("%s: it is damaged: %s", path, fault)
	}
	return &r, nil
}

// damage is what a result says that cannot be; empty: nothing.
func (r *Result) damage() string {
	if !r.whole() || !r.Warmup.whole() {
		return fmt.Sprintf("%d requests sent are not %d ok, %d failed, %d unknown and %d wrong", r.Sent, r.OK, r.Failed, r.Unknown, r.Wrong)
	}
	if len(r.Series.Buckets) == 0 {
		return ""
	}
	in := 0
	for _, b := range r.Series.Buckets {
		in += b.Sent
		if !b.whole() {
			return fmt.Sprintf("its series has at %gs other requests sent than ok, failed, unknown and wrong", b.From)
		}
	}
	if in != r.Sent {
		return fmt.Sprintf("its series holds %d requests, and %d were sent", in, r.Sent)
	}
	return ""
}

// whole says whether the counts are such as a run gives.
func (c Counts) whole() bool {
	return min(c.Sent, c.OK, c.Failed, c.Unknown, c.Wrong) >= 0 && c.Sent == c.OK+c.Failed+c.Unknown+c.Wrong
}

// Incomparable is why figures of the two say nothing about each other; nil: they do, as far as two runs, one after the other,
// can.
func Incomparable(old, now *Result) error {
	var all []error
	differ := func(what string, a, b any) {
		if a != b {
			all = append(all, fmt.Errorf("%s: %v and %v", what, a, b))
		}
	}
	differ("what was sent", old.Request, now.Request)
	differ("requests a second asked for", old.Rate, now.Rate)
	differ("duration in seconds", old.Duration, now.Duration)
	differ("requests under way at once, at most", old.Workers, now.Workers)
	differ("users of a closed loop", old.Users, now.Users)
	differ("protocol", old.Protocol, now.Protocol)
	differ("part of the schedule", cmp.Or(old.Shard, "all"), cmp.Or(now.Shard, "all"))
	differ("how many phases there were", len(old.Parts), len(now.Parts))
	for i := range min(len(old.Parts), len(now.Parts)) {
		a, b := old.Parts[i], now.Parts[i]
		differ("phases", fmt.Sprintf("%s of %gs", a.Name, a.To-a.From), fmt.Sprintf("%s of %gs", b.Name, b.To-b.From))
	}
	differ("how many requests there were", len(old.Requests), len(now.Requests))
	for i := range min(len(old.Requests), len(now.Requests)) {
		differ("requests", old.Requests[i].Name, now.Requests[i].Name)
	}
	differ("how many events there were", len(old.Events), len(now.Events))
	for i := range min(len(old.Events), len(now.Events)) {
		differ("events", old.Events[i].Label, now.Events[i].Label)
	}
	for _, one := range []struct {
		name string
		r    *Result
	}{{"the old one", old}, {"the new one", now}} {
		if len(one.r.Invalid) > 0 {
			all = append(all, fmt.Errorf("%s is invalid: %s", one.name, one.r.Invalid[0]))
		}
	}
	if all != nil {
		return fmt.Errorf("%w: %w", ErrIncomparable, errors.Join(all...))
	}
	return nil
}

// WriteComparison writes both results side by side.
func WriteComparison(w io.Writer, old, now *Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-20s %12s %12s %10s\n", "", "old", "new", "change")
	count := func(name string, a, c int) { fmt.Fprintf(&b, "%-20s %12d %12d %+10d\n", name, a, c, c-a) }
	count("sent", old.Sent, now.Sent)
	count("failed", old.Failed, now.Failed)
	count("unknown", old.Unknown, now.Unknown)
	if old.Executed != nil && now.Executed != nil {
		count("lost", old.Executed.Lost, now.Executed.Lost)
		count("doubled", old.Executed.Doubled, now.Executed.Doubled)
	}
	for _, one := range []struct {
		name string
		of   func(*Result) Latency
	}{{"response time", func(r *Result) Latency { return r.Response }}, {"service time", func(r *Result) Latency { return r.Service }}} {
		a, c := one.of(old), one.of(now)
		for _, q := range []struct {
			name string
			a, c float64
		}{{"p50", a.P50, c.P50}, {"p95", a.P95, c.P95}, {"p99", a.P99, c.P99}, {"max", a.Max, c.Max}} {
			change := "-"
			if q.a > 0 {
				change = fmt.Sprintf("%+.1f %%", (q.c/q.a-1)*100)
			}
			fmt.Fprintf(&b, "%-20s %12s %12s %10s\n", one.name+" "+q.name, FormatMS(q.a), FormatMS(q.c), change)
		}
	}
	fmt.Fprintln(&b, "\nTwo runs, one after the other, differ by what else the machine did, too. To be sure: apitest bench gate.")
	_, err := io.WriteString(w, b.String())
	return err
}
