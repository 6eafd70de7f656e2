package haproxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/backend"
	"github.com/parley-run/parley/runtime/balancer"
)

// drop handles a request and dies before it answers, but for those to /warm.
func drop(reset bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/warm" {
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		if tcp, ok := conn.(*net.TCPConn); ok && reset {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

// Each row is met by clients that keep their connection and by clients that do not: HAProxy treats the first request
// of a connection in another way than the later ones.
func TestServerThatDiesWhileItWorks(t *testing.T) {
	rows := []struct {
		name, method, path, body string
		header                   []string
		again                    bool
	}{
		{"post", "POST", "/x", "hello", nil, false},
		{"post without body", "POST", "/x", "", nil, false},
		{"post with a key", "POST", "/x", "", []string{"Idempotency-Key", "1"}, false},
		{"put", "PUT", "/x", "hello", nil, false},
		{"delete", "DELETE", "/x", "", nil, false},
		{"get", "GET", "/x", "", nil, true},
		{"get with body", "GET", "/x", "hello", nil, true},
		{"get with a body too big to keep", "GET", "/x", strings.Repeat("x", 200_000), nil, false},
		{"head", "HEAD", "/x", "", nil, true},
	}
	for _, reset := range []bool{false, true} {
		one, two := backend.New(t, nil, nil), backend.New(t, nil, drop(reset))
		f := newFront(t, nil, one, two)
		for _, keep := range []bool{false, true} {
			for _, row := range rows {
				t.Run(fmt.Sprintf("%s, kept %t, reset %t", row.name, keep, reset), func(t *testing.T) {
					client := newClient(t)
					client.Transport.(*http.Transport).DisableKeepAlives = !keep
					for range 4 {
						require.Equal(t, 200, do(t, client, "POST", f.url+"/warm", "").status)
					}
					met := 0
					for i := range 4 {
						id := fmt.Sprint(t.Name(), i)
						a := do(t, client, row.method, f.url+row.path, row.body, append(row.header, "X-Id", id)...)
						here, there := one.Handled()[id], two.Handled()[id]
						met += there
						if row.again {
							assert.Equal(t, 200, a.status)
							assert.Equal(t, 1, here)
							if row.method != "HEAD" {
								assert.Equal(t, row.body, a.body)
							}
							continue
						}
						assert.LessOrEqual(t, here+there, 1, "handled once")
						if there == 0 && a.status == 200 {
							continue
						}
						assert.Equal(t, 502, a.status)
						assert.Equal(t, "unknown", a.header.Get("X-Parley-Outcome"))
						assert.Equal(t, "server2", a.header.Get("X-Parley-Server"))
						cid := a.header.Get("X-Parley-CID")
						assert.Regexp(t, `^[0-9a-f]{24}$`, cid)
						assert.Equal(t, `{"parley_env":{"cid":"`+cid+`","result":"PARLEY_ERROR",`+
							`"details":"server2 did not answer; it may or may not have handled the request"}}`, a.body)
					}
					assert.Positive(t, met+len(row.body)/200_000, "the test met what it is about")
				})
			}
		}
	}
}

func TestRefusedGoesToTheNextServer(t *testing.T) {
	one, two := backend.New(t, nil, nil), backend.New(t, nil, nil)
	f := newFront(t, nil, one, two)
	client := newClient(t)
	one.Kill()
	for _, body := range []string{"small", strings.Repeat("x", 3<<20)} {
		for range 4 {
			a := do(t, client, "POST", f.url+"/x", body)
			require.Equal(t, 200, a.status)
			require.True(t, a.body == body, "the body arrived whole")
			require.Equal(t, "server2", a.header.Get("X-Parley-Server"))
		}
	}
	two.Kill()
	f.waitState("server2", balancer.Down) // before, a POST over a connection that was kept to it has an outcome that is unknown
	a := do(t, client, "POST", f.url+"/x", "hello")
	assert.Equal(t, 503, a.status)
	assert.Empty(t, a.header.Get("X-Parley-Outcome"))
	assert.Equal(t, "1", a.header.Get("Retry-After"))
	assert.Contains(t, a.body, "No server is available to handle the request")
}
