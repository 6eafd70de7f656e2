package dashboard

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

func invokePage() page {
	return page{
		path: "/invoke", title: "Invoke", section: "Services", template: invokeTemplate, show: showInvoke, act: actInvoke,
		calls: []string{"parley.service.invoke", "parley.service.get"},
	}
}

const invokeTemplate = `
{{with .Page}}
<div class="head"><div><p class="crumbs"><a href="/services">Services</a> / <a href="/service?name={{.Service.Name}}">{{.Service.Name}}</a></p><h1>Invoke</h1></div></div>
<form class="fields card pad" method="post" action="/invoke">{{template "token" $}}<input type="hidden" name="service" value="{{.Service.Name}}">
{{if .Raw}}<input type="hidden" name="raw" value="1">
<div class="field"><label for="payload">Payload, as JSON</label><textarea class="code" id="payload" name="payload" rows="8" spellcheck="false">
{{.Payload}}</textarea>{{if .Service.Declared}}<a class="hint" href="/invoke?service={{.Service.Name}}">By its fields</a>{{end}}</div>
{{else}}
{{range .Fields}}{{template "input" .}}{{else}}<p class="dim">It takes no input.</p>{{end}}
<p><a class="hint" href="/invoke?service={{.Service.Name}}&amp;raw=1">As JSON</a></p>
{{end}}
<div class="row"><button class="primary">Invoke</button><span class="hint">It runs as if another service had invoked it: no channel, no credentials.</span></div>
</form>
{{with .Answer}}
<section aria-label="Answer" role="status">
<div class="head"><h2>Answer</h2><span class="dim">{{ms .MS}}</span></div>
<pre tabindex="0">{{.Text}}</pre>
</section>
{{end}}
{{end}}` + inputTemplate

type invokeData struct {
	Service serviceInfo
	Raw     bool
	Payload string
	Fields  []input
	Answer  *answer
}

type answer struct {
	Text string
	MS   float64
}

func showInvoke(v *visit) (any, error) {
	name := v.sent("service")
	v.title = "Invoke " + name
	s, err := ask[serviceInfo](v, "parley.service.get", map[string]any{"name": name})
	if err != nil {
		return nil, err
	}
	d := invokeData{Service: s, Raw: !s.Declared || s.InputRepeated || v.sent("raw") != "", Payload: "{}"}
	if v.Form.Has("payload") {
		d.Payload = plain(v.sent("payload"))
	}
	for _, f := range s.Input {
		d.Fields = append(d.Fields, f.input(v.PostForm["f."+f.Name]))
	}
	d.Answer, _ = v.outcome.(*answer)
	return d, nil
}

// input is the field in a form, with what was typed before.
func (f sioField) input(sent []string) input {
	in := input{Name: "f." + f.Name, Label: f.Name, Required: f.Required, Hint: f.hint(), Value: strings.Join(sent, "")}
	if len(sent) == 0 && f.Default != nil {
		in.Value = inJSON(f.Default, false)
		if text, ok := f.Default.(string); ok {
			in.Value = text
		}
	}
	switch {
	case f.Secret:
		in.As, in.Value = "password", ""
	case f.Type == "bool":
		in.As, in.Options = "select", choices(in.Value, !f.Required, "true", "false")
	case f.Type == "int", f.Type == "float", f.Type == "decimal":
		in.As = "number"
	case f.structured():
		in.As = "code"
	default:
		in.As = "text"
	}
	return in
}

func (f sioField) structured() bool {
	return f.Type == "list" || f.Type == "dict" || f.Type == "dictlist" || f.Type == "any"
}

func (f sioField) hint() string {
	parts := []string{f.Type}
	if f.Of != "" {
		parts[0] += " of " + f.Of
	}
	if f.Type == "any" {
		parts[0] = "any value"
	}
	if f.structured() {
		parts[0] += ", as JSON"
	}
	if f.Format != "" {
		parts = append(parts, f.Format)
	}
	if f.Doc != "" {
		parts = append(parts, f.Doc)
	}
	if f.Example != nil {
		parts = append(parts, "such as "+inJSON(f.Example, false))
	}
	return strings.Join(parts, "; ")
}

// value is what was typed, of the field's type; false: it was left empty.
func (f sioField) value(text string) (any, bool, error) {
	if text == "" {
		return nil, false, nil
	}
	switch {
	case f.Type == "bool":
		return text == "true", true, nil
	case f.Type == "int":
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return text, true, nil // SIO says what is wrong with it
		}
		return n, true, nil
	case f.Type == "float":
		n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return text, true, nil // likewise
		}
		return n, true, nil
	case f.structured():
		v, err := fromJSON(text)
		if err != nil && f.Type == "any" {
			return text, true, nil
		}
		if err != nil {
			return nil, true, service.Errorf(service.Invalid, "%s: expected JSON: %w", f.Name, err)
		}
		return v, true, nil
	}
	return text, true, nil
}

func actInvoke(v *visit) (string, error) {
	name := v.PostFormValue("service")
	s, err := ask[serviceInfo](v, "parley.service.get", map[string]any{"name": name})
	if err != nil {
		return "", err
	}
	var payload any
	if v.PostForm.Has("payload") {
		if payload, err = fromJSON(v.PostFormValue("payload")); err != nil {
			return "", service.Errorf(service.Invalid, "payload: expected JSON: %w", err)
		}
	} else {
		o := service.NewObject(len(s.Input))
		for _, f := range s.Input {
			value, given, err := f.value(plain(v.PostFormValue("f." + f.Name)))
			if err != nil {
				return "", err
			}
			if given {
				o.Set(f.Name, value)
			}
		}
		payload = o
	}
	start := time.Now()
	out, err := ask[any](v, "parley.service.invoke", map[string]any{"name": name, "payload": payload})
	if err != nil {
		return "", err
	}
	v.outcome = &answer{inJSON(out, true), float64(time.Since(start).Microseconds()) / 1000}
	return "", nil
}

// inJSON is a value as JSON for people.
func inJSON(v any, indented bool) string {
	raw, err := service.AppendJSON(nil, v)
	if err != nil {
		return "(cannot be shown: " + err.Error() + ")"
	}
	if !indented {
		return string(raw)
	}
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}
