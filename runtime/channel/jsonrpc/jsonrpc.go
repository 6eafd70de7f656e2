// Package jsonrpc is the channel_json_rpc kind: services over JSON-RPC 2.0 (https://www.jsonrpc.org/specification) by
// HTTP POST, one or several behind one channel.
//
// A request, a notification or a batch is one HTTP request with one CID, which each of its calls carries. The status is
// 200 where there is a reply and 204 where there is none; it is another one only where the request never came as far as a
// method: its body is too large, or security refused all of its calls.
package jsonrpc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/service"
)

// Kind is the row of this kind in the node's table.
func Kind() channel.Kind {
	return channel.Define("channel_json_rpc", "services over JSON-RPC 2.0 by HTTP POST", Defaults(), New)
}

// New builds the channel.
func New(c Config, d channel.Deps) (channel.Channel, error) {
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	built := &rpc{
		config: c, deps: d, log: log.With(slog.String("channel", d.Name)), methods: make(map[string]channel.Exposed, len(c.Methods)+1),
		body: channel.Body{Channel: d.Name, Max: c.MaxBody, Timeout: c.Timeout.Std()},
	}
	byName := make(map[string]channel.Exposed, len(d.Services))
	for _, s := range d.Services {
		byName[s.Name] = s
	}
	if c.Service != "" {
		built.methods[c.Service] = byName[c.Service]
	}
	for method, name := range c.Methods {
		built.methods[method] = byName[name]
	}
	return built, nil
}

type rpc struct {
	config  Config
	deps    channel.Deps
	log     *slog.Logger
	methods map[string]channel.Exposed
	body    channel.Body
}

// Route is where the channel wants to be mounted.
func (c *rpc) Route() channel.Route {
	return channel.Route{Methods: []string{http.MethodPost}, Path: c.config.URLPath}
}

// answer is what came of one call.
type answer struct {
	result   any
	fault    *fault
	err      error          // beneath fault, for the log
	refused  *service.Error // security refused the call
	answered bool           // a service was asked
}

// ServeHTTP answers one HTTP request.
func (c *rpc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cid := service.NewCID()
	w.Header().Set(c.deps.Names.CIDHeader, cid)
	ctx, cancel := context.WithTimeout(r.Context(), c.config.Timeout.Std())
	defer cancel()
	raw, err := c.body.Read(ctx, w, r)
	if err != nil {
		f := faultOf(cid, err)
		c.whole(ctx, w, cid, service.AsError(err).HTTPStatus(), f, err)
		return
	}
	calls, count, isBatch, err := parse(raw, c.config.MaxBatch)
	switch {
	case err != nil:
		c.whole(ctx, w, cid, http.StatusOK, parseError(), err)
		return
	case count == 0:
		c.whole(ctx, w, cid, http.StatusOK, invalidRequest(), errors.New("the batch is empty"))
		return
	case count > c.config.MaxBatch:
		f := invalidRequest()
		f.data = service.ObjectOf("cid", cid, "details", fmt.Sprintf("the batch holds %d calls; the limit is %d", count, c.config.MaxBatch))
		c.whole(ctx, w, cid, http.StatusOK, f, errors.New("the batch is too long"))
		return
	}
	answers := c.answers(ctx, r, cid, calls)
	c.send(ctx, w, cid, calls, answers, isBatch)
}

// answers are those of all calls, in their order.
func (c *rpc) answers(ctx context.Context, r *http.Request, cid string, calls []call) []answer {
	out := make([]answer, len(calls))
	if len(calls) == 1 {
		out[0] = c.logged(ctx, r, cid, &calls[0])
		return out
	}
	var workers errgroup.Group
	workers.SetLimit(c.config.BatchWorkers)
	for i := range calls {
		workers.Go(func() error {
			own := r.WithContext(ctx)
			own.Header = r.Header.Clone() // a handler may change what its request holds
			out[i] = c.logged(ctx, own, cid, &calls[i])
			return nil
		})
	}
	_ = workers.Wait() // none of them fails
	return out
}

// logged answers one call and writes the one line that it leaves.
func (c *rpc) logged(ctx context.Context, r *http.Request, cid string, one *call) answer {
	start := time.Now()
	a := c.answer(ctx, r, cid, one)
	level, code := slog.LevelInfo, int64(0)
	if a.fault != nil {
		if code = a.fault.code; code == codeInternal || code < -32050 && code >= -32099 {
			level = slog.LevelError
		}
	}
	if !c.log.Enabled(ctx, level) {
		return a
	}
	attrs := []slog.Attr{
		slog.String("cid", cid), slog.String("service", c.methods[one.method].Name), slog.String("method", one.method[:min(len(one.method), 200)]),
		slog.Int64("code", code), slog.Float64("ms", float64(time.Since(start).Microseconds())/1000),
	}
	if a.err != nil {
		attrs = append(attrs, slog.String("err", causeOf(a.err)))
	}
	c.log.LogAttrs(ctx, level, "request", attrs...)
	return a
}

// answer asks the service. A panic must not leave the goroutine of a batch's call: it would end the server.
func (c *rpc) answer(ctx context.Context, r *http.Request, cid string, one *call) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			err := fmt.Errorf("method %q panicked: %v\n%s", one.method, p, debug.Stack())
			a = answer{fault: faultOf(cid, err), err: err}
		}
	}()
	if one.fault != nil {
		return answer{fault: one.fault}
	}
	method, known := c.methods[one.method]
	if !known {
		return answer{fault: methodNotFound()}
	}
	payload, err := one.payload(method.Shape)
	if err != nil {
		return answer{fault: faultOf(cid, err), err: err}
	}
	if err := ctx.Err(); err != nil {
		return c.failed(ctx, cid, method.Name, err)
	}
	res, err := method.Handle.Handle(ctx, &service.Request{
		CID: cid, Channel: c.deps.Name, Method: r.Method, Path: r.URL.Path, Header: r.Header, Raw: one.raw, Payload: payload,
		Remote: r.RemoteAddr, TLS: r.TLS,
	})
	switch {
	case err != nil:
		return c.failed(ctx, cid, method.Name, err)
	case res == nil:
		return answer{answered: true}
	case res.Raw != nil:
		res.Payload = string(res.Raw)
	}
	if res.Status >= http.StatusBadRequest {
		return answer{answered: true, fault: faultOfStatus(cid, res.Status, res.Payload)}
	}
	return answer{answered: true, result: res.Payload}
}

// failed is the answer of a call that ended with err.
func (c *rpc) failed(ctx context.Context, cid, name string, err error) answer {
	var known *service.Error
	if !errors.As(err, &known) && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = &service.Error{Code: service.Timeout, Err: err, Message: fmt.Sprintf("service %q did not answer within %s", name, c.config.Timeout.Std())}
	}
	a := answer{answered: true, fault: faultOf(cid, err), err: err}
	if e := service.AsError(err); e.Code == service.Unauthenticated || e.Code == service.TooMany {
		a.refused = e
	}
	return a
}

// whole answers for a body of which nothing could be done.
func (c *rpc) whole(ctx context.Context, w http.ResponseWriter, cid string, status int, f *fault, err error) {
	c.log.LogAttrs(ctx, slog.LevelInfo, "request", slog.String("cid", cid), slog.Int64("code", f.code), slog.String("err", causeOf(err)))
	body, _ := appendReply(nil, &call{id: []byte(null)}, &answer{fault: f}) // text alone cannot fail
	write(w, status, body)
}

// send writes the replies of all calls that want one.
func (c *rpc) send(ctx context.Context, w http.ResponseWriter, cid string, calls []call, answers []answer, isBatch bool) {
	var body []byte
	for i := range calls {
		if calls[i].id == nil {
			continue
		}
		switch {
		case isBatch && body == nil:
			body = append(body, '[')
		case isBatch:
			body = append(body, ',')
		}
		before := len(body)
		var err error
		if body, err = appendReply(body, &calls[i], &answers[i]); err != nil {
			err = fmt.Errorf("method %q: the result cannot be written as JSON: %w", calls[i].method, err)
			c.log.LogAttrs(ctx, slog.LevelError, "request", slog.String("cid", cid), slog.String("err", err.Error()))
			body, _ = appendReply(body[:before], &calls[i], &answer{fault: faultOf(cid, err)})
		}
	}
	if isBatch && body != nil {
		body = append(body, ']')
	}
	status := http.StatusOK
	if body == nil {
		status = c.config.SilentStatus
	}
	if refused := refusal(answers); refused != nil {
		status = refused.HTTPStatus()
		for name, values := range refused.Header {
			w.Header()[name] = values
		}
	}
	write(w, status, body)
}

// refusal is that of security where it refused every call that asked for a service.
func refusal(answers []answer) *service.Error {
	var first *service.Error
	for i := range answers {
		switch a := &answers[i]; {
		case !a.answered:
		case a.refused == nil:
			return nil
		default:
			first = cmp.Or(first, a.refused)
		}
	}
	return first
}

// appendReply appends one response object.
func appendReply(dst []byte, c *call, a *answer) ([]byte, error) {
	dst = append(dst, `{"jsonrpc":"2.0",`...)
	var err error
	if a.fault != nil {
		dst, err = a.fault.append(append(dst, `"error":`...))
	} else {
		dst, err = service.AppendJSON(append(dst, `"result":`...), a.result)
	}
	if err != nil {
		return dst, err
	}
	return append(append(append(dst, `,"id":`...), c.id...), '}'), nil
}

func write(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	if len(body) > 0 {
		h["Content-Type"] = []string{"application/json"}
	}
	if status != http.StatusNoContent {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails where the client has gone, and there is nobody to tell
}

// causeOf is err for the log, with the cause that a *service.Error keeps from callers.
func causeOf(err error) string {
	text := err.Error()
	if e := service.AsError(err); e.Err != nil && !strings.Contains(text, e.Err.Error()) {
		return text + ": " + causeOf(e.Err)
	}
	return text
}
