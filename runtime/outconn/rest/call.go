package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/service"
)

// verb is a method that services call: its HTTP method and whether it takes data.
func verb(method string) (name string, body, ok bool) {
	switch method {
	case "post", "send":
		return http.MethodPost, true, true
	case "put":
		return http.MethodPut, true, true
	case "patch":
		return http.MethodPatch, true, true
	case "get":
		return http.MethodGet, false, true
	case "delete":
		return http.MethodDelete, false, true
	case "options":
		return http.MethodOptions, false, true
	case "head":
		return http.MethodHead, false, true
	}
	return "", false, false
}

func methods() []string {
	return []string{"get", "post", "send", "put", "patch", "delete", "options", "head", "ping"}
}

// call is one request to make.
type call struct {
	verb    string
	cid     string
	data    any
	params  any
	headers *service.Object
	trace   service.Trace
}

// Call sends one request:
//
//	post, send, put, patch (cid, data, params)    get, delete, options, head (cid, params)
//
// each also by name, with headers by name alone. Without a cid the caller's own is sent. Text goes as it is,
// other data as XML where data_format is xml, else as JSON, None as an empty body. The result is a service.Attrs with the
// parts data, text, status_code, headers and cid; data is the body decoded where there is a data_format, None where it is
// empty, else its text. A status that is no success is no error, but a success whose body is not of the data_format
// is one of code Upstream.
func (c *conn) Call(ctx context.Context, method string, args []any, kwargs map[string]any) (any, error) {
	if method == "ping" {
		return c.Ping(ctx)
	}
	name, hasBody, ok := verb(method)
	if !ok {
		return nil, outconn.UnknownMethod(c.name, method, methods())
	}
	req := call{verb: name}
	if err := c.arguments(&req, method, hasBody, args, kwargs); err != nil {
		return nil, err
	}
	if req.cid == "" {
		req.cid = service.CallFrom(ctx).CID
	}
	target, err := c.target(req.params)
	if err != nil {
		return nil, err
	}
	req.trace = service.CallFrom(ctx).Outgoing()
	r, err := c.do(ctx, &req, target)
	if err != nil {
		return nil, err
	}
	if err := c.decode(r, name, target); err != nil {
		return nil, err
	}
	return r, nil
}

func (c *conn) arguments(req *call, method string, hasBody bool, args []any, kwargs map[string]any) error {
	const cid, data, params, headers = 0, 1, 2, 3
	var got [4]any
	order := [3]int{cid, params, -1}
	if hasBody {
		order = [3]int{cid, data, params}
	}
	for i, v := range args {
		if i == len(order) || order[i] < 0 {
			return c.misuse("%s takes %s", method, signature(hasBody))
		}
		got[order[i]] = v
	}
	for name, v := range kwargs {
		var i int
		switch {
		case name == "cid":
			i = cid
		case name == "data" && hasBody:
			i = data
		case name == "params":
			i = params
		case name == "headers":
			i = headers
		default:
			return c.misuse("%s takes no %q; it takes %s", method, name, signature(hasBody))
		}
		if got[i] != nil {
			return c.misuse("%s: %s is given twice", method, name)
		}
		got[i] = v
	}
	if got[cid] != nil {
		text, ok := got[cid].(string)
		if !ok || !isHeaderText(text) {
			return c.misuse("%s: the first argument is the correlation ID, text such as self.cid, not %s", method, typeOf(got[cid]))
		}
		req.cid = text
	}
	if got[headers] != nil {
		h, ok := got[headers].(*service.Object)
		if !ok {
			return c.misuse("%s: headers is a dict of names and values, not %s", method, typeOf(got[headers]))
		}
		req.headers = h
	}
	req.data, req.params = got[data], got[params]
	return nil
}

func signature(hasBody bool) string {
	if hasBody {
		return "(cid, data, params, headers=...)"
	}
	return "(cid, params, headers=...)"
}

// do makes the request and reads the reply, within the connection's timeout and ctx.
func (c *conn) do(ctx context.Context, req *call, target *url.URL) (*reply, error) {
	if !c.cfg.IsActive {
		return nil, &service.Error{Code: service.Unavailable, Message: fmt.Sprintf("outconn %q is inactive", c.name), Fix: "set its is_active to true"}
	}
	limited, cancel := context.WithTimeout(ctx, c.cfg.Timeout.Std())
	defer cancel()
	select {
	case c.slots <- struct{}{}:
	default:
		select {
		case c.slots <- struct{}{}:
		case <-limited.Done():
			return nil, c.noSlot(ctx, limited.Err())
		}
	}
	defer func() { <-c.slots }()

	r := c.blank.WithContext(limited)
	r.Method, r.URL = req.verb, target
	if err := c.prepare(r, req); err != nil {
		return nil, err
	}
	res, r, err := c.exchange(limited, r)
	var known *service.Error
	if errors.As(err, &known) {
		return nil, known
	}
	if err != nil {
		return nil, c.failed(ctx, limited, r.Method, r.URL, err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := c.read(res)
	if err != nil {
		var tooLong *service.Error
		if errors.As(err, &tooLong) {
			return nil, tooLong
		}
		return nil, c.failed(ctx, limited, req.verb, target, err)
	}
	return &reply{status: res.StatusCode, header: res.Header, body: raw, cid: req.cid}, nil
}

// prepare sets r's headers and body.
func (c *conn) prepare(r *http.Request, req *call) error {
	h := make(http.Header, len(c.header)+2+req.headers.Len())
	r.Header = h
	if req.cid != "" {
		h[c.cidHeader] = []string{req.cid}
	}
	if req.data != nil {
		isText, err := setBody(r, req.data, c.format.encode)
		if err != nil {
			return c.misuse("the data cannot be written as %s: %w", c.format.name, err)
		}
		if h[contentType] = c.dataType; isText {
			h[contentType] = c.textType
		}
	}
	if req.trace.Parent != "" {
		h[service.TraceParent] = []string{req.trace.Parent}
	}
	if req.trace.State != "" {
		h[service.TraceState] = []string{req.trace.State}
	}
	for name, values := range c.header {
		h[name] = values
	}
	for name, v := range req.headers.All() {
		text, ok := scalar(v)
		if !ok || !isToken(name) || !isHeaderText(text) {
			return c.misuse("header %q is neither text nor a number on one line", name)
		}
		c.setHeader(h, name, text, &r.Host)
	}
	return nil
}

// again sends a request once more whose credentials were refused, where its signer has others. A remote that asks for
// credentials has not done what was asked.
func (c *conn) again(ctx context.Context, r *http.Request, refused *http.Response) (*http.Response, error) {
	renewer, ok := c.signer.(outconn.Renewer)
	if !ok || !renewer.Renew(r) {
		return refused, nil
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(refused.Body, c.cfg.MaxResponse)) // so that the connection can be used again
	_ = refused.Body.Close()
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		r.Body = body
	}
	if err := c.sign(ctx, r); err != nil {
		return nil, err
	}
	return c.line().RoundTrip(r)
}

// sign shows the credentials of the connection's security definition.
func (c *conn) sign(ctx context.Context, r *http.Request) error {
	var body []byte
	if r.GetBody != nil {
		copied, err := r.GetBody()
		if err != nil {
			return err
		}
		if body, err = io.ReadAll(copied); err != nil { // it is in memory
			return err
		}
	}
	b, ok := c.signer.(outconn.BodySigner)
	if !ok {
		return c.signer.Sign(ctx, r, body)
	}
	signed, err := b.SignBody(ctx, r, body)
	if err != nil {
		return err
	}
	_, err = setBody(r, signed, nil)
	return err
}

// setBody makes data the body, and reports whether it was text. The body is of a type that net/http knows to lie
// in memory: of any other it writes the headers alone first, and a connection that is just closing could then
// take the headers of a POST and not its body.
func setBody(r *http.Request, data any, encode func(any) ([]byte, error)) (isText bool, err error) {
	if text, ok := data.(string); ok {
		if text == "" {
			return true, nil
		}
		r.ContentLength = int64(len(text))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		r.Body, err = r.GetBody()
		return true, err
	}
	raw, isText := data.([]byte)
	if !isText {
		if raw, err = encode(data); err != nil {
			return false, err
		}
	}
	if len(raw) == 0 {
		return isText, nil
	}
	r.ContentLength = int64(len(raw))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
	r.Body, err = r.GetBody()
	return isText, err
}

// read is the reply's body, nil where it is empty.
func (c *conn) read(res *http.Response) ([]byte, error) {
	limit := c.cfg.MaxResponse
	switch n := res.ContentLength; {
	case n == 0 || res.Request.Method == http.MethodHead:
		return nil, nil
	case n > limit:
		return nil, c.tooLong(res)
	case n > 0:
		raw := make([]byte, n)
		_, err := io.ReadFull(res.Body, raw)
		return raw, err
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err == nil && int64(len(raw)) > limit {
		return nil, c.tooLong(res)
	}
	return raw, err
}

// decode fills in r.data.
func (c *conn) decode(r *reply, verb string, target *url.URL) error {
	if len(r.body) == 0 {
		return nil
	}
	if c.format.decode == nil {
		r.data = string(r.body)
		return nil
	}
	data, err := c.format.decode(r.body)
	if err == nil {
		r.data = data
		return nil
	}
	if r.status >= 200 && r.status < 300 {
		return &service.Error{
			Code: service.Upstream, Err: err,
			Message: fmt.Sprintf("outconn %q: %s %s answered %d with a body that is not %s: %s", c.name, verb, address(target), r.status, c.format.name, err),
			Fix:     "see what it answered, or make the connection's data_format empty to take text",
		}
	}
	r.data = string(r.body) // a page that says what is wrong; the service looks at status_code
	return nil
}

// Ping calls the address with ping_method and says what came back, in the lines that Zato's users know:
//
//	2026-11-21T09:30:00.123456 (UTC) HEAD http://127.0.0.1:35102/get-customer
//	Code: 200
//	Response time: 0:00:00.001234
//
// A path with {names} is pinged up to the first of them. Any status is an answer.
func (c *conn) Ping(ctx context.Context) (string, error) {
	target := c.fixed
	if target == nil {
		u := *c.base
		u.Path = c.path.parts[0]
		target = &u
	}
	start := time.Now()
	r, err := c.do(ctx, &call{verb: c.cfg.PingMethod, cid: service.CallFrom(ctx).CID}, target)
	if err != nil {
		return "", err
	}
	took := time.Since(start)
	return fmt.Sprintf("%s (UTC) %s %s\nCode: %d\nResponse time: %s",
		start.UTC().Format("2006-01-02T15:04:05.000000"), c.cfg.PingMethod, address(target), r.status, clock(took)), nil
}

// clock is a span as Python writes one: 0:00:01.234567.
func clock(d time.Duration) string {
	us := d.Microseconds()
	return fmt.Sprintf("%d:%02d:%02d.%06d", us/3_600_000_000, us/60_000_000%60, us/1_000_000%60, us%1_000_000)
}

// address is u for messages: without its query, which may hold what is secret.
func address(u *url.URL) string {
	return strings.TrimSuffix((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String(), "?")
}
