package report

import (
	"fmt"
	"strings"
	"time"
)

// A run that is shorter shows no progress; one that is longer shows it so often.
const (
	progressFrom  = 2 * time.Second
	progressEvery = 200 * time.Millisecond
)

// ticker is the line at the bottom of a terminal that says how far a run is.
type ticker struct {
	line string        // as it stands there now; empty: there is none
	last time.Duration // when it was put there, since the run began
}

// wipe takes the line away.
const wipe = "\r\x1b[K"

// over is text written above the line: the line goes, the text comes, the line comes back.
func (t *ticker) over(text string) string {
	if t.line == "" {
		return text
	}
	return wipe + text + t.line
}

// due says whether the line is to be written anew.
func (t *ticker) due(p Progress) bool {
	return p.Elapsed >= progressFrom && (t.line == "" || p.Elapsed-t.last >= progressEvery)
}

// next is what to write for the line to show p.
func (t *ticker) next(p Progress, width int) string {
	t.last = p.Elapsed
	line := p.line(width)
	if line == t.line {
		return ""
	}
	t.line = line
	return wipe + line
}

// end is what to write for the line to go.
func (t *ticker) end() string {
	if t.line == "" {
		return ""
	}
	t.line = ""
	return wipe
}

// line is such as "120 of 400 scenarios, 3 failed, 12 s: Names, Addresses", of less than width columns, so that a
// terminal does not break it.
func (p Progress) line(width int) string {
	line := fmt.Sprintf("%d of %s", p.Done, number(p.Total, "scenario"))
	if p.Failed > 0 {
		line += fmt.Sprintf(", %d failed", p.Failed)
	}
	line += ", " + seconds(p.Elapsed)
	if len(p.Running) > 0 {
		line += ": " + clean(strings.ReplaceAll(strings.Join(p.Running, ", "), "\n", " "))
	}
	return fit(line, width-1)
}

// seconds is a time that does not flicker as it goes on.
func seconds(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// fit is text in so many columns, cut where it is longer.
func fit(text string, width int) string {
	if columns(text) <= width {
		return text
	}
	var b strings.Builder
	used := 0
	for _, r := range text {
		if used += columnsOf(r); used > width-1 {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + "…"
}

// columns is how many places text takes on a terminal.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	switch {
	case 0x300 <= r && r < 0x370, r == 0x200d, 0xfe00 <= r && r <= 0xfe0f: // they stand on the letter before
		return 0
	case 0x1100 <= r && r <= 0x115f, 0x2e80 <= r && r <= 0xa4cf, 0xac00 <= r && r <= 0xd7a3, 0xf900 <= r && r <= 0xfaff,
		0xfe30 <= r && r <= 0xfe6f, 0xff00 <= r && r <= 0xff60, 0xffe0 <= r && r <= 0xffe6, 0x1f300 <= r && r <= 0x1faff,
		0x20000 <= r && r <= 0x3fffd:
		return 2
	}
	return 1
}
