package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/node"
)

// clusterInfo is what parley info prints.
type clusterInfo struct {
	Version  string       `json:"version"` // of this command
	Go       string       `json:"go"`
	Cluster  string       `json:"cluster"`
	Dir      string       `json:"dir"`   // empty: it is elsewhere
	Store    string       `json:"store"` // a file, or the URL of PostgreSQL without its password
	Redis    string       `json:"redis"`
	Embedded bool         `json:"redis_embedded"`
	Balancer string       `json:"balancer"` // where clients call; empty: there is none here
	Revision int64        `json:"revision"`
	Services int          `json:"services"`
	Objects  int          `json:"definitions"`
	Files    int          `json:"service_files"`
	Servers  []infoServer `json:"servers"`
}

// infoServer is one server. What was not asked for, as it does not answer, is empty.
type infoServer struct {
	Name      string    `json:"name"`
	Address   string    `json:"address"`
	Admin     string    `json:"admin"`
	PID       int       `json:"pid"`
	Running   bool      `json:"running"`
	Version   string    `json:"version"`
	Go        string    `json:"go"`
	Revision  int64     `json:"revision"`
	StartedAt time.Time `json:"started_at,omitzero"`
	ReadyMS   int64     `json:"ready_ms"` // from then until it was ready; 0: it is not

	Started []startedArea `json:"started"` // how long each part of it took
}

// startedArea is how long a part of a server took to start.
type startedArea struct {
	Area string  `json:"area"`
	MS   float64 `json:"ms"`
	Off  bool    `json:"off"` // it is switched off, by areas.off of cluster.yaml
}

func (a startedArea) String() string {
	if a.Off {
		return a.Area + " off"
	}
	return fmt.Sprintf("%s %.1f ms", a.Area, a.MS)
}

// aboutServer is what a server says of itself.
type aboutServer struct {
	Version   string    `json:"version"`
	Go        string    `json:"go"`
	Address   string    `json:"address"`
	Admin     string    `json:"admin"`
	Store     string    `json:"store"`
	Redis     string    `json:"redis"`
	StartedAt time.Time `json:"started_at"`
	ReadyMS   int64     `json:"ready_ms"`
	Services  int       `json:"services"`
	Objects   int       `json:"objects"`
	Files     int       `json:"files"`
}

func infoCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "info [DIR]",
		Short: "What the cluster is made of: versions, servers, addresses, store, Redis, start-up times",
		Long: "What the cluster is made of: the versions of this command and of each server, addresses, the revision of the catalog and what it holds, where\n" +
			"it is stored, the Redis, and how long each server took to start. How the servers fare is what parley status says.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			out := clusterInfo{Servers: []infoServer{}}
			out.Version, out.Go = node.Version()
			if o.address != "" {
				if err := o.infoAt(c.Context(), &out); err != nil {
					return err
				}
				return o.print(c, out, out.write)
			}
			f, _, err := o.target(args)
			if err != nil {
				return err
			}
			if err := out.read(c.Context(), f); err != nil {
				return err
			}
			return o.print(c, out, out.write)
		},
	}
}

// infoAt asks the server of --address, which knows where the others are.
func (o *options) infoAt(ctx context.Context, out *clusterInfo) error {
	var one serverInfo
	if err := o.call(ctx, "parley.server.info", struct{}{}, &one); err != nil {
		return err
	}
	out.add(infoServer{Name: one.Name}, one)
	var all []elsewhere
	if err := o.call(ctx, "parley.cluster.members", struct{}{}, &all); err != nil {
		return err
	}
	for _, e := range all {
		if e.Name != one.Name {
			out.Servers = append(out.Servers, infoServer{Name: e.Name, Address: e.Address, Admin: e.Admin, Running: e.Counts, Revision: e.Revision})
		}
	}
	return nil
}

// read asks every server of the folder, and says what the folder says of those that do not answer.
func (i *clusterInfo) read(ctx context.Context, f *folder.Folder) error {
	i.Cluster, i.Dir, i.Store = f.Cluster.Name, f.Dir, f.Cluster.Database.Name()
	if i.Store == "" {
		i.Store = f.CatalogDB()
	}
	i.Redis, i.Embedded = f.Cluster.Redis.Name(), f.Cluster.Redis.URL == ""
	if f.Cluster.Balancer.Address != "" {
		i.Balancer = f.BalancerURL()
	}
	token, err := f.Token()
	if err != nil {
		return err
	}
	for _, s := range f.Cluster.Servers {
		one := infoServer{Name: s.Name, Address: s.URL(), Admin: s.Admin}
		info, err := askServer(ctx, f, s.Admin, token)
		if err != nil {
			i.Servers = append(i.Servers, one)
			continue
		}
		i.add(one, info)
	}
	return ctx.Err()
}

// add adds a server that answered.
func (i *clusterInfo) add(s infoServer, info serverInfo) {
	a := info.About
	s.Running, s.PID, s.Revision = true, info.PID, info.Revision
	s.Version, s.Go, s.StartedAt, s.ReadyMS, s.Started = a.Version, a.Go, a.StartedAt, a.ReadyMS, info.Started
	if s.Address == "" {
		s.Address, s.Admin = a.Address, a.Admin
		i.Store, i.Redis = a.Store, a.Redis
	}
	if info.Revision >= i.Revision {
		i.Revision, i.Services, i.Objects, i.Files = info.Revision, a.Services, a.Objects, a.Files
	}
	i.Servers = append(i.Servers, s)
}

func (i clusterInfo) write(w io.Writer) {
	row := func(name, format string, args ...any) { line(w, "%-14s  %s", name, fmt.Sprintf(format, args...)) }
	row("parley", "%s, %s", i.Version, i.Go)
	if i.Cluster != "" {
		row("cluster", "%s, in %s", i.Cluster, i.Dir)
	}
	row("catalog", "%s", i.Store)
	running := 0
	for _, s := range i.Servers {
		if s.Running {
			running++
		}
	}
	if running > 0 {
		row("", "revision %d: %s, %s of %s", i.Revision, plural(i.Objects, "definition"), plural(i.Services, "service"), plural(i.Files, "service file"))
	}
	redis := i.Redis
	if i.Embedded {
		redis += " (embedded)"
	}
	row("redis", "%s", redis)
	if i.Balancer != "" {
		row("load-balancer", "%s", i.Balancer)
	}
	line(w, "")
	rows := make([][]string, len(i.Servers))
	for j, s := range i.Servers {
		rows[j] = []string{s.Name, s.Address, orDash(s.Admin), "-", "-", "-", "-"}
		if s.Running {
			rows[j][3], rows[j][6] = strconv.FormatInt(s.Revision, 10), orDash(s.Version)
		}
		if !s.StartedAt.IsZero() {
			rows[j][4] = local(s.StartedAt)
		}
		if s.ReadyMS > 0 {
			rows[j][5] = fmt.Sprintf("%d ms", s.ReadyMS)
		}
	}
	table(w, []string{"SERVER", "ADDRESS", "ADMIN", "REVISION", "STARTED", "READY AFTER", "VERSION"}, rows)
	if running == 0 {
		line(w, "No server runs.")
		return
	}
	var took [][]string
	for _, s := range i.Servers {
		parts := make([]string, len(s.Started))
		for j, a := range s.Started {
			parts[j] = a.String()
		}
		if len(parts) > 0 {
			took = append(took, []string{s.Name, strings.Join(parts, ", ")})
		}
	}
	if len(took) > 0 {
		line(w, "")
		table(w, []string{"SERVER", "ITS START, PART BY PART"}, took)
	}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
