package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes r as a summary for people: plain text in aligned columns.
func (r *Result) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n", r.Name, r.load())
	r.writeCounts(&b)
	b.WriteByte('\n')
	r.writeLatencies(&b)
	r.writeEvents(&b)
	r.writePhases(&b)
	r.writeRequests(&b)
	r.writeServices(&b)
	for i, s := range r.Servers {
		if i == 0 {
			b.WriteString("\nreplies by server\n")
		}
		fmt.Fprintf(&b, "  %-12s %d\n", s.Name, s.Replies)
	}
	for i, e := range r.Errors {
		if i == 0 {
			b.WriteString("\nerrors\n")
		}
		fmt.Fprintf(&b, "  %6d  %s\n", e.Count, e.Text)
	}
	for i, l := range r.Log {
		if i == 0 {
			b.WriteString("\nthe servers' own logs\n")
		}
		fmt.Fprintf(&b, "  %7.3f s  %-12s %s\n", l.At, l.From, l.Text)
	}
	if g := r.Generator; g.CPU > 0 {
		fmt.Fprintf(&b, "\nload generator: %.2f processors busy, %.1f µs a request, %.1f MB resident at most\n", g.Cores, g.PerRequest, g.Memory)
	}
	for _, v := range r.Verdicts {
		if v.OK {
			fmt.Fprintf(&b, "\nMET      %s: it is %s", v.Text, v.Got)
		}
	}
	if len(r.Verdicts) > len(r.Unmet) {
		b.WriteByte('\n')
	}
	for _, why := range r.Unmet {
		fmt.Fprintf(&b, "\nNOT MET  %s\n", why)
	}
	for _, why := range r.Invalid {
		fmt.Fprintf(&b, "\nINVALID  %s\n", why)
	}
	_, err := io.WriteString(w, printable(b.String()))
	return err
}

// load is what was asked for, in a few words.
func (r *Result) load() string {
	text := fmt.Sprintf("%g requests/s for %gs", r.Rate, r.Duration)
	if r.Users > 0 {
		text = fmt.Sprintf("%d users in a closed loop for %gs", r.Users, r.Duration)
	} else if len(r.Parts) > 0 {
		text = fmt.Sprintf("%d phases of %gs in all, %.4g requests/s on the average", len(r.Parts), r.Duration, r.Rate)
	}
	if r.Shard != "" {
		text += ", shard " + r.Shard
	}
	if r.Protocol != "" {
		text += ", " + r.Protocol
	}
	return text + ", " + r.Request + " at " + r.Address
}

func (r *Result) writeRequests(b *strings.Builder) {
	if len(r.Requests) == 0 {
		return
	}
	rows, notes := [][]string{{"sent", "ok", "failed", "unknown", "wrong", "p50", "p95", "p99", "max"}}, []string{"request"}
	for _, one := range r.Requests {
		l := one.Response
		rows = append(rows, []string{
			fmt.Sprint(one.Sent), fmt.Sprint(one.OK), fmt.Sprint(one.Failed), fmt.Sprint(one.Unknown), fmt.Sprint(one.Wrong),
			FormatMS(l.P50), FormatMS(l.P95), FormatMS(l.P99), FormatMS(l.Max),
		})
		notes = append(notes, one.Name)
	}
	b.WriteString("\nrequests\n")
	writeTable(b, rows, notes)
}

func (r *Result) writeServices(b *strings.Builder) {
	if len(r.Services) == 0 {
		return
	}
	rows, notes := [][]string{{"requests", "errors", "mean", "p50", "p95", "p99", "max"}}, []string{"service"}
	add := func(requests, errors, note string, times ...float64) {
		row := []string{requests, errors}
		for _, ms := range times {
			row = append(row, FormatMS(ms))
		}
		rows, notes = append(rows, row), append(notes, note)
	}
	for _, s := range r.Services {
		add(fmt.Sprint(s.Requests), fmt.Sprint(s.Errors), s.Service, s.Mean, s.P50, s.P95, s.P99, s.Max)
		if l := s.Itself; l != nil {
			add(fmt.Sprint(l.Count), "", s.Service+", by its own clock", l.Mean, l.P50, l.P95, l.P99, l.Max)
		}
	}
	l := r.Service
	add(fmt.Sprint(r.Sent), fmt.Sprint(r.Sent-r.OK), "service time at the client", l.Mean, l.P50, l.P95, l.P99, l.Max)
	b.WriteString("\nthe servers' own statistics\n")
	writeTable(b, rows, notes)
}

func (r *Result) writeCounts(b *strings.Builder) {
	row := func(name string, n int, note string) {
		line := fmt.Sprintf("  %-10s %8d   %s", name, n, note)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	row("sent", r.Sent, fmt.Sprintf("%.1f/s", r.AchievedRate))
	row("ok", r.OK, "")
	failed := ""
	if r.NeverSent > 0 {
		failed = fmt.Sprintf("of which %d were never sent: the connection was refused", r.NeverSent)
	}
	row("failed", r.Failed, failed)
	if r.Wrong > 0 {
		row("wrong", r.Wrong, "a reply of success that a check refused")
	}
	if r.Dropped > 0 {
		row("dropped", r.Dropped, "of the schedule, never sent")
	}
	e := r.Executed
	if e == nil {
		row("unknown", r.Unknown, "")
		b.WriteString("  lost and doubled are not known: there is no record of what was executed\n")
		return
	}
	row("unknown", r.Unknown, fmt.Sprintf("executed %d, not executed %d", e.UnknownExecuted, e.UnknownNotExecuted))
	row("lost", e.Lost, fmt.Sprintf("never executed, and \"unknown\" was not said: failed %d, acknowledged %d", e.LostFailed, e.LostAcknowledged))
	row("doubled", e.Doubled, "executed more than once")
	if e.FailedExecuted > 0 {
		fmt.Fprintf(b, "  of the failed, %d were executed all the same\n", e.FailedExecuted)
	}
	if len(e.LostIDs) > 0 {
		fmt.Fprintf(b, "  lost ids: %s\n", idList(e.LostIDs, e.Lost))
	}
	if len(e.DoubledIDs) > 0 {
		fmt.Fprintf(b, "  doubled ids: %s\n", idList(e.DoubledIDs, e.Doubled))
	}
}

func idList(some []int, of int) string {
	text := strings.Trim(fmt.Sprint(some), "[]")
	if of > len(some) {
		text += " ..."
	}
	return text
}

func (r *Result) writeLatencies(b *strings.Builder) {
	rows := [][]string{{"", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"}}
	for _, row := range []struct {
		name string
		l    Latency
	}{{"response time", r.Response}, {"service time", r.Service}, {"schedule lag", r.Lag}} {
		rows = append(rows, []string{
			row.name, FormatMS(row.l.Mean), FormatMS(row.l.P50), FormatMS(row.l.P90),
			FormatMS(row.l.P95), FormatMS(row.l.P99), FormatMS(row.l.P999), FormatMS(row.l.Max),
		})
	}
	writeTable(b, rows, nil)
	if r.Users > 0 {
		b.WriteString("  a closed loop has no schedule: response time is service time, from when a request was sent, and a target that stands still is asked less\n")
	} else {
		b.WriteString("  response time counts from when a request was due, service time from when it was sent\n")
	}
	if r.Held > 0 {
		fmt.Fprintf(b, "  %d requests were sent late because all %d workers waited for the target\n", r.Held, r.Workers)
	}
}

func (r *Result) writeEvents(b *strings.Builder) {
	if len(r.Events) == 0 {
		return
	}
	rows, notes := [][]string{{"due", "at", "took"}}, []string{""}
	for _, e := range r.Events {
		note := e.Label
		if said := e.notes(); len(said) > 0 {
			note += ": " + strings.Join(said, "; ")
		}
		row := []string{fmt.Sprintf("%.3f s", e.Due), fmt.Sprintf("%.3f s", e.At), FormatMS(e.Took)}
		if e.Skipped != "" {
			row = []string{"-", "-", "-"}
		}
		rows = append(rows, row)
		notes = append(notes, note)
	}
	b.WriteString("\nevents\n")
	writeTable(b, rows, notes)
}

// notes are what came of an event, in the order in which it came.
func (e *EventResult) notes() []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if e.Detected != nil {
		say("out of traffic %.3f s after", *e.Detected)
	}
	if e.TrafficAgain != nil && e.TrafficAgainDown != nil {
		say("traffic again %.3f s after, %.3f s after it went down", *e.TrafficAgain, *e.TrafficAgainDown)
	} else if e.TrafficAgain != nil {
		say("traffic again %.3f s after", *e.TrafficAgain)
	}
	switch i := e.Impact; {
	case i != nil && !i.Recovered:
		say("%s went wrong, until the end", requests(i.Bad))
	case i != nil && i.Bad == 1:
		say("1 request went wrong, it was due %.3f s after", i.Recovery)
	case i != nil:
		say("%d requests went wrong, the last was due %.3f s after", i.Bad, i.Recovery)
	}
	if e.UpAlready {
		say("it was up already")
	}
	if e.Skipped != "" {
		say("%s", e.Skipped)
	}
	if e.Error != "" {
		say("FAILED: %s", e.Error)
	}
	return out
}

func requests(n int) string {
	if n == 1 {
		return "1 request"
	}
	return fmt.Sprintf("%d requests", n)
}

func (r *Result) writePhases(b *strings.Builder) {
	if len(r.Parts) > 0 {
		b.WriteString("\nphases: a request belongs to the one in which it was due\n")
		writeSpans(b, r.Parts, "phase")
	}
	if len(r.Phases) > 1 {
		b.WriteString("\nbetween events: a request belongs to the time in which it was due\n")
		writeSpans(b, r.Phases, "after")
	}
}

func writeSpans(b *strings.Builder, list []Phase, what string) {
	rows, notes := [][]string{{"from", "to", "sent", "ok", "failed", "unknown", "p50", "p99", "max"}}, []string{what}
	for _, p := range list {
		rows = append(rows, []string{
			fmt.Sprintf("%.3f s", p.From), fmt.Sprintf("%.3f s", p.To), fmt.Sprint(p.Sent), fmt.Sprint(p.OK), fmt.Sprint(p.Failed),
			fmt.Sprint(p.Unknown), FormatMS(p.Response.P50), FormatMS(p.Response.P99), FormatMS(p.Response.Max),
		})
		notes = append(notes, p.Name)
	}
	writeTable(b, rows, notes)
}

// writeTable writes rows in columns aligned to the right, and behind each its note.
func writeTable(b *strings.Builder, rows [][]string, notes []string) {
	var columns strings.Builder
	t := tabwriter.NewWriter(&columns, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		_, _ = fmt.Fprintln(t, strings.Join(row, "\t")+"\t") // into memory
	}
	_ = t.Flush()
	for i, line := range strings.Split(strings.TrimSuffix(columns.String(), "\n"), "\n") {
		if i < len(notes) {
			line += "  " + notes[i]
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// FormatMS writes milliseconds with about three digits that count, in a unit that suits them.
func FormatMS(ms float64) string {
	switch {
	case ms == 0:
		return "0"
	case ms < 1:
		return fmt.Sprintf("%.0f µs", ms*1000)
	case ms < 10:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 10_000:
		return fmt.Sprintf("%.0f ms", ms)
	default:
		return fmt.Sprintf("%.1f s", ms/1000)
	}
}
