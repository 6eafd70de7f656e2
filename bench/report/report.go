// Package report renders a benchmark's result as HTML that needs no network and no script: a whole page, or a fragment
// to put into another. Charts are SVG, colours follow the reader's light or dark setting, and a phone gets charts of
// its own width.
package report

import (
	_ "embed"
	"fmt"
	"io"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/markup"
)

//go:embed style.css
var style string

// Page writes a whole HTML page.
func Page(w io.Writer, r *bench.Result) error {
	fragment, err := Fragment(r)
	if err != nil {
		return err
	}
	m := markup.To(w)
	m.Put(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>%s – benchmark</title>
<style>
body { margin: 0; background: #f6f7f9; }
main { max-width: 1080px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
@media (max-width: 640px) { main { padding: 1rem .75rem 3rem; } }
@media (prefers-color-scheme: dark) { body { background: #0f1216; } }
</style>
</head>
<body>
<main>
%s
</main>
</body>
</html>
`, r.Name, fragment)
	return m.Flush()
}

// loadOf is how much was sent, in a few words.
func loadOf(r *bench.Result) string {
	switch {
	case r.Users > 0:
		return fmt.Sprintf("%d users in a closed loop for %g s", r.Users, r.Duration)
	case len(r.Parts) > 0:
		return fmt.Sprintf("%d phases of %g s in all, %g requests a second on the average", len(r.Parts), r.Duration, r.Rate)
	}
	return fmt.Sprintf("%g requests a second for %g s", r.Rate, r.Duration)
}

// verdict is the run in one word.
type verdict struct{ Class, Text string }

func judge(r *bench.Result) verdict {
	switch {
	case len(r.Invalid) > 0:
		return verdict{"warn", "invalid"}
	case len(r.Unmet) > 0:
		return verdict{"bad", "not as expected"}
	case r.OK == r.Sent && (r.Executed == nil || r.Executed.Lost+r.Executed.Doubled == 0):
		return verdict{"good", "nothing lost"}
	case r.Executed != nil && r.Executed.Lost+r.Executed.Doubled == 0:
		return verdict{"good", "nothing lost or doubled"}
	}
	return verdict{"plain", "done"}
}

// tile is one figure at the top.
type tile struct{ Name, Value, Note, Class string }

func tiles(r *bench.Result) []tile {
	out := []tile{
		{"sent", count(r.Sent), fmt.Sprintf("%.1f a second", r.AchievedRate), ""},
		{"ok", count(r.OK), share(r.OK, r.Sent), "good"},
		bad("failed", r.Failed, share(r.Failed, r.Sent)),
	}
	unknown := tile{"unknown", count(r.Unknown), share(r.Unknown, r.Sent), ""}
	if e := r.Executed; e != nil {
		if r.Unknown > 0 {
			unknown.Note = fmt.Sprintf("%d executed, %d not", e.UnknownExecuted, e.UnknownNotExecuted)
		}
		out = append(out, warn(unknown, r.Unknown), bad("lost", e.Lost, "never executed, none told “unknown”"), bad("doubled", e.Doubled, "executed more than once"))
	} else {
		out = append(out, warn(unknown, r.Unknown), tile{"lost, doubled", "–", "no record of what was executed", ""})
	}
	if r.Wrong > 0 {
		out = append(out, bad("wrong", r.Wrong, "a reply of success that a check refused"))
	}
	out = append(out,
		tile{"response time, p50", bench.FormatMS(r.Response.P50), "from when it was due", ""},
		tile{"response time, p99", bench.FormatMS(r.Response.P99), "longest " + bench.FormatMS(r.Response.Max), ""})
	for _, e := range r.Events {
		if e.UpAlready {
			out = append(out, tile{e.Server + " at its " + e.Do, "up already", "nothing was to be waited for", ""})
		}
		if e.TrafficAgain != nil {
			note := "after its " + e.Do
			if e.TrafficAgainDown != nil {
				note += fmt.Sprintf("; %.2f s after it went down", *e.TrafficAgainDown)
			}
			out = append(out, tile{e.Server + " back in traffic", fmt.Sprintf("%.2f s", *e.TrafficAgain), note, ""})
		}
	}
	return out
}

func bad(name string, n int, note string) tile {
	t := tile{name, count(n), note, "good"}
	if n > 0 {
		t.Class = "bad"
	}
	return t
}

func warn(t tile, n int) tile {
	t.Class = "good"
	if n > 0 {
		t.Class = "warn"
	}
	return t
}

func share(n, of int) string {
	if of == 0 {
		return ""
	}
	return fmt.Sprintf("%.4g %%", 100*float64(n)/float64(of))
}

// count writes n with thin spaces between thousands.
func count(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

type latencyRow struct {
	Name, Note string
	bench.Latency
}

func latencies(r *bench.Result) []latencyRow {
	return []latencyRow{
		{"response time", "from when a request was due", r.Response},
		{"service time", "from when it was sent", r.Service},
		{"schedule lag", "from due to sent", r.Lag},
	}
}
