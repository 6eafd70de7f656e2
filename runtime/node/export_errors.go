package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/export/sentry"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/starlark"
	"github.com/parley-run/parley/runtime/trace"
)

// reported holds the error of a request that was reported last, so that those who pass it on do not report it again.
type reported struct{ err error }

type reportedKey struct{}

func withReported(ctx context.Context) context.Context {
	if ctx.Value(reportedKey{}) != nil {
		return ctx
	}
	return context.WithValue(ctx, reportedKey{}, &reported{})
}

// report lets Sentry know of an internal error of a service. What a caller did wrong, or a system that the service called, is none.
func (e *exports) report(ctx context.Context, name string, req *service.Request, err error, now time.Time) {
	told := service.AsError(err)
	if told.Code != service.Internal || told.HTTPStatus() < http.StatusInternalServerError {
		return
	}
	seen, _ := ctx.Value(reportedKey{}).(*reported)
	if seen != nil && seen.err != nil && errors.Is(err, seen.err) {
		return
	}
	if seen != nil {
		seen.err = err
	}
	one := sentry.Error{At: now, CID: req.CID, Service: name, Channel: req.Channel, Message: err.Error(), Type: typeOf(err)}
	if known := (*service.Error)(nil); errors.As(err, &known) && known.Err != nil {
		one.Message += ": " + known.Err.Error()
	}
	var panicked *panicError
	switch {
	case errors.As(err, &panicked):
		one.Type, one.Message, one.Frames = "panic", fmt.Sprint(panicked.value), framesOf(panicked.at[:])
	default:
		for _, at := range starlark.Stack(err) {
			one.Frames = append(one.Frames, sentry.Frame{File: at.File, Function: at.Function, Line: at.Line, Column: at.Column, Own: at.File != ""})
		}
	}
	one.Message = one.Message[:min(len(one.Message), longestMessage)]
	if one.Trace, one.Span = trace.IDs(ctx); one.Trace == "" && len(req.CID) == 24 {
		one.Trace, one.Span = service.NewTraceID(req.CID), service.NewSpanID()
	}
	e.errors.Put(one)
}

// longestMessage is how much of an error waits to be sent.
const longestMessage = 8192

// typeOf is the type of the innermost error.
func typeOf(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Sprintf("%T", err)
		}
		err = inner
	}
}

// framesOf is a stack of Go, the outermost call first, from where the service was called on.
func framesOf(at []uintptr) []sentry.Frame {
	var out []sentry.Frame
	frames := runtime.CallersFrames(at)
	for {
		f, more := frames.Next()
		if f.Function == "" {
			break
		}
		own := !strings.HasPrefix(f.Function, "github.com/parley-run/parley/runtime/") && !strings.HasPrefix(f.Function, "runtime.")
		out = append([]sentry.Frame{{File: f.File, Function: f.Function, Line: f.Line, Own: own}}, out...)
		if !more {
			break
		}
	}
	return out
}
