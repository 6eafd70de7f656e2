package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/markup"
)

// chart is one picture in two widths; style.css shows the one that suits the screen.
type chart struct {
	Title, Note  string
	Legend       []layer
	Wide, Narrow markup.Safe
}

// layer is one kind of thing in a chart.
type layer struct {
	Name, Class string
	value       func(bench.Bucket) float64 // a second
	seen        bool                       // a bar of it is never too low to be seen: one lost request among thousands counts
}

func charts(r *bench.Result) []chart {
	out := []chart{latencyChart(r), rateChart(r)}
	if r.Sent > r.OK {
		out = append(out, errorChart(r))
	}
	if len(r.Servers) > 0 {
		out = append(out, serverChart(r))
	}
	return out
}

// both draws a chart in its two widths.
func (c chart) both(r *bench.Result, draw func(*plot)) chart {
	wide, narrow := newPlot("wide", 1000, 240, r.Duration), newPlot("narrow", 400, 230, r.Duration)
	draw(wide)
	draw(narrow)
	c.Wide, c.Narrow = wide.svg(c.Title), narrow.svg(c.Title)
	return c
}

func latencyChart(r *bench.Result) chart {
	c := chart{
		Title: "Response time", Note: fmt.Sprintf("from when requests were due, each %g s", r.Series.Width),
		Legend: []layer{{Name: "p50", Class: "c1"}, {Name: "p99", Class: "c2"}},
	}
	low, high := math.Inf(1), 0.0
	for _, b := range r.Series.Buckets {
		if b.P50 > 0 {
			low = min(low, b.P50)
		}
		high = max(high, b.P99)
	}
	return c.both(r, func(p *plot) {
		var ticks []float64
		if high > 30*low { // a stall is hundreds of times the usual: both must be seen
			p.log, p.low, p.high = true, math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high*1.05)))
			if third := p.high / 10 * 3; high*1.05 < third {
				p.high = third
			}
			ticks = logTicks(p.low, p.high)
		} else {
			p.high = max(high*1.1, 0.001)
			ticks = niceTicks(p.high, 4)
		}
		p.axes(ticks, axisMS)
		p.marks(r.Events)
		p.line("c2", r.Series, func(b bench.Bucket) (float64, bool) { return b.P99, b.P99 > 0 })
		p.line("c1", r.Series, func(b bench.Bucket) (float64, bool) { return b.P50, b.P50 > 0 })
		p.hits(r.Series, func(b bench.Bucket) string {
			return fmt.Sprintf("%.2f s: p50 %s, p99 %s, max %s", b.From, bench.FormatMS(b.P50), bench.FormatMS(b.P99), bench.FormatMS(b.Max))
		})
	})
}

func axisMS(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 1:
		return fmt.Sprintf("%g µs", math.Round(v*1e6)/1e3)
	case v < 1000:
		return fmt.Sprintf("%g ms", math.Round(v*1000)/1000)
	default:
		return fmt.Sprintf("%g s", math.Round(v)/1000)
	}
}

func rateChart(r *bench.Result) chart {
	per := func(n int) float64 { return float64(n) / r.Series.Width }
	note := "by what the client was told; the dotted line is the rate asked for"
	if r.Users > 0 {
		note = "by what the client was told; a closed loop asks for no rate"
	}
	c := chart{Title: "Requests a second", Note: note, Legend: []layer{
		{"failed", "failed", func(b bench.Bucket) float64 { return per(b.Failed) }, true},
		{"unknown", "unknown", func(b bench.Bucket) float64 { return per(b.Unknown) }, true},
	}}
	if r.Wrong > 0 {
		c.Legend = append(c.Legend, layer{"wrong", "wrong", func(b bench.Bucket) float64 { return per(b.Wrong) }, true})
	}
	c.Legend = append(c.Legend, layer{"ok", "ok", func(b bench.Bucket) float64 { return per(b.OK) }, false})
	return c.both(r, func(p *plot) {
		drawStack(p, r, c.Legend)
		p.asked(r)
		p.hits(r.Series, func(b bench.Bucket) string {
			return fmt.Sprintf("%.2f s: %d sent of %g asked for, %d ok, %d failed, %d unknown, %d wrong", b.From, b.Sent, b.Asked, b.OK, b.Failed, b.Unknown, b.Wrong)
		})
	})
}

// errorChart is how many of a hundred requests went wrong: a few of thousands are not to be seen among the rest.
func errorChart(r *bench.Result) chart {
	c := chart{Title: "Errors", Note: "failed, unknown or wrong, in percent of the requests of that time", Legend: []layer{{Name: "errors", Class: "failed"}}}
	high := 0.0
	for _, b := range r.Series.Buckets {
		high = max(high, 100*b.ErrorRate())
	}
	return c.both(r, func(p *plot) {
		p.bottom = p.height - 24
		p.high = max(high*1.1, 0.01)
		p.axes(niceTicks(p.high, 3), func(v float64) string { return fmt.Sprintf("%g %%", v) })
		p.bars(r.Series, []layer{{Class: "failed", value: func(b bench.Bucket) float64 { return 100 * b.ErrorRate() }, seen: true}})
		p.marks(r.Events)
		p.hits(r.Series, func(b bench.Bucket) string {
			return fmt.Sprintf("%.2f s: %d of %d, %.3g %%", b.From, b.Sent-b.OK, b.Sent, 100*b.ErrorRate())
		})
	})
}

func serverChart(r *bench.Result) chart {
	c := chart{Title: "Replies a second by server", Note: "as the replies name them"}
	for i, s := range r.Servers {
		name := s.Name
		c.Legend = append(c.Legend, layer{name, fmt.Sprintf("c%d", i%6+1), func(b bench.Bucket) float64 {
			return float64(b.Servers[name]) / r.Series.Width
		}, false})
	}
	nameless := func(b bench.Bucket) int {
		n := b.Sent
		for _, m := range b.Servers {
			n -= m
		}
		return n
	}
	for _, b := range r.Series.Buckets {
		if nameless(b) > 0 {
			c.Legend = append(c.Legend, layer{"none", "rest", func(b bench.Bucket) float64 { return float64(nameless(b)) / r.Series.Width }, false})
			break
		}
	}
	return c.both(r, func(p *plot) {
		drawStack(p, r, c.Legend)
		p.hits(r.Series, func(b bench.Bucket) string {
			parts := []string{}
			for _, s := range r.Servers {
				parts = append(parts, fmt.Sprintf("%s %d", s.Name, b.Servers[s.Name]))
			}
			return fmt.Sprintf("%.2f s: %s, none %d", b.From, strings.Join(parts, ", "), nameless(b))
		})
	})
}

func drawStack(p *plot, r *bench.Result, layers []layer) {
	p.high = r.Rate
	for _, b := range r.Series.Buckets {
		sum := 0.0
		p.high = max(p.high, b.Asked/r.Series.Width)
		for _, l := range layers {
			sum += l.value(b)
		}
		p.high = max(p.high, sum)
	}
	p.high *= 1.08
	p.axes(niceTicks(p.high, 4), func(v float64) string { return fmt.Sprintf("%g", v) })
	p.bars(r.Series, layers)
	p.marks(r.Events)
}
