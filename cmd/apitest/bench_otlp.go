package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/otlp"
)

// receiverOf is where results go: as told, else as the environment says. nil: nowhere.
func receiverOf(told string) (*otlp.Receiver, error) {
	r, err := otlp.Find(told, os.Getenv)
	if err != nil {
		return nil, &exit{code: exitUsage, err: err}
	}
	if r != nil {
		r.Version = version()
	}
	return r, nil
}

// sendBench sends a result. Where that fails a warning says so: the run and its exit code stay what they are.
func sendBench(ctx context.Context, stderr io.Writer, to *otlp.Receiver, res *bench.Result) {
	if to == nil || ctx.Err() != nil { // one that was broken off is nobody's measurement
		return
	}
	if err := to.Send(ctx, res); err != nil {
		_, _ = fmt.Fprintf(stderr, "warning: the result was not sent to OpenTelemetry, all else is done: %v\n", err)
	}
}
