// Package kind says what a kind of catalog object is: a typed config with defaults, documentation and checks.
// Channels, outgoing connections and security definitions are all declared through it, so that one strict
// decoder serves config-as-code, the admin API and the catalog. Standard library only.
package kind

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strings"

	"github.com/parley-run/parley/spelling"
)

// Info describes one kind for people: the key under which config files list it and its config's fields.
type Info struct {
	Name   string // such as "channel_rest"
	Doc    string
	Fields []Field
}

// Field documents one key of a kind's config.
type Field struct {
	Name    string // as in config files
	Type    string // "text", "integer", "number", "true or false", "list of text", ...
	Default string // JSON of the default; "" for a required field
	Doc     string // with its unit
	Secret  bool   // nobody sees its value
	// Within are the places of secrets in it, such as "*.password": * is any key of an object, or any element of a list.
	Within []string
	// Choices are all values that it may have, as text; of a list: its elements. Empty: any.
	Choices []string
	// Names is what its value names, or each element of a list or an object: services, a group of kinds such as security, or one kind such
	// as outgoing_rest. Empty: nothing.
	Names string
	// Parts are, of a list of objects, the keys of each; of an object with texts by names that users choose, one without a name,
	// for what stands behind each. Empty: it is neither, or there are secrets in it. Of a part Default is always empty.
	Parts []Field
}

// Chooser is a config with other choices of keys than its tags say, such as those of a struct that it embeds.
type Chooser interface{ Choices() map[string][]string }

// Fault is one thing that is wrong with an object's config.
type Fault struct {
	Path    string // the key, such as "timeout"; "" for the object as a whole
	Message string // what is wrong and what was expected
}

// Faults is everything that is wrong with one object: an error that names each key.
type Faults []Fault

func (f Faults) Error() string {
	parts := make([]string, len(f))
	for i, one := range f {
		parts[i] = one.Message
		if one.Path != "" {
			parts[i] = one.Path + ": " + one.Message
		}
	}
	return strings.Join(parts, "; ")
}

// Err is f as an error, or nil where nothing is wrong.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// Add notes a fault at path.
func (f *Faults) Add(path, format string, args ...any) {
	*f = append(*f, Fault{Path: path, Message: fmt.Sprintf(format, args...)})
}

// Checker is a config that can say what is wrong with its values, beyond their types.
type Checker interface{ Check() Faults }

// Decode reads raw, a JSON object, over the defaults in def. Unknown keys, wrong types and what Check finds
// come back together as Faults.
func Decode[C any](raw []byte, def C) (C, error) {
	c := def
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return c, Faults{{Message: "expected an object of keys and values"}}
	}
	var faults Faults
	fields := fieldsOf(reflect.ValueOf(&c).Elem())
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		target, ok := fields[name]
		if !ok {
			faults.Add(name, "unknown key%s", suggest(name, fields))
			continue
		}
		if k := target.Kind(); k == reflect.Slice || k == reflect.Map {
			target.SetZero() // encoding/json would write over the defaults' own
		}
		dec := json.NewDecoder(bytes.NewReader(members[name]))
		dec.DisallowUnknownFields()
		if err := dec.Decode(target.Addr().Interface()); err != nil {
			given := string(members[name])
			if target.Type() == reflect.TypeFor[Secret]() || len(secretsIn(target.Type(), nil)) > 0 {
				given = "this"
			}
			faults.Add(name, "expected %s, not %s%s", typeName(target.Type()), given, detail(err))
		}
	}
	if len(faults) == 0 {
		if checker, ok := any(c).(Checker); ok {
			faults = checker.Check()
		} else if checker, ok := any(&c).(Checker); ok {
			faults = checker.Check()
		}
	}
	return c, faults.Err()
}

// detail keeps what an unmarshaller of ours says; encoding/json's own words are replaced by "expected ...".
func detail(err error) string {
	var typed *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	if errors.As(err, &typed) || errors.As(err, &syntax) {
		return ""
	}
	return ": " + strings.TrimPrefix(err.Error(), "json: ")
}

// Describe documents a config's fields from its struct tags: `json:"name" doc:"what it is, unit" kind:"required"`, and
// `choices:"a,b"` or `names:"services"` (see Field). The choices are for people: Check refuses all others.
func Describe[C any](def C) []Field {
	var out []Field
	var choices map[string][]string
	if c, ok := any(def).(Chooser); ok {
		choices = c.Choices()
	}
	v := reflect.ValueOf(&def).Elem()
	walk(v, func(f reflect.StructField, fv reflect.Value) {
		field := Field{
			Name: jsonName(f), Type: typeName(f.Type), Doc: f.Tag.Get("doc"), Names: f.Tag.Get("names"),
			Secret: f.Type == reflect.TypeFor[Secret](), Within: secretsIn(f.Type, nil), Choices: choices[jsonName(f)], Parts: partsOf(f.Type),
		}
		if tag, ok := f.Tag.Lookup("choices"); ok && field.Choices == nil {
			field.Choices = strings.Split(tag, ",")
		}
		if len(field.Parts) == 1 && field.Parts[0].Name == "" {
			field.Parts[0].Names = field.Names
		}
		if f.Tag.Get("kind") != "required" {
			if raw, err := json.Marshal(fv.Interface()); err == nil {
				field.Default = string(raw)
			}
		}
		out = append(out, field)
	})
	return out
}

// partsOf are the Parts of a field of type t.
func partsOf(t reflect.Type) []Field {
	_, typed := reflect.New(t).Interface().(Typed)
	switch {
	case typed || len(secretsIn(t, nil)) > 0:
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String && t.Elem().Kind() == reflect.String:
		return []Field{{Type: typeName(t.Elem())}}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		if _, typed := reflect.New(t.Elem()).Interface().(Typed); typed {
			return nil
		}
		var out []Field
		walk(reflect.New(t.Elem()).Elem(), func(f reflect.StructField, _ reflect.Value) {
			part := Field{Name: jsonName(f), Type: typeName(f.Type), Doc: f.Tag.Get("doc"), Names: f.Tag.Get("names")}
			if tag, ok := f.Tag.Lookup("choices"); ok {
				part.Choices = strings.Split(tag, ",")
			}
			out = append(out, part)
		})
		return out
	}
	return nil
}

func fieldsOf(v reflect.Value) map[string]reflect.Value {
	out := map[string]reflect.Value{}
	walk(v, func(f reflect.StructField, fv reflect.Value) { out[jsonName(f)] = fv })
	return out
}

// walk visits the fields of a config, those of embedded structs included, in the order they are declared.
func walk(v reflect.Value, visit func(reflect.StructField, reflect.Value)) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct && f.Tag.Get("json") == "":
			walk(v.Field(i), visit)
		case f.IsExported() && jsonName(f) != "-":
			visit(f, v.Field(i))
		}
	}
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" {
		return f.Name
	}
	return name
}

// Typed is a type that names itself in messages and docs, such as a duration.
type Typed interface{ TypeName() string }

func typeName(t reflect.Type) string {
	if named, ok := reflect.New(t).Interface().(Typed); ok {
		return named.TypeName()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint16, reflect.Uint32:
		return "an integer"
	case reflect.Float64:
		return "a number"
	case reflect.String:
		return "text"
	case reflect.Slice:
		return "a list of " + strings.TrimPrefix(strings.TrimPrefix(typeName(t.Elem()), "a "), "an ")
	default:
		return "an object"
	}
}

func suggest(name string, fields map[string]reflect.Value) string {
	known := make([]string, 0, len(fields))
	for k := range fields {
		known = append(known, k)
	}
	sort.Strings(known)
	if near := spelling.Nearest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return "; known keys are " + strings.Join(known, ", ")
}
