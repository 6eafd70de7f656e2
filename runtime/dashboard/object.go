package dashboard

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

func objectPage() page {
	return page{
		path: "/object", title: "Definition", template: objectTemplate, show: showObject, act: actObject,
		calls: []string{
			"parley.object.get", "parley.kinds.list", "parley.object.create", "parley.object.edit", "parley.object.delete", "parley.object.list",
			"parley.service.list", "parley.outconn.ping", "parley.cache.clear",
		},
	}
}

const objectTemplate = `
{{with .Page}}
<div class="head"><div><p class="crumbs"><a href="{{.Back}}">{{.BackTitle}}</a> / <span class="mono">{{.Kind.Name}}</span></p><h1>{{if .New}}New {{.One}}{{else}}{{.Name}}{{end}}</h1><p class="dim">{{.Kind.Doc}}</p></div>
<div class="row">{{if .Service}}<a class="button" href="/service?name={{.Service}}">Its service</a>{{end}}
{{if .Keeps}}<form method="post" action="/object">{{template "token" $}}<input type="hidden" name="kind" value="{{.Kind.Name}}"><input type="hidden" name="name" value="{{.Name}}"><button name="do" value="forget">Drop kept replies</button></form>{{end}}
{{if .Pings}}<form method="post" action="/object">{{template "token" $}}<input type="hidden" name="kind" value="{{.Kind.Name}}"><input type="hidden" name="name" value="{{.Name}}"><button name="do" value="ping">Ping</button></form>{{end}}</div></div>
{{if .Writes}}
<form class="fields card pad" method="post" action="/object">{{template "token" $}}<input type="hidden" name="kind" value="{{.Kind.Name}}"><button class="enter" tabindex="-1" aria-hidden="true">Save</button>
{{if .New}}<input type="hidden" name="new" value="1"><div class="field"><label for="name">name <span class="dim">(required)</span></label><input id="name" name="name" value="{{.Name}}" required autocomplete="off" spellcheck="false"></div>
{{else}}<input type="hidden" name="name" value="{{.Name}}">{{end}}
{{range .Fields}}{{template "input" .}}{{end}}
{{if .More}}<details{{if .Open}} open{{end}}><summary>{{plural (len .More) "more key" "more keys"}}, with defaults that usually do</summary><div class="fields">{{range .More}}{{template "input" .}}{{end}}</div></details>{{end}}
<div class="row"><button class="primary" name="do" value="save">{{if .New}}Make it{{else}}Save{{end}}</button><span class="hint">Checked as a whole; what is refused changes nothing.</span></div>
</form>
{{if .New}}{{with .Kind.Example}}<details class="card pad"><summary>An example, as a file has it</summary><pre>{{$.Page.Kind.Name}}:
{{.}}</pre></details>{{end}}{{end}}
{{else}}<dl class="pairs card pad">{{range .Fields}}<dt class="mono">{{.Label}}</dt><dd>{{if eq .As "password"}}<span class="dim">{{.Placeholder}}</span>{{else}}{{.Value}}{{end}}</dd>{{end}}</dl>{{end}}
{{if .Deletes}}<form method="post" action="/object">{{template "token" $}}<input type="hidden" name="kind" value="{{.Kind.Name}}"><input type="hidden" name="name" value="{{.Name}}"><button class="danger" name="do" value="delete" data-sure="Delete {{.Name}}?">Delete</button></form>{{end}}
{{end}}` + inputTemplate

type objectData struct {
	Kind                   kindInfo
	Name, Service          string
	Back, BackTitle, One   string
	New, Open              bool
	Fields, More           []input
	Writes, Deletes, Pings bool
	Keeps                  bool // replies, for a while
}

// kept is what an export says in place of a secret.
const kept = "(kept)"

func showObject(v *visit) (any, error) {
	kinds, kind, g, err := kindNamed(v, v.sent("kind"))
	if err != nil {
		return nil, err
	}
	d := objectData{Kind: kind, Name: v.sent("name"), New: v.sent("new") != "", Back: g.path, BackTitle: g.title, One: g.one}
	v.section = g.title
	config := service.NewObject(0)
	if d.New {
		v.title = "New " + g.one
		d.Writes = v.may("parley.object.create")
		for _, f := range kind.Fields {
			if value, err := fromJSON(f.Default); err == nil {
				config.Set(f.Name, value)
			}
			if given := v.query(f.Name); given != "" {
				config.Set(f.Name, given)
			}
		}
	} else {
		v.title = d.Name
		out, err := ask[struct{ Config any }](v, "parley.object.get", map[string]any{"kind": kind.Name, "name": d.Name})
		if err != nil {
			return nil, err
		}
		config, _ = out.Config.(*service.Object)
		d.Service = config.Text("service")
		d.Writes, d.Deletes = v.may("parley.object.edit"), v.may("parley.object.delete")
		d.Pings = g.of == "outconns" && v.may("parley.outconn.ping")
		expiry := config.Value("cache_expiry")
		d.Keeps = g.of == "channels" && expiry != nil && expiry != int64(0) && v.may("parley.cache.clear")
	}
	there := namesFor(v, kinds, kind)
	faults := faultsOf(v.fault, kind, d.Name)
	for _, f := range kind.Fields {
		if len(f.Choices) == 1 {
			continue // there is nothing to choose
		}
		in := f.input(config, v.PostForm, there)
		in.blame(faults)
		if !d.Writes || f.Required || !f.isUsual(config) || f.Secret && g.credentials || slices.Contains(firstKeys(), f.Name) {
			d.Fields = append(d.Fields, in)
		} else {
			d.More = append(d.More, in)
		}
	}
	if len(d.More) <= fewKeys {
		d.Fields, d.More = append(d.Fields, d.More...), nil
	}
	d.Open = v.fault != nil || moves(v.PostFormValue("do"))
	return d, nil
}

// fewKeys are not worth being folded away.
const fewKeys = 6

// firstKeys stand above all others, default or not: they are what people come for.
func firstKeys() []string {
	return []string{"is_active", "service", "security", "data_format", "host", "url_path", "address", "method", "username"}
}

// isUsual says that a config has a field as it is by default.
func (f kindField) isUsual(config *service.Object) bool {
	value, ok := config.Get(f.Name)
	return !ok || inJSON(value, false) == f.Default
}

// kindNamed is the kind of that name, and its group; all are all kinds.
func kindNamed(v *visit, name string) (all []kindInfo, kind kindInfo, of group, err error) {
	kinds, err := ask[[]kindInfo](v, "parley.kinds.list", nil)
	if err != nil {
		return nil, kindInfo{}, group{}, err
	}
	i := slices.IndexFunc(kinds, func(k kindInfo) bool { return k.Name == name })
	if i < 0 {
		return nil, kindInfo{}, group{}, service.Errorf(service.NotFound, "there is no kind %q", name)
	}
	for _, g := range groups() {
		if g.of == kinds[i].Group {
			return kinds, kinds[i], g, nil
		}
	}
	return kinds, kinds[i], group{path: "/", title: "Definitions", one: "definition"}, nil
}

// moves says that a form asks for a row more or less, and for nothing else.
func moves(do string) bool { return strings.HasPrefix(do, addRow) || strings.HasPrefix(do, lessRow) }

func actObject(v *visit) (string, error) {
	_, kind, g, err := kindNamed(v, v.PostFormValue("kind"))
	if err != nil {
		return "", err
	}
	name := v.PostFormValue("name")
	here := "/object?" + url.Values{"kind": {kind.Name}, "name": {name}}.Encode()
	switch v.PostFormValue("do") {
	case "ping":
		return here, ping(v, name)
	case "forget":
		return here, forget(v, name)
	case "delete":
		if _, err := ask[any](v, "parley.object.delete", map[string]any{"kind": kind.Name, "name": name}); err != nil {
			return "", err
		}
		v.session.say(fmt.Sprintf("%s is deleted.", name))
		return g.path, nil
	}
	if moves(v.PostFormValue("do")) {
		return "", nil // the form again, with a row more or less
	}
	config, err := typedConfig(kind, v.PostForm)
	if err != nil {
		return "", err
	}
	call := "parley.object.edit"
	if v.PostFormValue("new") != "" {
		call = "parley.object.create"
	}
	out, err := ask[struct {
		Revision int64
		Behind   []string
	}](v, call, map[string]any{"kind": kind.Name, "name": name, "config": config})
	if err != nil {
		return "", err
	}
	note := fmt.Sprintf("%s is saved, at revision %d.", name, out.Revision)
	if len(out.Behind) > 0 {
		note += " Not served by " + strings.Join(out.Behind, "; ") + "."
	}
	v.session.say(note)
	return here, nil
}
