package node

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/stats"
)

func (n *Node) statsServices() []service.Service {
	return append(
		stats.Services(stats.Deps{Stats: n.stats, Flush: n.flushStats}),
		service.New("parley.stats.get", n.getStats).WithDoc("statistics per service, summed over all servers").Needs(service.Read),
		service.New("parley.stats.exports", n.getExports).WithDoc("what became of what the servers of this machine send to systems elsewhere").Needs(service.Read),
		service.New("parley.stats.exports-local", n.getLocalExports).WithDoc("what became of what this server sends to systems elsewhere").Needs(service.Read),
		service.New("parley.stats.get-local", n.getLocalStats).WithDoc("statistics of this server, to be summed with others'").Needs(service.Read),
	)
}

// statsOptions are what cluster.yaml says.
func (n *Node) statsOptions() stats.Options {
	const day = 24 * time.Hour
	c := n.folder.Cluster.Statistics
	return stats.Options{Off: c.Off || !n.has(folder.AreaStats), Minutes: time.Duration(c.Minutes) * day, Hours: time.Duration(c.Hours) * day}
}

// countedServices are internal services that are counted as those of users are.
func (n *Node) countedServices(services []service.Service) []service.Service {
	for i, s := range services {
		services[i].Handler = n.counted(s.Name, s.Handler)
	}
	return services
}

// hides says whether samples show no field of that name of a service, by its shape and by the conventions.
func (n *Node) hides(name, field string) bool {
	s := n.current.Load()
	if s.names.rules.IsSecret(field) {
		return true
	}
	e := s.services[name]
	return e != nil && (e.secret[field] || e.Shape != nil && (secretField(e.Shape.Input, field) || secretField(e.Shape.Output, field)))
}

func secretField(fields []service.Field, name string) bool {
	return slices.ContainsFunc(fields, func(f service.Field) bool { return f.Secret && f.Name == name || secretField(f.Fields, name) })
}

// flushStats lets the servers of this machine save what they counted since their last save. One that does not answer, or
// is of an older release, has saved some seconds ago.
func (n *Node) flushStats(ctx context.Context) {
	group := errgroup.Group{}
	for _, peer := range n.folder.Cluster.Servers {
		if peer.Name == n.server.Name {
			continue
		}
		group.Go(func() error { return n.callPeer(ctx, peer.Admin, "parley.stats.save", struct{}{}, nil) })
	}
	if err := group.Wait(); err != nil {
		n.log.Debug("not every server saved its statistics at once", "err", err)
	}
}

// StatsIn is the input of parley.stats.get.
type StatsIn struct {
	Service  string `sio:",optional"` // empty: all
	Internal bool   `sio:",optional"` // internal services, too
}

// peerTime bounds how long a peer may take to answer.
const peerTime = 2 * time.Second

// getStats sums what this server and those of its machine that answer count now, and what the others saved last.
func (n *Node) getStats(ctx context.Context, _ service.Runtime, in StatsIn) ([]stats.Summary, error) {
	peers := n.folder.Cluster.Servers
	names := make([]string, len(peers))
	for i, peer := range peers {
		names[i] = peer.Name
	}
	elsewhere, err := n.stats.Elsewhere(ctx, names)
	if err != nil {
		return nil, err
	}
	counted := make([][]stats.ServiceStats, len(peers))
	group, asked := errgroup.WithContext(ctx)
	for i, peer := range peers {
		group.Go(func() error {
			if peer.Name == n.server.Name {
				counted[i] = n.stats.Snapshot()
				return nil
			}
			var err error
			if counted[i], err = n.askPeer(asked, peer.Admin); err != nil {
				counted[i], err = n.stats.Saved(asked, peer.Name)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := stats.Merge(append(counted, elsewhere...))
	if !in.Internal && in.Service == "" {
		all = slices.DeleteFunc(all, func(s stats.Summary) bool { return strings.HasPrefix(s.Service, "parley.") })
	}
	if in.Service != "" {
		all = slices.DeleteFunc(all, func(s stats.Summary) bool { return s.Service != in.Service })
		if len(all) == 0 && n.current.Load().services[in.Service] == nil {
			return nil, unknown("no service", in.Service, n.current.Load().serviceNames())
		}
	}
	return all, nil
}

func (n *Node) askPeer(ctx context.Context, address string) ([]stats.ServiceStats, error) {
	var out []stats.ServiceStats
	return out, n.callPeer(ctx, address, "parley.stats.get-local", struct{}{}, &out)
}

// callPeer invokes an internal service of the server whose admin API has that address.
func (n *Node) callPeer(ctx context.Context, address, name string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, peerTime)
	defer cancel()
	client := admin.NewClient(address, n.token).Secured(n.folder.AdminTLS(address))
	defer client.CloseIdle()
	return client.Call(ctx, name, in, out)
}

func (n *Node) getLocalStats(context.Context, service.Runtime, struct{}) ([]stats.ServiceStats, error) {
	return n.stats.Snapshot(), nil
}
