package node

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
	"github.com/parley-run/parley/runtime/stats"
)

// chain is what a channel calls: statistics, then rate limits and security, then what the channel itself puts there, then
// SimpleIO in the channel's format, then the service.
func (b *builder) chain(of *catalog.Object, c channel.Config, exposed channel.Exposed, e *entry, guard security.Guard) service.Handler {
	if e == nil {
		return service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) {
			return nil, &service.Error{
				Code: service.NotFound, Message: fmt.Sprintf("channel %q: its service %q is not deployed", of.Name, exposed.Name),
				Fix: "deploy the file that declares it",
			}
		})
	}
	n, base := b.node, c.Common()
	via := &service.Via{Kind: of.Kind, DataFormat: base.DataFormat}
	checked := sio.Wrap(n.dispatch(e, via), e.Shape, sio.Options{
		Format: base.DataFormat, Names: n.names, Service: e.Name, Conventions: &e.names.rules,
	})
	if w, ok := c.(channel.Within); ok {
		checked = w.Within(checked, exposed)
		b.keeps(of.Key(), checked)
	}
	checked = n.exports.tracer.Service(checked, e.Name)
	counted := n.counted(e.Name, b.ruled(n.verbs(e, checked), of.Name, e.Name, base, guard), n.stats.Channel(of.Name))
	return n.exports.tracer.Channel(counted, of.Kind, of.Name, e.Name)
}

// verbs refuses requests of verbs that the service does not take.
func (n *Node) verbs(e *entry, next service.Handler) service.Handler {
	if len(e.Methods) == 0 {
		return next
	}
	return service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
		if !e.Takes(req.Method) {
			return nil, &service.Error{
				Code: service.NotAllowed, Message: fmt.Sprintf("service %q does not take %s; it takes %s", e.Name, req.Method, strings.Join(e.Methods, ", ")),
				Bare: n.names.BareNotAllowed,
			}
		}
		return next.Handle(ctx, req)
	})
}

// counted is the outermost part of every way to a service. The request runs on the state that it entered on, or on the
// current one where it comes from no listener.
func (n *Node) counted(name string, next service.Handler, also ...*stats.Counter) service.Handler {
	counted := stats.Wrap(next, n.stats.Service(name), n.now, also...)
	return service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
		if stateFrom(ctx) == nil {
			s := n.enter()
			defer s.leave()
			ctx = context.WithValue(ctx, stateKey{}, s)
		}
		if n.exports.errors != nil {
			ctx = withReported(ctx)
		}
		res, err := counted.Handle(ctx, req)
		if err != nil && n.exports.errors != nil {
			n.exports.report(ctx, name, req, err, n.now())
		}
		if req.Finally != nil {
			n.finish(name, req, res, err)
		}
		return res, err
	})
}

// finish runs what a service left for after its request was counted.
func (n *Node) finish(name string, req *service.Request, res *service.Response, err error) {
	var panicked error
	defer func() {
		if panicked != nil {
			n.log.Error("a hook failed", "cid", req.CID, "service", name, "hook", "finalize_handle", "err", panicked)
		}
	}()
	defer recovered(name, &panicked)
	req.Finally(res, err)
}

// hash is a service's say on which requests are answered alike; nil where it has none.
func (n *Node) hash(e *entry) func(context.Context, *service.Request) (string, bool, error) {
	if e == nil || e.Hash == nil {
		return nil
	}
	return func(ctx context.Context, req *service.Request) (key string, keep bool, err error) {
		defer recovered(e.Name, &err)
		return e.Hash(n.calling(ctx, e, req), req)
	}
}

// dispatch runs a service. A panic in it is one failed request.
func (n *Node) dispatch(e *entry, via *service.Via) service.Handler {
	return service.HandlerFunc(func(ctx context.Context, req *service.Request) (res *service.Response, err error) {
		defer recovered(e.Name, &err)
		req.Via = via
		res, err = e.Handler.Handle(n.calling(ctx, e, req), req)
		if err == nil && res == nil {
			res = &service.Response{}
		}
		return res, err
	})
}

// recovered is deferred around what services do, here and nowhere else: their panics become err.
func recovered(name string, err *error) {
	if p := recover(); p != nil {
		panicked := &panicError{service: name, value: p, stack: debug.Stack()}
		runtime.Callers(3, panicked.at[:]) // of what called panic
		*err = panicked
	}
}

// panicError is a panic of a service.
type panicError struct {
	service string
	value   any
	stack   []byte
	at      [64]uintptr
}

func (e *panicError) Error() string {
	return fmt.Sprintf("service %q panicked: %v\n%s", e.service, e.value, e.stack)
}

// calling is ctx with what a service may ask for while it runs.
func (n *Node) calling(ctx context.Context, e *entry, req *service.Request) context.Context {
	caller := service.CallFrom(asCaller(ctx, e, req))
	return service.WithCall(ctx, &service.Call{
		CID: req.CID, Service: e.Name, Runtime: stateFrom(ctx), Log: n.log, Depth: caller.Depth + 1, Now: n.now, Request: req,
		Trace: n.traceOf(ctx, caller, req), Who: caller.Who,
	})
}
