package report

import (
	"fmt"
	"io"
	"strings"
)

// Console writes a run on a terminal or into a log, as it goes on: a line for each scenario, and where one fails its
// steps with all that is known. It is a Sink. Errors of Out are passed over: a closed terminal must not end a run.
type Console struct {
	Out      io.Writer
	Color    bool
	Terminal bool // Out is a terminal: long text is cut, and long runs show how far they are
	Width    int  // columns of the terminal; 0: 80

	progress ticker
	rule     string // the last that was named
	skipped  int    // scenarios that were not run and are still to be told
}

var _ Sink = (*Console)(nil)

func (c *Console) look() *look { return &look{color: c.Color, cut: c.Terminal} }

// write puts text above the line of progress, in one piece.
func (c *Console) write(text string) { _, _ = io.WriteString(c.Out, c.progress.over(text)) }

// Begin is told by a run that begins.
func (c *Console) Begin(*Run, int) {}

// Feature writes the heading of a feature file.
func (c *Console) Feature(f *Feature) {
	c.rule = ""
	name := f.Name
	if name == "" {
		name = "(no name)"
	}
	l := c.look()
	c.write(c.leftOut() + "\n" + l.paint(bold, clean(name)) + "  " + l.paint(faint, f.Path) + "\n")
}

// Scenario writes one scenario: a line, and where it failed its steps with what went wrong.
func (c *Console) Scenario(_ *Feature, s *Scenario) {
	if s.Status == Skipped && s.CutOff() == nil {
		c.skipped++
		return
	}
	l := c.look()
	text := c.leftOut()
	if s.Rule != c.rule {
		c.rule = s.Rule
		text += "  " + l.paint(bold, "Rule: "+clean(s.Rule)) + "\n"
	}
	text += "  " + l.heading(s) + "\n"
	if s.Status != Passed {
		text += l.detail(s, "      ")
	}
	c.write(text)
}

// leftOut tells of the scenarios that were not run.
func (c *Console) leftOut() string {
	if c.skipped == 0 {
		return ""
	}
	l := c.look()
	text := "  " + l.paint(faint, Skipped.mark()+" "+number(c.skipped, "scenario")+" not run") + "\n"
	c.skipped = 0
	return text
}

// Progress shows on a terminal how far a run is, once it has gone on for 2 s.
func (c *Console) Progress(p Progress) {
	if c.Terminal && c.progress.due(p) {
		_, _ = io.WriteString(c.Out, c.progress.next(p, width(c.Width)))
	}
}

func width(columns int) int {
	if columns <= 0 {
		return 80
	}
	return columns
}

// End writes the summary.
func (c *Console) End(r *Run) {
	_, _ = io.WriteString(c.Out, c.progress.end())
	c.write(c.leftOut())
	c.Summary(r)
}

// Summary writes the counts, and again the names of what failed.
func (c *Console) Summary(r *Run) { c.write(c.look().summary(r)) }

// listed is how many scenarios a terminal is given by name at most.
const listed = 100

// summary is the end of a run: what failed and where, the counts, how long it took, and how to have it again.
func (l *look) summary(r *Run) string {
	var b strings.Builder
	b.WriteString("\n")
	for _, f := range r.Faults {
		fmt.Fprintf(&b, "%s %s\n", l.mark(Failed), indent(l.block(f, bodyLines), 2))
	}
	var list []string
	for _, f := range r.Features {
		for _, s := range f.Scenarios {
			if !s.quiet() {
				list = append(list, fmt.Sprintf("%s %s  %s\n", l.mark(s.Status), shellWord(s.Location()), clean(s.Title())))
			}
		}
	}
	if more := len(list) - listed; l.cut && more > 1 {
		list = append(list[:listed], l.paint(faint, fmt.Sprintf("… %d more; the report files (--out DIR) have them all", more))+"\n")
	}
	b.WriteString(strings.Join(list, ""))
	if len(list)+len(r.Faults) > 0 {
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%s\n%s\n%s\n", counted("feature", r.FeatureFiles()), l.counted("scenario", r.Scenarios()), counted("step", r.Steps()))
	if n := len(r.Faults); n > 0 {
		b.WriteString(l.paint(red, number(n, "fault")+" kept feature files from being run, or from ending well") + "\n")
	}
	if r.Interrupted {
		b.WriteString(l.paint(red, "Interrupted: this is what had been done by then") + "\n")
	}
	b.WriteString(ending(r) + "\n")
	return b.String()
}

// counted has the scenarios' verdict in colour.
func (l *look) counted(noun string, c Counts) string {
	color := green
	if c.Passed+c.Flaky != c.Total() {
		color = red
	}
	return l.paint(color, counted(noun, c))
}

// ending is the last line: how long, and the seed where the same run cannot be had without it.
func ending(r *Run) string {
	text := "Took " + Duration(r.Took)
	if r.DryRun {
		steps := r.Steps()
		text = fmt.Sprintf("A dry run, nothing was done: %s looked up, %d undefined", number(steps.Total(), "step"), steps.Undefined)
	}
	switch {
	case r.Shuffled:
		text += fmt.Sprintf(". The order is that of --shuffle --seed %d", r.Seed)
	case r.Seed != 0 && !r.DryRun && !r.Passed():
		text += fmt.Sprintf(". Random values are those of --seed %d", r.Seed)
	}
	return text
}

// shellWord is text as one word of a POSIX shell.
func shellWord(text string) string {
	special := func(r rune) bool {
		return r <= ' ' || strings.ContainsRune(`"'\$&|;<>()*?[]{}#~!`+"`", r)
	}
	if !strings.ContainsFunc(text, special) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
