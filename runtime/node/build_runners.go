package node

import (
	"fmt"
	"slices"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/channel"
)

// addRunner builds a channel that runs by itself, or takes it over: another version of its services, or another content of
// its definition, must close none of its sockets.
func (b *builder) addRunner(o *catalog.Object, k channel.Kind) {
	config, err := k.Parse(o.Spec)
	if err != nil {
		b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, err))
		return
	}
	guards, checks, err := b.guard(config)
	if err != nil {
		b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, err))
		return
	}
	bound := &boundChannel{object: o, config: config, entries: b.entries(config), guards: guards, rules: b.state.rules}
	if err := open(config, bound.entries, checks); err != nil {
		b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, err))
		return
	}
	names := channel.Services(config)
	services := make([]channel.Exposed, len(names))
	for i, name := range names {
		services[i] = b.exposed(name, bound.entries[i])
		bound.chains = append(bound.chains, b.chain(o, config, services[i], bound.entries[i], checks))
	}
	deployed := !slices.Contains(bound.entries, nil)
	old := b.prev.channels[o.Key()]
	if old != nil && old.running != nil && string(old.object.Spec) == string(o.Spec) && old.running.deployed == deployed {
		bound.built, bound.running = old.built, old.running
		b.state.channels[o.Key()] = bound
		return
	}
	r := b.node.newRunning(o, deployed)
	deps := channel.Deps{Name: o.Name, Names: b.node.names, Log: b.node.log, Secret: r.secret, Services: services}
	for i := range services {
		services[i].Handle = r.handler(i)
	}
	if config.Common().Service != "" {
		deps.Handle = deps.Services[0].Handle
	}
	if bound.built, err = k.New(config, deps); err != nil {
		b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, err))
		return
	}
	runner, ok := bound.built.(channel.Runner)
	if !ok {
		b.fault(o, fmt.Errorf("%s %q: the kind says that its channels run, and this one cannot", k.Name, o.Name))
		return
	}
	r.runner, bound.running = runner, r
	b.state.channels[o.Key()] = bound
}
