package bench

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

const draft = "https://json-schema.org/draft/2020-12/schema"

// ProfileSchema is the JSON Schema of profiles, for editors.
func ProfileSchema() ([]byte, error) {
	return schemaOf("A load profile of apitest bench", reflect.TypeFor[Profile](), "yaml", true)
}

// ResultSchema is the JSON Schema of results as WriteJSON writes them. A field that it does not know is allowed: a newer version
// may have more.
func ResultSchema() ([]byte, error) {
	return schemaOf("A result of apitest bench", reflect.TypeFor[Result](), "json", false)
}

func schemaOf(title string, t reflect.Type, tag string, strict bool) ([]byte, error) {
	s := shapeOf(t, tag, strict)
	s["$schema"], s["title"] = draft, title
	raw, err := json.MarshalIndent(s, "", "  ")
	return append(raw, '\n'), err
}

type object = map[string]any

// shapeOf is the schema of one type.
func shapeOf(t reflect.Type, tag string, strict bool) object {
	text := object{"type": "string"}
	switch t {
	case reflect.TypeFor[Duration]():
		return object{
			"description": "a time: seconds, or a text with a unit such as 500ms",
			"anyOf":       []object{{"type": "number", "minimum": 0}, {"type": "string", "pattern": `^([0-9.]+(ns|us|µs|ms|s|m|h))+$`}},
		}
	case reflect.TypeFor[Condition]():
		return object{"type": "string", "description": "such as p99 > 200ms for 2s"}
	case reflect.TypeFor[Statuses]():
		return object{"anyOf": []object{{"type": "integer"}, {"type": "array", "items": object{"type": "integer"}}}}
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[Threshold]():
		one := object{"type": "string", "description": "such as p99 < 50ms, lost == 0 or error_rate in hold < 0.1%"}
		return object{"anyOf": []object{{"type": "array", "items": one}, one, fieldsOf(t, tag, strict)}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem(), tag, strict)
	case reflect.Struct:
		return fieldsOf(t, tag, strict)
	case reflect.Slice:
		return object{"type": "array", "items": shapeOf(t.Elem(), tag, strict)}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": shapeOf(t.Elem(), tag, strict)}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Interface:
		return object{}
	default:
		return text
	}
}

func fieldsOf(t reflect.Type, tag string, strict bool) object {
	properties := object{}
	collect(t, tag, strict, properties)
	out := object{"type": "object", "properties": properties}
	if strict {
		out["additionalProperties"] = false
	}
	return out
}

func collect(t reflect.Type, tag string, strict bool, into object) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get(tag), ",")
		switch {
		case f.Anonymous && name == "":
			collect(f.Type, tag, strict, into)
		case !f.IsExported() || name == "" || name == "-":
		default:
			s := shapeOf(f.Type, tag, strict)
			if tag == "json" && (f.Type.Kind() == reflect.Slice || f.Type.Kind() == reflect.Map || f.Type.Kind() == reflect.Pointer) {
				s = object{"anyOf": []object{s, {"type": "null"}}}
			}
			if words := known(t, name); words != nil {
				s["enum"] = words
			}
			into[name] = s
		}
	}
}

// known are the only words that a field may be.
func known(t reflect.Type, name string) []string {
	if t == reflect.TypeFor[Profile]() && name == "protocol" {
		return protocols()
	}
	return nil
}
