package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// look is how failures and scenarios become text: in colour or not, whole or cut.
type look struct {
	color bool
	cut   bool // what is long is cut, as a terminal needs it
}

const (
	green  = "32"
	red    = "31"
	yellow = "33"
	cyan   = "36"
	faint  = "2"
	bold   = "1"
)

func (l *look) paint(code, text string) string {
	if !l.color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (l *look) mark(s Status) string { return l.paint(s.color(), s.mark()) }

func (s Status) color() string {
	switch s {
	case Passed:
		return green
	case Skipped:
		return faint
	case Flaky:
		return yellow
	}
	return red
}

// What is longer is cut on a terminal.
const (
	valueLines  = 15
	bodyLines   = 30
	lineRunes   = 600
	curlRunes   = 4000
	differences = 25
)

// block is text of at most so many lines, where it is to be cut, with a note how many more there are.
func (l *look) block(text string, most int) string {
	text = clean(text)
	if !l.cut {
		return text
	}
	lines := strings.Split(text, "\n")
	more := len(lines) - most
	if more > 1 { // a note in place of one line saves nothing
		lines = lines[:most]
	}
	for i := range lines {
		lines[i] = l.line(lines[i], lineRunes)
	}
	if more > 1 {
		lines = append(lines, l.paint(faint, fmt.Sprintf("… %d more lines; the report files (--out DIR) have them all", more)))
	}
	return strings.Join(lines, "\n")
}

// line is a line of at most so many characters, where it is to be cut.
func (l *look) line(text string, most int) string {
	if !l.cut || len(text) <= most {
		return text
	}
	more := utf8.RuneCountInString(text) - most
	if more <= 0 {
		return text
	}
	end := 0
	for range most {
		_, size := utf8.DecodeRuneInString(text[end:])
		end += size
	}
	return text[:end] + l.paint(faint, fmt.Sprintf(" … %d more characters; the report files (--out DIR) have them all", more))
}

// failure is all of it: why, and the exchange.
func (l *look) failure(f *Failure) string {
	text := l.why(f)
	e := f.Exchange
	if e == nil {
		return text
	}
	var b strings.Builder
	b.WriteString(text)
	part := func(label, text string) {
		fmt.Fprintf(&b, "\n  %s%s%s", l.paint(faint, label), strings.Repeat(" ", 10-len(label)), indent(text, 12))
	}
	part("request:", l.block(e.Request, bodyLines))
	if e.Curl != "" {
		part("again:", l.line(clean(e.Curl), curlRunes))
	}
	if e.Reply != "" {
		part("reply:", l.block(e.Reply, bodyLines))
	}
	if timing := e.timing(); timing != "" {
		part("timing:", clean(timing))
	}
	return b.String()
}

// timing is where the time went; empty where nothing is known.
func (e *Exchange) timing() string {
	switch {
	case e.Timing != "":
		return e.Timing
	case e.Took > 0 && e.Reply == "":
		return "no reply within " + Duration(e.Took)
	case e.Took > 0:
		return "all after " + Duration(e.Took)
	}
	return ""
}

// why is the failure without the exchange.
func (l *look) why(f *Failure) string {
	var b strings.Builder
	b.WriteString(l.block(f.What, bodyLines))
	if f.Note != "" {
		b.WriteString(" (" + clean(f.Note) + ")")
	}
	switch {
	case len(f.Differences) > 0:
		for i, d := range f.Differences {
			if more := len(f.Differences) - i; l.cut && i == differences && more > 1 {
				b.WriteString("\n  " + l.paint(faint, fmt.Sprintf("… %d more differences; the report files (--out DIR) have them all", more)))
				break
			}
			fmt.Fprintf(&b, "\n  at %s", l.paint(bold, clean(d.Path)))
			l.sides(&b, "    ", d.Expected, d.Got)
		}
	case f.Expected != "" || f.Got != "":
		l.sides(&b, "  ", f.Expected, f.Got)
	}
	l.timeline(&b, f.Timeline)
	if f.Hint != "" {
		b.WriteString("\n  " + indent(l.block(f.Hint, bodyLines), 2))
	}
	return b.String()
}

// sides are what was expected and what came, one below the other.
func (l *look) sides(b *strings.Builder, before, expected, got string) {
	by := len(before) + len("expected: ")
	fmt.Fprintf(b, "\n%s%s %s", before, l.paint(green, "expected:"), indent(l.block(expected, valueLines), by))
	fmt.Fprintf(b, "\n%s%s      %s", before, l.paint(red, "got:"), indent(l.block(got, valueLines), by))
}
