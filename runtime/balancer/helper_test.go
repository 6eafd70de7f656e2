package balancer_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/backend"
	"github.com/parley-run/parley/runtime/balancer"
)

// front runs a balancer over backends named server1, server2, ... behind a real server.
func front(t testing.TB, change func(*balancer.Options), backends ...*backend.Backend) (*balancer.Balancer, *httptest.Server) {
	o := balancer.Options{CheckInterval: 20 * time.Millisecond, DownInterval: 10 * time.Millisecond}
	for i, be := range backends {
		o.Servers = append(o.Servers, balancer.Server{Name: "server" + string(rune('1'+i)), Address: be.Address, TLS: be.TLS})
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
