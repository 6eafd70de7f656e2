package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

// plotted is what parley.stats.series gives.
type plotted struct {
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	Kind        string    `json:"kind"`
	Name        string    `json:"name"`
	SlotSeconds int64     `json:"slot_seconds"`
	Points      []struct {
		At     time.Time `json:"at"`
		Usage  int64     `json:"usage"`
		Errors int64     `json:"errors"`
		Rate   float64   `json:"rate"`
		MeanMS float64   `json:"mean_ms"`
		MinMS  float64   `json:"min_ms"`
		P50MS  float64   `json:"p50_ms"`
		P95MS  float64   `json:"p95_ms"`
		P99MS  float64   `json:"p99_ms"`
		MaxMS  float64   `json:"max_ms"`
	} `json:"points"`
}

func seriesCommand(o *options) *cobra.Command {
	var when timeFlags
	in := map[string]any{}
	c := &cobra.Command{
		Use: "series [NAME]", Short: "How it went: a line for each minute, hour or day of a time", Args: cobra.MaximumNArgs(1),
		Long: "How it went: a line for each minute, hour or day of a time, of one service, channel, outconn or server, or of all of the kind together.",
		RunE: func(c *cobra.Command, args []string) error {
			var out plotted
			if err := errorsOf(o.ofKind(c, in), when.into(in)); err != nil {
				return err
			}
			if len(args) == 1 {
				in["name"] = args[0]
			}
			in["points"], _ = c.Flags().GetInt("points")
			if err := o.call(c.Context(), "parley.stats.series", in, &out); err != nil {
				return err
			}
			return o.printSeries(c, out)
		},
	}
	when.add(c)
	kindFlags(c)
	c.Flags().Int("points", 60, "as many lines at most: each is of a longer time until it is so")
	return c
}

func (o *options) printSeries(c *cobra.Command, r plotted) error {
	header := []string{"AT", "USAGE", "ERRORS", "RATE/S", "M MS", "MIN MS", "P50 MS", "P95 MS", "P99 MS", "MAX MS"}
	if o.output == "csv" {
		header = []string{"at", "usage", "errors", "rate", "mean_ms", "min_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms"}
	}
	rows := make([][]string, len(r.Points))
	for i, p := range r.Points {
		at := local(p.At)
		if o.output == "csv" {
			at = p.At.Format(time.RFC3339)
		}
		rows[i] = []string{at, number(p.Usage), number(p.Errors), fmt.Sprintf("%.2f", p.Rate)}
		for _, ms := range []float64{p.MeanMS, p.MinMS, p.P50MS, p.P95MS, p.P99MS, p.MaxMS} {
			rows[i] = append(rows[i], fmt.Sprintf("%.2f", ms))
		}
	}
	return o.printTable(c, r, header, rows, func(w io.Writer) { table(w, header, rows) })
}
