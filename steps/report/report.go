// Package report holds the outcome of a run of feature files, and writes it: for people on a terminal and as one HTML
// page that needs nothing else, for machines as JUnit XML, as cucumber JSON and as GitHub annotations.
package report

import (
	"slices"
	"time"
)

// Status is what became of a step or scenario.
type Status string

// The statuses. Undefined is a step that no pattern matches, or a scenario with such; Skipped is a step that stands
// behind a failure and exists, and a scenario that was not begun or not ended; Flaky is a scenario that passed only when it was run again.
const (
	Passed    Status = "passed"
	Failed    Status = "failed"
	Skipped   Status = "skipped"
	Undefined Status = "undefined"
	Flaky     Status = "flaky"
)

// Run is the outcome of a whole run, in source order however it was run.
type Run struct {
	Began       time.Time
	Took        time.Duration
	Features    []*Feature
	Faults      []string // what kept feature files from being run, each path:line:column: message
	Interrupted bool     // it was ended before its end: scenarios that had not begun are Skipped
	Seed        uint64   // of the order and of random values
	Shuffled    bool     // the order of running was not that of the source
	DryRun      bool     // nothing was done: a scenario is Skipped where all its steps exist
}

// Feature is one feature file.
type Feature struct {
	Name        string
	Keyword     string // as written: Feature, Funkcja, ...
	Description string
	Language    string // such as en
	Path        string // as the run was given it, with slashes
	Line        int
	Tags        []Tag
	Scenarios   []*Scenario
}

// Tag is a tag with its @.
type Tag struct {
	Name string
	Line int
}

// Scenario is one scenario, or one row of a scenario outline.
type Scenario struct {
	Name        string // of a row of an outline, with the row's values filled in
	Keyword     string // as written: Scenario, Scenario Outline, ...
	Description string
	Rule        string // name of the rule that it stands in; empty: none
	Path        string // of its feature
	Line        int    // of the scenario, or of the row
	Row         int    // of an outline's examples, from 1 over all their tables; 0: it is no outline
	Tags        []Tag  // its own and those it has from its feature, rule and examples
	Status      Status
	Attempts    int // how often it was run; Steps are those of the last
	Began       time.Time
	Took        time.Duration // of the last attempt
	Steps       []*Step
	Earlier     []*Failure // of a scenario run again: why each earlier attempt failed
}

// Step is one step.
type Step struct {
	Keyword    string // as written: Given, And, ...
	Text       string
	Line       int
	Background bool // it stands in a background
	Status     Status
	Took       time.Duration
	// Failure is why it failed; of a step that is Skipped why it would have, where that is known; else nil.
	Failure   *Failure
	Pattern   string // of the step that it means; empty where it is undefined
	DocString *DocString
	Table     [][]string
}

// DocString is the text between three quotes behind a step.
type DocString struct {
	MediaType, Content string
	Line               int
}

// Failure is why a step failed, for people. Secrets are masked in all of it.
type Failure struct {
	What        string // one or more sentences
	Note        string // such as how long it was tried
	Expected    string // as JSON where that shows the type; empty where What says all
	Got         string
	Differences []Difference // of two documents: all places where they differ
	Hint        string       // what to do: the nearest phrases, the variables that are set, ...
	Timeline    []Moment     // of a load: what became of it over time; may be empty
	Exchange    *Exchange    // nil where no request had been sent
}

// Difference is one place in which two documents differ.
type Difference struct {
	Path          string // a JSON Pointer, or an XPath
	Expected, Got string // "(nothing)" where there is no value
}

// Moment is a stretch of a load: requests are counted in the one in which they were due.
type Moment struct {
	When                      string   // such as "5 s" or "6 to 19 s", from the load's start
	Sent, OK, Failed, Unknown int      // requests; Sent is the sum of the others
	Slowest                   string   // answer, such as "12 ms"; empty where none came
	Notes                     []string // what happened then: events, ids that were lost
	Bad                       bool     // it is where to look
}

// Exchange is the request that was sent and what came back.
type Exchange struct {
	Request string        // request line, headers and body, as sent
	Curl    string        // a command line that repeats it; secrets are shell variables
	Reply   string        // status line, headers and body, JSON and XML indented; empty where none came
	Took    time.Duration // from sending to the end of the reply
	// Timing is where the time went, such as "connected after 0.2 ms, first byte after 12 ms"; may be empty.
	Timing string
}

// Failing is the first step that is Failed or Undefined; nil where there is none.
func (s *Scenario) Failing() *Step {
	for _, step := range s.Steps {
		if step.Status == Failed || step.Status == Undefined {
			return step
		}
	}
	return nil
}

// CutOff is the step during which the run was interrupted; nil where there is none.
func (s *Scenario) CutOff() *Step {
	for _, step := range s.Steps {
		if s.Status == Skipped && step.Status == Skipped && step.Failure != nil {
			return step
		}
	}
	return nil
}

// quiet says that there is nothing to look at: it passed, or was not begun.
func (s *Scenario) quiet() bool {
	return s.Status == Passed || s.Status == Skipped && s.CutOff() == nil
}

// Good says whether a scenario does not make its run fail.
func (s *Scenario) Good() bool { return s.Status == Passed || s.Status == Flaky }

// Counts are numbers by status.
type Counts struct{ Passed, Failed, Skipped, Undefined, Flaky int }

// Total is the sum of all.
func (c Counts) Total() int { return c.Passed + c.Failed + c.Skipped + c.Undefined + c.Flaky }

func (c *Counts) add(s Status) {
	switch s {
	case Passed:
		c.Passed++
	case Failed:
		c.Failed++
	case Skipped:
		c.Skipped++
	case Undefined:
		c.Undefined++
	case Flaky:
		c.Flaky++
	}
}

// Counts counts the feature's scenarios.
func (f *Feature) Counts() Counts {
	var c Counts
	for _, s := range f.Scenarios {
		c.add(s.Status)
	}
	return c
}

// Status is that of the feature as a whole: Failed where a scenario is Failed or Undefined, Skipped where all are.
func (f *Feature) Status() Status {
	c := f.Counts()
	switch {
	case c.Failed+c.Undefined > 0:
		return Failed
	case c.Skipped == c.Total():
		return Skipped
	case c.Flaky > 0:
		return Flaky
	}
	return Passed
}

// FeatureFiles counts the run's feature files.
func (r *Run) FeatureFiles() Counts {
	var c Counts
	for _, f := range r.Features {
		c.add(f.Status())
	}
	return c
}

// Scenarios counts the run's scenarios.
func (r *Run) Scenarios() Counts {
	var c Counts
	for _, f := range r.Features {
		for _, s := range f.Scenarios {
			c.add(s.Status)
		}
	}
	return c
}

// Steps counts the run's steps.
func (r *Run) Steps() Counts {
	var c Counts
	for _, f := range r.Features {
		for _, sc := range f.Scenarios {
			for _, s := range sc.Steps {
				c.add(s.Status)
			}
		}
	}
	return c
}

// Passed says whether something ran and all of it passed; of a dry run, whether all its steps exist.
func (r *Run) Passed() bool {
	c := r.Scenarios()
	good := c.Passed + c.Flaky
	if r.DryRun {
		good += c.Skipped
	}
	return c.Total() > 0 && good == c.Total() && len(r.Faults) == 0 && !r.Interrupted
}

// Join is one run made of several, in their order.
func Join(runs ...*Run) *Run {
	all := &Run{}
	for _, r := range runs {
		if r == nil {
			continue
		}
		if all.Began.IsZero() {
			all.Began, all.Seed = r.Began, r.Seed
		}
		all.Took += r.Took
		all.Features = append(all.Features, r.Features...)
		all.Faults = slices.Concat(all.Faults, r.Faults)
		all.Interrupted = all.Interrupted || r.Interrupted
		all.Shuffled = all.Shuffled || r.Shuffled
		all.DryRun = all.DryRun || r.DryRun
	}
	return all
}

// Sink is told of a run while it goes on, one call at a time: first Begin; then Feature and its Scenarios, all in
// source order; then End. Progress may come at any moment between.
type Sink interface {
	Begin(run *Run, scenarios int)
	Feature(f *Feature)
	Scenario(f *Feature, s *Scenario)
	Progress(p Progress)
	End(run *Run)
}

// Progress is how far a run is.
type Progress struct {
	Done, Total, Failed int           // scenarios
	Running             []string      // names of those that run now
	Elapsed             time.Duration // since the run began
}
