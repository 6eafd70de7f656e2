package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/fixtures"
)

// outcome is what came of a fault.
type outcome struct {
	done   string        // what was done, counted: "100 deploys"
	result *bench.Result // of the load meanwhile; nil: there was none
	faults []string      // what did not hold
	unsent int           // requests whose connection broke before a byte was sent, where that may be: they are not lost
}

func (o *outcome) fault(format string, values ...any) {
	o.faults = append(o.faults, fmt.Sprintf(format, values...))
}

// nothingLost holds the requests to what a planned change promises: all answered, none lost, none doubled.
func (o *outcome) nothingLost() {
	r := o.result
	for _, why := range r.Invalid {
		o.fault("the load proves nothing: %s", why)
	}
	for _, one := range []struct {
		what string
		n    int
	}{{"failed", r.Failed}, {"of unknown outcome", r.Unknown}, {"lost", r.Executed.Lost}, {"doubled", r.Executed.Doubled}} {
		if one.n > 0 {
			o.fault("%d requests %s%s", one.n, one.what, firstErrors(r))
		}
	}
}

// killedOnly holds the requests to what a kill promises: none lost, none doubled, and none of unknown outcome that was not
// under way at a kill. inFlight is how many were.
func (o *outcome) killedOnly(inFlight int) {
	r := o.result
	for _, why := range r.Invalid {
		o.fault("the load proves nothing: %s", why)
	}
	if r.Failed > o.unsent || r.Executed.Lost > o.unsent || r.Executed.Doubled > 0 {
		o.fault("%d requests failed, %d were lost, %d doubled%s", r.Failed-o.unsent, r.Executed.Lost-o.unsent, r.Executed.Doubled, firstErrors(r))
	}
	if r.Unknown+o.unsent > inFlight {
		o.fault("%d requests of unknown outcome: more than the %d that were under way", r.Unknown+o.unsent, inFlight)
	}
}

// balancerKilledOnly is killedOnly of the load-balancer itself. A client that had just connected knows that it sent nothing, and
// may send it again: such a request is counted apart, and not as lost.
func (o *outcome) balancerKilledOnly(inFlight int) {
	if o.unsent = o.result.NeverSent; o.unsent > 0 {
		o.done += fmt.Sprintf(", %d not sent", o.unsent)
	}
	o.killedOnly(inFlight)
}

func firstErrors(r *bench.Result) string {
	if len(r.Errors) == 0 {
		return ""
	}
	return ": " + r.Errors[0].Text
}

// line is one of the table.
type line struct {
	name, what, done string
	verdict          string
	bad              bool
	counts           []string // sent, lost, unknown, doubled
	faults           []string
	took             time.Duration
}

// skipped are the errors of what is not installed, by the name under which PARLEY_REQUIRE asks for it.
func skipped(err error, needs string) bool {
	missing := errors.Is(err, fixtures.ErrNoPostgres) || errors.Is(err, fixtures.ErrNoRedis) || errors.Is(err, fixtures.ErrNoHAProxy)
	return missing && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), needs)
}

func newLine(c check, what string, o *outcome, err error, took time.Duration, prove bool) line {
	r := line{name: c.name, what: what, took: took, verdict: "kept", counts: []string{"-", "-", "-", "-"}}
	if o != nil {
		r.done, r.faults = o.done, o.faults
		if o.result != nil && o.result.Executed != nil {
			e := o.result.Executed
			r.counts = []string{strconv.Itoa(o.result.Sent), strconv.Itoa(e.Lost - o.unsent), strconv.Itoa(o.result.Unknown), strconv.Itoa(e.Doubled)}
		}
	}
	switch {
	case err != nil && skipped(err, c.needs):
		r.verdict, r.faults = "skipped", []string{err.Error()}
	case err != nil:
		r.verdict, r.bad, r.faults = "could not be done", true, append(r.faults, err.Error())
	case prove && len(r.faults) > 0:
		r.verdict = "noticed"
	case prove:
		r.verdict, r.bad = "NOT NOTICED", true
	case len(r.faults) > 0:
		r.verdict, r.bad = "BROKEN", true
	}
	return r
}

// why is what did not hold, each behind before.
func (r *line) why(before string) string {
	var b strings.Builder
	for i, f := range r.faults {
		if i == 5 {
			fmt.Fprintf(&b, "%s... and %d more", before, len(r.faults)-i)
			break
		}
		b.WriteString(before + strings.ReplaceAll(strings.TrimSpace(f), "\n", "\n    "))
	}
	return b.String()
}

// table is what is printed at the end.
type table struct {
	proving bool
	rows    []line
}

func (t *table) bad() bool { return slices.ContainsFunc(t.rows, func(r line) bool { return r.bad }) }

func (t *table) cells() [][]string {
	fault := "fault"
	if t.proving {
		fault = "safeguard taken out"
	}
	out := [][]string{{"", fault, "done", "sent", "lost", "unknown", "doubled", "verdict", "seconds"}}
	for _, r := range t.rows {
		out = append(out, append(append([]string{r.name, r.what, r.done}, r.counts...), r.verdict, fmt.Sprintf("%.1f", r.took.Seconds())))
	}
	return out
}

// text is the table in aligned columns.
func (t *table) text() string {
	cells := t.cells()
	width := make([]int, len(cells[0]))
	for _, one := range cells {
		for i, cell := range one {
			width[i] = max(width[i], len(cell))
		}
	}
	var b strings.Builder
	for _, one := range cells {
		for i, cell := range one {
			if i >= 3 && i != 7 {
				fmt.Fprintf(&b, "%*s  ", width[i], cell)
			} else {
				fmt.Fprintf(&b, "%-*s  ", width[i], cell)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (t *table) markdown() string {
	var b strings.Builder
	for i, line := range t.cells() {
		b.WriteString("| " + strings.Join(line, " | ") + " |\n")
		if i == 0 {
			b.WriteString("| --- | --- | --- | ---: | ---: | ---: | ---: | --- | ---: |\n")
		}
	}
	for _, r := range t.rows {
		if !t.proving {
			b.WriteString(r.why("\n- " + r.name + ": "))
		}
	}
	return b.String()
}
