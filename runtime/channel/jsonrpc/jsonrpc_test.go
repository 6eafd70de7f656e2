package jsonrpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/locked"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/channel/jsonrpc"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// served is a service behind a channel.
type served struct {
	handle service.HandlerFunc
	shape  *service.Shape
}

func payload(v any) (*service.Response, error) { return &service.Response{Payload: v}, nil }

func numbers(names ...string) *service.Shape {
	s := &service.Shape{}
	for _, name := range names {
		s.Input = append(s.Input, service.Field{Name: name, Type: "int", Required: true})
	}
	return s
}

// services are those of the examples in section 7 of the standard, and some that fail.
func services() map[string]served {
	fails := func(err error) served {
		return served{handle: func(context.Context, *service.Request) (*service.Response, error) { return nil, err }}
	}
	out := map[string]served{
		"subtract": {shape: numbers("minuend", "subtrahend"), handle: func(_ context.Context, req *service.Request) (*service.Response, error) {
			in := req.Input.(*service.Object)
			return payload(in.Value("minuend").(int64) - in.Value("subtrahend").(int64))
		}},
		"sum": {handle: func(_ context.Context, req *service.Request) (*service.Response, error) {
			sum := int64(0)
			for _, one := range req.Payload.([]any) {
				sum += one.(int64)
			}
			return payload(sum)
		}},
		"get_data": {handle: func(context.Context, *service.Request) (*service.Response, error) {
			return payload([]any{"hello", int64(5)})
		}},
		"echo":    {handle: func(_ context.Context, req *service.Request) (*service.Response, error) { return payload(req.Input) }},
		"cid":     {handle: func(_ context.Context, req *service.Request) (*service.Response, error) { return payload(req.CID) }},
		"nothing": {handle: func(context.Context, *service.Request) (*service.Response, error) { return nil, nil }},
		"raw": {handle: func(_ context.Context, req *service.Request) (*service.Response, error) {
			return payload(req.Method + " " + req.Path + " " + string(req.Raw))
		}},
		"text": {handle: func(context.Context, *service.Request) (*service.Response, error) {
			return &service.Response{Raw: []byte("as it is")}, nil
		}},
		"teapot": {handle: func(context.Context, *service.Request) (*service.Response, error) {
			return &service.Response{Status: 418, Payload: "short and stout"}, nil
		}},
		"panics": {handle: func(context.Context, *service.Request) (*service.Response, error) { panic("canary") }},
		"slow": {handle: func(ctx context.Context, _ *service.Request) (*service.Response, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}},
		"wrapped":  {shape: &service.Shape{RequestElem: "req", Input: numbers("a", "b").Input}, handle: echoInput},
		"rows":     {shape: &service.Shape{InputRepeated: true, Input: numbers("a").Input}, handle: echoInput},
		"internal": fails(errors.New("canary")),
		"own":      fails(&service.Error{Code: service.Invalid, Status: 422, Message: "cannot be processed"}),
	}
	out["update"], out["notify_hello"], out["notify_sum"] = out["nothing"], out["nothing"], out["sum"]
	for name, code := range map[string]service.Code{
		"invalid": service.Invalid, "denied": service.Denied, "missing": service.NotFound, "not_allowed": service.NotAllowed, "conflict": service.Conflict,
		"too_large": service.TooLarge, "too_many": service.TooMany, "upstream": service.Upstream, "unavailable": service.Unavailable, "timeout": service.Timeout,
	} {
		out[name] = fails(&service.Error{Code: code, Message: "no " + name, Fix: "mend it"})
	}
	out["who"] = fails(&service.Error{Code: service.Unauthenticated, Message: "who are you", Header: map[string][]string{"Www-Authenticate": {"Basic realm=x"}}})
	return out
}

func echoInput(_ context.Context, req *service.Request) (*service.Response, error) {
	return payload(req.Input)
}

// serve mounts a channel as the node does, with all services under their own names.
func serve(t testing.TB, more string) (*httptest.Server, *locked.Buffer) {
	t.Helper()
	all := services()
	methods := map[string]string{}
	for name := range all {
		methods[name] = "svc." + name
	}
	text, err := json.Marshal(methods)
	require.NoError(t, err)
	c, err := jsonrpc.Kind().Parse([]byte(`{"url_path":"/rpc","methods":` + string(text) + more + `}`))
	require.NoError(t, err)
	require.Equal(t, sio.Decoded, c.Common().DataFormat)
	out := &locked.Buffer{}
	deps := channel.Deps{Name: "Test", Names: service.ParleyNames(), Log: slog.New(slog.NewJSONHandler(out, nil))}
	for _, name := range channel.Services(c) {
		s := all[strings.TrimPrefix(name, "svc.")]
		deps.Services = append(deps.Services, channel.Exposed{
			Name: name, Shape: s.shape, Handle: sio.Wrap(s.handle, s.shape, sio.Options{Format: c.Common().DataFormat, Service: name}),
		})
	}
	built, err := jsonrpc.Kind().New(c, deps)
	require.NoError(t, err)
	mounted := built.(channel.HTTP)
	assert.Equal(t, channel.Route{Methods: []string{"POST"}, Path: "/rpc"}, mounted.Route())
	server := httptest.NewServer(mounted)
	t.Cleanup(server.Close)
	return server, out
}

func post(t testing.TB, url, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/rpc", strings.NewReader(body))
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Regexp(t, `^[0-9a-f]{24}$`, res.Header.Get("X-Parley-CID"))
	return res, string(raw)
}

func compact(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, json.Compact(&b, []byte(text)))
	return b.String()
}

// TestExamplesOfTheStandard are the examples in section 7 of the JSON-RPC 2.0 specification, byte for byte but for the
// spaces in replies.
func TestExamplesOfTheStandard(t *testing.T) {
	server, _ := serve(t, "")
	for _, tt := range []struct{ name, request, reply string }{
		{"positional parameters", `{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}`, `{"jsonrpc": "2.0", "result": 19, "id": 1}`},
		{"positional parameters, the other way round", `{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}`, `{"jsonrpc": "2.0", "result": -19, "id": 2}`},
		{"named parameters", `{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}`, `{"jsonrpc": "2.0", "result": 19, "id": 3}`},
		{"named parameters, the other way round", `{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}`, `{"jsonrpc": "2.0", "result": 19, "id": 4}`},
		{"a notification", `{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}`, ``},
		{"a notification of a method that does not exist", `{"jsonrpc": "2.0", "method": "foobar"}`, ``},
		{"non-existent method", `{"jsonrpc": "2.0", "method": "foobar", "id": "1"}`, `{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"}`},
		{"invalid JSON", `{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]`, `{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}`},
		{"invalid request object", `{"jsonrpc": "2.0", "method": 1, "params": "bar"}`, `{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}`},
		{
			"batch, invalid JSON",
			`[
  {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
  {"jsonrpc": "2.0", "method"
]`,
			`{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}`,
		},
		{"an empty array", `[]`, `{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}`},
		{"an invalid batch that is not empty", `[1]`, `[
  {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}
]`},
		{"an invalid batch", `[1,2,3]`, `[
  {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
  {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
  {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}
]`},
		{
			"batch",
			`[
        {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
    ]`,
			`[
        {"jsonrpc": "2.0", "result": 7, "id": "1"},
        {"jsonrpc": "2.0", "result": 19, "id": "2"},
        {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
        {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
        {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}
    ]`,
		},
		{
			"batch, all notifications",
			`[
        {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
    ]`,
			``,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, body := post(t, server.URL, tt.request)
			if tt.reply == "" {
				assert.Equal(t, http.StatusNoContent, res.StatusCode)
				assert.Empty(t, body)
				return
			}
			assert.Equal(t, http.StatusOK, res.StatusCode)
			assert.Equal(t, "application/json", res.Header.Get("Content-Type"))
			assert.Equal(t, compact(t, tt.reply), body)
		})
	}
}

func TestRepliesAndIDs(t *testing.T) {
	server, _ := serve(t, "")
	for _, tt := range []struct{ name, request, reply string }{
		{"null is an id", `{"jsonrpc":"2.0","method":"get_data","id":null}`, `{"jsonrpc":"2.0","result":["hello",5],"id":null}`},
		{"a big id", `{"jsonrpc":"2.0","method":"nothing","id":123456789012345678901234567890}`, `{"jsonrpc":"2.0","result":null,"id":123456789012345678901234567890}`},
		{"an id with a fraction", `{"jsonrpc":"2.0","method":"nothing","id":1.50}`, `{"jsonrpc":"2.0","result":null,"id":1.50}`},
		{"an id with an exponent", `{"jsonrpc":"2.0","method":"nothing","id":1E3}`, `{"jsonrpc":"2.0","result":null,"id":1E3}`},
		{"an id with an escape", `{"jsonrpc":"2.0","method":"nothing","id":"a\u0062\n"}`, `{"jsonrpc":"2.0","result":null,"id":"a\u0062\n"}`},
		{"an id of another type", `{"jsonrpc":"2.0","method":"nothing","id":[1]}`, `{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}`},
		{"an escape in the method", `{"jsonrpc":"2.0","method":"noth\u0069ng","id":1}`, `{"jsonrpc":"2.0","result":null,"id":1}`},
		{"params of null", `{"jsonrpc":"2.0","method":"echo","params":null,"id":1}`, `{"jsonrpc":"2.0","result":null,"id":1}`},
		{"params of text", `{"jsonrpc":"2.0","method":"echo","params":"x","id":1}`, `{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":1}`},
		{"no version", `{"method":"echo","id":1}`, `{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":1}`},
		{"version 1.0, no id", `{"jsonrpc":"1.0","method":"echo"}`, `{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}`},
		{"numbers keep their worth", `{"jsonrpc":"2.0","method":"echo","params":{"b":0.1000000000000000055,"a":123456789012345678901},"id":1}`, `{"jsonrpc":"2.0","result":{"b":0.1000000000000000055,"a":123456789012345678901},"id":1}`},
		{"members in any order, others passed over", `{"id":1,"more":{"id":2},"params":[1,2],"method":"sum","jsonrpc":"2.0"}`, `{"jsonrpc":"2.0","result":3,"id":1}`},
		{"text of the service's own", `{"jsonrpc":"2.0","method":"text","id":1}`, `{"jsonrpc":"2.0","result":"as it is","id":1}`},
		{"what the service sees", `{"jsonrpc":"2.0", "method":"raw","id":1}`, `{"jsonrpc":"2.0","result":"POST /rpc {\"jsonrpc\":\"2.0\", \"method\":\"raw\",\"id\":1}","id":1}`},
		{"a request element", `{"jsonrpc":"2.0","method":"wrapped","params":[1,2],"id":1}`, `{"jsonrpc":"2.0","result":{"a":1,"b":2},"id":1}`},
		{"a request element by name", `{"jsonrpc":"2.0","method":"wrapped","params":{"req":{"b":2,"a":1}},"id":1}`, `{"jsonrpc":"2.0","result":{"a":1,"b":2},"id":1}`},
		{"rows", `{"jsonrpc":"2.0","method":"rows","params":[{"a":1},{"a":2}],"id":1}`, `{"jsonrpc":"2.0","result":[{"a":1},{"a":2}],"id":1}`},
		{"a byte order mark", "\ufeff" + `{"jsonrpc":"2.0","method":"nothing","id":1}`, `{"jsonrpc":"2.0","result":null,"id":1}`},
		{"nothing", ``, `{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}`},
		{"two texts", `{"jsonrpc":"2.0","method":"nothing","id":1}{}`, `{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}`},
		{"a key twice", `{"jsonrpc":"2.0","method":"nothing","id":1,"id":2}`, `{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}`},
		{"no UTF-8", `{"jsonrpc":"2.0","method":"nothing","id":"` + "\xff" + `"}`, `{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}`},
		{"a batch in a batch", `[[]]`, `[{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}]`},
		{"true", `true`, `{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, body := post(t, server.URL, tt.request)
			assert.Equal(t, http.StatusOK, res.StatusCode)
			assert.Equal(t, tt.reply, body)
		})
	}
}

func TestErrors(t *testing.T) {
	server, out := serve(t, `,"timeout":"200ms"`)
	for _, tt := range []struct{ method, params, fault string }{
		{"subtract", `{"minuend":"x"}`, `{"code":-32602,"message":"Invalid params","data":{"cid":"CID","errors":["minuend: expected an integer, not \"x\"","subtrahend: missing"]}}`},
		{"subtract", `[1]`, `{"code":-32602,"message":"Invalid params","data":{"cid":"CID","errors":["subtrahend: missing"]}}`},
		{"subtract", `[1,2,3]`, `{"code":-32602,"message":"Invalid params","data":{"cid":"CID","errors":["input is not valid: expected at most 2 params, not 3"]}}`},
		{"echo", `[1e999999999]`, `{"code":-32602,"message":"Invalid params","data":{"cid":"CID","errors":["malformed JSON at line 1, column 2: a number with an exponent beyond 9999"]}}`},
		{"invalid", `[]`, `{"code":-32602,"message":"Invalid params","data":{"cid":"CID","errors":["no invalid; mend it"]}}`},
		{"own", `[]`, `{"code":-32022,"message":"cannot be processed","data":{"cid":"CID","status":422}}`},
		{"denied", `[]`, `{"code":-32003,"message":"no denied; mend it","data":{"cid":"CID","status":403}}`},
		{"missing", `[]`, `{"code":-32004,"message":"no missing; mend it","data":{"cid":"CID","status":404}}`},
		{"not_allowed", `[]`, `{"code":-32005,"message":"no not_allowed; mend it","data":{"cid":"CID","status":405}}`},
		{"conflict", `[]`, `{"code":-32009,"message":"no conflict; mend it","data":{"cid":"CID","status":409}}`},
		{"too_large", `[]`, `{"code":-32013,"message":"no too_large; mend it","data":{"cid":"CID","status":413}}`},
		{"upstream", `[]`, `{"code":-32052,"message":"no upstream; mend it","data":{"cid":"CID","status":502}}`},
		{"unavailable", `[]`, `{"code":-32053,"message":"no unavailable; mend it","data":{"cid":"CID","status":503}}`},
		{"timeout", `[]`, `{"code":-32054,"message":"no timeout; mend it","data":{"cid":"CID","status":504}}`},
		{"slow", `[]`, `{"code":-32054,"message":"service \"svc.slow\" did not answer within 200ms","data":{"cid":"CID","status":504}}`},
		{"teapot", `[]`, `{"code":-32018,"message":"I'm a teapot","data":{"cid":"CID","status":418,"payload":"short and stout"}}`},
		{"internal", `[]`, `{"code":-32603,"message":"Internal error","data":{"cid":"CID","details":"internal error"}}`},
		{"panics", `[]`, `{"code":-32603,"message":"Internal error","data":{"cid":"CID","details":"internal error"}}`},
	} {
		t.Run(tt.method+tt.params, func(t *testing.T) {
			res, body := post(t, server.URL, `{"jsonrpc":"2.0","method":"`+tt.method+`","params":`+tt.params+`,"id":"i"}`)
			assert.Equal(t, http.StatusOK, res.StatusCode)
			want := `{"jsonrpc":"2.0","error":` + strings.Replace(tt.fault, "CID", res.Header.Get("X-Parley-CID"), 1) + `,"id":"i"}`
			assert.Equal(t, want, body)
		})
	}
	assert.Contains(t, out.String(), "canary", "the log has the cause")
	assert.Contains(t, out.String(), `"method":"denied","code":-32003`)
}

func TestSecurity(t *testing.T) {
	server, _ := serve(t, "")
	who := `{"jsonrpc":"2.0","method":"who","id":1}`
	for _, tt := range []struct {
		name, request string
		status        int
		parts         []string
	}{
		{"one", who, 401, []string{`{"code":-32001,"message":"who are you","data":{"cid":"`}},
		{"a notification", `{"jsonrpc":"2.0","method":"who"}`, 401, nil},
		{"all", `[` + who + `,` + who + `,{"jsonrpc":"2.0","method":"no such","id":2}]`, 401, []string{"-32001", "-32601"}},
		{"one of two", `[` + who + `,{"jsonrpc":"2.0","method":"get_data","id":2}]`, 200, []string{"-32001", "hello"}},
		{"nothing asked for", `{"jsonrpc":"2.0","method":"no such","id":2}`, 200, []string{"-32601"}},
		{"too many", `{"jsonrpc":"2.0","method":"too_many","id":2}`, 429, []string{"-32029"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, body := post(t, server.URL, tt.request)
			assert.Equal(t, tt.status, res.StatusCode)
			assert.Equal(t, tt.status == 401, res.Header.Get("WWW-Authenticate") == "Basic realm=x")
			for _, part := range tt.parts {
				assert.Contains(t, body, part)
			}
			if tt.parts == nil {
				assert.Empty(t, body)
			}
		})
	}
}

func TestBatchIsBoundedAndConcurrent(t *testing.T) {
	var now, most atomic.Int64
	gate := make(chan struct{})
	open := sync.OnceFunc(func() { close(gate) })
	meet := service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if n == 3 {
			time.AfterFunc(50*time.Millisecond, open) // three at the same time; a fourth would have come by then
		}
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return payload(req.Payload)
	})
	c, err := jsonrpc.Kind().Parse([]byte(`{"url_path":"/rpc","service":"meet","max_batch":5,"batch_workers":3}`))
	require.NoError(t, err)
	built, err := jsonrpc.Kind().New(c, channel.Deps{Name: "T", Names: service.ParleyNames(), Services: []channel.Exposed{{Name: "meet", Handle: meet}}})
	require.NoError(t, err)
	server := httptest.NewServer(built.(http.Handler))
	defer server.Close()
	one := `{"jsonrpc":"2.0","method":"meet","params":[%],"id":%}`
	batch := func(n int) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = strings.ReplaceAll(one, "%", string(rune('1'+i)))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	_, body := post(t, server.URL, batch(5))
	assert.Equal(t, `[{"jsonrpc":"2.0","result":[1],"id":1},{"jsonrpc":"2.0","result":[2],"id":2},{"jsonrpc":"2.0","result":[3],"id":3},`+
		`{"jsonrpc":"2.0","result":[4],"id":4},{"jsonrpc":"2.0","result":[5],"id":5}]`, body)
	assert.Equal(t, int64(3), most.Load())
	_, body = post(t, server.URL, batch(6))
	assert.Contains(t, body, `{"code":-32600,"message":"Invalid Request","data":{"cid":"`)
	assert.Contains(t, body, `"details":"the batch holds 6 calls; the limit is 5"}},"id":null}`)
}

// TestLongBatchesAreNotKept: a body of the greatest size that holds as many calls as it can costs little more than itself.
func TestLongBatchesAreNotKept(t *testing.T) {
	c, err := jsonrpc.Kind().Parse([]byte(`{"url_path":"/rpc","service":"none"}`))
	require.NoError(t, err)
	none := service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) { return nil, nil })
	built, err := jsonrpc.Kind().New(c, channel.Deps{Name: "T", Names: service.ParleyNames(), Services: []channel.Exposed{{Name: "none", Handle: none}}})
	require.NoError(t, err)
	for _, row := range []struct{ name, one string }{
		{"numbers", "1,"},
		{"objects", "{},"},
		{"lists", "[[]],"},
	} {
		t.Run(row.name, func(t *testing.T) {
			body := "[" + strings.Repeat(row.one, 1_000_000/len(row.one)) + "1]"
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/rpc", strings.NewReader(body))
			w := httptest.NewRecorder()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			built.(http.Handler).ServeHTTP(w, req)
			runtime.ReadMemStats(&after)
			assert.Contains(t, w.Body.String(), "the limit is 100")
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(10<<20), "bytes allocated")
		})
	}
}

func TestOneCIDForAll(t *testing.T) {
	server, _ := serve(t, "")
	res, body := post(t, server.URL, `[{"jsonrpc":"2.0","method":"cid","id":1},{"jsonrpc":"2.0","method":"cid","id":2}]`)
	assert.Equal(t, 2, strings.Count(body, res.Header.Get("X-Parley-CID")))
}

func TestBodies(t *testing.T) {
	server, _ := serve(t, `,"max_body":100,"timeout":"100ms"`)
	long := `{"jsonrpc":"2.0","method":"echo","params":["` + strings.Repeat("x", 100) + `"],"id":1}`
	res, body := post(t, server.URL, long)
	assert.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode)
	assert.Contains(t, body, `{"code":-32013,"message":"the request's body is over the limit of 100 bytes of channel Test","data":{"cid":"`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, io.MultiReader(strings.NewReader(long))) // in chunks
	require.NoError(t, err)
	res, err = http.DefaultClient.Do(req)
	require.NoError(t, err)
	_ = res.Body.Close()
	assert.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode)

	in, out := io.Pipe()
	defer func() { _ = out.Close() }()
	req, err = http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, in)
	require.NoError(t, err)
	start := time.Now()
	res, err = http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadRequest, res.StatusCode)
	assert.Contains(t, string(raw), "the request's body did not arrive within 100ms")
	assert.Less(t, time.Since(start), 20*time.Second)
}
