package report

import (
	"fmt"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/markup"
)

// verdict is the run in one word, and why.
type verdict struct {
	Class, Mark, Text, Why string
	Icon                   string // the colour of the page's icon
}

func judge(r *bench.Result) verdict {
	held := len(r.Verdicts) - len(r.Unmet)
	switch {
	case len(r.Invalid) > 0:
		return verdict{"warn", "!", "Invalid", "The measurement does not count", "%23a15c00"}
	case len(r.Unmet) == 1 && held > 0:
		return verdict{"bad", "✕", "Failed", fmt.Sprintf("1 of %d expectations does not hold", len(r.Verdicts)), "%23c8202f"}
	case len(r.Unmet) > 0 && held > 0:
		return verdict{"bad", "✕", "Failed", fmt.Sprintf("%d of %d expectations do not hold", len(r.Unmet), len(r.Verdicts)), "%23c8202f"}
	case len(r.Unmet) > 0:
		return verdict{"bad", "✕", "Failed", "What was expected does not hold", "%23c8202f"}
	case len(r.Verdicts) == 1:
		return verdict{"good", "✓", "Passed", "The one expectation holds", "%2314804a"}
	case len(r.Verdicts) > 0:
		return verdict{"good", "✓", "Passed", fmt.Sprintf("All %d expectations hold", len(r.Verdicts)), "%2314804a"}
	}
	return verdict{"plain", "•", "Done", "Nothing was expected of this run, so nothing passes or fails", "%235f6873"}
}

// putVerdict is the banner at the top.
func putVerdict(m *markup.Writer, r *bench.Result) {
	v := judge(r)
	m.Put(`<div class="verdict %s"><span class="icon" aria-hidden="true">%s</span><div><p class="word">%s</p><p>%s</p>`, v.Class, v.Mark, v.Text, v.Why)
	if len(r.Invalid)+len(r.Unmet) > 0 {
		m.Put("<ul>")
		for _, text := range r.Invalid {
			m.Put(`<li><b>Invalid</b> %s</li>`, text)
		}
		for _, text := range r.Unmet {
			m.Put(`<li><b>Not met</b> %s</li>`, text)
		}
		m.Put("</ul>")
	}
	m.Put("</div></div>\n")
}

// tile is one figure at the top.
type tile struct{ Name, Value, Note, Class string }

func putTiles(m *markup.Writer, r *bench.Result) {
	m.Put(`<div class="tiles">` + "\n")
	for _, t := range tiles(r) {
		m.Put(`  <div class="tile %s"><span>%s</span><b>%s</b><small>%s</small></div>`+"\n", t.Class, t.Name, t.Value, t.Note)
	}
	m.Put("</div>\n")
}

func tiles(r *bench.Result) []tile {
	out := []tile{
		{"sent", count(r.Sent), fmt.Sprintf("%.1f a second", r.AchievedRate), ""},
		{"ok", count(r.OK), share(r.OK, r.Sent), ""},
		bad("failed", r.Failed, share(r.Failed, r.Sent)),
	}
	unknown := tile{"unknown", count(r.Unknown), share(r.Unknown, r.Sent), ""}
	if r.Unknown > 0 {
		unknown.Class = "warn"
	}
	if e := r.Executed; e != nil {
		if r.Unknown > 0 {
			unknown.Note = fmt.Sprintf("%d executed, %d not", e.UnknownExecuted, e.UnknownNotExecuted)
		}
		out = append(out, unknown, bad("lost", e.Lost, "never executed, none told “unknown”"), bad("doubled", e.Doubled, "executed more than once"))
	} else {
		out = append(out, unknown, tile{"lost, doubled", "–", "no record of what was executed", ""})
	}
	if r.Wrong > 0 {
		out = append(out, bad("wrong", r.Wrong, "a reply of success that a check refused"))
	}
	if r.Dropped > 0 {
		out = append(out, bad("dropped", r.Dropped, "of the schedule, never sent"))
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
	t := tile{name, count(n), note, ""}
	if n > 0 {
		t.Class = "bad"
	}
	return t
}
