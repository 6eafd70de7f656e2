package dashboard

import (
	"net/url"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

func statisticsOnePage() page {
	return page{
		path: "/statistics/one", title: "Statistics of one", section: "Statistics", template: statisticsOneTemplate, show: showStatisticsOne, stream: streamStatistics,
		file:  downloadSeries,
		calls: []string{"parley.stats.summary", "parley.stats.series", "parley.stats.slow-requests", "parley.stats.samples", "parley.cluster.members"},
	}
}

const statisticsOneTemplate = `
{{with .Page}}
<div class="head"><div><p class="crumbs"><a href="{{.Back}}">Statistics</a> / {{.Period.Kind}}</p><h1>{{.Period.Name}}</h1></div>
<div class="row">{{with .Thing}}<a class="button small" href="{{.}}">Its page</a>{{end}}<a class="button small" href="{{.Files.CSV}}" download>CSV</a><a class="button small" href="{{.Files.JSON}}" download>JSON</a></div></div>
<div class="filters">{{template "times" .Period}}</div>
<div class="stack loose"{{if .Live}} data-live="{{.Live}}"{{end}}>
<div class="facts">
<div class="fact"><b data-value="usage">{{count .Line.Usage}}</b><span>requests, {{.Period.Said}}</span></div>
<div class="fact{{if .Line.Errors}} bad{{end}}"><b data-value="failed">{{.Facts.failed}}</b><span>failed</span></div>
<div class="fact"><b data-value="mean">{{.Facts.mean}}</b><span>mean, of {{ms .All.AllMeanMS}} over all</span></div>
{{if .Line.Usage}}<div class="fact"><b>{{ms .Line.P50MS}}</b><span>p50</span></div>
<div class="fact"><b>{{ms .Line.P95MS}}</b><span>p95</span></div>
<div class="fact"><b>{{ms .Line.P99MS}}</b><span>p99</span></div>
<div class="fact"><b>{{ms .Line.MinMS}}</b><span>shortest</span></div>
<div class="fact"><b>{{ms .Line.MaxMS}}</b><span>longest</span></div>
<div class="fact"><b>{{share .Line.UsageShare}} %</b><span>of all requests (U&nbsp;%)</span></div>
<div class="fact"><b>{{share .Line.TimeShare}} %</b><span>of the time of all (T&nbsp;%)</span></div>{{end}}
</div>
{{if .Line.Usage}}{{template "chart" .Chart}}
{{else}}<p class="empty"><b>Nothing was counted</b>No request in {{.Period.Said}}{{with .Period.Server}} on {{.}}{{end}}. {{if ne .Period.Last "year"}}<a href="{{.Year}}">Look at the last year</a>{{end}}</p>{{end}}
</div>
{{if .Kept}}
<section><h2>Slow requests</h2>{{if .Slow}}{{template "kept" .Slow}}{{else}}<p class="empty"><b>None was kept</b>From when on a request counts as slow is set under <a href="{{.Requests}}">single requests</a>.</p>{{end}}</section>
{{if .Samples}}<section><h2>Samples</h2>{{template "kept" .Samples}}</section>{{end}}
{{end}}
{{template "moving"}}
{{end}}` + keptTemplate + periodTemplate + chartTemplate

type statisticsOneData struct {
	Period        period
	Back, Thing   string
	Files         fileLinks
	All           statsReport
	Line          statLine
	Facts         map[string]string
	Chart         chart
	Live, Year    string
	Kept          bool // the user may see single requests, and there may be some
	Slow, Samples []keptRequest
	Requests      string
}

func showStatisticsOne(v *visit) (any, error) {
	p := periodOf(v)
	v.title = p.Name + ", statistics"
	if p.Name == "" {
		return nil, service.Errorf(service.Invalid, "name: expected whose statistics are meant")
	}
	d := statisticsOneData{
		Back: p.with("/statistics", "name", ""), Files: p.files(), Year: p.with(p.Path, "last", "year"), Kept: p.Kind == "service" && v.may("parley.stats.slow-requests"),
		Requests: "/statistics/requests?service=" + url.QueryEscape(p.Name),
	}
	if p.Kind == "service" {
		d.Thing = "/service?name=" + url.QueryEscape(p.Name)
	}
	var series statSeries
	var servers []option
	kept := func(to *[]keptRequest, name string) func() error {
		return func() (err error) {
			if !d.Kept || !v.may(name) {
				return nil
			}
			in := map[string]any{"service": p.Name, "n": shownRanks}
			p.timeIn(in)
			*to, err = ask[[]keptRequest](v, name, in)
			return err
		}
	}
	err := atOnce(
		func() (err error) {
			d.All, err = ask[statsReport](v, "parley.stats.summary", p.in(map[string]any{"name": p.Name}))
			return err
		},
		func() (err error) {
			series, err = seriesOf(v, p, false)
			return err
		},
		kept(&d.Slow, "parley.stats.slow-requests"), kept(&d.Samples, "parley.stats.samples"),
		func() error {
			servers = serversOf(v, p.Server)
			return nil
		},
	)
	if err != nil {
		return nil, err
	}
	p.Servers = servers
	d.Period = p
	if len(d.All.Items) > 0 {
		d.Line = d.All.Items[0]
	}
	d.Facts = facts(d.Line.Usage, percent(d.Line.Errors, d.Line.Usage), d.Line.MeanMS, d.Line.TimeMS, time.Hour)
	if d.Chart, err = series.chart(); err != nil {
		return nil, err
	}
	if p.Moves() {
		d.Live = p.with(p.Path + "/stream")
	}
	return d, nil
}
