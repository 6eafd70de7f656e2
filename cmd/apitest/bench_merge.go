package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/bench"
)

func benchMergeCommand() *cobra.Command {
	var profile, out, format, otlp string
	cmd := &cobra.Command{
		Use:   "merge SHARD.json SHARD.json...",
		Short: "Put the results of all shards of one load together",
		Long: `Adds the results that bench run --shard 1/N to N/N wrote: requests, histograms and what was executed add up exactly, so that
percentiles are those of all requests. What the profile expects is held against the whole, where --profile names it.

Exit code: 0 done; 1 an expectation is not met; 2 the results are not all shards of one load; 3 a shard's measurement is invalid.`,
		Example: "  apitest bench merge shard-*.json --profile load.yaml --out report",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			to, err := receiverOf(otlp)
			if err != nil {
				return err
			}
			if err := checkOut(out); err != nil {
				return &exit{code: exitUsage, err: err}
			}
			var list []*bench.Result
			var faults []error
			for _, path := range args {
				r, err := bench.ReadResult(path)
				faults = append(faults, err)
				list = append(list, r)
			}
			var expect bench.Threshold
			var of *bench.Profile
			if profile != "" {
				p, err := bench.ReadProfile(profile)
				faults = append(faults, err)
				expect, of = p.Expect, &p
			}
			if err := errors.Join(faults...); err != nil {
				return &exit{code: exitUsage, err: err}
			}
			res, err := bench.Merge(list, expect)
			if err == nil && of != nil {
				err = bench.OfProfile(res, *of)
			}
			if err != nil {
				return &exit{code: exitUsage, err: err}
			}
			written := writeBench(cmd.OutOrStdout(), cmd.ErrOrStderr(), res, out, format)
			sendBench(cmd.Context(), cmd.ErrOrStderr(), to, res)
			return errors.Join(written, benchVerdict(res, nil))
		},
	}
	cmd.Flags().StringVar(&profile, "profile", "", "the profile whose expectations the whole must keep to")
	cmd.Flags().StringVar(&out, "out", "", "folder for report.html and the result in every format")
	cmd.Flags().StringVar(&otlp, "otlp", "", "URL of an OpenTelemetry receiver for the whole, as of bench run")
	cmd.Flags().StringVar(&format, "format", "text", "what to print: text, json, junit, csv, markdown or prometheus")
	return cmd
}

func benchSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "schema profile|result",
		Short:     "Print the JSON Schema of profiles or of results",
		Long:      "Prints the JSON Schema of load profiles, for editors that check YAML by it, or that of result.json.",
		Example:   "  apitest bench schema profile > bench-profile.schema.json",
		Args:      cobra.ExactArgs(1),
		ValidArgs: []string{"profile", "result"},
		RunE: func(cmd *cobra.Command, args []string) error {
			schema, there := map[string]func() ([]byte, error){"profile": bench.ProfileSchema, "result": bench.ResultSchema}[args[0]]
			if !there {
				return &exit{code: exitUsage, err: fmt.Errorf("there is no schema of %q, but of profile and result", args[0])}
			}
			raw, err := schema()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(raw)
			return err
		},
	}
}
