// Command bench-apitest measures how fast and how small apitest is, against a local echo server, and says which of the
// project's targets it meets. The baseline is godog with a library of nine steps, in the same run.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/bench/figures"
)

func main() { os.Exit(figures.Main(command())) }

// options are what the command line says.
type options struct {
	bin    string
	rounds int
	json   bool
}

func command() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "bench-apitest",
		Short: "Measure speed and size of apitest against the project's targets",
		Long: `Runs apitest on generated features against an echo server of its own, in about half a minute, and prints each figure
with its target. It needs what 'make build' builds.

Exit code: 0 measured, whether the targets are met or not; 2 wrong usage; 3 could not measure; 130 interrupted.`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(c *cobra.Command, _ []string) error { return run(c, o) },
	}
	c.Flags().StringVar(&o.bin, "bin", "bin", "folder of the built command apitest")
	c.Flags().IntVar(&o.rounds, "rounds", 7, "how often each arm is run, in turns")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	c.AddCommand(godogCommand())
	return c
}

func run(c *cobra.Command, o options) error {
	if o.rounds < 1 {
		return fmt.Errorf("--rounds is at least 1, not %d", o.rounds)
	}
	apitest, err := filepath.Abs(filepath.Join(o.bin, "apitest"))
	if err != nil {
		return err
	}
	if _, err := os.Stat(apitest); err != nil {
		return fmt.Errorf("%w: build it with: make build", err)
	}
	parts := []figures.Part[options]{{Name: "apitest", Measure: func(ctx context.Context, o options) (figures.Section, error) {
		return measure(ctx, apitest, o.rounds)
	}}}
	return figures.Run(c.Context(), c.OutOrStdout(), o.json, parts, o)
}
