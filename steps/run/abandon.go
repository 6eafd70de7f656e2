package run

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/parley-run/parley/steps"
)

// How long a step may go on after Ctrl-C. Most end at once. One that holds processes or containers, such as a cluster
// that starts, is given the time to end them: abandoned, it would leave them behind.
const (
	graceOfMost    = 400 * time.Millisecond
	graceOfHolders = 30 * time.Second
)

// errAbandoned says that what was to be done has not ended, though the run is over, and that nobody waits for it.
var errAbandoned = errors.New("it did not end with the run")

// patiently does what may take long, such as a step. Where ctx has ended and it has not within grace, it is abandoned: it
// goes on beside, and what it uses must not be touched any more. A process that was interrupted ends soon after.
func patiently(ctx context.Context, grace time.Duration, do func() error) error {
	ended := make(chan error, 1)
	go func() {
		err := errors.New("the step ended its goroutine, as FailNow of a testing.T does; let it return an error")
		defer func() { ended <- err }()
		err = protected(do)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		return errAbandoned
	}
}

// graceOf is how long a line's step may go on when the run has been interrupted.
func graceOf(l *steps.Line) time.Duration {
	if l.Step().Holds {
		return graceOfHolders
	}
	return graceOfMost
}

// protected makes an error of a panic in a step, so that it fails one scenario and not the run.
func protected(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the step panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return do()
}
