// Package messages gives services in Starlark what package message gives those in Go: the modules jsonpointer, jsonpath,
// xpath, xml and soap.
package messages

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/parley-run/parley/runtime/message"
	parley "github.com/parley-run/parley/runtime/starlark"
)

// Modules are what Load is passed. Paths are compiled once; the modules of one call share what they keep.
func Modules() []*starlarkstruct.Module {
	m := &modules{paths: &message.Paths{}}
	return []*starlarkstruct.Module{
		module("jsonpointer", map[string]function{"get": m.pointerGet, "set": m.pointerSet, "delete": m.pointerDelete}),
		module("jsonpath", map[string]function{"find": m.pathFind, "get": m.pathGet}),
		module("xpath", map[string]function{"find": m.xpathFind, "get": m.xpathGet}),
		module("xml", map[string]function{"parse": parseXML, "build": buildXML}),
		module("soap", map[string]function{"build": buildSOAP, "parse": parseSOAP, "body": bodySOAP}),
	}
}

type modules struct{ paths *message.Paths }

// function is one of a module's.
type function func(c *call) (starlark.Value, error)

// call is what a function was called with.
type call struct {
	thread *starlark.Thread
	name   string
	args   starlark.Tuple
	kwargs []starlark.Tuple
}

func module(name string, functions map[string]function) *starlarkstruct.Module {
	members := make(starlark.StringDict, len(functions))
	for short, fn := range functions {
		members[short] = starlark.NewBuiltin(name+"."+short, func(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			return fn(&call{thread, b.Name(), args, kwargs})
		})
	}
	return &starlarkstruct.Module{Name: name, Members: members}
}

// unpack puts arguments in their places, as starlark.UnpackArgs has it.
func (c *call) unpack(pairs ...any) error {
	return starlark.UnpackArgs(c.name, c.args, c.kwargs, pairs...)
}

// failed is err, named by the function. That a message was malformed is no fault of who called the service: the error says
// no more to them than that something went wrong, unless the service says more.
func (c *call) failed(err error) error { return fmt.Errorf("%s: %s", c.name, err.Error()) }

// namespaces are prefixes and what they stand for.
func (c *call) namespaces(d *starlark.Dict) (map[string]string, error) {
	if d == nil || d.Len() == 0 {
		return nil, nil
	}
	out := make(map[string]string, d.Len())
	for k, v := range d.Entries() {
		prefix, ok := starlark.AsString(k)
		uri, isText := starlark.AsString(v)
		if !ok || !isText {
			return nil, c.failed(fmt.Errorf(`namespaces are a dict of prefixes and URIs, such as {"c": "urn:customers"}, not %s`, d))
		}
		out[prefix] = uri
	}
	return out, nil
}

// pathFind is jsonpath.find(doc, path): a list of all that is there.
func (m *modules) pathFind(c *call) (starlark.Value, error) {
	var doc starlark.Value
	var text string
	if err := c.unpack("doc", &doc, "path", &text); err != nil {
		return nil, err
	}
	found, err := m.findPath(c, doc, text)
	if err != nil {
		return nil, err
	}
	return parley.ToValue(found), nil
}

// pathGet is jsonpath.get(doc, path, default=None): the first that is there.
func (m *modules) pathGet(c *call) (starlark.Value, error) {
	var doc starlark.Value
	var text string
	var fallback starlark.Value = starlark.None
	if err := c.unpack("doc", &doc, "path", &text, "default?", &fallback); err != nil {
		return nil, err
	}
	found, err := m.findPath(c, doc, text)
	if err != nil || len(found) == 0 {
		return fallback, err
	}
	return parley.ToValue(found[0]), nil
}

func (m *modules) findPath(c *call, doc starlark.Value, text string) ([]any, error) {
	path, err := m.paths.JSONPath(text)
	if err != nil {
		return nil, c.failed(err)
	}
	neutral, err := parley.FromValue(doc)
	if err != nil {
		return nil, c.failed(err)
	}
	found, err := path.Find(neutral)
	if err != nil {
		return nil, c.failed(err)
	}
	return found, nil
}
