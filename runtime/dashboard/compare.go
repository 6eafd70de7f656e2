package dashboard

import (
	"cmp"
	"math"
	"net/url"
	"slices"
	"time"
)

func comparePage() page {
	return page{
		path: "/statistics/compare", title: "Two times, side by side", section: "Statistics", template: compareTemplate, show: showCompare, file: downloadCompared,
		calls: []string{"parley.stats.compare", "parley.stats.series", "parley.cluster.members"},
	}
}

const compareTemplate = `
{{with .Page}}
<div class="head"><h1>Two times, side by side</h1><div class="row"><a class="button small" href="{{.Files.CSV}}" download>CSV</a><a class="button small" href="{{.Files.JSON}}" download>JSON</a></div></div>
{{template "views" .Views}}
<div class="filters"><nav aria-label="Of what">{{template "segments" .Period.Kinds}}</nav><nav aria-label="Time">{{template "segments" .Period.Times}}</nav>
<details class="custom"{{if .Period.Wide}} open{{end}}><summary>Two other times</summary>
<form class="bar-form" method="get" action="/statistics/compare"><input type="hidden" name="kind" value="{{.Period.Kind}}">
<div class="field"><label for="from">From (UTC)</label><input id="from" name="from" type="datetime-local" value="{{.Period.From}}"></div>
<div class="field"><label for="to">To (UTC), or now</label><input id="to" name="to" type="datetime-local" value="{{.Period.To}}"></div>
<div class="field"><label for="other_from">Against, from (UTC)</label><input id="other_from" name="other_from" type="datetime-local" value="{{.OtherFrom}}"></div>
<div class="field"><label for="other_to">to (UTC)</label><input id="other_to" name="other_to" type="datetime-local" value="{{.OtherTo}}"></div>
{{if .Period.Servers}}<div class="field"><label for="server">Server</label><select id="server" name="server">{{range .Period.Servers}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}</select></div>{{end}}
<button>Compare</button></form></details></div>
<div class="cols">{{range .Sides}}
<section><h2>{{.Title}}</h2><p class="dim">{{at .From}} to {{at .To}} UTC</p>
<div class="facts"><div class="fact"><b>{{count .Usage}}</b><span>requests</span></div><div class="fact{{if .Errors}} bad{{end}}"><b>{{percent .Errors .Usage}}</b><span>failed</span></div><div class="fact"><b>{{if .Usage}}{{ms .MeanMS}}{{else}}–{{end}}</b><span>mean</span></div></div>
{{if .Usage}}{{template "chart" .Chart}}{{else}}<p class="empty"><b>Nothing was counted</b>No request in that time.</p>{{end}}</section>
{{end}}</div>
{{if .Items}}
<section><div class="head"><h2>One by one</h2>
<form class="row" method="get" action="/statistics/compare">{{range .Keep}}<input type="hidden" name="{{.Value}}" value="{{.Text}}">{{end}}<label for="sort" class="dim">Sorted by</label> <select id="sort" name="sort" class="auto" data-submit>{{range .Sorts}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}</select><noscript><button class="small">Sort</button></noscript></form></div>
<div class="table"><table class="pairs">
<thead><tr><th rowspan="2">Name</th><th colspan="3" scope="colgroup">Requests</th><th colspan="3" scope="colgroup">Mean</th><th colspan="2" scope="colgroup">p95</th><th colspan="2" scope="colgroup">Failed</th></tr>
<tr><th class="num first">now</th><th class="num">then</th><th class="num">change</th><th class="num first">now</th><th class="num">then</th><th class="num">change</th><th class="num first">now</th><th class="num">then</th><th class="num first">now</th><th class="num">then</th></tr></thead>
<tbody>{{range .Items}}<tr><th scope="row"><a href="{{$.Page.Period.Of .Name}}">{{.Name}}</a></th>
<td class="num first">{{count .Usage}}</td><td class="num dim">{{count .OtherUsage}}</td><td class="num">{{change .UsageChange}}</td>
<td class="num first">{{if .Usage}}{{ms .MeanMS}}{{else}}–{{end}}</td><td class="num dim">{{if .OtherUsage}}{{ms .OtherMeanMS}}{{else}}–{{end}}</td><td class="num{{if .Slower}} bad{{else if .Faster}} good{{end}}">{{change .MeanChange}}</td>
<td class="num first">{{if .Usage}}{{ms .P95MS}}{{else}}–{{end}}</td><td class="num dim">{{if .OtherUsage}}{{ms .OtherP95MS}}{{else}}–{{end}}</td>
<td class="num first{{if gt .Errors .OtherErrors}} bad{{end}}">{{count .Errors}}</td><td class="num dim">{{count .OtherErrors}}</td></tr>
{{end}}</tbody></table></div>{{template "pager" .Pager}}</section>
{{end}}
{{template "moving"}}
{{end}}` + periodTemplate + chartTemplate

// comparedPair is one thing in both times.
type comparedPair struct {
	Name                    string
	Usage, OtherUsage       int64
	UsageChange, MeanChange *float64 // percent; nil: there was nothing
	Errors, OtherErrors     int64
	MeanMS, OtherMeanMS     float64
	P95MS                   float64
	OtherP95MS              float64
}

// muchSlower is the change of a mean, in percent, that is worth a colour.
const muchSlower = 20

// Slower is for the template.
func (p comparedPair) Slower() bool { return p.MeanChange != nil && *p.MeanChange >= muchSlower }

// Faster is for the template.
func (p comparedPair) Faster() bool { return p.MeanChange != nil && *p.MeanChange <= -muchSlower }

type compared struct {
	From, To, OtherFrom, OtherTo time.Time
	Items                        []comparedPair
}

// comparedSide is one of the two times.
type comparedSide struct {
	Title         string
	From, To      time.Time
	Usage, Errors int64
	MeanMS        float64
	Chart         chart
}

type compareData struct {
	Views              []navItem
	Period             period
	OtherFrom, OtherTo string
	Files              fileLinks
	Sides              []comparedSide
	Items              []comparedPair
	Sorts, Keep        []option
	Pager              pager
}

// others adds the other time, where one was asked for.
func others(v *visit, in map[string]any) (from, to string) {
	from, to = v.query("other_from"), v.query("other_to")
	if from == "" && to == "" {
		return from, to
	}
	for name, text := range map[string]string{"other_from": from, "other_to": to} {
		at, err := momentOf(name, text)
		if err != nil {
			v.fault = err
			return from, to
		}
		in[name] = at.Format(time.RFC3339)
	}
	return from, to
}

func showCompare(v *visit) (any, error) {
	p := periodOf(v)
	p.Name = ""
	d := compareData{Views: p.Views(v)}
	in := p.in(nil)
	d.OtherFrom, d.OtherTo = others(v, in)
	if v.fault != nil {
		delete(in, "other_from")
		delete(in, "other_to")
	}
	p.Servers = serversOf(v, p.Server)
	d.Period = p
	both, err := ask[compared](v, "parley.stats.compare", in)
	if err != nil {
		return nil, err
	}
	d.Files = fileLinks{
		p.with(p.Path+"/download", "format", "csv", "other_from", d.OtherFrom, "other_to", d.OtherTo),
		p.with(p.Path+"/download", "format", "json", "other_from", d.OtherFrom, "other_to", d.OtherTo),
	}
	d.Sides = []comparedSide{{Title: "Now", From: both.From, To: both.To}, {Title: "Then", From: both.OtherFrom, To: both.OtherTo}}
	var took [2]float64
	for _, one := range both.Items {
		d.Sides[0].Usage, d.Sides[1].Usage = d.Sides[0].Usage+one.Usage, d.Sides[1].Usage+one.OtherUsage
		d.Sides[0].Errors, d.Sides[1].Errors = d.Sides[0].Errors+one.Errors, d.Sides[1].Errors+one.OtherErrors
		took[0], took[1] = took[0]+one.MeanMS*float64(one.Usage), took[1]+one.OtherMeanMS*float64(one.OtherUsage)
	}
	drawnSide := func(i int) func() error {
		return func() error {
			side := &d.Sides[i]
			if side.Usage == 0 {
				return nil
			}
			side.MeanMS = took[i] / float64(side.Usage)
			s, err := ask[statSeries](v, "parley.stats.series", map[string]any{
				"kind": p.Kind, "server": p.Server, "points": 60, "live": true, "from": side.From.Format(time.RFC3339), "to": side.To.Format(time.RFC3339),
			})
			if err != nil {
				return err
			}
			side.Chart, err = s.chart()
			return err
		}
	}
	if err := atOnce(drawnSide(0), drawnSide(1)); err != nil {
		return nil, err
	}
	with := url.Values{"kind": {p.Kind}, "last": {p.Last}, "from": {p.From}, "to": {p.To}, "server": {p.Server}, "other_from": {d.OtherFrom}, "other_to": {d.OtherTo}}
	for name := range with {
		if with.Get(name) == "" {
			delete(with, name)
		} else {
			d.Keep = append(d.Keep, option{Value: name, Text: with.Get(name)})
		}
	}
	slices.SortFunc(d.Keep, func(a, b option) int { return cmp.Compare(a.Value, b.Value) })
	d.sort(v.query("sort"), both.Items, with)
	from, to, pages := paged(v, len(both.Items), perPage, with)
	d.Items, d.Pager = both.Items[from:to], pages
	return d, nil
}

// sort orders the lines.
func (d *compareData) sort(by string, items []comparedPair, with url.Values) {
	d.Sorts = []option{{"usage", "requests", false}, {"slower", "how much slower", false}, {"more", "how many more", false}, {"errors", "failed requests", false}, {"name", "name", false}}
	if !slices.ContainsFunc(d.Sorts, func(o option) bool { return o.Value == by }) {
		by = "usage"
	}
	with.Set("sort", by)
	of := func(change *float64) float64 {
		if change == nil {
			return math.Inf(-1)
		}
		return *change
	}
	slices.SortStableFunc(items, func(a, b comparedPair) int {
		switch by {
		case "slower":
			return cmp.Compare(of(b.MeanChange), of(a.MeanChange))
		case "more":
			return cmp.Compare(of(b.UsageChange), of(a.UsageChange))
		case "errors":
			return cmp.Compare(b.Errors, a.Errors)
		case "name":
			return cmp.Compare(a.Name, b.Name)
		}
		return cmp.Compare(b.Usage+b.OtherUsage, a.Usage+a.OtherUsage)
	})
	for i := range d.Sorts {
		d.Sorts[i].Here = d.Sorts[i].Value == by
	}
}
