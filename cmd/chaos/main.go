// Command chaos brings faults on clusters under load and says what that did to the requests: F1 to F18 of the project's
// promises, each with a number. With --prove it takes the safeguard out of each check in turn, and the check must fail.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/fixtures"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command().ExecuteContext(ctx)
	interrupted := ctx.Err() != nil
	stop()
	os.Exit(exitCode(err, interrupted))
}

// Exit codes, the same in every command of the project.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// errBroken says that a promise was not kept, or that a check did not notice.
var errBroken = errors.New("not all is as promised")

func exitCode(err error, interrupted bool) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "chaos:", err)
	switch {
	case interrupted:
		return exitInterrupted
	case errors.Is(err, errBroken):
		return exitFailed
	}
	return exitUsage
}

// check is one fault and what must hold while it is there. A file each; checks lists them.
type check struct {
	name  string // such as F1
	title string // what is done, with its number: "100 deploys"
	needs string // what must be installed, as PARLEY_REQUIRE calls it; empty: nothing
	// do brings the fault on and says what came of it. The error is of what kept it from that.
	do func(ctx context.Context, e *env) (*outcome, error)
	// prove is what --prove takes out: in words. e.sabotage says so to do.
	prove string
}

// checks are all that there are, in the order in which they run.
func checks() []check {
	return []check{
		deploys(), embeddedDeploys(), broken(), cycles(), kills(), databaseRestarts(), hints(), cutOff(), pausedHolder(),
		rolling(), upgrades(), reloads(), haproxyKilled(), restored(), emptyImports(),
	}
}

func command() *cobra.Command {
	e := &env{counts: map[string]string{}}
	var only []string
	var set, out string
	var prove, list bool
	c := &cobra.Command{
		Use:           "chaos",
		Short:         "Bring faults on clusters under load, and say what that did to the requests",
		Args:          cobra.NoArgs,
		SilenceErrors: true, SilenceUsage: true,
		RunE: func(c *cobra.Command, _ []string) error {
			chosen, err := choose(only)
			if err != nil {
				return err
			}
			if list {
				for _, one := range chosen {
					_, _ = fmt.Fprintf(c.OutOrStdout(), "%-4s %s\n", one.name, one.title) // a closed terminal is no fault
				}
				return nil
			}
			if err := e.prepare(c.Context(), set); err != nil {
				return err
			}
			e.out = c.OutOrStdout()
			return e.run(c.Context(), chosen, prove, out)
		},
	}
	c.Flags().StringSliceVar(&only, "only", nil, "these checks, such as F1,F11")
	c.Flags().StringVar(&set, "set", os.Getenv("PARLEY_CHAOS"), "counts and lengths in place of those of every commit, such as F1=2000,stall=30s; default: PARLEY_CHAOS")
	c.Flags().StringVar(&out, "out", "", "write the table to this file, too, as Markdown")
	c.Flags().BoolVar(&prove, "prove", false, "take the safeguard out of each check: the check must fail")
	c.Flags().BoolVar(&list, "list", false, "say what there is")
	c.AddCommand(holderCommand())
	return c
}

func choose(only []string) ([]check, error) {
	all := checks()
	if len(only) == 0 {
		return all, nil
	}
	var chosen []check
	for _, name := range only {
		i := slices.IndexFunc(all, func(c check) bool { return strings.EqualFold(c.name, name) })
		if i < 0 {
			return nil, fmt.Errorf("--only %s: there is no such check; --list says which there are", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// env is what checks run with.
type env struct {
	binary   string
	counts   map[string]string
	sabotage bool // the safeguard is to be taken out
	out      io.Writer
}

// prepare finds the parley command and reads the counts.
func (e *env) prepare(_ context.Context, set string) (err error) {
	for one := range strings.SplitSeq(set, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		name, value, found := strings.Cut(one, "=")
		if !found || value == "" {
			return fmt.Errorf("--set %s: write it like F1=2000 or stall=30s", one)
		}
		e.counts[name] = value
	}
	e.binary, err = fixtures.Binary()
	return err
}

// times is how often, unless --set says otherwise. Under --prove a few are enough.
func (e *env) times(name string, usual int) int {
	if e.sabotage {
		usual = min(usual, 20)
	}
	if n, err := strconv.Atoi(e.counts[name]); err == nil && n > 0 {
		return n
	}
	return usual
}

// rate is requests a second.
func (e *env) rate(name string, usual int) float64 {
	if n, err := strconv.ParseFloat(e.counts[name], 64); err == nil && n > 0 {
		return n
	}
	return float64(usual)
}

// lasting is times for how long.
func (e *env) lasting(name string, usual time.Duration) time.Duration {
	if d, err := time.ParseDuration(e.counts[name]); err == nil && d > 0 {
		return d
	}
	return usual
}

func (e *env) say(format string, values ...any) {
	_, _ = fmt.Fprintf(e.out, format+"\n", values...) // a closed terminal is no fault
}

// run runs the checks and prints the table. Its error is errBroken where one is not as it should be.
func (e *env) run(ctx context.Context, chosen []check, prove bool, out string) error {
	t := &table{proving: prove}
	e.sabotage = prove
	for _, c := range chosen {
		if prove && c.prove == "" {
			continue
		}
		what := c.title
		if prove {
			what = c.prove
		}
		e.say("%s: %s", c.name, what)
		began := time.Now()
		o, err := c.do(ctx, e)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		row := newLine(c, what, o, err, time.Since(began), prove)
		t.rows = append(t.rows, row)
		e.say("%s: %s after %.1f s%s", c.name, row.verdict, row.took.Seconds(), row.why("\n  "))
		if row.bad && o != nil && o.result != nil {
			o.result.Name = c.name
			_ = o.result.WriteText(e.out) // as say
		}
	}
	e.say("\n%s", t.text())
	if out != "" {
		if err := os.WriteFile(out, []byte(t.markdown()), 0o644); err != nil {
			return err
		}
	}
	if t.bad() {
		return errBroken
	}
	return nil
}
