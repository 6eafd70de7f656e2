package node

import (
	"fmt"
	"maps"
	"slices"

	"github.com/parley-run/parley/runtime/adapter"
	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// addAdapter adds the service that an adapter is, under the object's name.
func (b *builder) addAdapter(o *catalog.Object, k adapter.Kind) {
	s := b.state
	if other := s.services[o.Name]; other != nil {
		where := other.position
		if where == "" {
			where = "this server itself"
		}
		b.fault(o, service.Errorf(service.Conflict, "%s %q: the service %q is declared by %s already; choose another name", k.Name, o.Name, o.Name, where))
		return
	}
	if b.node.internals[o.Name] != nil {
		b.fault(o, service.Errorf(service.Conflict, "%s %q: that is an internal service of this server; choose another name", k.Name, o.Name))
		return
	}
	config, err := k.Parse(o.Spec)
	if err != nil {
		b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, err))
		return
	}
	conns := s.out[config.OutconnKind()]
	if conns[config.Outconn] == nil {
		b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, config.Missing(slices.Sorted(maps.Keys(conns)))))
		return
	}
	if old := b.prev.services[o.Name]; old != nil && old.adapter != nil && old.adapter.Kind == o.Kind && string(old.adapter.Spec) == string(o.Spec) && old.names == s.names {
		s.services[o.Name] = old
		return
	}
	declared, err := k.New(o.Name, config)
	if err == nil {
		err = sio.Validate(declared.Shape)
	}
	if err != nil {
		b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, err))
		return
	}
	e := b.node.newEntry(declared, k.Name, fmt.Sprintf("%s %q", k.Name, o.Name), s.names)
	e.adapter = o
	s.services[o.Name] = e
}
