package steps

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Vocabulary is a table of steps, compiled once and used by every scenario, from many goroutines.
type Vocabulary struct {
	rows  []*compiled
	index map[entry][]*compiled

	book func() *phrasebook // made when a line is first not understood
}

// entry is where a row is looked for: by its kind, the first word, and how it ends. A line has few rows to be tried.
type entry struct {
	kind        Kind
	first, last string
}

// anyWord is the first or last word of rows that may begin or end in several ways.
const anyWord = "*"

// NewVocabulary compiles a table, and steps of your own beside it. A pattern that is there twice is an error, and so is a
// step of your own whose line could mean another step as well, or whose function has other parameters than its pattern.
func NewVocabulary(table []Step, own ...Step) (*Vocabulary, error) {
	v := &Vocabulary{index: map[entry][]*compiled{}}
	seen := map[string]bool{}
	for _, s := range table {
		for _, kind := range s.Kinds {
			key := kind.String() + " " + strings.ToLower(s.Pattern)
			if seen[key] {
				return nil, fmt.Errorf("step %q is in the table twice", key)
			}
			seen[key] = true
			v.add(compile(s, kind))
		}
	}
	for _, s := range own {
		if err := v.addOwn(s); err != nil {
			return nil, err
		}
	}
	v.book = sync.OnceValue(func() *phrasebook { return newPhrasebook(v.rows) })
	return v, nil
}

func (v *Vocabulary) add(c *compiled) {
	v.rows = append(v.rows, c)
	for _, e := range c.entries() {
		v.index[e] = append(v.index[e], c)
	}
}

func (v *Vocabulary) addOwn(s Step) error {
	s, err := s.ready()
	if err != nil {
		return err
	}
	if s.Topic == "" {
		s.Topic = "your own"
	}
	for _, kind := range s.Kinds {
		c := compile(s, kind)
		v.add(c)
		m, err := v.find(kind, s.sample())
		var twins *AmbiguousError
		twin := ""
		switch {
		case errors.As(err, &twins):
			twin = twins.May[0]
		case err == nil && m.row != c:
			twin = m.row.Pattern
		default:
			continue
		}
		return fmt.Errorf("step %q reads like %q, which is there already: say it in other words", kind.String()+" "+s.Pattern, kind.String()+" "+twin)
	}
	return nil
}

// Expression is one regular expression for all steps of a kind; its only capture is the line.
func (v *Vocabulary) Expression(kind Kind) *regexp.Regexp {
	var sources []string
	for _, row := range v.rows {
		if row.kind == kind {
			sources = append(sources, strings.ReplaceAll(row.source, capture, "(?:"))
		}
	}
	return regexp.MustCompile("(?i)^(" + strings.Join(sources, "|") + ")$")
}

// Lookup gives the step that a line means. The error is as of Bind.
func (v *Vocabulary) Lookup(kind Kind, line string) (Step, error) {
	m, err := v.find(kind, line)
	if err != nil {
		return Step{}, err
	}
	return m.row.Step, nil
}

// UnknownError says that no step reads like a line.
type UnknownError struct {
	Text string
	Note string   // why, where that can be told: the same words after another keyword, two blanks, an empty value
	Near []string // up to three steps that are near, with their keyword
}

// Error is the whole of it.
func (e *UnknownError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("no step reads like %q\n%s", e.Text, e.hint()), "\n")
}

func (e *UnknownError) hint() string {
	var lines []string
	if e.Note != "" {
		lines = append(lines, e.Note)
	}
	if len(e.Near) > 0 {
		lines = append(lines, "did you mean: "+strings.Join(e.Near, "\n              "))
	}
	return strings.Join(lines, "\n")
}

// AmbiguousError says that a line may mean more than one step.
type AmbiguousError struct {
	Text string
	May  []string // the patterns
}

// Error names them.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q is ambiguous; it may mean:\n  %s", e.Text, strings.Join(e.May, "\n  "))
}

// find gives the match of a line. Of several rows that match, the one with most fixed words is meant; where two
// have as many the line is ambiguous, and an error.
func (v *Vocabulary) find(kind Kind, line string) (*match, error) {
	var best *match
	var tie *compiled
	for _, row := range v.candidates(kind, line) {
		m := row.match(line)
		switch {
		case m == nil:
		case best == nil || row.fixed > best.row.fixed:
			best, tie = m, nil
		case row.fixed == best.row.fixed:
			tie = row
		}
	}
	switch {
	case best == nil:
		return nil, v.unknown(kind, line)
	case tie != nil:
		return nil, &AmbiguousError{Text: line, May: []string{best.row.Pattern, tie.Pattern}}
	}
	return best, nil
}

// candidates are the rows that a line may mean, found by its first and last word.
func (v *Vocabulary) candidates(kind Kind, line string) []*compiled {
	text := line
	if kind == Then {
		text = withoutAround(line)
	}
	text = strings.ToLower(text)
	first, last := firstWord(text), lastWord(text)
	var found []*compiled
	for _, e := range []entry{{kind, first, last}, {kind, first, anyWord}, {kind, anyWord, last}, {kind, anyWord, anyWord}} {
		if rows := v.index[e]; len(found) == 0 {
			found = rows
		} else if len(rows) > 0 {
			found = slices.Concat(found, rows)
		}
	}
	return found
}

// unknown says why no step of that kind reads like a line, and what may have been meant.
func (v *Vocabulary) unknown(kind Kind, line string) *UnknownError {
	e := &UnknownError{Text: line}
	for _, other := range []Kind{Given, When, Then} {
		if other == kind {
			continue
		}
		for _, row := range v.candidates(other, line) {
			if row.match(line) != nil {
				e.Note = fmt.Sprintf("these words are a %s step, and stand after %s here", row.kind, kind)
				return e
			}
		}
	}
	switch {
	case strings.Contains(line, `""`):
		e.Note = `a value between quotes must have at least one character`
	case strings.Contains(quoted.ReplaceAllString(line, `""`), "  "):
		e.Note = "there are two blanks between words"
	}
	e.Near = v.near(kind, line)
	return e
}
