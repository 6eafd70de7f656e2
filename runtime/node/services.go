package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/cluster"
	"github.com/parley-run/parley/runtime/deploy"
	"github.com/parley-run/parley/runtime/enmasse"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
)

// internalServices are all that the admin API of a server offers.
func (n *Node) internalServices() []service.Service {
	by := "admin " + n.server.Name
	return n.listed(slices.Concat(
		enmasse.Services(enmasse.Deps{Catalog: n, Kinds: kinds{n}, Areas: n.areas(), By: by, Settle: n.settle}),
		deploy.Services(deploy.Deps{Catalog: n, By: by, History: n.store}),
		catalog.AuditServices(n.store),
		admin.UserServices(n.accounts()),
		[]service.Service{
			service.New("parley.service.list", n.listServices).WithDoc("the services that are deployed or compiled in").Needs(service.Read),
			service.New("parley.service.get", n.getService).WithDoc("one service: its file, its input and output, and the channels that expose it").Needs(service.Read),
			service.New("parley.service.invoke", n.invokeService).WithDoc("invokes a service and gives its payload").Needs(service.Operate),
			service.New("parley.kinds.list", n.listKinds).WithDoc("the kinds of definitions, and the keys of each").Needs(service.Read),
			service.New("parley.channel.routes", n.listRoutes).WithDoc("where channels are served over HTTP, and which are idempotent").Needs(service.Read),
			service.New("parley.outconn.ping", n.pingOutconn).WithDoc("pings an outgoing connection, or this server where none is named").Needs(service.Operate),
			service.New("parley.kvdb.execute", n.executeKVDB).WithDoc("runs a command on the key/value database of the services").Needs(service.Operate),
			service.New("parley.catalog.accept-restore", n.acceptRestore).
				WithDoc("makes a database that was restored or replaced the truth for all servers").Needs(service.Manage),
			service.New("parley.secrets.rotate", n.rotateSecrets).WithDoc("seals all secrets of the catalog by a new key").Needs(service.Manage),
			service.New("parley.secrets.status", n.secretsStatus).WithDoc("the keys that secrets are sealed by, and how many each has sealed").Needs(service.Read),
			service.New("parley.server.info", n.info).WithDoc("what this server serves").Needs(service.Read),
			service.New("parley.server.memory", n.memory).WithDoc("how much memory this server's objects take and how many goroutines it has, garbage collected first").Needs(service.Operate),
			service.New("parley.server.record-weight", n.recordWeight).
				WithDoc("lets the audit log know of a weight; the supervisor calls it when it sets one").Needs(service.Manage),
			service.New("parley.cluster.members", n.clusterMembers).WithDoc("the servers of the cluster and how far each has followed").Needs(service.Read),
			service.New("parley.cluster.leases", n.clusterLeases).WithDoc("which server does what one at a time may do").Needs(service.Read),
		},
		n.statsServices(),
		n.logsServices(),
		n.cacheServices(),
	))
}

// Current is the catalog that serves.
func (n *Node) Current() *catalog.Snapshot { return n.live.Current() }

// Apply changes the catalog and tells the other servers.
func (n *Node) Apply(ctx context.Context, c catalog.Change) (int64, error) {
	return n.applyTo(ctx, func(*catalog.Snapshot) (catalog.Change, error) { return c, nil })
}

// applyTo is Apply of a change that depends on what serves.
func (n *Node) applyTo(ctx context.Context, of func(*catalog.Snapshot) (catalog.Change, error)) (int64, error) {
	before, start := n.live.Current().Revision, time.Now()
	var c catalog.Change
	revision, err := n.live.ApplyTo(ctx, func(now *catalog.Snapshot) (catalog.Change, error) {
		var err error
		c, err = of(now)
		return c, err
	})
	if err != nil || revision == before {
		return revision, err
	}
	n.log.Info("catalog changed", "revision", revision, "by", c.By, "put", len(c.Put), "deleted", len(c.Delete), "ms", time.Since(start).Milliseconds())
	n.members.Announce(context.WithoutCancel(ctx))
	return revision, nil
}

// WaitFor waits until every server that counts serves revision.
func (n *Node) WaitFor(ctx context.Context, revision int64) ([]deploy.Result, error) {
	results, err := n.table.WaitFor(ctx, revision)
	out := make([]deploy.Result, len(results))
	for i, r := range results {
		out[i] = deploy.Result(r)
	}
	return out, err
}

// settle waits for revision, and names the servers that do not serve it.
func (n *Node) settle(ctx context.Context, revision int64) ([]string, error) {
	results, err := n.table.WaitFor(ctx, revision)
	if err != nil {
		e := &service.Error{
			Code: service.AsError(err).Code, Message: fmt.Sprintf("saved as revision %d, but it is not known which servers serve it", revision),
			Fix: "ask with parley status", Err: err,
		}
		return nil, e
	}
	var behind []string
	for _, r := range results {
		if !r.OK {
			behind = append(behind, r.Server+": "+r.Error)
		}
	}
	return behind, nil
}

// ServicesOf names the services that a deployed file declares, here and now.
func (n *Node) ServicesOf(file string) []string {
	var names []string
	for _, d := range n.current.Load().set.Of(file) {
		names = append(names, d.Name)
	}
	return names
}

// membershipState is what the cluster is told of this server.
func (n *Node) membershipState() cluster.State {
	now := n.live.Current()
	s := cluster.State{Revision: now.Revision, Hash: now.Hash}
	for _, f := range n.live.Faults() {
		s.Quarantined = append(s.Quarantined, cluster.Fault{Object: f.Kind + " " + f.Name, Error: f.Err.Error(), Since: f.Since})
	}
	return s
}

// Listed is one service of parley.service.list.
type Listed struct {
	Name     string
	File     string
	Revision int64 // of the file's last change; 0: compiled in
	Doc      string
}

func (n *Node) listServices(context.Context, service.Runtime, struct{}) ([]Listed, error) {
	s := n.current.Load()
	out := make([]Listed, 0, len(s.services))
	for _, e := range s.services {
		if n.isOwn(e.Name) {
			continue
		}
		one := Listed{Name: e.Name, File: e.file, Doc: e.Doc}
		if f := s.files[e.file]; f != nil {
			one.Revision = f.object.Revision
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Listed) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// InvokeIn is the input of parley.service.invoke.
type InvokeIn struct {
	Name    string
	Payload any `sio:",optional"`
}

// Routed is one channel of parley.channel.routes.
type Routed struct {
	Channel    string
	Methods    []string // empty: all
	Path       string   // such as /customers/{id}
	Idempotent bool
}

// listRoutes is what load-balancers ask for.
func (n *Node) listRoutes(context.Context, service.Runtime, struct{}) ([]Routed, error) {
	s := n.current.Load()
	out := make([]Routed, 0, len(s.channels))
	for _, r := range s.routes.paths {
		for _, key := range r.methods {
			at := s.channels[key].built.(channel.HTTP).Route()
			out = append(out, Routed{Channel: key.Name, Methods: at.Methods, Path: at.Path, Idempotent: at.Idempotent})
		}
	}
	slices.SortFunc(out, func(a, b Routed) int { return cmp.Compare(a.Channel, b.Channel) })
	return slices.CompactFunc(out, func(a, b Routed) bool { return a.Channel == b.Channel }), nil
}

func (n *Node) invokeService(ctx context.Context, _ service.Runtime, in InvokeIn) (any, error) {
	s := n.enter()
	defer s.leave()
	return s.Invoke(context.WithValue(ctx, stateKey{}, s), in.Name, in.Payload)
}

// PingIn is the input of parley.outconn.ping.
type PingIn struct {
	Name string `sio:",optional"` // empty: this server; kvdb: the key/value database
}

// PingOut says what came back.
type PingOut struct{ Info string }

func (n *Node) pingOutconn(ctx context.Context, _ service.Runtime, in PingIn) (PingOut, error) {
	if in.Name == "" {
		return PingOut{fmt.Sprintf("%s: %s at revision %d, pid %d", n.names.OK, n.server.Name, n.live.Current().Revision, os.Getpid())}, nil
	}
	s := n.enter()
	defer s.leave()
	var names []string
	for _, b := range s.conns {
		if b.object.Name == in.Name {
			info, err := b.conn.Ping(ctx)
			return PingOut{info}, err
		}
		names = append(names, b.object.Name)
	}
	if n.kvdb != nil {
		if in.Name == n.kvdb.kind.Name {
			info, err := n.kvdb.conn.Ping(ctx)
			return PingOut{info}, err
		}
		names = append(names, n.kvdb.kind.Name)
	}
	return PingOut{}, unknown("no outgoing connection", in.Name, names)
}

// CommandIn is the input of parley.kvdb.execute.
type CommandIn struct {
	Command string
	Args    []string `sio:",optional"`
}

func (n *Node) executeKVDB(ctx context.Context, _ service.Runtime, in CommandIn) (any, error) {
	args := make([]any, len(in.Args))
	for i, a := range in.Args {
		args[i] = a
	}
	return n.kvdb.conn.Call(ctx, strings.ToLower(in.Command), args, nil)
}

// Info is the output of parley.server.info.
type Info struct {
	Name        string
	PID         int `sio:"pid"`
	Ready       bool
	Revision    int64
	Hash        string
	Quarantined []string
	Problem     string     // why it cannot follow the catalog; empty where it can
	KVDB        string     `sio:"kvdb"` // why it cannot use the KVDB; empty where it can
	Channels    []Standing // those that run by themselves
	About       About
	Started     []Started // how long each area took to start, and which are off
}

func (n *Node) info(context.Context, service.Runtime, struct{}) (Info, error) {
	now := n.live.Current()
	out := Info{Name: n.server.Name, PID: os.Getpid(), Ready: n.isReadyNow(), Revision: now.Revision, Hash: now.Hash, KVDB: n.outage.reason()}
	out.Started, out.About = n.startTimes(), n.about()
	out.Channels = n.runners.standings(n.current.Load())
	for _, f := range n.live.Faults() {
		out.Quarantined = append(out.Quarantined, fmt.Sprintf("%s %s: %v", f.Kind, f.Name, f.Err))
	}
	if problem := n.live.Problem(); problem != nil {
		out.Problem = problem.Error()
	}
	return out, nil
}

func (n *Node) clusterMembers(ctx context.Context, _ service.Runtime, _ struct{}) ([]cluster.Member, error) {
	return n.table.Members(ctx)
}

// kinds are the catalog's kinds as config files see them.
type kinds struct{ node *Node }

// Names are the keys that a file may have.
func (k kinds) Names() []string { return slices.Sorted(maps.Keys(k.node.kinds)) }

// read reads one object's config, and says what its kind is.
func (k kinds) read(name string, raw []byte) (info kind.Info, config any, err error) {
	known, ok := k.node.kinds[name]
	if !ok {
		return info, nil, errors.New("unknown kind " + name)
	}
	config, err = known.parse(raw)
	return known.Info, config, err
}

func (k kinds) info(name string) kind.Info { return k.node.kinds[name].Info }

// Parse checks one object's config and gives it as the catalog keeps it, defaults filled in.
func (k kinds) Parse(name string, raw []byte) ([]byte, error) {
	_, config, err := k.read(name, raw)
	if err != nil {
		return nil, err
	}
	return specOf(config)
}
