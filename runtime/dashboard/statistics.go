package dashboard

import (
	"sync"
	"time"
)

func statisticsPages() []page {
	return []page{statisticsPage(), statisticsOnePage(), comparePage(), requestsPage()}
}

func statisticsPage() page {
	return page{
		path: "/statistics", title: "Statistics", section: "Statistics", template: statisticsTemplate, show: showStatistics, stream: streamStatistics,
		file:  downloadStatistics,
		calls: []string{"parley.stats.summary", "parley.stats.slowest", "parley.stats.most-used", "parley.stats.series", "parley.cluster.members"},
	}
}

const statisticsTemplate = `
{{with .Page}}
<div class="head"><h1>Statistics</h1><div class="row"><a class="button small" href="{{.Files.CSV}}" download>CSV</a><a class="button small" href="{{.Files.JSON}}" download>JSON</a></div></div>
{{template "views" .Views}}
<div class="filters"><nav aria-label="Of what">{{template "segments" .Period.Kinds}}</nav>{{template "times" .Period}}</div>
<div class="stack loose"{{if .Live}} data-live="{{.Live}}"{{end}}>
<div class="facts">
<div class="fact"><b data-value="usage">{{count .All.AllUsage}}</b><span>requests (<abbr title="total usage">TU</abbr>), {{.Period.Said}}</span></div>
<div class="fact"><b data-value="rate">{{.Facts.rate}}</b><span>on average</span></div>
<div class="fact{{if .Failed}} bad{{end}}"><b data-value="failed">{{.Facts.failed}}</b><span>failed</span></div>
<div class="fact"><b data-value="mean">{{.Facts.mean}}</b><span>mean over all (<abbr title="mean over all requests">AM</abbr>)</span></div>
<div class="fact"><b data-value="time">{{.Facts.time}}</b><span>all of them took together</span></div>
</div>
{{if .All.AllUsage}}{{template "chart" .Chart}}
<div class="cols wide">
<section><h2>Slowest</h2>{{template "ranks" .Slowest}}</section>
<section><h2>Most used</h2>{{template "ranks" .Used}}</section>
</div>
<p class="hint"><b>U %</b> is the share of all requests, <b>T %</b> the share of the time that all took; a line is the trend over {{.Period.Said}}.</p>
{{else}}<p class="empty"><b>Nothing was counted</b>No request in {{.Period.Said}}{{with .Period.Server}} on {{.}}{{end}}. {{if ne .Period.Last "year"}}<a href="{{.Year}}">Look at the last year</a>{{end}}</p>{{end}}
</div>
{{template "moving"}}
{{end}}
{{define "ranks"}}<div class="table"><table>
<thead><tr><th>Name</th><th class="num">Mean</th><th class="num">p95</th>{{if .ByMean}}<th class="num">Longest</th>{{else}}<th class="num">Rate</th>{{end}}<th class="num">Requests</th><th class="num"><abbr title="share of all requests">U %</abbr></th><th class="num"><abbr title="share of the time of all">T %</abbr></th><th>Trend</th></tr></thead>
<tbody>{{range .Lines}}<tr><th scope="row"><a href="{{$.Period.Of .Name}}">{{.Name}}</a>{{if .Errors}}<br><small class="bad">{{count .Errors}} failed</small>{{end}}</th>
<td class="num">{{ms .MeanMS}}</td><td class="num">{{ms .P95MS}}</td><td class="num">{{if $.ByMean}}{{ms .MaxMS}}{{else}}{{$.Rate .}}{{end}}</td><td class="num">{{count .Usage}}</td><td class="num">{{share .UsageShare}}</td><td class="num">{{share .TimeShare}}</td><td>{{if $.ByMean}}{{trend "mean ms" .MeanTrend}}{{else}}{{trend "requests" .UsageTrend}}{{end}}</td></tr>
{{end}}</tbody></table></div>{{end}}` + periodTemplate + chartTemplate

// statsReport is what parley.stats.slowest, most-used and summary give.
type statsReport struct {
	From, To             time.Time
	AllUsage             int64
	AllTimeMS, AllMeanMS float64
	SlotSeconds          int64
	Items                []statLine
}

// ranks is one of the tables of an overview.
type ranks struct {
	Period period
	Lines  []statLine
	ByMean bool // the trend is that of the mean
	over   time.Duration
}

// Rate is how often one of the lines was used.
func (r ranks) Rate(l statLine) string { return rate(float64(l.Usage) / max(1, r.over.Seconds())) }

// fileLinks are where the figures of a page can be had as a file.
type fileLinks struct{ CSV, JSON string }

func (p period) files() fileLinks {
	at := p.Path + "/download"
	return fileLinks{p.with(at, "format", "csv"), p.with(at, "format", "json")}
}

type statisticsData struct {
	Views         []navItem
	Period        period
	Files         fileLinks
	All           statsReport
	Failed        bool
	Facts         map[string]string
	Chart         chart
	Slowest, Used ranks
	Live, Year    string
}

// shownRanks is how many lines a table of an overview has.
const shownRanks = 10

// atOnce runs what does not need each other, and gives the first error in their order.
func atOnce(do ...func() error) error {
	errs := make([]error, len(do))
	var all sync.WaitGroup
	for i, one := range do {
		all.Go(func() { errs[i] = one() })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func showStatistics(v *visit) (any, error) {
	p := periodOf(v)
	p.Name = ""
	d := statisticsData{Views: p.Views(v), Files: p.files(), Year: p.with(p.Path, "last", "year")}
	var used statsReport
	var series statSeries
	var servers []option
	err := atOnce(
		func() (err error) {
			d.All, err = ask[statsReport](v, "parley.stats.slowest", p.in(map[string]any{"n": shownRanks}))
			return err
		},
		func() (err error) {
			used, err = ask[statsReport](v, "parley.stats.most-used", p.in(map[string]any{"n": shownRanks}))
			return err
		},
		func() (err error) {
			series, err = seriesOf(v, p, false)
			return err
		},
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
	over := d.All.To.Sub(d.All.From)
	d.Slowest, d.Used = ranks{p, d.All.Items, true, over}, ranks{p, used.Items, false, over}
	usage, failed := series.counted(p)
	d.Failed = failed > 0
	d.Facts = facts(d.All.AllUsage, percent(failed, usage), d.All.AllMeanMS, d.All.AllTimeMS, over)
	if d.Chart, err = series.chart(); err != nil {
		return nil, err
	}
	if p.Moves() {
		d.Live = p.with(p.Path + "/stream")
	}
	return d, nil
}

// facts are the figures above a chart, as they are shown.
func facts(usage int64, failed string, mean, all float64, length time.Duration) map[string]string {
	out := map[string]string{"usage": count(usage), "failed": "–", "mean": "–", "time": "–", "rate": "0"}
	if usage > 0 {
		out["failed"], out["mean"], out["time"] = failed, milliseconds(mean), longTime(all)
		out["rate"] = rate(float64(usage) / max(1, length.Seconds()))
	}
	return out
}

// rate is so many in a second, a minute or an hour: whichever people can picture.
func rate(perSecond float64) string {
	switch {
	case perSecond >= 1:
		return amount(perSecond) + "/s"
	case perSecond*60 >= 1:
		return amount(perSecond*60) + "/min"
	}
	return amount(perSecond*3600) + "/h"
}

// longTime is a sum of times, which may be hours.
func longTime(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	switch {
	case d >= 48*time.Hour:
		return amount(d.Hours()/24) + " days"
	case d >= 2*time.Hour:
		return amount(d.Hours()) + " h"
	case d >= 2*time.Minute:
		return amount(d.Minutes()) + " min"
	}
	return milliseconds(ms)
}

// chartMinutes is what a chart of the last minute shows: one of a single point says nothing.
const chartMinutes = 15 * time.Minute

// seriesOf are the points of a chart. live: the caller asks every few seconds.
func seriesOf(v *visit, p period, live bool) (statSeries, error) {
	in := p.in(map[string]any{"name": p.Name, "points": 120, "live": live})
	if p.Last == "minute" {
		delete(in, "last")
		in["from"] = v.d.Now().Add(-chartMinutes).UTC().Format(time.RFC3339)
	}
	return ask[statSeries](v, "parley.stats.series", in)
}

// counted is what the points hold of the time itself.
func (s statSeries) counted(p period) (usage, failed int64) {
	points := s.Points
	if p.Last == "minute" && len(points) > 2 {
		points = points[len(points)-2:]
	}
	for _, one := range points {
		usage, failed = usage+one.Usage, failed+one.Errors
	}
	return usage, failed
}

// liveFacts is what charts.js shows anew.
type liveFacts struct {
	Columns [][]any           `sio:"columns"`
	Values  map[string]string `sio:"values"`
}

func streamStatistics(v *visit) (any, error) {
	p := periodOf(v)
	series, err := seriesOf(v, p, true)
	if err != nil {
		return nil, err
	}
	var usage int64
	var took float64
	points := series.Points
	if p.Last == "minute" && len(points) > 2 {
		points = points[len(points)-2:]
	}
	for _, one := range points {
		usage += one.Usage
		took += one.MeanMS * float64(one.Usage)
	}
	u, failed := series.counted(p)
	mean := 0.0
	if usage > 0 {
		mean = took / float64(usage)
	}
	length := series.To.Sub(series.From)
	if p.Last == "minute" {
		length = min(length, 2*time.Minute)
	}
	return liveFacts{series.columns(), facts(usage, percent(failed, u), mean, took, length)}, nil
}
