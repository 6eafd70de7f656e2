// Package apitest runs API tests in plain English from Go: under go test with [Run], or with the settings of a project
// of API tests as the command apitest runs them.
//
//	func TestAPI(t *testing.T) {
//		apitest.Run(t, "features", apitest.Options{})
//	}
package apitest

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/project"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
	"github.com/parley-run/parley/steps/vault"
)

// Options of Run. The zero value runs what the settings of the project say: apitest.yaml or config.ini beside or above
// the path, and the environment.
type Options struct {
	Steps    []steps.Step                  // steps of your own, beside the vocabulary
	Settings func(*project.Settings) error // changes the settings before the run; may be nil
}

// Run runs the feature files of a path, each scenario as a subtest of t, named by its feature and its own name. All that
// is known about a failure is the subtest's error. That nothing was selected fails the test, unless the settings allow it.
func Run(t *testing.T, path string, o Options) {
	t.Helper()
	p, err := project.Find(path)
	if err != nil {
		t.Fatal(err)
	}
	settings := p.Settings
	if err := settings.Environment(os.LookupEnv); err != nil {
		t.Fatal(err)
	}
	if o.Settings != nil {
		if err := o.Settings(&settings); err != nil {
			t.Fatal(err)
		}
	}
	options := Configure(p, settings)
	options.Steps.Extra, options.Steps.Log = o.Steps, t.Logf
	done, err := run.Features(t.Context(), options)
	if err != nil && (done == nil || !settings.AllowEmpty) {
		t.Fatal(err)
	}
	for _, fault := range done.Faults {
		t.Error(fault)
	}
	for _, f := range done.Features {
		for _, s := range f.Scenarios {
			t.Run(f.Name+"/"+s.Title(), func(t *testing.T) { tell(t, s) })
		}
	}
}

// tell gives a scenario's outcome to its subtest.
func tell(t *testing.T, s *report.Scenario) {
	switch s.Status {
	case report.Skipped:
		t.Skip("not run")
	case report.Flaky:
		t.Logf("passed on attempt %d; before: %s", s.Attempts, s.Earlier[0].Text())
	}
	if step := s.Failing(); step != nil {
		t.Errorf("%s:%d: %s %s\n%s", s.Path, step.Line, step.Keyword, step.Text, step.Failure.Text())
	}
}

// Configure makes the options of a run of the settings of a project.
func Configure(p *project.Project, s project.Settings) run.Options {
	o := run.Options{
		Paths: p.Features, Tags: s.Tags, Names: s.Names, Include: s.Include, Exclude: s.Exclude,
		Parallel: s.Parallel, FailFast: s.FailFast, DryRun: s.DryRun, Shuffle: s.Shuffle, Seed: s.Seed, Retries: s.Retries,
		Steps: steps.Options{Root: p.Root, User: s.User, Secrets: s.Secrets, Timeout: s.Timeout, UserAgent: s.UserAgent},
	}
	if s.State == project.StateFeature {
		o.Steps.State = steps.PerFeature
	}
	if s.Vault.Configured() {
		o.Steps.Vault = vault.New(s.Vault.Address, s.Vault.Token, &http.Client{Timeout: vaultTimeout})
	}
	return o
}

// vaultTimeout ends a request to a Vault that does not answer.
const vaultTimeout = 10 * time.Second
