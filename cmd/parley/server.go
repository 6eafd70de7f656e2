package main

import (
	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/node"
)

// serverCommand is what the supervisor starts for each server; its subcommands are for people.
func serverCommand(o *options) *cobra.Command {
	var dir, name string
	var check bool
	c := &cobra.Command{
		Use:   "server",
		Short: "Take a server offline, bring it back, or set its share of the requests",
		RunE: func(c *cobra.Command, _ []string) error {
			if name == "" {
				return c.Help()
			}
			if check {
				return node.Check(c.Context(), dir, name, c.OutOrStdout())
			}
			return node.Serve(c.Context(), dir, name, c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder of the cluster")
	c.Flags().StringVar(&name, "name", "", "name of the server")
	c.Flags().BoolVar(&check, "check", false, "only tell whether it could run that server, and what")
	for _, flag := range []string{"dir", "name", "check"} {
		if err := c.Flags().MarkHidden(flag); err != nil {
			panic(err) // it is defined above
		}
	}
	c.AddCommand(weightCommands(o)...)
	useAsGroup(c)
	return c
}
