package dashboard

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

func comparePage() page {
	return page{
		path: "/compare", title: "Compare", section: "Statistics", template: compareTemplate, show: showCompare,
		calls: []string{"parley.stats.compare"},
	}
}

const compareTemplate = `
{{with .Page}}
<div class="head"><div><p class="crumbs"><a href="/statistics">Statistics</a></p><h1>Compare two periods</h1></div></div>
<form class="fields" method="get" action="/compare">
<div class="bar-form">
<div class="field"><label for="kind">Of</label><select id="kind" name="kind">{{range .Kinds}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}</select></div>
<div class="field"><label for="last">The last, with the one before</label><select id="last" name="last">{{range .Lasts}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}</select></div>
<button class="primary">Compare</button></div>
<details{{if .Times.from}} open{{end}}><summary>Or two times of your own (UTC)</summary><div class="bar-form">
{{range .Inputs}}<div class="field"><label for="{{.Name}}">{{.Label}}</label><input id="{{.Name}}" name="{{.Name}}" type="datetime-local" value="{{.Value}}"></div>{{end}}
</div></details>
</form>
{{with .Out}}
<p class="dim">{{at .From}} to {{at .To}}, against {{at .OtherFrom}} to {{at .OtherTo}} (UTC).</p>
{{if .Items}}<div class="table"><table>
<thead><tr><th>Name</th><th class="num">Requests</th><th class="num">Before</th><th class="num">Change</th><th class="num">Mean</th><th class="num">Before</th><th class="num">Change</th><th class="num">p95</th><th class="num">Before</th><th class="num">Failed</th><th class="num">Before</th></tr></thead>
<tbody>{{range .Items}}<tr><th scope="row">{{.Name}}</th><td class="num">{{count .Usage}}</td><td class="num dim">{{count .OtherUsage}}</td><td class="num">{{change .UsageChange false}}</td><td class="num">{{if .Usage}}{{ms .MeanMS}}{{else}}–{{end}}</td><td class="num dim">{{if .OtherUsage}}{{ms .OtherMeanMS}}{{else}}–{{end}}</td><td class="num">{{change .MeanChange true}}</td><td class="num">{{if .Usage}}{{ms .P95MS}}{{else}}–{{end}}</td><td class="num dim">{{if .OtherUsage}}{{ms .OtherP95MS}}{{else}}–{{end}}</td><td class="num">{{count .Errors}}</td><td class="num dim">{{count .OtherErrors}}</td></tr>
{{end}}</tbody></table></div>
{{else}}<p class="empty"><b>No traffic in either</b>Choose longer times.</p>{{end}}
{{end}}
{{end}}`

type comparedPair struct {
	Name                string
	Usage, OtherUsage   int64
	UsageChange         *float64
	Errors, OtherErrors int64
	MeanMS, OtherMeanMS float64
	MeanChange          *float64
	P95MS, OtherP95MS   float64
}

type compared struct {
	From, To, OtherFrom, OtherTo time.Time
	Items                        []comparedPair
}

func showCompare(v *visit) (any, error) {
	kinds, kind := chosen(statKinds(), v.query("kind"), "service")
	all, last := chosen(lasts(), v.query("last"), "hour")
	in, times := map[string]any{"kind": kind}, map[string]string{}
	inputs := []input{{Name: "from", Label: "From"}, {Name: "to", Label: "To"}, {Name: "other_from", Label: "Against, from"}, {Name: "other_to", Label: "To"}}
	for i := range inputs {
		one := &inputs[i]
		if one.Value = v.query(one.Name); one.Value == "" {
			continue
		}
		at, err := time.Parse("2006-01-02T15:04", one.Value)
		if err != nil {
			return nil, service.Errorf(service.Invalid, "%s: expected a time such as 2026-11-21T17:05, not %q", one.Name, one.Value)
		}
		in[one.Name], times[one.Name] = at.Format(time.RFC3339), one.Value
	}
	if in["from"] == nil {
		in["last"] = last
	}
	out, err := ask[compared](v, "parley.stats.compare", in)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(out.Items, func(a, b comparedPair) int { return cmp.Compare(b.Usage+b.OtherUsage, a.Usage+a.OtherUsage) })
	return map[string]any{"Kinds": kinds, "Lasts": all, "Inputs": inputs, "Times": times, "Out": out}, nil
}

// changed is a change in percent, and whether that is worth a colour: a time that grew by a tenth is.
func changed(percent *float64, isTime bool) (text, class string) {
	if percent == nil {
		return "–", "dim"
	}
	sign := "+"
	if *percent < 0 {
		sign = "−"
	}
	switch {
	case isTime && *percent >= 10:
		class = "state bad"
	case isTime && *percent <= -10:
		class = "state good"
	}
	return sign + figure(math.Abs(*percent)) + " %", class
}
