package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/fixtures"
)

// defaultHeld is the name of a cluster where none is given.
const defaultHeld = "cluster"

// clusterCommand is `apitest cluster`: clusters for tests, from the command line.
func clusterCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Clusters for tests: up in seconds, down without a trace",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(upCommand(), downCommand(), listCommand(), pruneCommand(), holdCommand())
	return cmd
}

// upFlags are what a cluster is to be.
type upFlags struct {
	file, source, name, output string
	servers                    int
	links                      []string
}

func upCommand() *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start a cluster and print its addresses; it stays up when the command has ended",
		Long: `Start a cluster and print its addresses. It stays up when the command has ended, until: apitest cluster down NAME

A file says where each part comes from, by convention testcluster.yaml:

  source: containers          # of all parts that do not say theirs: embedded (default), installed or containers
  servers: 3                  # or {count: 3, source: installed}
  database: installed         # or {source: containers, image: "postgres:17"}, or the URL of one that runs already
  redis: redis://db:6379/0    # likewise
  balancer: containers        # likewise, without a URL
  links: [database, redis]    # those that can be cut and slowed; also balancer and "back ends"
  disk: 64MB                  # what each server's folder may take
  compat: zato                # whose names clients see; empty: Parley's own
  clock: {server2: 90s}       # how far a server's clock is off
  env: {NAME: value}          # of the servers

Shells take the addresses with: set -a; eval "$(apitest cluster up --output env)"; set +a`,
		Example: "  apitest cluster up --servers 2\n  apitest cluster up -f testcluster.yaml --source containers --output json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.up(cmd) },
	}
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "what the cluster is made of; the flags below come before it")
	cmd.Flags().StringVar(&f.source, "source", "", "of all parts that the file gives none: embedded, installed or containers")
	cmd.Flags().IntVar(&f.servers, "servers", 0, "how many servers (default 1)")
	cmd.Flags().StringSliceVar(&f.links, "links", nil, "links that can be cut and slowed: database, redis, balancer")
	cmd.Flags().StringVar(&f.name, "name", defaultHeld, "what to call it; several may be up at a time")
	cmd.Flags().StringVarP(&f.output, "output", "o", "text", "text, json, or env for NAME=value lines")
	return cmd
}

func (f upFlags) up(cmd *cobra.Command) error {
	if err := errors.Join(checkHeldName(f.name), checkOutput(f.output, "text", "json", "env")); err != nil {
		return err
	}
	spec, err := f.spec(cmd)
	if err != nil {
		return err
	}
	folder, err := openHeld()
	if err != nil {
		return &exit{code: exitFailed, err: err}
	}
	h, err := folder.startHolder(cmd.Context(), f.name, spec)
	if cmd.Context().Err() != nil {
		return &exit{code: exitInterrupted, err: errors.New("interrupted; what was started is gone")}
	}
	if err != nil {
		return &exit{code: exitFailed, err: err}
	}
	return h.print(cmd.OutOrStdout(), f.output)
}

func (f upFlags) spec(cmd *cobra.Command) (fixtures.Spec, error) {
	var spec fixtures.Spec
	var err error
	if f.file != "" {
		if spec, err = fixtures.ReadSpec(f.file); err != nil {
			return spec, err
		}
	}
	if f.source != "" {
		spec.Source = fixtures.Source(f.source)
	}
	if cmd.Flags().Changed("servers") {
		if f.servers < 1 {
			return spec, fmt.Errorf("--servers %d: a cluster needs one at least", f.servers)
		}
		spec.Servers = f.servers
	}
	if len(f.links) > 0 {
		spec.Links = f.links
	}
	if err := spec.Check(); err != nil {
		return spec, err
	}
	if spec.Binary, err = fixtures.Binary(); err != nil {
		return spec, err
	}
	return spec, nil
}

func checkOutput(given string, known ...string) error {
	if slices.Contains(known, given) {
		return nil
	}
	return fmt.Errorf("--output is %s, not %q", strings.Join(known, " or "), given)
}

func (h held) print(w io.Writer, output string) error {
	switch output {
	case "json":
		return writeJSON(w, h)
	case "env":
		_, err := fmt.Fprintln(w, strings.Join(h.variables(), "\n"))
		return err
	}
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "  %-14s %s\n", name, value) }
	fmt.Fprintf(&b, "The cluster %q is up after %.1f s\n", h.Name, float64(h.ReadyMS)/1000)
	line("load-balancer", h.Address)
	for _, s := range h.Servers {
		line(s.Name, s.Address)
	}
	line("redis", h.Redis)
	if h.Database != "" {
		line("database", h.Database)
	}
	line("folder", h.Dir)
	fmt.Fprintf(&b, "\nUse it:        export PARLEY_DIR=%s\nTake it down:  %s\n", envWord(h.Dir), h.Down)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func downCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "down [NAME]",
		Short: "Take a cluster down that `apitest cluster up` started",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := defaultHeld
			if len(args) > 0 {
				name = args[0]
			}
			if err := checkHeldName(name); err != nil {
				return err
			}
			folder, err := openHeld()
			if err != nil {
				return &exit{code: exitFailed, err: err}
			}
			names, err := folder.names()
			if err != nil {
				return &exit{code: exitFailed, err: err}
			}
			if !slices.Contains(names, name) {
				others := "; none is up"
				if len(names) > 0 {
					others = "; there are " + strings.Join(names, ", ")
				}
				return &exit{code: exitFailed, err: fmt.Errorf("there is no cluster %q%s", name, others)}
			}
			if err := folder.takeDown(cmd.Context(), name); err != nil {
				return &exit{code: exitFailed, err: err}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "The cluster %q is down\n", name)
			return err
		},
	}
}

func servers(n int) string {
	if n == 1 {
		return "1 server"
	}
	return fmt.Sprintf("%d servers", n)
}

// listed is one cluster of `apitest cluster list`.
type listed struct {
	held
	State string `json:"state"` // up, starting, or lost: the process that held it has died
}

func listCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "The clusters that `apitest cluster up` started",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output, "text", "json"); err != nil {
				return err
			}
			all, err := listHeld()
			if err != nil {
				return &exit{code: exitFailed, err: err}
			}
			if output == "json" {
				return writeJSON(cmd.OutOrStdout(), all)
			}
			if len(all) == 0 {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "No cluster is up.")
			}
			for _, one := range all {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%-16s %-9s %-10s  %-26s since %s  %s\n",
					one.Name, one.State, servers(len(one.Servers)), one.Address, one.Started.Local().Format(time.DateTime), one.Dir)
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return cmd
}

func listHeld() ([]listed, error) {
	folder, err := openHeld()
	if err != nil {
		return nil, err
	}
	names, err := folder.names()
	if err != nil {
		return nil, err
	}
	all := []listed{}
	for _, name := range names {
		up, err := folder.isUp(name)
		if err != nil {
			return nil, err
		}
		one := listed{State: "lost"}
		one.held, err = folder.read(name)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return nil, err
		case up && err != nil:
			one.State = "starting"
		case up:
			one.State = "up"
		}
		all = append(all, one)
	}
	return all, nil
}

func pruneCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "prune",
		Short: "Remove processes, containers and folders of clusters whose owner has died",
		Long: `Remove the processes, containers and folders of clusters, and of fixtures of tests, whose owner has died. Each start of a
cluster does so too.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := prune(cmd.Context()); err != nil {
				return &exit{code: exitFailed, err: err}
			}
			all, err := listHeld()
			if err != nil {
				return &exit{code: exitFailed, err: err}
			}
			folder, err := openHeld()
			for _, one := range all {
				if err == nil && one.State == "lost" {
					err = folder.forget(one.Name)
					_, _ = fmt.Fprintf(cmd.OutOrStdout(), "The cluster %q had lost its owner and is gone\n", one.Name)
				}
			}
			if err != nil {
				return &exit{code: exitFailed, err: err}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "Nothing is left that has no owner")
			return err
		},
	}
}
