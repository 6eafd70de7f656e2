package dashboard

import (
	"net/url"
	"slices"
	"strings"
)

// group is the kinds of definitions of one page.
type group struct {
	path, title, of string // of: as parley.kinds.list has it
	one             string
	counted         string // kind of statistics; empty: nothing is counted
	note            string
	nav             string // empty: the title
	credentials     bool   // secrets are what its definitions are about
}

func groups() []group {
	return []group{
		{"/channels", "Channels", "channels", "channel", "channel", "Each exposes a service over one protocol.", "", false},
		{"/outconns", "Outgoing connections", "outconns", "outgoing connection", "outconn", "What services call by name.", "Outconns", false},
		{"/security", "Security", "security", "security definition", "", "Named credentials. Nobody sees their secrets again, here or elsewhere.", "", true},
		{"/rules", "Rules", "rules", "rule", "", "Rate limits, roles of callers, conventions of names.", "", false},
		{"/adapters", "Adapters", "adapters", "adapter", "", "Services that are outgoing connections, by definition alone.", "", false},
		{"/users", "Users", "users", "user", "", "Who may log in here, and for what.", "", true},
	}
}

// objectPages are a list for each group of kinds.
func objectPages() []page {
	var out []page
	for _, g := range groups() {
		out = append(out, page{
			path: g.path, nav: g.nav, title: g.title, section: g.title, template: objectsTemplate,
			calls: []string{"parley.object.list", "parley.kinds.list", "parley.stats.summary", "parley.outconn.ping"},
			show:  func(v *visit) (any, error) { return showObjects(v, g) },
			act:   func(v *visit) (string, error) { return actObjects(v, g) },
		})
	}
	return out
}

const objectsTemplate = `
{{with .Page}}
<div class="head"><div><h1>{{.Group.Title}}</h1><p class="dim">{{.Group.Note}}</p></div>
{{if .Creates}}<form class="row" method="get" action="/object"><input type="hidden" name="new" value="1"><label for="kind" class="hint">New</label>
<select class="fit" id="kind" name="kind">{{range .Kinds}}<option value="{{.Name}}"{{if eq .Name "channel_rest"}} selected{{end}}>{{.Name}}</option>{{end}}</select><button class="primary">Make one</button></form>{{end}}</div>
{{if or .All .Query}}
<form class="bar-form" role="search" method="get" action="{{.Group.Path}}">
<div class="field wide"><label for="q">Name, kind or service</label><input id="q" name="q" type="search" value="{{.Query}}" autocomplete="off" spellcheck="false"></div><button>Search</button></form>
{{end}}
{{if .Items}}
<p class="dim">{{.Found}}{{if .Query}} of {{.All}}{{end}}{{if .Counted}}. Figures are of the last hour, over all servers{{end}}.</p>
<div class="table"><table>
<thead><tr><th>Name</th><th>Kind</th><th>State</th>{{if .Serves}}<th>Service</th>{{end}}{{if .Counted}}<th class="num">Requests</th><th class="num">Failed</th><th class="num">Mean</th><th>Trend</th>{{end}}{{if .Pings}}<th></th>{{end}}</tr></thead>
<tbody>
{{range .Items}}<tr><th scope="row"><a href="/object?kind={{.Kind}}&amp;name={{.Name}}">{{.Name}}</a></th><td class="mono">{{.Kind}}</td><td>{{if .IsActive}}<span class="state good">active</span>{{else}}<span class="state">inactive</span>{{end}}</td>
{{if $.Page.Serves}}<td>{{with .Service}}<a href="/service?name={{.}}">{{.}}</a>{{end}}</td>{{end}}
{{if $.Page.Counted}}{{with .Stats}}{{if .Usage}}<td class="num">{{count .Usage}}</td><td class="num">{{if .Errors}}<span class="state bad">{{count .Errors}}</span>{{else}}0{{end}}</td><td class="num">{{ms .MeanMS}}</td><td>{{trend "requests a minute" .UsageTrend}}</td>{{else}}<td class="num dim">–</td><td class="num dim">–</td><td class="num dim">–</td><td></td>{{end}}{{end}}{{end}}
{{if $.Page.Pings}}<td class="num"><form method="post" action="{{$.Page.Group.Path}}">{{template "token" $}}<input type="hidden" name="name" value="{{.Name}}"><button class="small" name="do" value="ping" aria-label="Ping {{.Name}}">Ping</button></form></td>{{end}}</tr>
{{end}}
</tbody></table></div>
{{template "pager" .Pager}}
{{else if .Query}}<p class="empty"><b>None is called that</b>Nothing has “{{.Query}}” in its name, kind or service. <a href="{{.Group.Path}}">Show all</a></p>
{{else}}<p class="empty"><b>None yet</b>{{if .Creates}}Make one above, or <a href="/config">import a file</a>.{{else}}Whoever may change definitions can make one.{{end}}</p>{{end}}
{{end}}`

type kindInfo struct {
	Name, Group, Doc, Example string
	Fields                    []kindField
}

type listedObject struct {
	Kind, Name, Service string
	IsActive            bool
	Stats               statLine `sio:"-"`
}

type objectsData struct {
	Group          shownGroup
	Kinds          []kindInfo
	Query, Found   string
	All            string
	Items          []listedObject
	Pager          pager
	Creates, Pings bool
	Serves         bool
	Counted        bool
}

// shownGroup is a group for its template.
type shownGroup struct{ Path, Title, Note string }

func showObjects(v *visit, g group) (any, error) {
	kinds, err := kindsOf(v, g.of)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.Name
	}
	d := objectsData{
		Group: shownGroup{g.path, g.title, g.note}, Kinds: kinds, Query: v.query("q"), Creates: v.may("parley.object.create"),
		Pings: g.of == "outconns" && v.may("parley.outconn.ping"), Serves: g.of == "channels", Counted: g.counted != "" && v.may("parley.stats.summary"),
	}
	if len(names) == 0 {
		return d, nil
	}
	all, err := ask[[]listedObject](v, "parley.object.list", map[string]any{"kinds": names})
	if err != nil {
		return nil, err
	}
	query := strings.ToLower(strings.TrimSpace(d.Query))
	var found []listedObject
	for _, o := range all {
		if query == "" || strings.Contains(strings.ToLower(o.Name+"\n"+o.Kind+"\n"+o.Service), query) {
			found = append(found, o)
		}
	}
	from, to, pages := paged(v, len(found), perPage, url.Values{"q": {d.Query}})
	d.Items, d.Pager = found[from:to], pages
	if len(all) > 0 {
		d.All, d.Found = plural(len(all), g.one, g.one+"s"), plural(len(found), g.one, g.one+"s")
	}
	if d.Counted {
		d.count(v, g.counted)
	}
	return d, nil
}

// count adds what was counted of the objects in the last hour. Without it the list is worth as much.
func (d *objectsData) count(v *visit, what string) {
	report, err := ask[struct{ Items []statLine }](v, "parley.stats.summary", map[string]any{"kind": what, "last": "hour"})
	if err != nil {
		return
	}
	lines := map[string]statLine{}
	for _, l := range report.Items {
		lines[l.Name] = l
	}
	for i := range d.Items {
		d.Items[i].Stats = lines[d.Items[i].Name]
	}
}

// kindsOf are the kinds of a group.
func kindsOf(v *visit, of string) ([]kindInfo, error) {
	kinds, err := ask[[]kindInfo](v, "parley.kinds.list", nil)
	return slices.DeleteFunc(kinds, func(k kindInfo) bool { return k.Group != of }), err
}

func actObjects(v *visit, g group) (string, error) {
	name := v.PostFormValue("name")
	if err := ping(v, name); err != nil {
		return "", err
	}
	return g.path, nil
}

// ping pings an outgoing connection and says what came back.
func ping(v *visit, name string) error {
	out, err := ask[struct{ Info string }](v, "parley.outconn.ping", map[string]any{"name": name})
	if err == nil {
		v.session.say(name + " answers: " + out.Info)
	}
	return err
}

// forget drops the replies that a channel has kept, and says how many those were.
func forget(v *visit, name string) error {
	out, err := ask[struct {
		Items   []struct{ Replies int }
		Unasked []struct{ Server, Error string }
	}](v, "parley.cache.clear", map[string]any{"channel": name})
	if err != nil {
		return err
	}
	replies := 0
	for _, one := range out.Items {
		replies += one.Replies
	}
	v.session.say(name + " has forgotten " + plural(replies, "kept reply", "kept replies") + ".")
	for _, one := range out.Unasked {
		v.session.say(one.Server + " could not be asked: " + one.Error)
	}
	return nil
}
