package starlark

import (
	"errors"
	"fmt"
	"log/slog"
	"sort"
	"strings"
	"time"

	"go.starlark.net/starlark"

	"github.com/parley-run/parley/runtime/service"
)

// namespace is a value that only has attributes: self and its parts. Each is a small struct of its own; the
// methods that Starlark wants of every value stand here once.
type namespace struct{ label string }

func (n namespace) String() string        { return "<" + n.label + ">" }
func (n namespace) Type() string          { return n.label }
func (n namespace) Freeze()               {}
func (n namespace) Truth() starlark.Bool  { return true }
func (n namespace) Hash() (uint32, error) { return 0, errors.New(n.label + " cannot be a key") }

// self is what a handle gets: the request, the response, and ways to everything else. Its names are those of
// Zato's Python services.
type self struct{ inv *invocation }

func (s self) String() string        { return "<self of " + s.inv.service + ">" }
func (s self) Type() string          { return "self" }
func (s self) Freeze()               {}
func (s self) Truth() starlark.Bool  { return true }
func (s self) Hash() (uint32, error) { return 0, errors.New("self cannot be a key") }

func (s self) AttrNames() []string {
	return []string{
		"chan", "channel", "cid", "environ", "invoke", "kvdb", "log_input", "logger", "name", "out", "outgoing", "request", "response", "time",
	}
}

func (s self) Attr(name string) (starlark.Value, error) {
	inv := s.inv
	switch name {
	case "cid":
		return starlark.String(inv.req.CID), nil
	case "name":
		return starlark.String(inv.service), nil
	case "channel", "chan":
		return channel{inv.req}, nil
	case "request":
		return request{inv}, nil
	case "response":
		return &inv.response, nil
	case "outgoing", "out":
		return outgoing{inv}, nil
	case "kvdb":
		return kvdb{namespace{"self.kvdb"}, inv}, nil
	case "logger":
		return logger{namespace{"self.logger"}, inv}, nil
	case "time":
		return clock{namespace{"self.time"}, inv.now()}, nil
	case "environ":
		if inv.environ == nil {
			inv.environ = new(starlark.Dict)
		}
		return inv.environ, nil
	case "invoke":
		return starlark.NewBuiltin("self.invoke", inv.invoke), nil
	case "log_input":
		return builtin("self.log_input", func() (starlark.Value, error) {
			inv.logger().InfoContext(inv.ctx, "input", "input", inv.inputValue().String())
			return starlark.None, nil
		}), nil
	}
	return nil, nil
}

// invoke is self.invoke(name, payload=None): another service's payload.
func (inv *invocation) invoke(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	var payload starlark.Value = starlark.None
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name, "payload?", &payload); err != nil {
		return nil, err
	}
	in, err := fromStarlark(payload)
	if err != nil {
		return nil, err
	}
	out, err := inv.runtime.Invoke(inv.ctx, name, in)
	if err != nil {
		return nil, err
	}
	return toStarlark(out), nil
}

func (inv *invocation) inputValue() starlark.Value {
	if inv.input == nil {
		switch in := inv.req.Input.(type) {
		case *service.Object:
			inv.input = &input{in, inv.req.Secrets}
		case []any:
			inv.input = rowsValue(in, inv.req.Secrets)
		default:
			inv.input = toStarlark(in)
		}
	}
	return inv.input
}

func (inv *invocation) payloadValue() (starlark.Value, error) {
	if inv.payload == nil {
		payload, err := inv.req.Decoded()
		if err != nil {
			return nil, err
		}
		inv.payload = toStarlark(payload)
	}
	return inv.payload, nil
}

// request is self.request.
type request struct{ inv *invocation }

func (r request) String() string        { return "<self.request>" }
func (r request) Type() string          { return "self.request" }
func (r request) Freeze()               {}
func (r request) Truth() starlark.Bool  { return true }
func (r request) Hash() (uint32, error) { return 0, errors.New("self.request cannot be a key") }

func (r request) AttrNames() []string {
	return []string{"channel", "channel_params", "cid", "http", "input", "payload", "raw_request"}
}

func (r request) Attr(name string) (starlark.Value, error) {
	switch name {
	case "input":
		return r.inv.inputValue(), nil
	case "payload":
		return r.inv.payloadValue()
	case "raw_request":
		return starlark.String(r.inv.req.Raw), nil
	case "cid":
		return starlark.String(r.inv.req.CID), nil
	case "channel":
		return starlark.String(r.inv.req.Channel), nil
	case "channel_params":
		return valuesDict(r.inv.req.Params), nil
	case "http":
		return httpPart{namespace{"self.request.http"}, r.inv.req}, nil
	}
	return nil, nil
}

// httpPart is self.request.http.
type httpPart struct {
	namespace
	req *service.Request
}

func (h httpPart) AttrNames() []string {
	return []string{"GET", "POST", "headers", "method", "params", "path"}
}

func (h httpPart) Attr(name string) (starlark.Value, error) {
	switch name {
	case "method":
		return starlark.String(h.req.Method), nil
	case "path":
		return starlark.String(h.req.Path), nil
	case "params":
		return valuesDict(h.req.Params), nil
	case "GET":
		return valuesDict(h.req.Query), nil
	case "POST":
		if h.req.Form == nil {
			return new(starlark.Dict), nil
		}
		form, err := h.req.Form()
		if err != nil {
			return nil, err
		}
		return toStarlark(form), nil
	case "headers":
		return valuesDict(h.req.Header), nil
	}
	return nil, nil
}

// valuesDict gives a name with one value as text, with several as a list.
func valuesDict(values map[string][]string) *starlark.Dict {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	d := starlark.NewDict(len(names))
	for _, name := range names {
		var v starlark.Value
		if all := values[name]; len(all) == 1 {
			v = starlark.String(all[0])
		} else {
			list := make([]starlark.Value, len(all))
			for i, one := range all {
				list[i] = starlark.String(one)
			}
			v = starlark.NewList(list)
		}
		_ = d.SetKey(starlark.String(name), v) // a fresh dict takes any text key
	}
	return d
}

// logger is self.logger: each line carries the service's name and the CID.
type logger struct {
	namespace
	inv *invocation
}

func (l logger) AttrNames() []string {
	return []string{"critical", "debug", "error", "exception", "info", "warn", "warning"}
}

func (l logger) Attr(name string) (starlark.Value, error) {
	var level slog.Level
	switch name {
	case "debug":
		level = slog.LevelDebug
	case "info":
		level = slog.LevelInfo
	case "warn", "warning":
		level = slog.LevelWarn
	case "error", "exception", "critical":
		level = slog.LevelError
	default:
		return nil, nil
	}
	return starlark.NewBuiltin("self.logger."+name, func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if len(args) == 0 || len(kwargs) > 0 {
			return nil, fmt.Errorf("%s: expected a message, and the values for its %%s", b.Name())
		}
		log := l.inv.logger()
		if !log.Enabled(l.inv.ctx, level) {
			return starlark.None, nil
		}
		text, ok := starlark.AsString(args[0])
		if !ok {
			text = args[0].String()
		}
		if len(args) > 1 {
			v, err := starlark.Binary(percent, starlark.String(text), args[1:])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", b.Name(), err)
			}
			text, _ = starlark.AsString(v)
		}
		log.Log(l.inv.ctx, level, text) //nolint:sloglint // the text is the service's own
		return starlark.None, nil
	}), nil
}

// now is the server's clock.
func (inv *invocation) now() func() time.Time {
	if now := service.CallFrom(inv.ctx).Now; now != nil {
		return now
	}
	return time.Now
}

func (inv *invocation) logger() *slog.Logger {
	log := service.CallFrom(inv.ctx).Log
	if log == nil {
		log = slog.Default()
	}
	return log.With("cid", inv.req.CID, "service", inv.service)
}

// clock is self.time. Times are ISO 8601 text, as Python's isoformat writes it.
type clock struct {
	namespace
	now func() time.Time
}

const isoFormat = "2006-01-02T15:04:05.000000"

func (c clock) AttrNames() []string { return []string{"now", "today", "utcnow"} }

func (c clock) Attr(name string) (starlark.Value, error) {
	switch name {
	case "utcnow":
		return c.formatted(name, func() string { return c.now().UTC().Format(isoFormat) }), nil
	case "now":
		return c.formatted(name, func() string { return c.now().Format(isoFormat) }), nil
	case "today":
		return c.formatted(name, func() string { return c.now().Format(time.DateOnly) }), nil
	}
	return nil, nil
}

func (c clock) formatted(name string, text func() string) *starlark.Builtin {
	return builtin("self.time."+name, func() (starlark.Value, error) { return starlark.String(text()), nil })
}

// response is self.response.
type response struct {
	payload     starlark.Value
	status      int
	contentType string
	headers     *starlark.Dict
}

func (r *response) String() string        { return "<self.response>" }
func (r *response) Type() string          { return "self.response" }
func (r *response) Freeze()               {}
func (r *response) Truth() starlark.Bool  { return true }
func (r *response) Hash() (uint32, error) { return 0, errors.New("self.response cannot be a key") }

func (r *response) AttrNames() []string {
	return []string{"content_type", "headers", "payload", "status_code"}
}

func (r *response) Attr(name string) (starlark.Value, error) {
	switch name {
	case "payload":
		if r.payload == nil {
			r.payload = newPayload()
		}
		return r.payload, nil
	case "headers":
		if r.headers == nil {
			r.headers = new(starlark.Dict)
		}
		return r.headers, nil
	case "status_code":
		return starlark.MakeInt(max(r.status, 200)), nil
	case "content_type":
		return starlark.String(r.contentType), nil
	}
	return nil, nil
}

func (r *response) SetField(name string, v starlark.Value) error {
	switch name {
	case "payload":
		r.payload = v
		return nil
	case "status_code":
		status, err := starlark.AsInt32(v)
		if err != nil || status < 200 || status > 599 {
			return fmt.Errorf("self.response.status_code must be an integer from 200 to 599, not %s", v)
		}
		r.status = status
		return nil
	case "content_type":
		text, ok := starlark.AsString(v)
		if !ok {
			return fmt.Errorf("self.response.content_type must be text, not %s", v.Type())
		}
		r.contentType = text
		return nil
	case "headers":
		d, ok := v.(*starlark.Dict)
		if !ok {
			return fmt.Errorf("self.response.headers must be a dict, not %s", v.Type())
		}
		r.headers = d
		return nil
	}
	return starlark.NoSuchAttrError(fmt.Sprintf("self.response has no field %q; it has %s", name, strings.Join(r.AttrNames(), ", ")))
}

func (r *response) build() (*service.Response, error) {
	out := &service.Response{Status: r.status, ContentType: r.contentType}
	if r.payload != nil {
		var err error
		if out.Payload, err = fromStarlark(r.payload); err != nil {
			return nil, fmt.Errorf("self.response.payload: %w", err)
		}
	}
	if r.headers != nil {
		out.Header = make(map[string][]string, r.headers.Len())
		for k, v := range r.headers.Entries() {
			name, ok := starlark.AsString(k)
			value, isText := starlark.AsString(v)
			if !isText {
				value = v.String()
			}
			if !ok {
				return nil, fmt.Errorf("self.response.headers: the name %s is not text", k)
			}
			out.Header[name] = append(out.Header[name], value)
		}
	}
	return out, nil
}
