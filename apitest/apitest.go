// Package apitest runs API tests in plain English from Go: each scenario of the feature files as a subtest of go test with
// [Run], or anywhere else with [Features]. Steps of your own in Go stand beside the vocabulary.
//
//	func TestAPI(t *testing.T) {
//		apitest.Run(t, "features", apitest.Options{})
//	}
//
// Needed are a folder of feature files, and where there are settings an apitest.yaml beside or above them: the same
// project that the command apitest runs.
package apitest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/project"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
	"github.com/parley-run/parley/steps/vault"
)

// Options of Run and Features. The zero value runs what the project says: its apitest.yaml or config.ini, and variables
// of the environment such as APITEST_TAGS.
type Options struct {
	Steps    []steps.Step      // steps of your own, beside the vocabulary
	Settings map[string]string // by their keys in apitest.yaml, such as "tags": "@smoke"; they win over the environment, and that over the file
	User     map[string]any    // what @name means in features, beside user in apitest.yaml: texts, or lists of texts ([]any)
}

// Features runs the feature files of a path: a file, a folder, a project, or file.feature:12 for the scenario on that line.
// Scenarios that fail are in the outcome, whose Passed says whether all is well. Reports that the settings ask for are
// written. The error says why nothing could be run, or not to the end; nothing to run is [run.ErrNothing], unless the
// settings allow it.
func Features(ctx context.Context, path string, o Options) (*report.Run, error) {
	options, settings, err := o.prepare(path)
	if err != nil {
		return nil, err
	}
	done, err := run.Features(ctx, options)
	switch {
	case errors.Is(err, run.ErrNothing) && settings.AllowEmpty:
		return &report.Run{}, nil
	case done == nil:
		return nil, err
	}
	_, faults := writeReports(settings, done)
	return done, errors.Join(err, faults)
}

// prepare finds the project of a path, and its settings with all that has a say in them.
func (o Options) prepare(path string) (run.Options, project.Settings, error) {
	p, err := project.Find(path)
	if err != nil {
		return run.Options{}, project.Settings{}, err
	}
	s := p.Settings
	faults := []error{s.Environment(os.LookupEnv)}
	for _, name := range slices.Sorted(maps.Keys(o.Settings)) {
		if err := s.Set(name, o.Settings[name]); err != nil {
			faults = append(faults, fmt.Errorf("apitest.Options.Settings: %w", err))
		}
	}
	if len(o.User) > 0 {
		user := maps.Clone(o.User)
		for name, value := range s.User {
			if _, there := user[name]; !there {
				user[name] = value
			}
		}
		s.User = user
	}
	options := Configure(p, s)
	options.Steps.Extra = o.Steps
	return options, s, errors.Join(faults...)
}

// Configure makes the options of a run of the settings of a project.
func Configure(p *project.Project, s project.Settings) run.Options {
	o := run.Options{
		Paths: p.Features, AllowEmpty: s.AllowEmpty, Tags: s.Tags, Names: s.Names, Include: s.Include, Exclude: s.Exclude,
		Parallel: s.Parallel, FailFast: s.FailFast, DryRun: s.DryRun, Shuffle: s.Shuffle, Seed: s.Seed, Retries: s.Retries,
		Steps: steps.Options{Root: p.Root, User: s.User, Secrets: s.Secrets, Timeout: s.Timeout, UserAgent: s.UserAgent},
	}
	if s.State == project.StateFeature {
		o.Steps.State = steps.PerFeature
	}
	if s.Vault.Configured() {
		o.Steps.Vault = vault.New(s.Vault.Address, s.Vault.Token, &http.Client{
			Timeout: vaultTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}, // nothing is left open
		})
	}
	return o
}

// vaultTimeout ends a request to a Vault that does not answer.
const vaultTimeout = 10 * time.Second
