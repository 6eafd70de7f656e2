package node

import (
	"context"
	"fmt"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// Internal services are called through the admin API, by whoever has a role for them, and through channels that an
// administrator has defined for them, by whoever such a channel's security lets in. Services do not see them: who deploys
// could do everything else.

// addInternals takes in the internal services of this server.
func (n *Node) addInternals() error {
	n.internals = map[string]*entry{}
	for _, s := range n.internalServices() {
		if err := sio.Validate(s.Shape); err != nil {
			return fmt.Errorf("the internal service %q: %w", s.Name, err)
		}
		if n.compiled[s.Name] != nil {
			return fmt.Errorf("the service %q is compiled in, and an internal one has that name; choose another", s.Name)
		}
		e := n.newEntry(s, "", "", n.usual)
		e.internal = true
		n.internals[s.Name] = e
	}
	return nil
}

// internal is an internal service of that name under the state's conventions; nil: there is none.
func (b *builder) internal(name string) *entry {
	e := b.node.internals[name]
	if e == nil || e.names == b.state.names {
		return e
	}
	if made := b.state.internals[name]; made != nil {
		return made
	}
	made := b.prev.internals[name]
	if made == nil || made.names != b.state.names {
		made = b.node.newEntry(e.Service, "", "", b.state.names)
		made.internal = true
	}
	b.state.internals[name] = made
	return made
}

// open is what is wrong with a channel that exposes an internal service to anybody.
func open(c channel.Config, entries []*entry, guard security.Guard) error {
	if guard != nil {
		return nil
	}
	for i, name := range channel.Services(c) {
		if e := entries[i]; e != nil && e.internal {
			return kind.Faults{{Path: "security", Message: fmt.Sprintf("missing; %s is an internal service, which without it anybody could call: "+
				"name the security definition whose credentials callers must show", name)}}
		}
	}
	return nil
}

// through says, for the audit log, who called an internal service through a channel.
func through(req *service.Request) string {
	who := "anybody"
	if p := req.Principal; p != nil {
		who = p.Name + " of " + p.Definition
		if p.Name == "" {
			who = p.Definition
		}
	}
	return who + " through channel " + req.Channel
}

// asCaller is ctx that says so.
func asCaller(ctx context.Context, e *entry, req *service.Request) context.Context {
	if !e.internal {
		return ctx
	}
	call := *service.CallFrom(ctx)
	call.Who = through(req)
	return service.WithCall(ctx, &call)
}
