package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/deploy"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/ratelimit"
	"github.com/parley-run/parley/runtime/rbac"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
	"github.com/parley-run/parley/runtime/starlark"
)

// Build makes next ready to serve beside what serves now, taking over all that did not change.
func (n *Node) Build(ctx context.Context, _, next *catalog.Snapshot, strict bool) (catalog.Next, catalog.Report, error) {
	b := &builder{node: n, prev: n.current.Load(), limits: starlark.RestartLimits(), faults: map[catalog.Key]error{}, keepers: map[catalog.Key][]channel.Keeper{}}
	if strict {
		b.limits = starlark.DefaultLimits()
	}
	s := b.build(ctx, next)
	report := catalog.Report{Quarantined: b.faults}
	if err := ctx.Err(); err != nil {
		s.release()
		return nil, report, fmt.Errorf("build revision %d: %w", next.Revision, err)
	}
	if strict && len(b.faults) > 0 {
		s.release()
		return nil, report, catalog.NewRefusal(b.faults)
	}
	return built{s}, report, nil
}

// built is a state that does not serve yet.
type built struct{ state *state }

func (b built) Discard() { b.state.release() }

func (b built) Activate() {
	n := b.state.node
	old := n.current.Swap(b.state)
	for key, conn := range b.state.conns {
		if starter, ok := conn.conn.(outconn.Starter); ok && old.conns[key] != conn {
			starter.Start()
		}
	}
	n.runners.take(b.state)
	old.leave()
}

// builder makes one state.
type builder struct {
	node   *Node
	prev   *state
	state  *state
	limits starlark.Limits
	faults map[catalog.Key]error

	keepers map[catalog.Key][]channel.Keeper // of channels that were made anew
}

func (b *builder) build(ctx context.Context, next *catalog.Snapshot) *state {
	s := &state{
		node: b.node, snapshot: next,
		files:    make(map[string]*file, len(b.prev.files)+1),
		services: make(map[string]*entry, len(b.prev.services)+1),
		channels: map[catalog.Key]*boundChannel{}, internals: map[string]*entry{},
		admins:   map[string]*boundUser{},
		security: map[string]*boundSecurity{},
		conns:    map[catalog.Key]*boundConn{},
		out:      map[string]map[string]*boundConn{"kvdb": b.node.kvdbs()},
		names:    b.node.usual,
	}
	s.users.Store(1)
	b.state = s
	for _, o := range next.Objects {
		if k, ok := b.node.securityKinds[o.Kind]; ok {
			b.addSecurity(o, k)
		}
	}
	var channels, ruling, adapters []*catalog.Object
	for _, o := range next.Objects {
		switch {
		case b.node.securityKinds[o.Kind].Name != "": // above: others name them
		case o.Kind == deploy.FileKind:
			b.addFile(o)
		case o.Kind == sio.ConventionsKind().Name:
			b.addConventions(o)
		case o.Kind == weightKind: // for the audit log alone
		case o.Kind == secretsKeyKind:
			b.addSecretsKey(o)
		case o.Kind == admin.UserKindName:
			b.addUser(o)
		case b.node.outconnKinds[o.Kind].Name != "":
			b.addConn(o, b.node.outconnKinds[o.Kind])
		case o.Kind == rbac.KindName || o.Kind == ratelimit.KindName:
			ruling = append(ruling, o)
		case b.node.adapterKinds[o.Kind].Name != "":
			adapters = append(adapters, o)
		case b.node.channelKinds[o.Kind].Name != "":
			channels = append(channels, o)
		default:
			b.fault(o, service.Errorf(service.Invalid, "this server knows no kind %q; is it older than the others?", o.Kind))
		}
	}
	b.addRules(ruling, channels)
	b.addServices(ctx)
	for _, o := range adapters {
		b.addAdapter(o, b.node.adapterKinds[o.Kind])
	}
	for _, o := range channels {
		b.addChannel(o, b.node.channelKinds[o.Kind])
	}
	b.addRoutes()
	return s
}

// fault leaves o out of what serves. What is said of it may reach whoever made the change.
func (b *builder) fault(o *catalog.Object, err error) {
	var known *service.Error
	if !errors.As(err, &known) {
		known = &service.Error{Code: service.Invalid, Message: err.Error(), Err: err}
	}
	b.faults[o.Key()] = known
}

func (b *builder) addFile(o *catalog.Object) {
	if old := b.prev.files[o.Name]; old != nil && old.object == o {
		b.state.files[o.Name] = old
		return
	}
	source, err := deploy.Source(o)
	if err != nil {
		b.fault(o, err)
		return
	}
	b.state.files[o.Name] = &file{object: o, source: []byte(source)}
}

// addConventions takes what names of fields stand for.
func (b *builder) addConventions(o *catalog.Object) {
	if o.Name != sio.ConventionsName {
		b.fault(o, service.Errorf(service.Invalid, "%s %q: there is one such object, and its name is %s", o.Kind, o.Name, sio.ConventionsName))
		return
	}
	if old := b.prev.names; old.object != nil && string(old.object.Spec) == string(o.Spec) {
		b.state.names = old
		return
	}
	rules, err := sio.ParseConventions(o.Spec)
	if err != nil {
		b.fault(o, fmt.Errorf("%s %q: %w", o.Kind, o.Name, err))
		return
	}
	b.state.names = &conventions{object: o, rules: *rules}
}

// compiled is a compiled-in service under the state's conventions.
func (b *builder) compiled(e, old *entry) *entry {
	switch {
	case e.names == b.state.names:
		return e
	case old != nil && old.file == "" && old.names == b.state.names:
		return old
	default:
		return b.node.newEntry(e.Service, "", "", b.state.names)
	}
}

func (b *builder) addConn(o *catalog.Object, k outconn.Kind) {
	bound := b.prev.conns[o.Key()]
	if bound == nil || string(bound.object.Spec) != string(o.Spec) || !bound.used.same(b.node.vault) || bound.signer != nil && bound.signer != b.state.security[bound.signer.object.Name] {
		config, err := k.Parse(o.Spec)
		if err != nil {
			b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, err))
			return
		}
		signer, sign, err := b.signer(config)
		if err != nil {
			b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, err))
			return
		}
		used := &vaulted{}
		conn, err := k.New(config, outconn.Deps{
			Name: o.Name, Names: b.node.names, Log: b.node.log, Signer: sign, Reveal: b.node.reveal(o.Key(), used),
		})
		if err != nil {
			b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, err))
			return
		}
		calls := b.node.calls(conn, k.Name, o.Name)
		bound = &boundConn{object: o, kind: k, signer: signer, used: used, conn: conn, calls: calls}
	}
	bound.states.Add(1)
	b.state.conns[o.Key()] = bound
	for _, self := range k.Self {
		if b.state.out[self] == nil {
			b.state.out[self] = map[string]*boundConn{}
		}
		b.state.out[self][o.Name] = bound
	}
}

// addServices compiles the service files and adds what they declare to the compiled-in services.
func (b *builder) addServices(ctx context.Context) {
	s := b.state
	for name, e := range b.node.compiled {
		s.services[name] = b.compiled(e, b.prev.services[name])
	}
	sources := make([]starlark.File, 0, len(s.files))
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		sources = append(sources, starlark.File{Name: name, Source: s.files[name].source})
	}
	set, faults := starlark.Load(ctx, sources, b.prev.set, b.limits, b.node.log, b.node.modules...)
	s.set = set
	for name, err := range faults {
		b.fault(s.files[name].object, err)
	}
	for _, d := range set.Services() {
		if own := s.services[d.Name]; own != nil && own.file == "" {
			b.fault(s.files[d.File].object, service.Errorf(service.Conflict, "%s: the service %q is compiled into this server already", d.Position, d.Name))
			continue
		}
		if old := b.prev.services[d.Name]; old != nil && old.Handler == d.Handler && old.names == s.names {
			s.services[d.Name] = old
			continue
		}
		if err := sio.Validate(d.Shape); err != nil {
			b.fault(s.files[d.File].object, service.Errorf(service.Invalid, "%s: service %q: %w", d.Position, d.Name, err))
			continue
		}
		s.services[d.Name] = b.node.newEntry(d.Service, d.File, d.Position, s.names)
	}
}

func (b *builder) addChannel(o *catalog.Object, k channel.Kind) {
	if k.Runs {
		b.addRunner(o, k)
		return
	}
	old := b.prev.channels[o.Key()]
	if old != nil && old.object == o && slices.Equal(old.entries, b.entries(old.config)) && old.rules == b.state.rules && b.sameGuard(old) {
		b.state.channels[o.Key()] = old
		return
	}
	config, err := k.Parse(o.Spec)
	if err != nil {
		b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, err))
		return
	}
	bound := &boundChannel{object: o, config: config, entries: b.entries(config), rules: b.state.rules}
	var guard security.Guard
	if bound.guards, guard, err = b.guard(config); err != nil {
		b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, err))
		return
	}
	if err := open(config, bound.entries, guard); err != nil {
		b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, err))
		return
	}
	deps := channel.Deps{Name: o.Name, Names: b.node.names, Log: b.node.log}
	for i, name := range channel.Services(config) {
		exposed := b.exposed(name, bound.entries[i])
		exposed.Handle = b.chain(o, config, exposed, bound.entries[i], guard)
		deps.Services = append(deps.Services, exposed)
	}
	if config.Common().Service != "" {
		deps.Handle = deps.Services[0].Handle
	}
	if e := bound.entry(); e != nil {
		deps.Secret = func(field string) bool { return e.secret[field] }
	}
	if soap, ok := guard.(interface {
		Understands(namespace, name string) bool
	}); ok {
		deps.Understood = soap.Understands
	}
	bound.built, err = k.New(config, deps)
	if err != nil {
		b.fault(o, fmt.Errorf("%s %q: %w", k.Name, o.Name, err))
		return
	}
	bound.keepers = b.keepers[o.Key()]
	b.state.channels[o.Key()] = bound
}

// exposed is a service as channels see it, without the way to it.
func (b *builder) exposed(name string, e *entry) channel.Exposed {
	out := channel.Exposed{Name: name, Hash: b.node.hash(e)}
	if e != nil {
		out.Doc, out.Shape, out.Fields, out.Methods = e.Doc, e.Shape, e.fields, e.Methods
	}
	return out
}

// entries are the versions of the services that a channel exposes.
func (b *builder) entries(c channel.Config) []*entry {
	names := channel.Services(c)
	out := make([]*entry, len(names))
	for i, name := range names {
		if out[i] = b.internal(name); out[i] == nil {
			out[i] = b.state.services[name]
		}
	}
	return out
}

// addRoutes takes over the matcher where no channel came, went or changed.
func (b *builder) addRoutes() {
	s := b.state
	var mounted []*boundChannel
	same := b.prev.routes != nil && len(b.prev.channels) == len(s.channels)
	for key, c := range s.channels {
		old := b.prev.channels[key]
		same = same && old != nil && old.object == c.object
		if c.config.Common().IsActive {
			mounted = append(mounted, c)
		}
	}
	if same {
		s.routes = b.prev.routes
		b.routeFaults()
		return
	}
	// An older channel keeps its route before a newer one.
	slices.SortFunc(mounted, func(a, b *boundChannel) int {
		if a.object.Revision != b.object.Revision {
			return int(a.object.Revision - b.object.Revision)
		}
		return strings.Compare(a.object.Name, b.object.Name)
	})
	s.routes = newRoutes(mounted)
	b.routeFaults()
}

func (b *builder) routeFaults() {
	for key, err := range b.state.routes.faults {
		b.fault(b.state.channels[key].object, err)
	}
}

// specOf is v as the catalog keeps it.
func specOf(v any) ([]byte, error) { return json.Marshal(v) }
