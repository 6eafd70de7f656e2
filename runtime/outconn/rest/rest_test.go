package rest_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/outconn/rest"
	"github.com/parley-run/parley/runtime/service"
)

func open(t testing.TB, host string, keys ...any) outconn.Conn {
	t.Helper()
	spec := service.ObjectOf(append([]any{"host", host}, keys...)...)
	raw, err := spec.MarshalJSON()
	require.NoError(t, err)
	k := rest.Kind()
	cfg, err := k.Parse(raw)
	require.NoError(t, err)
	c, err := k.New(cfg, outconn.Deps{Name: "CRM", Names: service.ParleyNames(), Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
	return c
}

// seen is a request as the remote saw it.
type seen struct {
	method, uri, body, host string
	header                  http.Header
}

// remote answers every request with status and body and hands over what it saw.
func remote(t testing.TB, status int, contentType, body string) (string, func() seen) {
	t.Helper()
	ch := make(chan seen, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		ch <- seen{r.Method, r.RequestURI, string(raw), r.Host, r.Header}
		w.Header().Set("Content-Type", contentType)
		w.Header().Add("X-Two", "a")
		w.Header().Add("X-Two", "b")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() seen {
		select {
		case r := <-ch:
			return r
		case <-time.After(time.Minute):
			t.Fatal("the remote saw no request")
			return seen{}
		}
	}
}

func attr(t testing.TB, reply any, name string) any {
	t.Helper()
	v, ok := reply.(service.Attrs).Attr(name)
	require.True(t, ok, name)
	return v
}

func fault(t testing.TB, err error) *service.Error {
	t.Helper()
	var e *service.Error
	require.ErrorAs(t, err, &e)
	return e
}

func object(pairs ...any) *service.Object { return service.ObjectOf(pairs...) }

func TestCheckFindsAllFaults(t *testing.T) {
	for _, row := range []struct{ name, spec, path, says string }{
		{"no host", `{}`, "host", "http://host:port"},
		{"scheme", `{"host":"ftp://h"}`, "host", "http://host:port"},
		{"no scheme", `{"host":"127.0.0.1:80"}`, "host", "http://host:port"},
		{"password", `{"host":"http://u:secret@h"}`, "host", "no user name or password"},
		{"path in host", `{"host":"http://h/x"}`, "host", "url_path"},
		{"relative path", `{"host":"http://h","url_path":"x"}`, "url_path", "begins with /"},
		{"open brace", `{"host":"http://h","url_path":"/{id"}`, "url_path", "{name}"},
		{"close brace", `{"host":"http://h","url_path":"/id}"}`, "url_path", "} without {"},
		{"format", `{"host":"http://h","data_format":"yaml"}`, "data_format", "expected json, xml or empty"},
		{"ping", `{"host":"http://h","ping_method":""}`, "ping_method", "HEAD"},
		{"pool", `{"host":"http://h","pool_size":0}`, "pool_size", "at least 1"},
		{"timeout", `{"host":"http://h","timeout":0}`, "timeout", "more than 0"},
		{"limit", `{"host":"http://h","max_response":0}`, "max_response", "at least 1"},
		{"header name", `{"host":"http://h","headers":{"a b":"c"}}`, "headers", `"a b"`},
		{"header value", `{"host":"http://h","headers":{"a":"b\r\nc: d"}}`, "headers", "without line breaks"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := rest.Kind().Parse([]byte(row.spec))
			var faults kind.Faults
			require.ErrorAs(t, err, &faults)
			require.Len(t, faults, 1)
			assert.Equal(t, row.path, faults[0].Path)
			assert.Contains(t, faults[0].Message, row.says)
			assert.NotContains(t, err.Error(), "secret")
		})
	}
	_, err := rest.Kind().Parse([]byte(`{"url_path":"x","pool_size":-1}`))
	var faults kind.Faults
	require.ErrorAs(t, err, &faults)
	assert.Len(t, faults, 3)
}

func TestRequests(t *testing.T) {
	const cid = "0123456789abcdef01234567"
	for _, row := range []struct {
		name   string
		keys   []any
		method string
		args   []any
		kwargs map[string]any
		want   seen
		header map[string]string
	}{
		{
			name: "the tutorial's", keys: []any{"url_path", "/get-customer"}, method: "send",
			args:   []any{cid, object("cust_id", int64(123), "cust_type", "A")},
			want:   seen{method: "POST", uri: "/get-customer", body: `{"cust_id":123,"cust_type":"A"}`},
			header: map[string]string{"X-Parley-CID": cid, "Content-Type": "application/json", "User-Agent": "parley", "Content-Length": "31"},
		},
		{name: "text as it is", method: "post", args: []any{cid, `{"a" : 1}`}, want: seen{method: "POST", uri: "/", body: `{"a" : 1}`}, header: map[string]string{"Content-Type": "application/json"}},
		{name: "text of no format", keys: []any{"data_format", ""}, method: "put", args: []any{cid, "x"}, want: seen{method: "PUT", uri: "/", body: "x"}, header: map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
		{name: "content_type", keys: []any{"content_type", "application/hal+json"}, method: "patch", args: []any{cid, []any{}}, want: seen{method: "PATCH", uri: "/", body: "[]"}, header: map[string]string{"Content-Type": "application/hal+json"}},
		{name: "no data", method: "post", args: []any{cid}, want: seen{method: "POST", uri: "/"}, header: map[string]string{"Content-Type": ""}},
		{name: "empty text", method: "post", args: []any{cid, ""}, want: seen{method: "POST", uri: "/"}},
		{
			name: "names in the path", keys: []any{"url_path", "/c/{id}/x y/{what}?fixed=1"}, method: "get",
			args: []any{cid, object("what", "a/b ?", "id", int64(7), "q", "ü&", "list", []any{int64(1), 2.5}, "none", nil, "yes", true)},
			want: seen{method: "GET", uri: "/c/7/x%20y/a%2Fb%20%3F?fixed=1&q=%C3%BC%26&list=1&list=2.5&yes=true"},
		},
		{name: "params of a post", method: "post", args: []any{cid, nil, object("a", "b")}, want: seen{method: "POST", uri: "/?a=b"}},
		{name: "by name", method: "delete", kwargs: map[string]any{"cid": "abc", "params": object("a", int64(1)), "headers": object("X-Own", int64(5), "x-parley-cid", "mine", "Host", "other.example")}, want: seen{method: "DELETE", uri: "/?a=1", host: "other.example"}, header: map[string]string{"X-Parley-CID": "mine", "X-Own": "5"}},
		{name: "own headers", keys: []any{"headers", object("content-type", "a/b", "Authorization", "Bearer x", "user-agent", "me")}, method: "post", args: []any{cid, "x"}, want: seen{method: "POST", uri: "/", body: "x"}, header: map[string]string{"Content-Type": "a/b", "Authorization": "Bearer x", "User-Agent": "me"}},
		{name: "cid of the caller", method: "options", want: seen{method: "OPTIONS", uri: "/"}, header: map[string]string{"X-Parley-CID": "from-context"}},
		{name: "head", method: "head", args: []any{cid}, want: seen{method: "HEAD", uri: "/"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			host, next := remote(t, 200, "application/json", `{"ok":true}`)
			ctx := service.WithCall(context.Background(), &service.Call{CID: "from-context"})
			_, err := open(t, host, row.keys...).Call(ctx, row.method, row.args, row.kwargs)
			require.NoError(t, err)
			got := next()
			for name, want := range row.header {
				assert.Equal(t, want, got.header.Get(name), name)
				assert.LessOrEqual(t, len(got.header.Values(name)), 1, name)
			}
			if row.want.host == "" {
				row.want.host = strings.TrimPrefix(host, "http://")
			}
			got.header = nil
			assert.Equal(t, row.want, got)
		})
	}
}

func TestReplies(t *testing.T) {
	for _, row := range []struct {
		name, format string
		status       int
		contentType  string
		body         string
		data         any
	}{
		{"object", "json", 200, "application/json", `{"firstName":"Sean","n":1}`, object("firstName", "Sean", "n", int64(1))},
		{"json without its type", "json", 200, "text/plain", `[1]`, []any{int64(1)}},
		{"empty", "json", 204, "application/json", ``, nil},
		{"blank", "json", 200, "application/json", ` `, nil},
		{"a fault in JSON", "json", 404, "application/json", `{"error":"x"}`, object("error", "x")},
		{"a fault as a page", "json", 500, "text/html", `<h1>Oops</h1>`, "<h1>Oops</h1>"},
		{"text", "", 200, "application/json", `{"a":1}`, `{"a":1}`},
		{"redirect", "json", 307, "text/plain", `there`, "there"},
	} {
		t.Run(row.name, func(t *testing.T) {
			host, _ := remote(t, row.status, row.contentType, row.body)
			reply, err := open(t, host, "data_format", row.format).Call(context.Background(), "send", []any{"c1", "x"}, nil)
			require.NoError(t, err)
			assert.Equal(t, row.data, attr(t, reply, "data"))
			assert.Equal(t, row.body, attr(t, reply, "text"))
			assert.Equal(t, int64(row.status), attr(t, reply, "status_code"))
			assert.Equal(t, "c1", attr(t, reply, "cid"))
			headers := attr(t, reply, "headers").(*service.Object)
			assert.Equal(t, row.contentType, headers.Text("Content-Type"))
			assert.Equal(t, "a, b", headers.Text("X-Two"))
			_, ok := reply.(service.Attrs).Attr("txt")
			assert.False(t, ok)
			raw, err := json.Marshal(reply)
			require.NoError(t, err)
			assert.Contains(t, string(raw), `"status_code":`)
		})
	}
}

func TestBadReplies(t *testing.T) {
	for _, row := range []struct {
		name, body string
		keys       []any
		says       string
	}{
		{"not JSON", `<html>`, nil, `/get answered 200 with a body that is not JSON: `},
		{"cut off", `{"a":`, nil, `is not JSON`},
		{"too long", strings.Repeat("1", 101), []any{"max_response", int64(100)}, "answered with more than 100 bytes"},
		{"too long, in chunks", strings.Repeat("1", 100_000), []any{"max_response", int64(50_000)}, "answered with more than 50000 bytes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			host, _ := remote(t, 200, "text/plain", row.body)
			_, err := open(t, host, append(row.keys, "url_path", "/get")...).Call(context.Background(), "send", []any{"c", "x"}, nil)
			e := fault(t, err)
			assert.Equal(t, service.Upstream, e.Code)
			assert.Contains(t, e.Message, `outconn "CRM": POST `+host+"/get")
			assert.Contains(t, e.Message, row.says)
		})
	}
	host, _ := remote(t, 200, "text/plain", strings.Repeat("1", 100))
	_, err := open(t, host, "max_response", int64(100), "data_format", "").Call(context.Background(), "get", nil, nil)
	require.NoError(t, err, "a reply of exactly the limit")
}

func TestMisuse(t *testing.T) {
	for _, row := range []struct {
		name, method string
		args         []any
		kwargs       map[string]any
		says         string
	}{
		{"method", "pots", nil, nil, `outconn "CRM" has no method "pots"; did you mean "post"?`},
		{"too many", "get", []any{"c", nil, "x"}, nil, "get takes (cid, params, headers=...)"},
		{"unknown name", "post", nil, map[string]any{"json": "x"}, `post takes no "json"`},
		{"twice", "post", []any{"c", "x"}, map[string]any{"data": "y"}, "given twice"},
		{"cid", "post", []any{object()}, nil, "correlation ID"},
		{"params", "get", []any{"c", "x"}, nil, "params is a dict"},
		{"missing", "get", []any{"c"}, nil, `no parameter "id" was given`},
		{"dots", "get", []any{"c", object("id", "..")}, nil, `parameter "id" may not be ".."`},
		{"empty", "get", []any{"c", object("id", "")}, nil, `may not be ""`},
		{"nested", "get", []any{"c", object("id", int64(1), "q", object())}, nil, `parameter "q" is a dict`},
		{"header", "post", []any{"c", "x", object("id", int64(1))}, map[string]any{"headers": object("a", "b\nc")}, `header "a"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := open(t, "http://127.0.0.1:1", "url_path", "/c/{id}")
			_, err := c.Call(context.Background(), row.method, row.args, row.kwargs)
			e := fault(t, err)
			assert.Equal(t, service.Internal, e.Code)
			assert.Contains(t, e.Error(), row.says)
			assert.Contains(t, e.Error(), `outconn "CRM"`)
		})
	}
	_, err := open(t, "http://127.0.0.1:1", "is_active", false).Call(context.Background(), "get", nil, nil)
	assert.Equal(t, service.Unavailable, fault(t, err).Code)
	require.ErrorContains(t, err, `outconn "CRM" is inactive; set its is_active to true`)
}

func TestPoolBoundsConnections(t *testing.T) {
	var open2, most, conns atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := open2.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		_, _ = io.WriteString(w, "{}")
		open2.Add(-1)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := open(t, s.URL, "pool_size", int64(3))
	var group sync.WaitGroup
	for range 30 {
		group.Go(func() {
			for range 20 {
				_, err := c.Call(context.Background(), "send", []any{"c", "x"}, nil)
				assert.NoError(t, err)
			}
		})
	}
	group.Wait()
	assert.LessOrEqual(t, most.Load(), int64(3))
	assert.LessOrEqual(t, conns.Load(), int64(3), "connections are kept alive")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var requests atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.Redirect(w, r, "/other", http.StatusFound)
	}))
	defer s.Close()
	c := open(t, s.URL)
	for _, method := range []string{"get", "post"} {
		reply, err := c.Call(context.Background(), method, []any{"c"}, nil)
		require.NoError(t, err)
		assert.Equal(t, int64(302), attr(t, reply, "status_code"))
		assert.Equal(t, "/other", attr(t, reply, "headers").(*service.Object).Text("Location"))
	}
	assert.Equal(t, int64(2), requests.Load())
}

func TestPing(t *testing.T) {
	host, next := remote(t, 405, "text/plain", "")
	text, err := open(t, host, "url_path", "/get-customer").Ping(context.Background())
	require.NoError(t, err)
	assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6} \(UTC\) HEAD `+host+`/get-customer\nCode: 405\nResponse time: 0:00:0\d\.\d{6}$`, text)
	assert.Equal(t, "HEAD", next().method)
	_, err = open(t, host, "ping_method", "GET", "url_path", "/c/{id}").Call(context.Background(), "ping", nil, nil)
	require.NoError(t, err)
	got := next()
	assert.Equal(t, "GET /c/", got.method+" "+got.uri)
	_, err = open(t, "http://127.0.0.1:1").Ping(context.Background())
	require.ErrorContains(t, err, "connection refused")
}

// No call may see another's body or reply, also where calls are cancelled half-way.
func TestBodiesDoNotMix(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err == nil {
			_, _ = w.Write(raw)
		}
	}))
	defer s.Close()
	c := open(t, s.URL)
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 100 {
				ctx, cancel := context.WithCancel(context.Background())
				stop := func() bool { return false }
				if i%3 == 0 {
					stop = time.AfterFunc(time.Duration(i)*time.Microsecond, cancel).Stop
				}
				mine := object("g", int64(g), "i", int64(i), "fill", strings.Repeat(string(rune('a'+g)), 100*i))
				reply, err := c.Call(ctx, "send", []any{"c", mine}, nil)
				if err == nil {
					assert.Equal(t, mine, attr(t, reply, "data"))
				} else {
					assert.Contains(t, err.Error(), "the caller went away")
				}
				stop()
				cancel()
			}
		})
	}
	group.Wait()
}
