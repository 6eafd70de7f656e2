package service

import (
	"iter"
	"maps"
	"slices"
)

// The neutral form of data, between formats, SimpleIO, Starlark and Go, is a tree of:
//
//	nil  bool  string  int64  float64  Number  []any  *Object
//
// Integers that fit are int64; a number that neither int64 nor float64 holds without loss is a Number, so that
// no amount is rounded on its way through. Objects keep the order of their keys.

// Number is a JSON number literal that fits neither int64 nor float64 exactly, such as 0.1000000000000000055
// or 123456789012345678901.
type Number string

// Object is a set of named values in the order in which they were first set. The zero value is empty and
// ready to use. It is not safe for concurrent writes.
type Object struct {
	keys  []string
	vals  []any
	index map[string]int // only above linearKeys

	shared bool // keys and index belong to a Layout
}

// linearKeys is how many keys are looked up one by one: below it a scan beats a map, and saves its memory.
const linearKeys = 12

// smallObject has room for the keys of most objects in the same piece of memory.
type smallObject struct {
	Object
	ownKeys [smallKeys]string
	ownVals [smallKeys]any
}

const smallKeys = 4

// NewObject is an empty object with room for n keys.
func NewObject(n int) *Object {
	if n == 0 {
		return &Object{}
	}
	if n <= smallKeys {
		o := &smallObject{}
		o.keys, o.vals = o.ownKeys[:0], o.ownVals[:0]
		return &o.Object
	}
	return &Object{keys: make([]string, 0, n), vals: make([]any, 0, n)}
}

// ObjectOf builds an object from key, value, key, value, ... It panics on an odd count or a key that is no string.
func ObjectOf(pairs ...any) *Object {
	o := NewObject(len(pairs) / 2)
	for i := 0; i < len(pairs); i += 2 {
		o.Set(pairs[i].(string), pairs[i+1])
	}
	return o
}

func (o *Object) find(key string) int {
	if o == nil {
		return -1
	}
	if o.index != nil {
		if i, ok := o.index[key]; ok {
			return i
		}
		return -1
	}
	for i, k := range o.keys {
		if k == key {
			return i
		}
	}
	return -1
}

// Get is the value under key, and whether there is one.
func (o *Object) Get(key string) (any, bool) {
	if i := o.find(key); i >= 0 {
		return o.vals[i], true
	}
	return nil, false
}

// Value is the value under key, or nil.
func (o *Object) Value(key string) any {
	v, _ := o.Get(key)
	return v
}

// Text is the value under key where it is a string, or "".
func (o *Object) Text(key string) string {
	s, _ := o.Value(key).(string)
	return s
}

// Set puts v under key; a new key goes to the end.
func (o *Object) Set(key string, v any) {
	if i := o.find(key); i >= 0 {
		o.vals[i] = v
		return
	}
	o.own()
	o.keys = append(o.keys, key)
	o.vals = append(o.vals, v)
	switch n := len(o.keys); {
	case o.index != nil:
		o.index[key] = n - 1
	case n > linearKeys:
		o.reindex()
	}
}

// Delete removes key, and reports whether it was there.
func (o *Object) Delete(key string) bool {
	i := o.find(key)
	if i < 0 {
		return false
	}
	o.own()
	o.keys = append(o.keys[:i], o.keys[i+1:]...)
	o.vals = append(o.vals[:i], o.vals[i+1:]...)
	o.index = nil
	if len(o.keys) > linearKeys {
		o.reindex()
	}
	return true
}

// own gives the object keys of its own, before they change.
func (o *Object) own() {
	if !o.shared {
		return
	}
	o.keys, o.index, o.shared = slices.Clone(o.keys), maps.Clone(o.index), false
}

func (o *Object) reindex() {
	o.index = make(map[string]int, 2*len(o.keys))
	for i, k := range o.keys {
		o.index[k] = i
	}
}

// Len is the number of keys; of a nil object 0.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.keys)
}

// At is the i-th key and its value.
func (o *Object) At(i int) (string, any) { return o.keys[i], o.vals[i] }

// All walks keys and values in order. The object must not grow or shrink meanwhile.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for i := range o.Len() {
			if !yield(o.keys[i], o.vals[i]) {
				return
			}
		}
	}
}

// Clone is a copy whose keys can change without changing o's; nested values are shared.
func (o *Object) Clone() *Object {
	c := NewObject(o.Len())
	for k, v := range o.All() {
		c.Set(k, v)
	}
	return c
}

// Layout is the keys that many objects have in common: such objects hold their values alone, and share the keys until one
// of them gets or loses one. Safe for concurrent use.
type Layout struct {
	keys  []string
	index map[string]int
}

// NewLayout is a layout of those keys, which must differ.
func NewLayout(keys []string) *Layout {
	o := Object{keys: slices.Clone(keys)}
	if len(keys) > linearKeys {
		o.reindex()
	}
	return &Layout{keys: o.keys, index: o.index}
}

// Len is the number of keys.
func (l *Layout) Len() int { return len(l.keys) }

// Find is the place of a key, or -1.
func (l *Layout) Find(key string) int {
	o := Object{keys: l.keys, index: l.index}
	return o.find(key)
}

// Object is an object with those keys and vals, of which there must be as many, and which belong to it from now on.
func (l *Layout) Object(vals []any) *Object {
	return &Object{keys: l.keys, vals: vals, index: l.index, shared: true}
}

// MarshalJSON writes the object with its keys in order.
func (o *Object) MarshalJSON() ([]byte, error) { return AppendJSON(nil, o) }
