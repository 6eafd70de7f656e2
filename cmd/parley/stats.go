package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"
)

func statsCommand(o *options) *cobra.Command {
	var internal bool
	c := &cobra.Command{
		Use:   "stats [SERVICE]",
		Short: "Statistics per service, summed over all servers",
		Long:  "Statistics per service, summed over all servers, since the cluster was made. Servers save them every 10 s: what a killed server\ncounted after that is lost.\n\nThe commands below tell of a time: the last hour, where nothing is said.",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in := map[string]any{"internal": internal}
			if len(args) == 1 {
				in["service"] = args[0]
			}
			var out []struct {
				Service string  `json:"service"`
				Count   int64   `json:"count"`
				Errors  int64   `json:"errors"`
				Rate    float64 `json:"rate"`
				Mean    float64 `json:"mean_ms"`
				P50     float64 `json:"p50_ms"`
				P95     float64 `json:"p95_ms"`
				P99     float64 `json:"p99_ms"`
				Min     float64 `json:"min_ms"`
				Max     float64 `json:"max_ms"`
			}
			if err := o.call(c.Context(), "parley.stats.get", in, &out); err != nil {
				return err
			}
			return o.print(c, out, func(w io.Writer) {
				if len(out) == 0 {
					line(w, "No service has been called yet.")
					return
				}
				rows := make([][]string, len(out))
				for i, s := range out {
					rows[i] = []string{s.Service, strconv.FormatInt(s.Count, 10), strconv.FormatInt(s.Errors, 10), fmt.Sprintf("%.1f", s.Rate)}
					for _, ms := range []float64{s.Mean, s.P50, s.P95, s.P99, s.Max} {
						rows[i] = append(rows[i], fmt.Sprintf("%.2f", ms))
					}
				}
				table(w, []string{"SERVICE", "COUNT", "ERRORS", "RATE/S", "MEAN MS", "P50 MS", "P95 MS", "P99 MS", "MAX MS"}, rows)
			})
		},
	}
	c.Flags().BoolVar(&internal, "internal", false, "internal services, too")
	c.AddCommand(
		rankCommand(o, "slowest", "parley.stats.slowest", "What took longest in a time, by mean"),
		rankCommand(o, "usage", "parley.stats.most-used", "What was used most in a time"),
		summaryCommand(o), seriesCommand(o), compareCommand(o), keptCommand(o, true), keptCommand(o, false), watchCommand(o), exportsCommand(o),
	)
	return c
}
