package node

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
	"github.com/parley-run/parley/runtime/starlark"
	"github.com/parley-run/parley/spelling"
)

// state is everything that serves at one revision. A request takes the state once, when it enters, and runs
// wholly on it. It is never changed after it was built: parts that did not change are shared with the next one.
type state struct {
	node        *Node
	snapshot    *catalog.Snapshot
	files       map[string]*file // deployed service files by name
	set         *starlark.Set
	services    map[string]*entry
	internals   map[string]*entry // under conventions other than the usual ones, as far as channels expose them
	channels    map[catalog.Key]*boundChannel
	conns       map[catalog.Key]*boundConn
	security    map[string]*boundSecurity        // by name: names of definitions are unique over all kinds
	out         map[string]map[string]*boundConn // by the kind's name in services, then by name
	admins      map[string]*boundUser            // who may use the admin API
	routes      *routes
	users       atomic.Int64 // requests that run on it, and 1 while it is the current one
	names       *conventions
	rules       *rules
	description description
}

// file is a deployed service file and its decoded source.
type file struct {
	object *catalog.Object
	source []byte
}

// entry is one version of one service.
type entry struct {
	service.Service
	file     string // "" for a compiled-in one
	position string
	names    *conventions    // under which it was made
	secret   map[string]bool // input fields that no log shows
	adapter  *catalog.Object // that declares it; nil: none does
	internal bool            // of the admin API: channels expose it with security alone, and services do not call it
	invoke   service.Handler // for calls by other services
}

// fields are those of the service's shape with what its names stand for.
func (e *entry) fields() (input, output []service.Field) {
	if e.Shape == nil {
		return nil, nil
	}
	return e.names.rules.Describe(e.Shape.Input), e.names.rules.Describe(e.Shape.Output)
}

// conventions are what names of fields stand for, and the object that says so.
type conventions struct {
	object *catalog.Object // nil: nobody says so, the usual ones hold
	rules  sio.Conventions
}

// boundChannel is a channel in front of one version of each of its services.
type boundChannel struct {
	object  *catalog.Object
	config  channel.Config
	entries []*entry         // as channel.Services has them; nil: that service is not deployed
	guards  []*boundSecurity // of one of them callers show the credentials; none: anybody may call
	rules   *rules
	built   channel.Channel
	running *running          // nil: an HTTP channel
	chains  []service.Handler // of one that runs, as channel.Services has them
	keepers []channel.Keeper  // where it keeps replies
}

// entry is the version of the service that the channel's Base names; nil: it names none, or it is not deployed.
func (c *boundChannel) entry() *entry {
	if c.config.Common().Service == "" {
		return nil
	}
	return c.entries[0]
}

// boundSecurity is a security definition.
type boundSecurity struct {
	object     *catalog.Object
	definition security.Definition // nil: it could not be built, and nothing that names it serves
	used       *vaulted
}

// boundConn is an outgoing connection that one or more states use.
type boundConn struct {
	object *catalog.Object
	kind   outconn.Kind
	signer *boundSecurity // nil: it shows no credentials
	used   *vaulted
	conn   outconn.Conn
	calls  service.Outconn // conn, counted: what services use
	states atomic.Int64    // how many states hold it
}

// Out is the outgoing connection of a kind and name.
func (s *state) Out(kindName, name string) (service.Outconn, error) {
	if kindName == "kvdb" && s.node.kvdb == nil {
		return nil, &service.Error{Code: service.Internal, Message: "the area kvdb is switched off on this server", Fix: "take it out of areas.off of cluster.yaml"}
	}
	byName, ok := s.out[kindName]
	if !ok && !s.node.isOutKind(kindName) {
		return nil, mistaken(unknown("no kind of outgoing connection", kindName, s.node.outKindNames()))
	}
	if b := byName[name]; b != nil {
		return b.calls, nil
	}
	names := make([]string, 0, len(byName))
	for n := range byName {
		names = append(names, n)
	}
	return nil, mistaken(unknown("no "+kindName+" outgoing connection", name, names))
}

// maxInvokes is how deep services may invoke each other: one that invokes itself must not take the server along.
const maxInvokes = 50

// Invoke calls another service on the same state.
func (s *state) Invoke(ctx context.Context, name string, payload any) (any, error) {
	e := s.services[name]
	if e == nil {
		return nil, mistaken(unknown("no service", name, s.serviceNames()))
	}
	caller := service.CallFrom(ctx)
	if caller.Depth >= maxInvokes {
		return nil, &service.Error{Code: service.Internal, Message: fmt.Sprintf("services invoked each other %d deep, the last one %q", maxInvokes, caller.Service)}
	}
	res, err := e.invoke.Handle(ctx, &service.Request{CID: caller.CID, Channel: "invoke:" + caller.Service, Payload: payload})
	if err != nil {
		return nil, err
	}
	return res.Payload, nil
}

func (s *state) serviceNames() []string {
	names := make([]string, 0, len(s.services))
	for n := range s.services {
		names = append(names, n)
	}
	return names
}

// unknown is the error for a name that is not there, with the nearest one that is.
func unknown(what, name string, known []string) *service.Error {
	e := &service.Error{Code: service.NotFound, Message: fmt.Sprintf("there is %s %q", what, name)}
	if near := spelling.Nearest(name, known); near != "" {
		e.Fix = fmt.Sprintf("did you mean %q?", near)
	}
	return e
}

// mistaken is e where a service named something that is not there: its own fault, not that of who called it.
func mistaken(e *service.Error) error {
	e.Code = service.Internal
	return e
}

type stateKey struct{}

// stateFrom is the state that a request entered on, or nil.
func stateFrom(ctx context.Context) *state {
	s, _ := ctx.Value(stateKey{}).(*state)
	return s
}

// enter takes the current state for one request. leave must follow.
func (n *Node) enter() *state {
	for {
		s := n.current.Load()
		s.users.Add(1)
		if n.current.Load() == s {
			return s
		}
		s.leave() // it was replaced between the two lines and may be closed already
	}
}

// leave ends a use of the state; the last one lets go of what no later state holds.
func (s *state) leave() {
	if s.users.Add(-1) == 0 {
		s.release()
	}
}

// release gives up the state's hold on its connections and closes those that nobody holds any more.
func (s *state) release() {
	for _, b := range s.conns {
		if b.states.Add(-1) == 0 {
			s.node.letGo(b)
		}
	}
}

// letGo closes a connection that no state holds any more, which may take as long as what it has queued: longer than
// the request or change that held it last.
//
//nolint:contextcheck // as said
func (n *Node) letGo(b *boundConn) {
	n.closing.Go(func() {
		ctx, cancel := context.WithTimeout(n.leaving, drainTime)
		defer cancel()
		if err := b.conn.Close(ctx); err != nil {
			n.log.Warn("an outgoing connection was closed before it was done", "outconn", b.object.Name, "err", err)
		}
	})
}

// serve answers one HTTP request on s.
func (s *state) serve(w http.ResponseWriter, r *http.Request) {
	s.routes.serve(w, r.WithContext(context.WithValue(r.Context(), stateKey{}, s)), s)
}
