package report

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Title is the scenario's name; rows of an outline can be told apart by it: "Names (row 2)".
func (s *Scenario) Title() string {
	if s.Row > 0 {
		return fmt.Sprintf("%s (row %d)", s.Name, s.Row)
	}
	return s.Name
}

// Location is path:line, as apitest run takes it.
func (s *Scenario) Location() string { return s.Path + ":" + strconv.Itoa(s.Line) }

// mark is the sign that stands before a step or scenario.
func (s Status) mark() string {
	switch s {
	case Passed:
		return "✓"
	case Skipped:
		return "-"
	case Undefined:
		return "?"
	case Flaky:
		return "~"
	}
	return "✗"
}

// clean is text with what would move a terminal's cursor, or is forbidden in XML, made visible: \x1b, \u009b.
// Line ends and tabs stay; a carriage return before a line end goes.
func clean(text string) string {
	if strings.IndexFunc(text, unseen) < 0 && utf8.ValidString(text) {
		return text
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case unseen(r) && r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case unseen(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unseen(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < 0x20, 0x7f <= r && r < 0xa0, r == 0xfffe, r == 0xffff:
		return true
	}
	return 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069 // they turn the direction of what follows
}

// indent puts blanks before all lines but the first; empty lines stay empty.
func indent(s string, by int) string {
	if !strings.Contains(s, "\n") {
		return s
	}
	lines := strings.Split(s, "\n")
	for i := 1; i < len(lines); i++ {
		if lines[i] != "" {
			lines[i] = strings.Repeat(" ", by) + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

// firstLine is text up to the first line end.
func firstLine(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}

// number is n things: "1 step", "3 steps".
func number(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// counted is such as "3 scenarios: 2 passed, 1 failed".
func counted(noun string, c Counts) string {
	parts := []string{fmt.Sprintf("%d passed", c.Passed)}
	for _, p := range c.list() {
		if p.Status != Passed && p.N > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.N, p.Status))
		}
	}
	return number(c.Total(), noun) + ": " + strings.Join(parts, ", ")
}

// count is how many have a status.
type count struct {
	Status Status
	N      int
}

// list is the counts in the order in which they are shown.
func (c Counts) list() []count {
	return []count{{Passed, c.Passed}, {Failed, c.Failed}, {Undefined, c.Undefined}, {Flaky, c.Flaky}, {Skipped, c.Skipped}}
}

// fault is a fault of a run, taken apart. Line and column are 0 where it names none.
type fault struct {
	path         string
	line, column int
	message      string
}

var faultForm = regexp.MustCompile(`(?s)^([^\n]+?):(\d+)(?::(\d+))?: (.*)$`)

func newFault(text string) fault {
	if m := faultForm.FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[2])
		column, _ := strconv.Atoi(m[3])
		return fault{path: m[1], line: line, column: column, message: m[4]}
	}
	if path, message, found := strings.Cut(text, ": "); found && !strings.ContainsAny(path, "\n\"") {
		return fault{path: path, message: message}
	}
	return fault{message: text}
}

// at is where it is: path:line:column as far as known.
func (f fault) at() string {
	at := f.path
	for _, n := range []int{f.line, f.column} {
		if n > 0 {
			at += ":" + strconv.Itoa(n)
		}
	}
	return at
}
