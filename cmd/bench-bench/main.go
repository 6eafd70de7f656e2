// Command bench-bench measures how honest and how light the load generator is, and says which of the project's targets it meets.
//
// The target of the load is a process of its own, with its own log of when it completed what.
package main

import (
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/bench/figures"
)

func main() { os.Exit(figures.Main(command())) }

// options are what the command line says.
type options struct {
	only   []string
	rounds int
	soak   time.Duration
	json   bool
}

func parts() []figures.Part[options] {
	return []figures.Part[options]{
		{Name: "truth", Measure: truth},
		{Name: "freeze", Measure: freeze},
		{Name: "lag", Measure: lag},
		{Name: "cpu", Measure: cpu},
		{Name: "memory", Measure: memory},
		{Name: "events", Measure: events},
	}
}

func command() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "bench-bench",
		Short: "Measure the load generator against the project's targets",
		Long: `Measures the load generator against the project's targets, in about two minutes, and prints each figure with its target:
whether each response time is what the target's own log of completions says; what a target that stands still for a second is
charged with; how late requests are sent at 5,000 a second; CPU per request against vegeta's own attack loop, interleaved; memory;
and how exactly events come.

Exit code: 0 measured, whether the targets are met or not; 2 wrong usage; 3 could not measure; 130 interrupted.`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(c *cobra.Command, _ []string) error { return run(c, o) },
	}
	c.Flags().StringSliceVar(&o.only, "only", nil, "what to measure: truth, freeze, lag, cpu, memory, events; default: all")
	c.Flags().IntVar(&o.rounds, "rounds", 5, "freeze, lag and cpu: how often")
	c.Flags().DurationVar(&o.soak, "soak", 30*time.Second, "memory: how long; the project's target is for 10m")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	c.AddCommand(targetCommand(), loadCommand())
	return c
}

func run(c *cobra.Command, o options) error {
	if o.rounds < 1 || o.soak < 10*time.Second {
		return errors.New("--rounds is at least 1, and --soak at least 10s")
	}
	chosen, err := figures.Select(parts(), o.only)
	if err != nil {
		return err
	}
	return figures.Run(c.Context(), c.OutOrStdout(), o.json, chosen, o)
}
