package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Reply is the last reply, for steps of your own; nil where none came. In one whose Reply is true there is one.
func (w *World) Reply() *Reply { return w.reply }

// Header is what requests are sent with from here on; a step may change it.
func (w *World) Header() http.Header { return w.header }

// Value is what an earlier step stored under a name: the value that steps use as #name.
func (w *World) Value(name string) (value any, stored bool) {
	value, stored = w.vars[name]
	return value, stored
}

// ready is the step with its function, where it is written in full.
func (s Step) ready() (Step, error) {
	fault := ""
	switch {
	case s.Pattern == "":
		fault = "has no Pattern"
	case len(s.Kinds) == 0:
		fault = "has no Kinds, so no keyword leads to it"
	case s.Do == nil && s.Func == nil:
		fault = "does nothing: give it a Func"
	case s.Do != nil && s.Func != nil:
		fault = "has both a Do and a Func: one is enough"
	case s.Func != nil:
		do, err := typed(s.Func, parameters(s.Pattern))
		if err != nil {
			fault = err.Error()
		}
		s.Do = do
	}
	if fault != "" {
		return s, fmt.Errorf("step %q %s", s.Pattern, fault)
	}
	return s, nil
}

// parameters are the names of a pattern's, in their order.
func parameters(pattern string) []string {
	var names []string
	for _, found := range placeholder.FindAllString(pattern, -1) {
		if found != "(s)" {
			names = append(names, strings.Trim(found, `"{}`))
		}
	}
	return names
}

// sample is a line that the pattern matches.
func (s Step) sample() string {
	return placeholder.ReplaceAllStringFunc(s.Pattern, func(found string) string {
		switch {
		case found == "(s)":
			return "s"
		case found == "{mock}":
			return "x"
		case found[0] == '"':
			return `"1"`
		}
		return "1"
	})
}

// typed makes a step's Do of a function with typed parameters, see Step.Func.
func typed(function any, names []string) (func(context.Context, *World, Args) error, error) {
	v := reflect.ValueOf(function)
	t := v.Type()
	if t.Kind() != reflect.Func || t.NumOut() != 1 || t.Out(0) != reflect.TypeFor[error]() || t.IsVariadic() {
		return nil, fmt.Errorf("has a Func of type %s; it must be a function that gives an error", t)
	}
	given := 0 // parameters before those of the pattern
	for _, known := range []reflect.Type{reflect.TypeFor[context.Context](), reflect.TypeFor[*World]()} {
		if given < t.NumIn() && t.In(given) == known {
			given++
		}
	}
	if t.NumIn()-given != len(names) {
		return nil, fmt.Errorf("has %d parameters, and its Func takes %d", len(names), t.NumIn()-given)
	}
	for i, name := range names {
		if _, err := convert("1", t.In(given+i)); errors.Is(err, errNoParameter) {
			return nil, fmt.Errorf("has a Func that takes %s as %s; it may be string, bool, int, float64, time.Duration or any", name, t.In(given+i))
		}
	}
	return func(ctx context.Context, w *World, a Args) error {
		var in []reflect.Value
		for i := range given {
			if t.In(i) == reflect.TypeFor[*World]() {
				in = append(in, reflect.ValueOf(w))
			} else {
				in = append(in, reflect.ValueOf(ctx))
			}
		}
		for i, name := range names {
			value, err := convert(a.Value(i), t.In(given+i))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			in = append(in, value)
		}
		err, _ := v.Call(in)[0].Interface().(error)
		return err
	}, nil
}

// errNoParameter says that a Func cannot have a parameter of a type.
var errNoParameter = errors.New("no such parameter")

// convert is a parameter's value as a function takes it.
func convert(value any, to reflect.Type) (reflect.Value, error) {
	var out any
	var err error
	text := textOf(value)
	switch to {
	case reflect.TypeFor[string]():
		out = text
	case reflect.TypeFor[int]():
		if out, err = strconv.Atoi(text); err != nil {
			err = fmt.Errorf("%q is not a whole number", text)
		}
	case reflect.TypeFor[float64]():
		if out, err = strconv.ParseFloat(text, 64); err != nil {
			err = fmt.Errorf("%q is not a number", text)
		}
	case reflect.TypeFor[bool]():
		if out, err = strconv.ParseBool(text); err != nil {
			err = fmt.Errorf("%q is neither true nor false", text)
		}
	case reflect.TypeFor[time.Duration]():
		out, err = parseDuration(text)
	case reflect.TypeFor[any]():
		v := reflect.New(to).Elem()
		if value != nil {
			v.Set(reflect.ValueOf(value))
		}
		return v, nil
	default:
		err = errNoParameter
	}
	return reflect.ValueOf(out), err
}

// JSON reads the reply's body into v, a pointer, as encoding/json does; that it is no JSON is the step's failure.
func (r *Reply) JSON(v any) error {
	if err := json.Unmarshal(r.Body, v); err != nil {
		return &Failure{What: fmt.Sprintf("the reply is no JSON of that shape: %v", err)}
	}
	return nil
}
