package figures

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes, the same in every command of the project. A target that is not met is no failure: no test is timed.
const (
	exitUsage       = 2
	exitInvalid     = 3
	exitInterrupted = 130
)

// Invalid is a measurement that could not be made.
type Invalid struct{ Err error }

func (e Invalid) Error() string { return "could not measure: " + e.Err.Error() }

// Unwrap gives the cause.
func (e Invalid) Unwrap() error { return e.Err }

// Main runs a benchmark's command until it ends or is interrupted, says on standard error what went wrong, and gives the
// exit code: 0 measured, 2 wrong usage, 3 could not measure (Invalid), 130 interrupted.
func Main(c *cobra.Command) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := c.ExecuteContext(ctx)
	return ExitCode(os.Stderr, c.Name(), err, ctx.Err() != nil)
}

// ExitCode says on w what went wrong with the command of that name, and gives its exit code.
func ExitCode(w io.Writer, name string, err error, interrupted bool) int {
	switch {
	case err == nil:
		return 0
	case interrupted:
		return exitInterrupted
	}
	say(w, "%s: %v", name, err)
	if errors.As(err, &Invalid{}) {
		return exitInvalid
	}
	return exitUsage
}
