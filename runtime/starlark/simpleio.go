package starlark

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/parley-run/parley/runtime/service"
)

// simpleIOValue is what SimpleIO(...) returns: a service's declared input and output.
type simpleIOValue struct{ shape *service.Shape }

func (s *simpleIOValue) String() string        { return "SimpleIO" }
func (s *simpleIOValue) Type() string          { return "SimpleIO" }
func (s *simpleIOValue) Freeze()               {}
func (s *simpleIOValue) Truth() starlark.Bool  { return true }
func (s *simpleIOValue) Hash() (uint32, error) { return 0, errors.New("a SimpleIO cannot be a key") }

// simpleIO is the built-in SimpleIO. Fields are named by text, or by a type such as Int("amount") where the
// name's convention does not fit. input and output take both sorts, a leading dash marking the optional ones.
func simpleIO(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var in, inReq, inOpt, out, outReq, outOpt, defaultValue, skip, force starlark.Value
	var responseElem starlark.Value = starlark.String("response")
	var dateTimeFormat string
	useText := true
	shape := &service.Shape{}
	err := starlark.UnpackArgs(
		b.Name(), args, kwargs,
		"input?", &in, "output?", &out,
		"input_required?", &inReq, "input_optional?", &inOpt, "input_repeated?", &shape.InputRepeated,
		"output_required?", &outReq, "output_optional?", &outOpt, "output_repeated?", &shape.Repeated,
		"default_value?", &defaultValue, "request_elem?", &shape.RequestElem, "response_elem?", &responseElem, "namespace?", &shape.Namespace,
		"skip_empty_keys?", &skip, "force_empty_keys?", &force, "allow_empty_required?", &shape.AllowEmptyRequired,
		"use_channel_params_only?", &shape.ParamsOnly, "use_text?", &useText, "date_time_format?", &dateTimeFormat,
	)
	if err != nil {
		return nil, err
	}
	shape.AsGiven = !useText
	switch elem := responseElem.(type) {
	case starlark.NoneType:
		shape.ResponseElem = "-"
	case starlark.String:
		shape.ResponseElem = string(elem)
	default:
		return nil, fmt.Errorf("SimpleIO: response_elem must be text or None, not %s", elem.Type())
	}
	if shape.SkipEmpty, err = keyNames("skip_empty_keys", skip); err != nil {
		return nil, err
	}
	if shape.ForceEmpty, err = keyNames("force_empty_keys", force); err != nil {
		return nil, err
	}
	d := declaring{format: dateTimeFormat}
	if defaultValue != nil {
		if d.fallback, err = fromStarlark(defaultValue); err != nil {
			return nil, fmt.Errorf("SimpleIO: default_value: %w", err)
		}
	}
	for _, part := range []struct {
		name     string
		value    starlark.Value
		required bool
		target   *[]service.Field
	}{
		{"input", in, true, &shape.Input},
		{"input_required", inReq, true, &shape.Input},
		{"input_optional", inOpt, false, &shape.Input},
		{"output", out, true, &shape.Output},
		{"output_required", outReq, true, &shape.Output},
		{"output_optional", outOpt, false, &shape.Output},
	} {
		if err := d.addFields(part.target, part.value, part.required); err != nil {
			return nil, fmt.Errorf("SimpleIO: %s: %w", part.name, err)
		}
	}
	return &simpleIOValue{shape}, nil
}

// keyNames reads True, a name or a list of names; True is all.
func keyNames(option string, v starlark.Value) ([]string, error) {
	switch v := v.(type) {
	case nil, starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		if v {
			return []string{"*"}, nil
		}
		return nil, nil
	case starlark.String:
		return []string{string(v)}, nil
	case starlark.Iterable:
		var names []string
		for item := range starlark.Elements(v) {
			name, ok := starlark.AsString(item)
			if !ok {
				return nil, fmt.Errorf("SimpleIO: %s: expected names, not %s", option, item)
			}
			names = append(names, name)
		}
		return names, nil
	}
	return nil, fmt.Errorf("SimpleIO: %s: expected True or names, not %s", option, v.Type())
}

// declaring is what all fields of one SimpleIO have in common.
type declaring struct {
	fallback any    // default of optional ones that have none
	format   string // of dates with times that have none
}

func (d declaring) addFields(target *[]service.Field, v starlark.Value, required bool) error {
	var items []starlark.Value
	switch v := v.(type) {
	case nil, starlark.NoneType:
		return nil
	case starlark.String, fieldValue:
		items = []starlark.Value{v}
	case starlark.Iterable:
		for item := range starlark.Elements(v) {
			items = append(items, item)
		}
	default:
		return fmt.Errorf("expected names, not %s", v.Type())
	}
	for _, item := range items {
		f, err := fieldNamed(item, required)
		if err != nil {
			return err
		}
		for _, have := range *target {
			if have.Name == f.Name {
				return fmt.Errorf("%q is declared twice", f.Name)
			}
		}
		if f.Default == nil && !f.Required {
			f.Default = d.fallback
		}
		*target = append(*target, d.formatted(f))
	}
	return nil
}

// formatted is f with the format of dates with times, where it has none of its own.
func (d declaring) formatted(f service.Field) service.Field {
	if d.format == "" {
		return f
	}
	if f.Format == "" && (f.Type == "datetime" || f.Type == "utc") {
		f.Format = d.format
	}
	fields := make([]service.Field, len(f.Fields))
	for i, inner := range f.Fields {
		fields[i] = d.formatted(inner)
	}
	if len(fields) > 0 {
		f.Fields = fields
	}
	return f
}

// fieldNamed is the field that a name or a typed field says.
func fieldNamed(item starlark.Value, required bool) (service.Field, error) {
	var f service.Field
	switch item := item.(type) {
	case starlark.String:
		f.Name = string(item)
	case fieldValue:
		f = item.field
	default:
		return f, fmt.Errorf("expected a name or a type such as Int(\"amount\"), not %s", item)
	}
	f.Required = required
	if name, dashed := strings.CutPrefix(f.Name, "-"); dashed {
		f.Name, f.Required = name, false
	}
	if f.Name == "" {
		return f, errors.New("a field needs a name")
	}
	return f, nil
}
