package report

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/markup"
	"github.com/parley-run/parley/uplot"
)

// Fragment is one <section class="parley-bench"> with its own <style>, whose rules touch nothing outside it, and the data of its
// charts. A page may hold several; it runs Scripts at its end.
func Fragment(r *bench.Result) (markup.Safe, error) {
	drawn := dataOf(r)
	data, err := json.Marshal(drawn) // it writes <, > and & as \u003c and so on: no name can end the element
	if err != nil {
		return "", err
	}
	var b strings.Builder
	m := markup.To(&b)
	warmup := ""
	if r.Warmup.Sent > 0 {
		warmup = fmt.Sprintf(", after a warm-up of %d requests", r.Warmup.Sent)
	}
	m.Put(`<section class="parley-bench">
<style>%s
%s</style>
<header>
  <h2>%s</h2>
  <p class="sub">%s, <code>%s</code> at <code>%s</code></p>
  <p class="sub">%s%s</p>
</header>
`, markup.Safe(uplot.Style()), markup.Safe(style), r.Name, loadOf(r), r.Request, r.Address,
		r.Started.UTC().Format("2 January 2006, 15:04:05 UTC"), warmup)
	putVerdict(m, r)
	putTiles(m, r)
	putVerdicts(m, r.Verdicts)
	putCharts(m, drawn, data)
	putEvents(m, r.Events)
	m.Put(`<div class="pair">` + "\n")
	putServices(m, r)
	putLog(m, r.Log)
	m.Put("</div>\n")
	putLatencies(m, r)
	putParts(m, r.Parts)
	putRequests(m, r.Requests)
	putPhases(m, r.Phases)
	putExecuted(m, r.Executed)
	putErrors(m, r.Errors)
	putSeries(m, r)
	putGenerator(m, r.Generator)
	m.Put("</section>\n")
	err = m.Flush()
	return markup.Safe(b.String()), err
}

// putCharts puts the places of the charts and their data. They are seen where charts.js draws them.
func putCharts(m *markup.Writer, d drawing, data []byte) {
	m.Put(`<noscript><p class="note">The charts need JavaScript. The tables below tell the same; “Figures over time” has what the charts draw.</p></noscript>
<div class="charts">
<p class="tools"><span>Drag over a chart to look closer, double click to see all again.</span> <button type="button" hidden>Show all</button></p>
`)
	for i, c := range d.Charts {
		m.Put(`<figure class="card"><figcaption><h3>%s</h3> <span class="dim">%s</span> <span class="happened dim" aria-live="polite"></span></figcaption>`, c.Title, c.Note)
		if c.Empty != "" {
			m.Put(`<p class="empty">%s</p></figure>`+"\n", c.Empty)
		} else {
			m.Put(`<div class="drawing" data-chart="%d" tabindex="0" role="img" aria-label="%s"></div></figure>`+"\n", i, c.Spoken)
		}
	}
	m.Put(`</div>
<script type="application/json">%s</script>
`, markup.Safe(data))
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
