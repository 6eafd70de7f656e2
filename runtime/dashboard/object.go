package dashboard

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

func objectPage() page {
	return page{
		path: "/object", title: "Definition", template: objectTemplate, show: showObject, act: actObject,
		calls: []string{"parley.object.get", "parley.kinds.list", "parley.object.create", "parley.object.edit", "parley.object.delete", "parley.outconn.ping"},
	}
}

const objectTemplate = `
{{with .Page}}
<div class="head"><div><p class="crumbs"><a href="{{.Back}}">{{.BackTitle}}</a> / <span class="mono">{{.Kind.Name}}</span></p><h1>{{if .New}}New {{.One}}{{else}}{{.Name}}{{end}}</h1><p class="dim">{{.Kind.Doc}}</p></div>
<div class="row">{{if .Service}}<a class="button" href="/service?name={{.Service}}">Its service</a>{{end}}
{{if .Pings}}<form method="post" action="/object">{{template "token" $}}<input type="hidden" name="kind" value="{{.Kind.Name}}"><input type="hidden" name="name" value="{{.Name}}"><button name="do" value="ping">Ping</button></form>{{end}}</div></div>
{{if .Writes}}
<form class="fields card pad" method="post" action="/object">{{template "token" $}}<input type="hidden" name="kind" value="{{.Kind.Name}}">
{{if .New}}<input type="hidden" name="new" value="1"><div class="field"><label for="name">name <span class="dim">(required)</span></label><input id="name" name="name" value="{{.Name}}" required autocomplete="off" spellcheck="false"></div>
{{else}}<input type="hidden" name="name" value="{{.Name}}">{{end}}
{{range .Fields}}{{template "input" .}}{{end}}
{{if .More}}<details{{if .Open}} open{{end}}><summary>{{plural (len .More) "more key" "more keys"}}, with defaults that usually do</summary><div class="fields">{{range .More}}{{template "input" .}}{{end}}</div></details>{{end}}
<div class="row"><button class="primary" name="do" value="save">{{if .New}}Make it{{else}}Save{{end}}</button><span class="hint">Checked as a whole; what is refused changes nothing.</span></div>
</form>
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
}

// kept is what an export says in place of a secret.
const kept = "(kept)"

func showObject(v *visit) (any, error) {
	kind, g, err := kindNamed(v, v.sent("kind"))
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
	}
	for _, f := range kind.Fields {
		in := f.input(config, v.PostForm)
		if !d.Writes || f.Required || !f.isUsual(config) || f.Secret || slices.Contains(firstKeys(), f.Name) {
			d.Fields = append(d.Fields, in)
		} else {
			d.More = append(d.More, in)
		}
	}
	d.Open = v.fault != nil
	return d, nil
}

// firstKeys stand above all others, default or not: they are what people come for.
func firstKeys() []string {
	return []string{"is_active", "service", "security", "data_format", "host", "url_path", "address", "method", "username"}
}

// isUsual says that a config has a field as it is by default.
func (f kindField) isUsual(config *service.Object) bool {
	value, ok := config.Get(f.Name)
	return !ok || inJSON(value, false) == f.Default
}

func kindNamed(v *visit, name string) (kindInfo, group, error) {
	kinds, err := ask[[]kindInfo](v, "parley.kinds.list", nil)
	if err != nil {
		return kindInfo{}, group{}, err
	}
	i := slices.IndexFunc(kinds, func(k kindInfo) bool { return k.Name == name })
	if i < 0 {
		return kindInfo{}, group{}, service.Errorf(service.NotFound, "there is no kind %q", name)
	}
	for _, g := range groups() {
		if g.of == kinds[i].Group {
			return kinds[i], g, nil
		}
	}
	return kinds[i], group{path: "/", title: "Definitions", one: "definition"}, nil
}

// input is a key in a form, with what was typed before, or else with its value.
func (f kindField) input(config *service.Object, sent url.Values) input {
	in := input{Name: "k." + f.Name, Label: f.Name, Required: f.Required, Hint: f.hint(), As: f.as()}
	value, has := config.Get(f.Name)
	text, isText := value.(string)
	switch {
	case in.As == "password" && isText && text != "" && !strings.HasPrefix(text, kept):
		in.As, in.Value = "text", text // a reference, which is no secret
	case in.As == "password":
		in.Placeholder = "none"
		if has && text != "" {
			in.Placeholder = "kept; type to change it"
		}
	case in.As == "lines":
		in.Value = linesOf(value)
	case isText:
		in.Value = text
	case has && value != nil:
		in.Value = inJSON(value, in.As == "code")
	}
	if given, was := sent[in.Name]; was && in.As != "password" {
		in.Value = plain(strings.Join(given, ""))
	}
	if in.As == "select" {
		in.Options = choices(in.Value, false, "true", "false")
	}
	return in
}

// as is what a key of that type is typed into.
func (f kindField) as() string {
	switch {
	case f.Secret:
		return "password"
	case f.Within:
		return "code"
	case f.Type == "true or false":
		return "select"
	case f.Type == "an integer", f.Type == "a number":
		return "number"
	case f.Type == "a list of text", f.Type == "text or a list of text":
		return "lines"
	case f.Type == "an object", strings.HasPrefix(f.Type, "a list of"):
		return "code"
	default:
		return "text"
	}
}

func (f kindField) hint() string {
	out := f.Doc
	if out == "" {
		out = f.Type
	}
	switch f.as() {
	case "lines":
		out += "; one a line"
	case "code":
		out += "; JSON"
	}
	return out
}

func linesOf(v any) string {
	list, ok := v.([]any)
	if !ok {
		text, _ := v.(string)
		return text
	}
	lines := make([]string, len(list))
	for i, one := range list {
		lines[i], _ = one.(string)
	}
	return strings.Join(lines, "\n")
}

// value is what was typed, of the key's type; false: the key stays what it is.
func (f kindField) value(text string) (any, bool, error) {
	text = plain(text)
	switch f.as() {
	case "password":
		return text, text != "", nil
	case "select":
		return text == "true", true, nil
	case "number":
		if n, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil || text == "" {
			return text, text != "" || f.Required, nil // the kind says what is wrong with it
		} else if i, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
			return i, true, nil
		} else {
			return n, true, nil
		}
	case "lines":
		list := []any{}
		for line := range strings.SplitSeq(text, "\n") {
			if line = strings.TrimSpace(line); line != "" {
				list = append(list, line)
			}
		}
		return list, true, nil
	case "code":
		if strings.TrimSpace(text) == "" {
			return nil, false, nil
		}
		v, err := fromJSON(text)
		if err != nil {
			return nil, true, service.Errorf(service.Invalid, "%s: expected JSON: %w", f.Name, err)
		}
		return v, true, nil
	}
	if strings.HasPrefix(f.Type, "seconds") {
		if n, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil {
			return n, true, nil
		}
	}
	return text, true, nil
}

func actObject(v *visit) (string, error) {
	kind, g, err := kindNamed(v, v.PostFormValue("kind"))
	if err != nil {
		return "", err
	}
	name := v.PostFormValue("name")
	here := "/object?" + url.Values{"kind": {kind.Name}, "name": {name}}.Encode()
	switch v.PostFormValue("do") {
	case "ping":
		return here, ping(v, name)
	case "delete":
		if _, err := ask[any](v, "parley.object.delete", map[string]any{"kind": kind.Name, "name": name}); err != nil {
			return "", err
		}
		v.session.say(fmt.Sprintf("%s is deleted.", name))
		return g.path, nil
	}
	config := service.NewObject(len(kind.Fields))
	for _, f := range kind.Fields {
		if !v.PostForm.Has("k." + f.Name) {
			continue
		}
		value, given, err := f.value(v.PostFormValue("k." + f.Name))
		if err != nil {
			return "", err
		}
		if given {
			config.Set(f.Name, value)
		}
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
