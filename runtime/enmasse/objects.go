package enmasse

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/spelling"
)

// objectServices are one implementation for all kinds.
func (d Deps) objectServices() []service.Service {
	return []service.Service{
		service.New("parley.object.list", d.listObjects).WithDoc("the definitions of the catalog, of one kind or of all").Needs(service.Read),
		service.New("parley.object.get", d.getObject).WithDoc("one definition: every key of it, secrets as an export has them").Needs(service.Read),
		service.New("parley.object.create", d.createObject).WithDoc("adds a definition; one of that kind and name must not be there").Needs(service.Manage),
		service.New("parley.object.edit", d.editObject).WithDoc("changes keys of a definition; those that are not given stay as they are").Needs(service.Manage),
		service.New("parley.object.delete", d.deleteObject).WithDoc("deletes a definition; what needs it refuses").Needs(service.Manage),
	}
}

// ObjectListIn is the input of parley.object.list.
type ObjectListIn struct {
	Kinds []string `sio:",optional"` // names of kinds; empty: all
}

// ObjectListed is an object of parley.object.list.
type ObjectListed struct {
	Kind, Name string
	IsActive   bool   // true where its kind knows no is_active
	Revision   int64  // of its last change
	Service    string // that it exposes; empty: its kind exposes none, or several
}

func (d Deps) listObjects(_ context.Context, _ service.Runtime, in ObjectListIn) ([]ObjectListed, error) {
	for _, name := range in.Kinds {
		if err := d.knows(name); err != nil {
			return nil, err
		}
	}
	now := d.Catalog.Current()
	out := []ObjectListed{}
	for _, key := range definedIn(now, d.Kinds) {
		if len(in.Kinds) > 0 && !slices.Contains(in.Kinds, key.Kind) {
			continue
		}
		o := now.Get(key.Kind, key.Name)
		active := struct {
			IsActive bool `json:"is_active"`
			Service  any  `json:"service"`
		}{IsActive: true}
		if err := json.Unmarshal(o.Spec, &active); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		exposed, _ := active.Service.(string)
		out = append(out, ObjectListed{key.Kind, key.Name, active.IsActive, o.Revision, exposed})
	}
	return out, nil
}

// ObjectIn names an object.
type ObjectIn struct{ Kind, Name string }

// ObjectOut is an object as parley.object.get, create and edit give it.
type ObjectOut struct {
	Kind, Name string
	Revision   int64 // of its last change
	Config     any   // every key of its kind; secrets are references, or (kept)
	// Behind says which servers do not serve it, and why.
	Behind []string
}

func (d Deps) getObject(_ context.Context, _ service.Runtime, in ObjectIn) (ObjectOut, error) {
	o, err := d.have(in)
	if err != nil {
		return ObjectOut{}, err
	}
	return d.show(o, nil)
}

// show is o for whoever may not see its secrets.
func (d Deps) show(o *catalog.Object, behind []string) (ObjectOut, error) {
	spec := o.Spec
	if whole, err := d.Kinds.Parse(o.Kind, spec); err == nil {
		spec = whole
	}
	all, err := shown(spec, d.Kinds.Secrets(o.Kind))
	if err != nil {
		return ObjectOut{}, fmt.Errorf("%s: %w", o.Key(), err)
	}
	config := service.NewObject(len(all))
	for _, m := range all {
		value, err := service.FromGo(m.value)
		if err != nil {
			return ObjectOut{}, fmt.Errorf("%s: %s: %w", o.Key(), m.key, err)
		}
		config.Set(m.key, value)
	}
	return ObjectOut{Kind: o.Kind, Name: o.Name, Revision: o.Revision, Config: config, Behind: behind}, nil
}

// ObjectWriteIn is the input of parley.object.create and parley.object.edit.
type ObjectWriteIn struct {
	Kind, Name string
	Config     any `sio:",optional"` // an object: keys of the kind and their values; a secret may be (kept)
}

func (d Deps) createObject(ctx context.Context, _ service.Runtime, in ObjectWriteIn) (ObjectOut, error) {
	if err := d.knows(in.Kind); err != nil {
		return ObjectOut{}, err
	}
	if in.Name == "" || in.Name != strings.TrimSpace(in.Name) || strings.ContainsFunc(in.Name, unicode.IsControl) {
		return ObjectOut{}, service.Errorf(service.Invalid, "%s: name: expected text without spaces around it or control characters, not %q", in.Kind, in.Name)
	}
	if d.Catalog.Current().Get(in.Kind, in.Name) != nil {
		return ObjectOut{}, &service.Error{Code: service.Conflict, Message: fmt.Sprintf("%s %q is there already", in.Kind, in.Name), Fix: "edit it, or choose another name"}
	}
	return d.write(ctx, catalog.Key{Kind: in.Kind, Name: in.Name}, nil, in.Config)
}

func (d Deps) editObject(ctx context.Context, _ service.Runtime, in ObjectWriteIn) (ObjectOut, error) {
	o, err := d.have(ObjectIn{in.Kind, in.Name})
	if err != nil {
		return ObjectOut{}, err
	}
	return d.write(ctx, o.Key(), o, in.Config)
}

// write puts the keys of config over those of have.
func (d Deps) write(ctx context.Context, key catalog.Key, have *catalog.Object, config any) (ObjectOut, error) {
	values := map[string]json.RawMessage{}
	if have != nil {
		if err := json.Unmarshal(have.Spec, &values); err != nil {
			return ObjectOut{}, fmt.Errorf("%s: %w", key, err)
		}
	}
	if config != nil {
		given, ok := config.(*service.Object)
		if !ok {
			return ObjectOut{}, service.Errorf(service.Invalid, "config: expected an object of keys and values")
		}
		raw, err := service.AppendJSON(nil, given)
		if err == nil {
			err = json.Unmarshal(raw, &values)
		}
		if err != nil {
			return ObjectOut{}, service.Errorf(service.Invalid, "config: %w", err)
		}
	}
	spec, err := d.Kinds.Parse(key.Kind, inJSON(values))
	if err == nil {
		spec, err = d.Kinds.Settle(key, spec, have)
	}
	if err != nil {
		return ObjectOut{}, &service.Error{Code: service.Invalid, Message: titled(key, err), Err: err}
	}
	revision, err := d.Catalog.Apply(ctx, catalog.Change{By: d.By, Put: []catalog.Object{{Kind: key.Kind, Name: key.Name, Spec: spec}}})
	if err != nil {
		return ObjectOut{}, Definitions{}.placed(err)
	}
	behind, err := d.Settle(ctx, revision)
	if err != nil {
		return ObjectOut{}, err
	}
	if have != nil && string(have.Spec) == string(spec) {
		revision = have.Revision
	}
	return d.show(&catalog.Object{Kind: key.Kind, Name: key.Name, Spec: spec, Revision: revision}, behind)
}

// ObjectDeleteOut is the output of parley.object.delete.
type ObjectDeleteOut struct {
	Revision int64
	Behind   []string
}

func (d Deps) deleteObject(ctx context.Context, _ service.Runtime, in ObjectIn) (ObjectDeleteOut, error) {
	o, err := d.have(in)
	if err != nil {
		return ObjectDeleteOut{}, err
	}
	revision, err := d.Catalog.Apply(ctx, catalog.Change{By: d.By, Delete: []catalog.Key{o.Key()}})
	if err != nil {
		return ObjectDeleteOut{}, Definitions{}.placed(err)
	}
	behind, err := d.Settle(ctx, revision)
	return ObjectDeleteOut{revision, behind}, err
}

// knows refuses a kind that is none.
func (d Deps) knows(name string) error {
	known := d.Kinds.Names()
	if slices.Contains(known, name) {
		return nil
	}
	e := service.Errorf(service.NotFound, "there is no kind %q", name)
	e.Fix = "parley kinds lists all"
	if near := spelling.Nearest(name, known); near != "" {
		e.Fix = "did you mean " + near + "?"
	}
	return e
}

// have is an object that must be there.
func (d Deps) have(in ObjectIn) (*catalog.Object, error) {
	if err := d.knows(in.Kind); err != nil {
		return nil, err
	}
	now := d.Catalog.Current()
	if o := now.Get(in.Kind, in.Name); o != nil {
		return o, nil
	}
	var names []string
	for _, o := range now.Objects {
		if o.Kind == in.Kind {
			names = append(names, o.Name)
		}
	}
	e := service.Errorf(service.NotFound, "there is no %s %q", in.Kind, in.Name)
	if near := spelling.Nearest(in.Name, names); near != "" {
		e.Fix = "did you mean " + near + "?"
	}
	return nil, e
}
