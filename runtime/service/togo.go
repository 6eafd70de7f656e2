package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
)

var timeType = reflect.TypeFor[time.Time]() //nolint:gochecknoglobals // a constant that Go cannot spell as one

// ToGo fills the Go value that target points to from v, in the neutral form. Names match as in New; members
// that target lacks are passed over. Its errors name the path and what was expected.
func ToGo(v any, target any) error { return codec{}.toGo(v, reflect.ValueOf(target).Elem()) }

// FromGo is a Go value in the neutral form. Struct fields keep their order; nil pointers are left out.
func FromGo(v any) (any, error) { return codec{}.fromGo(reflect.ValueOf(v)) }

func (c codec) toGo(v any, target reflect.Value) error {
	if v == nil {
		return nil
	}
	if target.Type() == timeType {
		return timeToGo(v, target)
	}
	switch target.Kind() {
	case reflect.Interface:
		if !reflect.TypeOf(v).AssignableTo(target.Type()) {
			return mismatch(target, v)
		}
		target.Set(reflect.ValueOf(v))
	case reflect.Pointer:
		if reflect.TypeOf(v) == target.Type() {
			target.Set(reflect.ValueOf(v))
			return nil
		}
		fresh := reflect.New(target.Type().Elem())
		if err := c.toGo(v, fresh.Elem()); err != nil {
			return err
		}
		target.Set(fresh)
	case reflect.Bool:
		b, ok := v.(bool)
		if !ok {
			return mismatch(target, v)
		}
		target.SetBool(b)
	case reflect.String:
		s, ok := v.(string)
		if !ok {
			return mismatch(target, v)
		}
		target.SetString(s)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, ok := asInt(v)
		if !ok || target.OverflowInt(i) {
			return mismatch(target, v)
		}
		target.SetInt(i)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		i, ok := asInt(v)
		if !ok || i < 0 || target.OverflowUint(uint64(i)) {
			return mismatch(target, v)
		}
		target.SetUint(uint64(i))
	case reflect.Float32, reflect.Float64:
		f, ok := asFloat(v)
		if !ok {
			return mismatch(target, v)
		}
		target.SetFloat(f)
	case reflect.Slice:
		return c.sliceToGo(v, target)
	case reflect.Map:
		return c.mapToGo(v, target)
	case reflect.Struct:
		return c.structToGo(v, target)
	default:
		return mismatch(target, v)
	}
	return nil
}

func timeToGo(v any, target reflect.Value) error {
	s, ok := v.(string)
	if !ok {
		return mismatch(target, v)
	}
	if s == "" {
		return nil // an optional one that was not given
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			target.Set(reflect.ValueOf(t))
			return nil
		}
	}
	return mismatch(target, v)
}

func (c codec) sliceToGo(v any, target reflect.Value) error {
	if s, ok := v.(string); ok && target.Type().Elem().Kind() == reflect.Uint8 {
		target.SetBytes([]byte(s))
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		return mismatch(target, v)
	}
	out := reflect.MakeSlice(target.Type(), len(list), len(list))
	for i, e := range list {
		if err := c.toGo(e, out.Index(i)); err != nil {
			return under(fmt.Sprintf("[%d]", i), err)
		}
	}
	target.Set(out)
	return nil
}

func (c codec) mapToGo(v any, target reflect.Value) error {
	o, ok := v.(*Object)
	if !ok || target.Type().Key().Kind() != reflect.String {
		return mismatch(target, v)
	}
	out := reflect.MakeMapWithSize(target.Type(), o.Len())
	for k, e := range o.All() {
		value := reflect.New(target.Type().Elem()).Elem()
		if err := c.toGo(e, value); err != nil {
			return under(k, err)
		}
		out.SetMapIndex(reflect.ValueOf(k).Convert(target.Type().Key()), value)
	}
	target.Set(out)
	return nil
}

func (c codec) structToGo(v any, target reflect.Value) error {
	o, ok := v.(*Object)
	if !ok {
		return mismatch(target, v)
	}
	for _, m := range c.members(target.Type()) {
		if e, ok := o.Get(m.name); ok {
			if err := c.toGo(e, target.Field(m.index)); err != nil {
				return under(m.name, err)
			}
		}
	}
	return nil
}

func asInt(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	}
	return 0, false
}

func asFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case Number:
		f, err := strconv.ParseFloat(string(v), 64)
		return f, err == nil
	}
	return 0, false
}

// misfit is a value that a Go type cannot hold, at a path.
type misfit struct{ path, message string }

func (m *misfit) Error() string {
	if m.path == "" {
		return "the input: " + m.message
	}
	return m.path + ": " + m.message
}

// under puts name before the path of err.
func under(name string, err error) error {
	var m *misfit
	switch {
	case !errors.As(err, &m):
		return fmt.Errorf("%s: %w", name, err)
	case m.path == "" || m.path[0] == '[':
		m.path = name + m.path
	default:
		m.path = name + "." + m.path
	}
	return m
}

// mismatch tells what sort of value was found, and not the value: it may be a secret.
func mismatch(target reflect.Value, v any) error {
	want, got := shapeType(target.Type()), sortOf(v)
	if got == "a number" && (want == "int" || want == "float") {
		got = "a number of another size or sort"
	}
	return &misfit{message: fmt.Sprintf("expected %s, not %s", want, got)}
}

func sortOf(v any) string {
	switch v.(type) {
	case bool:
		return "true or false"
	case string:
		return "text"
	case int64, float64, Number:
		return "a number"
	case []any:
		return "a list"
	case *Object:
		return "an object"
	default:
		return fmt.Sprintf("a value of Go type %T", v)
	}
}

func (c codec) fromGo(v reflect.Value) (any, error) {
	if !v.IsValid() {
		return nil, nil
	}
	switch x := v.Interface().(type) {
	case *Object, Number, nil:
		return x, nil
	case time.Time:
		return x.Format(time.RFC3339Nano), nil
	case []byte:
		return string(x), nil
	case json.Number:
		return Number(x), nil
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return c.fromGo(v.Elem())
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.String:
		return v.String(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if u := v.Uint(); u > math.MaxInt64 {
			return Number(strconv.FormatUint(u, 10)), nil
		}
		return int64(v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	case reflect.Slice, reflect.Array:
		out := make([]any, v.Len())
		for i := range out {
			var err error
			if out[i], err = c.fromGo(v.Index(i)); err != nil {
				return nil, err
			}
		}
		return out, nil
	case reflect.Map:
		return c.mapFromGo(v)
	case reflect.Struct:
		return c.structFromGo(v)
	default:
		return nil, fmt.Errorf("a value of type %s has no form in a payload", v.Type())
	}
}

func (c codec) mapFromGo(v reflect.Value) (any, error) {
	if v.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("a map with keys of type %s has no form in a payload; use text keys", v.Type().Key())
	}
	if v.IsNil() {
		return nil, nil
	}
	keys := make([]string, 0, v.Len())
	for _, k := range v.MapKeys() {
		keys = append(keys, k.String())
	}
	slices.Sort(keys)
	out := NewObject(len(keys))
	for _, k := range keys {
		e, err := c.fromGo(v.MapIndex(reflect.ValueOf(k).Convert(v.Type().Key())))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		out.Set(k, e)
	}
	return out, nil
}

func (c codec) structFromGo(v reflect.Value) (any, error) {
	members := c.members(v.Type())
	out := NewObject(len(members))
	for _, m := range members {
		f := v.Field(m.index)
		if f.Kind() == reflect.Pointer && f.IsNil() {
			continue
		}
		e, err := c.fromGo(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		out.Set(m.name, e)
	}
	return out, nil
}
