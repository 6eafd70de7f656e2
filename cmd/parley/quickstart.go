package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/folder"
)

func quickstartCommand(o *options) *cobra.Command {
	quickstart := &cobra.Command{Use: "quickstart", Short: "Make a cluster on this machine"}
	var want folder.Options
	create := &cobra.Command{
		Use:     "create DIR",
		Short:   "Make the folder of a new cluster: servers, a load-balancer and an embedded Redis",
		Example: "  parley quickstart create ~/bank --servers 2\n  parley start ~/bank",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if want.Servers < 1 {
				return usage(fmt.Errorf("--servers %d: a cluster needs one at least", want.Servers))
			}
			if len(want.TLSHosts) > 0 && !want.TLS {
				return usage(fmt.Errorf("--tls-hosts are names in a certificate, which --tls makes; give both"))
			}
			f, password, err := folder.Create(args[0], want)
			if err != nil {
				return usage(err)
			}
			return o.printCreated(c, f, password)
		},
	}
	flags := create.Flags()
	flags.IntVar(&want.Servers, "servers", 2, "how many servers")
	flags.IntVar(&want.BalancerPort, "balancer-port", 11223, "port of the load-balancer, which clients call")
	flags.StringVar(&want.Balancer, "balancer", folder.EmbeddedBalancer, "embedded, or haproxy: HAProxy, which must be installed")
	flags.IntVar(&want.StatsPort, "stats-port", 11224, "port of HAProxy's statistics page")
	flags.IntVar(&want.ServerPort, "server-port", 17010, "port of the first server; each next one takes the next")
	flags.IntVar(&want.AdminPort, "admin-port", 0, "port of the dashboard and the supervisor's admin API, and those that follow for the servers' (default 8183, and from 18010 on)")
	flags.IntVar(&want.RedisPort, "redis-port", 16379, "port of the embedded Redis")
	flags.StringVar(&want.RedisURL, "redis", "", "use this Redis in place of the embedded one: redis://user:password@host:6379/0, rediss://..., redis+sentinel://h1,h2,h3/master/0 or redis+cluster://h1,h2,h3 (docs/redis.md)")
	flags.StringVar(&want.DatabaseURL, "database", "", "keep the catalog in this PostgreSQL, such as postgres://user:password@127.0.0.1:5432/name; several machines may share it")
	flags.StringVar(&want.Name, "name", "", "name of the cluster (default: the folder's); the same on all machines of one cluster")
	flags.StringVar(&want.Compat, "compat", "", `"zato" answers clients with the names they know from Zato (docs/compat-zato.md)`)
	flags.StringSliceVar(&want.ServerNames, "server-names", nil, "names of the servers in place of server1, server2, ...; no two servers of a cluster have the same")
	flags.StringVar(&want.Host, "host", "127.0.0.1", "address that the load-balancer listens on; all else stays on 127.0.0.1")
	flags.BoolVar(&want.TLS, "tls", false, "clients call https: make a certificate authority, the load-balancer's certificate and one of a client, in DIR/tls")
	flags.StringSliceVar(&want.TLSHosts, "tls-hosts", nil, "with --tls: names and addresses that clients call by, beside localhost and 127.0.0.1")
	flags.BoolVar(&want.FreePorts, "free-ports", false, "pick ports that nobody uses")
	quickstart.AddCommand(create)
	return quickstart
}

func (o *options) printCreated(c *cobra.Command, f *folder.Folder, password string) error {
	type server struct {
		Name    string `json:"name"`
		Address string `json:"address"`
	}
	out := struct {
		Dir      string   `json:"dir"`
		User     string   `json:"admin_user"`
		Password string   `json:"admin_password"`
		Balancer string   `json:"balancer"`
		Dash     string   `json:"dashboard"` // its URL
		Redis    string   `json:"redis"`     // its URL without passwords
		Database string   `json:"database"`  // without its password; empty: files
		Servers  []server `json:"servers"`
		CA       string   `json:"ca,omitempty"` // file of the authority that the balancer's certificate is of
	}{f.Dir, f.Cluster.Admin.User, password, f.BalancerURL(), "http://" + f.Cluster.Supervisor.Admin, f.Cluster.Redis.Name(), f.Cluster.Database.Name(), nil, ""}
	if f.Cluster.Balancer.TLS.IsSet() {
		out.CA = f.FrontTLS().ClientCA
	}
	if f.Cluster.Redis.URL == "" {
		out.Redis = f.RedisURL()
	}
	for _, s := range f.Cluster.Servers {
		out.Servers = append(out.Servers, server{s.Name, s.Address})
	}
	return o.print(c, out, func(w io.Writer) {
		line(w, "Made the cluster %q in %s", f.Cluster.Name, f.Dir)
		rows := [][]string{{"load-balancer", out.Balancer}, {"redis", out.Redis}, {"dashboard", out.Dash}}
		if f.Cluster.Redis.URL == "" {
			rows[1][1] = f.Cluster.Redis.Embedded + " (embedded)"
		}
		if out.Database != "" {
			rows = append(rows, []string{"database", out.Database})
		}
		if out.CA != "" {
			rows = append(rows, []string{"authority", out.CA + "; client.pem and client.key beside it are a client's"})
		}
		for _, s := range out.Servers {
			rows = append(rows, []string{s.Name, "http://" + s.Address}) // new ones have no TLS of their own
		}
		for _, row := range rows {
			line(w, "  %-14s %s", row[0], row[1])
		}
		line(w, "  %-14s user %s, password %s (shown this once, kept only as a hash)", "administrator", out.User, out.Password)
		line(w, "")
		line(w, "Start it: %s start %s", os.Args[0], c.Flags().Arg(0)) // as it was called: it may not be on the path
	})
}
