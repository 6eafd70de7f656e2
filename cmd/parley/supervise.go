package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/node"
	"github.com/parley-run/parley/runtime/password"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/supervisor"
)

// superviseCommand is what parley start starts in the background.
func superviseCommand() *cobra.Command {
	var noRestart bool
	c := &cobra.Command{
		Use:    "supervise DIR",
		Short:  "Run a cluster's supervisor in the foreground",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := folder.Open(args[0])
			if err != nil {
				return usage(err)
			}
			return supervise(c.Context(), f, !noRestart, c.ErrOrStderr())
		},
	}
	c.Flags().BoolVar(&noRestart, "no-restart", false, "do not start a server again that died")
	return c
}

// forgetTime is how long a server's start may wait for the database to forget the process before it.
const forgetTime = time.Second

// supervise runs the cluster of f until ctx ends.
func supervise(ctx context.Context, f *folder.Folder, restart bool, out io.Writer) error {
	token, err := f.Token()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(out, nil))
	members, err := node.OpenTable(ctx, f)
	if err != nil {
		return err
	}
	defer members.Close() //nolint:errcheck // what it holds is worthless from here on
	if moved := members.Moved(); moved != "" {
		log.Error("the table of the servers is made anew: its file is damaged", "file", f.MembersDB(), "moved_to", moved)
	}
	var command []string // empty: this program
	if own := f.Cluster.ServerCommand; own != "" {
		if !filepath.IsAbs(own) {
			own = filepath.Join(f.Dir, own)
		}
		command = []string{own}
	}
	own, err := node.OwnAccount(f, &password.Checks{})
	if err != nil {
		return err
	}
	peers := servers{f, token}
	users := admin.Remote{Own: own, Ask: func(ctx context.Context, name string, in, out any) error { return peers.Ask(ctx, "", name, in, out) }}
	s, err := supervisor.New(supervisor.Deps{
		Command: command,
		Folder:  f, Log: log, Names: namesOf(f), NoRestart: !restart,
		Died: func(ctx context.Context, server string, pid int) {
			ctx, cancel := context.WithTimeout(ctx, forgetTime)
			defer cancel()
			if err := members.Forget(ctx, server, pid); err != nil {
				log.Warn("a server that died still counts for 6 s", "server", server, "err", err)
			}
		},
		Record: func(ctx context.Context, user, server string, weight int) error {
			return peers.Ask(ctx, user, "parley.server.record-weight", map[string]any{"server": server, "weight": weight}, nil)
		},
		Serve: func(ctx context.Context, l net.Listener, services []service.Service) error {
			api, err := admin.New(admin.Config{Services: services, Token: token, Users: users, Peers: []admin.Peer{peers}, Log: log})
			if err != nil {
				return err
			}
			pages, err := node.WithDashboard(api, f.Cluster.Name, log) //nolint:contextcheck // a page has its request's
			if err != nil {
				return err
			}
			secured, err := node.OpenAdminTLS(f, log)
			if err != nil {
				return err
			}
			return admin.Serve(ctx, l, pages, secured)
		},
	})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// servers are the cluster's, of which any one answers for all.
type servers struct {
	f     *folder.Folder
	token string
}

// Ask is of admin.Peer: it calls an internal service on the first server that answers.
func (s servers) Ask(ctx context.Context, user, name string, in, out any) error {
	for _, one := range s.f.Cluster.Servers {
		if knock(ctx, s.f, one.Admin, knockTime) != answers {
			continue
		}
		client := admin.NewClient(one.Admin, s.token).Secured(s.f.AdminTLS(one.Admin)).As(user)
		err := client.Call(ctx, name, in, out)
		client.CloseIdle()
		if err == nil || service.AsError(err).Code != service.Unavailable {
			return err
		}
	}
	return &service.Error{
		Code: service.Unavailable, Message: "no server of the cluster answers",
		Fix: "start one; until then only the cluster's own administrator, whom cluster.yaml names, can log in",
	}
}
