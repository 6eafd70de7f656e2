package report

import (
	"fmt"
	"strings"
)

// Text is the scenario as text, nothing cut: where it is, each failing step between its neighbours with all that is
// known of the failure, and why earlier attempts failed.
func (s *Scenario) Text() string {
	l := &look{}
	return l.heading(s) + "\n" + l.detail(s, "  ")
}

// heading is one line: status, title, how long, where.
func (l *look) heading(s *Scenario) string {
	line := l.mark(s.Status) + " " + clean(s.Title())
	if word := s.verdict(); word != "" {
		line += "  " + l.paint(s.Status.color(), word)
	}
	if s.Took > 0 {
		line += "  " + l.paint(faint, Duration(s.Took))
	}
	if s.Status != Passed {
		line += "  " + l.paint(faint, s.Location())
	}
	return line
}

// verdict is what is to be said beside the mark; empty where that says all.
func (s *Scenario) verdict() string {
	switch {
	case s.CutOff() != nil:
		return "INTERRUPTED"
	case s.Status == Flaky:
		return fmt.Sprintf("FLAKY: passed in attempt %d", s.Attempts)
	case s.Status == Undefined:
		return "UNDEFINED"
	case s.Status == Failed && s.Attempts > 1:
		return fmt.Sprintf("failed in all of %d attempts", s.Attempts)
	}
	return ""
}

// alike says whether an earlier attempt failed in the way in which the last one did.
func (s *Scenario) alike(f *Failure) bool {
	last := s.Failing()
	return last != nil && last.Failure != nil && last.Failure.Why() == f.Why()
}

// Neighbours of a failing step that are shown.
const (
	stepsBefore = 2
	stepsAfter  = 1
)

// detail is the scenario's failing steps with their neighbours, and why earlier attempts failed; each line begins with
// before. Empty where nothing failed.
func (l *look) detail(s *Scenario, before string) string {
	var b strings.Builder
	for i, f := range s.Earlier {
		label := l.paint(yellow, fmt.Sprintf("attempt %d failed:", i+1))
		if s.alike(f) {
			fmt.Fprintf(&b, "%s%s as the last did\n", before, label)
			continue
		}
		fmt.Fprintf(&b, "%s%s %s\n", before, label, indent(l.failure(f), len(before)+2))
	}
	shown := near(s.Steps)
	for i := 0; i < len(s.Steps); i++ {
		if shown[i] {
			l.step(&b, s, s.Steps[i], before)
			continue
		}
		from := i
		for i+1 < len(s.Steps) && !shown[i+1] {
			i++
		}
		if len(shown) > 0 {
			fmt.Fprintf(&b, "%s%s\n", before, l.paint(faint, "… "+gap(s.Steps[from:i+1], from == 0)))
		}
	}
	return b.String()
}

// near are the numbers of the steps that failed and of their neighbours.
func near(steps []*Step) map[int]bool {
	shown := map[int]bool{}
	for i, step := range steps {
		if step.Failure == nil && step.Status != Failed && step.Status != Undefined {
			continue
		}
		for n := max(0, i-stepsBefore); n <= min(len(steps)-1, i+stepsAfter); n++ {
			shown[n] = true
		}
	}
	return shown
}

// gap names steps that are left out.
func gap(steps []*Step, first bool) string {
	status := steps[0].Status
	for _, s := range steps {
		if s.Status != status {
			status = ""
		}
	}
	text := number(len(steps), "step")
	if first {
		text += " before"
	} else {
		text += " more"
	}
	if status != "" {
		text += ", " + string(status)
	}
	return text
}

func (l *look) step(b *strings.Builder, s *Scenario, step *Step, before string) {
	text := clean(step.Keyword + " " + step.Text)
	if step.Failure == nil {
		if step.Status == Skipped {
			text = l.paint(faint, text)
		}
		fmt.Fprintf(b, "%s%s %s\n", before, l.mark(step.Status), text)
		return
	}
	fmt.Fprintf(b, "%s%s %s  %s\n", before, l.mark(step.Status), l.paint(bold, text), l.paint(faint, fmt.Sprintf("%s:%d", s.Path, step.Line)))
	inner := before + "    "
	if argument := step.argument(); argument != "" {
		fmt.Fprintf(b, "%s%s\n", inner, indent(l.block(argument, valueLines), len(inner)))
	}
	fmt.Fprintf(b, "%s%s\n", inner, indent(l.failure(step.Failure), len(inner)))
}

// argument is the step's table or text between quotes, as a feature file has it; empty where there is none.
func (s *Step) argument() string {
	if d := s.DocString; d != nil {
		return `"""` + d.MediaType + "\n" + d.Content + "\n" + `"""`
	}
	var widths []int
	for _, row := range s.Table {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(cell))
		}
	}
	var lines []string
	for _, row := range s.Table {
		line := "|"
		for i, cell := range row {
			line += " " + cell + strings.Repeat(" ", widths[i]-columns(cell)) + " |"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
