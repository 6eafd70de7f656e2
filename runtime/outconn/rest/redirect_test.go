package rest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/service"
)

// signs is a definition that puts a password into each request.
type signs struct{}

func (signs) Sign(_ context.Context, r *http.Request, _ []byte) error {
	r.Header.Set("Authorization", "Bearer c4nary")
	return nil
}

// trail is a remote that redirects /to/CODE?URL there, and says what else it is asked.
type trail struct {
	*httptest.Server
	mu   sync.Mutex
	seen []seen
}

func newTrail(t *testing.T) *trail {
	t.Helper()
	r := &trail{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		r.seen = append(r.seen, seen{q.Method, q.RequestURI, string(body), q.Host, q.Header})
		r.mu.Unlock()
		if code, ok := strings.CutPrefix(q.URL.Path, "/to/"); ok {
			w.Header().Set("Location", q.URL.RawQuery)
			w.WriteHeader(map[string]int{"301": 301, "302": 302, "303": 303, "307": 307, "308": 308}[code])
			return
		}
		if q.URL.Path == "/loop" {
			w.Header().Set("Location", "/loop")
			w.WriteHeader(302)
			return
		}
		_, _ = io.WriteString(w, q.Method+" "+string(body))
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *trail) all() []seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]seen(nil), r.seen...)
}

func TestRedirectsWithinTheHost(t *testing.T) {
	for _, tt := range []struct{ code, method, want string }{
		{"301", "post", "GET "},
		{"302", "post", "GET "},
		{"303", "put", "GET "},
		{"302", "put", "PUT data"},
		{"307", "post", "POST data"},
		{"308", "patch", "PATCH data"},
	} {
		r := newTrail(t)
		c, err := openWith(t, outconn.Deps{Signer: signs{}}, r.URL, "url_path", "/to/"+tt.code+"?/end?a=1", "follow_redirects", "same_host", "headers", object("X-Own", "1"))
		require.NoError(t, err)
		reply, err := c.Call(t.Context(), tt.method, []any{"cid1", "data"}, nil)
		require.NoError(t, err)
		assert.Equal(t, tt.want, attr(t, reply, "text"), "%s %s", tt.code, tt.method)
		last := r.all()[1]
		assert.Equal(t, "/end?a=1", last.uri)
		assert.Equal(t, []string{"Bearer c4nary"}, last.header["Authorization"])
		assert.Equal(t, "1", last.header.Get("X-Own"))
		assert.Equal(t, "cid1", last.header.Get("X-Parley-CID"))
	}
}

func TestRedirectsElsewhere(t *testing.T) {
	other := newTrail(t)
	for _, tt := range []struct {
		name, target string
		keys         []any
		status       int64  // 0: an error
		says         string // of the error
	}{
		{"none is followed unless it is said", other.URL, nil, 302, ""},
		{"none of the host either", "/end", nil, 302, ""},
		{"this machine", other.URL, []any{"follow_redirects", "any"}, 0, "127.0.0.1 is this machine, which an address from outside may not lead to"},
		{"by name", strings.Replace(other.URL, "127.0.0.1", "localhost", 1), []any{"follow_redirects", "any"}, 0, "is this machine"},
		{"another port of the host", other.URL, []any{"follow_redirects", "same_host"}, 0, "is this machine"},
		{"in other digits", strings.Replace(other.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1), []any{"follow_redirects", "any"}, 0, "is this machine"},
		{"a cloud's metadata", "http://169.254.169.254/latest/meta-data/", []any{"follow_redirects", "any"}, 0, "169.254.169.254 is link-local"},
		{"a private network", "http://10.0.0.1/", []any{"follow_redirects", "any"}, 0, "10.0.0.1 is of a private network"},
		{"another host", "http://192.0.2.1/", []any{"follow_redirects", "same_host"}, 302, ""},
		{"no http", "file:///etc/passwd", []any{"follow_redirects", "any"}, 302, ""},
		{"gopher", "gopher://127.0.0.1:6379/_FLUSHALL", []any{"follow_redirects", "any"}, 302, ""},
		{"allowed", other.URL + "/end", []any{"follow_redirects", "any", "allow_addresses", []any{"127.0.0.0/8"}}, 200, ""},
		{"a loop", "/loop", []any{"follow_redirects", "any"}, 0, "11 redirects came one after the other"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newTrail(t)
			before := len(other.all())
			keys := append([]any{"url_path", "/to/302?" + tt.target, "headers", object("X-Key", "c4nary", "Host", "virtual")}, tt.keys...)
			c, err := openWith(t, outconn.Deps{Signer: signs{}}, r.URL, keys...)
			require.NoError(t, err)
			reply, err := c.Call(t.Context(), "get", []any{"cid"}, nil)
			if tt.status == 0 {
				require.ErrorContains(t, err, tt.says)
				assert.Equal(t, service.Upstream, fault(t, err).Code)
				assert.NotContains(t, err.Error(), "c4nary")
				assert.Len(t, other.all(), before, "nothing came there")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.status, attr(t, reply, "status_code"))
			assert.Equal(t, "virtual", r.all()[0].host)
			if tt.status != 200 {
				assert.Len(t, r.all(), 1)
				assert.Len(t, other.all(), before)
				return
			}
			last := other.all()[before]
			assert.NotEqual(t, "virtual", last.host)
			for _, name := range []string{"Authorization", "X-Key", "X-Parley-Cid"} {
				assert.Empty(t, last.header[name], "%s stays with the connection's own address", name)
			}
		})
	}
}

// TestNothingIsSignedForWhoSendsUsBack: another host may send the request back, and gains no credentials by it.
func TestNothingIsSignedForWhoSendsUsBack(t *testing.T) {
	r, other := newTrail(t), newTrail(t)
	c, err := openWith(t, outconn.Deps{Signer: signs{}}, r.URL, "url_path", "/to/307?"+other.URL+"/to/307?"+r.URL+"/delete-all",
		"follow_redirects", "any", "allow_addresses", []any{"127.0.0.1"})
	require.NoError(t, err)
	_, err = c.Call(t.Context(), "post", []any{"cid", "data"}, nil)
	require.NoError(t, err)
	all := r.all()
	require.Len(t, all, 2)
	assert.Equal(t, "/delete-all", all[1].uri)
	assert.NotEmpty(t, all[0].header["Authorization"])
	assert.Empty(t, all[1].header["Authorization"])
}

func TestRedirectFaults(t *testing.T) {
	for _, tt := range []struct {
		keys []any
		want string
	}{
		{[]any{"follow_redirects", "yes"}, "follow_redirects: expected none, same_host or any"},
		{[]any{"follow_redirects", "any", "allow_addresses", []any{"example.com"}}, `allow_addresses: "example.com" is no address`},
		{[]any{"allow_addresses", []any{"10.0.0.0/8"}}, "set follow_redirects too"},
	} {
		_, err := openWith(t, outconn.Deps{}, "http://127.0.0.1:1", tt.keys...)
		require.ErrorContains(t, err, tt.want)
	}
}
