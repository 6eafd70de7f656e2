// Package rest is the channel_rest kind: services over plain HTTP, as JSON, XML or bytes as they are.
//
// The node's HTTP listener owns the socket and the routes; a channel here turns one matched request into a
// service.Request, and the answer into a reply.
package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// Kind is the row of this kind in the node's table.
func Kind() channel.Kind {
	return channel.Define("channel_rest", "a service over plain HTTP, with JSON, XML or bytes as they are", Defaults(), New)
}

// New builds the channel.
func New(c Config, d channel.Deps) (channel.Channel, error) {
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	built := &rest{
		config: c, deps: d,
		log:       log.With(slog.String("channel", d.Name), slog.String("service", c.Service)), // formatted once
		params:    paramsOf(c.URLPath),
		cidHeader: http.CanonicalHeaderKey(d.Names.CIDHeader),
	}
	built.cors = newCORS(c, d.Names)
	if len(d.Services) > 0 {
		built.methods = d.Services[0].Methods
	}
	built.hides = d.Secret != nil && slices.ContainsFunc(built.params, d.Secret)
	return built, nil
}

type rest struct {
	config    Config
	deps      channel.Deps
	log       *slog.Logger
	params    []string // names in the path
	cidHeader string
	hides     bool     // a parameter in the path is a secret: the log shows the pattern
	methods   []string // of the service; empty: all
	cors      *cors
	gzips     gzips
}

// Route is where the channel wants to be mounted.
func (c *rest) Route() channel.Route {
	path := c.config.URLPath
	if c.config.MatchSlash {
		path = strings.TrimSuffix(path, "}") + "...}"
	}
	return channel.Route{Methods: c.config.Method, Path: path, Idempotent: c.config.Idempotent}
}

// ServeHTTP answers one request that matches Route. The path's parameters come from the router, by
// http.Request.PathValue.
func (c *rest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.cors != nil {
		if isPreflight(r) {
			c.ServeOptions(w, r, allMethods(c.Allowed()))
			return
		}
		if c.cors.allow(w.Header(), r) {
			w.Header()["Access-Control-Expose-Headers"] = c.cors.expose
		}
	}
	start, cid := time.Now(), service.NewCID()
	ctx, cancel := context.WithTimeout(r.Context(), c.config.Timeout.Std())
	defer cancel()

	resp, err := c.handle(ctx, w, r, cid)
	if err == nil && !canSend(resp.Status) {
		err = service.Errorf(service.Internal, "service %q set the status %d, which no final reply can have", c.config.Service, resp.Status)
	}
	if err == nil {
		c.logged(ctx, r, cid, c.writeResponse(w, r, cid, resp), start, nil)
		return
	}
	c.refuse(ctx, w, r, cid, start, err)
}

// refuse answers with an error. One whose client has gone leaves no line: what looks like that may also be a
// client that closed its sending side alone, so that it gets an answer all the same.
func (c *rest) refuse(ctx context.Context, w http.ResponseWriter, r *http.Request, cid string, start time.Time, err error) {
	var known *service.Error
	isKnown := errors.As(err, &known)
	switch late := errors.Is(ctx.Err(), context.DeadlineExceeded); {
	case late && !isKnown:
		err = &service.Error{Code: service.Timeout, Message: fmt.Sprintf("service %q did not answer within %s", c.config.Service, c.config.Timeout.Std()), Err: err}
	case !late && r.Context().Err() != nil:
		if !isKnown {
			err = &service.Error{Code: service.Unavailable, Message: "the client closed the connection before the answer was there", Err: err}
		}
		status := WriteError(w, c.deps.Names, c.config.DataFormat, cid, err)
		c.log.LogAttrs(ctx, slog.LevelDebug, "client gone", slog.String("cid", cid), slog.Int("status", status), slog.String("err", causeOf(err)))
		return
	}
	c.logged(ctx, r, cid, WriteError(w, c.deps.Names, c.config.DataFormat, cid, err), start, err)
}

func (c *rest) handle(ctx context.Context, w http.ResponseWriter, r *http.Request, cid string) (*service.Response, error) {
	if err := c.refusedMethod(w, r); err != nil {
		return nil, err
	}
	params, query, err := c.paramsFrom(r, cid)
	if err != nil {
		SkipBody(w, r)
		return nil, err
	}
	raw, err := c.readBody(ctx, w, r)
	if err != nil {
		return nil, err
	}
	req := &service.Request{
		CID: cid, Channel: c.deps.Name, Method: r.Method, Path: r.URL.Path, Params: params, Query: query, Header: r.Header, Raw: raw,
		PayloadFirst: c.config.ParamsPri == payloadFirst, Remote: r.RemoteAddr, TLS: r.TLS,
		ParamsApart: !c.config.MergeParams,
	}
	if contentType := r.Header.Get("Content-Type"); isForm(contentType) {
		req.Form = func() (*service.Object, error) { return sio.DecodeForm(raw, contentType) }
	}
	resp, err := c.deps.Handle.Handle(ctx, req)
	if resp == nil && err == nil {
		resp = &service.Response{}
	}
	return resp, err
}

func isForm(contentType string) bool {
	return strings.HasPrefix(contentType, "multipart/form-data") || strings.HasPrefix(contentType, "application/x-www-form-urlencoded")
}

// paramsFrom are the path's parameters and the query's, by the channel's priority, and the query's alone.
func (c *rest) paramsFrom(r *http.Request, cid string) (params, query map[string][]string, err error) {
	if len(c.params) == 0 && r.URL.RawQuery == "" {
		return nil, nil, nil
	}
	query, err = sio.DecodeQuery(r.URL.RawQuery)
	if err != nil || len(c.params) == 0 {
		return query, query, err
	}
	params = maps.Clone(query)
	for _, name := range c.params {
		value := r.PathValue(name)
		if value == "" && c.config.MatchSlash {
			return nil, nil, service.Errorf(service.NotFound, "%s", service.Fill(c.deps.Names.NotFound, "path", r.URL.Path, "cid", cid))
		}
		if !utf8.ValidString(value) {
			return nil, nil, service.Errorf(service.Invalid, "malformed path: the value of %q is not UTF-8", name)
		}
		if _, given := params[name]; !given || c.config.URLParamsPri == pathFirst {
			params[name] = []string{value}
		}
	}
	return params, query, nil
}

// path is the request's path for the log: secrets in it are hidden.
func (c *rest) path(r *http.Request) string {
	if c.hides {
		return c.config.URLPath
	}
	return r.URL.Path
}

// logged writes the one line that a request leaves, with the cause of an error, which its reply may not show.
func (c *rest) logged(ctx context.Context, r *http.Request, cid string, status int, start time.Time, err error) {
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !c.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 6)
	attrs = append(
		attrs,
		slog.String("cid", cid), slog.String("method", r.Method), slog.String("path", c.path(r)), slog.Int("status", status),
		slog.Float64("ms", float64(time.Since(start).Microseconds())/1000),
	)
	if err != nil {
		attrs = append(attrs, slog.String("err", causeOf(err)))
	}
	c.log.LogAttrs(ctx, level, "request", attrs...)
}
