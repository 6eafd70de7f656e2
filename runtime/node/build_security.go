package node

import (
	"fmt"
	"maps"
	"slices"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/spelling"
)

// addSecurity builds a definition. One that cannot be built is kept without: what names it must not serve, and must not
// serve openly.
func (b *builder) addSecurity(o *catalog.Object, k security.Kind) {
	if other := b.state.security[o.Name]; other != nil {
		b.fault(o, fmt.Errorf("%s %q: %s has the same name, by which channels and connections call it; choose another", k.Name, o.Name, other.object.Kind))
		return
	}
	if old := b.prev.security[o.Name]; old != nil && old.object.Kind == o.Kind && string(old.object.Spec) == string(o.Spec) && old.definition != nil && old.used.same(b.node.vault) {
		b.state.security[o.Name] = old
		return
	}
	bound := &boundSecurity{object: o, used: &vaulted{}}
	b.state.security[o.Name] = bound
	config, err := k.Parse(o.Spec)
	if err == nil {
		bound.definition, err = k.New(config, security.Deps{
			Name: o.Name, Names: b.node.names, Log: b.node.log, Checks: &b.node.passwords, Reveal: b.node.reveal(o.Key(), bound.used),
			Shared: b.node.once, Revoked: revocations{b.node}, Now: b.node.now,
		})
	}
	if err != nil {
		bound.definition = nil
		b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, err))
	}
}

// called is the definition of that name, which the key security of a config holds.
func (b *builder) called(name string) (*boundSecurity, error) {
	bound := b.state.security[name]
	if bound == nil {
		names := slices.Sorted(maps.Keys(b.state.security))
		message := fmt.Sprintf("there is no security definition %q", name)
		if near := spelling.Nearest(name, names); near != "" {
			message += fmt.Sprintf("; did you mean %q?", near)
		}
		return nil, kind.Faults{{Path: "security", Message: message}}
	}
	if bound.definition == nil {
		return nil, kind.Faults{{Path: "security", Message: fmt.Sprintf("the definition %q cannot be used: %v", name, b.faults[bound.object.Key()])}}
	}
	return bound, nil
}

// guard is what callers of a channel must meet, and the definitions that it is made of; nil where anybody may call.
func (b *builder) guard(config channel.Config) ([]*boundSecurity, security.Guard, error) {
	name := config.Common().Security
	if config.Common().SecUseRBAC {
		bound, g := b.byRoles(config)
		return bound, g, nil
	}
	if name == "" {
		return nil, nil, nil
	}
	bound, err := b.called(name)
	if err != nil {
		return nil, nil, err
	}
	g, ok := bound.definition.(security.Guard)
	if !ok {
		return nil, nil, kind.Faults{{Path: "security", Message: fmt.Sprintf("%s %q is for outgoing connections alone", bound.object.Kind, name)}}
	}
	return []*boundSecurity{bound}, g, nil
}

// sameGuard says whether a channel's definitions are those that it was built with.
func (b *builder) sameGuard(c *boundChannel) bool {
	if c.config.Common().SecUseRBAC {
		now, _ := b.byRoles(c.config)
		return slices.Equal(now, c.guards)
	}
	name := c.config.Common().Security
	if name == "" {
		return true
	}
	now := b.state.security[name]
	return now != nil && slices.Equal(c.guards, []*boundSecurity{now}) && now.definition != nil
}

// secured is a config of an outgoing connection that may name a definition.
type secured interface{ SecurityName() string }

// signer is what an outgoing connection shows to whom it calls.
func (b *builder) signer(config any) (*boundSecurity, outconn.Signer, error) {
	s, ok := config.(secured)
	if !ok || s.SecurityName() == "" {
		return nil, nil, nil
	}
	bound, err := b.called(s.SecurityName())
	if err != nil {
		return nil, nil, err
	}
	signer, ok := bound.definition.(security.Signer)
	if !ok {
		return nil, nil, kind.Faults{{Path: "security", Message: fmt.Sprintf("%s %q is for channels alone", bound.object.Kind, s.SecurityName())}}
	}
	return bound, signer, nil
}
