package gate

import (
	"context"
	"fmt"
	"io"
	"math"
	"os/exec"
	"strings"
	"time"
)

// SelfTest gates a server against itself, the same and made slower by known amounts, in several ways.
type SelfTest struct {
	Options Options   // Base, Candidate and Requests are its own
	Program string    // apitest, which is the server too: see Target
	Sizes   []float64 // percent by which the candidate is slower; 0: it is the same
	Ways    []string  // of Injections, those in which it is slower; none: all
	Noise   string    // none, or burner: a neighbour takes up to one core
	Said    func(string)
	Keep    func(Cycle, Decision)
}

// SelfTestRow is one gate.
type SelfTestRow struct {
	Label    string // such as "cpu +5%"
	Noise    string
	Expected Verdict // Inconclusive: any will do
	Right    bool
	Result   *Result
	Took     time.Duration
}

// targetWork makes a request of some 0.3 ms.
const targetWork = 2500

// Run runs the gates one after another.
func (s SelfTest) Run(ctx context.Context) ([]SelfTestRow, error) {
	if s.Noise == "burner" {
		neighbour := exec.CommandContext(ctx, s.Program, "bench", "gate-target", "--burn", "1")
		group(neighbour)
		if err := neighbour.Start(); err != nil {
			return nil, err
		}
		defer func() {
			end(neighbour, true)
			_ = neighbour.Wait() // it was killed
		}()
	}
	share, err := s.share(ctx)
	if err != nil {
		return nil, err
	}
	s.Said(fmt.Sprintf("the work is %.0f %% of what a request takes", share*100))
	var rows []SelfTestRow
	for _, size := range s.Sizes {
		ways := s.Ways
		if len(ways) == 0 {
			ways = Injections()[1:]
		}
		if size == 0 {
			ways = []string{"none"}
		}
		for _, way := range ways {
			row, err := s.row(ctx, way, size/100, share)
			if err != nil {
				return rows, err
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func (s SelfTest) server(name string, work int, way string, extra float64) Server {
	return Server{Name: name, Command: fmt.Sprintf("exec %s bench gate-target --port {port} --work %d --inject %s --extra %.4f", quote(s.Program), work, way, extra)}
}

// share is how much of a request's time the work is: by that, what is added to the work is made the share of the time that
// it shall be.
func (s SelfTest) share(ctx context.Context) (float64, error) {
	o := s.Options
	o.Base, o.Candidate = s.server("work", targetWork, "none", 0), s.server("more work", targetWork*3/2, "none", 0)
	o.Requests, o.Cycles, o.Margins = []Request{{Path: "/"}}, 3, Margins{Tolerated: 0, Caught: 1}
	r, err := Run(ctx, o)
	if err != nil {
		return 0, err
	}
	if share := (r.Decision.Ratio - 1) * 2; share > 0.05 {
		return min(share, 1), nil
	}
	return 0, fmt.Errorf("%w: half as much work again makes requests take %s longer, so nothing can be told on this machine", ErrInvalid, percent(r.Decision.Ratio))
}

func (s SelfTest) row(ctx context.Context, way string, size, share float64) (SelfTestRow, error) {
	row := SelfTestRow{Label: "A/A", Noise: s.Noise, Expected: Pass}
	if way != "none" {
		row.Label, row.Expected = fmt.Sprintf("%s %+.0f%%", way, size*100), Inconclusive
	}
	margins := s.Options.Margins
	if margins == (Margins{}) {
		margins = DefaultMargins()
	}
	// cpu alone is of a known size: under a lock, in allocations and asleep the same amount costs more.
	if way == "cpu" && size >= margins.Caught {
		row.Expected = Fail
	}
	s.Said(row.Label + ", noise " + s.Noise)
	o := s.Options
	o.Base, o.Candidate, o.Requests = s.server("A", targetWork, "none", 0), s.server(row.Label, targetWork, way, size/share), []Request{{Path: "/"}}
	o.Progress = func(c Cycle, d Decision) {
		c.Label, c.Noise = row.Label, s.Noise
		s.Keep(c, d)
	}
	began := time.Now()
	var err error
	if row.Result, err = Run(ctx, o); err != nil {
		return row, err
	}
	row.Took = time.Since(began)
	verdict := row.Result.Decision.Verdict
	row.Right = row.Expected == Inconclusive || verdict == row.Expected || o.Cycles > 0
	return row, nil
}

// WriteSelfTest writes a table for people.
func WriteSelfTest(w io.Writer, rows []SelfTestRow) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-12s %-8s %-13s %8s   %-18s %6s %7s  %s\n", "candidate", "noise", "verdict", "time", "95 % interval", "cycles", "spread", "took")
	for _, r := range rows {
		d := r.Result.Decision
		note := ""
		if !r.Right {
			note = "  expected " + string(r.Expected)
		}
		fmt.Fprintf(&b, "%-12s %-8s %-13s %+7.1f%%   %-18s %6d %6.1f%%  %.0f s%s\n", r.Label, r.Noise, d.Verdict, (d.Ratio-1)*100, interval(d.Low, d.High), d.Cycles,
			d.Spread*100, math.Round(r.Took.Seconds()), note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
