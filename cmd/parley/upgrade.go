package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/node"
)

func upgradeCommand(o *options) *cobra.Command {
	var binary string
	var allowMissing bool
	c := &cobra.Command{
		Use:   "upgrade [DIR] --binary NEW",
		Short: "Give the servers a new program, one after the other without losing a request",
		Long: `NEW is another parley, or a program of your own with services in Go compiled in. It is tried first: it must run, understand
the cluster's cluster.yaml, be able to use the database, run what is deployed, and have every service that runs now.

Then a copy of it is kept in DIR/bin, and one server after the other is drained, finishes what it has begun, is started from the
copy and is ready before the next one's turn. No request is lost. Where a server does not get ready, it is put back to what it
ran before, and the rest are left as they are. To go back, upgrade to the program before.

The supervisor, with the load-balancer and the embedded Redis, goes on as it is, until: parley restart DIR. The servers run the
new program from then on, until they are upgraded again, or the cluster's own program is replaced or another is named in
cluster.yaml.`,
		Example: "  parley upgrade bank --binary ./bank-services",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f, names, err := o.target(args)
			if err != nil {
				return err
			}
			o.dir = f.Dir // whatever names the cluster, later calls find the same
			if binary == "" {
				return usage(errors.New("say which program: --binary NEW"))
			}
			if len(names) > 0 {
				return usage(errors.New("all servers are upgraded: name the folder only"))
			}
			if _, err := running(c.Context(), f); err != nil {
				return err
			}
			candidate, err := o.try(c.Context(), f, binary, allowMissing)
			if err != nil {
				return err
			}
			if o.output == "text" {
				line(c.OutOrStdout(), "%s, %s: it can run this cluster, at revision %d", binary, candidate.version(), candidate.said.Revision)
				for _, note := range candidate.said.Notes {
					line(c.OutOrStdout(), "  not tried: %s", note)
				}
			}
			file, err := f.PutProgram(candidate.path, filepath.Base(candidate.path))
			if err != nil {
				return err
			}
			r := replacing{o: o, c: c, f: f}
			return r.all(nil, replacement{File: file, Args: candidate.args, Version: candidate.version()})
		},
	}
	c.Flags().StringVar(&binary, "binary", "", "the new program")
	c.Flags().BoolVar(&allowMissing, "allow-missing", false, "go on though services that run now are not in it")
	return c
}

// candidate is a program that can run the cluster's servers.
type candidate struct {
	path string
	args []string // before --dir and --name
	said node.Checked
}

func (c *candidate) version() string { return c.said.Program + " " + c.said.Version }

// checkTime bounds how long a program may take to say whether it can run the cluster.
const checkTime = 30 * time.Second

// try asks a program whether it can run the cluster: as another parley, else as a program of servers (node.Main).
func (o *options) try(ctx context.Context, f *folder.Folder, binary string, allowMissing bool) (*candidate, error) {
	path, err := filepath.Abs(binary)
	if err != nil {
		return nil, usage(err)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, usage(fmt.Errorf("--binary: %w", err))
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return nil, usage(fmt.Errorf("--binary %s is no executable file", binary))
	}
	var faults []string
	for _, args := range [][]string{{"server"}, nil} {
		c := &candidate{path: path, args: args}
		said, err := c.ask(ctx, f)
		if err == nil {
			return c, o.compare(ctx, c, allowMissing)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if said == "" {
			said = err.Error()
		}
		if !slices.Contains(faults, said) {
			faults = append(faults, said)
		}
	}
	return nil, fmt.Errorf("%s cannot run this cluster, and nothing was changed. Asked as a parley (server --check), then as a program of servers (--check), it said:\n%s",
		binary, strings.Join(faults, "\n"))
}

// ask gives what the program said where it failed.
func (c *candidate) ask(ctx context.Context, f *folder.Folder) (said string, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	args := slices.Concat(c.args, []string{"--check", "--dir", f.Dir, "--name", f.Cluster.Servers[0].Name})
	cmd := exec.CommandContext(ctx, c.path, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("it said nothing within %s", checkTime)
		}
		return strings.TrimSpace(stderr.String()), err
	}
	if err := json.Unmarshal(stdout.Bytes(), &c.said); err != nil || c.said.Program == "" {
		first, _, _ := strings.Cut(stdout.String(), "\n")
		return "", fmt.Errorf("it ended well, but did not say what it can run: %.200q", first)
	}
	return "", nil
}

// compare refuses a program that runs less than what serves now.
func (o *options) compare(ctx context.Context, c *candidate, allowMissing bool) error {
	var now []struct{ Name string }
	if err := o.call(ctx, "parley.service.list", struct{}{}, &now); err != nil {
		return err
	}
	var info struct{ Quarantined []string }
	if err := o.call(ctx, "parley.server.info", struct{}{}, &info); err != nil {
		return err
	}
	object := func(quarantined string) string {
		name, _, _ := strings.Cut(quarantined, ":")
		return name
	}
	known := map[string]bool{}
	for _, q := range info.Quarantined {
		known[object(q)] = true
	}
	var faults []string
	for _, q := range c.said.Quarantined {
		if !known[object(q)] {
			faults = append(faults, "it cannot run "+q)
		}
	}
	if !allowMissing && len(c.said.Notes) == 0 {
		for _, s := range now {
			if !slices.Contains(c.said.Services, s.Name) {
				faults = append(faults, fmt.Sprintf("it has no service %q, which runs now; where that is on purpose: --allow-missing", s.Name))
			}
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s was tried on this cluster, and nothing was changed:\n%s", c.path, strings.Join(faults, "\n"))
	}
	return nil
}
