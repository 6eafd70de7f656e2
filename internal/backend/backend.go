// Package backend is a server behind a load-balancer, for tests of load-balancers.
package backend

import (
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/freeport"
)

// Backend can be killed and started again on its port, says at /parley/ready how it fares, and counts each X-Id that it handled.
type Backend struct {
	Address string // host:port
	TLS     bool   // it serves https
	Handle  http.HandlerFunc
	Ready   atomic.Int64 // status of /parley/ready

	t      testing.TB
	tls    *tls.Config
	paused atomic.Pointer[chan struct{}]

	mu  sync.Mutex
	ids map[string]int
	srv *http.Server
}

// New starts one that is ready, until the test ends. Of no handle it answers with what it was sent; of no config it serves http.
func New(t testing.TB, config *tls.Config, handle http.HandlerFunc) *Backend {
	t.Helper()
	address, err := freeport.Address(context.Background())
	require.NoError(t, err)
	b := &Backend{Address: address, TLS: config != nil, Handle: handle, t: t, tls: config, ids: map[string]int{}}
	b.Ready.Store(http.StatusOK)
	if handle == nil {
		b.Handle = func(w http.ResponseWriter, r *http.Request) {
			if body, err := io.ReadAll(r.Body); err == nil {
				_, _ = w.Write(body)
			}
		}
	}
	b.Start()
	t.Cleanup(b.Kill)
	return b
}

// ServeHTTP is of http.Handler.
func (b *Backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/parley/ready" {
		if paused := b.paused.Load(); paused != nil {
			<-*paused
		}
		w.WriteHeader(int(b.Ready.Load()))
		return
	}
	if id := r.Header.Get("X-Id"); id != "" {
		b.mu.Lock()
		b.ids[id]++
		b.mu.Unlock()
	}
	b.Handle(w, r)
}

// Start serves, again after Kill.
func (b *Backend) Start() {
	b.t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", b.Address)
	require.NoError(b.t, err)
	if b.tls != nil {
		l = tls.NewListener(l, b.tls)
	}
	srv := &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second}
	b.mu.Lock()
	b.srv = srv
	b.mu.Unlock()
	go func() { _ = srv.Serve(l) }()
}

// Kill closes the listener and each connection at once.
func (b *Backend) Kill() {
	b.mu.Lock()
	srv := b.srv
	b.mu.Unlock()
	_ = srv.Close()
}

// Pause leaves /parley/ready without an answer, until the test ends.
func (b *Backend) Pause() {
	paused := make(chan struct{})
	b.t.Cleanup(func() { close(paused) })
	b.paused.Store(&paused)
}

// Handled is how often it handled each X-Id.
func (b *Backend) Handled() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.ids)
}
