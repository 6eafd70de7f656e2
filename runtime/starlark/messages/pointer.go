package messages

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/parley-run/parley/runtime/message"
)

// A pointer works on a service's own values, in place: no copy of a document is made to read or change one value of it.

// pointerGet is jsonpointer.get(doc, pointer, default=None).
func (m *modules) pointerGet(c *call) (starlark.Value, error) {
	var doc starlark.Value
	var text string
	var fallback starlark.Value = starlark.None
	if err := c.unpack("doc", &doc, "pointer", &text, "default?", &fallback); err != nil {
		return nil, err
	}
	p, err := m.paths.Pointer(text)
	if err != nil {
		return nil, c.failed(err)
	}
	for _, token := range p.Tokens() {
		next, err := within(doc, token)
		if err != nil {
			return nil, c.failed(err)
		}
		if next == nil {
			return fallback, nil
		}
		doc = next
	}
	return doc, nil
}

// within is what stands under a token; nil: nothing does.
func within(doc starlark.Value, token string) (starlark.Value, error) {
	switch doc := doc.(type) {
	case starlark.Mapping:
		v, found, err := doc.Get(starlark.String(token))
		if err != nil || !found {
			return nil, err
		}
		return v, nil
	case *starlark.List, starlark.Tuple:
		list := doc.(starlark.Indexable)
		if i := message.Index(token, list.Len()); i >= 0 {
			return list.Index(i), nil
		}
	}
	return nil, nil
}

// pointerSet is jsonpointer.set(doc, pointer, value): the document, which is changed in place.
func (m *modules) pointerSet(c *call) (starlark.Value, error) {
	var doc, value starlark.Value
	var text string
	if err := c.unpack("doc", &doc, "pointer", &text, "value", &value); err != nil {
		return nil, err
	}
	p, err := m.paths.Pointer(text)
	if err != nil {
		return nil, c.failed(err)
	}
	out, err := put(doc, value, p.Tokens())
	if err != nil {
		return nil, c.failed(fmt.Errorf("JSON Pointer %q: %w", text, err))
	}
	return out, nil
}

// put is at with value under tokens. Dicts that are missing on the way are made, and lists where - is to be put into them.
func put(at, value starlark.Value, tokens []string) (starlark.Value, error) {
	if len(tokens) == 0 {
		return value, nil
	}
	token := tokens[0]
	switch missing := at == starlark.None || at == nil; {
	case missing && token == "-":
		at = starlark.NewList(nil)
	case missing:
		at = new(starlark.Dict)
	}
	list, isList := at.(*starlark.List)
	target, isDict := at.(starlark.HasSetKey)
	if !isDict && !isList {
		return nil, fmt.Errorf("%q cannot be put into a value of type %s; only dicts and lists can be changed", token, at.Type())
	}
	place := -1
	if isList {
		if token == "-" {
			place = list.Len()
		} else {
			place = message.Index(token, list.Len()+1)
		}
		if place < 0 {
			return nil, fmt.Errorf("%q is no place in a list of %d elements; use 0 to %d, or - to append", token, list.Len(), list.Len())
		}
	}
	next, err := within(at, token)
	if err != nil {
		return nil, err
	}
	inner, err := put(next, value, tokens[1:])
	switch {
	case err != nil:
		return nil, err
	case !isList:
		err = target.SetKey(starlark.String(token), inner)
	case place == list.Len():
		err = list.Append(inner)
	default:
		err = list.SetIndex(place, inner)
	}
	return at, err
}

// pointerDelete is jsonpointer.delete(doc, pointer): whether there was something to delete.
func (m *modules) pointerDelete(c *call) (starlark.Value, error) {
	var doc starlark.Value
	var text string
	if err := c.unpack("doc", &doc, "pointer", &text); err != nil {
		return nil, err
	}
	p, err := m.paths.Pointer(text)
	if err != nil {
		return nil, c.failed(err)
	}
	tokens := p.Tokens()
	if len(tokens) == 0 {
		return nil, c.failed(fmt.Errorf("JSON Pointer %q: the whole document cannot be deleted", text))
	}
	for _, token := range tokens[:len(tokens)-1] {
		if doc, err = within(doc, token); err != nil {
			return nil, c.failed(err)
		}
		if doc == nil {
			return starlark.False, nil
		}
	}
	last := tokens[len(tokens)-1]
	there, err := within(doc, last)
	if err != nil {
		return nil, c.failed(err)
	}
	if there == nil {
		return starlark.False, nil
	}
	var key starlark.Value = starlark.String(last)
	pops, _ := doc.(starlark.HasAttrs)
	if list, isList := doc.(*starlark.List); isList {
		key = starlark.MakeInt(message.Index(last, list.Len()))
	} else if _, isDict := doc.(*starlark.Dict); !isDict {
		return nil, c.failed(fmt.Errorf("JSON Pointer %q: nothing can be deleted from a value of type %s at /%s", text, doc.Type(), strings.Join(tokens[:len(tokens)-1], "/")))
	}
	pop, err := pops.Attr("pop")
	if err == nil {
		_, err = starlark.Call(c.thread, pop, starlark.Tuple{key}, nil)
	}
	if err != nil {
		return nil, c.failed(err)
	}
	return starlark.True, nil
}
