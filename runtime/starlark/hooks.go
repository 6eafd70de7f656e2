package starlark

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/parley-run/parley/runtime/service"
)

// hooks are a service's functions around its handle; each may be nil. See service.Hooks.
type hooks struct {
	accept, beforeHandle, validateInput, validateOutput, afterHandle, finalizeHandle *starlark.Function

	requestHash *starlark.Function
}

// slots are the hooks by name.
func (h *hooks) slots() map[string]**starlark.Function {
	return map[string]**starlark.Function{
		"accept": &h.accept, "before_handle": &h.beforeHandle, "validate_input": &h.validateInput, "validate_output": &h.validateOutput,
		"after_handle": &h.afterHandle, "finalize_handle": &h.finalizeHandle, "get_request_hash": &h.requestHash,
	}
}

// functions are what makes up a service: its handle, those for verbs, and its hooks.
type functions struct {
	handle *starlark.Function
	verbs  map[string]*starlark.Function
	hooks  hooks
	hooked bool
}

const verbPrefix = "handle_"

// add takes a function by its name, and says whether there is a place for one of that name. One that is None is none.
func (f *functions) add(name string, v starlark.Value) (bool, error) {
	slot := f.hooks.slots()[name]
	verb, isVerb := strings.CutPrefix(name, verbPrefix)
	isVerb = isVerb && verb != "" && verb == strings.ToUpper(verb)
	if name != "handle" && !isVerb && slot == nil {
		return false, nil
	}
	if v == starlark.None {
		return true, nil
	}
	fn, ok := v.(*starlark.Function)
	if !ok || fn.NumParams() != 1 {
		return true, fmt.Errorf("%s must be a function of one parameter: def %s(self)", name, name)
	}
	switch {
	case name == "handle":
		f.handle = fn
	case slot != nil:
		*slot, f.hooked = fn, true
	default:
		if f.verbs == nil {
			f.verbs = map[string]*starlark.Function{}
		}
		f.verbs[verb] = fn
	}
	return true, nil
}

// first is the function that stands for the service in messages: its handle, or the first of those for verbs.
func (f *functions) first() *starlark.Function {
	if f.handle != nil || len(f.verbs) == 0 {
		return f.handle
	}
	return f.verbs[f.methods()[0]]
}

// methods are the verbs that the service takes, or none where it takes all.
func (f *functions) methods() []string {
	out := make([]string, 0, len(f.verbs))
	for verb := range f.verbs {
		out = append(out, verb)
	}
	slices.Sort(out)
	return out
}

// service is the functions as a service.
func (f *functions) service(name, doc string, shape *service.Shape) service.Service {
	h := &handler{service: name, fn: f.handle, verbs: f.verbs}
	if f.hooked {
		h.hooks = &f.hooks
	}
	s := service.Service{Name: name, Doc: doc, Shape: shape, Handler: h, Methods: f.methods()}
	if f.hooks.requestHash != nil {
		s.Hash = h.hash
	}
	return s
}

// hooked runs fn with the hooks around it, all of them on one self.
func (h *handler) hooked(ctx context.Context, inv *invocation, thread *starlark.Thread, fn *starlark.Function) error {
	call := func(name string, fn *starlark.Function) (starlark.Value, error) {
		v, err := starlark.Call(thread, fn, starlark.Tuple{self{inv}}, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, h.describe(ctx, err))
		}
		return v, nil
	}
	before := func(name string, fn *starlark.Function) func(context.Context, *service.Request) error {
		if fn == nil {
			return nil
		}
		return func(context.Context, *service.Request) error {
			_, err := call(name, fn)
			return err
		}
	}
	after := func(name string, fn *starlark.Function) func(context.Context, *service.Request, *service.Response) error {
		if fn == nil {
			return nil
		}
		return func(context.Context, *service.Request, *service.Response) error {
			_, err := call(name, fn)
			return err
		}
	}
	run := service.Hooks{
		BeforeHandle:   before("before_handle", h.hooks.beforeHandle),
		ValidateInput:  before("validate_input", h.hooks.validateInput),
		ValidateOutput: after("validate_output", h.hooks.validateOutput),
		AfterHandle:    after("after_handle", h.hooks.afterHandle),
	}
	if h.hooks.accept != nil {
		run.Accept = func(context.Context, *service.Request) (bool, error) {
			v, err := call("accept", h.hooks.accept)
			return err == nil && bool(v.Truth()), err
		}
	}
	if h.hooks.finalizeHandle != nil {
		run.FinalizeHandle = func(ctx context.Context, _ *service.Request, _ *service.Response, _ error) error {
			return h.finalize(ctx, inv)
		}
	}
	_, err := run.Run(ctx, inv.req, service.HandlerFunc(func(ctx context.Context, _ *service.Request) (*service.Response, error) {
		if _, err := starlark.Call(thread, fn, starlark.Tuple{self{inv}}, nil); err != nil {
			return nil, h.describe(ctx, err)
		}
		return nil, nil
	}))
	return err
}

// finalize runs finalize_handle, on a thread of its own: that of the request may have been cut off.
func (h *handler) finalize(ctx context.Context, inv *invocation) error {
	inv.ctx = ctx
	return h.alone(ctx, inv, h.hooks.finalizeHandle, func(starlark.Value) error { return nil })
}

// hash is what get_request_hash says: text, or None for a reply that is not to be kept.
func (h *handler) hash(ctx context.Context, req *service.Request) (key string, keep bool, err error) {
	inv := &invocation{ctx: ctx, service: h.service, req: req, runtime: service.CallFrom(ctx).Runtime}
	err = h.alone(ctx, inv, h.hooks.requestHash, func(v starlark.Value) error {
		if v == starlark.None {
			return nil
		}
		if key, keep = starlark.AsString(v); !keep {
			return fmt.Errorf("get_request_hash must return text, or None, not %s", v.Type())
		}
		return nil
	})
	return key, keep, err
}

// alone runs one function outside the order of a request.
func (h *handler) alone(ctx context.Context, inv *invocation, fn *starlark.Function, take func(starlark.Value) error) error {
	thread := inv.thread()
	stop := context.AfterFunc(ctx, func() { thread.Cancel(context.Cause(ctx).Error()) })
	defer stop()
	v, err := starlark.Call(thread, fn, starlark.Tuple{self{inv}}, nil)
	if err != nil {
		return h.describe(ctx, err)
	}
	if err := take(v); err != nil {
		return fmt.Errorf("%w, at %s", err, fn.Position())
	}
	return nil
}
