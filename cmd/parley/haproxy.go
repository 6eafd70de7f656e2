package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/balancer/haproxy"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/supervisor"
)

func haproxyCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "haproxy",
		Short: "HAProxy in front of the cluster: its configuration, checked, loaded anew",
		Long: "HAProxy in front of the cluster. With balancer: kind: haproxy in cluster.yaml, parley start runs it; with kind: external, you run it yourself\n" +
			"with the configuration that render writes, and Parley steers it over its sockets.",
	}
	var out string
	render := &cobra.Command{
		Use:   "render",
		Short: "Print HAProxy's configuration for this cluster, or write it to a file",
		Long: "Print HAProxy's configuration for this cluster, or write it to a file: of the servers that cluster.yaml names, with their weights, and of the\n" +
			"channels that the catalog calls idempotent, for which a server is asked.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := o.open("")
			if err != nil {
				return err
			}
			text, err := o.renderHAProxy(c.Context(), f, f.RunDir())
			if err != nil {
				return usage(err)
			}
			if out == "" {
				_, err = c.OutOrStdout().Write(text)
				return err
			}
			return writeWhole(out, text)
		},
	}
	render.Flags().StringVar(&out, "out", "", "the file to write; it is replaced as a whole")
	c.AddCommand(render, &cobra.Command{
		Use:   "check [FILE]",
		Short: "Have HAProxy judge its configuration, or one in a file",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := o.open("")
			if err != nil {
				return err
			}
			program, err := haproxy.Find(c.Context(), f.Cluster.Balancer.HAProxy.Binary)
			if err != nil {
				return usage(err)
			}
			if err := o.checkHAProxy(c.Context(), program, f, args); err != nil {
				return err
			}
			return o.print(c, map[string]any{"haproxy": program.Version, "valid": true}, func(w io.Writer) {
				line(w, "HAProxy %s takes the configuration", program.Version)
			})
		},
	}, &cobra.Command{
		Use:   "reload",
		Short: "Load HAProxy's configuration anew, without closing a connection",
		Long: "Load HAProxy's configuration anew, without closing a connection: after a certificate was renewed, or where you run HAProxy yourself, after its\n" +
			"file was written anew.",
		Args: cobra.NoArgs,
		RunE: o.reloadHAProxy,
	}, &cobra.Command{
		Use:   "password",
		Short: "Print the address, user and password of HAProxy's statistics page",
		Args:  cobra.NoArgs,
		RunE:  o.printHAProxyPassword,
	})
	return c
}

func namesOf(f *folder.Folder) service.Names {
	if f.Cluster.Compat == "zato" {
		return service.ZatoNames()
	}
	return service.ParleyNames()
}

// renderHAProxy makes the configuration: servers and addresses of cluster.yaml, their weights, and of the catalog which
// channels are idempotent. Files that it needs beside the cluster's are in dir.
func (o *options) renderHAProxy(ctx context.Context, f *folder.Folder, dir string) ([]byte, error) {
	c, err := supervisor.HAProxyConfig(f, namesOf(f))
	if err != nil {
		return nil, err
	}
	if c, err = c.Join(dir); err != nil {
		return nil, err
	}
	if c.Routes, err = readRoutes(ctx, f); err != nil {
		why := "no server of this cluster answers"
		if known := (*service.Error)(nil); errors.As(err, &known) && known.Code != service.Unavailable {
			why = known.Message
		}
		line(o.stderr, "parley: %s, so no channel is taken for idempotent; where some are, do this again while a server runs here", why)
	}
	return c.Render()
}

// readRoutes asks one server after the other where channels are served.
func readRoutes(ctx context.Context, f *folder.Folder) (routes []balancer.Route, err error) {
	for _, s := range f.Cluster.Servers {
		asked, cancel := context.WithTimeout(ctx, knockAgain)
		routes, err = supervisor.RoutesOf(asked, f, s)
		cancel()
		if err == nil {
			return routes, nil
		}
	}
	return nil, err
}

// checkHAProxy judges the file in args, or what would be rendered.
func (o *options) checkHAProxy(ctx context.Context, program haproxy.Program, f *folder.Folder, args []string) error {
	if len(args) == 1 {
		path, err := filepath.Abs(args[0]) // HAProxy names it so in what it says
		if err == nil {
			_, err = os.Stat(path)
		}
		if err != nil {
			return usage(err)
		}
		return program.Check(ctx, path)
	}
	dir, err := os.MkdirTemp("", "parley-haproxy-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	text, err := o.renderHAProxy(ctx, f, dir)
	if err != nil {
		return usage(err)
	}
	path := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	return program.Check(ctx, path)
}

// reloadPatience is how long HAProxy may take to load its configuration.
const reloadPatience = 30 * time.Second

func (o *options) reloadHAProxy(c *cobra.Command, _ []string) error {
	f, err := o.open("")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), reloadPatience)
	defer cancel()
	done := func() error {
		return o.print(c, map[string]any{"reloaded": true}, func(w io.Writer) {
			line(w, "HAProxy has loaded its configuration anew")
		})
	}
	if f.Cluster.Balancer.Kind == folder.ExternalBalancer {
		config, err := supervisor.HAProxyConfig(f, namesOf(f))
		if err != nil {
			return usage(err)
		}
		if err := (&haproxy.Control{Sockets: config.Sockets, Servers: config.Servers}).Reload(ctx); err != nil {
			return err
		}
		return done()
	}
	client, running, err := dialSupervisor(ctx, f)
	if err != nil {
		return err
	}
	if !running {
		return fmt.Errorf("the cluster in %s is not running, nor is its HAProxy; start it: parley start %s", f.Dir, f.Dir)
	}
	if err := client.Call(ctx, "parley.balancer.reload", struct{}{}, nil); err != nil {
		return err
	}
	return done()
}

func (o *options) printHAProxyPassword(c *cobra.Command, _ []string) error {
	f, err := o.open("")
	if err != nil {
		return err
	}
	page := f.Cluster.Balancer.HAProxy.Stats
	if page == "" {
		return usage(errors.New("HAProxy has no statistics page: give it an address in cluster.yaml, such as balancer: haproxy: stats: 127.0.0.1:11224"))
	}
	password, err := haproxy.Password(f.HAProxyPassword())
	if err != nil {
		return err
	}
	out := map[string]string{"address": "http://" + page + "/", "user": haproxy.DefaultUser, "password": password}
	return o.print(c, out, func(w io.Writer) {
		line(w, "%s  user %s, password %s", out["address"], out["user"], password)
	})
}

// writeWhole makes text the content of path: whoever reads it meanwhile finds the old content or the new one.
func writeWhole(path string, text []byte) error {
	next, err := os.CreateTemp(filepath.Dir(path), ".haproxy-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(next.Name()) }()
	if info, statErr := os.Stat(path); statErr == nil { // who may read it stays so
		err = next.Chmod(info.Mode().Perm())
	}
	if err == nil {
		_, err = next.Write(text)
	}
	if err := errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	return os.Rename(next.Name(), path)
}
