package main

import (
	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/node"
)

// serverCommand is what the supervisor starts for each server.
func serverCommand() *cobra.Command {
	var dir, name string
	var check bool
	c := &cobra.Command{
		Use:    "server",
		Short:  "Run one server of a cluster in the foreground",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if check {
				return node.Check(c.Context(), dir, name, c.OutOrStdout())
			}
			return node.Serve(c.Context(), dir, name, c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder of the cluster")
	c.Flags().StringVar(&name, "name", "", "name of the server")
	c.Flags().BoolVar(&check, "check", false, "only tell whether it could run that server, and what")
	return c
}
