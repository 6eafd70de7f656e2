package apitest

import (
	"flag"
	"regexp"
	"strings"
	"unicode"
)

// asked is what go test's -run and -skip say. Package testing would leave out the subtests; this is for scenarios not
// even to run.
type asked struct{ run, skip selection }

func askedFor() asked {
	text := func(name string) string {
		if f := flag.Lookup(name); f != nil {
			return f.Value.String()
		}
		return ""
	}
	return asked{newSelection(text("test.run")), newSelection(text("test.skip"))}
}

// inside says whether subtests of a test may have to be left out.
func (a asked) inside(test string) bool {
	depth := strings.Count(test, "/") + 1
	return a.run.deeper(depth) || a.skip.deeper(depth)
}

func (a asked) includes(name string) bool {
	run, _ := a.run.matches(name)
	skip, partly := a.skip.matches(name)
	return (len(a.run) == 0 || run) && (len(a.skip) == 0 || !skip || partly)
}

// selection is a pattern as go test has it: alternatives with | between, each of levels with / between.
type selection [][]*regexp.Regexp

func newSelection(text string) selection {
	if text == "" {
		return nil
	}
	var s selection
	for _, alternative := range cut(text, '|') {
		var levels []*regexp.Regexp
		for _, level := range cut(alternative, '/') {
			expr, err := regexp.Compile(strings.Map(inName, level))
			if err != nil {
				return nil // package testing has told
			}
			levels = append(levels, expr)
		}
		s = append(s, levels)
	}
	return s
}

// cut splits text at a separator that is in no brackets, as package testing does.
func cut(text string, at rune) []string {
	var parts []string
	square, round, from := 0, 0, 0
	escaped := false
	for i, r := range text {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case r == '[':
			square++
		case r == ']':
			square = max(0, square-1)
		case square > 0:
		case r == '(':
			round++
		case r == ')':
			round--
		case r == at && round == 0:
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:])
}

func (s selection) deeper(depth int) bool {
	for _, levels := range s {
		if len(levels) > depth {
			return true
		}
	}
	return false
}

// matches says whether an alternative fits the name, and whether it has more levels than that.
func (s selection) matches(name string) (fits, partly bool) {
	parts := strings.Split(name, "/")
	for _, levels := range s {
		fits := true
		for i, part := range parts[:min(len(parts), len(levels))] {
			fits = fits && levels[i].MatchString(part)
		}
		if fits {
			return true, len(parts) < len(levels)
		}
	}
	return false, false
}

// inName is how package testing writes a blank in the name of a subtest.
func inName(r rune) rune {
	if unicode.IsSpace(r) {
		return '_'
	}
	return r
}
