package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/markup"
)

// Fragment is one <section class="parley-bench"> with its own <style>, whose rules touch nothing outside it.
func Fragment(r *bench.Result) (markup.Safe, error) {
	var b strings.Builder
	m := markup.To(&b)
	verdict := judge(r)
	warmup := ""
	if r.Warmup.Sent > 0 {
		warmup = fmt.Sprintf(", after a warm-up of %d requests", r.Warmup.Sent)
	}
	m.Put(`<section class="parley-bench">
<style>%s</style>
<header>
  <div>
    <h2>%s</h2>
    <p class="sub">%s, <code>%s</code> at <code>%s</code></p>
    <p class="sub">%s%s</p>
  </div>
  <span class="badge %s">%s</span>
</header>
`, markup.Safe(style), r.Name, loadOf(r), r.Request, r.Address, r.Started.UTC().Format("2 January 2006, 15:04:05 UTC"), warmup, verdict.Class, verdict.Text)
	for _, text := range r.Invalid {
		m.Put(`<p class="note warn"><b>Invalid</b> %s</p>`+"\n", text)
	}
	for _, text := range r.Unmet {
		m.Put(`<p class="note bad"><b>Not met</b> %s</p>`+"\n", text)
	}
	putVerdicts(m, r.Verdicts)
	m.Put("\n" + `<div class="tiles">` + "\n")
	for _, t := range tiles(r) {
		m.Put(`  <div class="tile %s"><span>%s</span><b>%s</b><small>%s</small></div>`+"\n", t.Class, t.Name, t.Value, t.Note)
	}
	m.Put("</div>\n")
	for _, c := range charts(r) {
		putChart(m, c)
	}
	putEvents(m, r.Events)
	putLatencies(m, r)
	putServices(m, r)
	putParts(m, r.Parts)
	putRequests(m, r.Requests)
	putPhases(m, r.Phases)
	putExecuted(m, r.Executed)
	putErrors(m, r.Errors)
	putLog(m, r.Log)
	putGenerator(m, r.Generator)
	m.Put("</section>\n")
	err := m.Flush()
	return markup.Safe(b.String()), err
}

func putChart(m *markup.Writer, c chart) {
	m.Put(`<figure class="card">
  <figcaption><b>%s</b> <span>%s</span>
    <span class="legend">`, c.Title, c.Note)
	for _, l := range c.Legend {
		m.Put(`<i class="%s"></i>%s `, l.Class, l.Name)
	}
	m.Put(`</span>
  </figcaption>
  %s
  %s
</figure>
`, c.Wide, c.Narrow)
}

func seconds(v float64) string { return fmt.Sprintf("%.3f s", v) }

// secondsOf is a time that may not be known.
func secondsOf(v *float64) string {
	if v == nil {
		return "–"
	}
	return seconds(*v)
}

func putEvents(m *markup.Writer, events []bench.EventResult) {
	if len(events) == 0 {
		return
	}
	m.Put(`<div class="card"><h3>Events</h3><div class="scroll"><table>
<thead><tr><th></th><th class="l">event</th><th>due</th><th>began</th><th>took</th><th>out of traffic</th><th>traffic again</th><th>since it went down</th><th>went wrong</th><th>recovered</th></tr></thead>
<tbody>
`)
	for i, e := range events {
		m.Put(`<tr><td><span class="mark">%d</span></td><td class="l">%s%s`, i+1, e.Label, markup.When(e.UpAlready, `<div class="dim">it was up already</div>`))
		due, at, took := seconds(e.Due), seconds(e.At), bench.FormatMS(e.Took)
		if e.Skipped != "" {
			m.Put(`<div class="dim">%s</div>`, e.Skipped)
			due, at, took = "–", "–", "–"
		}
		if e.Error != "" {
			m.Put(`<div class="err">%s</div>`, e.Error)
		}
		m.Put(`</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td>`,
			due, at, took, secondsOf(e.Detected), secondsOf(e.TrafficAgain), secondsOf(e.TrafficAgainDown))
		putImpact(m, e.Impact)
		m.Put("</tr>\n")
	}
	m.Put("</tbody></table></div></div>\n")
}

func putImpact(m *markup.Writer, i *bench.Impact) {
	if i == nil {
		m.Put(`<td>0</td><td>–</td>`)
		return
	}
	recovered := "not before the end"
	if i.Recovered {
		recovered = seconds(i.Recovery)
	}
	m.Put(`<td class="bad">%d</td><td>%s</td>`, i.Bad, recovered)
}

func putLatencies(m *markup.Writer, r *bench.Result) {
	m.Put(`<div class="card"><h3>Latency</h3><div class="scroll"><table>
<thead><tr><th class="l"></th><th>mean</th><th>p50</th><th>p90</th><th>p95</th><th>p99</th><th>p99.9</th><th>max</th></tr></thead>
<tbody>
`)
	for _, l := range latencies(r) {
		m.Put(`<tr><td class="l">%s<div class="dim">%s</div></td>`, l.Name, l.Note)
		for _, v := range []float64{l.Mean, l.P50, l.P90, l.P95, l.P99, l.P999, l.Max} {
			m.Put(`<td>%s</td>`, bench.FormatMS(v))
		}
		m.Put("</tr>\n")
	}
	m.Put("</tbody></table></div>\n")
	if r.Held > 0 {
		m.Put(`<p class="dim">%d requests were sent late because all %d workers waited for the target.</p>`, r.Held, r.Workers)
	}
	m.Put("</div>\n")
}

// class marks a count of what should not be.
func class(n int, name string) markup.Safe { return markup.When(n > 0, ` class="`+name+`"`) }

func putExecuted(m *markup.Writer, e *bench.Executed) {
	if e == nil {
		return
	}
	m.Put(`<div class="card"><h3>Told and executed</h3><p class="dim">What clients were told, against the ids that the service recorded.</p><div class="scroll"><table>
<thead><tr><th class="l">the client was told</th><th>executed</th><th>not executed</th></tr></thead>
<tbody>
<tr><td class="l">ok</td><td>as it should be</td><td%s>%d lost</td></tr>
<tr><td class="l">failed</td><td%s>%d</td><td%s>%d lost</td></tr>
<tr><td class="l">unknown</td><td>%d</td><td>%d</td></tr>
</tbody></table></div>
<p class="dim">%d different ids were executed; %d more than once.`,
		class(e.LostAcknowledged, "bad"), e.LostAcknowledged, class(e.FailedExecuted, "warn"), e.FailedExecuted, class(e.LostFailed, "bad"), e.LostFailed,
		e.UnknownExecuted, e.UnknownNotExecuted, e.Executed, e.Doubled)
	if len(e.LostIDs) > 0 {
		m.Put(" Lost ids: %s.", list(e.LostIDs))
	}
	if len(e.DoubledIDs) > 0 {
		m.Put(" Doubled ids: %s.", list(e.DoubledIDs))
	}
	m.Put("</p></div>\n")
}

func list(numbers []int) string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = strconv.Itoa(n)
	}
	return strings.Join(texts, ", ")
}
