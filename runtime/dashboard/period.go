package dashboard

import (
	"net/url"
	"slices"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

// period is the time, the kind and the server that the address of a page of statistics asks for.
type period struct {
	Path     string // of the page
	Kind     string // service, channel, outconn or server
	Name     string // of one; empty: all
	Last     string // one of lasts; empty: From to To
	From, To string // as forms have them: UTC, to the minute
	Server   string // empty: all
	Servers  []option
	Wide     bool // From and To were asked for
}

func lasts() []string { return []string{"minute", "hour", "day", "week", "month", "year"} }

func statKinds() []navItem {
	return []navItem{{Path: "service", Title: "Services"}, {Path: "channel", Title: "Channels"}, {Path: "outconn", Title: "Outgoing"}, {Path: "server", Title: "Servers"}}
}

// periodOf reads the address. What cannot be read becomes the visit's fault, and the last hour is shown.
func periodOf(v *visit) period {
	p := period{Path: v.URL.Path, Kind: v.query("kind"), Name: v.query("name"), Last: v.query("last"), Server: v.query("server")}
	if !slices.ContainsFunc(statKinds(), func(k navItem) bool { return k.Path == p.Kind }) {
		p.Kind = "service"
	}
	from, to := v.query("from"), v.query("to")
	if from == "" && to == "" || p.Last != "" {
		if !slices.Contains(lasts(), p.Last) {
			p.Last = "hour"
		}
		return p
	}
	p.Wide, p.From, p.To = true, from, to
	if _, _, err := p.ends(); err != nil {
		v.fault, p.Last = err, "hour"
	}
	return p
}

// shownTime is a moment as a form has it, and in an address.
const shownTime = "2006-01-02T15:04"

func momentOf(name, text string) (time.Time, error) {
	for _, layout := range []string{shownTime, "2006-01-02T15:04:05", time.RFC3339Nano, time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, service.Errorf(service.Invalid, "%s: expected a time in UTC such as 2026-11-21T17:05, not %q", name, text)
}

// ends are From and To; a zero To is now.
func (p period) ends() (from, to time.Time, err error) {
	if from, err = momentOf("from", p.From); err != nil || p.To == "" {
		return from, to, err
	}
	if to, err = momentOf("to", p.To); err != nil {
		return from, to, err
	}
	if !from.Before(to) {
		return from, to, service.Errorf(service.Invalid, "the time ends at %s, before it begins at %s", p.To, p.From)
	}
	return from, to, nil
}

// in is the input of a service of statistics.
func (p period) in(more map[string]any) map[string]any {
	out := map[string]any{"kind": p.Kind, "server": p.Server}
	p.timeIn(out)
	for k, v := range more {
		out[k] = v
	}
	return out
}

func (p period) timeIn(out map[string]any) {
	if p.Last != "" {
		out["last"] = p.Last
		return
	}
	if from, to, err := p.ends(); err == nil { // periodOf made sure of it
		out["from"] = from.Format(time.RFC3339)
		if !to.IsZero() {
			out["to"] = to.Format(time.RFC3339)
		}
	}
}

// with is the address with other words in it: pairs of a name and a value.
func (p period) with(path string, pairs ...string) string {
	q := url.Values{}
	for name, value := range map[string]string{"kind": p.Kind, "name": p.Name, "last": p.Last, "server": p.Server} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if p.Last == "" {
		q.Set("from", p.From)
		q.Set("to", p.To)
	}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	if q.Get("last") != "" {
		q.Del("from")
		q.Del("to")
	}
	for name := range q {
		if q.Get(name) == "" {
			q.Del(name)
		}
	}
	return path + "?" + q.Encode()
}

// Of is the address of one thing's statistics in this time.
func (p period) Of(name string) string { return p.with("/statistics/one", "name", name) }

// Times are the lengths that can be chosen.
func (p period) Times() []navItem {
	var out []navItem
	for _, last := range lasts() {
		out = append(out, navItem{p.with(p.Path, "last", last), last, last == p.Last})
	}
	return out
}

// Kinds are what can be chosen, of all of which there are statistics.
func (p period) Kinds() []navItem {
	out := statKinds()
	for i, k := range out {
		out[i] = navItem{p.with(p.Path, "kind", k.Path, "name", ""), k.Title, k.Path == p.Kind}
	}
	return out
}

// Views are the pages of statistics.
func (p period) Views(v *visit) []navItem {
	out := []navItem{
		{p.with("/statistics", "name", ""), "Overview", p.Path == "/statistics" || p.Path == "/statistics/one"},
		{p.with("/statistics/compare", "name", ""), "Compare", p.Path == "/statistics/compare"},
	}
	if v.may("parley.stats.slow-requests") {
		out = append(out, navItem{p.with("/statistics/requests", "name", "", "kind", "", "server", ""), "Single requests", p.Path == "/statistics/requests"})
	}
	return out
}

// Said is the time in words.
func (p period) Said() string {
	if p.Last != "" {
		return "the last " + p.Last
	}
	to := p.To
	if to == "" {
		to = "now"
	}
	return p.From + " to " + to + " UTC"
}

// Moves says that the time ends now.
func (p period) Moves() bool { return p.Last != "" || p.To == "" }

// serversOf are the servers that can be chosen; where they are not known, none.
func serversOf(v *visit, here string) []option {
	if !v.may("parley.cluster.members") {
		return nil
	}
	members, err := ask[[]struct{ Name string }](v, "parley.cluster.members", nil)
	if err != nil {
		return nil // the first page says why
	}
	out := []option{{"", "all servers", here == ""}}
	known := here == ""
	for _, m := range members {
		out = append(out, option{m.Name, m.Name, m.Name == here})
		known = known || m.Name == here
	}
	if !known {
		out = append(out, option{here, here, true})
	}
	return out
}

const periodTemplate = `
{{define "views"}}<nav aria-label="Statistics"><ul class="tabs">{{range .}}<li><a href="{{.Path}}"{{if .Here}} aria-current="page"{{end}}>{{.Title}}</a></li>{{end}}</ul></nav>{{end}}
{{define "segments"}}<ul class="segments">{{range .}}<li><a href="{{.Path}}"{{if .Here}} aria-current="true"{{end}}>{{.Title}}</a></li>{{end}}</ul>{{end}}
{{define "times"}}<nav aria-label="Time">{{template "segments" .Times}}</nav>
<details class="custom"{{if .Wide}} open{{end}}><summary>{{if .Servers}}Other time or server{{else}}Other time{{end}}</summary>
<form class="bar-form" method="get" action="{{.Path}}"><input type="hidden" name="kind" value="{{.Kind}}">{{if .Name}}<input type="hidden" name="name" value="{{.Name}}">{{end}}
<div class="field"><label for="from">From (UTC)</label><input id="from" name="from" type="datetime-local" value="{{.From}}"></div>
<div class="field"><label for="to">To (UTC), or now</label><input id="to" name="to" type="datetime-local" value="{{.To}}"></div>
{{if .Servers}}<div class="field"><label for="server">Server</label><select id="server" name="server">{{range .Servers}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}</select></div>{{end}}
<button>Show</button></form></details>{{end}}`
