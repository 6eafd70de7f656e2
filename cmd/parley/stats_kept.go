package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// kept is one request of parley.stats.slow-requests and parley.stats.samples.
type kept struct {
	Service  string    `json:"service"`
	At       time.Time `json:"at"`
	CID      string    `json:"cid"`
	Server   string    `json:"server"`
	Channel  string    `json:"channel"`
	MS       float64   `json:"ms"`
	Failed   bool      `json:"failed"`
	Slow     bool      `json:"slow"`
	Sample   bool      `json:"sample"`
	Request  string    `json:"request"`
	Response string    `json:"response"`
}

func keptCommand(o *options, slow bool) *cobra.Command {
	var when timeFlags
	var n int
	c := &cobra.Command{
		Use: "samples [SERVICE]", Short: "Requests that were kept with what was asked and answered, secrets masked", Args: cobra.MaximumNArgs(1),
	}
	name := "parley.stats.samples"
	if slow {
		c.Use, c.Short = "slow [SERVICE]", "The slowest single requests in a time, with their CIDs"
		name = "parley.stats.slow-requests"
	}
	c.Long = c.Short + ".\nWhich requests are kept is said by parley stats watch; none are, where nothing was said."
	c.RunE = func(c *cobra.Command, args []string) error {
		in := map[string]any{"n": n}
		if err := when.into(in); err != nil {
			return err
		}
		if len(args) == 1 {
			in["service"] = args[0]
		}
		var out []kept
		if err := o.call(c.Context(), name, in, &out); err != nil {
			return err
		}
		header := []string{"SERVICE", "AT", "MS", "CID", "SERVER", "CHANNEL", "FAILED"}
		rows := make([][]string, len(out))
		for i, k := range out {
			at := local(k.At)
			if o.output == "csv" {
				at = k.At.Format(time.RFC3339Nano)
			}
			rows[i] = []string{k.Service, at, fmt.Sprintf("%.2f", k.MS), k.CID, k.Server, k.Channel, yes(k.Failed)}
			if !slow || o.output == "csv" {
				rows[i] = append(rows[i], k.Request, k.Response)
			}
		}
		if !slow || o.output == "csv" {
			header = append(header, "REQUEST", "RESPONSE")
		}
		if o.output == "csv" {
			for i, name := range header {
				header[i] = strings.ToLower(name)
			}
		}
		return o.printTable(c, out, header, rows, func(w io.Writer) {
			if len(rows) == 0 {
				line(w, "No such request was kept. What is kept: parley stats watch")
				return
			}
			table(w, header, rows)
		})
	}
	when.add(c)
	c.Flags().IntVarP(&n, "number", "n", 20, "how many")
	return c
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func watchCommand(o *options) *cobra.Command {
	var slow time.Duration
	var every int64
	c := &cobra.Command{
		Use: "watch [SERVICE]", Short: "Say which single requests of a service are kept, or list what was said", Args: cobra.MaximumNArgs(1),
		Long: "Say which single requests of a service are kept: those that take so long or longer, with their CID, and of so many requests one, with\n" +
			"what was asked and answered, secrets masked. '*' is all services without a setting of their own. Without SERVICE: what was said.",
		Example: "  parley stats watch my.service --slow 2s --every 100\n  parley stats watch '*' --slow 5s\n  parley stats watch my.service --every 0",
		RunE: func(c *cobra.Command, args []string) error {
			var out []watched
			if len(args) == 0 {
				if err := o.call(c.Context(), "parley.stats.watches", struct{}{}, &out); err != nil {
					return err
				}
				return o.printWatched(c, out)
			}
			in := map[string]any{"service": args[0]}
			if c.Flags().Changed("slow") {
				in["slow_ms"] = slow.Milliseconds()
				if slow > 0 && slow < time.Millisecond || slow < 0 {
					return usage(fmt.Errorf("--slow is 1ms at least, or 0 for none, not %s", slow))
				}
			}
			if c.Flags().Changed("every") {
				in["every"] = every
			}
			if len(in) == 1 {
				return usage(fmt.Errorf("say what is kept of %s: --slow 2s, --every 100, or 0 for none", args[0]))
			}
			var one watched
			if err := o.call(c.Context(), "parley.stats.watch", in, &one); err != nil {
				return err
			}
			return o.printWatched(c, []watched{one})
		},
	}
	c.Flags().DurationVar(&slow, "slow", 0, "requests that take so long or longer are kept, such as 500ms; 0: none")
	c.Flags().Int64Var(&every, "every", 0, "of so many requests one is kept with what was asked and answered; 0: none")
	return c
}

type watched struct {
	Service string `json:"service"`
	SlowMS  int64  `json:"slow_ms"`
	Every   int64  `json:"every"`
}

func (o *options) printWatched(c *cobra.Command, all []watched) error {
	return o.print(c, all, func(w io.Writer) {
		if len(all) == 0 {
			line(w, "No single requests are kept. To keep some: parley stats watch SERVICE --slow 2s --every 100")
			return
		}
		rows := make([][]string, len(all))
		for i, one := range all {
			rows[i] = []string{one.Service, "none", "none"}
			if one.SlowMS > 0 {
				rows[i][1] = (time.Duration(one.SlowMS) * time.Millisecond).String() + " or longer"
			}
			if one.Every > 0 {
				rows[i][2] = "1 of " + number(one.Every)
			}
		}
		table(w, []string{"SERVICE", "SLOW REQUESTS", "SAMPLES"}, rows)
	})
}
