package dashboard

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/parley-run/parley/runtime/service"
)

func configPage() page {
	return page{
		path: "/config", title: "Config as code", section: "Config as code", template: configTemplate, show: showConfig, act: actConfig,
		file:  downloadConfig,
		calls: []string{"parley.enmasse.export", "parley.enmasse.diff", "parley.enmasse.import"},
	}
}

const configTemplate = `
{{with .Page}}
<div class="head"><div><h1>Config as code</h1><p class="dim">All definitions of the cluster as one file, names instead of numbers and never a secret.</p></div></div>
{{if .Diff}}{{$d := .Diff}}
<section aria-label="What an import would do">
<div class="head"><h2>What an import would do</h2><span class="dim">against revision {{count $d.Revision}}</span></div>
{{if $d.Differences}}
<div class="facts"><div class="fact"><b>{{$d.Adds}}</b><span>added</span></div><div class="fact"><b>{{$d.Changes}}</b><span>changed</span></div><div class="fact{{if $d.Deletes}} bad{{end}}"><b>{{$d.Deletes}}</b><span>not in the file</span></div></div>
<div class="table"><table><thead><tr><th>What</th><th>Kind</th><th>Name</th><th>Keys</th></tr></thead>
<tbody>{{range $d.Differences}}<tr><td><span class="state {{.Class}}">{{.Does}}</span></td><td class="mono">{{.Kind}}</td><th scope="row">{{.Name}}</th><td>{{range .Keys}}<div class="was"><code>{{.Key}}</code> <del>{{if .Before}}{{.Before}}{{else}}–{{end}}</del> → <ins>{{if .After}}{{.After}}{{else}}–{{end}}</ins></div>{{end}}</td></tr>
{{end}}</tbody></table></div>
{{else}}<p class="alert good" role="status"><b>Nothing.</b> The catalog holds what the file says.</p>{{end}}
{{if $d.LeftOut}}<div class="alert warn"><p><b>Left out, for it has no counterpart here</b></p><ul class="inset">{{range $d.LeftOut}}<li>{{.}}</li>{{end}}</ul></div>{{end}}
{{if and $d.Differences .Imports}}
<form class="fields" method="post" action="/config">{{template "token" $}}<input type="hidden" name="content" value="{{.Content}}"><input type="hidden" name="name" value="{{.FileName}}"><input type="hidden" name="dialect" value="{{.Dialect}}"><input type="hidden" name="revision" value="{{$d.Revision}}"><input type="hidden" name="deletes" value="{{$d.Deletes}}">
{{if $d.Deletes}}<label class="row check"><input type="checkbox" name="prune" value="1"> Delete the {{plural $d.Deletes "definition that is" "definitions that are"}} not in the file (prune)</label>{{end}}
<div class="row"><button class="primary" name="do" value="import">Import</button><a class="button" href="/config">Leave it</a></div></form>
{{end}}
</section>
{{end}}
<div class="cols">
<section class="card pad"><h2>Export</h2><p>Secrets stand in it as <code>(kept)</code> or as references.</p>
<div class="row"><a class="button primary" id="export" href="/config/download?format=yaml" download>Download YAML</a><a class="button" href="/config/download?format=json" download>Download JSON</a></div>
{{if .Export}}<p class="dim">{{plural .Lines "line" "lines"}} at revision {{count .Revision}}.</p><pre class="tall" tabindex="0" aria-label="Export">{{.Export}}</pre>{{else}}<p><a href="/config?read=1">Read it here</a></p>{{end}}</section>
{{if .Diffs}}<section class="card pad"><h2>Import</h2><p>What a file would do is shown first; nothing changes until you import it then.</p>
<form class="fields" method="post" action="/config" enctype="multipart/form-data">{{template "token" $}}
<div class="field"><label for="file">A file</label><input id="file" name="file" type="file" accept=".yaml,.yml,.json"></div>
<div class="field"><label for="content">or its text</label><textarea class="code" id="content" name="content" rows="10" spellcheck="false" autocomplete="off" data-save>
{{.Content}}</textarea></div>
<div class="field"><label for="dialect">Written for</label><select id="dialect" name="dialect"><option value="">Parley</option><option value="zato"{{if eq .Dialect "zato"}} selected{{end}}>Zato</option></select></div>
<div class="row"><button class="primary" name="do" value="diff">Show what would change</button></div></form></section>
{{else}}<section class="card pad"><h2>Import</h2><p class="dim">Your role may read the configuration, and not change it.</p></section>{{end}}
</div>
{{end}}`

// difference is what becomes of one definition.
type difference struct {
	Kind, Name, Action string
	Keys               []struct{ Key, Before, After string }
}

// Does is the action in a word: nothing is deleted unless that is chosen.
func (d difference) Does() string {
	switch d.Action {
	case "add":
		return "added"
	case "change":
		return "changed"
	}
	return "not in the file"
}

// Class is its colour.
func (d difference) Class() string {
	switch d.Action {
	case "add":
		return "good"
	case "change":
		return "warn"
	}
	return "bad"
}

type differences struct {
	Revision               int64
	Differences            []difference
	LeftOut                []string
	Adds, Changes, Deletes int `sio:"-"`
}

type configData struct {
	Revision                   int64
	Export                     string
	Lines                      int
	Diffs, Imports             bool
	Diff                       *differences
	Content, FileName, Dialect string
}

type exported struct {
	Revision int64
	Content  string
}

func showConfig(v *visit) (any, error) {
	d := configData{Diffs: v.may("parley.enmasse.diff"), Imports: v.may("parley.enmasse.import")}
	if v.query("read") != "" { // of a large cluster it is long
		out, err := ask[exported](v, "parley.enmasse.export", map[string]any{"format": "yaml"})
		if err != nil {
			return nil, err
		}
		d.Revision, d.Export, d.Lines = out.Revision, out.Content, strings.Count(out.Content, "\n")
	}
	if given, ok := v.outcome.(given); ok {
		d.Diff, d.Content, d.FileName, d.Dialect = given.diff, given.content, given.name, given.dialect
	}
	return d, nil
}

// given is a file that somebody gave, and what it would do.
type given struct {
	name, content, dialect string
	diff                   *differences // nil: it was refused
}

// givenBy reads the form.
func givenBy(v *visit) (given, error) {
	g := given{name: "pasted.yaml", content: plain(v.PostFormValue("content")), dialect: v.PostFormValue("dialect")}
	if name := v.PostFormValue("name"); name != "" {
		g.name = name
	}
	file, header, err := v.FormFile("file")
	switch {
	case errors.Is(err, http.ErrMissingFile), errors.Is(err, http.ErrNotMultipart):
	case err != nil:
		return g, service.Errorf(service.Invalid, "the file could not be read: %v", err)
	case header.Size > 0:
		defer func() { _ = file.Close() }() // it was read
		raw, err := io.ReadAll(file)
		if err != nil {
			return g, fmt.Errorf("read what was sent: %w", err)
		}
		if !utf8.Valid(raw) {
			return g, service.Errorf(service.Invalid, "%s is not text in UTF-8; expected YAML or JSON", header.Filename)
		}
		g.name, g.content = header.Filename, string(raw)
	}
	if strings.TrimSpace(g.content) == "" {
		return g, service.Errorf(service.Invalid, "no file was given; choose one, or paste its text")
	}
	return g, nil
}

// in is the file as the services want it.
func (g given) in() map[string]any {
	return map[string]any{"files": []any{map[string]any{"name": g.name, "content": g.content}}, "dialect": g.dialect}
}

func (g *given) compare(v *visit) error {
	d, err := ask[differences](v, "parley.enmasse.diff", g.in())
	if err != nil {
		return err
	}
	for _, one := range d.Differences {
		switch one.Action {
		case "add":
			d.Adds++
		case "change":
			d.Changes++
		default:
			d.Deletes++
		}
	}
	g.diff = &d
	return nil
}

func actConfig(v *visit) (string, error) {
	g, err := givenBy(v)
	v.outcome = g
	if err != nil {
		return "", err
	}
	if err := g.compare(v); err != nil {
		return "", err
	}
	v.outcome = g
	if v.PostFormValue("do") != "import" {
		return "", nil
	}
	// What was looked at is what is imported: where the catalog has moved since, it is shown again.
	if v.PostFormValue("revision") != fmt.Sprint(g.diff.Revision) {
		return "", service.Errorf(service.Conflict, "somebody changed the catalog since; this is what the file would do now")
	}
	in := g.in()
	if v.PostFormValue("prune") != "" {
		if v.PostFormValue("deletes") != fmt.Sprint(g.diff.Deletes) {
			return "", service.Errorf(service.Conflict, "other definitions would be deleted than were shown; this is what the file would do now")
		}
		in["prune"], in["deletes"] = true, g.diff.Deletes
	}
	type named struct{ Kind, Name string }
	out, err := ask[struct {
		Revision                  int64
		Created, Updated, Deleted []named
		Behind                    []string
	}](v, "parley.enmasse.import", in)
	if err != nil {
		return "", err
	}
	note := fmt.Sprintf("Imported, at revision %d: %d created, %d updated, %d deleted.", out.Revision, len(out.Created), len(out.Updated), len(out.Deleted))
	if len(out.Behind) > 0 {
		note += " Not served yet by " + strings.Join(out.Behind, "; ") + "."
	}
	v.session.say(note)
	return "/config", nil
}

func downloadConfig(v *visit) (download, error) {
	format := v.query("format")
	if format == "" {
		format = "yaml"
	}
	out, err := ask[exported](v, "parley.enmasse.export", map[string]any{"format": format})
	if err != nil {
		return download{}, err
	}
	kind := map[string]string{"yaml": "application/yaml", "json": "application/json"}[format]
	return download{fmt.Sprintf("parley-%d.%s", out.Revision, format), kind, []byte(out.Content)}, nil
}
