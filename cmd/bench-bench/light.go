package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
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
	Early    float64 `json:"early_mb"` // resident after 5 s
	Late     float64 `json:"late_mb"`  // resident at the end
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
			if args[0] == "vegeta" {
				out, err = byVegeta(args[1], d)
			} else {
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
	var early, late float64
	res, err := bench.Run(ctx, profile(rate, d), bench.Options{Address: address, Progress: func(now bench.Progress) {
		if early == 0 && now.At > 5*time.Second {
			early = resident()
		}
		late = resident() // of the load: what writes the result comes after it
	}})
	if err != nil {
		return used{}, err
	}
	return used{res.Sent, res.Generator.PerRequest, res.Lag.P50, res.Lag.P99, early, late, res.Generator.Memory}, nil
}

// byVegeta is vegeta as its own command uses it: its loop, its pacer, its client and its metrics.
func byVegeta(address string, d time.Duration) (used, error) {
	began := cpuTime()
	a := vegeta.NewAttacker(vegeta.MaxWorkers(8192), vegeta.MaxBody(0), vegeta.Timeout(5*time.Second))
	targeter := vegeta.NewStaticTargeter(vegeta.Target{Method: "POST", URL: address + "/", Body: []byte("1234")})
	var m vegeta.Metrics
	for r := range a.Attack(targeter, vegeta.Rate{Freq: rate, Per: time.Second}, d, "") {
		m.Add(r)
	}
	m.Close()
	if m.Success < 1 {
		return used{}, fmt.Errorf("vegeta: requests failed: %v", m.Errors)
	}
	return used{Requests: int(m.Requests), CPU: float64((cpuTime() - began).Microseconds()) / float64(m.Requests)}, nil
}

// resident is what this process has in memory now, in MB.
func resident() float64 {
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
	s := figures.Section{Title: "how late requests are sent at 5,000 a second, target and generator on this machine"}
	var p50, p99 []float64
	for range o.rounds {
		one, err := sent(ctx, "bench", 4*time.Second)
		if err != nil {
			return s, err
		}
		p50, p99 = append(p50, one.LagP50), append(p99, one.LagP99)
	}
	s.Figures = append(s.Figures, figures.Median("lag.p50", "schedule lag, p50", p50, "ms"), figures.Median("lag.p99", "schedule lag, p99", p99, "ms").AtMost(1))
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

func memory(ctx context.Context, o options) (figures.Section, error) {
	s := figures.Section{Title: fmt.Sprintf("memory at 5,000 requests a second for %s", o.soak)}
	one, err := sent(ctx, "bench", o.soak)
	if err != nil {
		return s, err
	}
	s.Figures = append(s.Figures, figures.Of("memory.most", "resident, at most", one.Most, "MB").AtMost(64))
	if one.Early > 0 && one.Late > 0 {
		slope := (one.Late - one.Early) / (o.soak.Minutes() - 5.0/60)
		s.Figures = append(s.Figures,
			figures.Of("memory.early", "resident after 5 s", one.Early, "MB"), figures.Of("memory.late", "resident at the end", one.Late, "MB"),
			figures.Of("memory.slope", "growth a minute", slope, "MB"))
	}
	return s, nil
}
