package report

import (
	"fmt"
	"io"
)

// Dots writes a sign for each scenario, and at the end all that failed. It is a Sink. Errors of Out are passed over.
type Dots struct {
	Out      io.Writer
	Color    bool
	Terminal bool // Out is a terminal: long text is cut
	Width    int  // columns; 0: 80

	total, done int
}

var _ Sink = (*Dots)(nil)

func (d *Dots) write(text string) { _, _ = io.WriteString(d.Out, text) }

func (d *Dots) look() *look { return &look{color: d.Color, cut: d.Terminal} }

// Begin is told how many scenarios there are.
func (d *Dots) Begin(_ *Run, scenarios int) { d.total, d.done = scenarios, 0 }

// Feature writes nothing.
func (d *Dots) Feature(*Feature) {}

// Scenario writes a sign: . passed, F failed, U undefined, ~ flaky, - not run.
func (d *Dots) Scenario(_ *Feature, s *Scenario) {
	text := d.look().paint(s.Status.color(), dot(s.Status))
	d.done++
	count := fmt.Sprintf("  %d of %d", d.done, d.total)
	if perLine := max(10, width(d.Width)-len(fmt.Sprintf("  %d of %d ", d.total, d.total))); d.done%perLine == 0 || d.done == d.total {
		text += count + "\n"
	}
	d.write(text)
}

func dot(s Status) string {
	switch s {
	case Passed:
		return "."
	case Failed:
		return "F"
	case Undefined:
		return "U"
	}
	return s.mark()
}

// Progress writes nothing: the signs show it.
func (d *Dots) Progress(Progress) {}

// End writes what failed, and the summary.
func (d *Dots) End(r *Run) {
	if d.done != d.total {
		d.write("\n")
	}
	l := d.look()
	for _, f := range r.Features {
		for _, s := range f.Scenarios {
			if s.quiet() {
				continue
			}
			d.write("\n" + l.paint(bold, clean(f.Name)) + "  " + l.paint(faint, f.Path) + "\n  " + l.heading(s) + "\n" + l.detail(s, "      "))
		}
	}
	d.write(l.summary(r))
}
