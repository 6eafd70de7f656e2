// Package adapter maps a service to an outgoing connection by a definition, with no code: a channel that names the service
// reaches the connection.
package adapter

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/message"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// Kind is one kind of adapter: a row of the table in node/kinds.go.
type Kind struct {
	kind.Info
	// Parse reads an object's config; its JSON, defaults included, is what the catalog keeps. Its errors are kind.Faults.
	Parse func(raw []byte) (Config, error)
	// New is the service that an object declares, under the object's name.
	New func(name string, c Config) (service.Service, error)
}

// JSONKind is the row of adapter_json.
func JSONKind() Kind {
	def := Config{IsActive: true, Method: "POST", Timeout: kind.Seconds(30)}
	return Kind{
		Info:  kind.Info{Name: "adapter_json", Doc: "a service that is an outgoing REST connection, with its input and output mapped", Fields: kind.Describe(def)},
		Parse: func(raw []byte) (Config, error) { return kind.Decode(raw, def) },
		New:   newJSON,
	}
}

// jsonAdapter is the service of one definition.
type jsonAdapter struct {
	name     string
	config   Config
	method   string // of the connection
	hasBody  bool
	params   []move
	set      []constant
	request  []move
	response []move
}

// move takes a value from one place to another.
type move struct{ to, from message.Pointer }

// constant is a value for a place.
type constant struct {
	to    message.Pointer
	value any
}

func newJSON(name string, c Config) (service.Service, error) {
	if strings.HasPrefix(name, "parley.") {
		return service.Service{}, service.Errorf(service.Invalid, "its name begins with parley., which is kept for internal services")
	}
	a := &jsonAdapter{name: name, config: c, method: c.verb(), hasBody: c.hasBody()}
	var err error
	if a.request, err = moves(c.Request); err != nil {
		return service.Service{}, err
	}
	if a.response, err = moves(c.Response); err != nil {
		return service.Service{}, err
	}
	for _, param := range slices.Sorted(maps.Keys(c.Params)) {
		from, err := message.ParsePointer(c.Params[param])
		if err != nil {
			return service.Service{}, err
		}
		to, err := message.ParsePointer("/" + escape(param))
		if err != nil {
			return service.Service{}, err
		}
		a.params = append(a.params, move{to, from})
	}
	for _, place := range slices.Sorted(maps.Keys(c.Set)) {
		to, err := message.ParsePointer(place)
		if err != nil {
			return service.Service{}, err
		}
		value, err := sio.DecodeJSON(c.Set[place])
		if err != nil {
			return service.Service{}, err
		}
		a.set = append(a.set, constant{to, value})
	}
	doc := c.Doc
	if doc == "" {
		doc = fmt.Sprintf("%s %s", c.Method, c.Outconn)
	}
	return service.Service{Name: name, Doc: doc, Shape: c.shape(), Handler: a}, nil
}

// moves are those of a map of places, in the order of the targets, so that a list is filled from its beginning.
func moves(places map[string]string) ([]move, error) {
	var out []move
	for _, target := range slices.Sorted(maps.Keys(places)) {
		to, err := message.ParsePointer(target)
		if err != nil {
			return nil, err
		}
		from, err := message.ParsePointer(places[target])
		if err != nil {
			return nil, err
		}
		out = append(out, move{to, from})
	}
	return out, nil
}

// Handle calls the connection.
func (a *jsonAdapter) Handle(ctx context.Context, req *service.Request) (*service.Response, error) {
	if !a.config.IsActive {
		return nil, &service.Error{Code: service.Unavailable, Message: fmt.Sprintf("adapter %q is inactive", a.name), Fix: "set its is_active to true"}
	}
	input := req.Input
	if input == nil {
		input = req.Payload
	}
	call, err := a.call(a.given(input))
	if err != nil {
		return nil, service.Errorf(service.Invalid, "adapter %q: %w", a.name, err)
	}
	conn, err := service.CallFrom(ctx).Runtime.Out(outconnKind, a.config.Outconn)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, a.config.Timeout.Std())
	defer cancel()
	got, err := conn.Call(ctx, a.method, nil, call)
	if err != nil {
		return nil, err
	}
	reply, ok := got.(service.Attrs)
	if !ok {
		return nil, service.Errorf(service.Internal, "adapter %q: outconn %q gave no reply", a.name, a.config.Outconn)
	}
	return a.answer(reply)
}

// given is the input without the declared fields that are missing, which are null.
func (a *jsonAdapter) given(input any) any {
	o, ok := input.(*service.Object)
	if !ok || len(a.config.Input) == 0 {
		return input
	}
	out := service.NewObject(o.Len())
	for name, v := range o.All() {
		if v != nil || !slices.Contains(a.config.Input, "-"+name) {
			out.Set(name, v)
		}
	}
	return out
}

// call is what the connection's method is called with.
func (a *jsonAdapter) call(input any) (map[string]any, error) {
	out := map[string]any{}
	params, err := a.paramsOf(input)
	if err != nil {
		return nil, err
	}
	if params.Len() > 0 {
		out["params"] = params
	}
	if !a.hasBody {
		return out, nil
	}
	body := input
	if len(a.request) > 0 {
		if body, err = moved(a.request, input); err != nil {
			return nil, err
		}
	} else if o, ok := body.(*service.Object); ok {
		body = o.Clone() // the input is not ours to change
	}
	for _, c := range a.set {
		if body, err = c.to.Set(body, fresh(c.value)); err != nil {
			return nil, err
		}
	}
	if body != nil {
		out["data"] = body
	}
	return out, nil
}

// paramsOf are those of the address. Where none is mapped and there is no body to carry it, all of the input is.
func (a *jsonAdapter) paramsOf(input any) (*service.Object, error) {
	params := service.NewObject(len(a.params))
	if len(a.params) == 0 && !a.hasBody {
		o, ok := input.(*service.Object)
		if !ok && input != nil {
			return nil, fmt.Errorf("the input of a %s is an object", a.config.Method)
		}
		params = o.Clone()
	}
	for _, m := range a.params {
		if v, ok := m.from.Get(input); ok && v != nil {
			name := m.to.Tokens()[0]
			params.Set(name, v)
		}
	}
	if a.hasBody {
		return params, nil
	}
	for _, c := range a.set {
		if tokens := c.to.Tokens(); len(tokens) == 1 {
			params.Set(tokens[0], c.value)
		}
	}
	return params, nil
}

// fresh is a value that nobody else holds: a place within it may be set next.
func fresh(v any) any {
	switch v := v.(type) {
	case *service.Object:
		out := service.NewObject(v.Len())
		for key, one := range v.All() {
			out.Set(key, fresh(one))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = fresh(one)
		}
		return out
	}
	return v
}

// moved is a document made of parts of another. What is not there is left out.
func moved(moves []move, from any) (any, error) {
	var out any = service.NewObject(len(moves))
	for _, m := range moves {
		v, ok := m.from.Get(from)
		if !ok {
			continue
		}
		var err error
		if out, err = m.to.Set(out, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// answer is what the service says of a reply.
func (a *jsonAdapter) answer(reply service.Attrs) (*service.Response, error) {
	data, _ := reply.Attr("data")
	code, _ := reply.Attr("status_code")
	status, _ := code.(int64)
	if status < 200 || status > 299 {
		e := &service.Error{Code: service.Upstream, Message: fmt.Sprintf("adapter %q: outconn %q answered with status %d", a.name, a.config.Outconn, status)}
		if slices.Contains(a.config.PassStatus, int(status)) {
			e.Code, e.Status = service.CodeOfHTTPStatus(int(status)), int(status)
		}
		if text, ok := reply.Attr("text"); ok {
			e.Err = fmt.Errorf("it said %.2000v", text)
		}
		return nil, e
	}
	if len(a.response) == 0 {
		return &service.Response{Payload: data}, nil
	}
	payload, err := moved(a.response, data)
	if err != nil {
		return nil, service.Errorf(service.Upstream, "adapter %q: the reply of outconn %q cannot be mapped: %w", a.name, a.config.Outconn, err)
	}
	return &service.Response{Payload: payload}, nil
}
