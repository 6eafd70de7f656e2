package enmasse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// Area is some kinds whose objects have internal services of their own: parley.<Name>.list, get, create, edit and delete.
type Area struct {
	Name  string   // such as channel
	What  string   // its objects in a sentence, such as channels
	Kinds []string // by name
}

// AreaListIn is the input of parley.<area>.list.
type AreaListIn struct {
	Kind string `sio:",optional"` // one of the area's; empty: all of them
}

// AreaIn names an object of an area.
type AreaIn struct {
	Kind string `sio:",optional"` // one of the area's; empty: that of the one object which has the name
	Name string
}

// AreaWriteIn is the input of parley.<area>.create and parley.<area>.edit.
type AreaWriteIn struct {
	Kind   string `sio:",optional"` // one of the area's; create needs it where the area has several
	Name   string
	Config any `sio:",optional"` // an object: keys of the kind and their values; a secret may be (kept)
}

// areaServices are those of parley.object.*, area by area.
func (d Deps) areaServices() []service.Service {
	var out []service.Service
	for _, a := range d.Areas {
		in := area{a, d}
		name := func(action string) string { return "parley." + a.Name + "." + action }
		out = append(out,
			service.New(name("list"), in.list).WithDoc("the "+a.What+" of the catalog").Needs(service.Read),
			service.New(name("get"), in.get).WithDoc("one of the "+a.What+": every key of it, secrets as an export has them").Needs(service.Read),
			service.New(name("create"), in.create).WithDoc("adds one to the "+a.What).Needs(service.Manage),
			service.New(name("edit"), in.edit).WithDoc("changes keys of one of the "+a.What+"; those that are not given stay as they are").Needs(service.Manage),
			service.New(name("delete"), in.remove).WithDoc("deletes one of the "+a.What+"; what needs it refuses").Needs(service.Manage),
		)
	}
	return out
}

// area is an Area that can be asked.
type area struct {
	Area
	deps Deps
}

func (a area) list(ctx context.Context, rt service.Runtime, in AreaListIn) ([]ObjectListed, error) {
	kinds := a.Kinds
	if in.Kind != "" {
		if err := a.has(in.Kind); err != nil {
			return nil, err
		}
		kinds = []string{in.Kind}
	}
	return a.deps.listObjects(ctx, rt, ObjectListIn{Kinds: kinds})
}

func (a area) get(ctx context.Context, rt service.Runtime, in AreaIn) (ObjectOut, error) {
	kind, err := a.kindOf(in.Kind, in.Name)
	if err != nil {
		return ObjectOut{}, err
	}
	return a.deps.getObject(ctx, rt, ObjectIn{kind, in.Name})
}

func (a area) create(ctx context.Context, rt service.Runtime, in AreaWriteIn) (ObjectOut, error) {
	if in.Kind == "" && len(a.Kinds) == 1 {
		in.Kind = a.Kinds[0]
	}
	if err := a.has(in.Kind); err != nil {
		return ObjectOut{}, err
	}
	return a.deps.createObject(ctx, rt, ObjectWriteIn(in))
}

func (a area) edit(ctx context.Context, rt service.Runtime, in AreaWriteIn) (ObjectOut, error) {
	var err error
	if in.Kind, err = a.kindOf(in.Kind, in.Name); err != nil {
		return ObjectOut{}, err
	}
	return a.deps.editObject(ctx, rt, ObjectWriteIn(in))
}

func (a area) remove(ctx context.Context, rt service.Runtime, in AreaIn) (ObjectDeleteOut, error) {
	kind, err := a.kindOf(in.Kind, in.Name)
	if err != nil {
		return ObjectDeleteOut{}, err
	}
	return a.deps.deleteObject(ctx, rt, ObjectIn{kind, in.Name})
}

// has refuses a kind that is none of the area's.
func (a area) has(kind string) error {
	if slices.Contains(a.Kinds, kind) {
		return nil
	}
	return service.Errorf(service.Invalid, "kind: expected one of %s, not %q", strings.Join(a.Kinds, ", "), kind)
}

// kindOf is kind, or where that is empty the kind of the one object of the area that has the name.
func (a area) kindOf(kind, name string) (string, error) {
	if kind != "" {
		return kind, a.has(kind)
	}
	var found []string
	now := a.deps.Catalog.Current()
	for _, kind := range a.Kinds {
		if now.Get(kind, name) != nil {
			found = append(found, kind)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", &service.Error{Code: service.NotFound, Message: fmt.Sprintf("there is no %q among the %s", name, a.What), Fix: "parley." + a.Name + ".list names all"}
	}
	return "", service.Errorf(service.Invalid, "kind: there are several named %q; expected one of %s", name, strings.Join(found, ", "))
}
