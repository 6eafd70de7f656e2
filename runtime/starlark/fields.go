package starlark

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/parley-run/parley/runtime/service"
)

// fieldTypes are the built-ins that give a field a type, and service.Field's name of it.
func fieldTypes() map[string]string {
	return map[string]string{
		"AsIs": "any", "Opaque": "any", "Nested": "any", "Bool": "bool", "Boolean": "bool", "CSV": "csv", "Date": "date", "DateTime": "datetime",
		"Decimal": "decimal", "Dict": "dict", "DictList": "dictlist", "ListOfDicts": "dictlist", "Float": "float", "Int": "int", "Integer": "int",
		"List": "list", "Text": "text", "Unicode": "text", "UTC": "utc", "UUID": "uuid",
	}
}

// fieldValue is Int("amount") and its like.
type fieldValue struct{ field service.Field }

func (f fieldValue) String() string        { return fmt.Sprintf("%s(%q)", f.field.Type, f.field.Name) }
func (f fieldValue) Type() string          { return "SimpleIO field" }
func (f fieldValue) Freeze()               {}
func (f fieldValue) Truth() starlark.Bool  { return true }
func (f fieldValue) Hash() (uint32, error) { return starlark.String(f.field.Name).Hash() }

// typedField is the built-in of one type: Int(name, default=, min=, max=, doc=, example=, secret=), with format= for dates,
// of= for lists, and further names for Dict, DictList and Nested, which are the fields of the objects.
func typedField(kind string) func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	return func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var inner starlark.Tuple
		if len(args) > 1 {
			args, inner = args[:1], args[1:]
		}
		f := service.Field{Type: kind}
		var fallback, least, most, example, of starlark.Value
		err := starlark.UnpackArgs(
			b.Name(), args, kwargs, "name", &f.Name, "default?", &fallback, "min?", &least, "max?", &most, "format?", &f.Format, "of?", &of,
			"doc?", &f.Doc, "example?", &example, "secret?", &f.Secret,
		)
		if err != nil {
			return nil, err
		}
		for _, one := range []struct {
			name   string
			value  starlark.Value
			target *any
		}{{"default", fallback, &f.Default}, {"min", least, &f.Min}, {"max", most, &f.Max}, {"example", example, &f.Example}} {
			if one.value == nil {
				continue
			}
			if *one.target, err = fromStarlark(one.value); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", b.Name(), one.name, err)
			}
		}
		if err := checkBounds(b.Name(), kind, f); err != nil {
			return nil, err
		}
		if of != nil {
			if f.Of, err = elementType(b.Name(), kind, of); err != nil {
				return nil, err
			}
		}
		if len(inner) == 0 {
			return fieldValue{f}, nil
		}
		switch {
		case kind == "dict" || kind == "dictlist":
		case b.Name() == "Nested":
			f.Type = "dict"
		default:
			return nil, fmt.Errorf("%s: takes one name; Dict, DictList and Nested take the fields of their objects after it", b.Name())
		}
		if err := (declaring{}).addFields(&f.Fields, inner, true); err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name(), err)
		}
		return fieldValue{f}, nil
	}
}

func checkBounds(builtin, kind string, f service.Field) error {
	for name, v := range map[string]any{"min": f.Min, "max": f.Max} {
		switch v.(type) {
		case nil, int64, float64, service.Number:
		default:
			return fmt.Errorf("%s: %s must be a number", builtin, name)
		}
		if v != nil && kind != "int" && kind != "float" && kind != "decimal" && kind != "list" {
			return fmt.Errorf("%s: %s is for numbers", builtin, name)
		}
	}
	return nil
}

// elementType is the type that of=Int says.
func elementType(builtin, kind string, of starlark.Value) (string, error) {
	typed, ok := of.(*starlark.Builtin)
	name := ""
	if ok {
		name = fieldTypes()[typed.Name()]
	}
	switch {
	case kind != "list":
		return "", fmt.Errorf("%s: of= says what a List holds", builtin)
	case name == "" || strings.HasPrefix(name, "dict") || name == "list":
		return "", fmt.Errorf("%s: of= must be a type such as Int, without a name; lists of objects are DictList", builtin)
	}
	return name, nil
}
