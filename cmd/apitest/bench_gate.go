package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/bench/gate"
	"github.com/parley-run/parley/yamlfile"
)

// exitInconclusive is the exit code of a gate that could not tell.
const exitInconclusive = 4

// gating is what the flags of `apitest bench gate` say.
type gating struct {
	base, candidate string
	source          gate.Source
	requests        string
	tolerated       float64
	caught          float64
	options         gate.Options
	out, output     string
	selfTest        bool
	resample        string
	noise           string
	ways            []string
	sizes           []float64
}

func benchGateCommand() *cobra.Command {
	var g gating
	cmd := &cobra.Command{
		Use:   "gate --base CMD|BINARY|FOLDER|COMMIT --candidate CMD|BINARY|FOLDER|COMMIT",
		Short: "Say whether one build is slower than another, on a machine with other work on it",
		Long: `Starts two builds of a server, sends each request to both in turn, starts them anew for every cycle of some 7 seconds,
and looks at the ratios: whatever slows the machine slows both. A sequential test says PASS, FAIL or INCONCLUSIVE after 5 to 24
cycles: at most 1 run in 100 fails a candidate that is no more than --tolerated slower, at most 5 in 100 pass one that is
--caught slower.

--base and --candidate are each one of
  a shell command    with {port} in it, the free port on which it is to serve, such as "./old --listen 127.0.0.1:{port}"
  a program's file   run by --serve; without it, as parley with one echo service, or with the services in --config
  a folder           of sources, built by --build
  a commit           of the repository of the current folder, likewise
In --serve and commands stand {binary}, {dir}, an empty folder, and {port}, {port2}, {port3}, free ports.

--requests is a YAML list of what is sent, each with path and, where it needs them, method, headers, body, name and weight.

Allocations, memory, CPU and the slowest requests are compared beside the time. A candidate fails by them from +2 % of
allocations or bytes a request on, and +30 % of p99.

Exit code: 0 PASS; 1 FAIL; 2 wrong usage; 3 the measurement is invalid; 4 INCONCLUSIVE; 130 interrupted.`,
		Example: `  apitest bench gate --base v1.4.0 --candidate .
  apitest bench gate --base bin/parley.old --candidate bin/parley --config services --requests requests.yaml --out report
  apitest bench gate --base "./old --port {port}" --candidate "./new --port {port}" --requests requests.yaml --ready /health
  apitest bench gate --self-test --out self-test    # does it tell apart what it should, on this machine?`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if g.output != "text" && g.output != "json" && g.output != "markdown" {
				return &exit{code: exitUsage, err: fmt.Errorf("--output %q is none of text, json and markdown", g.output)}
			}
			g.options.Margins = gate.Margins{Tolerated: g.tolerated / 100, Caught: g.caught / 100}
			switch {
			case g.resample != "":
				return g.again(cmd.OutOrStdout())
			case g.selfTest:
				return g.test(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			return g.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&g.base, "base", "", "what it is compared with")
	f.StringVar(&g.candidate, "candidate", "", "what is compared")
	f.StringVar(&g.source.Build, "build", "", "shell command that builds {binary} (default: "+gate.DefaultBuild+")")
	f.StringVar(&g.source.Serve, "serve", "", "shell command that runs {binary} on {port} (default: parley serve)")
	f.StringVar(&g.source.Ready, "ready", "", "path that answers 2xx once the server is ready (default: any answer; of parley /parley/ready)")
	f.StringVar(&g.source.Memory, "memory", "", "URL of a JSON object with Mallocs and TotalAlloc, such as http://127.0.0.1:{port}/debug/vars")
	f.StringVar(&g.source.Config, "config", "", "for parley: folder of definitions, with a folder services in it (default: one echo service)")
	f.StringVar(&g.requests, "requests", "", "YAML file of the requests")
	f.Float64Var(&g.tolerated, "tolerated", 1, "percent that a candidate may be slower")
	f.Float64Var(&g.caught, "caught", 5, "percent slower that must be caught")
	f.DurationVar(&g.options.Measure, "measure", 6*time.Second, "how long each cycle measures")
	f.IntVar(&g.options.Warmup, "warmup", 500, "requests to each server before that")
	f.IntVar(&g.options.Cycles, "cycles", 0, "exactly so many cycles; 0: as many as the test wants, 5 to 24")
	f.Uint64Var(&g.options.Seed, "seed", 0, "of all that is drawn; 0: one of its own, which is printed")
	f.StringVar(&g.out, "out", "", "folder for result.json, summary.md and cycles.jsonl, to which each cycle is appended")
	f.StringVar(&g.output, "output", "text", "text, json or markdown")
	f.BoolVar(&g.selfTest, "self-test", false, "gate a server of its own against itself, the same and slower")
	f.Float64SliceVar(&g.sizes, "inject", []float64{0, 5}, "for --self-test: percent by which the candidate is slower, in each of its ways")
	f.StringSliceVar(&g.ways, "ways", nil, "for --self-test: the ways in which it is slower: cpu, lock, alloc, sleep (default: all)")
	f.StringVar(&g.noise, "noise", "none", "for --self-test: none, or burner, a neighbour that takes up to one core")
	f.StringVar(&g.resample, "resample", "", "make verdicts anew from the cycles in this file, and say how often each would be")
	return cmd
}

// run gates.
func (g *gating) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	if g.base == "" || g.candidate == "" {
		return &exit{code: exitUsage, err: errors.New("give --base and --candidate, each a command with {port}, a program, a folder or a commit")}
	}
	work, err := os.MkdirTemp("", "apitest-gate-build-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }() // a temporary folder
	o := g.options
	if o.Requests, err = g.readRequests(); err == nil {
		err = o.Check()
	}
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	for _, one := range []struct {
		what string
		to   *gate.Server
	}{{g.base, &o.Base}, {g.candidate, &o.Candidate}} {
		if *one.to, err = g.source.Resolve(ctx, one.what, work); err != nil {
			if ctx.Err() != nil {
				return g.verdict(ctx, nil, err)
			}
			return &exit{code: exitUsage, err: err}
		}
	}
	keep, err := g.keeper()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, keep.Close()) }()
	o.Progress = func(c gate.Cycle, d gate.Decision) {
		keep.add(c)
		progress(stderr, c, d)
	}
	r, err := gate.Run(ctx, o)
	if r == nil {
		return g.verdict(ctx, nil, err)
	}
	return errors.Join(g.write(stdout, r), g.verdict(ctx, r, err))
}

// progress is one line a cycle.
func progress(w io.Writer, c gate.Cycle, d gate.Decision) {
	if c.Void != "" {
		_, _ = fmt.Fprintf(w, "a cycle does not count: %s\n", c.Void)
		return
	}
	text := fmt.Sprintf("cycle %d: %+.1f %%", d.Cycles, (math.Exp(c.Primary())-1)*100)
	if d.Cycles > 1 {
		text += fmt.Sprintf("; of all %+.1f %% (%+.1f to %+.1f %%)", (d.Ratio-1)*100, (d.Low-1)*100, (d.High-1)*100)
	}
	_, _ = fmt.Fprintln(w, text) // progress only: the run goes on
}

func (g *gating) readRequests() ([]gate.Request, error) {
	if g.requests == "" {
		if g.source.Config != "" || g.source.Serve != "" || strings.Contains(g.base, "{port}") || strings.Contains(g.candidate, "{port}") {
			return nil, errors.New("say with --requests what is sent: a YAML list such as [{path: /customers, body: '{}'}]")
		}
		return []gate.Request{gate.SampleRequest()}, nil
	}
	raw, err := os.ReadFile(g.requests)
	if err != nil {
		return nil, err
	}
	var out []gate.Request
	if _, err := yamlfile.Read(g.requests, raw, &out); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: it lists no request", g.requests)
	}
	return out, nil
}

// keeper appends cycles to a file.
type keeper struct {
	file *os.File
	err  error
}

func (g *gating) keeper() (*keeper, error) {
	if g.out == "" {
		return &keeper{}, nil
	}
	if err := os.MkdirAll(g.out, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(g.out, "cycles.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	return &keeper{file: f}, err
}

func (k *keeper) add(c gate.Cycle) {
	if k.file != nil {
		k.err = errors.Join(k.err, gate.WriteCycle(k.file, c))
	}
}

func (k *keeper) Close() error {
	if k.file == nil {
		return nil
	}
	return errors.Join(k.err, k.file.Close())
}

// write prints the result and writes its files.
func (g *gating) write(stdout io.Writer, r *gate.Result) error {
	write := r.WriteText
	switch g.output {
	case "json":
		write = r.WriteJSON
	case "markdown":
		write = r.WriteMarkdown
	}
	if err := write(stdout); err != nil || g.out == "" {
		return err
	}
	return errors.Join(writeFile(filepath.Join(g.out, "result.json"), r.WriteJSON), writeFile(filepath.Join(g.out, "summary.md"), r.WriteMarkdown))
}

func (g *gating) verdict(ctx context.Context, r *gate.Result, err error) error {
	switch {
	case ctx.Err() != nil:
		return &exit{code: exitInterrupted, err: errors.New("interrupted")}
	case err != nil:
		return &exit{code: exitInvalid, err: err}
	case r.Verdict == gate.Fail:
		return &exit{code: exitFailed, err: errors.New(r.Reasons[0]), silent: true}
	case r.Verdict == gate.Inconclusive && g.options.Cycles == 0:
		return &exit{code: exitInconclusive, err: errors.New("inconclusive"), silent: true}
	}
	return nil
}

// again makes verdicts from kept cycles.
func (g *gating) again(stdout io.Writer) error {
	f, err := os.Open(g.resample)
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	cycles, err := gate.ReadCycles(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return &exit{code: exitUsage, err: fmt.Errorf("%s: %w", g.resample, err)}
	}
	if err := g.options.Margins.Check(); err != nil {
		return &exit{code: exitUsage, err: err}
	}
	if !slices.ContainsFunc(cycles, func(c gate.Cycle) bool { return c.Void == "" }) {
		return &exit{code: exitUsage, err: fmt.Errorf("%s: it holds no cycle that counts", g.resample)}
	}
	return gate.WriteCharacteristics(stdout, gate.Resample(cycles, g.options.Margins, max(1, g.options.Seed)))
}

// test gates the target against itself, and against itself made slower.
func (g *gating) test(ctx context.Context, stdout, stderr io.Writer) (err error) {
	if g.noise != "none" && g.noise != "burner" {
		return &exit{code: exitUsage, err: fmt.Errorf("--noise %q is neither none nor burner", g.noise)}
	}
	for _, way := range g.ways {
		if way == "none" || !slices.Contains(gate.Injections(), way) {
			return &exit{code: exitUsage, err: fmt.Errorf("--ways %q is none of %s", way, strings.Join(gate.Injections()[1:], ", "))}
		}
	}
	check := g.options
	if check.Requests = []gate.Request{gate.SampleRequest()}; check.Check() != nil {
		return &exit{code: exitUsage, err: check.Check()}
	}
	keep, err := g.keeper()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, keep.Close()) }()
	t := gate.SelfTest{
		Options: g.options, Sizes: g.sizes, Ways: g.ways, Noise: g.noise,
		Said: func(text string) { _, _ = fmt.Fprintln(stderr, text) }, // progress only
		Keep: func(c gate.Cycle, d gate.Decision) {
			keep.add(c)
			progress(stderr, c, d)
		},
	}
	if t.Program, err = os.Executable(); err != nil {
		return err
	}
	rows, err := t.Run(ctx)
	if err != nil {
		return g.verdict(ctx, nil, err)
	}
	if err := gate.WriteSelfTest(stdout, rows); err != nil {
		return err
	}
	if slices.ContainsFunc(rows, func(r gate.SelfTestRow) bool { return !r.Right }) {
		return &exit{code: exitFailed, err: errors.New("a verdict is not what it should be")}
	}
	return nil
}

// gateTargetCommand is the server of a self-test, and its neighbour.
func gateTargetCommand() *cobra.Command {
	var t gate.Target
	var burn int
	cmd := &cobra.Command{
		Use: "gate-target", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if burn > 0 {
				gate.Burn(cmd.Context(), burn)
				return nil
			}
			return t.Serve(cmd.Context())
		},
	}
	cmd.Flags().IntVar(&t.Port, "port", 0, "")
	cmd.Flags().IntVar(&t.Work, "work", 1, "")
	cmd.Flags().StringVar(&t.Inject, "inject", "none", "")
	cmd.Flags().Float64Var(&t.Extra, "extra", 0, "")
	cmd.Flags().IntVar(&burn, "burn", 0, "")
	return cmd
}
