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
	As                       string // text, list (of Options, or anything else), number, password, select, check, lines or code
	Required                 bool
	Options                  []option
	Placeholder              string
}

const inputTemplate = `
{{define "input"}}{{if eq .As "check"}}<div class="field"><input type="hidden" name="{{.Name}}" value="false"><label class="check" for="{{.Name}}"><input type="checkbox" id="{{.Name}}" name="{{.Name}}" value="true"{{if eq .Value "true"}} checked{{end}}{{if .Hint}} aria-describedby="{{.Name}}-hint"{{end}}> {{.Label}}</label>
{{else}}<div class="field"><label for="{{.Name}}">{{.Label}}{{if .Required}} <span class="dim">(required)</span>{{end}}</label>{{end}}
{{if eq .As "check"}}{{else if eq .As "select"}}<select id="{{.Name}}" name="{{.Name}}"{{if .Hint}} aria-describedby="{{.Name}}-hint"{{end}}>{{range .Options}}<option value="{{.Value}}"{{if .Here}} selected{{end}}>{{.Text}}</option>{{end}}</select>
{{else if eq .As "code"}}<textarea class="code" id="{{.Name}}" name="{{.Name}}" rows="4" spellcheck="false"{{if .Hint}} aria-describedby="{{.Name}}-hint"{{end}}>
{{.Value}}</textarea>
{{else if eq .As "lines"}}<textarea id="{{.Name}}" name="{{.Name}}" rows="3" spellcheck="false"{{if .Hint}} aria-describedby="{{.Name}}-hint"{{end}}>
{{.Value}}</textarea>
{{else if eq .As "password"}}<input id="{{.Name}}" name="{{.Name}}" type="password" autocomplete="new-password" placeholder="{{.Placeholder}}"{{if .Hint}} aria-describedby="{{.Name}}-hint"{{end}}>
{{else if eq .As "list"}}<input id="{{.Name}}" name="{{.Name}}" value="{{.Value}}" list="{{.Name}}-list" autocomplete="off" spellcheck="false"{{if .Hint}} aria-describedby="{{.Name}}-hint"{{end}}>
<datalist id="{{.Name}}-list">{{range .Options}}<option value="{{.Value}}"></option>{{end}}</datalist>
{{else if eq .As "number"}}<input id="{{.Name}}" name="{{.Name}}" inputmode="decimal" value="{{.Value}}" autocomplete="off"{{if .Hint}} aria-describedby="{{.Name}}-hint"{{end}}>
{{else}}<input id="{{.Name}}" name="{{.Name}}" value="{{.Value}}" autocomplete="off" spellcheck="false" placeholder="{{.Placeholder}}"{{if .Hint}} aria-describedby="{{.Name}}-hint"{{end}}>{{end}}
{{with .Hint}}<span class="hint" id="{{$.Name}}-hint">{{.}}</span>{{end}}</div>
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
