package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/folder"
)

func restartCommand(o *options) *cobra.Command {
	var rolling, noRestart bool
	c := &cobra.Command{
		Use:   "restart [DIR] [SERVER...]",
		Short: "Start the cluster anew, or its servers one after the other without losing a request",
		Long: `With --rolling, or with servers named: one server after the other is drained, finishes what it has begun, is started anew
and is ready before the next one's turn. No request is lost. Where a server does not get ready, the rest are left as they are.

Without either: all of the cluster stops and starts, its load-balancer and embedded Redis included, from this program. Clients
are refused meanwhile.`,
		Example: "  parley restart --rolling bank\n  parley restart bank server2",
		RunE: func(c *cobra.Command, args []string) error {
			f, names, err := o.target(args)
			if err != nil {
				return err
			}
			client, err := running(c.Context(), f)
			if err != nil {
				return err
			}
			if !rolling && len(names) == 0 {
				if err := stopCluster(c.Context(), f, client); err != nil {
					return err
				}
				return o.startDetached(c, f, client, noRestart)
			}
			r := replacing{o: o, c: c, f: f}
			return r.all(names, replacement{})
		},
	}
	c.Flags().BoolVar(&rolling, "rolling", false, "all servers, one after the other, with no request lost")
	c.Flags().BoolVar(&noRestart, "no-restart", false, "of a cluster that is started as a whole: do not start a server again that died")
	return c
}

// running is a client of the supervisor, which must run.
func running(ctx context.Context, f *folder.Folder) (*admin.Client, error) {
	client, there, err := dialSupervisor(ctx, f)
	if err == nil && !there {
		err = fmt.Errorf("the cluster in %s is not running; start it: parley start %s", f.Dir, f.Dir)
	}
	return client, err
}

// replacement is what the supervisor is told of a server. The zero value starts what it ran.
type replacement struct {
	Server  string   `json:"server"`
	File    string   `json:"file,omitempty"`
	Args    []string `json:"args,omitempty"`
	Version string   `json:"version,omitempty"`
}

// replaced is a server that was started anew.
type replaced struct {
	Name    string  `json:"server"`
	PID     int     `json:"pid"`
	Program string  `json:"program"`
	Version string  `json:"version"`
	MS      float64 `json:"ms"` // from its drain until it was ready
}

// replacing starts servers anew, one after the other.
type replacing struct {
	o *options
	c *cobra.Command
	f *folder.Folder
}

// replaceTime is the most that one server's turn may take: stopping, starting, and going back.
const replaceTime = 4 * time.Minute

// all does so to the servers named, or to all, and prints each as it is done. It ends at the first that does not come up.
func (r *replacing) all(names []string, with replacement) error {
	if len(names) == 0 {
		for _, s := range r.f.Cluster.Servers {
			names = append(names, s.Name)
		}
	}
	token, err := r.f.Token()
	if err != nil {
		return err
	}
	client := admin.NewPatientClient(r.f.Cluster.Supervisor.Admin, token, replaceTime).Secured(r.f.AdminTLS(r.f.Cluster.Supervisor.Admin))
	defer client.CloseIdle()
	done := make([]replaced, 0, len(names))
	for i, name := range names {
		log := endOf(r.f.LogFile(name))
		with.Server = name
		one, began := replaced{}, time.Now()
		if err := r.died(client, done); err != nil {
			return r.stopped(err, names[i:], done)
		}
		var info struct {
			PID     int    `json:"pid"`
			Program string `json:"program"`
			Version string `json:"version"`
		}
		if err := client.Call(r.c.Context(), "parley.server.replace", with, &info); err != nil {
			if tail := log.tail(); tail != "" {
				err = fmt.Errorf("%w\nwhat its log says of that:\n%s", err, tail)
			}
			return r.stopped(err, names[i+1:], done)
		}
		one = replaced{name, info.PID, info.Program, info.Version, float64(time.Since(began).Microseconds()) / 1000}
		done = append(done, one)
		if r.o.output == "text" {
			line(r.c.OutOrStdout(), "%s: ready after %.0f ms, process %d", one.Name, one.MS, one.PID)
		}
	}
	if err := r.died(client, done); err != nil {
		return r.stopped(err, nil, done)
	}
	return r.o.print(r.c, done, func(io.Writer) {})
}

// died is an error where a server that was started anew is not up any more.
func (r *replacing) died(client *admin.Client, done []replaced) error {
	var now []serverStatus
	if len(done) == 0 {
		return nil
	}
	if err := client.Call(r.c.Context(), "parley.server.list", struct{}{}, &now); err != nil {
		return err
	}
	for _, was := range done {
		for _, s := range now {
			if s.Name == was.Name && (s.PID != was.PID || s.State != "up") {
				return fmt.Errorf("%s came up and is %s now; see %s", s.Name, s.State, r.f.LogFile(s.Name))
			}
		}
	}
	return nil
}

// stopped says what was done and what was not.
func (r *replacing) stopped(err error, left []string, done []replaced) error {
	said := "no server was started anew"
	if len(done) > 0 {
		said = "started anew before:"
		for _, one := range done {
			said += " " + one.Name
		}
	}
	if len(left) > 0 {
		said += "; left as they were:"
		for _, name := range left {
			said += " " + name
		}
	}
	return errors.Join(err, errors.New(said))
}
