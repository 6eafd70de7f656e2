package dashboard

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// input is one field of a form.
type input struct {
	Name, Label, Value, Hint string
	As                       string // text, list (of Options, or anything else), number, password, select, check, checks (of Options), lines, code or rows
	Required                 bool
	Options                  []option
	Placeholder              string
	Fault                    string // what is wrong with it
	Short                    bool   // it stands in a row
	HintOf                   string // the input whose hint is its, too; empty: it has its own, or none
	Here                     bool   // the cursor is put there
	Rows                     []row
}

const inputTemplate = `
{{define "is"}}id="{{.Name}}" name="{{.Name}}"{{end}}
{{define "said"}}{{if .Here}} autofocus{{end}}{{template "told" .}}{{end}}
{{define "told"}}{{if or .Hint .HintOf .Fault}} aria-describedby="{{if .Hint}}{{.Name}}-hint{{else if .HintOf}}{{.HintOf}}-hint{{end}}{{if .Fault}} {{.Name}}-fault{{end}}"{{end}}{{if .Fault}} aria-invalid="true"{{end}}{{end}}
{{define "notes"}}{{with .Fault}}<span class="wrong" id="{{$.Name}}-fault">{{.}}</span>{{end}}{{with .Hint}}<span class="hint" id="{{$.Name}}-hint">{{.}}</span>{{end}}{{end}}
{{define "input"}}{{if eq .As "rows"}}{{template "rows" .}}
{{else if eq .As "checks"}}<fieldset class="field checks"{{template "told" .}}><legend>{{.Label}}{{if .Required}} <span class="dim">(required)</span>{{end}}</legend><input type="hidden" name="{{.Name}}" value="">
<div>{{range $i, $one := .Options}}<label class="check"><input type="checkbox" name="{{$.Name}}" value="{{.Value}}"{{if .Here}} checked{{end}}{{if and $.Here (eq $i 0)}} autofocus{{end}}> {{.Text}}</label>{{end}}</div>{{template "notes" .}}</fieldset>
{{else}}{{if eq .As "check"}}<div class="field"><input type="hidden" name="{{.Name}}" value="false"><label class="check" for="{{.Name}}"><input type="checkbox" id="{{.Name}}" name="{{.Name}}" value="true"{{if eq .Value "true"}} checked{{end}}{{template "said" .}}> {{.Label}}</label>
{{else}}<div class="field"><label for="{{.Name}}">{{.Label}}{{if .Required}} <span class="dim">(required)</span>{{end}}</label>{{end}}
{{if eq .As "check"}}{{else if eq .As "select"}}<select {{template "is" .}}{{template "said" .}}>{{range .Options}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}</select>
{{else if eq .As "code"}}<textarea class="code" {{template "is" .}} rows="4" spellcheck="false"{{template "said" .}}>
{{.Value}}</textarea>
{{else if eq .As "lines"}}<textarea {{template "is" .}} rows="{{if .Short}}2{{else}}3{{end}}" spellcheck="false"{{template "said" .}}>
{{.Value}}</textarea>
{{else if eq .As "password"}}<input {{template "is" .}} type="password" autocomplete="new-password" placeholder="{{.Placeholder}}"{{template "said" .}}>
{{else if eq .As "list"}}<input {{template "is" .}} value="{{.Value}}" list="{{.Name}}-list" autocomplete="off" spellcheck="false"{{template "said" .}}>
<datalist id="{{.Name}}-list">{{range .Options}}<option value="{{.Value}}"></option>{{end}}</datalist>
{{else if eq .As "number"}}<input {{template "is" .}} inputmode="decimal" value="{{.Value}}" autocomplete="off"{{template "said" .}}>
{{else}}<input {{template "is" .}} value="{{.Value}}" autocomplete="off" spellcheck="false" placeholder="{{.Placeholder}}"{{template "said" .}}>{{end}}
{{template "notes" .}}</div>
{{end}}{{end}}
{{define "rows"}}<fieldset class="field rows" id="{{.Name}}"{{template "told" .}}><legend>{{.Label}}{{if .Required}} <span class="dim">(required)</span>{{end}}</legend>{{template "notes" .}}<input type="hidden" name="{{.Name}}" value="{{len .Rows}}">
{{range .Rows}}<div class="one" role="group" aria-label="{{$.Label}}, row {{.Number}}">{{range .Cells}}{{template "input" .}}{{end}}<button class="small" name="do" value="{{.Remove}}" formnovalidate aria-label="Remove row {{.Number}} of {{$.Label}}">Remove</button></div>
{{end}}<div><button class="small" name="do" value="add {{.Name}}" formnovalidate{{if .Here}} autofocus{{end}} aria-label="Add a row to {{.Label}}">Add a row</button></div></fieldset>
{{end}}`

// choices are the options of a select.
func choices(here string, empty bool, values ...string) []option {
	var out []option
	if empty {
		out = append(out, option{"", "–", here == ""})
	}
	for _, v := range values {
		text := v
		if v == "" {
			text = "–"
		}
		out = append(out, option{v, text, v == here})
	}
	return out
}

// fromJSON reads a text that people typed, in the neutral form, its keys in their order.
func fromJSON(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := nextValue(d, 0)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.New("it ends too early")
	}
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something behind its end")
	}
	return v, nil
}

const deepest = 100 // of what people type

func nextValue(d *json.Decoder, depth int) (any, error) {
	if depth > deepest {
		return nil, errors.New("it is nested too deep")
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			list := []any{}
			for d.More() {
				v, err := nextValue(d, depth+1)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
			}
			_, err := d.Token()
			return list, err
		}
		o := service.NewObject(0)
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := nextValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			name, _ := key.(string) // encoding/json lets no other key pass
			o.Set(name, v)
		}
		_, err := d.Token()
		return o, err
	case json.Number:
		return number(string(t)), nil
	default:
		return t, nil
	}
}

// number is a number's literal in the neutral form.
func number(text string) any {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && strconv.FormatFloat(f, 'g', -1, 64) == text {
		return f
	}
	return service.Number(text)
}
