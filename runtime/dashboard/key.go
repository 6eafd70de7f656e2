package dashboard

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// kindField is a key of a kind's config, as parley.kinds.list has it.
type kindField struct {
	Name, Type, Default, Doc string
	Required, Secret, Within bool
	Choices                  []string // all values that it may have; empty: any
	Names                    string   // what it names: services, a group of kinds, or one kind
	// Parts are the keys of each element of a list of objects; one without a name is of what stands behind names that users choose.
	Parts []kindField
}

const (
	namesServices = "services" // of kindField.Names
	mostOptions   = 50         // of a select; of more a list is searched
	mostHinted    = 12         // names that a hint tells
)

// namesFor are the names of what the keys of a kind may name, by kindField.Names. What cannot be had is left out: any name can be
// typed, and what is wrong is refused.
func namesFor(v *visit, kinds []kindInfo, k kindInfo) map[string][]string {
	out := map[string][]string{}
	fields := slices.Clone(k.Fields)
	for _, f := range k.Fields {
		fields = append(fields, f.Parts...)
	}
	for _, f := range fields {
		if f.Names == "" || out[f.Names] != nil {
			continue
		}
		var there []struct{ Name string }
		if f.Names == namesServices {
			there, _ = ask[[]struct{ Name string }](v, "parley.service.list", nil)
		} else if of := kindsNamed(kinds, f.Names); len(of) > 0 {
			there, _ = ask[[]struct{ Name string }](v, "parley.object.list", map[string]any{"kinds": of})
		}
		names := make([]string, len(there))
		for i, one := range there {
			names[i] = one.Name
		}
		slices.Sort(names)
		out[f.Names] = slices.Compact(names)
	}
	return out
}

// kindsNamed are the kinds of a group of that name, or the one kind.
func kindsNamed(kinds []kindInfo, name string) []string {
	var out []string
	for _, k := range kinds {
		if k.Group == name || k.Name == name {
			out = append(out, k.Name)
		}
	}
	return out
}

// input is the key in a form, with what was typed before. there are the names of what keys may name.
func (f kindField) input(config *service.Object, sent url.Values, there map[string][]string) input {
	in := input{Name: "k." + f.Name, Label: f.Name, Required: f.Required, Hint: f.hint(), As: f.as()}
	value, has := config.Get(f.Name)
	text, isText := value.(string)
	switch {
	case in.As == "rows":
		f.asRows(&in, value, sent, there)
		return in
	case in.As == "checks":
		in.Value = linesOf(value)
		values, given := sent[in.Name]
		if !given {
			values = strings.Split(in.Value, "\n")
		}
		in.Options = f.typedInput(url.Values{f.Name: values}, nil).Options
		return in
	case in.As == "password" && isText && text != "" && !strings.HasPrefix(text, kept):
		in.As, in.Value = "text", text // a reference, which is no secret
	case in.As == "password":
		in.Placeholder = "none"
		if has && text != "" {
			in.Placeholder = "kept; type to change it"
		}
		if typed := sent.Get(in.Name); typed != "" {
			in.Placeholder = "not kept; type it again"
		}
	case in.As == "lines":
		in.Value = linesOf(value)
	case isText:
		in.Value = text
	case has && value != nil:
		in.Value = inJSON(value, in.As == "code")
	}
	if given := sent[in.Name]; len(given) > 0 && in.As != "password" {
		in.Value = plain(given[len(given)-1])
	}
	f.offer(&in, there[f.Names])
	return in
}

// offer says what in may be.
func (f kindField) offer(in *input, there []string) {
	switch {
	case len(f.Choices) > 0:
		in.As, in.Options = "select", choices(in.Value, false, f.Choices...)
		if !slices.Contains(f.Choices, in.Value) { // typed by hand, or of a server of another release
			in.Options = append(in.Options, option{in.Value, in.Value, true})
		}
	case f.Names == "" || len(there) == 0:
	case in.As == "lines":
		in.Hint += ". There are " + listed(there)
	case f.Names == namesServices || len(there) > mostOptions:
		in.As, in.Options = "list", choices("", false, there...)
	default:
		if in.Value != "" && !slices.Contains(there, in.Value) {
			there = append([]string{in.Value}, there...)
		}
		in.As, in.Options = "select", choices(in.Value, !f.Required || in.Value == "", there...)
	}
}

// listed are names in a sentence.
func listed(names []string) string {
	if more := len(names) - mostHinted; more > 0 {
		return strings.Join(names[:mostHinted], ", ") + " and " + strconv.Itoa(more) + " more"
	}
	return strings.Join(names, ", ")
}

// as is what a key of that type is typed into.
func (f kindField) as() string {
	switch {
	case f.Secret:
		return "password"
	case f.Within:
		return "code"
	case len(f.Parts) > 0:
		return "rows"
	case len(f.Choices) > 0 && strings.Contains(f.Type, "a list of text"):
		return "checks"
	case f.Type == "true or false":
		return "check"
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

// isDuration says that the key is a time.
func (f kindField) isDuration() bool { return strings.HasPrefix(f.Type, "seconds") }

func (f kindField) hint() string {
	out := f.Doc
	if out == "" {
		out = f.Type
	}
	switch {
	case f.as() == "lines":
		out += "; one a line"
	case f.as() == "code":
		out += "; JSON"
	case f.isDuration() && !strings.Contains(f.Doc, "500ms"):
		out += "; in seconds, or such as 500ms or 2m"
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
func (f kindField) value(sent []string) (any, bool, error) {
	if len(sent) == 0 {
		return nil, false, nil
	}
	text := plain(sent[len(sent)-1]) // that of a box which is ticked comes behind that of one which is not
	switch f.as() {
	case "checks":
		list := []any{}
		for _, one := range sent {
			if one != "" {
				list = append(list, one)
			}
		}
		return list, true, nil
	case "password":
		return text, text != "", nil
	case "check":
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
			return nil, true, service.Errorf(service.Invalid, "expected JSON: %w", err)
		}
		return v, true, nil
	}
	if f.isDuration() {
		if n, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil {
			return n, true, nil
		}
	}
	return text, true, nil
}
