package dashboard

import "time"

func servicePage() page {
	return page{
		path: "/service", title: "Service", section: "Services", template: serviceTemplate, show: showService, stream: streamService,
		calls: []string{"parley.service.get", "parley.stats.summary", "parley.stats.slow-requests"},
	}
}

const serviceTemplate = `
{{with .Page}}
<div class="head"><div><p class="crumbs"><a href="/services">Services</a></p><h1>{{.Service.Name}}</h1>{{with .Service.Doc}}<p class="dim">{{.}}</p>{{end}}</div>
<div class="row">{{if .Service.File}}<a class="button" href="/file?name={{.Service.File}}">Source</a>{{end}}{{if .Invokes}}<a class="button primary" href="/invoke?service={{.Service.Name}}">Invoke</a>{{end}}</div></div>
<div class="facts" data-live="/service/stream?name={{.Service.Name}}">
<div class="fact"><b data-value="usage">{{count .Stats.Usage}}</b><span>requests in the last hour</span></div>
<div class="fact{{if .Stats.Errors}} bad{{end}}"><b data-value="failed">{{percent .Stats.Errors .Stats.Usage}}</b><span>failed</span></div>
<div class="fact"><b data-value="mean">{{if .Stats.Usage}}{{ms .Stats.MeanMS}}{{else}}–{{end}}</b><span>mean</span></div>
<div class="fact"><b data-value="p95">{{if .Stats.Usage}}{{ms .Stats.P95MS}}{{else}}–{{end}}</b><span>p95</span></div>
<div class="fact"><b data-value="max">{{if .Stats.Usage}}{{ms .Stats.MaxMS}}{{else}}–{{end}}</b><span>longest</span></div>
</div>
<section>
<h2>Channels that expose it</h2>
{{if .Service.Channels}}<div class="table"><table>
<thead><tr><th>Channel</th><th>Kind</th><th>State</th><th>Methods</th><th>Path</th></tr></thead>
<tbody>{{range .Service.Channels}}<tr><th scope="row"><a href="/object?kind={{.Kind}}&amp;name={{.Name}}">{{.Name}}</a></th><td class="mono">{{.Kind}}</td><td>{{if .IsActive}}<span class="state good">active</span>{{else}}<span class="state">inactive</span>{{end}}</td><td>{{if .Methods}}{{join .Methods ", "}}{{else}}<span class="dim">all</span>{{end}}</td><td class="mono">{{.Path}}</td></tr>{{end}}</tbody>
</table></div>
{{else}}<p class="empty"><b>No channel exposes it</b>Other services and this dashboard can invoke it all the same.{{if .Creates}} <a href="/object?new=1&amp;kind=channel_rest&amp;service={{.Service.Name}}">Make a channel</a>{{end}}</p>{{end}}
</section>
<div class="cols">
<section><h2>Input</h2>{{template "fields" .Service.InputSide}}</section>
<section><h2>Output</h2>{{template "fields" .Service.OutputSide}}</section>
</div>
{{if .Slow}}
<section>
<h2>Slowest requests of the last hour</h2>
<div class="table"><table>
<thead><tr><th>When (UTC)</th><th class="num">Took</th><th>Server</th><th>Channel</th><th>CID</th></tr></thead>
<tbody>{{range .Slow}}<tr><td class="short">{{at .At}}</td><td class="num">{{ms .MS}}</td><td>{{.Server}}</td><td>{{.Channel}}</td><td class="mono"><a href="/logs?cid={{.CID}}">{{.CID}}</a></td></tr>{{end}}</tbody>
</table></div>
</section>
{{end}}
{{end}}
{{define "fields"}}{{if not .Declared}}<p class="empty"><b>Not declared</b>Any value will do.</p>{{else if .Fields}}
{{if .Repeated}}<p class="dim">A list of such objects.</p>{{end}}
<div class="table"><table><thead><tr><th>Name</th><th>Type</th><th></th></tr></thead>
<tbody>{{range .Fields}}<tr><th scope="row" class="mono">{{.Name}}</th><td>{{.Type}}{{with .Of}} of {{.}}{{end}}{{with .Doc}}<br><small>{{.}}</small>{{end}}</td><td class="short">{{if .Required}}required{{else}}<span class="dim">optional</span>{{end}}{{if .Secret}} <span class="tag">secret</span>{{end}}</td></tr>{{end}}</tbody></table></div>
{{else}}<p class="empty"><b>Nothing</b>It has none.</p>{{end}}{{end}}`

// sioField is a field of a service's input or output.
type sioField struct {
	Name, Type, Of, Format, Doc string
	Required, Secret            bool
	Default, Example            any
}

type serviceInfo struct {
	Name, File, Doc, Position string
	Declared                  bool
	Input, Output             []sioField
	InputRepeated, Repeated   bool
	Channels                  []struct {
		Kind, Name, Path string
		IsActive         bool
		Methods          []string
	}
}

// side is one side of a service's SIO.
type side struct {
	Declared, Repeated bool
	Fields             []sioField
}

// InputSide is for the template.
func (s serviceInfo) InputSide() side { return side{s.Declared, s.InputRepeated, s.Input} }

// OutputSide is for the template.
func (s serviceInfo) OutputSide() side { return side{s.Declared, s.Repeated, s.Output} }

type slowRequest struct {
	At                   time.Time
	CID, Server, Channel string
	MS                   float64
}

func showService(v *visit) (any, error) {
	name := v.query("name")
	v.title = name
	s, err := ask[serviceInfo](v, "parley.service.get", map[string]any{"name": name})
	if err != nil {
		return nil, err
	}
	line, err := hourOf(v, "service", name)
	if err != nil {
		return nil, err
	}
	var slow []slowRequest
	if v.may("parley.stats.slow-requests") {
		if slow, err = ask[[]slowRequest](v, "parley.stats.slow-requests", map[string]any{"service": name, "n": 10}); err != nil {
			return nil, err
		}
	}
	return struct {
		Service          serviceInfo
		Stats            statLine
		Slow             []slowRequest
		Invokes, Creates bool
	}{s, line, slow, v.may("parley.service.invoke"), v.may("parley.object.create")}, nil
}

func streamService(v *visit) (any, error) {
	line, err := hourOf(v, "service", v.query("name"))
	values := map[string]string{"usage": count(line.Usage), "failed": percent(line.Errors, line.Usage)}
	if line.Usage > 0 {
		values["mean"], values["p95"], values["max"] = milliseconds(line.MeanMS), milliseconds(line.P95MS), milliseconds(line.MaxMS)
	}
	return map[string]any{"values": values}, err
}

// hourOf is what was counted of one thing in the last hour.
func hourOf(v *visit, kind, name string) (statLine, error) {
	if !v.may("parley.stats.summary") {
		return statLine{}, nil
	}
	r, err := ask[struct{ Items []statLine }](v, "parley.stats.summary", map[string]any{"kind": kind, "name": name, "last": "hour"})
	if err != nil || len(r.Items) == 0 {
		return statLine{}, err
	}
	return r.Items[0], nil
}
