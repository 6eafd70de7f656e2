package report

import (
	"fmt"
	"html"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/markup"
)

// table is a card with a table: rows writes its body. head is HTML.
func table(m *markup.Writer, title, note string, head markup.Safe, rows func()) {
	m.Put(`<div class="card"><h3>%s</h3>`, title)
	if note != "" {
		m.Put(`<p class="dim">%s</p>`, note)
	}
	m.Put(`<div class="scroll"><table>` + "\n")
	if head != "" {
		m.Put(`<thead><tr>%s</tr></thead>`+"\n", head)
	}
	m.Put("<tbody>\n")
	rows()
	m.Put("</tbody></table></div></div>\n")
}

// times are cells of latencies.
func times(m *markup.Writer, values ...float64) {
	for _, v := range values {
		m.Put(`<td>%s</td>`, bench.FormatMS(v))
	}
}

func putVerdicts(m *markup.Writer, verdicts []bench.Verdict) {
	if len(verdicts) == 0 {
		return
	}
	table(m, "Expected", "", `<th class="l"></th><th class="l">what</th><th class="l">it is</th>`, func() {
		for _, v := range verdicts {
			m.Put(`<tr>`)
			if v.OK {
				m.Put(`<td class="l good">✓ met</td>`)
			} else {
				m.Put(`<td class="l bad">✕ not met</td>`)
			}
			m.Put(`<td class="l"><code>%s</code></td><td class="l whole">%s</td></tr>`+"\n", v.Text, v.Got)
		}
	})
}

// putServices puts what the servers measured themselves beside what the client saw.
func putServices(m *markup.Writer, r *bench.Result) {
	if len(r.Services) == 0 {
		return
	}
	note := "What the servers counted and measured themselves, warm-up included, beside what the client saw of the run."
	sent := count(r.Sent)
	if r.Warmup.Sent > 0 {
		sent += " + " + count(r.Warmup.Sent)
	}
	columns := []measured{{"client", sent, count(r.Sent - r.OK), r.Service}}
	for _, s := range r.Services {
		columns = append(columns, measured{
			s.Service, count(int(s.Requests)), count(int(s.Errors)),
			bench.Latency{Mean: s.Mean, P50: s.P50, P95: s.P95, P99: s.P99, Max: s.Max},
		})
		if l := s.Itself; l != nil {
			columns = append(columns, measured{s.Service + ", by its own clock", count(int(l.Count)), "", *l})
		}
	}
	head := `<th class="l"></th>`
	for _, c := range columns {
		head += "<th>" + html.EscapeString(c.by) + "</th>"
	}
	table(m, "The servers' own statistics", note, markup.Safe(head), func() {
		row := func(name string, of func(measured) string) {
			m.Put(`<tr><td class="l">%s</td>`, name)
			for _, c := range columns {
				m.Put(`<td>%s</td>`, of(c))
			}
			m.Put("</tr>\n")
		}
		time := func(name string, of func(bench.Latency) float64) {
			row("service time, "+name, func(c measured) string { return bench.FormatMS(of(c.times)) })
		}
		row("requests", func(c measured) string { return c.requests })
		row("errors", func(c measured) string { return c.errors })
		time("mean", func(l bench.Latency) float64 { return l.Mean })
		time("p50", func(l bench.Latency) float64 { return l.P50 })
		time("p95", func(l bench.Latency) float64 { return l.P95 })
		time("p99", func(l bench.Latency) float64 { return l.P99 })
		time("max", func(l bench.Latency) float64 { return l.Max })
	})
}

// measured is what one of those who measure a service says of it.
type measured struct {
	by, requests, errors string
	times                bench.Latency
}

// putLatencies is the run as a whole.
func putLatencies(m *markup.Writer, r *bench.Result) {
	note := ""
	if r.Held > 0 {
		note = fmt.Sprintf("%d requests were sent late because all %d workers waited for the target.", r.Held, r.Workers)
	}
	head := markup.Safe(`<th class="l"></th><th>mean</th><th>p50</th><th>p90</th><th>p95</th><th>p99</th><th>p99.9</th><th>max</th>`)
	table(m, "Latency", note, head, func() {
		for _, l := range []struct {
			name, note string
			bench.Latency
		}{
			{"response time", "from when a request was due", r.Response},
			{"service time", "from when it was sent", r.Service},
			{"schedule lag", "from due to sent", r.Lag},
		} {
			m.Put(`<tr><td class="l">%s<div class="dim">%s</div></td>`, l.name, l.note)
			times(m, l.Mean, l.P50, l.P90, l.P95, l.P99, l.P999, l.Max)
			m.Put("</tr>\n")
		}
	})
}

func putParts(m *markup.Writer, parts []bench.Phase) {
	if len(parts) == 0 {
		return
	}
	head := markup.Safe(`<th class="l">phase</th><th>from</th><th>to</th><th>sent</th><th>errors</th>` +
		`<th>p50</th><th>p90</th><th>p95</th><th>p99</th><th>p99.9</th><th>max</th>`)
	table(m, "Phases", "A request belongs to the phase in which it was due.", head, func() {
		for _, p := range parts {
			wrong := p.Sent - p.OK
			m.Put(`<tr><td class="l">%s</td><td>%s</td><td>%s</td><td>%d</td><td%s>%d</td>`,
				p.Name, seconds(p.From), seconds(p.To), p.Sent, class(wrong, "bad"), wrong)
			times(m, p.Response.P50, p.Response.P90, p.Response.P95, p.Response.P99, p.Response.P999, p.Response.Max)
			m.Put("</tr>\n")
		}
	})
}

func putRequests(m *markup.Writer, requests []bench.RequestResult) {
	if len(requests) == 0 {
		return
	}
	head := markup.Safe(`<th class="l">request</th><th>sent</th><th>ok</th><th>failed</th><th>unknown</th><th>wrong</th>` +
		`<th>p50</th><th>p95</th><th>p99</th><th>max</th>`)
	table(m, "Requests", "", head, func() {
		for _, q := range requests {
			m.Put(`<tr><td class="l">%s</td>`, q.Name)
			counts(m, q.Counts)
			m.Put(`<td%s>%d</td>`, class(q.Wrong, "bad"), q.Wrong)
			times(m, q.Response.P50, q.Response.P95, q.Response.P99, q.Response.Max)
			m.Put("</tr>\n")
		}
	})
}

func counts(m *markup.Writer, c bench.Counts) {
	m.Put(`<td>%d</td><td>%d</td><td%s>%d</td><td%s>%d</td>`, c.Sent, c.OK, class(c.Failed, "bad"), c.Failed, class(c.Unknown, "warn"), c.Unknown)
}

func putPhases(m *markup.Writer, phases []bench.Phase) {
	if len(phases) < 2 {
		return
	}
	head := markup.Safe(`<th class="l">after</th><th>from</th><th>to</th><th>sent</th><th>ok</th><th>failed</th><th>unknown</th>` +
		`<th>p50</th><th>p90</th><th>p95</th><th>p99</th><th>max</th>`)
	table(m, "Between events", "A request belongs to the time in which it was due.", head, func() {
		for _, p := range phases {
			m.Put(`<tr><td class="l">%s</td><td>%s</td><td>%s</td>`, p.Name, seconds(p.From), seconds(p.To))
			counts(m, p.Counts)
			times(m, p.Response.P50, p.Response.P90, p.Response.P95, p.Response.P99, p.Response.Max)
			m.Put("</tr>\n")
		}
	})
}

func putErrors(m *markup.Writer, errors []bench.ErrorCount) {
	if len(errors) == 0 {
		return
	}
	table(m, "Errors", "", "", func() {
		for _, e := range errors {
			m.Put(`<tr><td>%d</td><td class="l wrap"><code>%s</code></td></tr>`+"\n", e.Count, e.Text)
		}
	})
}

func putLog(m *markup.Writer, log []bench.LogLine) {
	if len(log) == 0 {
		return
	}
	table(m, "The servers' own logs", "", "", func() {
		for _, l := range log {
			m.Put(`<tr><td>%s</td><td class="l">%s</td><td class="l wrap"><code>%s</code></td></tr>`+"\n", seconds(l.At), l.From, l.Text)
		}
	})
}

// putSeries is what the charts draw, for who has no JavaScript, or wants the figures.
func putSeries(m *markup.Writer, r *bench.Result) {
	if len(r.Series.Buckets) == 0 {
		return
	}
	m.Put(`<details class="card"><summary><h3>Figures over time</h3> <span class="dim">what the charts draw, each %g s</span></summary><div class="scroll"><table>
<thead><tr><th>from</th><th>asked</th><th>sent</th><th>due</th><th>ok</th><th>failed</th><th>unknown</th><th>wrong</th><th>p50</th><th>p95</th><th>p99</th><th>max</th></tr></thead>
<tbody>
`, r.Series.Width)
	for _, b := range r.Series.Buckets {
		m.Put(`<tr><td>%g s</td><td>%g</td><td>%d</td>`, b.From, b.Asked, b.Achieved)
		counts(m, b.Counts)
		m.Put(`<td%s>%d</td>`, class(b.Wrong, "bad"), b.Wrong)
		if b.Max > 0 {
			times(m, b.P50, b.P95, b.P99, b.Max)
		} else {
			m.Put(`<td>–</td><td>–</td><td>–</td><td>–</td>`)
		}
		m.Put("</tr>\n")
	}
	m.Put("</tbody></table></div></details>\n")
}

func putGenerator(m *markup.Writer, g bench.Generator) {
	if g.CPU == 0 {
		return
	}
	m.Put(`<p class="dim">%s</p>`+"\n", fmt.Sprintf("The load generator kept %.2f processors busy, %.1f µs a request, and had %.1f MB resident at most.",
		g.Cores, g.PerRequest, g.Memory))
}
