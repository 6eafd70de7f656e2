package report

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// view is what a page shows.
type view struct {
	*Page
	Faults   []string
	Counts   Counts // scenarios
	Steps    Counts
	Statuses []share // of the scenarios, those that there are
	Tags     []tagCount
	Bad      []*row // scenarios that failed or were flaky, the first of them
	MoreBad  int
	Slow     []*row // the slowest scenarios, where there are enough to choose from
	Features []*chapter
	Seed     string
}

// share is a status with its part of the bar, of 1000.
type share struct {
	Status   Status
	N        int
	From, To int
}

// Wide is how much of the bar it takes.
func (s share) Wide() int { return s.To - s.From }

type tagCount struct {
	Name string
	N    int
}

// chapter is a feature.
type chapter struct {
	*Feature
	Title  string
	Status Status
	Count  string
	Took   time.Duration
	Rows   []*row
}

// row is a scenario.
type row struct {
	*Scenario
	ID       string
	Link     string // to it within the page
	Feature  string
	Title    string
	Verdict  string
	Own      []Tag  // tags that its feature does not have
	AllTags  string // with a blank between them
	Bar      int    // how long it took, of 20 for the slowest
	Heading  string // the rule that begins with it
	Mark     string
	Open     bool
	Brief    string  // the steps of a scenario that did not fail, a line each: keyword, text and time with tabs between
	Groups   []group // the steps of one that did
	Attempts []attempt
}

// attempt is why an earlier attempt failed.
type attempt struct {
	*Failure
	Alike  bool // the last failed in the same way
	Folded bool
}

// group is steps that stand together: the failing one with its neighbours, or others, folded.
type group struct {
	Folded string // what to say of them; empty: they are shown
	Steps  []detailed
}

type detailed struct {
	*Step
	Mark     string
	Where    string
	Argument string
	Why      *Failure
	Also     bool // it was skipped, and would have failed
}

// Limits of what a page shows before it is asked.
const (
	openFailures   = 50
	listedFailures = 100
	slowest        = 10
)

func newView(p *Page) *view {
	v := &view{
		Page: p, Faults: slices.Concat(p.Run.Faults, p.Faults), Counts: p.Run.Scenarios(), Steps: p.Run.Steps(),
	}
	v.Statuses = shares(v.Counts)
	if p.Run.Seed != 0 {
		v.Seed = strconv.FormatUint(p.Run.Seed, 10)
	}
	var longest time.Duration
	for _, f := range p.Run.Features {
		for _, s := range f.Scenarios {
			longest = max(longest, s.Took)
		}
	}
	ids := map[string]bool{}
	tags := map[string]int{}
	var all []*row
	for _, f := range p.Run.Features {
		c := newChapter(f, longest, ids)
		v.Features = append(v.Features, c)
		for _, r := range c.Rows {
			all = append(all, r)
			for _, t := range distinct(r.Tags) {
				tags[t]++
			}
			if r.quiet() {
				continue
			}
			if r.Open = len(v.Bad) < openFailures; len(v.Bad) < listedFailures {
				v.Bad = append(v.Bad, r)
			} else {
				v.MoreBad++
			}
		}
	}
	for name, n := range tags {
		v.Tags = append(v.Tags, tagCount{name, n})
	}
	slices.SortFunc(v.Tags, func(a, b tagCount) int { return cmp.Compare(a.Name, b.Name) })
	v.Slow = slowOnes(all)
	return v
}

func shares(c Counts) []share {
	var out []share
	from := 0
	sum := 0
	for _, n := range c.list() {
		if n.N == 0 {
			continue
		}
		sum += n.N
		to := sum * 1000 / c.Total()
		out = append(out, share{n.Status, n.N, from, to})
		from = to
	}
	return out
}

func slowOnes(all []*row) []*row {
	if len(all) < 3 {
		return nil
	}
	all = slices.DeleteFunc(slices.Clone(all), func(r *row) bool { return r.Took == 0 })
	slices.SortStableFunc(all, func(a, b *row) int { return cmp.Compare(b.Took, a.Took) })
	return all[:min(len(all), slowest)]
}

func newChapter(f *Feature, longest time.Duration, ids map[string]bool) *chapter {
	c := &chapter{Feature: f, Title: f.title(), Status: f.Status(), Count: counted("scenario", f.Counts())}
	rule := ""
	for _, s := range f.Scenarios {
		c.Took += s.Took
		r := newRow(f, s, longest)
		for n := 2; ids[r.ID]; n++ {
			r.ID = fmt.Sprintf("%s.%d", anchor(s), n) // a file was run twice
		}
		ids[r.ID] = true
		r.Link = "#" + (&url.URL{Fragment: r.ID}).EscapedFragment()
		if s.Rule != rule {
			rule, r.Heading = s.Rule, s.Rule
		}
		c.Rows = append(c.Rows, r)
	}
	return c
}

// bars is the width of the widest bar of a duration; page.css has a rule for each below.
const bars = 20

func newRow(f *Feature, s *Scenario, longest time.Duration) *row {
	r := &row{
		Scenario: s, ID: anchor(s), Feature: f.title(), Title: s.Title(), Verdict: s.verdict(), Mark: s.Status.mark(),
		AllTags: strings.Join(distinct(s.Tags), " "),
	}
	if longest > 0 {
		r.Bar = int((s.Took*bars + longest - 1) / longest)
	}
	for _, t := range s.Tags {
		if !slices.ContainsFunc(f.Tags, func(of Tag) bool { return of.Name == t.Name }) {
			r.Own = append(r.Own, t)
		}
	}
	if s.quiet() {
		r.Brief = brief(s)
		return r
	}
	r.Groups = groups(s)
	for _, f := range s.Earlier {
		r.Attempts = append(r.Attempts, attempt{Failure: f, Alike: s.alike(f), Folded: s.Status != Flaky})
	}
	return r
}

// anchor is path:line without what cannot stand in an id.
func anchor(s *Scenario) string { return strings.Join(strings.Fields(s.Location()), "-") }

func distinct(tags []Tag) []string {
	var out []string
	for _, t := range tags {
		if !slices.Contains(out, t.Name) {
			out = append(out, t.Name)
		}
	}
	return out
}

// brief is steps as text that the page's script makes rows of when they are looked at: a page of 10,000 scenarios is
// light that way, and can be read where scripts may not run.
func brief(s *Scenario) string {
	oneCell := strings.NewReplacer("\t", " ", "\n", " ")
	var b strings.Builder
	for _, step := range s.Steps {
		took := ""
		if step.Status == Passed && step.Took > 0 {
			took = Duration(step.Took)
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\n", oneCell.Replace(step.Keyword), oneCell.Replace(clean(step.Text)), took)
		if argument := clean(step.argument()); argument != "" {
			b.WriteString("\t\t" + strings.ReplaceAll(argument, "\n", "\n\t\t") + "\n")
		}
	}
	return b.String()
}

// groups folds what is far from a failing step.
func groups(s *Scenario) []group {
	shown := near(s.Steps)
	var out []group
	for i := 0; i < len(s.Steps); {
		from := i
		var g group
		for ; i < len(s.Steps) && shown[i] == shown[from]; i++ {
			step := s.Steps[i]
			g.Steps = append(g.Steps, detailed{
				Step: step, Mark: step.Status.mark(), Where: fmt.Sprintf("%s:%d", s.Path, step.Line), Argument: clean(step.argument()), Why: step.Failure,
				Also: step.Status == Skipped && step.Failure != nil && s.Status != Skipped,
			})
		}
		if !shown[from] && i-from > 1 {
			g.Folded = gap(s.Steps[from:i], from == 0)
		}
		out = append(out, g)
	}
	return out
}
