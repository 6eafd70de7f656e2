package dashboard

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
)

// row is one element of a list of objects, or one text with its name.
type row struct {
	Number int // from 1
	Cells  []input
	Remove string // what the form asks for to be without it
}

const (
	mostFree = 10     // rows that are blank
	addRow   = "add " // of the button "do", before the name of the input
	lessRow  = "less "
)

// named says that users choose the names of what is in the key.
func (f kindField) named() bool { return len(f.Parts) == 1 && f.Parts[0].Name == "" }

// cells are the keys of each row, as they are typed.
func (f kindField) cells() []kindField {
	if !f.named() {
		return f.Parts
	}
	value := f.Parts[0]
	value.Name = "value"
	return []kindField{{Name: "name", Type: "text"}, value}
}

// cell is the name of an input of a row, counted from 0.
func (f kindField) cell(row int, part string) string {
	return fmt.Sprintf("k.%s.%d.%s", f.Name, row, part)
}

// asRows makes in the rows of the key, each as it is, or as it was typed, and one more for what comes next.
func (f kindField) asRows(in *input, value any, sent url.Values, there map[string][]string) {
	in.As, in.Value = "rows", inJSON(value, false)
	if value == nil {
		in.Value = ""
	}
	typed, do := f.typed(sent), ""
	if typed == nil {
		typed = f.shown(value)
	} else {
		do = sent.Get("do")
	}
	blanks := 1
	switch rest, less := strings.CutPrefix(do, lessRow+in.Name+" "); {
	case less:
		if i, err := strconv.Atoi(rest); err == nil && i >= 0 && i < len(typed) {
			typed = slices.Delete(typed, i, i+1)
		}
		in.Here = true
	case do == addRow+in.Name:
		blanks += len(typed)
	}
	typed = slices.DeleteFunc(typed, f.blank)
	if do == addRow+in.Name {
		blanks -= len(typed)
	}
	for range min(blanks, mostFree) {
		typed = append(typed, url.Values{})
	}
	for i, values := range typed {
		one := row{Number: i + 1, Remove: fmt.Sprintf("%s%s %d", lessRow, in.Name, i)}
		for _, part := range f.cells() {
			cell := part.typedInput(values, there[part.Names])
			cell.Name, cell.Short = f.cell(i, part.Name), true
			if i > 0 && cell.Hint != "" { // the first row says it for all
				cell.Hint, cell.HintOf = "", f.cell(0, part.Name)
			}
			one.Cells = append(one.Cells, cell)
		}
		in.Rows = append(in.Rows, one)
	}
	if do == addRow+in.Name && len(in.Rows) > 0 && len(in.Rows[len(in.Rows)-1].Cells) > 0 {
		in.Rows[len(in.Rows)-1].Cells[0].Here = true
	}
}

// typedInput is an input of a row, of what was typed into the row, by key.
func (f kindField) typedInput(values url.Values, there []string) input {
	in := input{Label: f.Name, As: f.as(), Value: plain(values.Get(f.Name)), Hint: f.Doc}
	if in.As == "lines" {
		in.Hint = strings.TrimPrefix(in.Hint+"; one a line", "; ")
	}
	if in.As == "checks" {
		for _, choice := range f.Choices {
			in.Options = append(in.Options, option{choice, choice, slices.Contains(values[f.Name], choice)})
		}
		for _, other := range values[f.Name] {
			if other != "" && !slices.Contains(f.Choices, other) {
				in.Options = append(in.Options, option{other, other, true})
			}
		}
		return in
	}
	f.offer(&in, there)
	if in.As == "select" && !slices.ContainsFunc(in.Options, func(o option) bool { return o.Value == "" }) { // a row that is blank stays out
		in.Options = append([]option{{"", "–", in.Value == ""}}, in.Options...)
	}
	return in
}

// typed are the rows that were sent, each by key; nil: none were.
func (f kindField) typed(sent url.Values) []url.Values {
	given := sent["k."+f.Name]
	if len(given) == 0 {
		return nil
	}
	n, _ := strconv.Atoi(given[len(given)-1]) // what is no number is no row
	out := []url.Values{}
	for i := range n {
		values, there := url.Values{}, false
		for _, part := range f.cells() {
			cell, is := sent[f.cell(i, part.Name)]
			there = there || is
			if part.as() == "check" && is { // that of a box which is ticked comes behind that of one which is not
				cell = cell[len(cell)-1:]
			}
			values[part.Name] = cell
		}
		if !there { // a browser sends something of each
			break
		}
		out = append(out, values)
	}
	return out
}

// shown are the rows of a value, as they would have been typed.
func (f kindField) shown(value any) []url.Values {
	var out []url.Values
	text := func(part kindField, v any) []string {
		switch v := v.(type) {
		case nil:
			return nil
		case string:
			return []string{v}
		case []any:
			if part.as() == "checks" {
				return strings.Split(linesOf(v), "\n")
			} else if part.as() == "lines" {
				return []string{linesOf(v)}
			}
		}
		return []string{inJSON(v, part.as() == "code")}
	}
	if o, ok := value.(*service.Object); ok && f.named() {
		for name, v := range o.All() {
			out = append(out, url.Values{"name": {name}, "value": text(f.cells()[1], v)})
		}
		return out
	}
	list, _ := value.([]any)
	for _, one := range list {
		o, ok := one.(*service.Object)
		if !ok {
			continue
		}
		values := url.Values{}
		for _, part := range f.Parts {
			values[part.Name] = text(part, o.Value(part.Name))
		}
		out = append(out, values)
	}
	return out
}

// blank says that nothing was typed into a row.
func (f kindField) blank(values url.Values) bool {
	for _, part := range f.cells() {
		for _, text := range values[part.Name] {
			if strings.TrimSpace(text) != "" && !(part.as() == "check" && text == "false") {
				return false
			}
		}
	}
	return true
}

// rowsValue is the value that was typed in rows, without those that are blank.
func (f kindField) rowsValue(sent url.Values) (any, kind.Faults) {
	var faults kind.Faults
	list, byName := []any{}, service.NewObject(0)
	for _, values := range slices.DeleteFunc(f.typed(sent), f.blank) {
		if f.named() {
			name := strings.TrimSpace(values.Get("name"))
			if _, twice := byName.Get(name); name == "" || twice {
				faults.Add(fmt.Sprintf("%s[%d].name", f.Name, len(list)), "%s", map[bool]string{true: "this name is there already", false: "missing; a row has a name and a value"}[twice])
			}
			byName.Set(name, plain(values.Get("value")))
			list = append(list, nil)
			continue
		}
		o := service.NewObject(len(f.Parts))
		for _, part := range f.Parts {
			value, given, err := part.value(values[part.Name])
			if err != nil {
				faults.Add(fmt.Sprintf("%s[%d].%s", f.Name, len(list), part.Name), "%s", service.AsError(err).Message)
			}
			if list, is := value.([]any); given && value != "" && value != false && !(is && len(list) == 0) {
				o.Set(part.Name, value)
			}
		}
		list = append(list, o)
	}
	switch {
	case len(list) == 0 && f.Default == "null": // as it is where nobody gave it: what was not changed is not written
		return nil, faults
	case f.named():
		return byName, faults
	}
	return list, faults
}

// typedConfig is what was typed, as a config of the kind. Its error says all that is wrong.
func typedConfig(k kindInfo, sent url.Values) (*service.Object, error) {
	config, faults := service.NewObject(len(k.Fields)), kind.Faults{}
	for _, f := range k.Fields {
		if len(sent["k."+f.Name]) == 0 {
			continue
		}
		if f.as() == "rows" {
			value, wrong := f.rowsValue(sent)
			config.Set(f.Name, value)
			faults = append(faults, wrong...)
			continue
		}
		value, given, err := f.value(sent["k."+f.Name])
		if err != nil {
			faults.Add(f.Name, "%s", service.AsError(err).Message)
		} else if given {
			config.Set(f.Name, value)
		}
	}
	if len(faults) > 0 {
		return nil, &service.Error{Code: service.Invalid, Message: faults.Error(), Err: faults}
	}
	return config, nil
}
