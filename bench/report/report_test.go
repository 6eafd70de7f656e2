package report_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/markup"
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
		b := bench.Bucket{From: float64(i), Asked: 100, Achieved: 100, Counts: bench.Counts{Sent: 100, OK: 100}, P50: 2, P95: 3, P99: 5, Max: 6, Servers: map[string]int{"server1": 50, `s"2`: 50}}
		switch i {
		case 4:
			b.Counts, b.Achieved, b.P99, b.Servers = bench.Counts{Sent: 100, OK: 98, Failed: 1, Unknown: 1}, 90, 250, map[string]int{`s"2`: 98}
		case 5:
			b.Counts, b.Achieved, b.P50, b.P95, b.P99, b.Max, b.Servers = bench.Counts{}, 0, 0, 0, 0, 0, nil
		}
		r.Series.Buckets = append(r.Series.Buckets, b)
	}
	return r
}

// dataOf is the data of a fragment's charts, as a browser reads them.
func dataOf(t *testing.T, fragment markup.Safe) map[string]any {
	t.Helper()
	_, after, found := strings.Cut(string(fragment), `<script type="application/json">`)
	require.True(t, found)
	text, _, _ := strings.Cut(after, "</script>")
	var d map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &d))
	return d
}

// lineOf is the line of that name in the n-th chart.
func lineOf(t *testing.T, d map[string]any, n int, name string) map[string]any {
	t.Helper()
	for _, l := range d["charts"].([]any)[n].(map[string]any)["lines"].([]any) {
		if l := l.(map[string]any); l["name"] == name {
			return l
		}
	}
	t.Fatalf("chart %d has no line %s", n, name)
	return nil
}

func TestPageIsWholeAndOffline(t *testing.T) {
	var b strings.Builder
	require.NoError(t, report.Page(&b, sample()))
	page := b.String()
	assert.True(t, strings.HasPrefix(page, "<!doctype html>"))
	for _, want := range []string{
		"✕ Kill &lt;server1&gt; &amp; start – load report", `<p class="word">Failed</p>`, "<b>Not met</b> lost is 1, at most 0 expected",
		"0.912 s", "2.913 s", "server1 back in traffic", "v2.star:3:1: undefined: &lt;x&gt;", "Lost ids: 404.", "Doubled ids: 77.",
		"503 Service Unavailable", "prefers-color-scheme: dark", `name="viewport"`, "Permission is hereby granted", "default-src 'none'", "<noscript>",
	} {
		assert.Contains(t, page, want)
	}
	for _, script := range report.Scripts() {
		assert.Contains(t, page, "<script>"+script+"</script>")
		assert.Contains(t, page, "'"+markup.Hash(script)+"'", "the page's policy lets it run")
	}
	for _, never := range []string{" src=", "url(", "@import", "ZgotmplZ", "NaN", "<nil>"} {
		assert.NotContains(t, page, never)
	}
	assert.Equal(t, 1, strings.Count(page, " href="), "that of the icon, which is in the page")
}

func TestNoNameEndsTheData(t *testing.T) {
	r := sample()
	const name = "</script><script>alert(1)</script><!-- \u2028"
	r.Name, r.Request, r.Address = name, name, name
	r.Events[0].Label, r.Servers[0].Name = name, name
	r.Parts = []bench.Phase{{Name: name, To: 10}}
	r.Requests = []bench.RequestResult{{Name: name}}
	r.Log = []bench.LogLine{{From: name, Text: name}}
	r.Services = []bench.ServiceCount{{Service: name}}
	fragment, err := report.Fragment(r)
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(fragment), "<script"), "that of the data")
	assert.Equal(t, 1, strings.Count(string(fragment), "</script"))
	assert.NotContains(t, string(fragment), "<!--")
	d := dataOf(t, fragment)
	assert.Equal(t, name, d["events"].([]any)[0].(map[string]any)["text"])
	assert.Equal(t, name, d["phases"].([]any)[0].(map[string]any)["name"])
}

func TestDataOfTheCharts(t *testing.T) {
	r := sample()
	r.Events = append(r.Events, bench.EventResult{Label: "drain", Skipped: "it did not come"})
	r.Parts = []bench.Phase{{Name: "climb", To: 4}, {Name: "hold", From: 4, To: 10}}
	r.Log = []bench.LogLine{{At: 4.031, From: "supervisor", Text: "server died: server1"}}
	fragment, err := report.Fragment(r)
	require.NoError(t, err)
	d := dataOf(t, fragment)
	assert.InDelta(t, 1, d["width"], 0)
	assert.InDelta(t, 10, d["duration"], 0)
	require.Len(t, d["charts"], 4, "latency, rate, errors, servers")
	p99 := lineOf(t, d, 0, "p99")
	assert.Equal(t, []any{5.0, 5.0, 5.0, 5.0, 250.0, nil, 5.0, 5.0, 5.0, 5.0}, p99["values"], "a second without requests is a gap")
	assert.Equal(t, "180 ms", p99["whole"])
	assert.Equal(t, []any{3.0, 3.0, 3.0, 3.0, 3.0, nil, 3.0, 3.0, 3.0, 3.0}, lineOf(t, d, 0, "p95")["values"])
	lineOf(t, d, 0, "p50")
	lineOf(t, d, 0, "max")
	assert.Equal(t, []any{100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0}, lineOf(t, d, 1, "asked")["values"])
	assert.Equal(t, []any{100.0, 100.0, 100.0, 100.0, 90.0, 0.0, 100.0, 100.0, 100.0, 100.0}, lineOf(t, d, 1, "sent")["values"])
	assert.Equal(t, []any{0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0}, lineOf(t, d, 2, "failed")["values"])
	assert.Equal(t, "1 of 1\u202f000", lineOf(t, d, 2, "unknown")["whole"])
	assert.Equal(t, []any{50.0, 50.0, 50.0, 50.0, 98.0, 0.0, 50.0, 50.0, 50.0, 50.0}, lineOf(t, d, 3, `s"2`)["values"])
	assert.Equal(t, "1", lineOf(t, d, 3, "none")["whole"], "a reply that names nobody")
	require.Len(t, d["events"], 3, "what never came is on no chart")
	assert.Equal(t, map[string]any{"n": 2.0, "at": 6.002, "took": 0.8, "text": "start server1"}, d["events"].([]any)[1])
	assert.Equal(t, true, d["events"].([]any)[2].(map[string]any)["bad"], "it failed")
	assert.Equal(t, map[string]any{"name": "hold", "from": 4.0, "to": 10.0}, d["phases"].([]any)[1])
	assert.Equal(t, map[string]any{"at": 4.031, "text": "supervisor: server died: server1"}, d["log"].([]any)[0])
	assert.Contains(t, string(fragment), `aria-label="Response time over 10 s: p50 up to 2.00 ms, p95 up to 3.00 ms, p99 up to 250 ms, max up to 6.00 ms"`)
}

func TestVerdict(t *testing.T) {
	held, broken := bench.Verdict{Text: "failed == 0", Got: "0", OK: true}, bench.Verdict{Text: "p99 < 5ms", Got: "7 ms"}
	for _, row := range []struct {
		name        string
		result      bench.Result
		class, word string
		why         string
	}{
		{"all hold", bench.Result{Verdicts: []bench.Verdict{held, held}}, "good", "Passed", "All 2 expectations hold"},
		{"one holds", bench.Result{Verdicts: []bench.Verdict{held}}, "good", "Passed", "The one expectation holds"},
		{"nothing was expected", bench.Result{}, "plain", "Done", "Nothing was expected of this run"},
		{"one of two does not", bench.Result{Verdicts: []bench.Verdict{held, broken}, Unmet: []string{"p99"}}, "bad", "Failed", "1 of 2 expectations does not hold"},
		{"invalid, whatever else", bench.Result{Verdicts: []bench.Verdict{broken}, Unmet: []string{"p99"}, Invalid: []string{"late"}}, "warn", "Invalid", "does not count"},
	} {
		t.Run(row.name, func(t *testing.T) {
			fragment, err := report.Fragment(&row.result)
			require.NoError(t, err)
			assert.Contains(t, string(fragment), `<div class="verdict `+row.class+`">`)
			assert.Contains(t, string(fragment), `<p class="word">`+row.word+`</p><p>`)
			assert.Contains(t, string(fragment), row.why)
		})
	}
}

func TestPageShowsWhatElseIsKnown(t *testing.T) {
	r := sample()
	r.Verdicts = []bench.Verdict{{Text: "p99 < 5ms", Got: "5.00 ms"}, {Text: "lost == 0", Got: "0", OK: true}}
	r.Warmup = bench.Counts{Sent: 20, OK: 20}
	r.Parts = []bench.Phase{{Name: "climb", To: 10, Counts: r.Counts}}
	r.Requests = []bench.RequestResult{{Name: "log in", Counts: bench.Counts{Sent: 4, Wrong: 4}}}
	r.Services = []bench.ServiceCount{{Service: "bench.record", Requests: 1019, P99: 171}}
	r.Log = []bench.LogLine{{At: 4.031, From: "supervisor", Text: "server died: server1"}}
	r.Generator = bench.Generator{CPU: 1, Cores: 0.07, PerRequest: 55.5, Memory: 34}
	r.Events = append(r.Events, bench.EventResult{Label: "drain", Skipped: "it did not come"})
	r.Events[0].Impact, r.Events[0].Detected = &bench.Impact{Bad: 3, Recovery: 0.25, Recovered: true}, at(0.059)
	fragment, err := report.Fragment(r)
	require.NoError(t, err)
	for _, want := range []string{
		`✕ not met</td><td class="l"><code>p99 &lt; 5ms</code></td><td class="l whole">5.00 ms</td>`, `✓ met</td><td class="l"><code>lost == 0</code></td>`,
		`<td class="l">climb</td>`, `<td class="l">log in</td><td>4</td>`, `<th>client</th><th>bench.record</th>`,
		"<td class=\"l\">requests</td><td>1\u202f000 + 20</td><td>1\u202f019</td>", `<td class="l">service time, p99</td><td>175 ms</td><td>171 ms</td>`,
		`<td>4.031 s</td><td class="l">supervisor</td><td class="l wrap"><code>server died: server1</code></td>`,
		"0.07 processors busy, 55.5 µs a request", `<td class="bad">3</td><td>0.250 s</td>`, "<td>0.059 s</td>", "it did not come",
		`<tr><td>4 s</td><td>100</td><td>90</td><td>100</td><td>98</td><td class="bad">1</td><td class="warn">1</td><td>0</td><td>2.00 ms</td><td>3.00 ms</td><td>250 ms</td><td>6.00 ms</td></tr>`,
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

func TestFragmentOfNothing(t *testing.T) {
	fragment, err := report.Fragment(&bench.Result{Rate: 1, Duration: 1, Series: bench.Series{Width: 0.1, Buckets: make([]bench.Bucket, 10)}, Invalid: []string{"only 0 of 1 requests were sent"}})
	require.NoError(t, err)
	assert.Contains(t, string(fragment), "only 0 of 1 requests were sent")
	assert.Contains(t, string(fragment), "Nothing was measured: no request reached the target.")
	assert.NotContains(t, string(fragment), "data-chart", "there is nothing to draw")
	for _, never := range []string{"NaN", "+Inf", "<nil>", "<h3>Events</h3>", "<h3>Phases</h3>"} {
		assert.NotContains(t, string(fragment), never)
	}
}
