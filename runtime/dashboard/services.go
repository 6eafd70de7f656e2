package dashboard

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

func servicesPage() page {
	return page{
		path: "/services", title: "Services", section: "Services", template: servicesTemplate, show: showServices,
		calls: []string{"parley.service.list", "parley.stats.summary"},
	}
}

const servicesTemplate = `
{{with .Page}}
<div class="head"><h1>Services</h1>{{if .Deploys}}<a class="button primary" href="/file">Deploy a file</a>{{end}}</div>
{{if or .All .Query}}
<form class="bar-form" role="search" method="get" action="/services">
<div class="field wide"><label for="q">Name, file or description</label><input id="q" name="q" type="search" value="{{.Query}}" autocomplete="off" spellcheck="false"></div>
<div class="field"><label for="sort">Sorted by</label><select id="sort" name="sort" data-submit>
{{range .Sorts}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}
</select></div>
<button>Search</button>
</form>
{{end}}
{{if .Items}}
<p class="dim">{{plural .Found "service" "services"}}{{if .Query}} of {{count .AllCount}}{{end}}. Figures are of the last hour, over all servers.</p>
<div class="table"><table>
<thead><tr><th>Service</th><th>File</th><th class="num">Requests</th><th class="num">Failed</th><th class="num">Mean</th><th class="num">p95</th><th>Trend</th></tr></thead>
<tbody>
{{range .Items}}<tr><th scope="row"><a href="/service?name={{.Name}}">{{.Name}}</a>{{with .Doc}}<br><small>{{.}}</small>{{end}}</th>
<td>{{if .File}}<a class="mono" href="/file?name={{.File}}">{{.File}}</a>{{else}}<span class="dim">compiled in</span>{{end}}</td>
{{if .Usage}}<td class="num">{{count .Usage}}</td><td class="num">{{if .Errors}}<span class="state bad">{{count .Errors}}</span>{{else}}0{{end}}</td><td class="num">{{ms .MeanMS}}</td><td class="num">{{ms .P95MS}}</td><td>{{trend "requests a minute" .UsageTrend}}</td>
{{else}}<td class="num dim">–</td><td class="num dim">–</td><td class="num dim">–</td><td class="num dim">–</td><td></td>{{end}}</tr>
{{end}}
</tbody></table></div>
{{template "pager" .Pager}}
{{else if .Query}}<p class="empty"><b>No service is called that</b>Nothing has “{{.Query}}” in its name, file or description. <a href="/services">Show all</a></p>
{{else}}<p class="empty"><b>No services yet</b>{{if .Deploys}}<a href="/file">Deploy a file</a>, or copy one{{else}}Copy a file{{end}} into the pickup folder of a server.</p>{{end}}
{{end}}`

// statLine is a line of statistics.
type statLine struct {
	Name                               string
	Usage, Errors                      int64
	Rate                               float64
	MeanMS, MinMS, P50MS, P95MS, P99MS float64
	MaxMS, TimeMS                      float64
	UsageShare, TimeShare              float64
	UsageTrend                         []int64
	MeanTrend                          []float64
}

type listedService struct {
	Name, File, Doc string
	statLine        // its Name is that of the service too
}

type option struct {
	Value, Text string
	Here        bool
}

const perPage = 100

func showServices(v *visit) (any, error) {
	type listed struct{ Name, File, Doc string }
	all, err := ask[[]listed](v, "parley.service.list", nil)
	if err != nil {
		return nil, err
	}
	lines := map[string]statLine{}
	if v.may("parley.stats.summary") {
		// Without statistics the list is worth as much.
		if report, err := ask[struct{ Items []statLine }](v, "parley.stats.summary", map[string]any{"kind": "service", "last": "hour"}); err == nil {
			for _, l := range report.Items {
				lines[l.Name] = l
			}
		}
	}
	query := strings.ToLower(strings.TrimSpace(v.query("q")))
	var found []listedService
	for _, s := range all {
		if query == "" || strings.Contains(strings.ToLower(s.Name+"\n"+s.File+"\n"+s.Doc), query) {
			found = append(found, listedService{s.Name, s.File, s.Doc, lines[s.Name]})
		}
	}
	sorts := []option{{"name", "name", false}, {"usage", "requests", false}, {"mean", "mean time", false}, {"errors", "failed requests", false}}
	by := v.query("sort")
	switch by {
	case "usage":
		slices.SortStableFunc(found, func(a, b listedService) int { return cmp.Compare(b.Usage, a.Usage) })
	case "mean":
		slices.SortStableFunc(found, func(a, b listedService) int { return cmp.Compare(b.MeanMS, a.MeanMS) })
	case "errors":
		slices.SortStableFunc(found, func(a, b listedService) int { return cmp.Compare(b.Errors, a.Errors) })
	default:
		by = "name"
	}
	for i := range sorts {
		sorts[i].Here = sorts[i].Value == by
	}
	from, to, pages := paged(v, len(found), perPage, url.Values{"q": {v.query("q")}, "sort": {by}})
	return struct {
		Query    string
		All      bool
		AllCount int64
		Found    int
		Items    []listedService
		Sorts    []option
		Pager    pager
		Deploys  bool
	}{v.query("q"), len(all) > 0, int64(len(all)), len(found), found[from:to], sorts, pages, v.may("parley.service.deploy")}, nil
}
