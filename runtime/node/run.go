package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/certificate"
	channelrest "github.com/parley-run/parley/runtime/channel/rest"
	"github.com/parley-run/parley/runtime/deploy"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/framing"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// settleTime is how long a stopping server still takes requests after it said that it is not ready: the
// load-balancer asks every 200 ms.
const settleTime = 500 * time.Millisecond

// Run serves until ctx ends, then stops in a planned way: not ready first, then what is in flight, then the
// rest. The first part that fails ends the others.
func (n *Node) Run(ctx context.Context) error {
	defer n.Close() //nolint:errcheck,contextcheck // the process ends here, whatever ctx says; each part has logged what it could not finish
	listen := net.ListenConfig{}
	channels, err := listen.Listen(ctx, "tcp", n.server.Address)
	if err != nil {
		return fmt.Errorf("listen for channels: %w", err)
	}
	administration, err := listen.Listen(ctx, "tcp", n.server.Admin)
	if err != nil {
		_ = channels.Close() // nothing was served yet
		return fmt.Errorf("listen for the admin API: %w", err)
	}
	if err := n.timed("catalog", func() error { return n.begin(ctx) }); err != nil {
		return err
	}
	administered, err := OpenAdminTLS(n.folder, n.log)
	if err != nil {
		_ = channels.Close()       // nothing was served yet
		_ = administration.Close() // likewise
		return err
	}
	secured, err := n.listenTLS()
	if err != nil {
		_ = channels.Close()       // nothing was served yet
		_ = administration.Close() // likewise
		return err
	}
	api, err := admin.New(admin.Config{
		Services: n.countedServices(n.internalServices()), Token: n.token, Users: n.accounts(), Peers: n.peers(), Log: n.log, Metrics: n.metrics(),
		Off: n.folder.Cluster.Areas.Off, NoOpenAPI: !n.has(folder.AreaOpenAPI),
	})
	if err != nil {
		return err
	}

	pages, err := WithDashboard(api, n.folder.Cluster.Name, n.log) //nolint:contextcheck // a page has its request's
	if err != nil {
		return err
	}

	// The parts outlive ctx: they stop when the requests in flight have been answered.
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, inner := errgroup.WithContext(inner)
	group.Go(func() error { return admin.Serve(inner, administration, pages, administered) })
	group.Go(func() error { return n.members.Run(inner) })
	if secured != nil {
		group.Go(func() error {
			secured.Run(inner)
			return nil
		})
	}
	if n.has(folder.AreaStats) {
		group.Go(func() error { return n.stats.Run(inner) })
	}
	group.Go(func() error {
		n.exports.run(inner, n.now)
		return nil
	})
	if n.has(folder.AreaKVDB) {
		group.Go(func() error {
			n.watchKVDB(inner)
			return nil
		})
	}
	group.Go(func() error {
		n.live.Keep(inner)
		return nil
	})
	if n.store.DB().Shared() {
		group.Go(func() error {
			n.sweep(inner)
			return nil
		})
	}
	group.Go(func() error {
		n.watchVault(inner)
		return nil
	})
	if n.has(folder.AreaPickup) {
		group.Go(func() error { return n.pickup().Run(inner) })
	}
	group.Go(func() error {
		defer stop()
		return n.serve(ctx, inner, channels, secured)
	})
	group.Go(func() error { return n.bring(inner, n.brought, n.isReady) })
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (n *Node) isReadyNow() bool { return n.ready.Load() && !n.stopping.Load() }

// isReady says, once, that the server is ready.
func (n *Node) isReady() {
	if n.ready.Swap(true) || n.stopping.Load() {
		return
	}
	n.readyMS.Store(max(1, time.Since(n.began).Milliseconds()))
	close(n.runners.ready)
	n.log.Info("server is ready", "address", n.server.Address, "admin", n.server.Admin,
		"revision", n.live.Current().Revision, "pid", os.Getpid(), "started", startText(n.startTimes()))
}

// beginAgain is the wait before a database that is away is asked again for the catalog.
const beginAgain = 250 * time.Millisecond

// begin loads the catalog, and waits for its database as long as the configuration says.
func (n *Node) begin(ctx context.Context) error {
	last := time.Now().Add(n.patience)
	for told := false; ; told = true {
		err := n.live.Start(ctx)
		var known *service.Error
		if err == nil || !errors.As(err, &known) || known.Code != service.Unavailable || time.Now().After(last) {
			return err
		}
		if !told {
			n.log.Warn("waits for the catalog's database", "most", n.patience, "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(beginAgain):
		}
	}
}

// serve answers the channels' clients until ctx ends and what is in flight has been answered, or until failed
// ends: another part of the server has failed.
func (n *Node) serve(ctx, failed context.Context, listener net.Listener, secured *certificate.Served) error {
	server := &http.Server{
		Handler:           n,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       5 * time.Minute, // a channel's own timeout is shorter; these bound what reads or sends nothing
		WriteTimeout:      10 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	secured.Prepare(server)
	ended := make(chan error, 1)
	go func() { ended <- framing.Serve(server, listener) }()
	select {
	case err := <-ended:
		return err
	case <-failed.Done():
	case <-ctx.Done():
	}
	n.stopping.Store(true)
	n.log.Info("server is stopping")
	n.runners.stop()
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	n.members.Leave(leaving)
	select {
	case <-time.After(settleTime):
	case <-failed.Done():
	}
	if err := server.Shutdown(leaving); err != nil {
		n.log.Warn("requests were still in flight at the end of a planned stop", "err", err)
	}
	if !n.runners.wait(leaving) {
		n.log.Warn("messages of channels were still in flight at the end of a planned stop")
	}
	return nil
}

// listenTLS opens the certificates of the channels' listener; nil where it serves http.
func (n *Node) listenTLS() (*certificate.Served, error) {
	l := n.folder.Listener(n.server.TLS)
	if l == nil {
		return nil, nil //nolint:nilnil // no TLS is no error
	}
	return l.Open(fmt.Sprintf("server %q", n.server.Name), n.log)
}

// OpenAdminTLS opens the certificate of the admin listeners of the machine; nil where they serve http.
func OpenAdminTLS(f *folder.Folder, log *slog.Logger) (*certificate.Served, error) {
	l := f.Listener(f.Cluster.Admin.TLS)
	if l == nil {
		return nil, nil //nolint:nilnil // no TLS is no error
	}
	return l.Open("the admin API", log)
}

func (n *Node) pickup() *deploy.Pickup {
	return &deploy.Pickup{
		Dir: n.folder.Incoming(n.server.Name), HandledFile: n.folder.HandledFile(n.server.Name),
		Server: n.server.Name, Catalog: n, Log: n.log,
	}
}

// readiness answers GET /parley/ready, which load-balancers ask.
func (n *Node) readiness(w http.ResponseWriter) {
	cid := service.NewCID()
	status, result := http.StatusOK, n.names.OK
	if !n.isReadyNow() {
		status, result = http.StatusServiceUnavailable, n.names.Error
	}
	env := service.ObjectOf("details", n.standing(), "result", result, "cid", cid)
	n.write(w, status, cid, service.ObjectOf(n.names.Env, env, "server", n.server.Name))
}

func (n *Node) write(w http.ResponseWriter, status int, cid string, payload any) {
	body, err := service.AppendJSON(nil, payload)
	if err != nil {
		n.log.Error("a reply of the server itself cannot be written", "cid", cid, "err", err)
		status, body = http.StatusInternalServerError, nil
	}
	w.Header().Set(n.names.CIDHeader, cid)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

// fail answers a request that no channel took.
func (n *Node) fail(w http.ResponseWriter, r *http.Request, err error) {
	n.failAt(w, r, service.NewCID(), r.URL.Path, err)
}

// failAt is fail with a CID and with the path as the log shall show it.
func (n *Node) failAt(w http.ResponseWriter, r *http.Request, cid, path string, err error) {
	channelrest.SkipBody(w, r)
	status := channelrest.WriteError(w, n.names, sio.JSON, cid, err)
	n.log.Info("request refused", "cid", cid, "method", r.Method, "path", path, "status", status, "err", err)
}
