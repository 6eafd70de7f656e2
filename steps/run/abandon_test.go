package run_test

import (
	"context"
	"runtime"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

// TestAbandoned: a step that takes no notice of the run's end is not waited for. What had been done is told, and what the
// step uses is left to it.
func TestAbandoned(t *testing.T) {
	for _, row := range []struct {
		name, text string
		state      steps.State
	}{
		{"state per scenario", "a deaf step", steps.PerScenario},
		{"state per feature", "a deaf step", steps.PerFeature},
		{"what is opened does not close", "a deaf goodbye", steps.PerScenario},
		{"what is opened does not close at the file's end", "a deaf goodbye", steps.PerFeature},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			release, left := make(chan struct{}), make(chan struct{})
			deaf := func() error {
				interrupt()
				<-release
				close(left)
				return nil
			}
			extra := []steps.Step{
				{Kinds: []steps.Kind{steps.Given}, Pattern: "a deaf step", Doc: "x", Example: "a deaf step", Func: func(w *steps.World) error {
					defer w.Store("a", "b") // the world is still its own
					return deaf()
				}},
				{Kinds: []steps.Kind{steps.Given}, Pattern: "a deaf goodbye", Doc: "x", Example: "a deaf goodbye", Func: func(w *steps.World) error {
					w.OnClose(deaf)
					return nil
				}},
			}
			type outcome struct {
				done *report.Run
				err  error
			}
			ended := make(chan outcome, 1)
			go func() {
				done, err := run.Features(ctx, run.Options{
					Paths: []string{"a.feature"}, Parallel: 1, Steps: steps.Options{State: row.state, Extra: extra},
					FS: fstest.MapFS{"a.feature": {Data: []byte("Feature: f\n  Scenario: before\n    Given I store \"x\" under \"y\"\n" +
						"  Scenario: deaf\n    Given I store \"x\" under \"y\"\n    And " + row.text + "\n")}},
				})
				ended <- outcome{done, err}
			}()
			var o outcome
			select {
			case o = <-ended:
			case <-time.After(time.Minute):
				t.Fatal("the run waits for a step that does not end")
			}
			require.ErrorIs(t, o.err, context.Canceled)
			require.NotNil(t, o.done)
			assert.True(t, o.done.Interrupted)
			before, cut := o.done.Features[0].Scenarios[0], o.done.Features[0].Scenarios[1]
			assert.Equal(t, report.Passed, before.Status)
			if row.text == "a deaf step" {
				assert.Equal(t, report.Skipped, cut.Status)
				require.NotNil(t, cut.Steps[1].Failure)
				assert.Equal(t, "the run was interrupted while this step ran", cut.Steps[1].Failure.What)
			} else {
				assert.Equal(t, report.Passed, cut.Status, "all its steps had passed by then")
			}
			close(release)
			<-left
		})
	}
}

// A step of one's own that ends its goroutine, as a testing.T does, fails its scenario; the run goes on.
func TestStepThatEndsItsGoroutine(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done, err := run.Features(ctx, run.Options{
		Paths: []string{"a.feature"}, Parallel: 1,
		Steps: steps.Options{Extra: []steps.Step{{
			Kinds: []steps.Kind{steps.Given}, Pattern: "it leaves", Doc: "x", Example: "it leaves", Func: func() error {
				runtime.Goexit()
				return nil
			},
		}}},
		FS: fstest.MapFS{"a.feature": {Data: []byte("Feature: f\n  Scenario: leaves\n    Given it leaves\n  Scenario: after\n    Given I store \"x\" under \"y\"\n")}},
	})
	require.NoError(t, err)
	assert.Equal(t, report.Failed, done.Features[0].Scenarios[0].Status)
	assert.Contains(t, done.Features[0].Scenarios[0].Failing().Failure.What, "let it return an error")
	assert.Equal(t, report.Passed, done.Features[0].Scenarios[1].Status)
}
