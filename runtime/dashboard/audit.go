package dashboard

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

func auditPage() page {
	return page{
		path: "/audit", title: "Audit", section: "Audit", template: auditTemplate, show: showAudit, act: actAudit,
		calls: []string{"parley.audit.list", "parley.audit.verify"},
	}
}

const auditTemplate = `
{{with .Page}}
<div class="head"><h1>Audit</h1>{{if .Verifies}}<form method="post" action="/audit">{{template "token" $}}<button class="primary" name="do" value="verify">Verify the log</button></form>{{end}}</div>
{{with .Check}}
{{if .Problems}}<div class="alert bad" role="alert"><p><b>Somebody changed the audit log, or the catalog without it.</b></p><ul class="inset">{{range .Problems}}<li>{{.}}</li>{{end}}</ul></div>
{{else}}<div class="alert good" role="status"><p><b>Nothing was tampered with.</b> {{plural .Rows "write" "writes"}} up to revision {{count .Revision}}, each chained to those before it.{{if .Unchained}} The newest {{.Unchained}} were written by servers of an older release: nothing vouches for them until the next write.{{end}}</p>
{{if .Chain}}<p>Note this chain somewhere else; given back below, it shows that nothing before was written anew: <code>{{.Chain}}</code></p>{{end}}</div>{{end}}
{{end}}
<form class="bar-form" role="search" method="get" action="/audit">
<div class="field"><label for="kind">Kind</label><input id="kind" name="kind" type="search" value="{{.Kind}}" list="kinds" placeholder="service_file, channel_rest" autocomplete="off" spellcheck="false" autocapitalize="none"><datalist id="kinds">{{range .Kinds}}<option value="{{.}}">{{end}}</datalist></div>
<div class="field wide"><label for="name">Name</label><input id="name" name="name" type="search" value="{{.Name}}" autocomplete="off" spellcheck="false"></div>
<button>Show</button>{{if or .Kind .Name}}<a class="button" href="/audit">All</a>{{end}}</form>
{{if .Rows}}<div class="table"><table>
<thead><tr><th class="num">Revision</th><th>When (UTC)</th><th>Who</th><th>What</th><th>CID</th></tr></thead>
<tbody>{{range .Rows}}<tr><td class="num"><a href="/audit/change?revision={{.Revision}}" aria-label="Revision {{.Revision}}">{{count .Revision}}</a></td><td class="short"><time datetime="{{stamp .At}}">{{at .At}}</time></td><td>{{.Who}}</td>
<td>{{if .Few}}<ul class="objects">{{range .Few}}<li><span class="state {{.Class}}">{{.Did}}</span> {{.Name}} <span class="tag">{{.Kind}}</span></li>{{end}}{{if .More}}<li><a href="/audit/change?revision={{.Revision}}">and {{.More}} more</a></li>{{end}}</ul>{{else}}{{.What}}{{end}}</td><td class="mono">{{if .CID}}<a href="/logs?cid={{.CID}}">{{.CID}}</a>{{else}}–{{end}}</td></tr>
{{end}}</tbody></table></div>
{{if .Older}}<nav class="row" aria-label="Pages"><a class="button small" rel="next" href="{{.Older}}">Older</a></nav>{{end}}
{{else}}<p class="empty"><b>{{if or .Kind .Name}}No write to such an object{{else}}Nothing was written yet{{end}}</b>{{if or .Kind .Name}}Kinds are called as in the list of kinds; service files are service_file. <a href="/audit">Show all</a>{{else}}Every change of the catalog will stand here.{{end}}</p>{{end}}
{{if .Verifies}}<details><summary>Verify against a chain that was noted</summary><form class="bar-form" method="post" action="/audit">{{template "token" $}}<div class="field wide"><label for="chain">Chain</label><input id="chain" name="chain" class="mono" autocomplete="off" spellcheck="false" autocapitalize="none" required></div><button name="do" value="verify">Verify</button></form></details>{{end}}
{{end}}`

// auditRow is a write of parley.audit.list.
type auditRow struct {
	Revision int64
	At       time.Time
	Who      string
	What     string
	CID      string `sio:"cid"`
	Chain    string
	Changes  []auditChange
}

type auditChange struct {
	Kind, Name, Action    string
	HashBefore, HashAfter string
}

// Did is what became of the object.
func (c auditChange) Did() string {
	switch {
	case c.Action == "delete":
		return "deleted"
	case c.HashBefore == "":
		return "made"
	case c.HashBefore == c.HashAfter:
		return "unchanged"
	}
	return "changed"
}

// Class is its colour.
func (c auditChange) Class() string {
	switch c.Did() {
	case "deleted":
		return "bad"
	case "made":
		return "good"
	}
	return "warn"
}

// fewChanges is how many changes of a write a list names.
const fewChanges = 3

// Few are the first changes.
func (r auditRow) Few() []auditChange { return r.Changes[:min(len(r.Changes), fewChanges)] }

// More is how many there are beside them.
func (r auditRow) More() int { return max(0, len(r.Changes)-fewChanges) }

type auditCheck struct {
	Rows, Unchained int
	Revision        int64
	Chain           string
	Problems        []string
}

type auditData struct {
	Kind, Name string
	Kinds      []string
	Rows       []auditRow
	Older      string
	Verifies   bool
	Check      *auditCheck
}

func showAudit(v *visit) (any, error) {
	d := auditData{Kind: strings.TrimSpace(v.query("kind")), Name: strings.TrimSpace(v.query("name")), Verifies: v.may("parley.audit.verify")}
	d.Check, _ = v.outcome.(*auditCheck) // nil: none was asked for
	before, _ := strconv.ParseInt(v.query("before"), 10, 64)
	upTo := int64(0)
	if before > 1 {
		upTo = before - 1
	}
	rows, err := ask[[]auditRow](v, "parley.audit.list", map[string]any{"limit": perPage + 1, "kind": d.Kind, "name": d.Name, "up_to": upTo})
	if err != nil {
		return nil, err
	}
	if len(rows) > perPage {
		rows = rows[:perPage]
		with := url.Values{"before": {fmt.Sprint(rows[perPage-1].Revision)}}
		for name, value := range map[string]string{"kind": d.Kind, "name": d.Name} {
			if value != "" {
				with.Set(name, value)
			}
		}
		d.Older = "/audit?" + with.Encode()
	}
	d.Rows = rows
	seen := map[string]bool{}
	for _, r := range rows {
		for _, c := range r.Changes {
			if !seen[c.Kind] {
				seen[c.Kind] = true
				d.Kinds = append(d.Kinds, c.Kind)
			}
		}
	}
	return d, nil
}

func actAudit(v *visit) (string, error) {
	check, err := ask[auditCheck](v, "parley.audit.verify", map[string]any{"chain": strings.TrimSpace(v.PostFormValue("chain"))})
	if err != nil {
		return "", err
	}
	v.outcome = &check
	return "", nil
}

func auditChangePage() page {
	return page{
		path: "/audit/change", title: "One write", section: "Audit", template: auditChangeTemplate, show: showAuditChange,
		calls: []string{"parley.audit.list", "parley.service.source", "parley.service.history"},
	}
}

const auditChangeTemplate = `
{{with .Page}}
<div class="head"><div><p class="crumbs"><a href="/audit">Audit</a></p><h1>Revision {{count .Row.Revision}}</h1></div></div>
<dl class="pairs card pad"><dt>When</dt><dd>{{at .Row.At}} UTC</dd><dt>Who</dt><dd>{{.Row.Who}}</dd><dt>What</dt><dd>{{.Row.What}}</dd>
<dt>CID</dt><dd class="mono">{{if .Row.CID}}<a href="/logs?cid={{.Row.CID}}">{{.Row.CID}}</a>{{else}}–{{end}}</dd><dt>Chain</dt><dd class="mono">{{if .Row.Chain}}{{.Row.Chain}}{{else}}not chained{{end}}</dd></dl>
{{range .Changes}}<section>
<div class="head"><h2><span class="state {{.Class}}">{{.Did}}</span> {{.Name}} <span class="tag">{{.Kind}}</span></h2><div class="row"><a class="button small" href="/audit?kind={{.Kind}}&amp;name={{.Name}}">All writes to it</a>{{with .Path}}<a class="button small" href="{{.}}">As it is now</a>{{end}}</div></div>
<dl class="pairs card pad"><dt>Before</dt><dd class="mono">{{if .HashBefore}}{{.HashBefore}}{{else}}not there{{end}}</dd><dt>After</dt><dd class="mono">{{if .HashAfter}}{{.HashAfter}}{{else}}not there{{end}}</dd></dl>
{{if .Lines}}{{template "source" .Lines}}{{else}}<p class="hint">{{.Why}}</p>{{end}}
</section>{{else}}<p class="empty"><b>It changed no object</b>Such a write is an operator's word on a restored database.</p>{{end}}
{{with .Hidden}}<p class="dim">And {{.}} more, not shown here.</p>{{end}}
{{end}}`

// changeShown is a change with what was before and after it, where that is kept.
type changeShown struct {
	auditChange
	Path  string
	Lines []sourceLine
	Why   string // there are no lines
}

// mostChanges is how many changes of one write a page shows.
const mostChanges = 100

func showAuditChange(v *visit) (any, error) {
	revision, err := strconv.ParseInt(v.query("revision"), 10, 64)
	if err != nil || revision < 1 {
		return nil, service.Errorf(service.Invalid, "revision: expected the number of a write, not %q", v.query("revision"))
	}
	v.title = fmt.Sprintf("Revision %d", revision)
	rows, err := ask[[]auditRow](v, "parley.audit.list", map[string]any{"limit": 1, "up_to": revision})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || rows[0].Revision != revision {
		return nil, service.Errorf(service.NotFound, "no write of revision %d is in the audit log", revision)
	}
	d := struct {
		Row     auditRow
		Changes []changeShown
		Hidden  int
	}{Row: rows[0], Hidden: max(0, len(rows[0].Changes)-mostChanges)}
	for _, c := range rows[0].Changes[:len(rows[0].Changes)-d.Hidden] {
		d.Changes = append(d.Changes, shownChange(v, c, revision))
	}
	return d, nil
}

// shownChange adds the sources of a service file. Of other objects the catalog keeps nothing but what they are now.
func shownChange(v *visit, c auditChange, revision int64) changeShown {
	out := changeShown{auditChange: c, Why: "Of definitions the log keeps hashes, not what was in them: that may be secret."}
	if c.Kind != "service_file" {
		if c.Action != "delete" {
			out.Path = "/object?kind=" + url.QueryEscape(c.Kind) + "&name=" + url.QueryEscape(c.Name)
		}
		return out
	}
	out.Path = "/file?name=" + url.QueryEscape(c.Name)
	if !v.may("parley.service.source") || !v.may("parley.service.history") {
		out.Why = "Your role may not read sources."
		return out
	}
	at := func(hash string, revision int64) (string, error) {
		if hash == "" {
			return "", nil
		}
		if revision == 0 {
			return "", service.Errorf(service.NotFound, "nobody knows its revision")
		}
		s, err := ask[sourceOut](v, "parley.service.source", map[string]any{"name": c.Name, "revision": revision})
		return s.Source, err
	}
	earlier, err := revisionBefore(v, c.Name, revision)
	if err != nil {
		out.Why = service.AsError(err).Error()
		return out
	}
	before, err := at(c.HashBefore, earlier)
	if err != nil {
		out.Why = "What it said before is not kept any more."
		return out
	}
	after, err := at(c.HashAfter, revision)
	if err != nil {
		out.Why = "What it said after is not kept any more."
		return out
	}
	switch {
	case before == after:
		out.Why = "Both say the same."
	case before == "":
		out.Lines = wholly(after, "add")
	case after == "":
		out.Lines = wholly(before, "del")
	default:
		out.Lines = changes(before, after, 3)
	}
	return out
}

// revisionBefore is the revision of what a service file said before another one; 0: nothing that is known.
func revisionBefore(v *visit, file string, revision int64) (before int64, err error) {
	h, err := ask[struct{ Items []deployment }](v, "parley.service.history", map[string]any{"name": file})
	for _, one := range h.Items {
		if one.Revision < revision && one.Action != "delete" {
			before = max(before, one.Revision)
		}
	}
	return before, err
}

// wholly is a source of which all was added or deleted.
func wholly(source, class string) []sourceLine {
	lines := numbered(source, nil)
	for i := range lines {
		lines[i].Class = class
	}
	return lines
}
