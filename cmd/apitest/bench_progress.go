package main

import (
	"fmt"
	"io"
	"os"

	"github.com/parley-run/parley/bench"
)

// newProgress tells how a load goes: in a terminal by one line that changes, elsewhere by a line a second.
func newProgress(w io.Writer) func(bench.Progress) {
	terminal := false
	if f, is := w.(*os.File); is {
		info, err := f.Stat()
		terminal = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	return func(now bench.Progress) {
		if !terminal {
			printProgress(w, now)
			return
		}
		if now.Event != nil {
			_, _ = fmt.Fprint(w, "\r\x1b[K")
			printProgress(w, now)
			return
		}
		at := fmt.Sprintf("%.0f s", now.At.Seconds())
		if now.At < 0 {
			at = "warming up"
		}
		_, _ = fmt.Fprintf(w, "\r\x1b[K%s  %d sent  %d/s  p50 %s  p99 %s  failed %d  unknown %d", at, now.Sent, now.Last.Sent,
			bench.FormatMS(now.Times.P50), bench.FormatMS(now.Times.P99), now.Failed, now.Unknown)
		if now.Total > 0 && now.Sent >= now.Total {
			_, _ = fmt.Fprintln(w)
		}
	}
}

func printProgress(w io.Writer, now bench.Progress) {
	if now.Event == nil {
		of := ""
		if now.Total > 0 {
			of = fmt.Sprintf(" of %d", now.Total)
		}
		_, _ = fmt.Fprintf(w, "%7.1f s  %d%s sent, %d failed, %d unknown\n", now.At.Seconds(), now.Sent, of, now.Failed, now.Unknown)
		return
	}
	what := "begins"
	if now.Ended {
		what = "done in " + bench.FormatMS(now.Event.Took)
	}
	if now.Event.Error != "" {
		what = "FAILED: " + now.Event.Error
	}
	_, _ = fmt.Fprintf(w, "%7.1f s  %s: %s\n", now.At.Seconds(), now.Event.Label, what) // progress only: the run goes on
}
