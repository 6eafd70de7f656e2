package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/bench"
)

func benchCompareCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "compare OLD.json NEW.json",
		Short: "Lay two saved results of bench run side by side",
		Long: `Reads two result.json files that bench run --out wrote, and prints both with the change. Results of different loads cannot be
compared, and it says why.

Exit code: 0 printed; 2 no such file, or no result; 3 they cannot be compared.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			old, err := bench.ReadResult(args[0])
			now, err2 := bench.ReadResult(args[1])
			if err := errors.Join(err, err2); err != nil {
				return &exit{code: exitUsage, err: err}
			}
			if err := bench.Incomparable(old, now); err != nil {
				return &exit{code: exitInvalid, err: err}
			}
			return bench.WriteComparison(cmd.OutOrStdout(), old, now)
		},
	}
}
