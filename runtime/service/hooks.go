package service

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Hooks are functions around a service, each of which may be nil. A request that reached the service, its input decoded
// and checked, runs them in this order:
//
//	Accept, BeforeHandle, ValidateInput, the service, ValidateOutput, AfterHandle
//
// and FinalizeHandle once it was counted in the statistics. Names and order are those of Zato's services. Each is called
// from many goroutines at once.
type Hooks struct {
	// Accept says whether the request goes on. One that does not is answered 400, over HTTP with an empty body; of the
	// other hooks, FinalizeHandle alone runs.
	Accept func(ctx context.Context, req *Request) (bool, error)
	// BeforeHandle prepares. Its error is logged, and the request goes on.
	BeforeHandle func(ctx context.Context, req *Request) error
	// ValidateInput checks more than the Shape can say. Its error ends the request.
	ValidateInput func(ctx context.Context, req *Request) error
	// ValidateOutput checks or changes what the service answered. Its error ends the request.
	ValidateOutput func(ctx context.Context, req *Request, res *Response) error
	// AfterHandle runs where all before it went well. Its error is logged.
	AfterHandle func(ctx context.Context, req *Request, res *Response) error
	// FinalizeHandle runs whatever happened, with what came of it. Its error is logged. ctx has a time of its own.
	FinalizeHandle func(ctx context.Context, req *Request, res *Response, err error) error
	// RequestHash, for channels that keep replies, names what a reply depends on, in place of its method, address and
	// body. It is asked before the input is decoded. keep false: this reply is not to be kept. Its error is logged, and
	// the request is answered as if there were no kept replies.
	RequestHash func(ctx context.Context, req *Request) (key string, keep bool, err error)
}

// finalizeTime is what FinalizeHandle may take. The request's own deadline may have passed when it begins.
const finalizeTime = 5 * time.Second

// WithHooks is s with hooks around it.
func (s Service) WithHooks(h Hooks) Service {
	inner := s.Handler
	s.Hash = h.RequestHash
	s.Handler = HandlerFunc(func(ctx context.Context, req *Request) (*Response, error) { return h.Run(ctx, req, inner) })
	return s
}

// WithMethods is s, taking the protocol's verbs of that name alone, such as GET (HEAD with it) and POST. Others are
// answered 405.
func (s Service) WithMethods(methods ...string) Service {
	s.Methods = methods
	return s
}

// Run is next with the hooks around it, but for FinalizeHandle: that is left in req.Finally.
func (h Hooks) Run(ctx context.Context, req *Request, next Handler) (*Response, error) {
	if h.FinalizeHandle != nil {
		req.Finally = func(res *Response, err error) {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finalizeTime)
			defer cancel()
			swallow(ctx, req, "finalize_handle", h.FinalizeHandle(ctx, req, res, err))
		}
	}
	if h.Accept != nil {
		accepted, err := h.Accept(ctx, req)
		if err != nil {
			return nil, err
		}
		if !accepted {
			return nil, &Error{Code: Invalid, Message: "the service did not accept the request", Bare: true}
		}
	}
	if h.BeforeHandle != nil {
		if err := h.BeforeHandle(ctx, req); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			swallow(ctx, req, "before_handle", err)
		}
	}
	if h.ValidateInput != nil {
		if err := h.ValidateInput(ctx, req); err != nil {
			return nil, err
		}
	}
	res, err := next.Handle(ctx, req)
	if err != nil {
		return nil, err
	}
	if res == nil {
		res = &Response{}
	}
	if h.ValidateOutput != nil {
		if err := h.ValidateOutput(ctx, req, res); err != nil {
			return nil, err
		}
	}
	if h.AfterHandle != nil {
		if err := h.AfterHandle(ctx, req, res); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			swallow(ctx, req, "after_handle", err)
		}
	}
	return res, nil
}

// swallow logs a hook's error that ends nothing.
func swallow(ctx context.Context, req *Request, hook string, err error) {
	if err == nil {
		return
	}
	call := CallFrom(ctx)
	log := call.Log
	if log == nil {
		log = slog.Default()
	}
	cause := err.Error()
	var known *Error
	if errors.As(err, &known) && known.Err != nil {
		cause += ": " + known.Err.Error()
	}
	log.ErrorContext(ctx, "a hook failed", "cid", req.CID, "service", call.Service, "hook", hook, "err", cause)
}
