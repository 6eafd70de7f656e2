package node

import (
	"time"

	"github.com/parley-run/parley/runtime/deploy"
)

// About is what a server is, beside what it serves.
type About struct {
	Version   string    `doc:"of its program, such as v1.2.0, or (devel) 1a2b3c4d5e6f"`
	Go        string    `doc:"that it was built with, such as go1.26"`
	Address   string    `doc:"that its channels are at, such as http://127.0.0.1:17010"`
	Admin     string    `doc:"host:port of its admin API"`
	Store     string    `doc:"where the catalog is: a file, or the URL of PostgreSQL without its password"`
	Redis     string    `doc:"the Redis of the services, without passwords"`
	StartedAt time.Time `doc:"when it began to start"`
	ReadyMS   int64     `sio:"ready_ms" doc:"milliseconds from then until it was ready; 0: it is not"`
	Services  int       `doc:"how many services it runs, without internal ones"`
	Objects   int       `doc:"how many definitions the catalog holds"`
	Files     int       `doc:"how many service files it holds"`
}

// Version is that of this program and of what it was built with.
func Version() (version, goVersion string) {
	_, version, goVersion = build()
	return version, goVersion
}

func (n *Node) about() About {
	c := n.folder.Cluster
	out := About{
		Address: n.server.URL(), Admin: n.server.Admin, Store: c.Database.Name(), Redis: c.Redis.Name(),
		StartedAt: n.began.UTC(), ReadyMS: n.readyMS.Load(),
	}
	_, out.Version, out.Go = build()
	if out.Store == "" {
		out.Store = n.folder.CatalogDB()
	}
	for name := range n.current.Load().services {
		if !n.isOwn(name) {
			out.Services++
		}
	}
	for _, o := range n.live.Current().Objects {
		switch o.Kind {
		case deploy.FileKind:
			out.Files++
		case secretsKeyKind:
		default:
			out.Objects++
		}
	}
	return out
}
