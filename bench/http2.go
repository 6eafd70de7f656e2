package bench

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// shared is HTTP/2, where many requests share a connection. There net/http sends again only what the server says that it has not
// begun.
type shared struct{ *sender }

func (shared) ready() bool { return false }

func (shared) close() {}

func (s shared) exchange(ctx context.Context, r *compiled, v values, until time.Time, wrote func()) (reply, error) {
	wrote()
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	var sent atomic.Bool
	req, err := s.build(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }}), r, v)
	if err != nil {
		return reply{neverSent: true}, err
	}
	res, err := s.transport.RoundTrip(req)
	if err != nil {
		return reply{neverSent: !sent.Load()}, err
	}
	defer func() { _ = res.Body.Close() }() // it was read only
	got := reply{status: res.StatusCode, server: res.Header.Get(headerServer), unknown: res.Header.Get(headerOutcome) == "unknown"}
	var content []byte
	if r.readsBody && r.wanted(got.status) && !got.unknown {
		if content, err = io.ReadAll(io.LimitReader(res.Body, maxRead)); err != nil {
			return reply{}, err
		}
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return reply{}, err
	}
	got.end, got.header = time.Now(), res.Header
	look(r, &got, content, v.kept)
	return got, nil
}

// build makes one request.
func (s *sender) build(ctx context.Context, r *compiled, v values) (*http.Request, error) {
	path, err := r.path.fill(v)
	if err != nil {
		return nil, err
	}
	to, err := url.Parse(s.address + path)
	if err != nil {
		return nil, err
	}
	text, err := r.body.fill(v)
	if err != nil {
		return nil, err
	}
	req := (&http.Request{
		Method: r.Method, URL: to, Host: to.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, len(r.headers)+1),
	}).WithContext(ctx)
	if text != "" {
		req.Body = io.NopCloser(strings.NewReader(text))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		req.ContentLength = int64(len(text))
	}
	for _, h := range r.headers {
		value, err := h.value.fill(v)
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(h.name, "Host") {
			req.Host = value
			continue
		}
		req.Header.Set(h.name, value)
	}
	return req, nil
}
