package sio

import (
	"github.com/parley-run/parley/runtime/service"
)

// Output is a service's answer as it may leave: the declared fields alone, in declared order, or a list of
// such objects where the shape is repeated. Without declared output it is the payload in the neutral form. A
// missing required field, or a value of a wrong type, is an *service.Error of code Internal that names
// service and field: the service is at fault, not its caller.
func (c *Checker) Output(payload any) (any, error) {
	neutral, err := Neutral(payload)
	if err != nil {
		return nil, c.fault("output: %v", err)
	}
	if c.output == nil {
		return neutral, nil
	}
	r := &report{}
	var out any
	if c.repeated {
		out = c.output.outList(neutral, r)
	} else {
		out = c.output.out(neutral, r)
	}
	if !r.ok() {
		return nil, c.fault("output is not valid: %s", r)
	}
	return out, nil
}

// outList are the objects of a list; a single one is a list of one, and null is none.
func (s *structure) outList(v any, r *report) []any {
	list, ok := v.([]any)
	if !ok && v != nil {
		list = []any{v}
	}
	out := make([]any, len(list))
	for i, e := range list {
		r.element(i)
		out[i] = s.out(e, r)
		r.leave()
	}
	return out
}

func (s *structure) out(v any, r *report) *service.Object {
	object, ok := v.(*service.Object)
	if !ok && v != nil {
		r.fault("expected an object with " + s.names() + ", not " + describe(v))
		return nil
	}
	values := make([]any, len(s.fields))
	for i := range s.fields {
		f := &s.fields[i]
		v, given := object.Get(f.name)
		r.enter(f.name)
		values[i] = f.out(v, given, r)
		r.leave()
	}
	if !s.skips {
		return s.layout.Object(values)
	}
	out := service.NewObject(len(values))
	for i, v := range values {
		if !s.fields[i].skip || !isEmpty(v) {
			out.Set(s.fields[i].name, v)
		}
	}
	return out
}

// isEmpty is what skip_empty_keys leaves out. Zero and false are values.
func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case *service.Object:
		return v.Len() == 0
	default:
		return false
	}
}

// out converts an output value. A null that the service set stays null, empty text stays empty, and lists and
// objects pass where the name alone says text.
func (f *field) out(v any, given bool, r *report) any {
	switch {
	case f.problem != "":
		r.fault(f.problem)
		return nil
	case !given && f.required:
		r.fault("missing")
		return nil
	case !given:
		return f.written(copyOf(f.empty), r)
	case v == nil:
		return nil
	case v == "" && f.kind != typeText && f.kind != typeAny:
		return f.written(f.kind.empty(), r)
	}
	return f.written(v, r)
}

// written is a value as it stands outside.
func (f *field) written(v any, r *report) any {
	if v == nil || v == "" {
		return v
	}
	converted, ok := f.convertOut(v)
	if !ok {
		r.fault("expected " + f.expected() + ", not " + f.describe(v))
		return nil
	}
	switch {
	case f.inner != nil && f.kind == typeDict:
		if o, ok := converted.(*service.Object); ok && o.Len() == 0 && !f.required {
			return o // it was not set
		}
		return f.inner.out(converted, r)
	case f.inner != nil:
		return f.inner.outList(converted, r)
	case f.of != nil:
		list, _ := converted.([]any)
		out := make([]any, len(list))
		for i, e := range list {
			r.element(i)
			out[i] = f.of.out(e, true, r)
			r.leave()
		}
		return out
	}
	return converted
}

func (c *Checker) fault(format string, args ...any) *service.Error {
	return service.Errorf(service.Internal, "service %q: "+format, append([]any{c.service}, args...)...)
}
