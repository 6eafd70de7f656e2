package dashboard

import (
	"slices"
	"time"
)

func logsPage() page {
	return page{
		path: "/logs", title: "Logs", section: "Logs", template: logsTemplate, show: showLogs,
		calls: []string{"parley.server.logs"},
	}
}

const logsTemplate = `
{{with .Page}}
<div class="head"><div><h1>Logs</h1><p class="dim">Of all servers, newest first. Secrets are masked.</p></div></div>
<form class="bar-form" role="search" method="get" action="/logs">
<div class="field wide"><label for="cid">Correlation ID (CID)</label><input class="mono" id="cid" name="cid" value="{{.CID}}" autocomplete="off" spellcheck="false"></div>
<div class="field wide"><label for="contains">Contains</label><input id="contains" name="contains" value="{{.Contains}}" autocomplete="off" spellcheck="false"></div>
<div class="field"><label for="level">Level</label><select id="level" name="level">{{range .Levels}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}</select></div>
<div class="field"><label for="since">Since</label><select id="since" name="since">{{range .Sinces}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}</select></div>
<button class="primary">Show</button></form>
{{range .Out.Unread}}<p class="alert warn">The log of {{if .Server}}{{.Server}}{{else}}some servers{{end}} could not be read: {{.Error}}</p>{{end}}
{{if .Out.Lines}}
<div class="table"><table class="log">
<thead><tr><th>When (UTC)</th><th>Server</th><th>Level</th><th>Message</th><th>CID</th></tr></thead>
<tbody>{{range .Out.Lines}}<tr><td class="mono"><time datetime="{{stamp .At}}">{{clock .At}}</time></td><td class="short">{{.Server}}</td><td><span class="state {{if or (eq .Level "ERROR") (eq .Level "")}}bad{{else if eq .Level "WARN"}}warn{{end}}">{{if .Level}}{{.Level}}{{else}}crash{{end}}</span></td>
<td><span class="said">{{.Message}}</span>{{if .Attributes}}<br><small class="mono">{{range .Attributes}}<span class="pair"><span class="dim">{{.Name}}=</span>{{.Value}}</span> {{end}}</small>{{end}}</td>
<td class="mono">{{if .CID}}<a href="/logs?cid={{.CID}}" title="All of this request">{{printf "%.8s" .CID}}</a>{{end}}</td></tr>
{{end}}</tbody></table></div>
{{if .Out.Cut}}<p class="hint">There is more than is shown: ask for a CID, a level or a shorter time.</p>{{end}}
{{else}}<p class="empty"><b>No lines</b>{{if .CID}}Nothing was logged for that CID, or it was long ago.{{else}}Nothing in the logs fits.{{end}}</p>{{end}}
{{end}}`

type logLine struct {
	At                          time.Time
	Server, Level, Message, CID string
	Attributes                  []struct{ Name, Value string }
}

type logsOut struct {
	Lines  []logLine
	Cut    bool
	Unread []struct{ Server, Error string }
}

func showLogs(v *visit) (any, error) {
	levels, level := chosen([]option{{"", "all", false}, {"INFO", "INFO and up", false}, {"WARN", "WARN and up", false}, {"ERROR", "ERROR", false}}, v.query("level"), "")
	sinces, since := chosen([]option{{"", "whenever", false}, {"15m", "15 minutes", false}, {"1h", "an hour", false}, {"24h", "a day", false}}, v.query("since"), "")
	in := map[string]any{"limit": 100}
	for key, value := range map[string]string{"cid": v.query("cid"), "contains": v.query("contains"), "level": level, "since": since, "server": v.query("server")} {
		if value != "" {
			in[key] = value
		}
	}
	out, err := ask[logsOut](v, "parley.server.logs", in)
	if err != nil {
		return nil, err
	}
	slices.Reverse(out.Lines)
	return map[string]any{"CID": v.query("cid"), "Contains": v.query("contains"), "Levels": levels, "Sinces": sinces, "Out": out}, nil
}
