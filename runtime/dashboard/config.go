package dashboard

import (
	"fmt"
	"io"
	"mime/multipart"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

func configPage() page {
	return page{
		path: "/config", title: "Config as code", section: "Config as code", template: configTemplate, show: showConfig, act: actConfig, file: exportFile,
		calls: []string{"parley.enmasse.export", "parley.enmasse.diff", "parley.enmasse.import"},
	}
}

const configTemplate = `
{{with .Page}}
<div class="head"><div><h1>Config as code</h1><p class="dim">All definitions as one file (enmasse). Secrets are in it as references, or as (kept), and never as they are.</p></div>
<div class="row"><a class="button" href="/config/download?format=json">Export JSON</a><a class="button primary" href="/config/download" id="export">Export YAML</a></div></div>
{{with .Diff}}
<section aria-label="What would change">
<div class="head"><h2>What an import would do</h2><span class="dim">against revision {{count .Revision}}</span></div>
{{if .Differences}}<div class="table"><table>
<thead><tr><th></th><th>Name</th><th>Kind</th><th>Key</th><th>Before</th><th>After</th></tr></thead>
<tbody>{{range .Differences}}{{$d := .}}{{range $i, $k := .Keys}}<tr><td>{{if not $i}}<span class="state warn">change</span>{{end}}</td><th scope="row">{{if not $i}}{{$d.Name}}{{end}}</th><td class="mono">{{if not $i}}{{$d.Kind}}{{end}}</td><td class="mono">{{.Key}}</td><td class="mono wrap">{{.Before}}</td><td class="mono wrap">{{.After}}</td></tr>
{{else}}<tr><td><span class="state {{if eq .Action "add"}}good{{else}}bad{{end}}">{{.Action}}</span></td><th scope="row">{{.Name}}</th><td class="mono">{{.Kind}}</td><td colspan="3" class="dim">{{if eq .Action "delete"}}only where you ask for it below{{end}}</td></tr>{{end}}{{end}}</tbody>
</table></div>
{{else}}<p class="empty"><b>Nothing</b>The file and the catalog say the same.</p>{{end}}
{{if .LeftOut}}<div class="alert warn"><p><b>Left out</b></p><ul>{{range .LeftOut}}<li>{{.}}</li>{{end}}</ul></div>{{end}}
{{if and .Differences $.Page.Imports}}
<form class="row" method="post" action="/config">{{template "token" $}}<input type="hidden" name="name" value="{{$.Page.Name}}"><input type="hidden" name="dialect" value="{{$.Page.Dialect}}"><input type="hidden" name="content" value="{{$.Page.Content}}"><input type="hidden" name="deletes" value="{{$.Page.Deletes}}">
{{if $.Page.Deletes}}<label><input type="checkbox" name="prune" value="1"> delete {{$.Page.Deletes}} that the file does not name</label>{{end}}
<button class="primary" name="do" value="import">Import</button></form>
{{end}}
</section>
{{end}}
{{if .Diffs}}
<section>
<h2>Import a file</h2>
<form class="fields card pad" method="post" action="/config" enctype="multipart/form-data">{{template "token" $}}
<div class="field"><label for="file">File</label><input id="file" name="file" type="file" accept=".yaml,.yml,.json,application/yaml,application/json"></div>
<div class="field"><label for="content">Or its content</label><textarea class="code" id="content" name="content" rows="10" spellcheck="false">
{{.Content}}</textarea></div>
<div class="field"><label for="dialect">Written for</label><select id="dialect" name="dialect">{{range .Dialects}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}</select></div>
<div class="row"><button name="do" value="diff">Show what would change</button><span class="hint">Nothing is changed by that.</span></div>
</form>
</section>
{{end}}
<details><summary>The catalog as YAML, to read</summary><pre tabindex="0">{{.Export}}</pre></details>
{{end}}`

type configDiff struct {
	Revision    int64
	Differences []struct {
		Kind, Name, Action string
		Keys               []struct{ Key, Before, After string }
	}
	LeftOut []string
}

type exported struct {
	Revision int64
	Content  string
}

func showConfig(v *visit) (any, error) {
	out, err := ask[exported](v, "parley.enmasse.export", nil)
	if err != nil {
		return nil, err
	}
	dialects, dialect := chosen([]option{{"", "Parley", false}, {"zato", "Zato", false}}, v.PostFormValue("dialect"), "")
	name, content, _ := sentFile(v) // act has told what is wrong with it
	d := map[string]any{
		"Export": out.Content, "Diffs": v.may("parley.enmasse.diff"), "Imports": v.may("parley.enmasse.import"),
		"Dialects": dialects, "Dialect": dialect, "Content": content, "Name": name, "Deletes": 0, "Diff": (*configDiff)(nil),
	}
	if diff, ok := v.outcome.(*configDiff); ok {
		deletes := 0
		for _, one := range diff.Differences {
			deletes += btoi(one.Action == "delete")
		}
		d["Diff"], d["Deletes"] = diff, deletes
	}
	return d, nil
}

// sentFile is the file that was chosen, or else what was typed.
func sentFile(v *visit) (name, content string, err error) {
	name, content = v.PostFormValue("name"), plain(v.PostFormValue("content"))
	if name == "" {
		name = "what was typed"
	}
	if v.MultipartForm == nil || len(v.MultipartForm.File["file"]) == 0 {
		return name, content, nil
	}
	header := v.MultipartForm.File["file"][0]
	var f multipart.File
	if f, err = header.Open(); err != nil {
		return name, content, err
	}
	raw, err := io.ReadAll(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if len(raw) == 0 {
		return name, content, err
	}
	return header.Filename, string(raw), err
}

func actConfig(v *visit) (string, error) {
	name, content, err := sentFile(v)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(content) == "" {
		return "", service.Errorf(service.Invalid, "no file was chosen, and nothing was typed")
	}
	in := map[string]any{"files": []any{map[string]any{"name": name, "content": content}}}
	if dialect := v.PostFormValue("dialect"); dialect != "" {
		in["dialect"] = dialect
	}
	if v.PostFormValue("do") != "import" {
		diff, err := ask[configDiff](v, "parley.enmasse.diff", in)
		v.outcome = &diff
		return "", err
	}
	if v.PostFormValue("prune") != "" {
		in["prune"], in["deletes"] = true, number(v.PostFormValue("deletes"))
	}
	out, err := ask[struct {
		Revision                  int64
		Created, Updated, Deleted []struct{ Name string }
		Behind                    []string
	}](v, "parley.enmasse.import", in)
	if err != nil {
		return "", err
	}
	note := fmt.Sprintf("Imported at revision %d: %d created, %d updated, %d deleted.", out.Revision, len(out.Created), len(out.Updated), len(out.Deleted))
	if len(out.Behind) > 0 {
		note += " Not served by " + strings.Join(out.Behind, "; ") + "."
	}
	v.session.say(note)
	return "/config", nil
}

// exportFile is the catalog as a file to keep.
func exportFile(v *visit) (download, error) {
	format, contentType := "yaml", "application/yaml"
	if v.query("format") == "json" {
		format, contentType = "json", "application/json"
	}
	out, err := ask[exported](v, "parley.enmasse.export", map[string]any{"format": format})
	return download{fmt.Sprintf("parley-%d.%s", out.Revision, format), contentType, []byte(out.Content)}, err
}
