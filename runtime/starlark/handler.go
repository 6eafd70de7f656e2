package starlark

import (
	"context"
	"errors"
	"fmt"

	"go.starlark.net/starlark"

	"github.com/parley-run/parley/runtime/service"
)

// handler runs a service's functions. Its globals are frozen, so it serves many goroutines at once.
type handler struct {
	service string
	fn      *starlark.Function            // handle; nil where there are only those of verbs
	verbs   map[string]*starlark.Function // handle_GET and the like, by verb; nil: none
	hooks   *hooks                        // nil: none
}

const invocationKey = "parley.invocation"

// invocation is one run of a service.
type invocation struct {
	ctx      context.Context //nolint:containedctx // a Starlark built-in gets no context; this is its way to it
	service  string
	req      *service.Request
	runtime  service.Runtime
	response response
	environ  *starlark.Dict
	payload  starlark.Value
	input    starlark.Value
}

// Handle runs the service until it returns, fails, or ctx ends: a loop that never ends is cut off there.
func (h *handler) Handle(ctx context.Context, req *service.Request) (*service.Response, error) {
	fn, err := h.pick(req.Method)
	if err != nil {
		return nil, err
	}
	inv := &invocation{ctx: ctx, service: h.service, req: req, runtime: service.CallFrom(ctx).Runtime}
	thread := inv.thread()
	stop := context.AfterFunc(ctx, func() { thread.Cancel(context.Cause(ctx).Error()) })
	defer stop()
	if h.hooks != nil {
		if err := h.hooked(ctx, inv, thread, fn); err != nil {
			return nil, err
		}
		return inv.response.build()
	}
	if _, err := starlark.Call(thread, fn, starlark.Tuple{self{inv}}, nil); err != nil {
		return nil, h.describe(ctx, err)
	}
	return inv.response.build()
}

// pick is the function for that verb.
func (h *handler) pick(verb string) (*starlark.Function, error) {
	if h.verbs == nil {
		return h.fn, nil
	}
	if fn := h.verbs[verb]; fn != nil {
		return fn, nil
	}
	if fn := h.verbs["GET"]; fn != nil && verb == "HEAD" {
		return fn, nil
	}
	if verb == "" && h.fn != nil {
		return h.fn, nil
	}
	if verb == "" {
		return nil, service.Errorf(service.Internal, "service %q has functions for verbs alone, and was called without one; it needs def handle(self) too", h.service)
	}
	return nil, service.Errorf(service.NotAllowed, "service %q has no handle_%s", h.service, verb)
}

func (inv *invocation) thread() *starlark.Thread {
	thread := &starlark.Thread{Name: inv.service, Print: inv.print}
	thread.SetLocal(invocationKey, inv)
	return thread
}

// describe is err for the caller and, beneath, with the Starlark call stack for the log.
func (h *handler) describe(ctx context.Context, err error) error {
	place := stackOf(err)
	at := &stacked{text: place}
	if evalErr := (*starlark.EvalError)(nil); errors.As(err, &evalErr) {
		at.stack = evalErr.CallStack
	}
	var known *service.Error
	switch {
	case errors.As(err, &known):
		described := *known
		described.Err = at
		if known.Err != nil {
			described.Err = fmt.Errorf("%w: %w", at, known.Err)
		}
		return &described
	case ctx.Err() != nil:
		return &service.Error{
			Code: service.Timeout, Message: fmt.Sprintf("service %q did not answer before the request's deadline", h.service), Err: at,
		}
	default:
		return fmt.Errorf("%w %s", err, place)
	}
}

func (inv *invocation) print(_ *starlark.Thread, text string) {
	inv.logger().InfoContext(inv.ctx, "print", "text", text)
}
