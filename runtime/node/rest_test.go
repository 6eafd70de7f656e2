package node_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
)

// asked sends a request with headers, given as pairs.
func (g *ground) asked(method, path, body string, headers ...string) (int, http.Header, string) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.url("server1")+path, strings.NewReader(body))
	require.NoError(g.t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(g.t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(g.t, err)
	return res.StatusCode, res.Header, string(raw)
}

func TestPathThatTakesTheRest(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "files.star", `
def handle(self): self.response.payload = self.request.input
`))
	require.NoError(t, g.define(`
channel_rest:
  - {name: File, service: files, url_path: "/files/{user}/{path}", match_slash: true}
  - {name: One, service: files, url_path: "/files/{user}/about"}
  - {name: Segment, service: files, url_path: "/segment/{path}"}
`))
	for _, row := range []struct {
		path   string
		status int
		want   string
	}{
		{"/files/sean/a", 200, `{"path":"a","user":"sean"}`},
		{"/files/sean/a/b/c.txt", 200, `{"path":"a/b/c.txt","user":"sean"}`},
		{"/files/sean/a/", 200, `{"path":"a/","user":"sean"}`},
		{"/files/sean/a%2Fb%20c/d", 200, `{"path":"a/b c/d","user":"sean"}`},
		{"/files/sean/about", 200, `{"user":"sean"}`},
		{"/files/sean/", 404, "nothing is served at /files/sean/"},
		{"/files/sean", 404, "nothing is served at /files/sean"},
		{"/segment/a", 200, `{"path":"a"}`},
		{"/segment/a/b", 404, "nothing is served at /segment/a/b"},
	} {
		status, _, body := g.request("GET", g.url("server1")+row.path, "")
		assert.Equal(t, row.status, status, row.path)
		if status == 404 {
			body = details(body)
		}
		assert.Equal(t, row.want, body, row.path)
	}
	err := g.define("channel_rest:\n  - {name: Clash, service: files, url_path: \"/files/{user}/{file}\", match_slash: true, method: GET}\n")
	require.ErrorContains(t, err, "url_path /files/{user}/{file...} cannot be served beside /files/{user}/{path...}: some paths match both")
	_, _, document := g.request("GET", g.url("server1")+"/parley/openapi.json", "")
	assert.Contains(t, document, `"/files/{user}/{path}":`)
}

func TestOptionsAndHead(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "verbs.star", `
def got(self): self.response.payload = "hello " + self.request.http.method
def options(self):
    self.response.headers["X-Own"] = "yes"
service("any", got)
service("some", handle_GET = got, handle_PUT = got)
service("own", handle_GET = got, handle_OPTIONS = options)
`))
	require.NoError(t, g.define(`
security_basic_auth:
  - {name: Partners, username: sean, password: right}
channel_rest:
  - {name: Any, service: any, url_path: /any}
  - {name: Some, service: some, url_path: /some}
  - {name: Own, service: own, url_path: /own}
  - {name: Reads, service: any, url_path: /split, method: GET, cors_origins: ["https://app.example.com"], security: Partners}
  - {name: Writes, service: any, url_path: /split, method: [POST, DELETE], cors_origins: ["https://admin.example.com"]}
  - {name: Listed, service: any, url_path: /listed, method: [OPTIONS, POST]}
`))
	const origin, method, allow = "Origin", "Access-Control-Request-Method", "Access-Control-Allow-Origin"
	for _, row := range []struct {
		name, method, path string
		headers            []string
		status             int
		want               map[string]string
		body               string
	}{
		{"all methods", "OPTIONS", "/any", nil, 204, map[string]string{"Allow": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"}, ""},
		{"those of the service", "OPTIONS", "/some", nil, 204, map[string]string{"Allow": "GET, HEAD, OPTIONS, PUT"}, ""},
		{"the service has its own", "OPTIONS", "/own", nil, 200, map[string]string{"X-Own": "yes", "Allow": ""}, ""},
		{"the channel lists it", "OPTIONS", "/listed", nil, 200, nil, "hello OPTIONS"},
		{"of all channels there", "OPTIONS", "/split", nil, 204, map[string]string{"Allow": "DELETE, GET, HEAD, OPTIONS, POST"}, ""},
		{"a page asks for the first", "OPTIONS", "/split", []string{origin, "https://app.example.com", method, "GET"}, 204, map[string]string{allow: "https://app.example.com", "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS"}, ""},
		{"a page asks for the second", "OPTIONS", "/split", []string{origin, "https://admin.example.com", method, "DELETE"}, 204, map[string]string{allow: "https://admin.example.com"}, ""},
		{"a page asks for the other's", "OPTIONS", "/split", []string{origin, "https://app.example.com", method, "DELETE"}, 204, map[string]string{allow: ""}, ""},
		{"a page asks for what nobody takes", "OPTIONS", "/split", []string{origin, "https://app.example.com", method, "PATCH"}, 204, map[string]string{allow: ""}, ""},
		{"a refusal is readable", "GET", "/split", []string{origin, "https://app.example.com"}, 401, map[string]string{allow: "https://app.example.com"}, ""},
		{"no path", "OPTIONS", "/nowhere", nil, 404, map[string]string{"Allow": ""}, ""},
		{"HEAD", "HEAD", "/some", nil, 200, map[string]string{"Content-Length": "10"}, ""},
		{"HEAD where there is no GET", "HEAD", "/listed", nil, 405, map[string]string{"Allow": "OPTIONS, POST"}, ""},
		{"another verb", "POST", "/some", nil, 405, map[string]string{"Allow": "GET, HEAD, OPTIONS, PUT"}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			status, header, body := g.asked(row.method, row.path, "", row.headers...)
			assert.Equal(t, row.status, status)
			if status < 300 {
				assert.Equal(t, row.body, body)
			}
			assert.Len(t, header.Get("X-Parley-CID"), 24)
			for name, value := range row.want {
				assert.Equal(t, value, header.Get(name), name)
			}
		})
	}
}

func TestKeptRepliesGoWithTheirServiceAndChannel(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	const yaml = `
security_basic_auth:
  - {name: Partners, username: sean, password: right}
channel_rest:
  - {name: Kept, service: kept, url_path: "/kept/{id}", cache_expiry: "1h", cache_size: SIZE, security: WHO}
`
	define := func(size, who string) {
		require.NoError(t, g.define(strings.NewReplacer("SIZE", size, "WHO", who).Replace(yaml)))
	}
	source := func(text string) {
		require.NoError(t, g.deploy("server1", "kept.star", `
simple_io = SimpleIO(input_required = ["id"], output_required = ["cid", "text"])
def handle(self):
    self.logger.info("SERVED")
    self.response.payload = {"cid": self.cid, "text": "`+text+`"}
`))
	}
	served := func() int { return strings.Count(g.logs.String(), "msg=SERVED") }
	get := func(path string, headers ...string) (bool, string) {
		status, header, body := g.asked("GET", path, "", headers...)
		if status == 200 {
			assert.Contains(t, body, header.Get("X-Parley-CID"), "a kept reply has the CID of its own request")
		}
		return header.Get("Age") != "", body
	}
	define("100000", `""`)
	source("one")
	for i, row := range []struct {
		do   func()
		path string
		kept bool
		want string
	}{
		{nil, "/kept/1", false, "one"},
		{nil, "/kept/1", true, "one"},
		{nil, "/kept/2", false, "one"},
		{nil, "/kept/x", false, "id: expected an integer"},
		{nil, "/kept/x", false, "id: expected an integer"},
		{func() { source("two") }, "/kept/1", false, "two"},
		{nil, "/kept/1", true, "two"},
		{func() { define("200000", `""`) }, "/kept/1", false, "two"},
		{nil, "/kept/1", true, "two"},
		{func() { require.NoError(t, g.deploy("server1", "other.star", "def handle(self): pass")) }, "/kept/1", true, "two"},
		{func() { define("200000", "Partners") }, "/kept/1", false, "you are not allowed"},
	} {
		if row.do != nil {
			row.do()
		}
		kept, body := get(row.path)
		assert.Equal(t, row.kept, kept, i)
		assert.Contains(t, body, row.want, i)
	}
	before := served()
	auth := "Basic c2VhbjpyaWdodA=="
	kept, _ := get("/kept/1", "Authorization", auth)
	assert.False(t, kept)
	kept, _ = get("/kept/1", "Authorization", auth)
	assert.True(t, kept)
	assert.Equal(t, before+1, served())
	_, body := get("/kept/1")
	assert.Contains(t, body, "you are not allowed", "a kept reply is for who may call alone")
}

func TestHooksOverHTTP(t *testing.T) {
	g := newGround(t)
	var order []string
	hooks := service.Hooks{
		Accept: func(_ context.Context, req *service.Request) (bool, error) { return req.Method != "DELETE", nil },
		ValidateInput: func(ctx context.Context, req *service.Request) error {
			if service.CallFrom(ctx).Request != req || req.Input.(*service.Object).Text("name") == "" {
				return service.Errorf(service.Invalid, "name: give one")
			}
			return nil
		},
		AfterHandle: func(_ context.Context, _ *service.Request, res *service.Response) error {
			res.Header = map[string][]string{"X-After": {"yes"}}
			return nil
		},
		FinalizeHandle: func(_ context.Context, req *service.Request, res *service.Response, err error) error {
			order = append(order, req.Method+" "+map[bool]string{true: "went well", false: "failed"}[err == nil && res != nil])
			panic("finalize goes too far")
		},
	}
	type in struct{ Name string }
	type out struct{ Greeting, Channel string }
	greet := service.New("go.greet", func(ctx context.Context, _ service.Runtime, i in) (out, error) {
		return out{"Hello, " + i.Name, service.CallFrom(ctx).Request.Via.Kind}, nil
	}).WithHooks(hooks).WithMethods("GET", "DELETE")
	g.run("server1", greet)
	require.NoError(t, g.deploy("server1", "guarded.star", `
def accept(self): return self.channel.security.username == "sean"
def before_handle(self): self.environ["greeting"] = "Hello"
def validate_input(self):
    if self.request.input.age < 18: error(400, "age: come back later")
def handle(self):
    self.response.payload.text = self.environ["greeting"] + " " + self.channel.security.username + " via " + self.channel
def validate_output(self):
    if self.request.input.age > 100: fail("that old")
def after_handle(self): fail("swallowed")
def finalize_handle(self): self.logger.info("FINAL %s" % self.response.payload.text)
simple_io = SimpleIO(input_required = [Int("age")], output_required = ["text"])
`))
	require.NoError(t, g.define(`
security_basic_auth:
  - {name: Partners, username: sean, password: right}
  - {name: Others, username: eve, password: right}
channel_rest:
  - {name: Greet, service: go.greet, url_path: /greet}
  - {name: Guarded, service: guarded, url_path: /guarded, security: Partners}
  - {name: Guarded for others, service: guarded, url_path: /others, security: Others}
`))
	const sean, eve = "Basic c2VhbjpyaWdodA==", "Basic ZXZlOnJpZ2h0"
	for _, row := range []struct {
		method, path, auth string
		status             int
		want               string
	}{
		{"GET", "/greet?name=Sean", "", 200, `{"response":{"greeting":"Hello, Sean","channel":"channel_rest"}}`},
		{"GET", "/greet?name=", "", 400, "name: give one"},
		{"DELETE", "/greet?name=Sean", "", 400, ""},
		{"PUT", "/greet?name=Sean", "", 405, "the method PUT is not allowed at /greet; allowed: DELETE, GET, HEAD, OPTIONS"},
		{"GET", "/guarded?age=20", sean, 200, `{"response":{"text":"Hello sean via Guarded"}}`},
		{"GET", "/guarded?age=17", sean, 400, "age: come back later"},
		{"GET", "/guarded?age=old", sean, 400, "input is not valid: age: expected an integer"},
		{"GET", "/guarded?age=120", sean, 500, "internal error"},
		{"GET", "/others?age=20", eve, 400, ""},
		{"GET", "/guarded?age=20", eve, 401, "you are not allowed"},
	} {
		status, header, body := g.asked(row.method, row.path, "", "Authorization", row.auth)
		assert.Equal(t, row.status, status, row.path)
		if row.want == "" {
			assert.Empty(t, body, row.path)
		}
		assert.Contains(t, body, row.want, row.path)
		if row.method == "GET" && strings.HasPrefix(row.path, "/greet") && status == 200 {
			assert.Equal(t, "yes", header.Get("X-After"))
		}
	}
	assert.Equal(t, []string{"GET went well", "GET failed", "DELETE failed"}, order)
	logs := g.logs.String()
	assert.Contains(t, logs, `hook=after_handle err="after_handle: fail: swallowed at guarded.star:10:29 in after_handle`)
	assert.Contains(t, logs, `err="validate_output: fail: that old at guarded.star:9:42 in validate_output`)
	assert.Contains(t, logs, `msg="FINAL Hello sean via Guarded"`)
	assert.Contains(t, logs, `finalize goes too far`)
	assert.NotContains(t, logs, "panic serving")
}

func TestFinalizeComesAfterTheStatistics(t *testing.T) {
	g := newGround(t)
	seen := make(chan int64, 1)
	var ask func() int64
	counted := service.Service{Name: "go.counted", Handler: service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) {
		return &service.Response{}, nil
	})}.WithHooks(service.Hooks{FinalizeHandle: func(context.Context, *service.Request, *service.Response, error) error {
		seen <- ask()
		return nil
	}})
	ask = func() int64 {
		var stats []struct {
			Service string
			Count   int64
		}
		require.NoError(t, g.call("server1", "parley.stats.get-local", struct{}{}, &stats))
		for _, one := range stats {
			if one.Service == "go.counted" {
				return one.Count
			}
		}
		return 0
	}
	g.run("server1", counted)
	require.NoError(t, g.define("channel_rest:\n  - {name: Counted, service: go.counted, url_path: /counted}\n"))
	status, _, _ := g.asked("GET", "/counted", "")
	assert.Equal(t, 200, status)
	select {
	case n := <-seen:
		assert.EqualValues(t, 1, n)
	case <-time.After(time.Minute):
		require.Fail(t, "finalize_handle did not run")
	}
}

func TestParametersThatAreNoInput(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "merged.star", `
def handle(self): self.response.payload = {"input": self.request.input, "params": self.request.http.params}
`))
	require.NoError(t, g.define(`
channel_rest:
  - {name: Merged, service: merged, url_path: "/merged/{id}"}
  - {name: Apart, service: merged, url_path: "/apart/{id}", merge_url_params_req: false}
`))
	for path, want := range map[string]string{
		"/merged/1?a=2": `{"input":{"b":3,"a":"2","id":"1"},"params":{"a":"2","id":"1"}}`,
		"/apart/1?a=2":  `{"input":{"b":3},"params":{"a":"2","id":"1"}}`,
	} {
		_, _, body := g.asked("POST", path, `{"b":3}`)
		var got, expected any
		require.NoError(t, json.Unmarshal([]byte(body), &got), body)
		require.NoError(t, json.Unmarshal([]byte(want), &expected))
		assert.Equal(t, expected, got)
	}
}

func TestHooksKnowWhoCalls(t *testing.T) {
	g := newGround(t)
	hooks := service.Hooks{
		ValidateInput: func(_ context.Context, req *service.Request) error {
			if req.Principal == nil {
				return service.Errorf(service.Denied, "log in first")
			}
			return nil
		},
	}
	type out struct{ User string }
	who := service.New("go.who", func(ctx context.Context, _ service.Runtime, _ struct{}) (out, error) {
		return out{service.CallFrom(ctx).Request.Principal.Name}, nil
	}).WithHooks(hooks)
	g.run("server1", who)
	require.NoError(t, g.define(`
security_api_key:
  - {name: Keys, key: right}
channel_rest:
  - {name: Open, service: go.who, url_path: /open}
  - {name: Closed, service: go.who, url_path: /closed, security: Keys}
`))
	status, _, body := g.asked("GET", "/open", "")
	assert.Equal(t, 403, status)
	assert.Equal(t, "log in first", details(body))
	status, _, body = g.asked("GET", "/closed", "", "X-Api-Key", "right")
	assert.Equal(t, 200, status)
	assert.Equal(t, `{"response":{"user":"Keys"}}`, body)
}
