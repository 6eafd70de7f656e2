package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/parley-run/parley/apitest"
	"github.com/parley-run/parley/steps/project"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

func runCommand() *cobra.Command {
	flags := &runFlags{}
	cmd := &cobra.Command{
		Use:   "run PATH...",
		Short: "Run feature files, or the project of a folder",
		Long: `Runs the scenarios of feature files. PATH is a file, a folder, a project with its settings (apitest.yaml, or the
config.ini of zato-apitest), or file.feature:12 for the scenario on that line.

Every setting can be a flag, an environment variable such as APITEST_TAGS, or a key of apitest.yaml: a flag goes before the
environment, and that before the file. In a project of zato-apitest the options of behave are understood as well.

Exit code: 0 all passed; 1 a scenario failed; 2 wrong usage, or a file that cannot be understood (the others run all the
same); 5 nothing was selected; 130 interrupted.`,
		Example: `  apitest run features/
  apitest run features/tutorial.feature:23
  apitest run . --tags "@smoke and not @slow" --format progress,junit,html --out reports
  apitest run . --rerun-failed`,

		DisableFlagParsing: true, // options of behave may stand among ours
		RunE:               flags.parse,
	}
	flags.add(cmd)
	return cmd
}

// runFlags are the flags of run: those that are settings are kept as they were written.
type runFlags struct {
	rerun bool
}

// settingFlags are the flags that are settings of a project, with their names there.
func settingFlags() []struct{ flag, setting, kind, doc string } {
	return []struct{ flag, setting, kind, doc string }{
		{"tags", "tags", "text", `which scenarios, by their tags: "@smoke and not @slow"`},
		{"name", "name", "list", "which scenarios, by a regular expression in their name; may be repeated"},
		{"parallel", "parallel", "text", "how many scenarios run at once; 0: as many as there are CPUs"},
		{"fail-fast", "fail_fast", "switch", "begin no scenario after one has failed"},
		{"dry-run", "dry_run", "switch", "look every step up, do none"},
		{"format", "format", "text", "pretty or progress on the terminal, and any of junit, cucumber, html, github; name:file for a file of your choice"},
		{"out", "out", "text", "folder for the files of formats"},
		{"shuffle", "shuffle", "switch", "run scenarios in an order that --seed decides"},
		{"seed", "seed", "text", "number that decides the order and random values; a run prints its own"},
		{"retries", "retries", "text", "how often a scenario that fails is run again; one that passes then is FLAKY"},
		{"allow-empty", "allow_empty", "switch", "that nothing was selected is no failure"},
		{"state", "state", "text", "how long what a scenario says holds: scenario or feature"},
		{"timeout", "timeout", "text", `how long a request may take, such as 10s`},
		{"color", "color", "text", "colours: auto, always or never"},
	}
}

func (r *runFlags) add(cmd *cobra.Command) {
	for _, f := range settingFlags() {
		switch f.kind {
		case "switch":
			cmd.Flags().Bool(f.flag, false, f.doc)
		case "list":
			cmd.Flags().StringArray(f.flag, nil, f.doc)
		default:
			cmd.Flags().String(f.flag, "", f.doc)
		}
	}
	cmd.Flags().BoolVar(&r.rerun, "rerun-failed", false, "run those scenarios only that failed the last time")
}

// settings are those of the project, then of the environment, then of the command line.
func (r *runFlags) settings(cmd *cobra.Command, p *project.Project, behave []string) (project.Settings, error) {
	s := p.Settings
	if err := s.Environment(os.LookupEnv); err != nil {
		return s, err
	}
	more, err := behaveSettings(p, behave)
	if err != nil {
		return s, err
	}
	s.Merge(more)
	for _, f := range settingFlags() {
		if !cmd.Flags().Changed(f.flag) {
			continue
		}
		values := []string{cmd.Flags().Lookup(f.flag).Value.String()}
		if f.kind == "list" {
			values, _ = cmd.Flags().GetStringArray(f.flag) // empty for one that is empty
		}
		before := s
		err := s.Set(f.setting, values...)
		if p.Zato && f.kind == "text" && (err != nil || f.flag == "tags" && !strings.ContainsAny(values[0], " ()")) {
			// The flag may be meant as behave has it, such as --tags @a,~@b.
			if more, asBehave := project.BehaveOptions([]string{"--" + f.flag, values[0]}); asBehave == nil {
				s, err = before, nil
				s.Merge(more)
			}
		}
		if err != nil {
			return s, fmt.Errorf("--%s: %w", f.flag, errors.Unwrap(err))
		}
	}
	return s, nil
}

// parse reads the command line, and runs what it says.
func (r *runFlags) parse(cmd *cobra.Command, args []string) error {
	ours, behave := splitBehave(cmd.Flags(), args)
	if err := cmd.Flags().Parse(ours); err != nil {
		return fmt.Errorf("%w; see: apitest run --help", withHint(cmd.Flags(), err))
	}
	if help, _ := cmd.Flags().GetBool("help"); help {
		return cmd.Help()
	}
	if cmd.Flags().NArg() == 0 {
		return errors.New("give the path of a feature file, of a folder with such, or of a project; see: apitest run --help")
	}
	return r.run(cmd, cmd.Flags().Args(), behave)
}

// withHint names the flag that may have been meant in the place of one that nobody knows.
func withHint(flags *pflag.FlagSet, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var known []string
	flags.VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	return fmt.Errorf("%w%s", err, project.DidYouMean("--"+unknown.GetSpecifiedName(), known))
}

func (r *runFlags) run(cmd *cobra.Command, paths, behave []string) error {
	p, err := project.Find(paths...)
	if err != nil {
		return err
	}
	settings, err := r.settings(cmd, p, behave)
	if err != nil {
		return err
	}
	options := apitest.Configure(p, settings)
	last := lastRun(p.Root)
	if r.rerun {
		if options.Only, err = last.failed(); err != nil {
			return err
		}
	}
	outputs, err := newOutputs(cmd.OutOrStdout(), settings)
	if err != nil {
		return err
	}
	if err := outputs.prepare(); err != nil {
		return err
	}
	options.Sink = outputs.console
	options.Steps.Log = func(format string, values ...any) { _, _ = fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", values...) }
	done, err := run.Features(cmd.Context(), options)
	if done != nil {
		err = errors.Join(err, outputs.write(done))
		if !done.DryRun && !done.Interrupted {
			last.keep(run.Locations(done))
		}
		if p.Zato && done.Scenarios().Undefined > 0 {
			tellPython(cmd.ErrOrStderr(), p.Root)
		}
	}
	if errors.Is(err, run.ErrNothing) && settings.AllowEmpty {
		_, _ = fmt.Fprintln(cmd.OutOrStdout(), err)
		return nil
	}
	return verdict(done, err)
}

// verdict is the error with the exit code of a run, or nil.
func verdict(done *report.Run, err error) error {
	var usage *run.UsageError
	switch {
	case errors.Is(err, context.Canceled):
		return &exit{code: exitInterrupted, err: errors.New("interrupted"), silent: done != nil}
	case errors.Is(err, run.ErrNothing):
		return &exit{code: exitNothing, err: err}
	case errors.As(err, &usage):
		return &exit{code: exitUsage, err: err}
	case err != nil:
		return &exit{code: exitFailed, err: err}
	case len(done.Faults) > 0:
		return &exit{code: exitUsage, err: errors.New("not all could be run"), silent: true}
	case !done.Passed():
		return &exit{code: exitFailed, err: errors.New("scenarios failed"), silent: true}
	}
	return nil
}

// newConsole writes in colour, and as wide as it is, where out is a terminal; without colour where NO_COLOR is set.
func newConsole(out io.Writer) *report.Console {
	c := &report.Console{Out: out}
	f, isFile := out.(*os.File)
	if !isFile {
		return c
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return c // no terminal
	}
	c.Terminal, c.Color, c.Width = true, os.Getenv("NO_COLOR") == "", int(size.Col)
	return c
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
