package apitest

import (
	"errors"
	"strings"
	"testing"

	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

// Run runs the feature files of a path under go test, each scenario as a subtest that is called by its feature and its own
// name, so that
//
//	go test -run 'TestAPI/Customers/A_customer_is_found'
//
// runs that one alone. All that is known about a failure is the subtest's error, with file and line of the step. Scenarios
// run side by side as the settings say, and are told in the order of their files. That there is nothing to run fails the
// test, unless the settings allow it.
func Run(t *testing.T, path string, o Options) {
	t.Helper()
	options, settings, err := o.prepare(path)
	if err != nil {
		t.Fatal(err)
	}
	options.Steps.Log = t.Logf
	if asked := askedFor(); asked.inside(t.Name()) {
		options.Only = asked.scenarios(t, options)
		if options.Only != nil && len(options.Only) == 0 {
			t.Skipf("go test -run and -skip leave no scenario of %s", path)
		}
	}
	queue := make(turns)
	options.Sink = queue
	var done *report.Run
	go func() {
		defer close(queue)
		done, err = run.Features(t.Context(), options)
	}()
	for told := range queue {
		t.Run(nameOf(told.feature, told.scenario), func(t *testing.T) {
			t.Helper()
			tell(t, told.scenario)
		})
		close(told.over)
	}
	switch {
	case errors.Is(err, run.ErrNothing) && settings.AllowEmpty:
		t.Skip(err)
	case err != nil:
		t.Error(err)
	}
	if done == nil {
		return
	}
	for _, fault := range done.Faults {
		t.Error(fault)
	}
	written, err := writeReports(settings, done)
	if err != nil {
		t.Error(err)
	}
	for _, name := range written {
		t.Log("report:", name)
	}
}

// tell gives a scenario's outcome to its subtest.
func tell(t *testing.T, s *report.Scenario) {
	t.Helper()
	switch s.Status {
	case report.Skipped:
		t.Skip("not run")
	case report.Flaky:
		t.Logf("FLAKY: passed on attempt %d; before: %s", s.Attempts, s.Earlier[0].Text())
	}
	for _, step := range s.Steps {
		if step.Failure != nil {
			t.Errorf("%s:%d: %s %s\n%s", s.Path, step.Line, step.Keyword, step.Text, step.Failure.Text())
		}
	}
}

// turn is a scenario whose turn it is to be told.
type turn struct {
	feature  *report.Feature
	scenario *report.Scenario
	over     chan struct{} // closed when it has been told: until then the run does not touch the scenario
}

// turns hands them to the test's own goroutine, so that what go test prints names the caller's file.
type turns chan turn

func (turns) Begin(*report.Run, int)   {}
func (turns) Feature(*report.Feature)  {}
func (turns) Progress(report.Progress) {}
func (turns) End(*report.Run)          {}

func (t turns) Scenario(f *report.Feature, s *report.Scenario) {
	told := turn{f, s, make(chan struct{})}
	t <- told
	<-told.over
}

// nameOf is the name of a scenario's subtest.
func nameOf(f *report.Feature, s *report.Scenario) string { return f.Name + "/" + s.Title() }

// scenarios are path:line of those that go test was asked for; nil where they cannot be found out: the run will tell why.
func (a asked) scenarios(t *testing.T, o run.Options) []string {
	o.DryRun = true
	all, err := run.Features(t.Context(), o)
	if err != nil {
		return nil
	}
	only := []string{}
	for _, f := range all.Features {
		for _, s := range f.Scenarios {
			if a.includes(t.Name() + "/" + strings.Map(inName, nameOf(f, s))) {
				only = append(only, s.Location())
			}
		}
	}
	return only
}
