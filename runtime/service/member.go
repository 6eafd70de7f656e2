package service

import (
	"reflect"
	"slices"
	"strings"
)

// member is a struct field as the neutral form sees it.
type member struct {
	index    int
	name     string
	optional bool
	secret   bool
	kind     string // a type that the tag says; "": the Go type's
}

// membersOf are the fields of a struct that take part.
func membersOf(t reflect.Type) []member {
	var out []member
	for i := range t.NumField() {
		f := t.Field(i)
		options := strings.Split(f.Tag.Get("sio"), ",")
		m := member{index: i, name: options[0], optional: f.Type.Kind() == reflect.Pointer}
		if !f.IsExported() || m.name == "-" {
			continue
		}
		if m.name == "" {
			m.name, _, _ = strings.Cut(f.Tag.Get("json"), ",")
		}
		if m.name == "" {
			m.name = snakeCase(f.Name)
		}
		for _, option := range options[1:] {
			switch option {
			case "optional":
				m.optional = true
			case "required":
				m.optional = false
			case "secret":
				m.secret = true
			default:
				m.kind = option
			}
		}
		out = append(out, m)
	}
	return out
}

// taggedTypes are the types that a tag may give a field beside that of Go: all are text or lists of text.
func taggedTypes() []string {
	return []string{"any", "csv", "date", "datetime", "decimal", "text", "utc", "uuid"}
}

// codec knows the members of struct types, so that no request finds them anew. The zero value knows none and works all
// the same. It is not changed once it is in use.
type codec map[reflect.Type][]member

func (c codec) members(t reflect.Type) []member {
	if known, ok := c[t]; ok {
		return known
	}
	return membersOf(t)
}

// learn adds t and all that it is made of.
func (c codec) learn(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		c.learn(t.Elem())
	case reflect.Struct:
		if _, known := c[t]; known || t == timeType {
			return
		}
		c[t] = membersOf(t)
		for _, m := range c[t] {
			if m.kind != "" && !slices.Contains(taggedTypes(), m.kind) {
				panic("service.New: the tag of field " + t.Field(m.index).Name + " says " + m.kind +
					"; it may say optional, required, secret, " + strings.Join(taggedTypes(), ", "))
			}
			c.learn(t.Field(m.index).Type)
		}
	}
}
