package report

import (
	"fmt"
	"html"
	"math"
	"strings"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/markup"
)

// plot draws one chart over time into an SVG of fixed size; the page scales it.
type plot struct {
	b             strings.Builder
	class         string
	width, height float64
	left, top     float64
	right, bottom float64 // of the drawing area
	seconds       float64 // the x axis runs from 0 to here
	low, high     float64 // the y axis
	log           bool
}

func newPlot(class string, width, height, seconds float64) *plot {
	return &plot{class: class, width: width, height: height, left: 58, top: 24, right: width - 8, bottom: height - 24, seconds: seconds}
}

func (p *plot) x(seconds float64) float64 {
	return p.left + (p.right-p.left)*min(max(seconds/p.seconds, 0), 1)
}

func (p *plot) y(v float64) float64 {
	at := (v - p.low) / (p.high - p.low)
	if p.log {
		at = math.Log(max(v, p.low)/p.low) / math.Log(p.high/p.low)
	}
	return p.bottom - (p.bottom-p.top)*min(max(at, 0), 1)
}

func (p *plot) printf(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

// svg is the finished picture, with title as its text alternative.
func (p *plot) svg(title string) markup.Safe {
	return markup.Safe(fmt.Sprintf(`<svg class="%s" viewBox="0 0 %g %g" role="img" aria-label="%s">%s</svg>`,
		p.class, p.width, p.height, html.EscapeString(title), p.b.String()))
}

// axes draws the grid and its labels.
func (p *plot) axes(ticks []float64, label func(float64) string) {
	for _, v := range ticks {
		y := p.y(v)
		p.printf(`<line class="grid" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, p.left, p.right, y, y)
		p.printf(`<text x="%.1f" y="%.1f" text-anchor="end">%s</text>`, p.left-8, y+4, html.EscapeString(label(v)))
	}
	p.printf(`<line class="axis" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, p.left, p.right, p.bottom, p.bottom)
	for _, s := range niceTicks(p.seconds, int(p.width/90)) {
		anchor := "middle"
		if p.x(s) > p.right-14 {
			anchor = "end"
		}
		p.printf(`<text x="%.1f" y="%.1f" text-anchor="%s">%g s</text>`, p.x(s), p.height-6, anchor, s)
	}
}

// marks draws the events: a line where each began, a shade as long as it took, and its number.
func (p *plot) marks(events []bench.EventResult) {
	last := math.Inf(-1)
	for i, e := range events {
		x, end := p.x(e.At), p.x(e.At+e.Took/1000)
		if e.Skipped != "" {
			continue
		}
		p.printf(`<g><title>%s at %.3f s, took %s</title>`, html.EscapeString(e.Label), e.At, bench.FormatMS(e.Took))
		if end-x > 1 {
			p.printf(`<rect class="took" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, x, p.top, end-x, p.bottom-p.top)
		}
		pin := max(x, last+18) // numbers of events close together stand beside one another
		last = pin
		p.printf(`<line class="event" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, x, x, p.top-4, p.bottom)
		p.printf(`<circle class="pin" cx="%.1f" cy="%.1f" r="8.5"/><text class="pin" x="%.1f" y="%.1f">%d</text></g>`, pin, p.top-12, pin, p.top-8, i+1)
	}
}

// line draws values in the middle of their buckets; a bucket where there is false breaks it.
func (p *plot) line(class string, series bench.Series, value func(bench.Bucket) (float64, bool)) {
	var path strings.Builder
	pen := "M"
	for _, b := range series.Buckets {
		v, there := value(b)
		if !there {
			pen = "M"
			continue
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", pen, p.x(b.From+series.Width/2), p.y(v))
		pen = "L"
	}
	p.printf(`<path class="line %s" d="%s"/>`, class, path.String())
}

// asked draws the rate asked for, in steps; results of before it was kept have one for the whole run.
func (p *plot) asked(r *bench.Result) {
	if r.Users > 0 {
		return
	}
	asked := false
	for _, b := range r.Series.Buckets {
		asked = asked || b.Asked > 0
	}
	if !asked || len(r.Parts) == 0 { // it is the same all the time
		y := p.y(r.Rate)
		p.printf(`<line class="asked" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, p.left, p.right, y, y)
		return
	}
	var path strings.Builder
	for i, b := range r.Series.Buckets {
		pen := map[bool]string{true: "M", false: "L"}[i == 0]
		fmt.Fprintf(&path, "%s%.1f %.1f", pen, p.x(b.From+r.Series.Width/2), p.y(b.Asked/r.Series.Width))
	}
	p.printf(`<path class="asked" fill="none" d="%s"/>`, path.String())
}

// bars stacks the layers' values, bucket by bucket, from the axis up: one path a layer.
func (p *plot) bars(series bench.Series, layers []layer) {
	paths := make([]strings.Builder, len(layers))
	for _, b := range series.Buckets {
		base := p.bottom
		left, right := p.x(b.From), p.x(b.From+series.Width)+0.3 // no seam between them
		for i, l := range layers {
			v := l.value(b)
			if v <= 0 {
				continue
			}
			height := p.bottom - p.y(v)
			if l.seen {
				height = max(height, 3)
			}
			top := max(base-height, p.top)
			fmt.Fprintf(&paths[i], "M%.1f %.1fH%.1fV%.1fH%.1fZ", left, base, right, top, left)
			base = top
		}
	}
	for i, l := range layers {
		p.printf(`<path class="bar %s" shape-rendering="crispEdges" d="%s"/>`, l.Class, paths[i].String())
	}
}

// hits lays over each bucket a field that shows its figures when pointed at.
func (p *plot) hits(series bench.Series, text func(bench.Bucket) string) {
	for _, b := range series.Buckets {
		x := p.x(b.From)
		p.printf(`<rect class="hit" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s</title></rect>`,
			x, p.top, p.x(b.From+series.Width)-x, p.bottom-p.top, html.EscapeString(text(b)))
	}
}

// niceTicks are round numbers from 0 to high, about n of them.
func niceTicks(high float64, n int) []float64 {
	if high <= 0 || n < 1 {
		return []float64{0}
	}
	raw := high / float64(n)
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if step*m >= raw {
			step *= m
			break
		}
	}
	var out []float64
	for i := 0; float64(i)*step <= high*1.0001; i++ {
		out = append(out, math.Round(float64(i)*step*1e6)/1e6)
	}
	return out
}

// logTicks are the powers of ten from low to high, with 3 times each where they are few.
func logTicks(low, high float64) []float64 {
	var out []float64
	few := math.Log10(high/low) <= 3
	for v := low; v <= high*1.0001; v *= 10 {
		out = append(out, v)
		if few && v*3 <= high {
			out = append(out, v*3)
		}
	}
	return out
}
