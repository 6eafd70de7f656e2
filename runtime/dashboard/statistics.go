package dashboard

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

func statisticsPage() page {
	return page{
		path: "/statistics", title: "Statistics", section: "Statistics", template: statisticsTemplate, show: showStatistics, stream: streamStatistics,
		calls: []string{"parley.stats.summary"},
	}
}

const statisticsTemplate = `
{{with .Page}}
<div class="head"><h1>Statistics</h1><a class="button" href="/compare?kind={{.Kind}}&amp;last={{.Last}}">Compare two periods</a></div>
<form class="bar-form" method="get" action="/statistics">
<div class="field"><label for="kind">Of</label><select id="kind" name="kind" data-submit>{{range .Kinds}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}</select></div>
<div class="field"><label for="last">In the last</label><select id="last" name="last" data-submit>{{range .Lasts}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}</select></div>
<div class="field"><label for="server">Counted by</label><input id="server" name="server" value="{{.Server}}" placeholder="all servers" autocomplete="off"></div>
<button>Show</button></form>
{{if .Report.Items}}
<div class="facts" data-live="/statistics/stream?{{.Query}}">
<div class="fact"><b data-value="usage">{{count .Report.AllUsage}}</b><span>requests</span></div>
<div class="fact{{if .Errors}} bad{{end}}"><b data-value="failed">{{percent .Errors .Report.AllUsage}}</b><span>failed</span></div>
<div class="fact"><b data-value="mean">{{ms .Mean}}</b><span>mean of all requests</span></div>
<div class="fact"><b data-value="names">{{count .Names}}</b><span>{{.Plural}} with traffic</span></div>
</div>
<div class="cols">
<figure class="plot" data-plot="usage" data-from="{{.Report.From.Unix}}" data-step="{{.Report.SlotSeconds}}" data-values="{{.UsageJSON}}" data-unit="requests"><h3>Requests, per {{.Slot}}</h3>{{.UsagePlot}}</figure>
<figure class="plot" data-plot="mean" data-from="{{.Report.From.Unix}}" data-step="{{.Report.SlotSeconds}}" data-values="{{.MeanJSON}}" data-unit="ms"><h3>Mean time, in ms</h3>{{.MeanPlot}}</figure>
</div>
{{template "ranked" .Slowest}}
{{template "ranked" .MostUsed}}
{{else}}<p class="empty"><b>No traffic in that time</b>Nothing was asked of any {{.Kind}}. Choose a longer time, or send a request.</p>{{end}}
{{end}}
{{define "ranked"}}<section><h2>{{.Title}}</h2>
<div class="table"><table class="dense">
<thead><tr><th>Name</th><th class="num">Requests</th><th class="num"><abbr title="of all requests">U %</abbr></th><th class="num"><abbr title="of the time that all requests took">T %</abbr></th><th class="num">A second</th><th class="num">Failed</th><th class="num">Mean</th><th class="num">p50</th><th class="num">p95</th><th class="num">p99</th><th class="num">Longest</th><th>Trend</th></tr></thead>
<tbody>{{range .Items}}<tr><th scope="row">{{if $.Of}}<a href="{{$.Of}}{{.Name}}">{{.Name}}</a>{{else}}{{.Name}}{{end}}</th><td class="num">{{count .Usage}}</td><td class="num">{{printf "%.1f" .UsageShare}}</td><td class="num">{{printf "%.1f" .TimeShare}}</td><td class="num">{{printf "%.2f" .Rate}}</td><td class="num">{{if .Errors}}<span class="state bad">{{count .Errors}}</span>{{else}}0{{end}}</td><td class="num">{{ms .MeanMS}}</td><td class="num">{{ms .P50MS}}</td><td class="num">{{ms .P95MS}}</td><td class="num">{{ms .P99MS}}</td><td class="num">{{ms .MaxMS}}</td><td>{{if $.ByMean}}{{trend "mean in ms" .MeanTrend}}{{else}}{{trend "requests" .UsageTrend}}{{end}}</td></tr>
{{end}}</tbody></table></div></section>{{end}}`

// statReport is what was counted in a time.
type statReport struct {
	From, To    time.Time
	AllUsage    int64
	AllTimeMS   float64
	AllMeanMS   float64
	SlotSeconds int64
	Items       []statLine
}

type ranking struct {
	Title  string
	Of     string // address of a thing's own page, up to its name; empty: it has none
	ByMean bool
	Items  []statLine
}

func statKinds() []option {
	return []option{{"service", "services", false}, {"channel", "channels", false}, {"outconn", "outgoing connections", false}, {"server", "servers", false}}
}

func lasts() []option {
	var out []option
	for _, one := range []string{"minute", "hour", "day", "week", "month", "year"} {
		out = append(out, option{one, one, false})
	}
	return out
}

// chosen marks the option of that value, or the usual one, and says which that is.
func chosen(options []option, value, usual string) ([]option, string) {
	if !slices.ContainsFunc(options, func(o option) bool { return o.Value == value }) {
		value = usual
	}
	for i := range options {
		options[i].Here = options[i].Value == value
	}
	return options, value
}

func reportOf(v *visit, kind, last string) (statReport, error) {
	in := map[string]any{"kind": kind, "last": last}
	if server := v.query("server"); server != "" {
		in["server"] = server
	}
	return ask[statReport](v, "parley.stats.summary", in)
}

// total sums a report's lines: of each slot how many requests there were and their mean, and of all how many failed.
func (r statReport) total() (usage []int64, mean []float64, errors int64, all float64) {
	for _, l := range r.Items {
		usage = append(usage, make([]int64, max(0, len(l.UsageTrend)-len(usage)))...)
		mean = append(mean, make([]float64, max(0, len(l.UsageTrend)-len(mean)))...)
		for i, n := range l.UsageTrend {
			usage[i] += n
			if i < len(l.MeanTrend) {
				mean[i] += l.MeanTrend[i] * float64(n)
			}
		}
		errors += l.Errors
		all += l.TimeMS
	}
	for i, n := range usage {
		if n > 0 {
			mean[i] /= float64(n)
		}
	}
	if r.AllUsage > 0 {
		all /= float64(r.AllUsage)
	}
	return usage, mean, errors, all
}

const topOf = 10

func showStatistics(v *visit) (any, error) {
	kinds, kind := chosen(statKinds(), v.query("kind"), "service")
	all, last := chosen(lasts(), v.query("last"), "hour")
	report, err := reportOf(v, kind, last)
	if err != nil {
		return nil, err
	}
	usage, mean, errors, meanOfAll := report.total()
	of := map[string]string{"service": "/service?name="}[kind]
	slowest := slices.Clone(report.Items)
	slices.SortStableFunc(slowest, func(a, b statLine) int { return cmp.Compare(b.MeanMS, a.MeanMS) })
	used := slices.Clone(report.Items)
	slices.SortStableFunc(used, func(a, b statLine) int { return cmp.Compare(b.Usage, a.Usage) })
	shown := strings.ToLower(kinds[slices.IndexFunc(kinds, func(o option) bool { return o.Here })].Text)
	return map[string]any{
		"Kind": kind, "Kinds": kinds, "Last": last, "Lasts": all, "Server": v.query("server"), "Report": report, "Errors": errors, "Mean": meanOfAll,
		"Names": int64(len(report.Items)), "Plural": shown, "Slot": slotName(report.SlotSeconds),
		"Query":     url.Values{"kind": {kind}, "last": {last}, "server": {v.query("server")}}.Encode(),
		"UsageJSON": asList(usage), "MeanJSON": asList(mean), "UsagePlot": bars("requests", usage), "MeanPlot": line("mean in ms", mean),
		"Slowest": ranking{"Slowest, by mean", of, true, slowest[:min(len(slowest), topOf)]}, "MostUsed": ranking{"Most used", of, false, used[:min(len(used), topOf)]},
	}, nil
}

func slotName(seconds int64) string {
	switch {
	case seconds == 60:
		return "minute"
	case seconds == 3600:
		return "hour"
	case seconds%86400 == 0 && seconds > 86400:
		return fmt.Sprintf("%d days", seconds/86400)
	default:
		return "day"
	}
}

func streamStatistics(v *visit) (any, error) {
	_, kind := chosen(statKinds(), v.query("kind"), "service")
	_, last := chosen(lasts(), v.query("last"), "hour")
	report, err := reportOf(v, kind, last)
	if err != nil {
		return nil, err
	}
	usage, mean, errors, all := report.total()
	return map[string]any{
		"values": map[string]any{
			"usage": count(report.AllUsage), "failed": percent(errors, report.AllUsage), "mean": milliseconds(all), "names": count(int64(len(report.Items))),
		},
		"plots": map[string]any{"usage": usage, "mean": mean}, "from": report.From.Unix(), "step": report.SlotSeconds,
	}, nil
}
