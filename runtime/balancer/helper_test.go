package balancer_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
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

	"github.com/parley-run/parley/runtime/balancer"
)

// backend is a server that can be killed and started again on its port, and that counts each X-Id it handled.
type backend struct {
	t       testing.TB
	address string
	handle  http.HandlerFunc
	ready   atomic.Int64 // status of /parley/ready
	paused  atomic.Value // chan struct{}: /parley/ready is answered once it is closed
	tls     *tls.Config  // nil: it serves http

	mu  sync.Mutex
	ids map[string]int
	srv *http.Server
}

func newBackend(t testing.TB, handle http.HandlerFunc) *backend { return newBackendTLS(t, nil, handle) }

func newBackendTLS(t testing.TB, config *tls.Config, handle http.HandlerFunc) *backend {
	b := &backend{tls: config, t: t, handle: handle, ids: map[string]int{}, address: "127.0.0.1:0"}
	b.ready.Store(http.StatusOK)
	if handle == nil {
		b.handle = func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				_, _ = w.Write(body)
			}
		}
	}
	b.start()
	t.Cleanup(b.kill)
	return b
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/parley/ready" {
		if paused, ok := b.paused.Load().(chan struct{}); ok {
			<-paused
		}
		w.WriteHeader(int(b.ready.Load()))
		return
	}
	if id := r.Header.Get("X-Id"); id != "" {
		b.mu.Lock()
		b.ids[id]++
		b.mu.Unlock()
	}
	b.handle(w, r)
}

func (b *backend) start() {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", b.address)
	require.NoError(b.t, err)
	b.address = l.Addr().String()
	if b.tls != nil {
		l = tls.NewListener(l, b.tls)
	}
	srv := &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second}
	b.mu.Lock()
	b.srv = srv
	b.mu.Unlock()
	go func() { _ = srv.Serve(l) }()
}

// kill closes the listener and each connection at once.
func (b *backend) kill() {
	b.mu.Lock()
	srv := b.srv
	b.mu.Unlock()
	_ = srv.Close()
}

func (b *backend) handled() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]int{}
	for id, n := range b.ids {
		out[id] = n
	}
	return out
}

// front runs a balancer over backends named server1, server2, ... behind a real server.
func front(t testing.TB, change func(*balancer.Options), backends ...*backend) (*balancer.Balancer, *httptest.Server) {
	o := balancer.Options{CheckInterval: 20 * time.Millisecond, DownInterval: 10 * time.Millisecond}
	for i, be := range backends {
		o.Servers = append(o.Servers, balancer.Server{Name: "server" + string(rune('1'+i)), Address: be.address, TLS: be.tls != nil})
	}
	if change != nil {
		change(&o)
	}
	b, err := balancer.New(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.Run(ctx)
	}()
	srv := httptest.NewServer(b)
	t.Cleanup(func() {
		srv.Close()
		cancel()
		<-done
	})
	return b, srv
}

func state(b *balancer.Balancer, name string) balancer.Status {
	for _, s := range b.Status() {
		if s.Name == name {
			return s
		}
	}
	return balancer.Status{}
}

func waitState(t testing.TB, b *balancer.Balancer, name, want string) {
	t.Helper()
	require.Eventually(t, func() bool { return state(b, name).State == want }, time.Minute, time.Millisecond, "%s is not %s", name, want)
}

type answer struct {
	status int
	header http.Header
	body   string
}

// details is what the envelope of an error says.
func (a answer) details(t *testing.T) string {
	t.Helper()
	var envelope struct {
		Env struct{ CID, Result, Details string } `json:"parley_env"`
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &envelope), a.body)
	assert.Equal(t, "PARLEY_ERROR", envelope.Env.Result)
	assert.Regexp(t, `^[0-9a-f]{24}$`, envelope.Env.CID)
	assert.Equal(t, envelope.Env.CID, a.header.Get("X-Parley-CID"))
	return envelope.Env.Details
}

func do(t testing.TB, client *http.Client, method, url, body string, header ...string) answer {
	t.Helper()
	var src io.Reader
	if body != "" {
		src = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, url, src)
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := client.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{res.StatusCode, res.Header, string(raw)}
}
