package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// timeFlags say of which time statistics are told.
type timeFlags struct{ last, from, to string }

func (f *timeFlags) add(c *cobra.Command) {
	c.Annotations = map[string]string{csvOutput: "yes"}
	c.Flags().StringVar(&f.last, "last", "", "minute, hour, day, week, month (30 days) or year; hour, where nothing is said")
	c.Flags().StringVar(&f.from, "from", "", "begin of the time, in place of --last: 2026-11-21, 2026-11-21T17:05 (local time) or 2026-11-21T17:05:00Z")
	c.Flags().StringVar(&f.to, "to", "", "end of the time; now, where it is not said")
}

func (f *timeFlags) into(in map[string]any) error {
	if f.last != "" {
		in["last"] = f.last
	}
	return errorsOf(moment(in, "from", "--from", f.from), moment(in, "to", "--to", f.to))
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// moment puts the time that text is into in.
func moment(in map[string]any, key, flag, text string) error {
	if text == "" {
		return nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(form, text, time.Local); err == nil {
			in[key] = t.UTC().Format(time.RFC3339)
			return nil
		}
	}
	return usage(fmt.Errorf("%s: expected a time such as 2026-11-21, 2026-11-21T17:05 or 2026-11-21T17:05:00Z, not %q", flag, text))
}

// ranked is what parley.stats.slowest, most-used and summary give.
type ranked struct {
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	Kind        string    `json:"kind"`
	AllUsage    int64     `json:"all_usage"`
	AllTimeMS   float64   `json:"all_time_ms"`
	AllMeanMS   float64   `json:"all_mean_ms"`
	SlotSeconds int64     `json:"slot_seconds"`
	Items       []struct {
		Name       string    `json:"name"`
		Usage      int64     `json:"usage"`
		Errors     int64     `json:"errors"`
		Rate       float64   `json:"rate"`
		MeanMS     float64   `json:"mean_ms"`
		MinMS      float64   `json:"min_ms"`
		P50MS      float64   `json:"p50_ms"`
		P95MS      float64   `json:"p95_ms"`
		P99MS      float64   `json:"p99_ms"`
		MaxMS      float64   `json:"max_ms"`
		TimeMS     float64   `json:"time_ms"`
		UsageShare float64   `json:"usage_share"`
		TimeShare  float64   `json:"time_share"`
		UsageTrend []int64   `json:"usage_trend"`
		MeanTrend  []float64 `json:"mean_trend"`
	} `json:"items"`
}

func rankCommand(o *options, use, name, short string) *cobra.Command {
	var when timeFlags
	in := map[string]any{}
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		Long: short + ", over all servers: mean (M), mean of the means of all (AM), rate, share of all requests (U %), share of the time that all\n" +
			"took (T %), requests of all (TU), and how usage or mean went. Percentiles are within 1 % of the exact ones.",
		RunE: func(c *cobra.Command, _ []string) error {
			var out ranked
			if err := errorsOf(o.ofKind(c, in), when.into(in)); err != nil {
				return err
			}
			in["n"], _ = c.Flags().GetInt("number")
			if err := o.call(c.Context(), name, in, &out); err != nil {
				return err
			}
			return o.printRanked(c, out, use == "slowest")
		},
	}
	when.add(c)
	kindFlags(c)
	c.Flags().IntP("number", "n", 10, "how many")
	return c
}

func kindFlags(c *cobra.Command) {
	c.Flags().String("kind", "service", "service, channel, outconn or server")
	c.Flags().String("server", "", "what that server counted; all servers, where nothing is said")
	c.Flags().Bool("internal", false, "internal services, too")
}

func (o *options) ofKind(c *cobra.Command, in map[string]any) (err error) {
	for _, name := range []string{"kind", "server"} {
		if in[name], err = c.Flags().GetString(name); err != nil {
			return err
		}
	}
	in["internal"], err = c.Flags().GetBool("internal")
	return err
}

func summaryCommand(o *options) *cobra.Command {
	var when timeFlags
	in := map[string]any{}
	c := &cobra.Command{
		Use: "summary [NAME]", Short: "What was counted in a time, by name", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var out ranked
			if err := errorsOf(o.ofKind(c, in), when.into(in)); err != nil {
				return err
			}
			if len(args) == 1 {
				in["name"] = args[0]
			}
			if err := o.call(c.Context(), "parley.stats.summary", in, &out); err != nil {
				return err
			}
			return o.printRanked(c, out, true)
		},
	}
	when.add(c)
	kindFlags(c)
	return c
}

func (o *options) printRanked(c *cobra.Command, r ranked, byMean bool) error {
	header := []string{"NAME", "USAGE", "ERRORS", "RATE/S", "M MS", "AM MS", "MIN MS", "P50 MS", "P95 MS", "P99 MS", "MAX MS", "U %", "T %", "TU", "TREND"}
	if o.output == "csv" {
		header = []string{
			"name", "usage", "errors", "rate", "mean_ms", "all_mean_ms", "min_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms", "usage_share", "time_share",
			"all_usage", "time_ms", "all_time_ms", "usage_trend", "mean_trend",
		}
	}
	rows := make([][]string, len(r.Items))
	for i, l := range r.Items {
		rows[i] = []string{l.Name, number(l.Usage), number(l.Errors), fmt.Sprintf("%.1f", l.Rate)}
		for _, ms := range []float64{l.MeanMS, r.AllMeanMS, l.MinMS, l.P50MS, l.P95MS, l.P99MS, l.MaxMS, l.UsageShare, l.TimeShare} {
			rows[i] = append(rows[i], fmt.Sprintf("%.2f", ms))
		}
		rows[i] = append(rows[i], number(r.AllUsage))
		usages := make([]float64, len(l.UsageTrend))
		for j, n := range l.UsageTrend {
			usages[j] = float64(n)
		}
		switch {
		case o.output == "csv":
			rows[i] = append(rows[i], fmt.Sprintf("%.2f", l.TimeMS), fmt.Sprintf("%.2f", r.AllTimeMS), list(usages), list(l.MeanTrend))
		case byMean:
			rows[i] = append(rows[i], trend(l.MeanTrend))
		default:
			rows[i] = append(rows[i], trend(usages))
		}
	}
	return o.printTable(c, r, header, rows, func(w io.Writer) {
		if len(rows) == 0 {
			line(w, "Nothing of the kind %s was called from %s to %s.", r.Kind, local(r.From), local(r.To))
			return
		}
		line(w, "%s to %s", local(r.From), local(r.To))
		table(w, header, rows)
	})
}

// printTable writes JSON, CSV or text.
func (o *options) printTable(c *cobra.Command, v any, header []string, rows [][]string, text func(io.Writer)) error {
	if o.output != "csv" {
		return o.print(c, v, text)
	}
	w := csv.NewWriter(c.OutOrStdout())
	if err := w.WriteAll(append([][]string{header}, rows...)); err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func local(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func list(values []float64) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strings.Join(texts, ",")
}

// mostBars is how wide a trend is on a terminal.
const mostBars = 24

// trend draws values as bars; a blank is 0.
func trend(values []float64) string {
	for len(values) > mostBars { // neighbours as one
		half := make([]float64, 0, len(values)/2+1)
		for pair := range slices.Chunk(values, 2) {
			half = append(half, slices.Max(pair))
		}
		values = half
	}
	most := 0.0
	for _, v := range values {
		most = max(most, v)
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	out := make([]rune, len(values))
	for i, v := range values {
		out[i] = ' '
		if v > 0 {
			out[i] = bars[min(len(bars)-1, int(v/most*float64(len(bars))))]
		}
	}
	return string(out)
}

func compareCommand(o *options) *cobra.Command {
	var when timeFlags
	var otherFrom, otherTo string
	in := map[string]any{}
	c := &cobra.Command{
		Use: "compare", Short: "Two times side by side", Args: cobra.NoArgs,
		Long: "Two times side by side: the one of --last, or of --from and --to, and the one just before it, or of --other-from and --other-to.",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := errorsOf(o.ofKind(c, in), when.into(in), moment(in, "other_from", "--other-from", otherFrom), moment(in, "other_to", "--other-to", otherTo)); err != nil {
				return err
			}
			var out compared
			if err := o.call(c.Context(), "parley.stats.compare", in, &out); err != nil {
				return err
			}
			return o.printCompared(c, out)
		},
	}
	when.add(c)
	c.Flags().StringVar(&otherFrom, "other-from", "", "begin of the other time")
	c.Flags().StringVar(&otherTo, "other-to", "", "end of the other time")
	kindFlags(c)
	return c
}

type compared struct {
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	OtherFrom time.Time `json:"other_from"`
	OtherTo   time.Time `json:"other_to"`
	Kind      string    `json:"kind"`
	Items     []struct {
		Name        string   `json:"name"`
		Usage       int64    `json:"usage"`
		OtherUsage  int64    `json:"other_usage"`
		UsageChange *float64 `json:"usage_change"`
		Errors      int64    `json:"errors"`
		OtherErrors int64    `json:"other_errors"`
		MeanMS      float64  `json:"mean_ms"`
		OtherMeanMS float64  `json:"other_mean_ms"`
		MeanChange  *float64 `json:"mean_change"`
		P95MS       float64  `json:"p95_ms"`
		OtherP95MS  float64  `json:"other_p95_ms"`
	} `json:"items"`
}

func (o *options) printCompared(c *cobra.Command, r compared) error {
	header := []string{"NAME", "USAGE", "BEFORE", "CHANGE", "ERRORS", "BEFORE", "M MS", "BEFORE", "CHANGE", "P95 MS", "BEFORE"}
	if o.output == "csv" {
		header = []string{
			"name", "usage", "other_usage", "usage_change", "errors", "other_errors", "mean_ms", "other_mean_ms", "mean_change", "p95_ms", "other_p95_ms",
		}
	}
	percent := func(v *float64) string {
		switch {
		case v == nil && o.output == "csv":
			return ""
		case v == nil:
			return "-"
		case o.output == "csv":
			return fmt.Sprintf("%.1f", *v)
		}
		return fmt.Sprintf("%+.1f %%", *v)
	}
	two := func(v float64) string { return fmt.Sprintf("%.2f", v) }
	rows := make([][]string, len(r.Items))
	for i, p := range r.Items {
		rows[i] = []string{
			p.Name, number(p.Usage), number(p.OtherUsage), percent(p.UsageChange), number(p.Errors), number(p.OtherErrors),
			two(p.MeanMS), two(p.OtherMeanMS), percent(p.MeanChange), two(p.P95MS), two(p.OtherP95MS),
		}
	}
	return o.printTable(c, r, header, rows, func(w io.Writer) {
		line(w, "%s to %s, and before: %s to %s", local(r.From), local(r.To), local(r.OtherFrom), local(r.OtherTo))
		if len(rows) == 0 {
			line(w, "Nothing of the kind %s was called in either.", r.Kind)
			return
		}
		table(w, header, rows)
	})
}
