package run_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

func files(texts ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for i, text := range texts {
		out[fmt.Sprintf("%c.feature", 'a'+i)] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// stage has steps that tell what is going on.
type stage struct {
	mu     sync.Mutex
	order  []string
	flaky  map[string]int // how often a step still fails
	gates  map[string]chan struct{}
	inside int
	most   int // that ran at once
}

func (s *stage) steps() []steps.Step {
	row := func(kind steps.Kind, pattern string, do func(context.Context, *steps.World, steps.Args) error) steps.Step {
		return steps.Step{Topic: "test", Kinds: []steps.Kind{kind}, Pattern: pattern, Doc: "For tests.", Example: pattern, Do: do}
	}
	meet := row(steps.When, `"{a}" meets "{b}"`, func(ctx context.Context, _ *steps.World, a steps.Args) error {
		s.mu.Lock()
		if s.gates == nil {
			s.gates = map[string]chan struct{}{}
		}
		for _, name := range []string{a.Text(0), a.Text(1)} {
			if s.gates[name] == nil {
				s.gates[name] = make(chan struct{})
			}
		}
		mine, theirs := s.gates[a.Text(0)], s.gates[a.Text(1)]
		s.mu.Unlock()
		close(mine)
		select {
		case <-theirs:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return []steps.Step{
		row(steps.Given, `I note "{text}"`, func(_ context.Context, _ *steps.World, a steps.Args) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.order = append(s.order, a.Text(0))
			return nil
		}),
		row(steps.Given, `"{name}" fails {n} time(s)`, func(_ context.Context, _ *steps.World, a steps.Args) error {
			n, err := a.Int(1)
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.flaky[a.Text(0)]++; s.flaky[a.Text(0)] <= n {
				return fmt.Errorf("attempt %d fails", s.flaky[a.Text(0)])
			}
			return err
		}),
		row(steps.When, `I am inside alone`, func(context.Context, *steps.World, steps.Args) error {
			s.mu.Lock()
			s.inside++
			s.most = max(s.most, s.inside)
			s.mu.Unlock()
			defer func() {
				s.mu.Lock()
				s.inside--
				s.mu.Unlock()
			}()
			return nil
		}),
		meet,
		row(steps.When, `it never ends`, func(ctx context.Context, _ *steps.World, _ steps.Args) error {
			<-ctx.Done()
			return ctx.Err()
		}),
		row(steps.When, `it panics`, func(context.Context, *steps.World, steps.Args) error { panic("ouch") }),
		row(steps.Then, `it fails`, func(context.Context, *steps.World, steps.Args) error { return errors.New("it does") }),
	}
}

func newStage() *stage { return &stage{flaky: map[string]int{}} }

func (s *stage) run(t *testing.T, o run.Options, texts ...string) (*report.Run, error) {
	t.Helper()
	o.FS = files(texts...)
	if o.Paths == nil {
		o.Paths = []string{"."}
	}
	o.Steps.Extra = s.steps()
	return run.Features(t.Context(), o)
}

// names are those of a run's scenarios by status.
func names(done *report.Run, status report.Status) []string {
	out := []string{}
	for _, f := range done.Features {
		for _, s := range f.Scenarios {
			if s.Status == status {
				out = append(out, s.Name)
			}
		}
	}
	return out
}

func TestTheOutcomeHasEveryStep(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"name": "Sean"}`))
	}))
	t.Cleanup(server.Close)
	t.Setenv("SERVER", server.URL)
	done, err := run.Features(t.Context(), run.Options{
		Paths: []string{"a.feature"},
		FS: files(`@all
Feature: Names
  Background:
    Given address "$SERVER"
    And format "JSON"

  @good
  Scenario: It passes
    When the URL is invoked
    Then JSON Pointer "/name" is "Sean"

  Rule: Outlines
    Scenario Outline: It fails for <name>
      When the URL is invoked
      Then JSON Pointer "/name" is "<name>"
      And status is "200"

      @joes
      Examples:
        | name |
        | Joe  |
        | Sean |

  Scenario: Misspelt
    When the URL is invokd
`),
	})
	require.NoError(t, err)
	assert.False(t, done.Passed())
	assert.Equal(t, report.Counts{Passed: 2, Failed: 1, Undefined: 1}, done.Scenarios())
	assert.Equal(t, report.Counts{Passed: 14, Failed: 1, Skipped: 1, Undefined: 1}, done.Steps())
	require.Len(t, done.Features, 1)
	require.Len(t, done.Features[0].Scenarios, 4)
	failed := done.Features[0].Scenarios[1]
	assert.Equal(t, "It fails for Joe", failed.Name)
	assert.Equal(t, "Outlines", failed.Rule)
	assert.Equal(t, []report.Tag{{Name: "@all", Line: 1}, {Name: "@joes", Line: 18}}, failed.Tags)
	assert.Equal(t, []int{21, 1}, []int{failed.Line, failed.Row})
	assert.Equal(t, "And", failed.Steps[4].Keyword)
	step := failed.Failing()
	assert.Equal(t, 15, step.Line)
	assert.True(t, failed.Steps[0].Background)
	assert.Equal(t, []string{`"Joe"`, `"Sean"`}, []string{step.Failure.Expected, step.Failure.Got})
	assert.Contains(t, step.Failure.Exchange.Request, "GET "+server.URL+"/")
	assert.Contains(t, step.Failure.Exchange.Curl, "curl -i -X GET "+server.URL+"/")
	assert.Contains(t, step.Failure.Exchange.Reply, `"name": "Sean"`)
	misspelt := done.Features[0].Scenarios[3].Failing()
	assert.Equal(t, report.Undefined, misspelt.Status)
	assert.Contains(t, misspelt.Failure.Hint, "did you mean: When the URL is invoked")
}

const tagged = `Feature: F
  @a
  Scenario: One
    Given I note "1"
  @a @b
  Scenario: Two
    Given I note "2"
  Scenario: Three
    Given I note "3"
  Scenario Outline: Row <n>
    Given I note "<n>"
    Examples:
      | n |
      | 4 |
      | 5 |
`

func TestSelection(t *testing.T) {
	rows := []struct {
		name    string
		options run.Options
		want    []string
	}{
		{"all", run.Options{}, []string{"One", "Two", "Three", "Row 4", "Row 5"}},
		{"tags", run.Options{Tags: "@a and not @b"}, []string{"One"}},
		{"either tag", run.Options{Tags: "@b or @a"}, []string{"One", "Two"}},
		{"no tag", run.Options{Tags: "not (@a or @b)"}, []string{"Three", "Row 4", "Row 5"}},
		{"name", run.Options{Names: []string{"^T", "5$"}}, []string{"Two", "Three", "Row 5"}},
		{"only", run.Options{Only: []string{"a.feature:15", "a.feature:3"}}, []string{"One", "Row 5"}},
		{"a scenario's line", run.Options{Paths: []string{"a.feature:6"}}, []string{"Two"}},
		{"a step's line", run.Options{Paths: []string{"a.feature:9"}}, []string{"Three"}},
		{"two lines", run.Options{Paths: []string{"a.feature:3:8"}}, []string{"One", "Three"}},
		{"a row", run.Options{Paths: []string{"a.feature:14"}}, []string{"Row 4"}},
		{"an outline", run.Options{Paths: []string{"a.feature:10"}}, []string{"Row 4", "Row 5"}},
		{"twice the same file", run.Options{Paths: []string{"a.feature:3", "./a.feature"}}, []string{"One", "Two", "Three", "Row 4", "Row 5"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			done, err := newStage().run(t, row.options, tagged)
			require.NoError(t, err)
			assert.Equal(t, row.want, names(done, report.Passed))
		})
	}
}

func TestNothingIsGreenBySilence(t *testing.T) {
	rows := []struct {
		name    string
		options run.Options
		want    string
	}{
		{"no scenario has the tag", run.Options{Tags: "@nobody"}, `nothing to run: none of 5 scenarios has the tags "@nobody"`},
		{"no scenario has the name", run.Options{Names: []string{"nobody"}}, `nothing to run: none of 5 scenarios has the name "nobody"`},
		{"no scenario on the line", run.Options{Paths: []string{"a.feature:1"}}, "nothing to run: a.feature:1: no scenario is on line 1; they begin on 3, 6, 8, 14, 15"},
		{"no such file", run.Options{Paths: []string{"b.feature"}}, "b.feature: there is no such file or folder"},
		{"tags with a comma", run.Options{Tags: "@a,@b"}, `"@a,@b" is no tag expression: "@a,@b" is no tag; write such as: @smoke and not (@slow or @wip)`},
		{"tags with a tilde", run.Options{Tags: "~@a"}, `"~@a" is no tag`},
		{"tags without @", run.Options{Tags: "a"}, `"a" is no tag`},
		{"tags half written", run.Options{Tags: "@a and"}, `"@a and" is no tag expression: a tag is missing`},
		{"tags open", run.Options{Tags: "(@a"}, `"(@a" is no tag expression: Unmatched (`},
		{"blank tags", run.Options{Tags: " "}, `" " is no tag expression: it is empty`},
		{"name is no expression", run.Options{Names: []string{"("}}, `name "(" is no regular expression`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := newStage().run(t, row.options, tagged)
			assert.ErrorContains(t, err, row.want)
			var usage *run.UsageError
			assert.NotEqual(t, errors.Is(err, run.ErrNothing), errors.As(err, &usage))
		})
	}
	_, err := newStage().run(t, run.Options{}, "Feature: empty\n")
	assert.ErrorIs(t, err, run.ErrNothing)
	assert.ErrorContains(t, err, "no scenario was found in .")
}

func TestAFaultInOneFileLetsTheOthersRun(t *testing.T) {
	done, err := newStage().run(t, run.Options{},
		"Feature: a\n  Scenario: b\n    Given I note \"x\"\n    nonsense\n",
		"Feature: b\n  Scenario: empty\n  Scenario: good\n    Given I note \"x\"\n",
		"Scenario: no feature\n")
	require.NoError(t, err)
	assert.Equal(t, []string{"good"}, names(done, report.Passed))
	require.Len(t, done.Faults, 3)
	assert.Equal(t, `a.feature:4:5: expected the end of the file, a table row, """, a step (Given, When, Then, And, But, *), tags, Examples:, Scenario:, Rule:, got 'nonsense'`,
		done.Faults[0])
	assert.Equal(t, `b.feature:2: scenario "empty" has no steps, so it proves nothing`, done.Faults[1])
	assert.Contains(t, done.Faults[2], `c.feature:1:1: a feature file begins with "Feature:"`)
	assert.False(t, done.Passed())
}

// TestScenariosRunSideBySide runs two that wait for each other.
func TestScenariosRunSideBySide(t *testing.T) {
	two := "Feature: F\n  Scenario: A\n    When \"a\" meets \"b\"\n  Scenario: B\n    When \"b\" meets \"a\"\n"
	done, err := newStage().run(t, run.Options{Parallel: 2}, two)
	require.NoError(t, err)
	assert.Equal(t, []string{"A", "B"}, names(done, report.Passed))

	t.Run("files, where each has its own state", func(t *testing.T) {
		one := "Feature: F\n  Scenario: %s\n    When \"%[1]s\" meets \"%s\"\n"
		o := run.Options{Parallel: 2, Steps: steps.Options{State: steps.PerFeature}}
		done, err := newStage().run(t, o, fmt.Sprintf(one, "a", "b"), fmt.Sprintf(one, "b", "a"))
		require.NoError(t, err)
		assert.Equal(t, []string{"a", "b"}, names(done, report.Passed))
	})
}

func TestSerialScenariosRunAlone(t *testing.T) {
	text := "Feature: F\n"
	for i := range 20 {
		text += fmt.Sprintf("  @serial\n  Scenario: S%d\n    When I am inside alone\n", i)
	}
	s := newStage()
	done, err := s.run(t, run.Options{Parallel: 8}, text)
	require.NoError(t, err)
	assert.Len(t, names(done, report.Passed), 20)
	assert.Equal(t, 1, s.most)
}

func TestState(t *testing.T) {
	text := "Feature: F\n  Scenario: A\n    Given I store \"x\" under \"v\"\n  Scenario: B\n    Then variable \"#v\" is a string \"x\"\n"
	done, err := newStage().run(t, run.Options{Steps: steps.Options{State: steps.PerFeature}}, text, text)
	require.NoError(t, err)
	assert.Equal(t, []string{"A", "B", "A", "B"}, names(done, report.Passed))
	done, err = newStage().run(t, run.Options{}, text)
	require.NoError(t, err)
	assert.Equal(t, []string{"B"}, names(done, report.Failed))
}

func TestFailFast(t *testing.T) {
	text := "Feature: F\n  Scenario: A\n    Then it fails\n  Scenario: B\n    Given I note \"b\"\n"
	s := newStage()
	done, err := s.run(t, run.Options{FailFast: true, Parallel: 1}, text)
	require.NoError(t, err)
	assert.Equal(t, []string{"A"}, names(done, report.Failed))
	assert.Equal(t, []string{"B"}, names(done, report.Skipped))
	assert.Empty(t, s.order)
}

func TestRetries(t *testing.T) {
	text := "Feature: F\n  Scenario: Shaky\n    Given \"x\" fails 2 times\n  Scenario: Broken\n    Then it fails\n"
	done, err := newStage().run(t, run.Options{Retries: 2}, text)
	require.NoError(t, err)
	assert.Equal(t, []string{"Shaky"}, names(done, report.Flaky))
	assert.Equal(t, []string{"Broken"}, names(done, report.Failed))
	shaky, broken := done.Features[0].Scenarios[0], done.Features[0].Scenarios[1]
	assert.Equal(t, []int{3, 3}, []int{shaky.Attempts, broken.Attempts})
	require.Len(t, shaky.Earlier, 2)
	assert.Equal(t, "attempt 2 fails", shaky.Earlier[1].What)
	done, err = newStage().run(t, run.Options{Retries: 1}, text)
	require.NoError(t, err)
	assert.Equal(t, []string{"Shaky", "Broken"}, names(done, report.Failed))
	assert.Equal(t, []string{"a.feature:2", "a.feature:4"}, run.Locations(done))
}

func TestDryRun(t *testing.T) {
	s := newStage()
	done, err := s.run(t, run.Options{DryRun: true}, "Feature: F\n  Scenario: Good\n    Given I note \"x\"\n  Scenario: Bad\n    Given I note \"x\"\n    And I nod \"x\"\n")
	require.NoError(t, err)
	assert.Empty(t, s.order)
	assert.Equal(t, []string{"Good"}, names(done, report.Skipped))
	assert.Equal(t, []string{"Bad"}, names(done, report.Undefined))
	assert.Contains(t, done.Features[0].Scenarios[1].Failing().Failure.Hint, `Given I note "{text}"`)
	assert.False(t, done.Passed())
	done, err = s.run(t, run.Options{DryRun: true}, "Feature: F\n  Scenario: Good\n    Given I note \"x\"\n")
	require.NoError(t, err)
	assert.True(t, done.Passed())
}

func TestShuffle(t *testing.T) {
	text := "Feature: F\n"
	for i := range 10 {
		text += fmt.Sprintf("  Scenario: %d\n    Given I note \"%[1]d\"\n", i)
	}
	order := func(o run.Options) ([]string, *report.Run) {
		s := newStage()
		o.Parallel = 1
		done, err := s.run(t, o, text)
		require.NoError(t, err)
		return s.order, done
	}
	plain, done := order(run.Options{})
	assert.NotZero(t, done.Seed)
	mixed, done := order(run.Options{Shuffle: true, Seed: 7})
	again, _ := order(run.Options{Shuffle: true, Seed: 7})
	assert.NotEqual(t, plain, mixed)
	assert.Equal(t, mixed, again)
	assert.Equal(t, plain, names(done, report.Passed), "reports are in source order")
	slices.Sort(mixed)
	assert.Equal(t, plain, mixed)
}

func TestRandomValuesFollowTheSeed(t *testing.T) {
	text := "Feature: F\n  Scenario: A\n    Given I store a random string under \"v\"\n    And I note \"#v\"\n"
	value := func(seed uint64) string {
		s := newStage()
		_, err := s.run(t, run.Options{Seed: seed}, text)
		require.NoError(t, err)
		require.Len(t, s.order, 1)
		return s.order[0]
	}
	assert.Equal(t, value(1), value(1))
	assert.NotEqual(t, value(1), value(2))
}

func TestAPanicFailsOneScenario(t *testing.T) {
	done, err := newStage().run(t, run.Options{}, "Feature: F\n  Scenario: A\n    When it panics\n  Scenario: B\n    Given I note \"b\"\n")
	require.NoError(t, err)
	assert.Equal(t, []string{"A"}, names(done, report.Failed))
	assert.Equal(t, []string{"B"}, names(done, report.Passed))
	assert.Contains(t, done.Features[0].Scenarios[0].Failing().Failure.What, "the step panicked: ouch")
}

// ender ends a run once a scenario of that name runs.
type ender struct {
	report.Sink
	name string
	end  func()
}

func (ender) Begin(*report.Run, int)                     {}
func (ender) Feature(*report.Feature)                    {}
func (ender) Scenario(*report.Feature, *report.Scenario) {}
func (ender) End(*report.Run)                            {}
func (e ender) Progress(p report.Progress) {
	if slices.Contains(p.Running, e.name) {
		e.end()
	}
}

func TestAnInterruptedRunGivesWhatItHas(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newStage()
	done, err := run.Features(ctx, run.Options{
		Paths: []string{"."}, Parallel: 1, Steps: steps.Options{Extra: s.steps()}, Sink: ender{name: "Endless", end: cancel},
		FS: files("Feature: F\n  Scenario: Done\n    Given I note \"1\"\n  Scenario: Endless\n    When it never ends\n  Scenario: Late\n    Given I note \"2\"\n"),
	})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, []string{"Done"}, names(done, report.Passed))
	assert.Equal(t, []string{"Endless", "Late"}, names(done, report.Skipped))
	assert.True(t, done.Interrupted)
	assert.False(t, done.Passed())
	assert.Equal(t, []string{"1"}, s.order)
}

func TestSecretsAreMaskedInTheOutcome(t *testing.T) {
	t.Setenv("API_TOKEN", "s3cr3t+value")
	done, err := newStage().run(t, run.Options{},
		"Feature: F\n  Scenario: A s3cr3t+value\n    Given address \"http://127.0.0.1:1\"\n    And header \"X-Token\" \"$API_TOKEN\"\n    And query string \"?t=s3cr3t%2Bvalue\"\n    When the URL is invoked\n")
	require.NoError(t, err)
	s := done.Features[0].Scenarios[0]
	assert.Equal(t, "A ***", s.Name)
	e := s.Failing().Failure.Exchange
	require.NotNil(t, e)
	assert.Contains(t, e.Request, "X-Token: ***")
	assert.Contains(t, e.Request, "?t=***")
	assert.Contains(t, e.Curl, `-H 'X-Token: '"$API_TOKEN"`)
}
