package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/bench"
	benchreport "github.com/parley-run/parley/bench/report"
	"github.com/parley-run/parley/features"
	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

func demoCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show everything: a cluster, the tutorial's tests, hot deploy, and load with a server killed",
		Long: `Starts mocks and clusters of its own on free ports, runs the tutorial's feature files, puts 500 requests a second on
two servers while one is killed, writes one HTML report, and leaves nothing running.

Exit code: 0 all as promised; 1 something was not; 130 interrupted.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return (&demo{out: out, console: newConsole(cmd.OutOrStdout()), began: time.Now()}).run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&out, "out", "out/demo", "folder for the report")
	return cmd
}

// demoServers is how many servers the load goes to.
const demoServers = 2

type demo struct {
	out     string
	console *report.Console
	began   time.Time
}

func (d *demo) say(format string, values ...any) {
	_, _ = fmt.Fprintf(d.console.Out, format+"\n", values...) // a closed terminal must not end the demo
}

func (d *demo) run(ctx context.Context) error {
	binary, err := fixtures.Binary()
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	d.say("First the tutorial's tests and hot deploy, then %d servers under load while one is killed: about 25 s in all", demoServers)
	spec := fixtures.Spec{Binary: binary}
	done, err := run.Features(ctx, run.Options{
		Paths: []string{"tutorial.feature", "deploy.feature"}, FS: features.Files, Sink: d.console, Steps: steps.Options{Spec: spec},
	})
	if err != nil {
		return verdict(done, err)
	}
	result, err := d.load(ctx, spec)
	if errors.Is(err, context.Canceled) {
		return verdict(done, err)
	}
	faults := faultsOf(result, err)
	path, pageErr := d.page(done, result, faults)
	if pageErr != nil {
		return &exit{code: exitFailed, err: pageErr}
	}
	d.say("\nReport: %s\nAll of it took %s", path, report.Duration(time.Since(d.began)))
	if !done.Passed() || len(faults) > 0 {
		for _, f := range faults {
			d.say("✗ %s", f)
		}
		d.say("The demo FAILED")
		return &exit{code: exitFailed, err: errors.New("the demo failed"), silent: true}
	}
	d.say("Everything is as promised")
	return nil
}

// faultsOf is what the load did not keep to.
func faultsOf(result *bench.Result, err error) []string {
	if err != nil {
		return []string{fmt.Sprintf("the load could not be run: %v", err)}
	}
	var faults []string
	for _, why := range result.Unmet {
		faults = append(faults, "under load: "+why)
	}
	for _, why := range result.Invalid {
		faults = append(faults, "the measurement of the load is invalid: "+why)
	}
	for _, e := range result.Events {
		if e.Error != "" {
			faults = append(faults, fmt.Sprintf("under load, %s failed: %s", e.Label, e.Error))
		}
	}
	return faults
}

// load runs the demo's profile against a cluster of its own.
func (d *demo) load(ctx context.Context, spec fixtures.Spec) (result *bench.Result, err error) {
	text, err := fs.ReadFile(fixtures.Samples(), "load.yaml")
	if err != nil {
		return nil, err
	}
	profile, err := bench.ParseProfile("load.yaml", text)
	if err != nil {
		return nil, err
	}
	d.say("\nLoad: %g requests/s for %s through %d servers", profile.Rate, profile.Duration.Std(), demoServers)
	spec.Servers = demoServers
	cluster, err := fixtures.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	l := &loaded{cluster: cluster, samples: true}
	if err := d.prepare(ctx, l); err != nil {
		return nil, err
	}
	result, err = bench.Run(ctx, profile, bench.Options{
		Address: cluster.Address(), Do: l.Do,
		Executed: func(ctx context.Context) ([]string, error) { return l.List(ctx, profile.Log.KVDBList) },
		Progress: func(now bench.Progress) {
			if now.Event != nil {
				printProgress(d.console.Out, now)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	d.say("")
	return result, result.WriteText(d.console.Out)
}

// prepare deploys the service that the load goes to.
func (d *demo) prepare(ctx context.Context, l *loaded) error {
	backEnds, err := fixtures.StartBackEnds(ctx) // the definitions name the CRM
	if err != nil {
		return err
	}
	defer func() { _ = backEnds.Close() }() // the load's service calls none of them
	definitions, err := l.file("deploy.yaml")
	if err != nil {
		return err
	}
	if err := l.cluster.Import(ctx, backEnds.Env(), definitions); err != nil {
		return err
	}
	service, err := l.file("record/v1/record.star")
	if err != nil {
		return err
	}
	_, err = l.cluster.Deploy(ctx, service)
	return err
}

// page writes the report, and gives its path.
func (d *demo) page(done *report.Run, result *bench.Result, faults []string) (string, error) {
	page := report.Page{Title: "Parley: the tutorial, end to end", Subtitle: "Tests, hot deploy and load", Run: done, Faults: faults}
	if result != nil {
		fragment, err := benchreport.Fragment(result)
		if err != nil {
			return "", err
		}
		page.Sections = []report.Section{{Title: "Load", HTML: fragment, Scripts: benchreport.Scripts()}}
		page.Facts = []report.Fact{
			{Name: "requests under load", Value: fmt.Sprint(result.Sent)},
			{Name: "of them failed", Value: fmt.Sprint(result.Failed), Bad: result.Failed > 0},
		}
		if e := result.Executed; e != nil {
			page.Facts = append(page.Facts, report.Fact{Name: "lost", Value: fmt.Sprint(e.Lost), Bad: e.Lost > 0})
		}
	}
	if err := os.MkdirAll(d.out, 0o755); err != nil {
		return "", err
	}
	path := absolute(filepath.Join(d.out, "report.html"))
	return path, writeFile(path, page.WriteHTML)
}
