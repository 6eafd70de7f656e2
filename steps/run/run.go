// Package run runs feature files: it compiles each scenario once, with its steps found and bound, then runs scenarios
// side by side, tells of it as it goes on, and gives the outcome for reports.
package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
)

// ErrNothing says that no scenario was selected.
var ErrNothing = errors.New("nothing to run")

// UsageError is a selection that cannot be understood: a path that is not there, a tag expression that does not parse.
type UsageError struct{ Message string }

// Error is the message.
func (e *UsageError) Error() string { return e.Message }

// Options of a run. The zero value of all but Paths is useful.
type Options struct {
	Paths []string      // feature files, folders with such, or file.feature:12:30 for the scenarios on these lines
	FS    fs.FS         // where the paths are; nil: the file system
	Steps steps.Options // FS is taken from here

	Tags  string   // a tag expression such as "@smoke and not @slow"; empty: all
	Names []string // regular expressions, one of which must be found in a scenario's name; none: all
	Only  []string // path:line of scenarios, as Locations gives them, or with absolute paths; nil: all

	Include string // regular expression that must be found in a feature file's path; empty: any
	Exclude string // regular expression that must not; empty: none

	AllowEmpty bool // that one of the paths or lines asked for has no scenario is no error; that all have none is one all the same

	Parallel int    // scenarios at once; 0: as many as there are CPUs
	FailFast bool   // begin no scenario after one has failed
	DryRun   bool   // find every step, do none
	Shuffle  bool   // in an order that Seed decides
	Seed     uint64 // of the order and of random values; 0: one is made up, and reported
	Retries  int    // how often a scenario that fails is run again; one that passes then is report.Flaky

	Sink report.Sink // told as the run goes on; may be nil
}

// Features runs scenarios, and ends what they started. Scenarios that fail, and files that cannot be understood, are in
// the Run. The error is a *UsageError, wraps ErrNothing, is ctx's where it ended the run (whose outcome is there as far
// as it came), or says what could not be ended.
func Features(ctx context.Context, o Options) (done *report.Run, err error) {
	if o.Sink == nil {
		o.Sink = silent{}
	}
	if o.Parallel <= 0 {
		o.Parallel = runtime.GOMAXPROCS(0)
	}
	if o.Seed == 0 {
		o.Seed = uint64(rand.Uint32()) + 1
	}
	o.Steps.FS, o.Steps.Seed = o.FS, o.Seed
	choose, err := newChoice(o)
	if err != nil {
		return nil, err
	}
	if len(o.Steps.Extra) > 0 {
		if _, err := steps.NewVocabulary(steps.Table(), o.Steps.Extra...); err != nil {
			return nil, &UsageError{err.Error()}
		}
	}
	suite := steps.New(o.Steps)
	defer func() { err = errors.Join(err, suite.Close()) }()
	plan, err := compile(suite, o.FS, o.Paths, choose)
	if err != nil {
		return nil, err
	}
	if plan.count() == 0 && len(plan.faults) == 0 {
		return nil, choose.nothing(plan)
	}
	r := &runner{options: o, suite: suite, plan: plan}
	return r.run(ctx)
}

// Compile gives the chosen scenarios of feature files with their steps found, to be run as often as wanted and by many at
// once, each time in a world of its own: what a load is made of. A file that cannot be understood, and a step that does
// not exist, are errors here. FS is that of the suite's options.
func Compile(suite *steps.Suite, o Options) ([]*Scenario, error) {
	choose, err := newChoice(o)
	if err != nil {
		return nil, err
	}
	p, err := compile(suite, o.FS, o.Paths, choose)
	if err != nil {
		return nil, err
	}
	if len(p.faults) > 0 {
		return nil, &UsageError{strings.Join(p.faults, "\n")}
	}
	if p.count() == 0 {
		return nil, choose.nothing(p)
	}
	var all []*Scenario
	for _, f := range p.features {
		for _, s := range f.scenarios {
			for _, l := range s.lines {
				if l.fault != nil {
					return nil, &UsageError{fmt.Sprintf("%s:%d: %v", s.known.Path, l.known.Line, l.fault)}
				}
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// Locations are path:line of the scenarios of a run that failed, for Options.Only.
func Locations(done *report.Run) []string {
	var out []string
	for _, f := range done.Features {
		for _, s := range f.Scenarios {
			if s.Status == report.Failed || s.Status == report.Undefined {
				out = append(out, location(s.Path, s.Line))
			}
		}
	}
	return out
}

// silent is told, and says nothing.
type silent struct{}

func (silent) Begin(*report.Run, int)                     {}
func (silent) Feature(*report.Feature)                    {}
func (silent) Scenario(*report.Feature, *report.Scenario) {}
func (silent) Progress(report.Progress)                   {}
func (silent) End(*report.Run)                            {}

// runner is one run.
type runner struct {
	options Options
	suite   *steps.Suite
	plan    *plan
}

func (r *runner) run(ctx context.Context) (*report.Run, error) {
	done := &report.Run{Began: time.Now(), Faults: r.plan.faults, Seed: r.options.Seed, DryRun: r.options.DryRun, Shuffled: r.options.Shuffle}
	for _, f := range r.plan.features {
		done.Features = append(done.Features, f.feature)
	}
	total := r.plan.count()
	r.options.Sink.Begin(done, total)
	t := newTeller(r.options.Sink, r.plan, total, r.suite.Mask().Text)
	if !r.options.DryRun {
		unhook := context.AfterFunc(ctx, r.suite.Hurry)
		defer unhook()
		stop := t.tick()
		r.execute(ctx, t)
		stop()
	}
	t.finish(r.options.DryRun)
	done.Took = time.Since(done.Began)
	done.Interrupted = ctx.Err() != nil
	done.Faults = append(done.Faults, t.faults...)
	// A secret that was met late may stand in what was told early.
	mask(done, r.suite.Mask().Text)
	r.options.Sink.End(done)
	return done, ctx.Err()
}
