package gate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Options say what is compared, and how.
type Options struct {
	Base, Candidate Server
	Requests        []Request
	Margins         Margins       // zero: DefaultMargins
	Warmup          int           // requests to each server before it is measured, in each cycle; 0: 500
	Measure         time.Duration // of a cycle; 0: 6 s
	Cycles          int           // exactly so many, without a look in between; 0: as many as the test wants
	Seed            uint64        // of all that is drawn; 0: one that nobody knows
	Progress        func(Cycle, Decision)
}

const (
	usualWarmup  = 500
	usualMeasure = 6 * time.Second
	mostVoid     = 5 // cycles that do not count, before the whole run does not
)

type gate struct {
	options Options
	root    string
	random  *rand.Rand
}

// ErrInvalid is of a run whose figures do not count.
var ErrInvalid = errors.New("the measurement is invalid")

// Run compares until the test has its verdict. Where ctx ends, or too little of what was measured counts, the Result is what
// there is until then, and the error says so; it is nil where nothing could be measured.
func Run(ctx context.Context, o Options) (*Result, error) {
	g, err := newGate(o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(g.root) }() // a temporary folder
	r := newResult(g.options)
	var x []float64
	for void := 0; ; {
		c, err := g.cycle(ctx)
		if err != nil {
			if len(r.Cycles) == 0 {
				return nil, err
			}
			r.judge(x)
			return r, err
		}
		r.Cycles = append(r.Cycles, c)
		if c.Void != "" {
			g.progress(c, r.Decision)
			if void++; void >= mostVoid {
				r.judge(x)
				return r, fmt.Errorf("%w: %d cycles do not count, the last one since %s", ErrInvalid, void, c.Void)
			}
			continue
		}
		x = append(x, c.Primary())
		r.judge(x)
		g.progress(c, r.Decision)
		if o.Cycles == 0 && (r.Decision.Done || r.Candidate.Errors > 0) || o.Cycles > 0 && len(x) >= o.Cycles {
			return r, nil
		}
	}
}

func (g *gate) progress(c Cycle, d Decision) {
	if g.options.Progress != nil {
		g.options.Progress(c, d)
	}
}

// Check says what is wrong with the options, but for the servers.
func (o Options) Check() error {
	_, err := o.complete()
	return err
}

// complete fills in what was left out.
func (o Options) complete() (Options, error) {
	if o.Margins == (Margins{}) {
		o.Margins = DefaultMargins()
	}
	if err := o.Margins.Check(); err != nil {
		return o, err
	}
	if o.Cycles < 0 || o.Measure < 0 || o.Warmup < 0 {
		return o, fmt.Errorf("cycles, measure and warmup are never less than 0, not %d, %s and %d", o.Cycles, o.Measure, o.Warmup)
	}
	if o.Warmup == 0 {
		o.Warmup = usualWarmup
	}
	if o.Measure == 0 {
		o.Measure = usualMeasure
	}
	if len(o.Requests) == 0 {
		return o, errors.New("there is no request to send")
	}
	o.Requests = slices.Clone(o.Requests)
	for i := range o.Requests {
		var err error
		if o.Requests[i], err = o.Requests[i].withDefaults(); err != nil {
			return o, err
		}
	}
	return o, nil
}

func newGate(o Options) (*gate, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	root, err := os.MkdirTemp("", "apitest-gate-")
	if err != nil {
		return nil, err
	}
	g := &gate{options: o, root: root, random: rand.New(rand.NewPCG(o.Seed, 0))}
	for i, s := range []*Server{&g.options.Base, &g.options.Candidate} {
		if s.Binary == "" {
			continue
		}
		// Copies whose paths are equally long: what is on the stack moves with the length of a program's path.
		path := filepath.Join(root, fmt.Sprintf("program%d", i))
		if err := copyFile(s.Binary, path); err != nil {
			return nil, errors.Join(err, os.RemoveAll(root))
		}
		s.Binary = path
	}
	return g, nil
}

func copyFile(from, to string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, raw, 0o755)
}

// Result is what a gate found.
type Result struct {
	Verdict   Verdict   `json:"verdict"`
	Reasons   []string  `json:"reasons"`
	Decision  Decision  `json:"time"` // of the time that requests take
	Routes    []Compare `json:"routes"`
	Beside    []Compare `json:"beside"` // what was measured beside the time
	Base      Totals    `json:"base"`
	Candidate Totals    `json:"candidate"`
	Margins   Margins   `json:"margins"`
	Seed      uint64    `json:"seed"`
	Machine   Machine   `json:"machine"`
	Cycles    []Cycle   `json:"cycles"`
}

// Totals are of one server, over all cycles that count.
type Totals struct {
	Server
	Requests int `json:"requests"`
	Errors   int `json:"errors"`
}

// Compare is one thing that was measured of both.
type Compare struct {
	Name      string  `json:"name"`
	Unit      string  `json:"unit,omitempty"`
	Base      float64 `json:"base"`
	Candidate float64 `json:"candidate"`
	Ratio     float64 `json:"ratio"`
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
	P         float64 `json:"p,omitempty"`     // that a route is as slow by chance, adjusted for how many routes there are (Holm)
	Bound     float64 `json:"bound,omitempty"` // ratio minus 1 from which it fails the candidate; 0: it fails nobody
	Exceeds   bool    `json:"exceeds,omitempty"`
}

func newResult(o Options) *Result {
	return &Result{
		Verdict: Inconclusive, Margins: o.Margins, Seed: o.Seed, Machine: machine(),
		Base: Totals{Server: o.Base}, Candidate: Totals{Server: o.Candidate},
	}
}

// side is what is measured beside the time, and from when it fails a candidate: allocations are nearly without noise, the
// slowest requests are nothing but noise.
type side struct {
	name, unit string
	bound      float64
	of         func(Arm) float64
}

func sides() []side {
	return []side{
		{"allocations a request", "", 0.02, func(a Arm) float64 { return a.Allocs }},
		{"allocated a request", "B", 0.02, func(a Arm) float64 { return a.Bytes }},
		{"CPU a request", "µs", 0, func(a Arm) float64 { return a.CPU }},
		{"p50", "µs", 0, func(a Arm) float64 { return a.P50 }},
		{"p99", "µs", 0.30, func(a Arm) float64 { return a.P99 }},
		{"most memory resident", "MiB", 0, func(a Arm) float64 { return a.RSS }},
	}
}

// judge makes the verdict of all cycles until now, x being those that count.
func (r *Result) judge(x []float64) {
	if len(x) == 0 {
		return
	}
	r.Decision = decide(x, r.Margins)
	r.Verdict, r.Reasons = r.Decision.Verdict, nil
	r.Base.Requests, r.Base.Errors, r.Candidate.Requests, r.Candidate.Errors = 0, 0, 0, 0
	counted := r.counted()
	for _, c := range counted {
		r.Base.Requests, r.Base.Errors = r.Base.Requests+c.Base.Requests, r.Base.Errors+c.Base.Errors
		r.Candidate.Requests, r.Candidate.Errors = r.Candidate.Requests+c.Candidate.Requests, r.Candidate.Errors+c.Candidate.Errors
	}
	switch r.Decision.Verdict {
	case Fail:
		r.reason("requests take %s longer, which is more than %s for sure", percent(r.Decision.Ratio), percent(1+r.Margins.Tolerated))
	case Pass:
		r.reason("requests take less than %s longer for sure", percent(1+r.Margins.Caught))
	default:
		r.reason("after %d cycles it is neither sure that requests take more than %s longer, nor that they take less than %s longer",
			len(x), percent(1+r.Margins.Tolerated), percent(1+r.Margins.Caught))
	}
	r.routes(counted)
	r.beside(counted)
	if r.Candidate.Errors > 0 {
		r.Verdict = Fail
		r.reason("%d of %d requests to the candidate failed, of the base none", r.Candidate.Errors, r.Candidate.Requests)
	}
}

func (r *Result) reason(format string, args ...any) {
	r.Reasons = append(r.Reasons, fmt.Sprintf(format, args...))
}

func (r *Result) counted() (out []Cycle) {
	for _, c := range r.Cycles {
		if c.Void == "" {
			out = append(out, c)
		}
	}
	return out
}

func (r *Result) routes(cycles []Cycle) {
	r.Routes = nil
	for i, route := range cycles[0].Routes {
		var x, base, candidate []float64
		for _, c := range cycles {
			x = append(x, c.Routes[i].X)
			for _, b := range c.Routes[i].Blocks {
				base, candidate = append(base, b[0]), append(candidate, b[1])
			}
		}
		one := compare(route.Name, "µs", x)
		one.Base, _ = meanSD(base)
		one.Candidate, _ = meanSD(candidate)
		mean, sd := meanSD(x)
		one.P = 1
		if len(x) > 1 {
			one.P = studentAbove((mean-math.Log1p(r.Margins.Tolerated))/max(sd/math.Sqrt(float64(len(x))), 1e-9), len(x)-1)
		}
		r.Routes = append(r.Routes, one)
	}
	holm(r.Routes)
}

func (r *Result) beside(cycles []Cycle) {
	r.Beside = nil
	for _, s := range sides() {
		var x, base, candidate []float64
		for _, c := range cycles {
			a, b := s.of(c.Base), s.of(c.Candidate)
			if a > 0 && b > 0 {
				x, base, candidate = append(x, math.Log(b/a)), append(base, a), append(candidate, b)
			}
		}
		if len(x) < len(cycles) {
			continue // it is not known
		}
		one := compare(s.name, s.unit, x)
		one.Base, _ = meanSD(base)
		one.Candidate, _ = meanSD(candidate)
		if one.Bound = s.bound; s.bound > 0 && exceeds(x, s.bound) {
			one.Exceeds, r.Verdict = true, Fail
			r.reason("%s: %s more, which is more than %s for sure", s.name, percent(one.Ratio), percent(1+s.bound))
		}
		r.Beside = append(r.Beside, one)
	}
}

func compare(name, unit string, x []float64) Compare {
	d := decide(x, DefaultMargins())
	return Compare{Name: name, Unit: unit, Ratio: d.Ratio, Low: d.Low, High: d.High}
}

// percent is a ratio as people say it: 1.05 is 5.0 %.
func percent(ratio float64) string { return fmt.Sprintf("%.1f %%", (ratio-1)*100) }
