package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/folder"
)

func startCommand(o *options) *cobra.Command {
	var foreground, noRestart bool
	c := &cobra.Command{
		Use:   "start [DIR] [SERVER...]",
		Short: "Start the cluster, or some of its servers",
		RunE: func(c *cobra.Command, args []string) error {
			f, names, err := o.target(args)
			if err == nil {
				err = needSupervisor(f)
			}
			if err != nil {
				return err
			}
			client, running, err := dialSupervisor(c.Context(), f)
			if err != nil {
				return err
			}
			switch {
			case len(names) > 0 && !running:
				return fmt.Errorf("the cluster in %s is not running; start it as a whole first: parley start %s", f.Dir, f.Dir)
			case len(names) > 0:
				return o.each(c, client, "parley.server.start", names, "started")
			case running:
				return fmt.Errorf("the cluster in %s is running already; see parley status %s", f.Dir, f.Dir)
			case foreground:
				return supervise(c.Context(), f, !noRestart, c.ErrOrStderr())
			}
			return o.startDetached(c, f, client, noRestart)
		},
	}
	c.Flags().BoolVar(&foreground, "fg", false, "stay in the foreground; Ctrl-C stops the cluster")
	c.Flags().BoolVar(&noRestart, "no-restart", false, "do not start a server again that died")
	return c
}

// target splits [DIR] [SERVER...]: the first argument is a folder unless --dir or PARLEY_DIR says which, and
// it names no folder.
func (o *options) target(args []string) (*folder.Folder, []string, error) {
	if len(args) > 0 {
		if info, err := os.Stat(args[0]); err == nil && info.IsDir() {
			f, err := o.open(args[0])
			if err != nil {
				return nil, nil, err
			}
			return f, args[1:], checkNames(f, args[1:])
		}
	}
	f, err := o.open("")
	if err != nil && len(args) > 0 {
		f, err = o.open(args[0])
		args = args[1:]
	}
	if err != nil {
		return nil, nil, err
	}
	return f, args, checkNames(f, args)
}

func checkNames(f *folder.Folder, servers []string) error {
	for _, name := range servers {
		if _, err := f.Server(name); err != nil {
			return usage(err)
		}
	}
	return nil
}

// each calls a service of the supervisor for each of the named servers; done is what they are then.
func (o *options) each(c *cobra.Command, client *admin.Client, name string, servers []string, done string) error {
	type did struct {
		Server string `json:"server"`
		Done   bool   `json:"done"`
	}
	var all []did
	for _, s := range servers {
		if err := client.Call(c.Context(), name, map[string]string{"server": s}, nil); err != nil {
			return err
		}
		if all = append(all, did{s, true}); o.output == "text" {
			line(c.OutOrStdout(), "%s is %s", s, done)
		}
	}
	return o.print(c, all, func(io.Writer) {})
}

func stopCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "stop [DIR] [SERVER...]",
		Short: "Stop the cluster, or some of its servers, without losing a request",
		RunE: func(c *cobra.Command, args []string) error {
			f, names, err := o.target(args)
			if err == nil {
				err = needSupervisor(f)
			}
			if err != nil {
				return err
			}
			client, running, err := dialSupervisor(c.Context(), f)
			if err != nil {
				return err
			}
			if !running {
				return fmt.Errorf("the cluster in %s is not running, so there is nothing to stop", f.Dir)
			}
			if len(names) > 0 {
				return o.each(c, client, "parley.server.stop", names, "stopped")
			}
			if err := stopCluster(c.Context(), f, client); err != nil {
				return err
			}
			return o.print(c, map[string]any{"cluster": f.Cluster.Name, "stopped": true}, func(w io.Writer) {
				line(w, "Stopped the cluster %q", f.Cluster.Name)
			})
		},
	}
}

// stopCluster stops all of it, and returns when it has stopped.
func stopCluster(ctx context.Context, f *folder.Folder, client *admin.Client) error {
	if err := client.Call(ctx, "parley.supervisor.stop", struct{}{}, nil); err != nil {
		return err
	}
	for knock(ctx, f, f.Cluster.Supervisor.Admin, knockTime) != absent || fileExists(f.SupervisorFile()) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}

func statusCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "status [DIR]",
		Short: "What runs, and at which revision",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if o.address != "" {
				return o.statusAt(c)
			}
			f, _, err := o.target(args)
			if err != nil {
				return err
			}
			status, err := findStatus(c.Context(), f)
			if err != nil {
				return err
			}
			return o.print(c, status, func(w io.Writer) {
				if !status.Running && !f.Cluster.Supervised() {
					line(w, "No server of the cluster %q answers.", f.Cluster.Name)
					return
				}
				if !status.Running {
					line(w, "The cluster %q is not running. Start it: parley start %s", f.Cluster.Name, f.Dir)
					return
				}
				line(w, "The cluster %q is running, at revision %d", f.Cluster.Name, status.Revision)
				status.write(w)
			})
		},
	}
}

func findStatus(ctx context.Context, f *folder.Folder) (clusterStatus, error) {
	if !f.Cluster.Supervised() {
		return readUnsupervised(ctx, f)
	}
	client, running, err := dialSupervisor(ctx, f)
	if err != nil || !running {
		return clusterStatus{Cluster: f.Cluster.Name}, err
	}
	return readStatus(ctx, f, client)
}

// clusterStatus is what parley status prints.
type clusterStatus struct {
	Cluster    string `json:"cluster"`
	Running    bool   `json:"running"`
	Supervisor struct {
		PID   int    `json:"pid"`
		Admin string `json:"admin"`
	} `json:"supervisor"`
	Balancer balancerStatus `json:"balancer"`
	Redis    struct {
		Address  string `json:"address"` // host:port of the embedded one; else the URL without its passwords
		Embedded bool   `json:"embedded"`
	} `json:"redis"`
	Database string         `json:"database"` // without its password; empty: files
	Revision int64          `json:"revision"`
	Servers  []serverStatus `json:"servers"`
	// Elsewhere are servers of other machines that share the database, as they last told it.
	Elsewhere []elsewhere `json:"elsewhere"`
	// Differ are servers whose content is not that of others at the same revision.
	Differ []string `json:"differ"`

	dashboard string // its URL
}

// askTime bounds how long a server may take to say what it serves.
const askTime = 2 * time.Second

type serverStatus struct {
	Name        string   `json:"name"`
	Address     string   `json:"address"`
	Admin       string   `json:"admin"`
	PID         int      `json:"pid"`
	State       string   `json:"state"`
	Restarts    int      `json:"restarts"`
	URL         string   `json:"url"`     // of its channels
	Program     string   `json:"program"` // path of the file that it was started from
	Version     string   `json:"version"` // what that says of itself; empty: it was not asked
	Revision    int64    `json:"revision"`
	Hash        string   `json:"hash"`
	Quarantined []string `json:"quarantined"`
	Problem     string   `json:"problem"` // why it cannot follow the catalog; empty where it can
	KVDB        string   `json:"kvdb"`    // why it cannot use the KVDB; empty where it can

	Channels []standing `json:"channels"` // that run by themselves
}

// readStatus asks the supervisor what runs, and each server that is up what it serves.
func readStatus(ctx context.Context, f *folder.Folder, client *admin.Client) (clusterStatus, error) {
	status := clusterStatus{Cluster: f.Cluster.Name, Running: true}
	status.Supervisor.Admin = f.Cluster.Supervisor.Admin
	status.dashboard = "http://" + f.Cluster.Supervisor.Admin
	if f.AdminTLS(f.Cluster.Supervisor.Admin) != nil {
		status.dashboard = "https://" + f.Cluster.Supervisor.Admin
	}
	status.Balancer.Address, status.Balancer.URL = f.Cluster.Balancer.Address, f.BalancerURL()
	status.Redis.Address, status.Redis.Embedded = f.Cluster.Redis.Name(), f.Cluster.Redis.URL == ""
	status.Database = f.Cluster.Database.Name()
	if err := client.Call(ctx, "parley.server.list", struct{}{}, &status.Servers); err != nil {
		return status, err
	}
	if err := client.Call(ctx, "parley.balancer.stats", struct{}{}, &status.Balancer.BalancerInfo); err != nil {
		return status, err
	}
	if raw, err := os.ReadFile(f.SupervisorFile()); err == nil {
		if err := json.Unmarshal(raw, &status.Supervisor); err != nil {
			return status, fmt.Errorf("%s: %w", f.SupervisorFile(), err)
		}
	}
	token, err := f.Token()
	if err != nil {
		return status, err
	}
	for i := range status.Servers {
		s := &status.Servers[i]
		s.Quarantined, s.Channels, s.URL = []string{}, []standing{}, urlOf(f, s.Name)
		if s.State != "up" && s.State != "draining" {
			continue
		}
		if info, err := askServer(ctx, f, s.Admin, token); err == nil {
			s.Revision, s.Hash, s.Quarantined, s.Problem, s.KVDB = info.Revision, info.Hash, info.Quarantined, info.Problem, info.KVDB
			s.Channels = append(s.Channels, info.Channels...)
			status.Revision = max(status.Revision, s.Revision)
		}
	}
	if status.Database != "" {
		status.Elsewhere = readElsewhere(ctx, f, status.Servers, token)
	}
	status.Differ = differing(status.Servers, status.Elsewhere)
	return status, nil
}

// urlOf is where a server's channels are.
func urlOf(f *folder.Folder, name string) string {
	s, err := f.Server(name)
	if err != nil {
		return "" // it was taken out of cluster.yaml while it runs
	}
	return s.URL()
}

func (s clusterStatus) allUp() bool {
	for _, one := range s.Servers {
		if one.State != "up" {
			return false
		}
	}
	return true
}

func (s clusterStatus) write(w io.Writer) {
	redis := s.Redis.Address
	if s.Redis.Embedded {
		redis += " (embedded)"
	}
	if s.Balancer.Address != "" {
		front := s.Balancer.URL
		if s.Balancer.Kind != folder.EmbeddedBalancer {
			front += " (" + s.Balancer.Kind + ")"
		}
		line(w, "  load-balancer  %s", front)
	}
	line(w, "  redis          %s", redis)
	if s.dashboard != "" {
		line(w, "  dashboard      %s", s.dashboard)
	}
	if s.Database != "" {
		line(w, "  database       %s", s.Database)
	}
	if s.Supervisor.PID != 0 {
		line(w, "  supervisor     pid %d", s.Supervisor.PID)
	}
	line(w, "")
	var rows [][]string
	for _, one := range s.Servers {
		pid := "-"
		if one.PID > 0 {
			pid = strconv.Itoa(one.PID)
		}
		rows = append(rows, []string{one.Name, one.State, one.URL, pid, strconv.FormatInt(one.Revision, 10), one.Hash})
	}
	table(w, []string{"  SERVER", "STATE", "ADDRESS", "PID", "REVISION", "CONTENT"}, indent(rows))
	s.Balancer.remark(w)
	for _, one := range s.Servers {
		if one.Version != "" {
			line(w, "  %s runs %s, %s", one.Name, one.Program, one.Version)
		}
		for _, q := range one.Quarantined {
			line(w, "  %s does not run %s", one.Name, q)
		}
		for _, c := range one.Channels {
			if c.Problem != "" {
				line(w, "  %s cannot run %s %s, and tries again: %s", one.Name, c.Kind, c.Name, c.Problem)
			}
		}
		if one.Problem != "" {
			line(w, "  %s cannot follow the catalog: %s", one.Name, one.Problem)
		}
		if one.KVDB != "" {
			line(w, "  %s cannot use the KVDB: %s", one.Name, one.KVDB)
		}
	}
	writeElsewhere(w, "ELSEWHERE", s.Elsewhere)
	for _, one := range s.Differ {
		line(w, "  %s", one)
	}
}

func indent(rows [][]string) [][]string {
	for _, row := range rows {
		row[0] = "  " + row[0]
	}
	return rows
}
