package dashboard

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

func requestsPage() page {
	return page{
		path: "/statistics/requests", title: "Single requests", section: "Statistics", template: requestsTemplate, show: showRequests, act: actRequests, file: downloadRequests,
		calls: []string{"parley.stats.slow-requests", "parley.stats.samples", "parley.stats.watches", "parley.stats.watch"},
	}
}

const requestsTemplate = `
{{with .Page}}
<div class="head"><h1>Single requests</h1><div class="row"><a class="button small" href="{{.Files.CSV}}" download>CSV</a><a class="button small" href="{{.Files.JSON}}" download>JSON</a></div></div>
{{template "views" .Views}}
<div class="filters"><nav aria-label="Which">{{template "segments" .Which}}</nav><nav aria-label="Time">{{template "segments" .Times}}</nav></div>
<form class="bar-form" role="search" method="get" action="/statistics/requests"><input type="hidden" name="what" value="{{.What}}">{{if .Period.Last}}<input type="hidden" name="last" value="{{.Period.Last}}">{{end}}
<div class="field wide"><label for="service">Of one service; empty: of all</label><input id="service" name="service" type="search" value="{{.Service}}" autocomplete="off" spellcheck="false"></div><button>Show</button></form>
{{if .Items}}{{template "kept" .Items}}
{{else}}<p class="empty"><b>{{if eq .What "samples"}}No sample{{else}}No slow request{{end}} in {{.Period.Said}}</b>{{if eq .What "samples"}}Samples are kept where they are switched on, below.{{else}}{{if .Watches}}Those are kept that take as long as the table below says.{{else}}None are kept yet: see below.{{end}}{{end}}</p>{{end}}
<section><h2>What is kept</h2>
{{if .Watches}}<div class="table"><table><thead><tr><th>Service</th><th class="num">Slow from</th><th>Samples</th></tr></thead>
<tbody>{{range .Watches}}<tr><th scope="row">{{if eq .Service "*"}}all others{{else}}{{.Service}}{{end}}</th><td class="num">{{if .SlowMS}}{{count .SlowMS}} ms{{else}}<span class="dim">none kept</span>{{end}}</td><td>{{if .Every}}one of {{count .Every}}{{else}}<span class="dim">off</span>{{end}}</td></tr>{{end}}</tbody></table></div>
{{else}}<p class="dim">No request is kept until somebody says which are slow, or how many to sample.</p>{{end}}
{{if .Sets}}<form class="bar-form card pad" method="post" action="/statistics/requests">{{template "token" $}}
<div class="field wide"><label for="watched">Service, or * for all that have no setting of their own</label><input id="watched" name="watched" value="{{if .Service}}{{.Service}}{{else}}*{{end}}" required autocomplete="off" spellcheck="false"></div>
<div class="field"><label for="slow_ms">Slow from, in ms; 0: none</label><input id="slow_ms" name="slow_ms" inputmode="numeric" autocomplete="off" placeholder="as it is"></div>
<div class="field"><label for="every">Sample one of; 0: none</label><input id="every" name="every" inputmode="numeric" autocomplete="off" placeholder="as it is"></div>
<button class="primary">Set</button></form>
<p class="hint">A sample holds what was asked and answered; secrets in it are masked.</p>{{end}}
</section>
{{end}}` + keptTemplate + periodTemplate

const keptTemplate = `
{{define "kept"}}<div class="table"><table>
<thead><tr><th>When (UTC)</th><th class="num">Took</th><th>Service</th><th>Channel</th><th>Server</th><th>CID</th></tr></thead>
<tbody>{{range .}}<tr><td class="short"><time datetime="{{stamp .At}}">{{at .At}}</time></td><td class="num">{{ms .MS}}{{if .Failed}}<br><small class="bad">failed</small>{{end}}</td><th scope="row"><a href="/statistics/one?kind=service&amp;name={{.Service}}">{{.Service}}</a></th><td>{{.Channel}}</td><td>{{.Server}}</td><td class="mono"><a href="/logs?cid={{.CID}}">{{.CID}}</a></td></tr>
{{if or .Request .Response}}<tr class="more"><td colspan="6"><details><summary>Asked and answered</summary><div class="cols"><div><h3>Asked</h3><pre>{{.Request}}</pre></div><div><h3>{{if .Failed}}Failed with{{else}}Answered{{end}}</h3><pre>{{.Response}}</pre></div></div></details></td></tr>{{end}}
{{end}}</tbody></table></div>{{end}}`

// keptRequest is a single request that was kept.
type keptRequest struct {
	Service, CID, Server, Channel string
	At                            time.Time
	MS                            float64 `sio:"ms"`
	Failed, Slow, Sample          bool
	Request, Response             string
}

type statWatch struct {
	Service       string
	SlowMS, Every int64
}

type requestsData struct {
	Views, Which, Times []navItem
	Period              period
	Files               fileLinks
	What, Service       string // slow or samples; of that service
	Items               []keptRequest
	Watches             []statWatch
	Sets                bool
}

// keptIn is what to ask, and whom.
func keptIn(v *visit, p period) (name string, in map[string]any) {
	in = map[string]any{"service": strings.TrimSpace(v.query("service")), "n": perPage}
	p.timeIn(in)
	if v.query("what") == "samples" {
		return "parley.stats.samples", in
	}
	return "parley.stats.slow-requests", in
}

func showRequests(v *visit) (any, error) {
	p := periodOf(v)
	d := requestsData{Views: p.Views(v), Period: p, What: "slow", Service: strings.TrimSpace(v.query("service")), Sets: v.may("parley.stats.watch")}
	if v.query("what") == "samples" {
		d.What = "samples"
	}
	p.Kind = ""
	at := func(path, what, last, format string) string {
		return p.with(path, "what", what, "last", last, "format", format, "service", d.Service)
	}
	d.Which = []navItem{{at(p.Path, "slow", p.Last, ""), "Slow", d.What == "slow"}, {at(p.Path, "samples", p.Last, ""), "Samples", d.What == "samples"}}
	for _, last := range lasts() {
		d.Times = append(d.Times, navItem{at(p.Path, d.What, last, ""), last, last == p.Last})
	}
	d.Files = fileLinks{at(p.Path+"/download", d.What, p.Last, "csv"), at(p.Path+"/download", d.What, p.Last, "json")}
	name, in := keptIn(v, p)
	var err error
	if d.Items, err = ask[[]keptRequest](v, name, in); err != nil {
		return nil, err
	}
	if v.may("parley.stats.watches") {
		d.Watches, err = ask[[]statWatch](v, "parley.stats.watches", nil)
	}
	return d, err
}

func actRequests(v *visit) (string, error) {
	name := strings.TrimSpace(v.PostFormValue("watched"))
	in := map[string]any{"service": name}
	for _, key := range []string{"slow_ms", "every"} {
		text := strings.TrimSpace(v.PostFormValue(key))
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return "", service.Errorf(service.Invalid, "%s: expected a whole number, not %q", key, text)
		}
		in[key] = n
	}
	w, err := ask[statWatch](v, "parley.stats.watch", in)
	if err != nil {
		return "", err
	}
	said := "of all others"
	if name != "*" {
		said = "of " + name
	}
	slow, samples := "no slow requests", "no samples"
	if w.SlowMS > 0 {
		slow = fmt.Sprintf("requests from %d ms up", w.SlowMS)
	}
	if w.Every > 0 {
		samples = fmt.Sprintf("a sample of every %d", w.Every)
	}
	v.session.say(fmt.Sprintf("Kept %s: %s, %s.", said, slow, samples))
	if name == "*" {
		return "/statistics/requests", nil
	}
	return "/statistics/requests?service=" + url.QueryEscape(name), nil
}
