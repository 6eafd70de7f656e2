package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/figures"
)

// rate is what all of these send.
const rate = 5000

// used is what one load took.
type used struct {
	Requests int     `json:"requests"`
	CPU      float64 `json:"cpu_us"` // a request
	LagP50   float64 `json:"lag_p50_ms"`
	LagP99   float64 `json:"lag_p99_ms"`
	Median   float64 `json:"median_mb"` // resident, once warm
	Slope    float64 `json:"slope_mb"`  // of what is resident, a minute, once warm
	Most     float64 `json:"most_mb"`
}

// loadCommand sends one load from a process of its own, so that what it takes is known.
func loadCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "load ENGINE ADDRESS DURATION",
		Short:  "Send one load by bench or by vegeta's own loop, and print what it took",
		Hidden: true,
		Args:   cobra.ExactArgs(3),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := time.ParseDuration(args[2])
			if err != nil {
				return err
			}
			var out used
			switch args[0] {
			case "vegeta":
				out, err = byVegeta(args[1], d)
			case "nothing":
				out = byNothing(d)
			default:
				out, err = byBench(c.Context(), args[1], d)
			}
			if err != nil {
				return err
			}
			return json.NewEncoder(c.OutOrStdout()).Encode(out)
		},
	}
}

func byBench(ctx context.Context, address string, d time.Duration) (used, error) {
	var at, resident []float64 // of the load alone: what writes the result comes after it
	res, err := bench.Run(ctx, profile(rate, d), bench.Options{Address: address, Progress: func(now bench.Progress) {
		if now.At > warm(d) {
			at, resident = append(at, now.At.Minutes()), append(resident, residentNow())
		}
	}})
	if err != nil {
		return used{}, err
	}
	out := used{Requests: res.Sent, CPU: res.Generator.PerRequest, LagP50: res.Lag.P50, LagP99: res.Lag.P99, Most: res.Generator.Memory}
	if len(at) > 1 {
		out.Median, out.Slope = figures.Quantile(resident, 0.5), slope(at, resident)
	}
	return out, nil
}

// warm is how long a load of d may take until its memory has found its size: connections, buffers, the collector's pace.
func warm(d time.Duration) time.Duration { return min(time.Minute, d/4) }

// slope is how much y grows by one of x: the median of the slopes between all pairs of points (Theil and Sen), which a
// collector's saw teeth do not tilt.
func slope(x, y []float64) float64 {
	var all []float64
	for i := range x {
		for j := range i {
			if d := x[i] - x[j]; d > 0 {
				all = append(all, (y[i]-y[j])/d)
			}
		}
	}
	return figures.Quantile(all, 0.5)
}

// byVegeta is vegeta as its own command uses it: its loop, its pacer, its client and its metrics.
func byVegeta(address string, d time.Duration) (used, error) {
	began := cpuTime()
	a := vegeta.NewAttacker(vegeta.MaxWorkers(8192), vegeta.MaxBody(0), vegeta.Timeout(5*time.Second))
	targeter := vegeta.NewStaticTargeter(vegeta.Target{Method: "POST", URL: address + "/", Body: []byte("1234")})
	var m vegeta.Metrics
	var late []float64
	var first time.Time
	for r := range a.Attack(targeter, vegeta.Rate{Freq: rate, Per: time.Second}, d, "") {
		m.Add(r)
		due := time.Duration(r.Seq) * time.Second / rate
		if began := r.Timestamp.Add(-due); first.IsZero() || began.Before(first) { // it keeps no schedule that it could be held against
			first = began
		}
		late = append(late, float64(r.Timestamp.Add(-due).UnixNano()))
	}
	m.Close()
	if len(late) == 0 {
		return used{}, errors.New("vegeta sent nothing")
	}
	for i := range late {
		late[i] = (late[i] - float64(first.UnixNano())) / 1e6
	}
	return used{
		Requests: int(m.Requests), CPU: float64((cpuTime() - began).Microseconds()) / float64(m.Requests),
		LagP50: figures.Quantile(late, 0.5), LagP99: figures.Quantile(late, 0.99),
	}, nil
}

// byNothing only waits, thread and all, until requests would be due: how late that is is the machine's own doing.
func byNothing(d time.Duration) used {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var late []float64
	began := time.Now()
	for i := range int(rate * d.Seconds()) {
		due := began.Add(time.Duration(i) * time.Second / rate)
		nap(time.Until(due))
		late = append(late, figures.MS(time.Since(due)))
	}
	return used{LagP50: figures.Quantile(late, 0.5), LagP99: figures.Quantile(late, 0.99)}
}

// residentNow is what this process has in memory, in MB.
func residentNow() float64 {
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseFloat(strings.Fields(string(raw))[1], 64)
	if err != nil {
		return 0
	}
	return pages * float64(os.Getpagesize()) / (1 << 20)
}

// sent runs one load in a process of its own against a target of its own.
func sent(ctx context.Context, engine string, d time.Duration) (used, error) {
	t, err := startTarget(ctx)
	if err != nil {
		return used{}, err
	}
	defer t.close()
	self, err := os.Executable()
	if err != nil {
		return used{}, err
	}
	cmd := exec.CommandContext(ctx, self, "load", engine, t.address, d.String())
	cmd.Stderr = os.Stderr
	raw, err := cmd.Output()
	if err != nil {
		return used{}, fmt.Errorf("%s: %w", engine, err)
	}
	var out used
	return out, json.Unmarshal(raw, &out)
}

func lag(ctx context.Context, o options) (figures.Section, error) {
	s := figures.Section{Title: "how late requests are sent at 5,000 a second, target and generator on this machine, in turn with vegeta and with nothing at all"}
	engines := []string{"bench", "vegeta", "nothing"}
	p50, p99 := map[string][]float64{}, map[string][]float64{}
	for i := range o.rounds {
		for j := range engines {
			engine := engines[(i+j)%len(engines)]
			one, err := sent(ctx, engine, 4*time.Second)
			if err != nil {
				return s, err
			}
			p50[engine], p99[engine] = append(p50[engine], one.LagP50), append(p99[engine], one.LagP99)
		}
	}
	s.Figures = append(s.Figures,
		figures.Median("lag.p50", "schedule lag, p50", p50["bench"], "ms"), figures.Median("lag.p99", "schedule lag, p99", p99["bench"], "ms").AtMost(1),
		figures.Median("lag.vegeta.p50", "of vegeta's loop, p50", p50["vegeta"], "ms"), figures.Median("lag.vegeta.p99", "of vegeta's loop, p99", p99["vegeta"], "ms"),
		figures.Median("lag.nothing.p50", "of a thread that only waits, p50", p50["nothing"], "ms"),
		figures.Median("lag.nothing.p99", "of a thread that only waits, p99", p99["nothing"], "ms"))
	s.Notes = append(s.Notes, "the last two are how late the machine itself was")
	return s, nil
}

func cpu(ctx context.Context, o options) (figures.Section, error) {
	s := figures.Section{Title: "CPU a request at 5,000 a second, bench and vegeta's own attack loop in turn"}
	var own, theirs []float64
	for i := range o.rounds {
		for j := range 2 {
			engine := []string{"bench", "vegeta"}[(i+j)%2]
			one, err := sent(ctx, engine, 4*time.Second)
			if err != nil {
				return s, err
			}
			if engine == "bench" {
				own = append(own, one.CPU)
			} else {
				theirs = append(theirs, one.CPU)
			}
		}
	}
	s.Figures = append(s.Figures,
		figures.Median("cpu.bench", "bench", own, "µs"), figures.Median("cpu.vegeta", "vegeta", theirs, "µs"),
		figures.Median("cpu.ratio", "ratio, round by round", figures.Ratios(own, theirs), "").AtMost(1.15))
	return s, nil
}

const (
	noGrowth = 0.1             // MB a minute that count as none
	longSoak = 5 * time.Minute // of a shorter one, the collector's saw teeth are all that one sees
)

func memory(ctx context.Context, o options) (figures.Section, error) {
	s := figures.Section{Title: fmt.Sprintf("memory at 5,000 requests a second for %s", o.soak)}
	one, err := sent(ctx, "bench", o.soak)
	if err != nil {
		return s, err
	}
	s.Figures = append(s.Figures, figures.Of("memory.most", "resident, at most", one.Most, "MB").AtMost(64))
	if one.Median > 0 { // a system that tells of it
		growth := figures.Of("memory.slope", "growth a minute, once warm", one.Slope, "MB")
		if o.soak >= longSoak {
			growth = growth.AtMost(noGrowth)
		}
		s.Figures = append(s.Figures, figures.Of("memory.median", "resident, median", one.Median, "MB"), growth)
		s.Notes = append(s.Notes, fmt.Sprintf("warm after %s; the growth is the median of those between any two looks, one a second", warm(o.soak)))
	}
	return s, nil
}
