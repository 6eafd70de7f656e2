package main

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/figures"
)

// profile is a load of numbered POSTs.
func profile(rate float64, d time.Duration) bench.Profile {
	return bench.Profile{
		Name: "bench-bench", Rate: rate, Duration: bench.Duration(d), MaxScheduleLag: bench.Duration(time.Minute),
		Request: bench.Request{Path: "/", Body: "{{id}}"},
	}
}

// with runs a load against a target of its own.
func with(ctx context.Context, p bench.Profile, o bench.Options, then func(*target, *bench.Result) error) error {
	t, err := startTarget(ctx, "--log")
	if err != nil {
		return err
	}
	defer t.close()
	o.Address = t.address
	if do := o.Do; do == nil {
		o.Do = func(_ context.Context, e bench.Event) error { return pause(t.cmd.Process, e.Run == "stop") }
	}
	res, err := bench.Run(ctx, p, o)
	if err != nil {
		return err
	}
	if res.Failed+res.Unknown > 0 {
		return fmt.Errorf("%d requests failed: %v", res.Failed+res.Unknown, res.Errors)
	}
	return then(t, res)
}

// truth compares each sample with the target's own log, over a load with a ramp: undisturbed, and where the target stands still
// for a while.
func truth(ctx context.Context, _ options) (figures.Section, error) {
	s := figures.Section{Title: "each response time against the target's own log of completions, 100 to 2,000 requests/s"}
	still := []bench.Event{{At: bench.Duration(2 * time.Second), Run: "stop"}, {At: bench.Duration(2500 * time.Millisecond), Run: "go on"}}
	for _, row := range []struct {
		name, what string
		events     []bench.Event
	}{{"truth", "undisturbed", nil}, {"truth.still", "the target still for 0.5 s", still}} {
		off, err := differences(ctx, row.events)
		if err != nil {
			return s, err
		}
		far := 0
		for _, d := range off {
			if d > 2 {
				far++
			}
		}
		s.Figures = append(s.Figures,
			figures.Of(row.name+".max", row.what+": difference, the largest", figures.Quantile(off, 1), "ms").AtMost(2),
			figures.Of(row.name+".p99", row.what+": difference, p99", figures.Quantile(off, 0.99), "ms"),
			figures.Of(row.name+".far", fmt.Sprintf("%s: further than 2 ms, of %d", row.what, len(off)), float64(far), ""))
	}
	s.Notes = append(s.Notes, "the log has when the target began to give its reply to the kernel, and when that was done; the difference is to the nearer of the two, and 0 between them")
	return s, nil
}

// differences are, in milliseconds, between each response time and what the target's log makes of it.
func differences(ctx context.Context, events []bench.Event) ([]float64, error) {
	p := profile(0, 0)
	from, to := 100.0, 2000.0
	p.Phases = []bench.PhaseSpec{{Name: "up", Duration: bench.Duration(5 * time.Second), From: &from, To: &to}}
	p.Events = events
	var samples []bench.Sample
	var off []float64
	err := with(ctx, p, bench.Options{Sample: func(one bench.Sample) { samples = append(samples, one) }}, func(t *target, _ *bench.Result) error {
		completed, err := t.log(ctx)
		if err != nil {
			return err
		}
		for _, one := range samples {
			at, there := completed[one.ID]
			if !there {
				return fmt.Errorf("the target's log does not hold request %d", one.ID)
			}
			off = append(off, at.off(one.End))
		}
		return nil
	})
	return off, err
}

// off is how far, in milliseconds, that time is from when the reply was given to the kernel.
func (c completion) off(end time.Time) float64 {
	at := end.UnixNano()
	return float64(max(0, c.from-at, at-c.to)) / 1e6
}

// freeze stops the target for a second of six.
func freeze(ctx context.Context, o options) (figures.Section, error) {
	s := figures.Section{Title: "a target that stands still (SIGSTOP) for 1 s of 6 at 1,000 requests/s: what p95 and p99 should be by arithmetic"}
	for _, workers := range []int{16, 512} {
		var p95, p99 []float64
		for range o.rounds {
			p := profile(1000, 6*time.Second)
			p.Workers = workers
			p.Events = []bench.Event{{At: bench.Duration(2 * time.Second), Run: "stop"}, {At: bench.Duration(3 * time.Second), Run: "go on"}}
			err := with(ctx, p, bench.Options{}, func(_ *target, r *bench.Result) error {
				still := r.Events[1].At - r.Events[0].At // what the events really were apart
				p95 = append(p95, math.Abs(r.Response.P95/(1000*still-300)-1)*100)
				p99 = append(p99, math.Abs(r.Response.P99/(1000*still-60)-1)*100)
				return nil
			})
			if err != nil {
				return s, err
			}
		}
		name := fmt.Sprintf("freeze.%d", workers)
		s.Figures = append(s.Figures,
			figures.Median(name+".p95", fmt.Sprintf("%d workers, p95 from 700 ms", workers), p95, "%").AtMost(10),
			figures.Median(name+".p99", fmt.Sprintf("%d workers, p99 from 940 ms", workers), p99, "%").AtMost(10))
	}
	return s, nil
}

// events looks how exactly they come, under load.
func events(ctx context.Context, _ options) (figures.Section, error) {
	s := figures.Section{Title: "40 events in 5 s under 5,000 requests/s"}
	p := profile(5000, 5*time.Second)
	for i := range 40 {
		p.Events = append(p.Events, bench.Event{Name: fmt.Sprint(i), At: bench.Duration(time.Duration(i*120+100) * time.Millisecond), Run: "nothing"})
	}
	var mu sync.Mutex
	came := map[string]time.Time{} // by the event's name: results have whole milliseconds
	note := func(_ context.Context, e bench.Event) error {
		mu.Lock()
		defer mu.Unlock()
		came[e.Name] = time.Now()
		return nil
	}
	err := with(ctx, p, bench.Options{Do: note}, func(_ *target, r *bench.Result) error {
		var late []float64
		for _, e := range p.Events {
			at, ok := came[e.Name]
			if !ok {
				return fmt.Errorf("event %s did not come", e.Name)
			}
			due := r.Started.Add(time.Duration(e.At))
			late = append(late, math.Abs(float64(at.Sub(due))/float64(time.Millisecond)))
		}
		s.Figures = append(s.Figures,
			figures.Of("events.max", "from its time, the latest", figures.Quantile(late, 1), "ms").AtMost(10),
			figures.Median("events.median", "from its time", late, "ms"))
		return nil
	})
	return s, err
}
