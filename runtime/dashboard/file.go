package dashboard

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

func filePage() page {
	return page{
		path: "/file", title: "File", section: "Services", template: fileTemplate, show: showFile, act: actFile,
		calls: []string{"parley.service.source", "parley.service.history", "parley.service.deploy", "parley.service.roll-back", "parley.service.undeploy"},
	}
}

const fileTemplate = `
{{with .Page}}
<div class="head"><div><p class="crumbs"><a href="/services">Services</a></p><h1>{{if .New}}Deploy a file{{else}}{{.File}}{{end}}</h1>
{{if .Services}}<p class="dim">declares {{range $i, $s := .Services}}{{if $i}}, {{end}}<a href="/service?name={{$s}}">{{$s}}</a>{{end}}</p>{{end}}</div>
{{if .At}}<a class="button" href="/file?name={{.File}}">To the version that serves</a>{{end}}</div>
{{if .Refused}}
<section aria-label="Where it was refused">
<h2>Refused, and nothing has changed</h2>
{{template "source" .Refused}}
</section>
{{end}}
{{if .At}}
<section>
<h2>Version of revision {{count .At}}, against the one that serves</h2>
{{if .Changes}}{{template "source" .Changes}}{{else}}<p class="empty"><b>The same</b>That version is what serves.</p>{{end}}
<details><summary>All of it</summary>{{template "source" .Lines}}</details>
{{if .Deploys}}<form method="post" action="/file">{{template "token" $}}<input type="hidden" name="name" value="{{.File}}"><input type="hidden" name="revision" value="{{.At}}"><button class="primary" name="do" value="roll-back">Roll back to it</button></form>{{end}}
</section>
{{else if .Deploys}}
<form class="fields" method="post" action="/file">{{template "token" $}}
{{if .New}}<div class="field"><label for="name">Name</label><input id="name" name="name" value="{{.File}}" required pattern="[A-Za-z0-9_\-][A-Za-z0-9_.\-]*\.star" title="letters, digits, _, . and -, ending in .star" placeholder="customers.star" spellcheck="false" autocapitalize="none"><span class="hint">Ends in .star. A file without a service(...) call is a service named after it.</span></div>
{{else}}<input type="hidden" name="name" value="{{.File}}">{{end}}
<div class="field"><label for="source">Source</label>
<div class="editor"><textarea class="code tall" id="source" name="source" rows="24" spellcheck="false" autocapitalize="none" autocomplete="off" data-save data-refused="{{.Line}}" required aria-describedby="keys">
{{.Source}}</textarea></div>
<span class="hint" id="keys">Ctrl+S deploys. A refused file changes nothing: what serves goes on.</span></div>
<div class="row"><button class="primary" name="do" value="deploy">Deploy</button></div>
</form>
<details><summary>With line numbers, to read</summary>{{template "source" .Lines}}</details>
{{else}}{{template "source" .Lines}}{{end}}
{{if .History}}
<section>
<h2>Deployments</h2>
<div class="table"><table>
<thead><tr><th class="num">Revision</th><th>When (UTC)</th><th>Who</th><th>What</th><th>Content</th><th></th></tr></thead>
<tbody>
{{range .History}}<tr><td class="num">{{count .Revision}}</td><td class="short"><time datetime="{{stamp .At}}">{{at .At}}</time></td><td>{{.Who}}</td>
<td>{{if .Current}}<span class="state good">serves</span>{{else if eq .Action "delete"}}<span class="state bad">undeployed</span>{{else}}<span class="state">deployed</span>{{end}}</td><td class="mono">{{printf "%.8s" .Hash}}</td>
<td class="num">{{if .Current}}{{else if .Kept}}<a class="button small" href="/file?name={{$.Page.File}}&amp;revision={{.Revision}}" aria-label="Compare revision {{.Revision}}">Compare</a>{{else}}<small>{{if eq .Action "put"}}not kept{{end}}</small>{{end}}</td></tr>
{{end}}
</tbody></table></div>
</section>
{{end}}
{{if and .Undeploys .Services}}
<form method="post" action="/file">{{template "token" $}}<input type="hidden" name="name" value="{{.File}}"><button class="danger" name="do" value="undeploy" data-sure="Undeploy {{.File}} from every server?">Undeploy</button></form>
{{end}}
{{end}}`

type fileData struct {
	File, Source       string
	New                bool
	At                 int64 // of a former version; 0: the one that serves
	Line               int   // that was refused
	Lines              []sourceLine
	Refused, Changes   []sourceLine
	Services           []string
	History            []deployment
	Deploys, Undeploys bool
}

type deployment struct {
	Revision          int64
	At                time.Time
	Who, Action, Hash string
	Kept, Current     bool
}

type sourceOut struct {
	File, Source string
	Revision     int64
	Services     []string
}

const newSource = `def handle(self):
    """What this service is for."""
    self.response.payload = {"hello": self.request.input.name}

service(
    name = "customers.hello",
    handle = handle,
    simple_io = SimpleIO(input_required = ["name"], output_required = ["hello"]),
)
`

func showFile(v *visit) (any, error) {
	d := fileData{File: v.sent("name"), Deploys: v.may("parley.service.deploy"), Undeploys: v.may("parley.service.undeploy")}
	v.title = d.File
	d.At, _ = strconv.ParseInt(v.query("revision"), 10, 64) // what is no number is none
	in := map[string]any{"name": d.File}
	if d.File != "" && v.may("parley.service.history") {
		h, err := ask[struct {
			File  string
			Items []deployment
		}](v, "parley.service.history", in)
		if err != nil && v.fault == nil {
			return nil, err
		}
		d.History = h.Items
	}
	var now sourceOut
	if d.File != "" {
		var err error
		if now, err = ask[sourceOut](v, "parley.service.source", in); err != nil && v.fault == nil && len(d.History) == 0 {
			return nil, err
		}
		d.Services = now.Services
	}
	d.New, d.Source = now.File == "" && d.At == 0, now.Source
	switch {
	case d.At > 0:
		old, err := ask[sourceOut](v, "parley.service.source", map[string]any{"name": d.File, "revision": d.At})
		if err != nil {
			return nil, err
		}
		d.Source = old.Source
		if old.Source != now.Source {
			d.Changes = changes(now.Source, old.Source, 3)
		}
	case d.New && v.fault == nil:
		v.title, d.Source = "Deploy a file", newSource
	}
	if v.fault != nil && v.PostForm.Has("source") {
		d.Source = plain(v.PostFormValue("source"))
		said, first := refusals(service.AsError(v.fault).Message, d.File)
		d.Line, d.Refused = first, around(numbered(d.Source, said), 3)
	}
	d.Lines = numbered(d.Source, nil)
	return d, nil
}

// plain is a text as it was before a browser gave its lines other ends.
func plain(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

// deployed is what the services that deploy answer.
type deployed struct {
	Revision       int64
	Services, Gone []string
	Idle, Silent   []string
	Servers        []struct {
		Server string
		OK     bool `sio:"ok"`
		Error  string
	}
}

func actFile(v *visit) (string, error) {
	name := v.PostFormValue("name")
	var out deployed
	var err error
	switch v.PostFormValue("do") {
	case "roll-back":
		revision, _ := strconv.ParseInt(v.PostFormValue("revision"), 10, 64) // 0 is refused
		out, err = ask[deployed](v, "parley.service.roll-back", map[string]any{"name": name, "revision": revision})
	case "undeploy":
		if out, err = ask[deployed](v, "parley.service.undeploy", map[string]any{"names": []string{name}}); err != nil {
			return "", err
		}
		v.session.say(fmt.Sprintf("%s is undeployed, at revision %d. It can be rolled back to.", name, out.Revision))
		return "/services", nil
	default:
		file := map[string]any{"name": name, "source": plain(v.PostFormValue("source"))}
		out, err = ask[deployed](v, "parley.service.deploy", map[string]any{"files": []any{file}})
	}
	if err != nil {
		return "", err
	}
	v.session.say(out.told(name))
	return "/file?name=" + url.QueryEscape(name), nil
}

// told is what became of a deployment.
func (o deployed) told(file string) string {
	var b strings.Builder
	served, behind := 0, []string{}
	for _, s := range o.Servers {
		if s.OK {
			served++
		} else {
			behind = append(behind, s.Server+": "+s.Error)
		}
	}
	fmt.Fprintf(&b, "%s is deployed: revision %d, on %d of %d servers.", file, o.Revision, served, len(o.Servers))
	for _, one := range []struct {
		what string
		who  []string
	}{{"Not on", behind}, {"Silent, so that nobody knows", o.Silent}, {"Gone", o.Gone}} {
		if len(one.who) > 0 {
			fmt.Fprintf(&b, " %s: %s.", one.what, strings.Join(one.who, "; "))
		}
	}
	if len(o.Idle) > 0 {
		b.WriteString(" It declares no service, and no other file names it.")
	}
	return b.String()
}
