// Package ongodog makes the plain-English steps known to godog, for a suite of anybody's.
//
//	suite := steps.New(steps.Options{})
//	defer suite.Close()
//	all := ongodog.New(suite)
//	godog.TestSuite{
//		ScenarioInitializer: all.Register,
//		Options:             &godog.Options{Paths: []string{"features"}, Strict: true},
//	}.Run()
//	all.Close()
package ongodog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/cucumber/godog"

	"github.com/parley-run/parley/steps"
)

// Steps are the steps of a suite under godog. Close it after the run, before the suite.
type Steps struct {
	suite *steps.Suite

	mu   sync.Mutex
	open map[string]*entered // by path
}

// entered is a feature file whose scenarios run, or have run.
type entered struct {
	file    *steps.File
	running int
}

// New gives the steps of a suite.
func New(suite *steps.Suite) *Steps { return &Steps{suite: suite, open: map[string]*entered{}} }

// Close ends what the scenarios started.
func (s *Steps) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.close(func(string, *entered) bool { return true })
}

// Register makes the steps known to one scenario: it is, or is called by, a ScenarioInitializer. What a step's error says
// is all that is known about the failure.
func (s *Steps) Register(sc *godog.ScenarioContext) {
	var f *entered
	var w *steps.World
	sc.Before(func(ctx context.Context, scenario *godog.Scenario) (_ context.Context, err error) {
		if f, err = s.enter(withoutLine(scenario.Uri)); err != nil {
			return ctx, err
		}
		w, err = f.file.Begin(ctx, scenario.Name)
		return ctx, err
	})
	sc.After(func(ctx context.Context, _ *godog.Scenario, failed error) (_ context.Context, err error) {
		s.leave(f)
		if w == nil {
			return ctx, nil
		}
		if failed == nil {
			if err = w.Finish(ctx); err != nil {
				err = errors.New(w.Explain(err).Text())
			}
		}
		return ctx, errors.Join(err, w.End())
	})
	vocabulary := s.suite.Vocabulary()
	do := func(kind steps.Kind) func(context.Context, string) error {
		return func(ctx context.Context, text string) error {
			line, err := vocabulary.Bind(kind, text)
			if err == nil {
				err = line.Run(ctx, w)
			}
			if err != nil {
				return errors.New(w.Explain(err).Text()) // all that godog shows is an error's text
			}
			return nil
		}
	}
	sc.Given(vocabulary.Expression(steps.Given), do(steps.Given))
	sc.When(vocabulary.Expression(steps.When), do(steps.When))
	sc.Then(vocabulary.Expression(steps.Then), do(steps.Then))
}

// enter gives the file of a scenario that begins. godog tells of no file's end: what other files started is ended now,
// unless one of their scenarios runs.
func (s *Steps) enter(path string) (*entered, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.close(func(other string, e *entered) bool { return other != path && e.running == 0 })
	if err != nil {
		return nil, err
	}
	f := s.open[path]
	if f == nil {
		f = &entered{file: s.suite.File(path)}
		s.open[path] = f
	}
	f.running++
	return f, nil
}

func (s *Steps) leave(f *entered) {
	if f == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.running--
}

// close closes the files that are to be.
func (s *Steps) close(which func(path string, e *entered) bool) error {
	var faults []error
	for path, e := range s.open {
		if !which(path, e) {
			continue
		}
		delete(s.open, path)
		if err := e.file.Close(); err != nil {
			faults = append(faults, fmt.Errorf("ending what %s started: %w", path, err))
		}
	}
	return errors.Join(faults...)
}

// withoutLine takes the :12 off a path that named one scenario by its line.
func withoutLine(uri string) string {
	if at := strings.LastIndexByte(uri, ':'); at > 0 {
		if _, err := strconv.Atoi(uri[at+1:]); err == nil {
			return uri[:at]
		}
	}
	return uri
}
