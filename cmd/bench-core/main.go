// Command bench-core measures how fast and how small a server is, and says which of the project's targets it meets.
//
// It starts the built parley command as a user would and looks at it from outside: over its sockets, its disk and
// what the operating system says of its process. Speed is a ratio against a hand-written net/http service that does the
// same work in the same run; times and sizes are absolute.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/bench/figures"
)

func main() { os.Exit(figures.Main(command())) }

// options are what the command line says.
type options struct {
	bin    string // folder of the built commands
	dir    string // parent of the clusters' folders: SQLite's writes go to the disk under it
	only   []string
	rounds int
	json   bool
}

func parts() []figures.Part[options] {
	return []figures.Part[options]{
		{Name: "throughput", Measure: throughput},
		{Name: "echo", Measure: echo},
		{Name: "statistics", Measure: statistics},
		{Name: "documents", Measure: documents},
		{Name: "deploy", Measure: deploy},
		{Name: "startup", Measure: startup},
		{Name: "size", Measure: size},
	}
}

func command() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "bench-core",
		Short: "Measure speed and size of a server against the project's targets",
		Long: `Measures speed and size of a server against the project's targets, in about three minutes, and prints each figure
with its target. It needs the commands that 'make build' builds, or PARLEY_BIN, and nothing that is installed.

Exit code: 0 measured, whether the targets are met or not; 2 wrong usage; 3 could not measure; 130 interrupted.`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(c *cobra.Command, _ []string) error { return run(c, o) },
	}
	c.Flags().StringVar(&o.bin, "bin", "bin", "folder of the built commands parley and apitest")
	c.Flags().StringVar(&o.dir, "dir", "out/bench-core", "folder for the clusters; it is the disk under it that is measured")
	c.Flags().StringSliceVar(&o.only, "only", nil, "what to measure: throughput, echo, statistics, documents, deploy, startup, size; default: all")
	c.Flags().IntVar(&o.rounds, "rounds", 14, "throughput, echo and statistics: seconds of load on each service, alternating")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	c.AddCommand(backEndsCommand(), byHandCommand(), bareCommand(), echoCommand())
	return c
}

func run(c *cobra.Command, o options) error {
	if o.rounds < 2 {
		return fmt.Errorf("--rounds is at least 2, not %d", o.rounds)
	}
	chosen, err := figures.Select(parts(), o.only)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	return figures.Run(c.Context(), c.OutOrStdout(), o.json, chosen, o)
}
