package rest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/channel/rest"
	"github.com/parley-run/parley/runtime/service"
)

// kept serves a channel that keeps replies, as the node puts it together, and counts how often the service was called.
func kept(t *testing.T, keys string, exposed channel.Exposed, next service.HandlerFunc) (url string, calls *atomic.Int64) {
	t.Helper()
	c, err := rest.Kind().Parse([]byte(`{"service":"test.service","url_path":"/test/{id}","cache_expiry":60` + keys + `}`))
	require.NoError(t, err)
	calls = &atomic.Int64{}
	within := c.(channel.Within).Within(service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
		calls.Add(1)
		return next(ctx, req)
	}), exposed)
	guarded := service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
		if user := req.Header["X-User"]; user != nil {
			req.Principal = &service.Principal{Definition: "d", Kind: "k", Name: user[0]}
			if claims := req.Header["X-Claims"]; claims != nil {
				req.Principal.Claims = service.ObjectOf("role", claims[0])
			}
		}
		return within.Handle(ctx, req)
	})
	built, err := rest.Kind().New(c, channel.Deps{Name: "Test", Names: service.ParleyNames(), Log: slog.New(slog.DiscardHandler), Handle: guarded})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/test/{id}", built.(channel.HTTP))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/test/", calls
}

// counted answers with a text that no other reply has.
func counted() service.HandlerFunc {
	var n atomic.Int64
	return func(context.Context, *service.Request) (*service.Response, error) {
		return &service.Response{Raw: fmt.Appendf(nil, "reply %d", n.Add(1)), ContentType: "text/plain", Header: map[string][]string{"X-Own": {"yes"}}}, nil
	}
}

func TestKeptReplies(t *testing.T) {
	for _, row := range []struct {
		name, keys     string
		method, path   string
		body, user     string
		method2, path2 string
		body2, user2   string
		same           bool
	}{
		{"same", "", "GET", "1?a=1&b=2", "", "", "GET", "1?a=1&b=2", "", "", true},
		{"other order of parameters", "", "GET", "1?a=1&b=2", "", "", "GET", "1?b=2&a=1", "", "", true},
		{"same caller", "", "GET", "1", "", "sean", "GET", "1", "", "sean", true},
		{"HEAD", "", "HEAD", "1", "", "", "HEAD", "1", "", "", true},
		{"POST where the config says so", `,"cache_methods":["POST"]`, "POST", "1", "{}", "", "POST", "1", "{}", "", true},
		{"another caller", "", "GET", "1", "", "sean", "GET", "1", "", "eve", false},
		{"nobody known", "", "GET", "1", "", "sean", "GET", "1", "", "", false},
		{"another path", "", "GET", "1", "", "", "GET", "2", "", "", false},
		{"another value", "", "GET", "1?a=1", "", "", "GET", "1?a=2", "", "", false},
		{"values that join to the same", "", "GET", "1?a=1&a=2", "", "", "GET", "1?a=12", "", "", false},
		{"values that join alike", "", "GET", "1?a=1&a=12", "", "", "GET", "1?a=11&a=2", "", "", false},
		{"names that join to the same", "", "GET", "1?ab=c", "", "", "GET", "1?a=bc", "", "", false},
		{"another body", "", "GET", "1", "{}", "", "GET", "1", "[]", "", false},
		{"another method", "", "GET", "1", "", "", "HEAD", "1", "", "", false},
		{"POST", "", "POST", "1", "{}", "", "POST", "1", "{}", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			url, calls := kept(t, row.keys, channel.Exposed{}, counted())
			ask := func(method, path, body, user string) (*http.Response, string) {
				req, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
				require.NoError(t, err)
				if user != "" {
					req.Header.Set("X-User", user)
				}
				return send(t, req)
			}
			first, body := ask(row.method, row.path, row.body, row.user)
			assert.Empty(t, first.Header.Get("Age"))
			again, body2 := ask(row.method2, row.path2, row.body2, row.user2)
			assert.NotEqual(t, first.Header.Get("X-Parley-CID"), again.Header.Get("X-Parley-CID"))
			assert.Equal(t, "yes", again.Header.Get("X-Own"))
			assert.Equal(t, "text/plain", again.Header.Get("Content-Type"))
			if row.same {
				assert.EqualValues(t, 1, calls.Load())
				assert.Equal(t, "0", again.Header.Get("Age"))
				assert.Equal(t, body, body2)
				return
			}
			assert.EqualValues(t, 2, calls.Load())
			assert.Empty(t, again.Header.Get("Age"))
		})
	}
}

func TestRepliesThatAreNotKept(t *testing.T) {
	for _, row := range []struct {
		name string
		resp *service.Response
		err  error
	}{
		{"an error", nil, service.Errorf(service.NotFound, "no such customer")},
		{"another success", &service.Response{Status: 201}, nil},
		{"with a cookie", &service.Response{Header: map[string][]string{"set-cookie": {"a=1"}}}, nil},
		{"not to be stored", &service.Response{Header: map[string][]string{"Cache-Control": {"max-age=1, No-Store"}}}, nil},
		{"private", &service.Response{Header: map[string][]string{"Cache-Control": {"private"}}}, nil},
		{"larger than all that may be kept", &service.Response{Raw: make([]byte, 2000)}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			url, calls := kept(t, `,"cache_size":2000`, channel.Exposed{}, answer(row.resp, row.err))
			for range 2 {
				resp, _ := do(t, "GET", url+"1", "")
				assert.Empty(t, resp.Header.Get("Age"))
			}
			assert.EqualValues(t, 2, calls.Load())
		})
	}
}

func TestKeptReplyExpires(t *testing.T) {
	url, _ := kept(t, `,"cache_expiry":"20ms"`, channel.Exposed{}, counted())
	_, first := do(t, "GET", url+"1", "")
	require.Equal(t, "reply 1", first)
	require.Eventually(t, func() bool {
		_, body := do(t, "GET", url+"1", "")
		return body != first
	}, time.Minute, 5*time.Millisecond)
}

func TestKeptRepliesStayWithinTheirMemory(t *testing.T) {
	url, calls := kept(t, `,"cache_size":20000`, channel.Exposed{}, answer(&service.Response{Raw: make([]byte, 1000)}, nil))
	const paths = 100
	hits := func() (n int) {
		for i := range paths {
			if resp, _ := do(t, "GET", fmt.Sprintf("%s%d", url, i), ""); resp.Header.Get("Age") != "" {
				n++
			}
		}
		return n
	}
	hits()
	assert.EqualValues(t, paths, calls.Load())
	require.Eventually(t, func() bool { return hits() <= 20 }, time.Minute, time.Millisecond, "20000 bytes hold no more than 13 such")
}

func TestKeptReplyHasTheCIDOfItsRequest(t *testing.T) {
	url, calls := kept(t, "", channel.Exposed{}, func(_ context.Context, req *service.Request) (*service.Response, error) {
		return &service.Response{Raw: []byte("cid=" + req.CID)}, nil
	})
	for range 2 {
		resp, body := do(t, "GET", url+"1", "")
		assert.Equal(t, "cid="+resp.Header.Get("X-Parley-CID"), body)
		assert.Empty(t, resp.Header.Get("ETag"))
	}
	assert.EqualValues(t, 1, calls.Load())
}

func TestKeptReplyIsAskedForByItsTag(t *testing.T) {
	url, calls := kept(t, `,"content_encoding":"gzip","gzip_min_size":0`, channel.Exposed{}, answer(&service.Response{Raw: []byte("hello"), ContentType: "text/plain"}, nil))
	resp, _ := asked(t, "GET", url+"1", "Accept-Encoding", "identity")
	tag := resp.Header.Get("ETag")
	assert.Regexp(t, `^"[0-9a-f]{32}"$`, tag)
	for _, row := range []struct {
		name, method, asked, accept string
		status                      int
	}{
		{"the same", "GET", tag, "identity", 304},
		{"one of several", "HEAD", `"x", ` + tag, "identity", 304},
		{"weak", "GET", "W/" + tag, "gzip", 304},
		{"any", "GET", "*", "identity", 304},
		{"another", "GET", `"x"`, "identity", 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			resp, body := asked(t, row.method, url+"1", "If-None-Match", row.asked, "Accept-Encoding", row.accept)
			assert.Equal(t, row.status, resp.StatusCode)
			assert.Equal(t, "Accept-Encoding", resp.Header.Get("Vary"))
			if row.status == 304 && row.method == "GET" {
				assert.Empty(t, body)
				assert.Contains(t, resp.Header.Get("ETag"), tag)
				assert.Empty(t, resp.Header.Get("Content-Type"))
			}
		})
	}
	assert.LessOrEqual(t, calls.Load(), int64(2), "one for GET, one for HEAD")
}

func TestServiceSaysWhichRequestsAreAlike(t *testing.T) {
	exposed := channel.Exposed{Hash: func(_ context.Context, req *service.Request) (string, bool, error) {
		switch kind := req.Query["kind"]; {
		case kind == nil:
			return "", false, nil
		case kind[0] == "bad":
			return "", false, errors.New("it broke")
		default:
			return kind[0], true, nil
		}
	}}
	url, calls := kept(t, `,"cache_methods":["GET","POST"]`, exposed, counted())
	for _, row := range []struct {
		method, path, user, claims string
		want                       string
	}{
		{"GET", "1?kind=a&n=1", "", "", "reply 1"},
		{"GET", "2?kind=a&n=2", "", "", "reply 1"},
		{"GET", "1?kind=b&n=1", "", "", "reply 2"},
		{"POST", "1?kind=a", "", "", "reply 3"},
		{"POST", "2?kind=a", "", "", "reply 3"},
		{"GET", "1?kind=a", "sean", "", "reply 4"},
		{"GET", "2?kind=a", "sean", "", "reply 4"},
		{"GET", "2?kind=a", "sean", "admin", "reply 5"},
		{"GET", "1", "", "", "reply 6"},
		{"GET", "1", "", "", "reply 7"},
		{"GET", "1?kind=bad", "", "", "internal error"},
	} {
		headers := []string{"X-None", "1"}
		if row.user != "" {
			headers = append(headers, "X-User", row.user)
		}
		if row.claims != "" {
			headers = append(headers, "X-Claims", row.claims)
		}
		_, body := asked(t, row.method, url+row.path, headers...)
		assert.Contains(t, body, row.want, row.path)
	}
	assert.EqualValues(t, 7, calls.Load())
}
