package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/parley-run/parley/bench"
)

// drawing is what charts.js draws: the series of a run, and what happened meanwhile. Times are in seconds from the start of the
// measured part.
type drawing struct {
	Width    float64  `json:"width"` // of a step
	Duration float64  `json:"duration"`
	From     values   `json:"from"` // of each step
	Charts   []chart  `json:"charts"`
	Events   []moment `json:"events"`
	Phases   []phase  `json:"phases"`
	Log      []moment `json:"log"`
}

// chart is one picture.
type chart struct {
	Kind   string `json:"kind"` // latency in ms; rate a second; errors: requests in a step
	Lines  []line `json:"lines"`
	Title  string `json:"-"`
	Note   string `json:"-"`
	Empty  string `json:"-"` // in place of a picture
	Spoken string `json:"-"` // what the eye sees
}

// line is one series. Its value is null where there is none.
type line struct {
	Name   string `json:"name"`
	Colour string `json:"colour"`         // a custom property of style.css
	Look   string `json:"look,omitempty"` // fill, dash, thin
	Whole  string `json:"whole"`          // of the whole run
	Values values `json:"values"`
}

type moment struct {
	Number int     `json:"n,omitempty"`
	At     float64 `json:"at"`
	Took   float64 `json:"took,omitempty"`
	Text   string  `json:"text"`
	Bad    bool    `json:"bad,omitempty"`
}

type phase struct {
	Name string  `json:"name"`
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// values are numbers of which NaN is none.
type values []float64

// MarshalJSON writes three decimals at most.
func (v values) MarshalJSON() ([]byte, error) {
	out := []byte{'['}
	for i, one := range v {
		if i > 0 {
			out = append(out, ',')
		}
		if math.IsNaN(one) || math.IsInf(one, 0) {
			out = append(out, "null"...)
			continue
		}
		out = strconv.AppendFloat(out, math.Round(one*1000)/1000, 'f', -1, 64)
	}
	return append(out, ']'), nil
}

func dataOf(r *bench.Result) drawing {
	d := drawing{
		Width: r.Series.Width, Duration: r.Duration, From: column(r, func(b bench.Bucket) float64 { return b.From }),
		Charts: []chart{latencyChart(r), rateChart(r), errorChart(r)}, Events: []moment{}, Phases: []phase{}, Log: []moment{},
	}
	if len(r.Servers) > 0 {
		d.Charts = append(d.Charts, serverChart(r))
	}
	for i, e := range r.Events {
		if e.Skipped == "" {
			d.Events = append(d.Events, moment{i + 1, e.At, e.Took / 1000, e.Label, e.Error != ""})
		}
	}
	for _, p := range r.Parts {
		d.Phases = append(d.Phases, phase{p.Name, p.From, p.To})
	}
	for _, l := range r.Log {
		d.Log = append(d.Log, moment{At: l.At, Text: l.From + ": " + l.Text})
	}
	for i := range d.Charts {
		d.Charts[i].speak(r.Duration)
	}
	return d
}

func column(r *bench.Result, of func(bench.Bucket) float64) values {
	out := make(values, len(r.Series.Buckets))
	for i, b := range r.Series.Buckets {
		out[i] = of(b)
	}
	return out
}

// speak says of a chart what the eye sees.
func (c *chart) speak(seconds float64) {
	var parts []string
	for _, l := range c.Lines {
		high := 0.0
		for _, v := range l.Values {
			if v > high {
				high = v
			}
		}
		text := strconv.FormatFloat(math.Round(high*1000)/1000, 'f', -1, 64)
		if c.Kind == "latency" {
			text = bench.FormatMS(high)
		}
		parts = append(parts, l.Name+" up to "+text)
	}
	c.Spoken = fmt.Sprintf("%s over %g s: %s", c.Title, seconds, strings.Join(parts, ", "))
}

func latencyChart(r *bench.Result) chart {
	c := chart{Kind: "latency", Title: "Response time", Note: fmt.Sprintf("from when requests were due, each %g s", r.Series.Width)}
	for _, l := range []struct {
		name, colour, look string
		whole              float64
		of                 func(bench.Bucket) float64
	}{
		{"p50", "--c1", "", r.Response.P50, func(b bench.Bucket) float64 { return b.P50 }},
		{"p95", "--c3", "", r.Response.P95, func(b bench.Bucket) float64 { return b.P95 }},
		{"p99", "--c2", "", r.Response.P99, func(b bench.Bucket) float64 { return b.P99 }},
		{"max", "--rest", "thin", r.Response.Max, func(b bench.Bucket) float64 { return b.Max }},
	} {
		all := column(r, l.of)
		for i, v := range all {
			if v == 0 {
				all[i] = math.NaN() // nothing was measured
			}
		}
		c.Lines = append(c.Lines, line{l.name, l.colour, l.look, bench.FormatMS(l.whole), all})
	}
	if r.Response.Count == 0 && r.Response.Max == 0 {
		c.Empty = "Nothing was measured: no request reached the target."
	}
	return c
}

func rateChart(r *bench.Result) chart {
	c := chart{Kind: "rate", Title: "Requests a second", Note: "asked for by the profile, and sent"}
	if r.Users > 0 {
		c.Note = "as sent; a closed loop asks for no rate"
	} else {
		asked := column(r, func(b bench.Bucket) float64 { return b.Asked / r.Series.Width })
		c.Lines = append(c.Lines, line{"asked", "--dim", "dash", perSecond(r.Rate), asked})
	}
	sent := column(r, func(b bench.Bucket) float64 { return float64(b.Achieved) / r.Series.Width })
	c.Lines = append(c.Lines, line{"sent", "--c1", "fill", perSecond(r.AchievedRate), sent})
	if r.Sent == 0 {
		c.Empty = "Nothing was sent."
	}
	return c
}

func perSecond(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) + "/s" }

func errorChart(r *bench.Result) chart {
	c := chart{Kind: "errors", Title: "Errors", Note: fmt.Sprintf("requests that did not end ok, by when they were due, each %g s", r.Series.Width)}
	for _, l := range []struct {
		name, colour string
		n            int
		of           func(bench.Bucket) float64
	}{
		{"failed", "--bad", r.Failed, func(b bench.Bucket) float64 { return float64(b.Failed) }},
		{"unknown", "--c5", r.Unknown, func(b bench.Bucket) float64 { return float64(b.Unknown) }},
		{"wrong", "--c4", r.Wrong, func(b bench.Bucket) float64 { return float64(b.Wrong) }},
	} {
		if l.n > 0 {
			c.Lines = append(c.Lines, line{l.name, l.colour, "", fmt.Sprintf("%s of %s", count(l.n), count(r.Sent)), column(r, l.of)})
		}
	}
	switch {
	case r.Sent == 0:
		c.Empty = "Nothing was sent."
	case len(c.Lines) == 0:
		c.Empty = fmt.Sprintf("None: all %s requests ended ok.", count(r.Sent))
	}
	return c
}

func serverChart(r *bench.Result) chart {
	c := chart{Kind: "rate", Title: "Replies a second by server", Note: "as the replies name them"}
	named := 0
	for i, s := range r.Servers {
		named += s.Replies
		replies := column(r, func(b bench.Bucket) float64 { return float64(b.Servers[s.Name]) / r.Series.Width })
		c.Lines = append(c.Lines, line{s.Name, fmt.Sprintf("--c%d", i%6+1), "", count(s.Replies), replies})
	}
	if named < r.Sent {
		nameless := column(r, func(b bench.Bucket) float64 {
			n := b.Sent
			for _, m := range b.Servers {
				n -= m
			}
			return float64(n) / r.Series.Width
		})
		c.Lines = append(c.Lines, line{"none", "--rest", "", count(r.Sent - named), nameless})
	}
	return c
}
