package main

import (
	"io"

	"github.com/spf13/cobra"
)

func exportsCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "exports", Short: "What became of spans, errors and metrics that servers send elsewhere", Args: cobra.NoArgs,
		Long: "What became of what the servers send to systems elsewhere, since they started: OpenTelemetry traces, errors to Sentry, metrics to New Relic.\n" +
			"Dropped was what was never tried, for too much waited; failed was what the other side refused, or what was given up. cluster.yaml says under\n" +
			"export what is sent.",
		RunE: func(c *cobra.Command, _ []string) error {
			var out []struct {
				Server    string `json:"server"`
				Name      string `json:"name"`
				Sent      int64  `json:"sent"`
				Waiting   int64  `json:"waiting"`
				Dropped   int64  `json:"dropped"`
				Failed    int64  `json:"failed"`
				Retries   int64  `json:"retries"`
				LastError string `json:"last_error"`
			}
			if err := o.call(c.Context(), "parley.stats.exports", struct{}{}, &out); err != nil {
				return err
			}
			return o.print(c, out, func(w io.Writer) {
				if len(out) == 0 {
					line(w, "Nothing is sent elsewhere. What is: export in cluster.yaml")
					return
				}
				rows := make([][]string, len(out))
				for i, one := range out {
					problem := one.LastError
					if problem == "" {
						problem = "-"
					}
					rows[i] = []string{one.Server, one.Name, number(one.Sent), number(one.Waiting), number(one.Dropped), number(one.Failed), number(one.Retries), problem}
				}
				table(w, []string{"SERVER", "EXPORTER", "SENT", "WAITING", "DROPPED", "FAILED", "RETRIES", "LAST ERROR"}, rows)
			})
		},
	}
}
