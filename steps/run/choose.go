package run

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/tags"
)

// choice says which scenarios are to run.
type choice struct {
	options Options
	tags    tags.Expression // nil: all
	names   []*regexp.Regexp
	only    map[string]bool
	include *regexp.Regexp     // nil: any file
	exclude *regexp.Regexp     // nil: none
	lines   map[string][]asked // by file: the lines that were asked for
	whole   map[string]bool    // files that were asked for without lines
}

func newChoice(o Options) (*choice, error) {
	c := &choice{options: o, lines: map[string][]asked{}, whole: map[string]bool{}}
	var err error
	if o.Tags != "" {
		if c.tags, err = tags.Parse(o.Tags); err != nil {
			return nil, &UsageError{err.Error()}
		}
	}
	for _, name := range o.Names {
		expr, err := regexp.Compile(name)
		if err != nil {
			return nil, &UsageError{fmt.Sprintf("name %q is no regular expression: %v", name, err)}
		}
		c.names = append(c.names, expr)
	}
	for _, f := range []struct {
		text string
		expr **regexp.Regexp
	}{{o.Include, &c.include}, {o.Exclude, &c.exclude}} {
		if f.text == "" {
			continue
		}
		if *f.expr, err = regexp.Compile(f.text); err != nil {
			return nil, &UsageError{fmt.Sprintf("%q is no regular expression: %v", f.text, err)}
		}
	}
	if o.Only != nil {
		c.only = map[string]bool{}
		for _, at := range o.Only {
			c.only[at] = true
		}
	}
	return c, nil
}

func absolute(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}

func location(path string, line int) string { return path + ":" + strconv.Itoa(line) }

// chosen says whether a scenario is to run.
func (c *choice) chosen(s *Scenario) bool {
	if c.only != nil && !c.only[location(s.known.Path, s.known.Line)] && !c.only[location(absolute(s.known.Path), s.known.Line)] {
		return false
	}
	if c.tags != nil {
		var names []string
		for _, tag := range s.known.Tags {
			names = append(names, tag.Name)
		}
		if !c.tags.Evaluate(names) {
			return false
		}
	}
	return len(c.names) == 0 || slices.ContainsFunc(c.names, func(e *regexp.Regexp) bool { return e.MatchString(s.known.Name) })
}

// nothing is the error of a choice that no scenario meets.
func (c *choice) nothing(p *plan) error {
	if p.found == 0 {
		return fmt.Errorf("%w: no scenario was found in %s", ErrNothing, strings.Join(c.options.Paths, ", "))
	}
	var why []string
	if c.options.Tags != "" {
		why = append(why, fmt.Sprintf("has the tags %q", c.options.Tags))
	}
	if len(c.options.Names) > 0 {
		why = append(why, fmt.Sprintf("has the name %q", strings.Join(c.options.Names, `" or "`)))
	}
	if c.only != nil && len(c.only) == 0 {
		return fmt.Errorf("%w: nothing failed the last time", ErrNothing)
	}
	if c.only != nil {
		why = append(why, "failed the last time")
	}
	if len(c.lines) > 0 {
		why = append(why, "stands on the lines asked for")
	}
	return fmt.Errorf("%w: none of %d scenarios %s", ErrNothing, p.found, strings.Join(why, " and "))
}

// compile reads the feature files of paths, in their order, and compiles what is chosen of them.
func compile(suite *steps.Suite, files fs.FS, paths []string, choose *choice) (*plan, error) {
	found, err := choose.find(files, paths)
	if err != nil {
		return nil, err
	}
	c := &compiler{suite: suite, bound: map[lineKey]binding{}}
	p := &plan{}
	for _, name := range found {
		text, err := read(files, name)
		if err != nil {
			p.faults = append(p.faults, unreadable(name, err))
			continue
		}
		f, faults := c.file(name, text)
		p.faults = append(p.faults, faults...)
		if f == nil {
			continue
		}
		if err := choose.unmet(f, name); err != nil {
			return nil, err
		}
		p.found += len(f.scenarios)
		f.scenarios = choose.of(f, name)
		if len(f.scenarios) > 0 {
			p.features = append(p.features, f)
		}
	}
	return p, nil
}

// of are the chosen scenarios of a file.
func (c *choice) of(f *feature, name string) []*Scenario {
	var out []*Scenario
	for i, s := range f.scenarios {
		if c.chosen(s) && c.meant(f, name, i) {
			out = append(out, s)
		}
	}
	return out
}

// covers says whether a line of the file means scenario i: it stands in it, or is the row of its values, or has a tag of it,
// or is a line of the outline of which it is a row.
func covers(all []*Scenario, i, line int) bool {
	s := all[i]
	if s.known.Line == line || slices.ContainsFunc(s.known.Tags, func(t report.Tag) bool { return t.Line == line }) {
		return true
	}
	first := s.known.Line
	for _, l := range s.lines {
		if !l.known.Background {
			first = min(first, l.known.Line)
		}
	}
	last := s.known.Line
	for _, l := range s.lines {
		last = max(last, l.known.Line)
	}
	if s.known.Row == 0 {
		return line > s.known.Line && line <= last
	}
	// A line of examples means its own row only; the lines above them mean all.
	stepsEnd := 0
	for _, l := range s.lines {
		if !l.known.Background {
			stepsEnd = max(stepsEnd, l.known.Line)
		}
	}
	return line >= first-1 && line <= stepsEnd
}
