package node

import (
	"cmp"
	"context"
	"slices"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/service"
)

// ServiceIn names a service.
type ServiceIn struct{ Name string }

// Exposing is a channel that exposes a service.
type Exposing struct {
	Kind     string
	Name     string
	IsActive bool
	Methods  []string // empty: all, or it has none
	Path     string   // empty: it is not served over HTTP
}

// serviceOut is the output of parley.service.get.
type serviceOut struct {
	Name          string
	File          string // empty: compiled in
	Revision      int64  // of the file's last change
	Doc           string
	Position      string          // file:line:column; empty: compiled in
	Declared      bool            // it says what its input and output are
	Input         []service.Field // each of the type that its name stands for
	Output        []service.Field
	InputRepeated bool // the input is a list of such objects
	Repeated      bool // likewise the output
	Channels      []Exposing
}

func (n *Node) getService(_ context.Context, _ service.Runtime, in ServiceIn) (serviceOut, error) {
	s := n.current.Load()
	e := s.services[in.Name]
	if e == nil {
		return serviceOut{}, unknown("no service", in.Name, s.serviceNames())
	}
	out := serviceOut{
		Name: e.Name, File: e.file, Doc: e.Doc, Position: e.position, Declared: e.Shape != nil,
		Input: []service.Field{}, Output: []service.Field{}, Channels: []Exposing{},
	}
	if f := s.files[e.file]; f != nil {
		out.Revision = f.object.Revision
	}
	if e.Shape != nil {
		out.Input, out.Output = e.fields()
		out.InputRepeated, out.Repeated = e.Shape.InputRepeated, e.Shape.Repeated
	}
	for key, c := range s.channels {
		if !slices.Contains(channel.Services(c.config), in.Name) {
			continue
		}
		one := Exposing{Kind: key.Kind, Name: key.Name, IsActive: c.config.Common().IsActive, Methods: []string{}}
		if h, ok := c.built.(channel.HTTP); ok {
			at := h.Route()
			one.Methods, one.Path = append(one.Methods, at.Methods...), at.Path
		}
		out.Channels = append(out.Channels, one)
	}
	slices.SortFunc(out.Channels, func(a, b Exposing) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return out, nil
}

// KindOut is a kind of parley.kinds.list.
type KindOut struct {
	Name   string
	Group  string // channels, outconns, security, adapters, rules or users
	Doc    string
	Fields []KindField
	// Example is one object of the kind as YAML, as a file of definitions lists it under the kind's key.
	Example string
}

// KindField is a key of a kind's config.
type KindField struct {
	Name     string
	Type     string
	Required bool
	Default  string // as JSON; empty: it is required
	Secret   bool   // nobody sees its value
	Within   bool   // it holds secrets in places of it
	Doc      string
	Choices  []string // all values that it, or an element of a list, may have; empty: any
	Names    string   // what it names: services, a group of kinds, or one kind; empty: nothing
	// Parts are the keys of each element of a list of objects. Of an object with texts by name it is one without a name.
	Parts []KindPart
}

// KindPart is a key of what a KindField lists.
type KindPart struct {
	Name, Type, Doc string
	Choices         []string // as of KindField
	Names           string   // likewise
}

func (n *Node) listKinds(context.Context, service.Runtime, struct{}) ([]KindOut, error) {
	var out []KindOut
	for _, k := range Kinds() {
		one := KindOut{Name: k.Name, Group: k.Group, Doc: k.Doc, Fields: []KindField{}, Example: k.Example}
		for _, f := range k.Fields {
			key := KindField{f.Name, f.Type, f.Default == "", f.Default, f.Secret, len(f.Within) > 0, f.Doc, append([]string{}, f.Choices...), f.Names, []KindPart{}}
			for _, p := range f.Parts {
				key.Parts = append(key.Parts, KindPart{p.Name, p.Type, p.Doc, append([]string{}, p.Choices...), p.Names})
			}
			one.Fields = append(one.Fields, key)
		}
		out = append(out, one)
	}
	return out, nil
}
