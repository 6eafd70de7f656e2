package messages

import (
	"errors"
	"fmt"
	"math"

	"go.starlark.net/starlark"

	"github.com/parley-run/parley/runtime/message"
	parley "github.com/parley-run/parley/runtime/starlark"
)

// element is an XML element: .name, .namespace, .text, .attributes, .children, .data and .xml.
type element struct{ e *message.Element }

var _ starlark.HasAttrs = element{}

func (x element) String() string        { return "<element " + x.e.Name + ">" }
func (x element) Type() string          { return "element" }
func (x element) Freeze()               {}
func (x element) Truth() starlark.Bool  { return true }
func (x element) Hash() (uint32, error) { return 0, errors.New("an element cannot be a key") }

func (x element) AttrNames() []string {
	return []string{"attributes", "children", "data", "name", "namespace", "text", "xml"}
}

func (x element) Attr(name string) (starlark.Value, error) {
	switch name {
	case "name":
		return starlark.String(x.e.Name), nil
	case "namespace":
		return starlark.String(x.e.Namespace), nil
	case "text":
		return starlark.String(x.e.Text()), nil
	case "data":
		return parley.ToValue(x.e.Data()), nil
	case "xml":
		return starlark.String(x.e.XML()), nil
	case "attributes":
		d := starlark.NewDict(len(x.e.Attributes))
		for _, a := range x.e.Attributes {
			if a.Prefix != "xmlns" && (a.Prefix != "" || a.Name != "xmlns") {
				_ = d.SetKey(starlark.String(a.Name), starlark.String(a.Value)) // a fresh dict takes any text key
			}
		}
		return d, nil
	case "children":
		all := x.e.Children()
		list := make([]starlark.Value, len(all))
		for i, child := range all {
			list[i] = element{child}
		}
		return starlark.NewList(list), nil
	}
	return nil, nil
}

// document is an element, or the root of what is given as text.
func (c *call) document(v starlark.Value) (*message.Element, error) {
	if x, ok := v.(element); ok {
		return x.e, nil
	}
	text, ok := starlark.AsString(v)
	if !ok {
		return nil, c.failed(fmt.Errorf("expected XML, as text or an element, not %s", v.Type()))
	}
	e, err := message.ParseXML([]byte(text))
	if err != nil {
		return nil, c.failed(err)
	}
	return e, nil
}

// parseXML is xml.parse(text): the root element.
func parseXML(c *call) (starlark.Value, error) {
	var doc starlark.Value
	if err := c.unpack("text", &doc); err != nil {
		return nil, err
	}
	e, err := c.document(doc)
	if err != nil {
		return nil, err
	}
	return element{e}, nil
}

// buildXML is xml.build(root, data=None, namespaces={}, declaration=False): text.
func buildXML(c *call) (starlark.Value, error) {
	var root string
	var data starlark.Value = starlark.None
	var bound *starlark.Dict
	declaration := false
	if err := c.unpack("root", &root, "data?", &data, "namespaces?", &bound, "declaration?", &declaration); err != nil {
		return nil, err
	}
	namespaces, err := c.namespaces(bound)
	if err != nil {
		return nil, err
	}
	neutral, err := parley.FromValue(data)
	if err != nil {
		return nil, c.failed(err)
	}
	raw, err := message.BuildXML(root, neutral, namespaces)
	if err != nil {
		return nil, c.failed(err)
	}
	if declaration {
		return starlark.String(`<?xml version="1.0" encoding="UTF-8"?>` + string(raw)), nil
	}
	return starlark.String(raw), nil
}

// xpathFind is xpath.find(doc, path, namespaces={}): a list of elements, and of texts for attributes and texts.
func (m *modules) xpathFind(c *call) (starlark.Value, error) {
	var doc starlark.Value
	var text string
	var bound *starlark.Dict
	if err := c.unpack("doc", &doc, "path", &text, "namespaces?", &bound); err != nil {
		return nil, err
	}
	found, err := m.findXPath(c, doc, text, bound)
	if err != nil {
		return nil, err
	}
	list := make([]starlark.Value, len(found))
	for i, v := range found {
		if e, ok := v.(*message.Element); ok {
			list[i] = element{e}
		} else {
			list[i] = computed(v)
		}
	}
	return starlark.NewList(list), nil
}

// xpathGet is xpath.get(doc, path, default=None, namespaces={}): the text of the first that is there, or what it computes.
func (m *modules) xpathGet(c *call) (starlark.Value, error) {
	var doc starlark.Value
	var text string
	var bound *starlark.Dict
	var fallback starlark.Value = starlark.None
	if err := c.unpack("doc", &doc, "path", &text, "default?", &fallback, "namespaces?", &bound); err != nil {
		return nil, err
	}
	found, err := m.findXPath(c, doc, text, bound)
	if err != nil || len(found) == 0 {
		return fallback, err
	}
	if e, ok := found[0].(*message.Element); ok {
		return starlark.String(e.Text()), nil
	}
	return computed(found[0]), nil
}

func (m *modules) findXPath(c *call, doc starlark.Value, text string, bound *starlark.Dict) ([]any, error) {
	namespaces, err := c.namespaces(bound)
	if err != nil {
		return nil, err
	}
	path, err := m.paths.XPath(text, namespaces)
	if err != nil {
		return nil, c.failed(err)
	}
	e, err := c.document(doc)
	if err != nil {
		return nil, err
	}
	found, err := path.Find(e)
	if err != nil {
		return nil, c.failed(err)
	}
	return found, nil
}

// computed is a value that an XPath gives: whole numbers are integers.
func computed(v any) starlark.Value {
	if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return starlark.MakeInt64(int64(f))
	}
	return parley.ToValue(v)
}
