package dashboard

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

func logsPage() page {
	return page{
		path: "/logs", title: "Logs", section: "Logs", template: logsTemplate, show: showLogs, stream: streamLogs,
		calls: []string{"parley.server.logs", "parley.cluster.members"},
	}
}

const logsTemplate = `
{{with .Page}}
<div class="head"><h1>Logs</h1>{{if .Follow}}<p class="live" id="following" role="status"></p>{{end}}</div>
<form class="bar-form" role="search" method="get" action="/logs">
<div class="field"><label for="cid">CID of a request</label><input id="cid" name="cid" type="search" value="{{.CID}}" autocomplete="off" spellcheck="false" autocapitalize="none"></div>
<div class="field"><label for="service">Service</label><input id="service" name="service" type="search" value="{{.Service}}" autocomplete="off" spellcheck="false" autocapitalize="none"></div>
<div class="field"><label for="contains">Text</label><input id="contains" name="contains" type="search" value="{{.Contains}}" autocomplete="off" spellcheck="false"></div>
<div class="field thin"><label for="level">Level</label><select id="level" name="level" data-submit>{{range .Levels}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}</select></div>
<div class="field thin"><label for="server">Server</label><select id="server" name="server" data-submit>{{range .Servers}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}</select></div>
<div class="field thin"><label for="since">Since</label><input id="since" name="since" value="{{.Since}}" list="sinces" placeholder="15m" autocomplete="off"><datalist id="sinces"><option value="5m"><option value="15m"><option value="1h"><option value="24h"></datalist></div>
<button class="primary">Show</button>{{if .Filtered}}<a class="button" href="/logs">All</a>{{end}}
</form>
{{range .Unread}}<p class="alert warn"><b>The log of {{if .Server}}{{.Server}}{{else}}some servers{{end}} could not be read.</b> {{.Error}}</p>{{end}}
<p class="dim">{{if .Lines}}{{plural (len .Lines) "line" "lines"}}{{if .Limited}}, the newest{{end}}{{if .Cut}}; there are more: say since when, or more of what is looked for{{end}}. {{if .Story}}In the order in which it happened.{{else}}Newest first.{{end}} Times are UTC.{{end}}</p>
<ol class="log" id="log" aria-label="Log lines" tabindex="0"{{if .Follow}} data-follow="{{.Follow}}"{{end}}{{if .Story}} data-story{{end}}>
{{range .Lines}}<li class="{{.Class}}"><time datetime="{{stamp .At}}"><span class="day">{{day .At}}</span> {{clock .At}}</time><span class="level">{{.Level}}</span><span class="server">{{.Server}}</span><div class="text"><bdi class="message">{{.Message}}</bdi>{{range .Attributes}} <span class="fact-of"><span class="key">{{.Name}}=</span><bdi>{{.Value}}</bdi></span>{{end}}{{with .CID}} <a class="cid" href="/logs?cid={{.}}">{{.}}</a>{{end}}</div></li>
{{end}}</ol>
{{if not .Lines}}<p class="empty" id="no-lines"><b>{{if .CID}}No line of that request{{else if .Filtered}}No line is like that{{else}}Nothing was logged yet{{end}}</b>{{if .CID}}Logs that were rotated away are not read; nothing else has that CID.{{else if .Filtered}}<a href="/logs">Show all</a>{{else}}Servers say here what they do.{{end}}</p>{{end}}
{{if .Follow}}<script src="{{asset "logs.js"}}" defer></script>{{end}}
{{end}}`

// logLine is a line of parley.server.logs.
type logLine struct {
	At         time.Time
	Server     string
	Level      string
	Message    string
	CID        string `sio:"cid"`
	Attributes []struct{ Name, Value string }
}

// Class is how bad it is, for the eye.
func (l logLine) Class() string {
	switch l.Level {
	case "ERROR", "":
		return "bad"
	case "WARN":
		return "warn"
	case "DEBUG":
		return "quiet"
	}
	return "usual"
}

type logsOut struct {
	Lines  []logLine
	Next   string
	Cut    bool
	Unread []struct{ Server, Error string }
}

type logsData struct {
	CID, Service, Contains, Since string
	Levels, Servers               []option
	Lines                         []logLine
	Unread                        []struct{ Server, Error string }
	Cut, Limited, Story, Filtered bool
	Follow                        string // where new lines come from
}

// shownLines is how many lines a page has.
const shownLines = 200

// logsIn is what the address asks for; service and contains are both searched for, one there, the other here.
func logsIn(v *visit) (in map[string]any, keep func(logLine) bool) {
	text := func(name string) string { return strings.TrimSpace(v.query(name)) }
	in = map[string]any{"cid": text("cid"), "level": text("level"), "server": text("server"), "limit": shownLines}
	switch since := text("since"); {
	case since == "":
	default:
		if at, err := momentOf("since", since); err == nil {
			since = at.Format(time.RFC3339Nano)
		}
		in["since"] = since
	}
	service, contains := text("service"), text("contains")
	in["contains"] = contains
	if service == "" {
		return in, func(logLine) bool { return true }
	}
	if contains == "" {
		in["contains"] = service // fewer lines to read; attributes that need quotes are written in them
		if strings.ContainsFunc(service, func(r rune) bool { return r == '"' || r == '\\' || !unicode.IsPrint(r) }) {
			in["contains"] = ""
		}
	}
	return in, func(l logLine) bool {
		for _, a := range l.Attributes {
			if a.Name == "service" && a.Value == service {
				return true
			}
		}
		return false
	}
}

func showLogs(v *visit) (any, error) {
	in, keep := logsIn(v)
	d := logsData{CID: in["cid"].(string), Service: strings.TrimSpace(v.query("service")), Contains: strings.TrimSpace(v.query("contains")), Since: v.query("since")}
	for _, level := range []string{"", "DEBUG", "INFO", "WARN", "ERROR"} {
		text := strings.ToLower(level) + " up"
		switch level {
		case "":
			text = "all"
		case "ERROR":
			text = "errors"
		}
		d.Levels = append(d.Levels, option{level, text, strings.EqualFold(level, in["level"].(string))})
	}
	d.Servers = logServers(v, in["server"].(string))
	for _, name := range []string{"cid", "service", "contains", "level", "server", "since"} {
		d.Filtered = d.Filtered || v.query(name) != ""
	}
	out, err := ask[logsOut](v, "parley.server.logs", in)
	if err != nil {
		if !d.Filtered {
			return nil, err
		}
		v.fault = err // of what was typed; the form stays
		return d, nil
	}
	d.Limited = len(out.Lines) >= shownLines
	d.Lines = slices.DeleteFunc(out.Lines, func(l logLine) bool { return !keep(l) })
	d.Cut, d.Unread, d.Story = out.Cut, out.Unread, d.CID != ""
	if !d.Story {
		slices.Reverse(d.Lines)
	}
	with := url.Values{"after": {out.Next}}
	for _, name := range []string{"cid", "service", "contains", "level", "server"} {
		if value := v.query(name); value != "" {
			with.Set(name, value)
		}
	}
	d.Follow = "/logs/stream?" + with.Encode()
	return d, nil
}

// logServers are whose logs can be chosen.
func logServers(v *visit, here string) []option {
	out := []option{{"", "all", here == ""}}
	names := []string{"supervisor"}
	if v.may("parley.cluster.members") {
		members, err := ask[[]struct{ Name string }](v, "parley.cluster.members", nil)
		if err == nil { // else the first page says why
			for _, m := range members {
				names = append(names, m.Name)
			}
		}
	}
	if here != "" && !slices.Contains(names, here) {
		names = append(names, here)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(btoi(a == "supervisor"), btoi(b == "supervisor")), cmp.Compare(a, b))
	})
	for _, name := range names {
		out = append(out, option{name, name, name == here})
	}
	return out
}

// followed is what a page that follows gets.
type followed struct {
	Lines []shownLine
	Next  string // where to go on, after a break
}

// shownLine is a line, ready to be shown.
type shownLine struct {
	At, Day, Clock, Level, Class, Server, Message string
	CID                                           string `sio:"cid"`
	Attributes                                    []struct{ Name, Value string }
}

// streamLogs gives what was added since it was asked last; what was read so far is kept in the visit.
func streamLogs(v *visit) (any, error) {
	in, keep := logsIn(v)
	after, ok := v.outcome.(string)
	if !ok {
		after = v.query("after")
	}
	in["after"] = after
	if after == "" { // there was no log: all of it is new
		delete(in, "after")
	}
	out, err := ask[logsOut](v, "parley.server.logs", in)
	if err != nil {
		return nil, err
	}
	v.outcome = out.Next
	f := followed{Lines: []shownLine{}, Next: out.Next}
	for _, l := range out.Lines {
		if keep(l) {
			f.Lines = append(f.Lines, shownLine{l.At.UTC().Format(time.RFC3339), dayOf(l.At), clockOf(l.At), l.Level, l.Class(), l.Server, l.Message, l.CID, l.Attributes})
		}
	}
	return f, nil
}

func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func clockOf(t time.Time) string {
	t = t.UTC()
	return t.Format(time.TimeOnly) + "." + strconv.Itoa(1000 + t.Nanosecond()/1e6)[1:]
}
