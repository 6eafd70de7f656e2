// Package node wires everything of the runtime into one server: it is the only package that sees its siblings.
//
// A server is little more than: load the catalog, build a state of it, activate it, follow revisions, and
// serve. A program of one's own with services compiled in is a call of Main.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.starlark.net/starlarkstruct"

	"github.com/parley-run/parley/redisurl"
	"github.com/parley-run/parley/runtime/adapter"
	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/certificate"
	"github.com/parley-run/parley/runtime/channel"
	channelrest "github.com/parley-run/parley/runtime/channel/rest"
	"github.com/parley-run/parley/runtime/cluster"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/logs"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/outconn/kvdb"
	"github.com/parley-run/parley/runtime/password"
	"github.com/parley-run/parley/runtime/ratelimit"
	"github.com/parley-run/parley/runtime/rbac"
	"github.com/parley-run/parley/runtime/secret"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
	"github.com/parley-run/parley/runtime/stats"
)

// drainTime is how long a planned stop waits for the requests in flight, closeTime how long it then waits for what
// connections have queued: a peer that is away may stay away.
const (
	drainTime = 30 * time.Second
	closeTime = 2 * time.Second
)

// Config says which server to run.
type Config struct {
	Folder   *folder.Folder
	Server   string            // its name in the folder
	Services []service.Service // compiled in
	Log      *slog.Logger
	Brought  Brought       // into the catalog, before it is ready
	Patience time.Duration // how long the start waits for a database that is away, where no catalog is kept; 0: not at all

	buffer *bufferedLog // of Log; nil: it has none
	ring   *logs.Ring   // what was logged last; nil: the supervisor writes it into the folder
}

// Node is one server.
type Node struct {
	folder *folder.Folder
	server folder.Server
	names  service.Names
	log    *slog.Logger
	token  string
	proof  string // that a request comes from the cluster's own load-balancer

	proxies []netip.Prefix

	compiled      map[string]*entry
	internals     map[string]*entry
	channelKinds  map[string]channel.Kind
	outconnKinds  map[string]outconn.Kind
	securityKinds map[string]security.Kind
	adapterKinds  map[string]adapter.Kind
	kinds         map[string]anyKind // all of them
	secrets       *keyring
	vault         *secret.Vault // nil: there is none
	elsewhere     *elsewhere    // of a check: secrets that are not here; nil: they must be
	passwords     password.Checks
	own           *admin.Account // the administrator whom cluster.yaml names
	counts        counts
	kvdb          *boundConn
	usual         *conventions
	modules       []*starlarkstruct.Module

	store   *catalog.Database
	live    *catalog.Live
	table   *cluster.Table
	leases  *cluster.Leases
	members *cluster.Membership
	redis   *redisurl.Client // carries hints, and is looked at: services have connections of their own
	outage  outage
	nonces  nonces
	ownLog  ownLog
	stats   *stats.Stats
	exports exports
	current atomic.Pointer[state]
	runners *runners
	ready   atomic.Bool
	began   time.Time    // to start
	readyMS atomic.Int64 // from then until it was ready
	started []Started    // how long each area took

	now      func() time.Time
	stopping atomic.Bool // ready no more
	brought  Brought
	patience time.Duration

	closing sync.WaitGroup  // connections that are being closed
	leaving context.Context //nolint:containedctx // ends when they must be done: some time after the server stopped
	leave   context.CancelFunc
}

// counts are where rate limits count, from one state to the next.
type counts struct{ local, exact ratelimit.Counter }

// New opens what a server needs. Nothing serves until Run.
func New(ctx context.Context, c Config) (*Node, error) {
	n, err := newNode(c)
	if err != nil {
		return nil, err
	}
	if err := n.openDatabase(ctx); err != nil {
		return nil, err
	}
	n.stats.Clock(n.now)
	n.stats.Configure(n.statsOptions(), n.hides)
	n.store.Clock(n.now)
	n.leaving, n.leave = context.WithCancel(context.WithoutCancel(ctx))
	if err := n.openExports(); err != nil {
		return nil, err
	}
	if err := n.addCompiled(slices.Concat(n.ownServices(), c.Services)); err != nil {
		return nil, err
	}
	if n.has(folder.AreaKVDB) {
		if err := n.timed(folder.AreaKVDB, n.openKVDB); err != nil {
			return nil, err
		}
	}
	n.leases = cluster.NewLeases(n.store.DB())
	if err := n.addInternals(); err != nil {
		return nil, err
	}
	n.runners = newRunners(ctx)
	n.current.Store(n.nothing())
	n.live = catalog.NewLive(n.store, n, c.Log)
	if c.Folder.Cluster.Database.URL != "" {
		n.live.KeepIn(c.Folder.SnapshotFile(n.server.Name))
	}
	return n, n.join()
}

// newNode is a server for which nothing was opened yet.
func newNode(c Config) (*Node, error) {
	server, err := c.Folder.Server(c.Server)
	if err != nil {
		return nil, err
	}
	token, err := c.Folder.Token()
	if err != nil {
		return nil, err
	}
	n := &Node{
		folder: c.Folder, server: server, token: token, proof: certificate.Proof(token), log: c.Log, proxies: c.Folder.Cluster.Proxies(),
		names: service.ParleyNames(), brought: c.Brought, patience: c.Patience,
		compiled:      map[string]*entry{},
		channelKinds:  map[string]channel.Kind{},
		outconnKinds:  map[string]outconn.Kind{},
		securityKinds: map[string]security.Kind{},
		adapterKinds:  map[string]adapter.Kind{},
		kinds:         map[string]anyKind{},
		usual:         &conventions{rules: sio.DefaultConventions()},
		modules:       starlarkModules(),
		ownLog:        ownLog{buffer: c.buffer, ring: c.ring},
		began:         time.Now(),
	}
	if c.Folder.Cluster.Compat == "zato" {
		n.names = service.ZatoNames()
	}
	n.addKinds()
	if n.own, err = OwnAccount(c.Folder, &n.passwords); err != nil {
		return nil, err
	}
	if err := n.timed("keys", func() error {
		if n.secrets, err = openSecrets(c.Folder.SecretsFile()); err == nil {
			n.vault, err = n.openVault()
		}
		return err
	}); err != nil {
		return nil, err
	}
	return n, n.setClock()
}

// addCompiled takes in the services that are compiled in.
func (n *Node) addCompiled(services []service.Service) error {
	for _, s := range services {
		if n.compiled[s.Name] != nil {
			return fmt.Errorf("the service %q is compiled in twice", s.Name)
		}
		if err := sio.Validate(s.Shape); err != nil {
			return fmt.Errorf("the service %q: %w", s.Name, err)
		}
		n.compiled[s.Name] = n.newEntry(s, "", "", n.usual)
	}
	return nil
}

// join prepares the server's place in its cluster.
func (n *Node) join() error {
	if moved := n.table.Moved(); moved != "" {
		n.log.Warn("the file of the cluster's servers was damaged and is made anew", "moved_to", moved)
	}
	target, err := redisurl.Parse(n.folder.RedisURL())
	if err != nil {
		return fmt.Errorf("redis.url of the cluster: %w", err)
	}
	if n.redis, err = target.Open(); err != nil {
		return fmt.Errorf("redis.url of the cluster: %w", err)
	}
	n.counts = counts{
		local: ratelimit.NewLocal(n.now),
		exact: ratelimit.NewRedis(n.redis, n.folder.Cluster.Name, n.log, n.now),
	}
	n.members = cluster.New(cluster.Config{
		Name: n.server.Name, Address: called(n.server.Address), Admin: called(n.server.Admin), Table: n.table,
		Hints:  n.hints(),
		Follow: n.live.Follow, State: n.membershipState, Log: n.log, Now: n.now,
	})
	return nil
}

// called is where others call what listens on address: one that listens on all of a machine's addresses is called by the
// machine's name.
func called(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip, unparsed := netip.ParseAddr(host); err != nil || host != "" && (unparsed != nil || !ip.IsUnspecified()) {
		return address
	}
	name, err := os.Hostname()
	if err != nil {
		return address
	}
	return net.JoinHostPort(name, port)
}

// nothing is the state before the catalog is loaded.
func (n *Node) nothing() *state {
	s := &state{node: n, snapshot: n.emptySnapshot(), set: nil, names: n.usual, rules: &rules{roles: &rbac.Roles{}}}
	s.routes = newRoutes(nil)
	s.users.Store(1)
	return s
}

func (n *Node) emptySnapshot() *catalog.Snapshot { return catalog.NewSnapshot(0, nil) }

func (n *Node) openKVDB() error {
	k := kvdb.Kind()
	spec, err := specOf(map[string]string{"url": n.folder.RedisURL()})
	if err != nil {
		return err
	}
	config, err := k.Parse(spec)
	if err != nil {
		return fmt.Errorf("redis.url of the cluster: %w", err)
	}
	conn, err := k.New(config, outconn.Deps{Name: "default", Names: n.names, Log: n.log})
	if err != nil {
		return err
	}
	n.kvdb = &boundConn{object: &catalog.Object{Kind: k.Name, Name: "default"}, kind: k, conn: conn, calls: n.calls(conn, k.Name, k.Name)}
	return nil
}

// invoked is the Via of a request that another service made.
const invoked = "invoke"

// newEntry is a version of a service, ready to be called.
func (n *Node) newEntry(s service.Service, file, position string, names *conventions) *entry {
	checker := names.rules.NewChecker(s.Name, s.Shape)
	e := &entry{Service: s, file: file, position: position, names: names, secret: map[string]bool{}}
	for _, name := range checker.Secrets() {
		e.secret[name] = true
	}
	inner := n.dispatch(e, &service.Via{Kind: invoked})
	checked := service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
		req.Input = req.Payload
		if s.Shape != nil && len(s.Shape.Input) > 0 {
			var err error
			if req.Input, err = checker.Input(req.Payload, nil); err != nil {
				return nil, err
			}
			req.Secrets = checker.Secrets()
		}
		res, err := inner.Handle(ctx, req)
		if err != nil {
			return nil, err
		}
		res.Payload, err = checker.Output(res.Payload)
		return res, err
	})
	e.invoke = n.counted(s.Name, n.exports.tracer.Service(checked, s.Name))
	return e
}

func (n *Node) isOutKind(self string) bool {
	for _, name := range n.outKindNames() {
		if name == self {
			return true
		}
	}
	return false
}

func (n *Node) outKindNames() []string {
	names := []string{"kvdb"}
	for _, k := range n.outconnKinds {
		names = append(names, k.Self...)
	}
	return names
}

// Close lets go of what New opened. Connections have closeTime to send what they have queued.
func (n *Node) Close() error {
	n.runners.stop()
	n.runners.giveUp()
	n.runners.wait(n.runners.patience)
	time.AfterFunc(closeTime, n.leave)
	n.current.Swap(n.nothing()).leave()
	n.closing.Wait()
	n.leave()
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	var kvdb error
	if n.kvdb != nil {
		kvdb = n.kvdb.conn.Close(ctx)
	}
	return errors.Join(kvdb, n.redis.Close(), n.store.Close(), n.table.Close(), n.stats.Close())
}

// ServeHTTP answers what clients send to the server's channels.
func (n *Node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	certificate.Forwarded(r, n.proof)
	if n.names.Server != "" {
		w.Header()["Server"] = []string{n.names.Server}
	}
	switch path := r.URL.Path; path {
	case n.names.Prefix + "/ping", n.names.Prefix + "/ping2":
		channelrest.SkipBody(w, r)
		n.ping(w, strings.TrimPrefix(path, n.names.Prefix+"/"))
		return
	case n.names.Prefix + "/ready":
		channelrest.SkipBody(w, r)
		n.readiness(w)
		return
	case n.names.Prefix + "/openapi.json":
		if n.has(folder.AreaOpenAPI) {
			n.serveOpenAPI(w, r)
			return
		}
	}
	r.RemoteAddr = caller(r, n.proxies)
	s := n.enter()
	defer s.leave()
	s.serve(w, r)
}
