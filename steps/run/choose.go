package run

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	tagexpressions "github.com/cucumber/tag-expressions/go/v6"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
)

// choice says which scenarios are to run.
type choice struct {
	options Options
	tags    tagexpressions.Evaluatable // nil: all
	names   []*regexp.Regexp
	only    map[string]bool
	include *regexp.Regexp   // nil: any file
	exclude *regexp.Regexp   // nil: none
	lines   map[string][]int // by path: the lines that were asked for
	whole   map[string]bool  // paths that were asked for without lines
}

func newChoice(o Options) (*choice, error) {
	c := &choice{options: o, lines: map[string][]int{}, whole: map[string]bool{}}
	var err error
	if o.Tags != "" {
		if c.tags, err = parseTags(o.Tags); err != nil {
			return nil, err
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
		why = append(why, fmt.Sprintf("the tags %q", c.options.Tags))
	}
	if len(c.options.Names) > 0 {
		why = append(why, fmt.Sprintf("the name %q", strings.Join(c.options.Names, `" or "`)))
	}
	if c.only != nil {
		why = append(why, "those that failed last")
	}
	if len(c.lines) > 0 {
		why = append(why, "a line that was asked for")
	}
	return fmt.Errorf("%w: none of %d scenarios has %s", ErrNothing, p.found, strings.Join(why, " and "))
}

// compile reads the feature files of paths, in their order, and compiles what is chosen of them.
func compile(v *steps.Vocabulary, files fs.FS, paths []string, choose *choice) (*plan, error) {
	found, err := choose.find(files, paths)
	if err != nil {
		return nil, err
	}
	c := &compiler{vocabulary: v, bound: map[lineKey]binding{}}
	p := &plan{}
	for _, name := range found {
		text, err := read(files, name)
		if err != nil {
			return nil, &UsageError{err.Error()}
		}
		f, faults := c.file(name, text)
		p.faults = append(p.faults, faults...)
		if f == nil {
			continue
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
	lines := c.lines[name]
	if c.whole[name] {
		lines = nil
	}
	var out []*Scenario
	for i, s := range f.scenarios {
		if c.chosen(s) && (lines == nil || slices.ContainsFunc(lines, func(line int) bool { return covers(f.scenarios, i, line) })) {
			out = append(out, s)
		}
	}
	return out
}

// covers says whether a line of the file means scenario i: it stands in it, or is the row of its values, or is a line of
// the outline of which it is a row, or it has a tag from there.
func covers(all []*Scenario, i, line int) bool {
	s := all[i]
	tagged := func(tag report.Tag) bool { return tag.Line == line }
	if s.known.Line == line || slices.ContainsFunc(s.known.Tags, tagged) {
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

// find lists the feature files of paths, each once, a folder's sorted by name.
func (c *choice) find(files fs.FS, paths []string) ([]string, error) {
	var out []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] && (c.include == nil || c.include.MatchString(name)) && (c.exclude == nil || !c.exclude.MatchString(name)) {
			seen[name] = true
			out = append(out, name)
		}
	}
	for _, given := range paths {
		name, lines := withoutLines(given)
		name = path.Clean(filepath.ToSlash(name))
		info, err := stat(files, name)
		if err != nil {
			return nil, &UsageError{fmt.Sprintf("%s: there is no such file or folder", given)}
		}
		if !info.IsDir() {
			if len(lines) > 0 {
				c.lines[name] = append(c.lines[name], lines...)
			} else {
				c.whole[name] = true
			}
			add(name)
			continue
		}
		inside, err := within(files, name)
		if err != nil {
			return nil, &UsageError{err.Error()}
		}
		for _, f := range inside {
			c.whole[f] = true
			add(f)
		}
	}
	return out, nil
}

var lineSuffix = regexp.MustCompile(`(?::\d+)+$`)

func withoutLines(given string) (name string, lines []int) {
	at := lineSuffix.FindStringIndex(given)
	if at == nil {
		return given, nil
	}
	for _, text := range strings.Split(given[at[0]+1:], ":") {
		if n, err := strconv.Atoi(text); err == nil {
			lines = append(lines, n)
		}
	}
	return given[:at[0]], lines
}

func within(files fs.FS, folder string) ([]string, error) {
	root := files
	if root == nil {
		root = os.DirFS(folder)
	}
	start := "."
	if files != nil {
		start = folder
	}
	var out []string
	err := fs.WalkDir(root, start, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(name, ".feature") {
			if files == nil {
				name = path.Join(folder, name)
			}
			out = append(out, name)
		}
		return err
	})
	return out, err
}

func stat(files fs.FS, name string) (fs.FileInfo, error) {
	if files != nil {
		return fs.Stat(files, name)
	}
	return os.Stat(name)
}

func read(files fs.FS, name string) ([]byte, error) {
	if files != nil {
		return fs.ReadFile(files, name)
	}
	return os.ReadFile(name)
}
