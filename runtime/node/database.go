package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/cluster"
	"github.com/parley-run/parley/runtime/database"
	"github.com/parley-run/parley/runtime/deploy"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/stats"
)

// otherConnections are a server's to PostgreSQL that are not the catalog's: two for the servers' table, one for
// statistics and one that listens for hints.
const otherConnections = 4

// OpenTable is the table of a cluster's servers.
func OpenTable(ctx context.Context, f *folder.Folder) (*cluster.Table, error) {
	if url := f.Cluster.Database.URL; url != "" {
		return cluster.OpenPostgres(url)
	}
	return cluster.OpenSQLite(ctx, f.MembersDB())
}

// openDatabase opens what the server keeps: in PostgreSQL, which may be away, or in files.
func (n *Node) openDatabase(ctx context.Context) (err error) {
	if err := n.timed("cluster", func() error {
		n.table, err = OpenTable(ctx, n.folder)
		return err
	}); err != nil {
		return err
	}
	if err := n.openStats(ctx); err != nil {
		return err
	}
	url := n.folder.Cluster.Database.URL
	return n.timed("catalog", func() error {
		if url != "" {
			n.store, err = catalog.OpenPostgres(url, n.folder.Cluster.Database.Pool()-otherConnections)
		} else {
			n.store, err = catalog.OpenSQLite(ctx, n.folder.CatalogDB())
		}
		if err == nil {
			n.store.KeepVersions(deploy.FileKind)
		}
		return err
	})
}

// openStats opens the statistics: in a PostgreSQL of their own or the catalog's, or in a file of their own. Where they are
// switched off nothing is counted and nothing kept.
func (n *Node) openStats(ctx context.Context) error {
	if !n.has(folder.AreaStats) {
		n.stats = stats.New(time.Now)
		return nil
	}
	return n.timed(folder.AreaStats, func() (err error) {
		c := n.folder.Cluster
		if url := cmp.Or(c.Statistics.Database, c.Database.URL); url != "" {
			n.stats, err = stats.OpenPostgres(url, n.server.Name, n.log)
		} else {
			n.stats, err = stats.Open(ctx, n.folder.StatsDB(), n.server.Name, n.log)
		}
		return err
	})
}

// hints are carried by Redis where all servers share one: those of one machine always do. Elsewhere PostgreSQL carries
// them.
func (n *Node) hints() cluster.Hints {
	if n.folder.Cluster.Database.URL != "" && n.folder.Cluster.Redis.URL == "" {
		return cluster.NewPostgresHints(n.table, n.log)
	}
	return cluster.NewRedisHints(n.redis, n.folder.Cluster.Name, n.log)
}

// leaseTime is how long a lease lasts that is not renewed.
const leaseTime = 6 * time.Second

// sweep keeps the servers' table clean, on one server at a time. On one machine the supervisor does.
func (n *Node) sweep(ctx context.Context) {
	n.leases.Hold(ctx, "sweep", n.server.Name, leaseTime, n.log, func(ctx context.Context, lease cluster.Lease) {
		n.leases.Sweep(ctx, lease, n.log)
	})
}

// Leased is one lease of parley.cluster.leases.
type Leased struct {
	Name    string
	Holder  string // empty: nobody
	Token   int64
	TakenAt time.Time
	Expires time.Time // by the database's clock
}

func (n *Node) clusterLeases(ctx context.Context, _ service.Runtime, _ struct{}) ([]Leased, error) {
	all, err := n.leases.All(ctx)
	out := make([]Leased, len(all))
	for i, one := range all {
		out[i] = Leased(one)
	}
	return out, err
}

// standing says, for those who ask whether the server is ready, what it does without: the catalog's database, the KVDB. They
// may be anybody: it names no address.
func (n *Node) standing() string {
	catalog := n.catalogStanding()
	switch {
	case n.outage.reason() == "":
		return catalog
	case catalog == "":
		return kvdbAway
	}
	return catalog + "; " + kvdbAway
}

// kvdbAway is no reason for a server not to be ready: every other would say the same, and not all services use it.
const kvdbAway = "the KVDB is away: services that use it fail, all else goes on"

func (n *Node) catalogStanding() string {
	problem := n.live.Problem()
	revision := n.live.Current().Revision
	switch away := new(database.Away); {
	case problem == nil:
		return ""
	case errors.As(problem, &away):
		return fmt.Sprintf("the catalog's database is away: revision %d serves, and nothing can be changed", revision)
	case errors.Is(problem, catalog.ErrRestored):
		return fmt.Sprintf("the catalog's database was restored or replaced: revision %d serves, and nothing can be changed", revision)
	default:
		return fmt.Sprintf("the catalog cannot be followed: revision %d serves", revision)
	}
}

// AcceptOut is the output of parley.catalog.accept-restore.
type AcceptOut struct {
	Revision int64
	Behind   []string // servers that do not serve it, and why
}

// acceptRestore makes the database as it is the truth, whatever servers knew.
func (n *Node) acceptRestore(ctx context.Context, _ service.Runtime, _ struct{}) (AcceptOut, error) {
	members, err := n.table.Members(ctx)
	if err != nil {
		return AcceptOut{}, err
	}
	var highest int64
	for _, m := range members {
		highest = max(highest, m.Revision)
	}
	before := n.live.Current().Revision
	revision, err := n.live.AcceptRestore(ctx, highest, "admin "+n.server.Name)
	if err != nil {
		return AcceptOut{}, err
	}
	n.log.Warn("an operator accepted the database as it was restored", "before", before, "revision", revision)
	n.members.Announce(ctx)
	behind, err := n.settle(ctx, revision)
	return AcceptOut{revision, behind}, err
}
