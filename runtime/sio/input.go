package sio

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/parley-run/parley/runtime/service"
)

// params are a channel's parameters beside a payload.
type params struct {
	values       map[string][]string
	payloadFirst bool // the payload wins where both have a field
}

func (p *params) get(name string) (any, bool) {
	if p == nil {
		return nil, false
	}
	values, ok := p.values[name]
	if !ok || len(values) == 0 {
		return nil, false
	}
	return paramValue(values), true
}

func paramValue(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = v
	}
	return list
}

// Input is the service's input, in declared order, from a payload and parameters of the channel, of which the parameters
// win: an *service.Object, or a list of such where the shape says that the input is repeated. All that is wrong comes back
// as one *service.Error of code Invalid. Without declared input it is nil.
func (c *Checker) Input(payload any, values map[string][]string) (any, error) {
	return c.fromTree(payload, &params{values: values})
}

func (c *Checker) fromTree(payload any, p *params) (any, error) {
	if c.input == nil {
		return nil, nil
	}
	if c.paramsOnly {
		payload = nil
	}
	if _, ok := payload.(*service.Object); !ok {
		neutral, err := Neutral(payload)
		if err != nil {
			return nil, service.Errorf(service.Invalid, "input is not valid: %w", err)
		}
		payload = neutral
		if text, ok := payload.(string); ok && isBlank(text) {
			payload = nil
		}
	}
	r := &report{}
	if c.requestElem != "" && payload != nil {
		if payload = c.below(payload, r); !r.ok() {
			return nil, r.invalid()
		}
	}
	var out any
	if c.inputRepeated {
		out = c.input.rows(payload, r, p)
	} else {
		out = c.input.fromTree(payload, r, p)
	}
	return out, r.invalid()
}

// below is what stands under the request element.
func (c *Checker) below(payload any, r *report) any {
	r.enter(c.requestElem)
	defer r.leave()
	o, ok := payload.(*service.Object)
	if !ok {
		r.fault("missing; expected an object with this key, not " + describe(payload))
		return nil
	}
	v, ok := o.Get(c.requestElem)
	if !ok {
		r.fault("missing")
	}
	return v
}

// invalid is the error of all that was wrong, or nil.
func (r *report) invalid() error {
	if r.ok() {
		return nil
	}
	return &service.Error{Code: service.Invalid, Message: "input is not valid: " + r.String(), Err: Faults(r.faults)}
}

// rows are the objects of a repeated input; a single object is a list of one.
func (s *structure) rows(v any, r *report, p *params) []any {
	list, ok := v.([]any)
	if !ok && v != nil {
		list = []any{v}
	}
	out := make([]any, len(list))
	for i, one := range list {
		if r.full() {
			r.more = true
			break
		}
		r.element(i)
		out[i] = s.fromTree(one, r, p)
		r.leave()
	}
	return out
}

// fromTree is an object of the declared fields. Without parameters, what is no object is a fault.
func (s *structure) fromTree(v any, r *report, p *params) *service.Object {
	o, ok := v.(*service.Object)
	if !ok && v != nil {
		r.fault("expected an object with " + s.names() + ", not " + describe(v))
		return nil
	}
	fill := s.slots(p)
	for i := range s.fields {
		if v, given := o.Get(s.fields[i].name); given && fill.wants(i) {
			r.enter(s.fields[i].name)
			fill.values[i] = s.fields[i].in(v, true, r)
			r.leave()
		}
	}
	return fill.object(r)
}

// slots are the values of an object that is being read.
type slots struct {
	of     *structure
	values []any
	params *params
}

func (s *structure) slots(p *params) slots {
	values := make([]any, len(s.fields))
	for i := range values {
		values[i] = absent{}
	}
	return slots{of: s, values: values, params: p}
}

// wants says whether the payload's value of a field counts.
func (s *slots) wants(i int) bool {
	if s.params == nil || s.params.payloadFirst {
		return true
	}
	return len(s.params.values[s.of.fields[i].name]) == 0
}

func (s *slots) has(i int) bool { return s.values[i] != any(absent{}) }

// emptyLists fills in required lists of which no element came, where that is how an empty one is written.
func (s *slots) emptyLists() {
	for i := range s.values {
		f := &s.of.fields[i]
		if _, given := s.params.get(f.name); f.required && !given && !s.has(i) && (f.kind == typeList || f.kind == typeDictList) {
			s.values[i] = []any{}
		}
	}
}

// object is what was read, with what was not given filled in.
func (s *slots) object(r *report) *service.Object {
	for i := range s.values {
		switch read := s.values[i].(type) {
		case *repeats:
			s.values[i] = read.list
		case absent:
			f := &s.of.fields[i]
			v, given := s.params.get(f.name)
			r.enter(f.name)
			s.values[i] = f.in(v, given, r)
			r.leave()
		}
	}
	return s.of.layout.Object(s.values)
}

// in converts an input value, or reports what is wrong with it. An optional value that is null, or empty where its type
// has no empty value, counts as not given.
func (f *field) in(v any, given bool, r *report) any {
	if f.problem != "" {
		r.fault(f.problem)
		return nil
	}
	switch {
	case !given && f.required:
		r.fault("missing")
		return nil
	case !given:
		return copyOf(f.empty)
	case v == nil && f.required && f.kind != typeAny:
		r.fault("expected " + f.expected() + ", not null")
		return nil
	case v == nil, !f.required && f.kind != typeText && f.kind != typeAny && v == "":
		return copyOf(f.empty)
	}
	neutral, err := Neutral(v) // which values of Go services may not be yet
	if err != nil {
		r.fault(err.Error())
		return nil
	}
	converted, ok := f.convert(neutral)
	if !ok {
		r.fault("expected " + f.expected() + ", not " + f.describe(neutral))
		return nil
	}
	return f.inside(converted, r)
}

// inside converts what an object or a list holds.
func (f *field) inside(v any, r *report) any {
	switch {
	case f.inner != nil && f.kind == typeDict:
		return f.inner.fromTree(v, r, nil)
	case f.inner != nil:
		list, _ := v.([]any)
		return f.inner.rows(list, r, nil)
	case f.of != nil:
		list, _ := v.([]any)
		out := make([]any, len(list))
		for i, e := range list {
			if r.full() {
				r.more = true
				break
			}
			r.element(i)
			out[i] = f.of.in(e, true, r)
			r.leave()
		}
		return out
	}
	return v
}

// copyOf is a copy of v, so that no request changes what the next one gets.
func copyOf(v any) any {
	switch v := v.(type) {
	case *service.Object:
		out := service.NewObject(v.Len())
		for k, e := range v.All() {
			out.Set(k, copyOf(e))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = copyOf(e)
		}
		return out
	default:
		return v
	}
}

// describe says what a value is, for messages, at a length that a person reads.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case *service.Object:
		return "an object"
	case []any:
		return "a list"
	case string:
		return strconv.Quote(shorten(v))
	case bool, int64, float64, service.Number:
		text, err := service.AppendJSON(nil, v)
		if err == nil {
			return shorten(string(text))
		}
	}
	return fmt.Sprintf("a value of Go type %T", v)
}

func shorten(s string) string {
	const most = 60
	if len(s) <= most || utf8.RuneCountInString(s) <= most {
		return s
	}
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "..."
		}
		n++
	}
	return s
}
