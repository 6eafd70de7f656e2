package dashboard

import "time"

func auditPage() page {
	return page{
		path: "/audit", title: "Audit", section: "Audit", template: auditTemplate, show: showAudit, act: actAudit,
		calls: []string{"parley.audit.list", "parley.audit.verify"},
	}
}

const auditTemplate = `
{{with .Page}}
<div class="head"><div><h1>Audit</h1><p class="dim">Every write to the catalog, newest first. Each row is chained to all before it.</p></div>
{{if .Verifies}}<form method="post" action="/audit">{{template "token" $}}<button class="primary">Verify the chain</button></form>{{end}}</div>
{{with .Check}}
{{if .Problems}}<div class="alert bad" role="alert"><p><b>It was tampered with.</b></p><ul>{{range .Problems}}<li>{{.}}</li>{{end}}</ul></div>
{{else}}<div class="alert good" role="status"><p><b>Nothing was tampered with.</b> {{count .Rows}} rows up to revision {{count .Revision}}.{{if .Unchained}} The newest {{count .Unchained}} are not chained yet.{{end}}</p>{{if .Chain}}<p class="hint">Note this chain elsewhere, and <code>parley audit verify --chain</code> can tell later that nothing before was written anew: <code>{{.Chain}}</code></p>{{end}}</div>{{end}}
{{end}}
<form class="bar-form" role="search" method="get" action="/audit">
<div class="field"><label for="kind">Kind</label><input id="kind" name="kind" value="{{.Kind}}" autocomplete="off" spellcheck="false" placeholder="service_file"></div>
<div class="field wide"><label for="name">Name</label><input id="name" name="name" value="{{.Name}}" autocomplete="off" spellcheck="false"></div>
<button>Show</button></form>
{{if .Rows}}
<div class="table"><table>
<thead><tr><th class="num">Revision</th><th>When (UTC)</th><th>Who</th><th>What</th><th>CID</th></tr></thead>
<tbody>{{range .Rows}}<tr><td class="num">{{count .Revision}}</td><td class="short"><time datetime="{{stamp .At}}">{{at .At}}</time></td><td>{{.Who}}</td>
<td>{{range .Changes}}<span class="change"><span class="tag">{{.Action}}</span> {{if eq .Kind "service_file"}}<a href="/file?name={{.Name}}">{{.Name}}</a>{{else if eq .Action "put"}}<a href="/object?kind={{.Kind}}&amp;name={{.Name}}">{{.Name}}</a>{{else}}{{.Name}}{{end}} <small class="mono">{{.Kind}} {{if .HashBefore}}{{printf "%.8s" .HashBefore}}{{else}}–{{end}} → {{if .HashAfter}}{{printf "%.8s" .HashAfter}}{{else}}–{{end}}</small></span>{{else}}{{.What}}{{end}}</td>
<td class="mono">{{if .CID}}<a href="/logs?cid={{.CID}}">{{printf "%.8s" .CID}}</a>{{end}}</td></tr>
{{end}}</tbody></table></div>
{{if .More}}<p><a class="button small" href="{{.More}}">More</a></p>{{end}}
{{else}}<p class="empty"><b>No writes</b>{{if or .Kind .Name}}None was to such an object. <a href="/audit">Show all</a>{{else}}The catalog is as it was made.{{end}}</p>{{end}}
{{end}}`

type auditRow struct {
	Revision       int64
	At             time.Time
	Who, What, CID string
	Changes        []struct{ Kind, Name, Action, HashBefore, HashAfter string }
}

type auditCheck struct {
	Rows, Revision, Unchained int64
	Chain                     string
	Problems                  []string
}

func showAudit(v *visit) (any, error) {
	n := v.number("n", 50, 1000)
	rows, err := ask[[]auditRow](v, "parley.audit.list", map[string]any{"limit": n, "kind": v.query("kind"), "name": v.query("name")})
	if err != nil {
		return nil, err
	}
	more := ""
	if len(rows) == n && n < 1000 {
		q := v.URL.Query()
		q.Set("n", figure(float64(min(1000, n*4))))
		more = "/audit?" + q.Encode()
	}
	check, _ := v.outcome.(*auditCheck)
	return map[string]any{"Kind": v.query("kind"), "Name": v.query("name"), "Rows": rows, "More": more, "Check": check, "Verifies": v.may("parley.audit.verify")}, nil
}

func actAudit(v *visit) (string, error) {
	check, err := ask[auditCheck](v, "parley.audit.verify", nil)
	v.outcome = &check
	return "", err
}
