package adapter_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/adapter"
	"github.com/parley-run/parley/runtime/service"
)

// remote is an outgoing connection that answers with one reply, and keeps what it was called with.
type remote struct {
	method string
	args   []any
	kwargs map[string]any
	status int64
	data   any
	err    error
}

func (r *remote) Call(_ context.Context, method string, args []any, kwargs map[string]any) (any, error) {
	r.method, r.args, r.kwargs = method, args, kwargs
	return r, r.err
}

func (r *remote) Attr(name string) (any, bool) {
	switch name {
	case "data", "text":
		return r.data, true
	case "status_code":
		return r.status, true
	}
	return nil, false
}

func (r *remote) AttrNames() []string { return nil }

func (r *remote) Out(kind, name string) (service.Outconn, error) {
	if kind != "rest" || name != "CRM" {
		return nil, service.Errorf(service.NotFound, "no such connection")
	}
	return r, nil
}

func (r *remote) Invoke(context.Context, string, any) (any, error) { return nil, nil }

func open(t *testing.T, config string) service.Service {
	t.Helper()
	k := adapter.JSONKind()
	c, err := k.Parse([]byte(config))
	require.NoError(t, err)
	s, err := k.New("crm.get", c)
	require.NoError(t, err)
	return s
}

func invoke(s service.Service, r *remote, input any) (*service.Response, error) {
	ctx := service.WithCall(context.Background(), &service.Call{CID: "c1", Runtime: r})
	return s.Handler.Handle(ctx, &service.Request{Input: input})
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := service.AppendJSON(nil, v)
	require.NoError(t, err)
	return string(raw)
}

func TestAdapter(t *testing.T) {
	input := func() any {
		return service.ObjectOf("cust_id", int64(7), "name", "Sean", "tags", []any{"a", "b"})
	}
	for _, tt := range []struct {
		name, config string
		method       string
		data, params string
		reply        any
		answer       string
	}{
		{"as it is", `{}`, "post", `{"cust_id":7,"name":"Sean","tags":["a","b"]}`, ``, service.ObjectOf("a", int64(1)), `{"a":1}`},
		{"GET with all as parameters", `{"method":"GET"}`, "get", ``, `{"cust_id":7,"name":"Sean","tags":["a","b"]}`, nil, `null`},
		{"DELETE with one", `{"method":"DELETE","params":{"id":"/cust_id","no":"/no"},"set":{"/lang":"en"}}`, "delete", ``, `{"id":7,"lang":"en"}`, nil, `null`},
		{
			"mapped", `{"method":"PUT","params":{"id":"/cust_id"},"request":{"/customer/name":"/name","/customer/first_tag":"/tags/0","/no":"/no"},"set":{"/source/system":"parley","/n":1.50},
			"response":{"/customer/last_name":"/last/name","/ids/-":"/rows/1/id","/no":"/no"}}`, "put",
			`{"customer":{"first_tag":"a","name":"Sean"},"n":1.5,"source":{"system":"parley"}}`, `{"id":7}`,
			service.ObjectOf("last", service.ObjectOf("name", "O'Brien"), "rows", []any{nil, service.ObjectOf("id", int64(2))}), `{"customer":{"last_name":"O'Brien"},"ids":[2]}`,
		},
		{"set beside the input", `{"method":"PATCH","set":{"/name":null}}`, "patch", `{"cust_id":7,"name":null,"tags":["a","b"]}`, ``, []any{}, `[]`},
		{"the whole of a part", `{"request":{"":"/tags"},"response":{"/all":""}}`, "post", `["a","b"]`, ``, "x", `{"all":"x"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var config map[string]any
			require.NoError(t, json.Unmarshal([]byte(tt.config), &config))
			config["outconn"] = "CRM"
			raw, err := json.Marshal(config)
			require.NoError(t, err)
			r := &remote{status: 200, data: tt.reply}
			given := input()
			res, err := invoke(open(t, string(raw)), r, given)
			require.NoError(t, err)
			assert.Equal(t, tt.method, r.method)
			assert.Empty(t, r.args)
			for name, want := range map[string]string{"data": tt.data, "params": tt.params} {
				if v, ok := r.kwargs[name]; ok || want != "" {
					assert.Equal(t, want, text(t, v), name)
				}
			}
			assert.Equal(t, tt.answer, text(t, res.Payload))
			assert.Equal(t, text(t, input()), text(t, given), "the input stays as it was")
		})
	}
}

func TestConstantsAreEachRequestsOwn(t *testing.T) {
	s := open(t, `{"outconn":"CRM","set":{"/a":{"list":[]},"/a/list/-":1}}`)
	for range 2 {
		r := &remote{status: 200}
		_, err := invoke(s, r, service.ObjectOf("b", int64(2)))
		require.NoError(t, err)
		assert.Equal(t, `{"b":2,"a":{"list":[1]}}`, text(t, r.kwargs["data"]))
	}
}

func TestShape(t *testing.T) {
	s := open(t, `{"outconn":"CRM","method":"GET","input":["cust_id","-lang"],"output":["name"]}`)
	assert.Equal(t, &service.Shape{
		Input: []service.Field{{Name: "cust_id", Required: true}, {Name: "lang", Nullable: true}}, Output: []service.Field{{Name: "name", Required: true}}, AsGiven: true,
	}, s.Shape)
	assert.Equal(t, "GET CRM", s.Doc)
	r := &remote{status: 200}
	_, err := invoke(s, r, service.ObjectOf("cust_id", int64(7), "lang", nil))
	require.NoError(t, err)
	assert.Equal(t, `{"cust_id":7}`, text(t, r.kwargs["params"]), "what is missing is left out")
	assert.Nil(t, open(t, `{"outconn":"CRM"}`).Shape)
}

func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		name, config string
		remote       remote
		input        any
		code         service.Code
		status       int
		says         string
	}{
		{"a status", `{"outconn":"CRM"}`, remote{status: 404}, nil, service.Upstream, 502, `adapter "crm.get": outconn "CRM" answered with status 404`},
		{"a status to pass", `{"outconn":"CRM","pass_status":[404,422]}`, remote{status: 422, data: "canary"}, nil, service.Invalid, 422, `answered with status 422`},
		{"a redirect", `{"outconn":"CRM"}`, remote{status: 302}, nil, service.Upstream, 502, `answered with status 302`},
		{"down", `{"outconn":"CRM"}`, remote{err: service.Errorf(service.Timeout, "outconn down")}, nil, service.Timeout, 504, `outconn down`},
		{"no connection", `{"outconn":"CRMM"}`, remote{}, nil, service.NotFound, 404, `no such connection`},
		{"inactive", `{"outconn":"CRM","is_active":false}`, remote{}, nil, service.Unavailable, 503, `adapter "crm.get" is inactive; set its is_active to true`},
		{"input that is no object", `{"outconn":"CRM","method":"GET"}`, remote{}, []any{}, service.Invalid, 400, `adapter "crm.get": the input of a GET is an object`},
		{"a place that is none", `{"outconn":"CRM","set":{"/a/b":1}}`, remote{}, service.ObjectOf("a", "x"), service.Invalid, 400, `adapter "crm.get": JSON Pointer "/a/b": what stands at /a is neither an object nor a list`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := invoke(open(t, tt.config), &tt.remote, tt.input)
			require.Error(t, err)
			e := service.AsError(err)
			assert.Equal(t, tt.code, e.Code)
			assert.Equal(t, tt.status, e.HTTPStatus())
			assert.Contains(t, e.Error(), tt.says)
			assert.NotContains(t, e.Error(), "canary")
		})
	}
}

func TestBadConfigs(t *testing.T) {
	for raw, says := range map[string]string{
		`{}`:                             `outconn: missing; name the outgoing_rest connection that is called`,
		`{"outcon":"CRM"}`:               `outcon: unknown key; did you mean "outconn"?`,
		`{"outconn":"x","method":"get"}`: `method: expected one of GET, POST, PUT, PATCH, DELETE, not "get"`,
		`{"outconn":"x","params":{"":"/a","b":"c"}}`:           `params: a parameter has no name; params: JSON Pointer "c": it must begin with /`,
		`{"outconn":"x","request":{"a":"/b"}}`:                 `request: JSON Pointer "a": it must begin with /`,
		`{"outconn":"x","response":{"/a":"/~"}}`:               `response: JSON Pointer "/~": ~ must be followed by`,
		`{"outconn":"x","method":"GET","request":{"/a":"/b"}}`: `request: a GET has no body; map what it sends in params`,
		`{"outconn":"x","method":"GET","set":{"/a/b":1}}`:      `set: "/a/b": a GET has no body; name a parameter, such as /lang`,
		`{"outconn":"x","pass_status":[200]}`:                  `pass_status: a status of an error is 400 to 599, not 200`,
		`{"outconn":"x","timeout":0}`:                          `timeout: expected more than 0 seconds`,
		`{"outconn":"x","input":["a","-a"]}`:                   `input: a field`,
		`{"outconn":"x","output":[""]}`:                        `output: a field`,
	} {
		_, err := adapter.JSONKind().Parse([]byte(raw))
		assert.ErrorContains(t, err, says, raw)
	}
	c, err := adapter.JSONKind().Parse([]byte(`{"outconn":"CRM"}`))
	require.NoError(t, err)
	_, err = adapter.JSONKind().New("parley.mine", c)
	require.ErrorContains(t, err, "its name begins with parley., which is kept for internal services")
	assert.EqualError(t, c.Missing([]string{"CRN", "Payments"}), `outconn: there is no outgoing_rest connection "CRM"; did you mean "CRN"?`)
}
