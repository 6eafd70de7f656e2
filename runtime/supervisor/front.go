package supervisor

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/balancer/haproxy"
	"github.com/parley-run/parley/runtime/certificate"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/framing"
	"github.com/parley-run/parley/runtime/service"
)

// front is the load-balancer that clients call. Prepare is called first, then Run, once; the others may be called at
// any time, from many goroutines. Those that name a server are errors where it has none of that name.
type front interface {
	Kind() string // such as haproxy 2.6.12

	Prepare(ctx context.Context) error             // finds what is wrong before anything is started
	Run(ctx context.Context, l net.Listener) error // until ctx ends; closes l, which is nil where it listens elsewhere

	Read(ctx context.Context) ([]balancer.Status, balancer.Totals, error) // each server in the order of cluster.yaml
	Drain(ctx context.Context, name string) error                         // no new requests for the server
	Ready(ctx context.Context, name string) error                         // ends Drain
	Idle(ctx context.Context, name string) error                          // waits until nothing is in flight on it
	SetWeight(ctx context.Context, name string, weight int) error         // 0 to 256; 0: no requests
	Reload(ctx context.Context) error                                     // its configuration is made and read anew
	SetRoutes(ctx context.Context, routes []balancer.Route) error         // where channels are served now; called by one goroutine
}

// newFront is the load-balancer that cluster.yaml asks for.
func newFront(d Deps, weights map[string]int) (front, error) {
	b := d.Folder.Cluster.Balancer
	if b.Kind != folder.HAProxyBalancer && b.Kind != folder.ExternalBalancer {
		var servers []balancer.Server
		for _, one := range d.Folder.Cluster.Servers {
			servers = append(servers, balancer.Server{Name: one.Name, Address: one.Address, TLS: one.TLS.IsSet()})
		}
		secured, err := openTLS(d)
		if err != nil {
			return nil, err
		}
		made, err := balancer.New(balancer.Options{Servers: servers, Names: d.Names, Log: d.Log, ServersTLS: secured.servers, Proof: secured.proof})
		if err != nil {
			return nil, err
		}
		for name, weight := range weights {
			if err := made.SetWeight(name, weight); err != nil {
				return nil, err
			}
		}
		return embedded{made, d.Log, secured.front}, nil
	}
	c, err := HAProxyConfig(d.Folder, d.Names)
	if err != nil {
		return nil, err
	}
	if b.Kind == folder.ExternalBalancer {
		secured, err := openTLS(d)
		if err != nil {
			return nil, err
		}
		return &external{
			Control: &haproxy.Control{Sockets: c.Sockets, Servers: c.Servers}, ready: d.Names.Prefix + "/ready", log: d.Log, servers: secured.servers,
		}, nil
	}
	r, err := haproxy.NewRunner(haproxy.Options{
		Config: c, Dir: d.Folder.RunDir(), Binary: b.HAProxy.Binary, LogFile: d.Folder.LogFile("haproxy"), Log: d.Log,
	})
	if err != nil {
		return nil, err
	}
	return managed{r, d}, nil
}

// HAProxyConfig is the configuration of the HAProxy in front of the cluster in f, whether f asks for one or not. It
// makes the password of the statistics page where there is a page and no password yet.
func HAProxyConfig(f *folder.Folder, names service.Names) (haproxy.Config, error) {
	b := f.Cluster.Balancer
	c := haproxy.Config{
		Cluster: f.Cluster.Name, Names: names, Front: b.Address, Stats: b.HAProxy.Stats, Resolver: b.HAProxy.Resolver,
	}
	if err := haproxyTLS(f, &c); err != nil {
		return c, err
	}
	weights, err := readWeights(f)
	if err != nil {
		return c, err
	}
	for _, one := range f.Cluster.Servers {
		c.Servers = append(c.Servers, haproxy.Server{Name: one.Name, Address: one.Address, Weight: weights[one.Name], TLS: one.TLS.IsSet()})
	}
	if c.Stats != "" {
		password, err := haproxy.Password(f.HAProxyPassword())
		if err != nil {
			return c, err
		}
		c.Password = haproxy.Hash(password)
	}
	if b.Kind == folder.ExternalBalancer {
		socket := b.HAProxy.Socket
		c.Sockets = haproxy.Sockets{
			Runtime: socket, Master: b.HAProxy.Master,
			Relay: strings.TrimSuffix(socket, filepath.Ext(socket)) + "-relay.sock",
		}
		return c, nil
	}
	dir, err := haproxy.SocketDir(f.RunDir())
	c.Sockets = haproxy.In(dir)
	return c, err
}

// managed is an HAProxy that the supervisor runs.
type managed struct {
	*haproxy.Runner
	d Deps
}

// Run also loads HAProxy anew when certificates have changed.
func (m managed) Run(ctx context.Context, l net.Listener) error {
	certificates, err := m.certificates()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	watching, end := context.WithCancel(ctx)
	var watched sync.WaitGroup
	for _, store := range certificates {
		watched.Go(func() {
			store.Watch(watching, func() {
				if err := m.Reload(watching); err != nil && watching.Err() == nil {
					m.d.Log.Error("changed certificates are not served: haproxy does not load them", "err", err)
				}
			})
		})
	}
	err = m.Runner.Run(ctx, l)
	end()
	watched.Wait()
	return err
}

func (m managed) Kind() string { return strings.TrimSpace("haproxy " + m.Version()) }

// external is an HAProxy that somebody else runs.
type external struct {
	*haproxy.Control
	ready   string // path at which servers say whether they are
	log     *slog.Logger
	servers func() *tls.Config // for those with TLS; nil: the system's authorities
	routes  []balancer.Route   // of balancer.Repeats, as last seen
}

func (e *external) Kind() string { return folder.ExternalBalancer }

// Prepare gives its servers the weights that they have here. An HAProxy that does not run yet has them in its
// configuration.
func (e *external) Prepare(ctx context.Context) error {
	for _, s := range e.Servers {
		if err := e.SetWeight(ctx, s.Name, s.Weight); err != nil {
			e.log.Warn("haproxy does not take a server's weight; where it has the configuration of parley haproxy render, it has the weight too",
				"server", s.Name, "err", err)
			break
		}
	}
	return nil
}

// Read asks the servers themselves where HAProxy does not answer: the cluster is up before its HAProxy is, too.
func (e *external) Read(ctx context.Context) ([]balancer.Status, balancer.Totals, error) {
	all, totals, err := e.Control.Read(ctx)
	if err == nil {
		return all, totals, nil
	}
	all = make([]balancer.Status, len(e.Servers))
	var asked sync.WaitGroup
	for i, s := range e.Servers {
		all[i] = balancer.Status{Name: s.Name, Address: s.Address, State: balancer.Down, Weight: s.Weight, Error: err.Error()}
		asked.Go(func() {
			if e.isReady(ctx, s) {
				all[i].State = balancer.Up
			}
		})
	}
	asked.Wait()
	return all, totals, err
}

// SetRoutes can only tell: the configuration's file is somebody else's.
func (e *external) SetRoutes(_ context.Context, routes []balancer.Route) error {
	now := balancer.Repeats(routes)
	if !balancer.SameRoutes(e.routes, now) {
		e.routes = now
		e.log.Info("other channels are idempotent than before; for haproxy to know, make its configuration anew: parley haproxy render")
	}
	return nil
}

func (e *external) isReady(ctx context.Context, s haproxy.Server) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	url := "http://"
	if s.TLS {
		url = "https://"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+s.Address+e.ready, nil)
	if err != nil {
		return false
	}
	transport := &http.Transport{DisableKeepAlives: true} // a kept connection would hide a server that died
	if e.servers != nil {
		transport.TLSClientConfig = e.servers()
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// Run has nothing to do.
func (e *external) Run(ctx context.Context, _ net.Listener) error {
	<-ctx.Done()
	return nil
}

// embedded is the load-balancer that is part of this process.
type embedded struct {
	b   *balancer.Balancer
	log *slog.Logger
	tls *certificate.Served // nil: clients call http
}

func (e embedded) Kind() string { return folder.EmbeddedBalancer }

func (e embedded) Prepare(context.Context) error { return nil }

func (e embedded) Read(context.Context) ([]balancer.Status, balancer.Totals, error) {
	return e.b.Status(), e.b.Totals(), nil
}

func (e embedded) Drain(_ context.Context, name string) error  { return e.b.Drain(name) }
func (e embedded) Ready(_ context.Context, name string) error  { return e.b.Ready(name) }
func (e embedded) Idle(ctx context.Context, name string) error { return e.b.Idle(ctx, name) }
func (e embedded) SetWeight(_ context.Context, name string, weight int) error {
	return e.b.SetWeight(name, weight)
}

func (e embedded) SetRoutes(_ context.Context, routes []balancer.Route) error {
	e.b.SetRoutes(routes)
	return nil
}

func (e embedded) Reload(context.Context) error {
	return errors.New("the load-balancer of this cluster is the embedded one, which has no configuration to load; balancer: kind: haproxy in cluster.yaml has HAProxy do its work")
}

// Run checks the servers and serves on l, until ctx ends.
func (e embedded) Run(ctx context.Context, l net.Listener) error {
	checked := make(chan error, 1)
	go func() { checked <- e.b.Run(ctx) }()
	watching, end := context.WithCancel(ctx)
	var watched sync.WaitGroup
	if e.tls != nil {
		watched.Go(func() { e.tls.Run(watching) })
	}
	err := e.serve(ctx, l)
	end()
	watched.Wait()
	return errors.Join(err, <-checked)
}

func (e embedded) serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           e.b,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       5 * time.Minute, // of what nobody reads; the balancer bounds the bodies that it reads
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
	}
	e.tls.Prepare(srv)
	ended := make(chan error, 1)
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if err := srv.Shutdown(end); err != nil {
			_ = srv.Close() // whoever still waits for a reply has no server left to get it from
		}
		ended <- nil
	}()
	if err := framing.Serve(srv, l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}
