package run

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
)

// Name is the scenario's, with the values of its row where it is one of an outline.
func (s *Scenario) Name() string { return s.known.Name }

// Run runs the scenario once in a world that has just begun, and gives what became of it. Where ctx ended a step nobody
// knows what it would have come to: the scenario is Skipped, and the step tells how far it was.
func (s *Scenario) Run(ctx context.Context, w *steps.World) *report.Scenario {
	out := s.fresh()
	out.Attempts, out.Began, out.Status = 1, time.Now(), report.Passed
	for i, l := range s.lines {
		step := out.Steps[i]
		began := time.Now()
		err := l.fault
		if err == nil {
			err = patiently(ctx, graceOf(l.bound), func() error { return l.bound.Run(ctx, w) })
		}
		step.Took = time.Since(began)
		if err == nil {
			step.Status = report.Passed
			continue
		}
		if errors.Is(err, errAbandoned) {
			w.Abandon()
			cutOff(step)
			out.Status = report.Skipped
			break
		}
		step.Failure = w.Explain(err)
		if ctx.Err() != nil && l.bound != nil {
			cutOff(step)
			out.Status = report.Skipped
			break
		}
		step.Status, out.Status = report.Failed, report.Failed
		if l.undefined() {
			step.Status, out.Status = report.Undefined, report.Undefined
		}
		if l.bound != nil && l.bound.Looks() {
			s.others(ctx, w, out, i+1)
		}
		s.unknown(out, i+1)
		break
	}
	if out.Status == report.Passed {
		s.finish(ctx, w, out)
	}
	out.Took = time.Since(out.Began)
	return out
}

// finish does what the steps only declared; what goes wrong then is the last step's.
func (s *Scenario) finish(ctx context.Context, w *steps.World, out *report.Scenario) {
	last := out.Steps[len(out.Steps)-1]
	began := time.Now()
	err := patiently(ctx, graceOfMost, func() error { return w.Finish(ctx) })
	last.Took += time.Since(began)
	if errors.Is(err, errAbandoned) {
		w.Abandon()
		cutOff(last)
		last.Status, out.Status = report.Skipped, report.Skipped
		return
	}
	if err != nil {
		last.Failure = w.Explain(err)
		last.Status, out.Status = report.Failed, report.Failed
	}
}

// cutOff is the record of a step that was ended while it ran.
func cutOff(step *report.Step) {
	f := &report.Failure{What: "the run was interrupted while this step ran", Note: "it had run for " + report.Duration(step.Took)}
	if step.Failure != nil {
		f.Exchange = step.Failure.Exchange
	}
	step.Failure = f
}

// fresh is the scenario's record before it has run.
func (s *Scenario) fresh() *report.Scenario {
	out := s.known
	out.Steps = make([]*report.Step, len(s.lines))
	known := make([]report.Step, len(s.lines))
	for i, l := range s.lines {
		known[i] = l.known
		out.Steps[i] = &known[i]
	}
	return &out
}

// unrun is the record of a scenario that did not run: in a dry run its missing steps are told all the same.
func (s *Scenario) unrun(dry bool) *report.Scenario {
	out := s.fresh()
	if !dry {
		return out
	}
	for i, l := range s.lines {
		if l.fault == nil {
			continue
		}
		step := out.Steps[i]
		step.Failure = (*steps.World)(nil).Explain(l.fault)
		step.Status = report.Failed
		if l.undefined() {
			step.Status = report.Undefined
		}
		if out.Status == report.Skipped {
			out.Status = step.Status
		}
	}
	return out
}

// others tells which of the checks that follow a failed one at once, line after line, do not hold either: whoever mends
// the first would meet them one by one. They stay Skipped, as what stands behind a failure is.
func (s *Scenario) others(ctx context.Context, w *steps.World, out *report.Scenario, from int) {
	for i, l := range s.lines[from:] {
		if l.bound == nil || !l.bound.Looks() {
			return
		}
		err := protected(func() error { return l.bound.Check(ctx, w) })
		if err == nil {
			continue
		}
		f := w.Explain(err)
		f.What, f.Exchange = "this does not hold either: "+f.What, nil
		out.Steps[from+i].Failure = f
	}
}

// unknown tells of the steps from one on, behind a failure, that do not exist: whoever mends the failure meets them next.
func (s *Scenario) unknown(out *report.Scenario, from int) {
	for i, l := range s.lines[from:] {
		if step := out.Steps[from+i]; l.undefined() {
			step.Status = report.Undefined
			step.Failure = (*steps.World)(nil).Explain(l.fault)
		}
	}
}

func (l line) undefined() bool {
	_, unknown := l.fault.(*steps.UnknownError) //nolint:errorlint // Bind's own, unwrapped
	return unknown
}

// unit is what one worker runs, one scenario after the other.
type unit struct {
	file      *openFile
	scenarios []int // of the file
	alone     bool  // no other unit runs beside it
}

// openFile is a feature file while it runs. What its scenarios share is ended when the last of its units has ended.
type openFile struct {
	index   int // in the plan
	feature *feature
	file    *steps.File
	left    atomic.Int32 // units
}

// grace is how long closing the file may take when the run has been interrupted.
func (f *openFile) grace() time.Duration {
	if slices.ContainsFunc(f.feature.scenarios, func(s *Scenario) bool { return s.hold }) {
		return graceOfHolders
	}
	return graceOfMost
}

// units cuts the plan into what may run side by side: scenarios of a file that share nothing are units of their own.
func (r *runner) units() []*unit {
	var out []*unit
	for i, f := range r.plan.features {
		open := &openFile{index: i, feature: f, file: r.suite.File(f.feature.Path)}
		together := r.options.Steps.State == steps.PerFeature
		for _, s := range f.scenarios {
			together = together || s.share
		}
		if together {
			u := &unit{file: open}
			for n, s := range f.scenarios {
				u.scenarios = append(u.scenarios, n)
				u.alone = u.alone || s.alone
			}
			open.left.Store(1)
			out = append(out, u)
			continue
		}
		open.left.Store(int32(len(f.scenarios)))
		for n, s := range f.scenarios {
			out = append(out, &unit{file: open, scenarios: []int{n}, alone: s.alone})
		}
	}
	return out
}

// execute runs all units: first those that may run side by side, then those that run alone.
func (r *runner) execute(ctx context.Context, t *teller) {
	all := r.units()
	if r.options.Shuffle {
		order := rand.New(rand.NewPCG(r.options.Seed, 0))
		order.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	var failed atomic.Bool
	stopped := func() bool { return ctx.Err() != nil || (r.options.FailFast && failed.Load()) }
	work := make(chan *unit)
	var workers sync.WaitGroup
	for range min(r.options.Parallel, len(all)) {
		workers.Go(func() {
			for u := range work {
				r.unit(ctx, u, t, stopped, &failed)
			}
		})
	}
	for _, u := range all {
		if !u.alone {
			work <- u
		}
	}
	close(work)
	workers.Wait()
	for _, u := range all {
		if u.alone {
			r.unit(ctx, u, t, stopped, &failed)
		}
	}
}

func (r *runner) unit(ctx context.Context, u *unit, t *teller, stopped func() bool, failed *atomic.Bool) {
	for _, n := range u.scenarios {
		if stopped() {
			break
		}
		s := u.file.feature.scenarios[n]
		t.begin(s)
		out := r.scenario(ctx, u.file.file, s)
		if !out.Good() && out.Status != report.Skipped {
			failed.Store(true)
		}
		t.end(u.file.index, n, s, out)
	}
	if u.file.left.Add(-1) == 0 {
		if err := patiently(ctx, u.file.grace(), u.file.file.Close); err != nil && !errors.Is(err, errAbandoned) {
			t.fault(fmt.Sprintf("%s: ending what its scenarios started: %v", u.file.feature.feature.Path, err))
		}
	}
}

// scenario runs one, and again where it fails and may be.
func (r *runner) scenario(ctx context.Context, f *steps.File, s *Scenario) *report.Scenario {
	var earlier []*report.Failure
	for attempt := 1; ; attempt++ {
		out := r.attempt(ctx, f, s)
		out.Attempts, out.Earlier = attempt, earlier
		switch {
		case out.Status == report.Passed && attempt > 1:
			out.Status = report.Flaky
			return out
		case out.Status != report.Failed || attempt > r.options.Retries || ctx.Err() != nil:
			return out
		}
		earlier = append(earlier, out.Failing().Failure)
	}
}

func (r *runner) attempt(ctx context.Context, f *steps.File, s *Scenario) *report.Scenario {
	run := ctx
	ctx, cancel := context.WithCancel(run)
	defer cancel() // ends what steps left running beside them
	w, err := f.Begin(ctx, s.known.Name)
	if err != nil && ctx.Err() != nil {
		return s.unrun(false)
	}
	if err != nil {
		return s.broken(fmt.Errorf("before the first step: %w", err))
	}
	out := s.Run(ctx, w)
	interrupted := ctx.Err() != nil
	cancel()
	err = patiently(run, graceOfMost, w.End)
	if errors.Is(err, errAbandoned) {
		w.Abandon()
	} else if err != nil && !interrupted && out.Status == report.Passed {
		last := out.Steps[len(out.Steps)-1]
		out.Status, last.Status = report.Failed, report.Failed
		last.Failure = w.Explain(fmt.Errorf("after this step, ending what the scenario opened: %w", err))
	}
	return out
}

// broken is the record of a scenario that could not begin.
func (s *Scenario) broken(err error) *report.Scenario {
	out := s.fresh()
	out.Status, out.Steps[0].Status = report.Failed, report.Failed
	out.Steps[0].Failure = (*steps.World)(nil).Explain(err)
	return out
}
