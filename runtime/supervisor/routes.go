package supervisor

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/folder"
)

// routesEvery is how soon the load-balancer knows that a channel is idempotent, or is not any more.
const routesEvery = time.Second

// routesMost is how long HAProxy may take to load its configuration anew.
const routesMost = 30 * time.Second

// followRoutes tells the load-balancer where channels are served, until ctx ends. While no server answers, what was last
// known holds; before one has, no channel is taken for idempotent.
func (s *Supervisor) followRoutes(ctx context.Context) {
	var problem error
	repeat(ctx, routesEvery, func(ctx context.Context) error {
		if routes, ok := s.readRoutes(ctx); ok {
			problem = s.setRoutes(ctx, routes)
		}
		return problem
	}, func(err error) {
		s.d.Log.Warn("the load-balancer does not know which channels are idempotent", "err", err)
	})
}

func (s *Supervisor) setRoutes(ctx context.Context, routes []balancer.Route) error {
	ctx, cancel := context.WithTimeout(ctx, routesMost)
	defer cancel()
	if err := s.front.SetRoutes(ctx, routes); err != nil {
		return err
	}
	s.noteIdempotent(routes)
	return nil
}

func (s *Supervisor) noteIdempotent(routes []balancer.Route) {
	known := []string{}
	for _, r := range routes {
		if r.Idempotent {
			known = append(known, strings.TrimSpace(strings.Join(r.Methods, ",")+" "+r.Path))
		}
	}
	slices.Sort(known)
	s.idempotent.Store(&known)
}

// readRoutes is the word of the first server that answers.
func (s *Supervisor) readRoutes(ctx context.Context) ([]balancer.Route, bool) {
	for _, p := range s.processes {
		pid := 0
		p.look(func() { pid = p.pid })
		if pid == 0 {
			continue
		}
		asked, cancel := context.WithTimeout(ctx, askMost)
		routes, err := RoutesOf(asked, s.d.Folder, p.server)
		cancel()
		if err == nil {
			return routes, true
		}
		s.d.Log.Debug("server does not say where its channels are", "server", p.server.Name, "err", err)
	}
	return nil, false
}

// RoutesOf asks a server of the cluster in f where its channels are served.
func RoutesOf(ctx context.Context, f *folder.Folder, server folder.Server) ([]balancer.Route, error) {
	token, err := f.Token()
	if err != nil {
		return nil, err
	}
	client := admin.NewClient(server.Admin, token).Secured(f.AdminTLS(server.Admin))
	defer client.CloseIdle()
	var routes []balancer.Route
	return routes, client.Call(ctx, "parley.channel.routes", struct{}{}, &routes)
}
