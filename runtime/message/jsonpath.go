package message

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/theory/jsonpath/parser"
	"github.com/theory/jsonpath/registry"
	"github.com/theory/jsonpath/spec"

	"github.com/parley-run/parley/runtime/service"
)

// JSONPath is a compiled JSONPath (RFC 9535), such as $.orders[?@.total > 10].id. It is immutable: make it once and use it
// from many goroutines.
type JSONPath struct {
	text     string
	segments []*spec.Segment
	filtered bool
}

// CompileJSONPath reads a path.
func CompileJSONPath(text string) (path *JSONPath, err error) {
	defer func() {
		if p := recover(); p != nil {
			path, err = nil, fmt.Errorf("JSONPath %q: it cannot be read: %v", text, p)
		}
	}()
	if len(text) > maxPath {
		return nil, fmt.Errorf("JSONPath %.40q...: it is longer than %d characters", text, maxPath)
	}
	q, err := parser.Parse(registry.New(), text)
	if err != nil {
		return nil, fmt.Errorf("JSONPath %q: %s", text, strings.TrimPrefix(err.Error(), "jsonpath: "))
	}
	return &JSONPath{text: text, segments: q.Segments(), filtered: strings.Contains(text, "?")}, nil
}

// maxVisits bounds the work of one JSONPath.
const maxVisits = 2_000_000

var errTooMuch = errors.New("it takes too long on a document of this size; name the way to the values, such as $.orders[*].id in the place of $..id")

// Find is all that the path selects from doc, which is in the neutral form: the values themselves and no copies, those of
// an object in the order of its keys. Nothing is no error. Filters compare numbers as float64.
func (p *JSONPath) Find(doc any) (found []any, err error) {
	defer func() {
		if r := recover(); r != nil {
			found, err = nil, fmt.Errorf("JSONPath %q: it cannot be evaluated: %v", p.text, r)
		}
	}()
	run := search{left: maxVisits, root: value{v: doc}}
	if p.filtered {
		run.root.plain = plain(doc)
	}
	at := []value{run.root}
	for _, segment := range p.segments {
		var next []value
		for _, one := range at {
			if segment.IsDescendant() {
				next = run.descend(next, segment.Selectors(), one)
			} else {
				next = run.all(next, segment.Selectors(), one)
			}
		}
		at = next
	}
	if run.left <= 0 {
		return nil, fmt.Errorf("JSONPath %q: %w", p.text, errTooMuch)
	}
	found = make([]any, len(at))
	for i, one := range at {
		found[i] = one.v
	}
	return found, nil
}

// value is one of a document, and, where the path has filters, the same as the library knows it.
type value struct{ v, plain any }

type search struct {
	root value
	left int // values to look at until it has taken too long
}

// children are the values right within one, in order.
func (one value) children() []value {
	switch v := one.v.(type) {
	case []any:
		out := make([]value, len(v))
		for i := range v {
			out[i] = one.at(i)
		}
		return out
	case *service.Object:
		out := make([]value, 0, v.Len())
		for key := range v.All() {
			out = append(out, one.under(key))
		}
		return out
	}
	return nil
}

func (one value) at(i int) value {
	out := value{v: one.v.([]any)[i]}
	if list, ok := one.plain.([]any); ok {
		out.plain = list[i]
	}
	return out
}

func (one value) under(key string) value {
	out := value{v: one.v.(*service.Object).Value(key)}
	if m, ok := one.plain.(map[string]any); ok {
		out.plain = m[key]
	}
	return out
}

func (s *search) descend(dst []value, selectors []spec.Selector, one value) []value {
	dst = s.all(dst, selectors, one)
	for _, child := range one.children() {
		if s.left <= 0 {
			return dst
		}
		dst = s.descend(dst, selectors, child)
	}
	return dst
}

func (s *search) all(dst []value, selectors []spec.Selector, one value) []value {
	for _, selector := range selectors {
		before := len(dst)
		if s.left--; s.left <= 0 {
			return dst
		}
		dst = s.one(dst, selector, one)
		s.left -= len(dst) - before
	}
	return dst
}

func (s *search) one(dst []value, selector spec.Selector, one value) []value {
	list, _ := one.v.([]any)
	switch selector := selector.(type) {
	case spec.Name:
		if o, ok := one.v.(*service.Object); ok {
			if _, has := o.Get(string(selector)); has {
				return append(dst, one.under(string(selector)))
			}
		}
	case spec.Index:
		i := int(selector)
		if i < 0 {
			i += len(list)
		}
		if i >= 0 && i < len(list) {
			return append(dst, one.at(i))
		}
	case spec.SliceSelector:
		lower, upper := selector.Bounds(len(list))
		switch step := selector.Step(); {
		case step > 0:
			for i := lower; i < upper; i += step {
				dst = append(dst, one.at(i))
			}
		case step < 0:
			for i := upper; lower < i; i += step {
				dst = append(dst, one.at(i))
			}
		}
	case spec.WildcardSelector:
		return append(dst, one.children()...)
	case *spec.FilterSelector:
		for _, child := range one.children() {
			if s.left--; s.left <= 0 {
				return dst
			}
			if selector.Eval(child.plain, s.root.plain) {
				dst = append(dst, child)
			}
		}
	}
	return dst
}

// plain is a value of the neutral form as the library knows it.
func plain(v any) any {
	switch v := v.(type) {
	case *service.Object:
		m := make(map[string]any, v.Len())
		for key, one := range v.All() {
			m[key] = plain(one)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, one := range v {
			list[i] = plain(one)
		}
		return list
	case service.Number:
		return json.Number(v)
	}
	return v
}
