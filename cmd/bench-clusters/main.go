// Command bench-clusters measures how fast clusters are: until they are up, until all servers serve what was deployed, and
// until a dead server gets no more requests; and says which of the project's targets they meet.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/bench/figures"
	"github.com/parley-run/parley/fixtures"
)

func main() { os.Exit(figures.Main(command())) }

// options are what the command line says.
type options struct {
	bin     string
	sources []string
	rounds  int
	deploys int
	json    bool
}

func command() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "bench-clusters",
		Short: "Measure how fast clusters start, follow and fail over, against the project's targets",
		Long: `Measures clusters against the project's targets and prints each figure with its target: until a cluster of 2 servers is
up, from each source; from the call of a deployment to the first reply of the new version on all of 3 servers, with hints and
without; and from the kill -9 of a server until the load-balancer gives it no more requests.

A source that is not there (programs, a container engine) is left out, and said so.

Exit code: 0 measured, whether the targets are met or not; 2 wrong usage; 3 could not measure; 130 interrupted.`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(c *cobra.Command, _ []string) error { return run(c, o) },
	}
	c.Flags().StringVar(&o.bin, "bin", "bin", "folder of the built commands; PARLEY_BIN wins over it")
	c.Flags().StringSliceVar(&o.sources, "sources", []string{"embedded", "installed", "containers"}, "sources to measure")
	c.Flags().IntVar(&o.rounds, "rounds", 5, "clusters of each source, and kills")
	c.Flags().IntVar(&o.deploys, "deploys", 100, "deployments with hints; a tenth of them without")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

func run(c *cobra.Command, o options) error {
	if o.rounds < 1 || o.deploys < 10 {
		return errors.New("--rounds is at least 1, and --deploys at least 10")
	}
	if os.Getenv("PARLEY_BIN") == "" {
		path, err := filepath.Abs(filepath.Join(o.bin, "parley"))
		if err != nil {
			return err
		}
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("there is no parley command to measure; run `make build` (%w)", err)
		}
		if err := os.Setenv("PARLEY_BIN", path); err != nil {
			return err
		}
	}
	parts := []figures.Part[options]{
		{Name: "up", Measure: up},
		{Name: "deploy", Measure: deploys},
		{Name: "failover", Measure: failover},
	}
	return figures.Run(c.Context(), c.OutOrStdout(), o.json, parts, o)
}

// missing says whether err is for want of a program or an engine.
func missing(err error) bool {
	return errors.Is(err, fixtures.ErrNoPostgres) || errors.Is(err, fixtures.ErrNoRedis) || errors.Is(err, fixtures.ErrNoHAProxy) || errors.Is(err, fixtures.ErrNoEngine)
}
