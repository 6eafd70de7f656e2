package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/report"
)

func at(v float64) *float64 { return &v }

// sample is a run in which server1 was killed: a failed, an unknown and a doubled request.
func sample() *bench.Result {
	r := &bench.Result{
		Name: "Kill <server1> & start", Address: "http://127.0.0.1:11223", Request: "POST /a?x=<script>alert(1)</script>",
		Started: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), Rate: 100, Duration: 10, Workers: 64,
		Counts: bench.Counts{Sent: 1000, OK: 998, Failed: 1, Unknown: 1}, AchievedRate: 100,
		Executed: &bench.Executed{Executed: 999, LostFailed: 1, Lost: 1, Doubled: 1, UnknownExecuted: 1, LostIDs: []int{404}, DoubledIDs: []int{77}},
		Response: bench.Latency{Count: 1000, P50: 2, P99: 180, Max: 250}, Service: bench.Latency{P50: 1.5, P99: 175}, Lag: bench.Latency{P50: 0.5},
		Events: []bench.EventResult{
			{Label: "kill server1", Do: "kill", Server: "server1", Due: 4, At: 4.001, Took: 3},
			{Label: "start server1", Do: "start", Server: "server1", Due: 6, At: 6.002, Took: 800, TrafficAgain: at(0.912), TrafficAgainDown: at(2.913)},
			{Label: "deploy v2.star", Do: "deploy", Due: 6.01, At: 6.81, Took: 5, Error: "v2.star:3:1: undefined: <x>"},
		},
		Phases:  []bench.Phase{{Name: "start", To: 4}, {Name: "kill server1", From: 4, To: 10}},
		Servers: []bench.Server{{Name: "server1", Replies: 400}, {Name: `s"2`, Replies: 599}},
		Errors:  []bench.ErrorCount{{Text: "503 Service Unavailable", Count: 1}},
		Series:  bench.Series{Width: 1},
		Unmet:   []string{"lost is 1, at most 0 expected"},
	}
	for i := range 10 {
		b := bench.Bucket{From: float64(i), Counts: bench.Counts{Sent: 100, OK: 100}, P50: 2, P99: 5, Max: 6, Servers: map[string]int{"server1": 50, `s"2`: 50}}
		switch i {
		case 4:
			b.Counts, b.P99, b.Servers = bench.Counts{Sent: 100, OK: 98, Failed: 1, Unknown: 1}, 250, map[string]int{`s"2`: 98}
		case 5:
			b.Counts, b.P50, b.P99, b.Max, b.Servers = bench.Counts{}, 0, 0, 0, nil
		}
		r.Series.Buckets = append(r.Series.Buckets, b)
	}
	return r
}

func TestPageIsWholeAndOffline(t *testing.T) {
	var b strings.Builder
	require.NoError(t, report.Page(&b, sample()))
	page := b.String()
	assert.True(t, strings.HasPrefix(page, "<!doctype html>"))
	for _, want := range []string{
		"Kill &lt;server1&gt; &amp; start – benchmark", "not as expected", "lost is 1, at most 0 expected",
		"0.912 s", "2.913 s", "server1 back in traffic", "v2.star:3:1: undefined: &lt;x&gt;", "Lost ids: 404.", "Doubled ids: 77.",
		"503 Service Unavailable", "prefers-color-scheme: dark", `name="viewport"`,
	} {
		assert.Contains(t, page, want)
	}
	for _, never := range []string{"<script", "src=", "href=", "url(", "@import", "ZgotmplZ", "NaN", "Inf", "<nil>"} {
		assert.NotContains(t, page, never)
	}
}

func TestPageShowsWhatElseIsKnown(t *testing.T) {
	r := sample()
	r.Verdicts = []bench.Verdict{{Text: "p99 < 5ms", Got: "5.00 ms"}, {Text: "lost == 0", Got: "0", OK: true}}
	r.Parts = []bench.Phase{{Name: "climb", To: 10, Counts: r.Counts}}
	r.Requests = []bench.RequestResult{{Name: "log in", Counts: bench.Counts{Sent: 4, Wrong: 4}}}
	r.Services = []bench.ServiceCount{{Service: "bench.record", Requests: 17}}
	r.Log = []bench.LogLine{{At: 4.031, From: "supervisor", Text: "server died: server1"}}
	r.Generator = bench.Generator{CPU: 1, Cores: 0.07, PerRequest: 55.5, Memory: 34}
	r.Events = append(r.Events, bench.EventResult{Label: "drain", Skipped: "it did not come"})
	r.Events[0].Impact, r.Events[0].Detected = &bench.Impact{Bad: 3, Recovery: 0.25, Recovered: true}, at(0.059)
	fragment, err := report.Fragment(r)
	require.NoError(t, err)
	for _, want := range []string{
		`<code>p99 &lt; 5ms</code></td><td>5.00 ms</td><td class="bad">not met</td>`, `<td>0</td><td class="good">met</td>`,
		`<td class="l">climb</td>`, `<td class="l">log in</td><td>4</td>`, `bench.record<div class="dim">in the servers</div></td><td>17</td>`,
		`<td>4.031 s</td><td class="l">supervisor</td><td class="l"><code>server died: server1</code></td>`,
		"0.07 processors busy, 55.5 µs a request", `<td class="bad">3</td><td>0.250 s</td>`, "<td>0.059 s</td>", "it did not come",
	} {
		assert.Contains(t, string(fragment), want)
	}
}

func TestPageSaysThatAServerWasUpAlready(t *testing.T) {
	r := sample()
	r.Events = []bench.EventResult{
		{Label: "kill server2", Do: "kill", Server: "server2", TrafficAgain: at(0.25)},
		{Label: "start server2", Do: "start", Server: "server2", At: 2, UpAlready: true},
	}
	fragment, err := report.Fragment(r)
	require.NoError(t, err)
	for _, want := range []string{
		"<span>server2 back in traffic</span><b>0.25 s</b><small>after its kill</small>",
		"<span>server2 at its start</span><b>up already</b>", `start server2<div class="dim">it was up already</div>`,
	} {
		assert.Contains(t, string(fragment), want)
	}
}

func TestFragmentHoldsChartsInTwoWidths(t *testing.T) {
	fragment, err := report.Fragment(sample())
	require.NoError(t, err)
	pictures := regexp.MustCompile(`(?s)<svg .*?</svg>`).FindAllString(string(fragment), -1)
	require.Len(t, pictures, 8)
	for _, svg := range pictures {
		dec := xml.NewDecoder(strings.NewReader(svg))
		for {
			_, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, "an SVG is well-formed: %s", svg)
		}
		assert.Equal(t, 3, strings.Count(svg, `<circle class="pin"`), "each event has its number")
	}
	assert.Equal(t, 4, strings.Count(string(fragment), `<svg class="narrow"`))
	latency := pictures[0]
	assert.Contains(t, latency, ">300 ms<", "a stall puts the axis on powers of ten")
	line := regexp.MustCompile(`class="line c2" d="([^"]*)"`).FindStringSubmatch(latency)[1]
	assert.Equal(t, 2, strings.Count(line, "M"), "a second without requests breaks the line")
}

func TestFragmentOfNothing(t *testing.T) {
	fragment, err := report.Fragment(&bench.Result{Rate: 1, Duration: 1, Series: bench.Series{Width: 0.1, Buckets: make([]bench.Bucket, 10)}, Invalid: []string{"only 0 of 1 requests were sent"}})
	require.NoError(t, err)
	assert.Contains(t, string(fragment), "only 0 of 1 requests were sent")
	for _, never := range []string{"NaN", "Inf", "<nil>", "<h3>Events</h3>", "<h3>Phases</h3>"} {
		assert.NotContains(t, string(fragment), never)
	}
}
