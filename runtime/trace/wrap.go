package trace

import (
	"context"
	"errors"

	"github.com/parley-run/parley/runtime/service"
)

// Channel makes a span of each request that a channel of that kind and name takes for a service. It goes outermost.
func (t *Tracer) Channel(next service.Handler, kind, name, of string) service.Handler {
	if t == nil {
		return next
	}
	always := []Attribute{{"parley.channel", name}, {"parley.channel.kind", kind}, {"parley.service", of}}
	return t.wrap(next, name, always, func(req *service.Request) (Kind, []Attribute) {
		if req.Method == "" {
			return Consumer, nil
		}
		return Server, []Attribute{{"http.request.method", methodOf(req.Method)}}
	})
}

// methodOf is a method as spans have it: https://opentelemetry.io/docs/specs/semconv/attributes-registry/http/.
func methodOf(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY":
		return method
	}
	return "_OTHER"
}

// Service makes a span of each request that a service of that name answers.
func (t *Tracer) Service(next service.Handler, name string) service.Handler {
	if t == nil {
		return next
	}
	return t.wrap(next, name, []Attribute{{"parley.service", name}}, func(*service.Request) (Kind, []Attribute) { return Internal, nil })
}

func (t *Tracer) wrap(next service.Handler, name string, always []Attribute, of func(*service.Request) (Kind, []Attribute)) service.Handler {
	return service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
		if outer := from(ctx); outer != nil && !outer.sampled {
			return next.Handle(ctx, req) // who is called goes by what is outside
		}
		in, parent := t.begin(ctx, req, req.CID)
		ctx = context.WithValue(ctx, activeKey{}, in)
		if !in.sampled {
			return next.Handle(ctx, req)
		}
		kind, more := of(req)
		s := Span{Trace: in.trace, ID: in.span, Parent: parent, State: stateOf(in), Name: name, Kind: kind, CID: req.CID, Start: t.Now()}
		res, err := next.Handle(ctx, req)
		s.End = t.Now()
		s.Attributes = make([]Attribute, 0, len(always)+len(more)+1)
		s.Attributes = append(append(s.Attributes, always...), more...)
		status := 200
		switch {
		case err != nil:
			status = service.AsError(err).HTTPStatus()
		case res != nil && res.Status != 0:
			status = res.Status
		}
		if len(more) > 0 {
			s.Attributes = append(s.Attributes, Attribute{"http.response.status_code", int64(status)})
		}
		// Of a server a refusal is no failure of its own: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status
		if status >= 500 || err != nil && kind == Internal {
			s.fail(err)
		}
		t.Ended(s)
		return res, err
	})
}

// Call makes a span of each call of an outgoing connection of that kind and name. What the connection sends names it as the parent.
func (t *Tracer) Call(next service.Outconn, kind, name string) service.Outconn {
	if t == nil {
		return next
	}
	return &traced{t, next, kind, name}
}

type traced struct {
	tracer     *Tracer
	next       service.Outconn
	kind, name string
}

func (c *traced) Call(ctx context.Context, method string, args []any, kwargs map[string]any) (any, error) {
	if outer := from(ctx); outer == nil || !outer.sampled { // of no request, such as a ping by an operator, or of one that leaves no spans
		return c.next.Call(ctx, method, args, kwargs)
	}
	call := *service.CallFrom(ctx)
	in, parent := c.tracer.begin(ctx, nil, call.CID)
	call.Trace = in.passed(true)
	ctx = context.WithValue(service.WithCall(ctx, &call), activeKey{}, in)
	s := Span{Trace: in.trace, ID: in.span, Parent: parent, State: stateOf(in), Name: c.name + " " + method, Kind: Client, CID: call.CID, Start: c.tracer.Now()}
	out, err := c.next.Call(ctx, method, args, kwargs)
	s.End = c.tracer.Now()
	s.Attributes = []Attribute{{"parley.outconn", c.name}, {"parley.outconn.kind", c.kind}, {"parley.outconn.method", method}}
	status := int64(0)
	if reply, ok := out.(service.Attrs); ok && err == nil {
		v, _ := reply.Attr("status_code")
		if status, _ = v.(int64); status > 0 {
			s.Attributes = append(s.Attributes, Attribute{"http.response.status_code", status})
		}
	}
	switch {
	case err != nil:
		s.fail(err)
	case status >= 400:
		s.fail(errors.New(""))
	}
	c.tracer.Ended(s)
	return out, err
}
