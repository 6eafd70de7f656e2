package dashboard

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"
)

// statPoint is a point of parley.stats.series.
type statPoint struct {
	At                          time.Time
	Usage, Errors               int64
	Rate                        float64
	MeanMS, P50MS, P95MS, P99MS float64
	MaxMS                       float64
}

type statSeries struct {
	From, To    time.Time
	SlotSeconds int64
	Points      []statPoint
}

// chart is what was counted over a time, drawn by the server. charts.js draws it anew, where there is JavaScript.
type chart struct {
	Columns string // JSON: see columns
	Plots   []plot
	Points  []statPoint
	From    time.Time
	To      time.Time
	Slot    string // how long a point is
}

type plot struct {
	Name, Title, Unit string
	Most              string // the value at the top edge
	Lines             []plotLine
	Said              string // what the eye sees
	SVG               template.HTML
}

type plotLine struct{ Title, Class string }

// columns are the points for charts.js: seconds since 1970, requests and failures per second, mean, p95 and p99 in ms; null where
// there was no request.
func (s statSeries) columns() [][]any {
	out := make([][]any, 6)
	for _, p := range s.Points {
		failed, seconds := 0.0, math.Max(1, float64(s.SlotSeconds))
		if p.Usage > 0 {
			failed = p.Rate * float64(p.Errors) / float64(p.Usage)
		} else if p.Errors > 0 {
			failed = float64(p.Errors) / seconds
		}
		row := []any{p.At.Unix(), p.Rate, math.Round(failed*1000) / 1000, nil, nil, nil}
		if p.Usage > 0 {
			row[3], row[4], row[5] = p.MeanMS, p.P95MS, p.P99MS
		}
		for i, value := range row {
			out[i] = append(out[i], value)
		}
	}
	return out
}

// chart draws the series.
func (s statSeries) chart() (chart, error) {
	c := chart{Points: s.Points, From: s.From, To: s.To, Slot: lengthOf(s.SlotSeconds)}
	columns := s.columns()
	text, err := json.Marshal(columns)
	if err != nil {
		return c, err
	}
	c.Columns = string(text)
	c.Plots = []plot{
		drawn("rate", "Requests a second", "", columns[1:3], plotLine{"all", "l1"}, plotLine{"failed", "l-bad"}),
		drawn("time", "How long they took", "ms", columns[3:6], plotLine{"mean", "l1"}, plotLine{"p95", "l2"}, plotLine{"p99", "l3"}),
	}
	return c, nil
}

// plotWide and plotHigh are in units of the picture, which is stretched to whatever room there is.
const plotWide, plotHigh = 600.0, 160.0

func drawn(name, title, unit string, columns [][]any, lines ...plotLine) plot {
	p := plot{Name: name, Title: title, Unit: unit, Lines: lines}
	most := 0.0
	for _, column := range columns {
		for _, value := range column {
			if f, ok := value.(float64); ok {
				most = math.Max(most, f)
			}
		}
	}
	top := nice(most)
	p.Most = strings.TrimSpace(amount(top) + " " + unit)
	var said []string
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg viewBox="0 0 %.0f %.0f" preserveAspectRatio="none" aria-hidden="true">`, plotWide, plotHigh)
	for i := 1; i < 4; i++ {
		y := plotHigh * float64(i) / 4
		fmt.Fprintf(&svg, `<path class="grid" d="M0 %.1fH%.0f"/>`, y, plotWide)
	}
	for i := range columns { // the first line is drawn last, over the others
		at := len(columns) - 1 - i
		if name == "rate" {
			at = i // failures over requests
		}
		d, area, high := traced(columns[at], top)
		if name == "rate" && at == 0 && area != "" {
			fmt.Fprintf(&svg, `<path class="area" d="%s"/>`, area)
		}
		if d != "" {
			fmt.Fprintf(&svg, `<path class="%s" d="%s"/>`, lines[at].Class, d)
		}
		said = append(said, fmt.Sprintf("%s up to %s", lines[at].Title, strings.TrimSpace(amount(high)+" "+unit)))
	}
	svg.WriteString(`</svg>`)
	p.Said = strings.Join(said, ", ")
	p.SVG = template.HTML(svg.String()) //nolint:gosec // numbers and words of this file
	return p
}

// traced is a column as the path of a line and of the area below it, and its highest value. A value alone among none is a dot.
func traced(column []any, top float64) (line, area string, high float64) {
	var b, below strings.Builder
	step := plotWide
	if len(column) > 1 {
		step = plotWide / float64(len(column)-1)
	}
	down := false
	for i, value := range column {
		f, ok := value.(float64)
		if !ok {
			down = false
			continue
		}
		high = math.Max(high, f)
		y := plotHigh
		if top > 0 {
			y -= f / top * (plotHigh - 2)
		}
		x := float64(i) * step
		if down {
			fmt.Fprintf(&b, "L%.1f %.1f", x, y)
		} else {
			fmt.Fprintf(&b, "M%.1f %.1fh.1", x, y)
		}
		if below.Len() == 0 {
			fmt.Fprintf(&below, "M%.1f %.0f", x, plotHigh)
		}
		fmt.Fprintf(&below, "L%.1f %.1f", x, y)
		down = true
	}
	if below.Len() > 0 {
		fmt.Fprintf(&below, "V%.0fZ", plotHigh)
	}
	return b.String(), below.String(), high
}

// amount is a number of three figures that mean something, and never one in powers of ten.
func amount(v float64) string {
	switch {
	case v >= 100 || v == 0:
		return count(int64(math.Round(v)))
	case v < 0.001:
		return "under 0.001"
	}
	return fmt.Sprint(rounded(v, 2-int(math.Floor(math.Log10(v)))))
}

func rounded(v float64, decimals int) float64 {
	by := math.Pow10(decimals)
	return math.Round(v*by) / by
}

// nice is the next number from v up that people read easily.
func nice(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 1.5, 2, 3, 4, 5, 6, 8, 10} {
		if v <= n*unit*(1+1e-9) {
			return n * unit
		}
	}
	return v
}

// lengthOf is a time in its largest whole unit.
func lengthOf(seconds int64) string {
	for _, one := range []struct {
		length    int64
		one, more string
	}{{7 * 86400, "a week", "weeks"}, {86400, "a day", "days"}, {3600, "an hour", "hours"}, {60, "a minute", "minutes"}} {
		if seconds == one.length {
			return one.one
		}
		if seconds > 0 && seconds%one.length == 0 {
			return fmt.Sprintf("%d %s", seconds/one.length, one.more)
		}
	}
	return fmt.Sprintf("%d seconds", seconds)
}

const chartTemplate = `
{{define "chart"}}<div class="plots" data-columns="{{.Columns}}">
{{range .Plots}}<figure class="plot" data-plot="{{.Name}}">
<figcaption><h3>{{.Title}}</h3><span class="legend">{{range .Lines}}<span class="{{.Class}}">{{.Title}}</span>{{end}}</span></figcaption>
<div class="drawing" role="img" aria-label="{{.Title}}: {{.Said}}"><span class="most">{{.Most}}</span>{{.SVG}}</div>
<p class="ends"><span>{{at $.From}}</span><span>{{at $.To}} UTC</span></p>
</figure>
{{end}}</div>
<details><summary>The figures behind it, {{.Slot}} each</summary><div class="table tall"><table>
<thead><tr><th>From (UTC)</th><th class="num">Requests</th><th class="num">Failed</th><th class="num">Mean</th><th class="num">p50</th><th class="num">p95</th><th class="num">p99</th><th class="num">Longest</th></tr></thead>
<tbody>{{range .Points}}{{if .Usage}}<tr><th scope="row" class="short">{{at .At}}</th><td class="num">{{count .Usage}}</td><td class="num">{{count .Errors}}</td><td class="num">{{ms .MeanMS}}</td><td class="num">{{ms .P50MS}}</td><td class="num">{{ms .P95MS}}</td><td class="num">{{ms .P99MS}}</td><td class="num">{{ms .MaxMS}}</td></tr>
{{end}}{{end}}</tbody></table></div></details>{{end}}
{{define "moving"}}<link rel="stylesheet" href="{{asset "uplot.css"}}"><script src="{{asset "uplot.js"}}" defer></script><script src="{{asset "charts.js"}}" defer></script>{{end}}`
