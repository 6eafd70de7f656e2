package balancer_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/backend"
	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/service"
)

func TestRoundRobin(t *testing.T) {
	one, two := backend.New(t, nil, nil), backend.New(t, nil, nil)
	b, srv := front(t, nil, one, two)
	waitState(t, b, "server1", "up")
	waitState(t, b, "server2", "up")
	seen := map[string]int{}
	for range 10 {
		a := do(t, srv.Client(), "POST", srv.URL+"/x", "hello")
		require.Equal(t, "hello", a.body)
		seen[a.header.Get("X-Parley-Server")]++
	}
	assert.Equal(t, map[string]int{"server1": 5, "server2": 5}, seen)
	assert.Equal(t, int64(5), state(b, "server1").Served)
}

func TestWhatServersSee(t *testing.T) {
	be := backend.New(t, nil, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "127.0.0.1", r.Header.Get("X-Forwarded-For"))
		assert.Equal(t, "http", r.Header.Get("X-Forwarded-Proto"))
		assert.Equal(t, "bank.example", r.Header.Get("X-Forwarded-Host"))
		assert.Equal(t, "bank.example", r.Host)
		assert.Equal(t, "/a%2Fb?x=1;2&y=%zz", r.RequestURI)
		assert.Empty(t, r.Header["X-Hop"])
		assert.Empty(t, r.Header["Accept-Encoding"])
		assert.Equal(t, "two words", r.Header.Get("X-Kept"))
		w.Header().Set("Connection", "X-Reply-Hop")
		w.Header().Set("X-Reply-Hop", "1")
		w.WriteHeader(http.StatusTeapot)
	})
	b, srv := front(t, nil, be)
	waitState(t, b, "server1", "up")
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", srv.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET /a%2Fb?x=1;2&y=%zz HTTP/1.1\r\nHost: bank.example\r\nX-Forwarded-For: 6.6.6.6\r\n"+
		"Connection: X-Hop\r\nX-Hop: 1\r\nX-Kept: two words\r\n\r\n")
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	assert.Equal(t, http.StatusTeapot, res.StatusCode)
	assert.Empty(t, res.Header["X-Reply-Hop"])
	assert.Equal(t, "server1", res.Header.Get("X-Parley-Server"))
}

func TestAlive(t *testing.T) {
	_, srv := front(t, nil)
	a := do(t, srv.Client(), "GET", srv.URL+"/parley-lb-alive", "")
	assert.Equal(t, 200, a.status)
	assert.Equal(t, "<html><body><h1>200 OK</h1>Service ready.</body></html>\n", a.body)
}

func TestNoServer(t *testing.T) {
	rows := []struct {
		name, contentType string
		names             service.Names
		want              string
	}{
		{"json", "application/json", service.ParleyNames(), `{"parley_env":{"cid":"CID","result":"PARLEY_ERROR","details":"No server is available to handle the request"}}`},
		{"xml", "text/xml", service.ParleyNames(), `<response><parley_env><cid>CID</cid><result>PARLEY_ERROR</result><details>No server is available to handle the request</details></parley_env></response>`},
		{"zato", "", service.ZatoNames(), `{"zato_env":{"cid":"CID","result":"ZATO_ERROR","details":"No server is available to handle the request"}}`},
	}
	be := backend.New(t, nil, nil)
	be.Kill()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, srv := front(t, func(o *balancer.Options) { o.Wait, o.Names = -1, row.names }, be)
			a := do(t, srv.Client(), "POST", srv.URL+"/x", "{}", "Content-Type", row.contentType)
			assert.Equal(t, 503, a.status)
			assert.Equal(t, "1", a.header.Get("Retry-After"))
			cid := a.header.Get(row.names.CIDHeader)
			assert.Regexp(t, `^[0-9a-f]{24}$`, cid)
			assert.Equal(t, strings.Replace(row.want, "CID", cid, 1)+"\n", a.body)
		})
	}
}

func TestWaitsForAServerToComeUp(t *testing.T) {
	be := backend.New(t, nil, nil)
	be.Ready.Store(503)
	b, srv := front(t, func(o *balancer.Options) { o.Wait = 10 * time.Second }, be)
	require.Eventually(t, func() bool { return state(b, "server1").Error != "" }, time.Minute, time.Millisecond)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			a := do(t, srv.Client(), "POST", srv.URL+"/x", "hello")
			assert.Equal(t, "hello", a.body)
		})
	}
	be.Ready.Store(200)
	wg.Wait()
}

func TestWaitIsBounded(t *testing.T) {
	be := backend.New(t, nil, nil)
	be.Kill()
	_, srv := front(t, func(o *balancer.Options) { o.Wait = 50 * time.Millisecond }, be)
	start := time.Now()
	a := do(t, srv.Client(), "POST", srv.URL+"/x", "hello")
	assert.Equal(t, 503, a.status)
	assert.GreaterOrEqual(t, time.Since(start), 50*time.Millisecond)

	_, srv = front(t, func(o *balancer.Options) { o.Wait, o.MaxWaiting = time.Hour, -1 }, be)
	a = do(t, srv.Client(), "POST", srv.URL+"/x", "hello")
	assert.Equal(t, 503, a.status, "too many wait")
}

func TestDownAndUpAgain(t *testing.T) {
	one, two := backend.New(t, nil, nil), backend.New(t, nil, nil)
	b, srv := front(t, nil, one, two)
	waitState(t, b, "server1", "up")
	waitState(t, b, "server2", "up")
	one.Kill()
	waitState(t, b, "server1", "down")
	assert.Contains(t, state(b, "server1").Error, "refused")
	for range 6 {
		require.Equal(t, "server2", do(t, srv.Client(), "POST", srv.URL+"/x", "a").header.Get("X-Parley-Server"))
	}
	one.Start()
	waitState(t, b, "server1", "up")
	assert.Empty(t, state(b, "server1").Error)
	require.Eventually(t, func() bool {
		return do(t, srv.Client(), "POST", srv.URL+"/x", "a").header.Get("X-Parley-Server") == "server1"
	}, time.Minute, time.Millisecond)

	two.Ready.Store(503)
	waitState(t, b, "server2", "down")
	assert.Contains(t, state(b, "server2").Error, "not ready")
}

func TestFallNeedsFailuresInARow(t *testing.T) {
	be := backend.New(t, nil, nil)
	b, _ := front(t, func(o *balancer.Options) { o.Fall = 1_000_000 }, be)
	waitState(t, b, "server1", "up")
	be.Ready.Store(500)
	require.Never(t, func() bool { return state(b, "server1").State != "up" }, 150*time.Millisecond, 10*time.Millisecond)
}

func TestDrain(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	one := backend.New(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		_, _ = io.WriteString(w, "finished")
	})
	two := backend.New(t, nil, nil)
	b, srv := front(t, nil, one, two)
	waitState(t, b, "server1", "up")
	waitState(t, b, "server2", "up")
	require.NoError(t, b.Drain("server2"))

	got := make(chan answer, 1)
	go func() { got <- do(t, srv.Client(), "POST", srv.URL+"/slow", "x") }()
	<-begun
	require.NoError(t, b.Drain("server1"))
	require.NoError(t, b.Ready("server2"))
	assert.Equal(t, "draining", state(b, "server1").State)
	assert.Equal(t, int64(1), state(b, "server1").InFlight)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, b.Idle(ctx, "server1"), "1 requests in flight")
	for range 4 {
		assert.Equal(t, "server2", do(t, srv.Client(), "POST", srv.URL+"/x", "a").header.Get("X-Parley-Server"))
	}
	close(finish)
	assert.Equal(t, "finished", (<-got).body)
	require.NoError(t, b.Idle(context.Background(), "server1"))
	require.NoError(t, b.Ready("server1"))
	assert.Equal(t, "up", state(b, "server1").State)

	require.ErrorContains(t, b.Drain("server9"), "server1, server2")
}

func TestRollingRestartLosesNothing(t *testing.T) {
	slow := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}
	backends := []*backend.Backend{backend.New(t, nil, slow), backend.New(t, nil, slow)}
	b, srv := front(t, nil, backends...)
	waitState(t, b, "server1", "up")
	waitState(t, b, "server2", "up")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprint(w, "-", i)
				a := do(t, srv.Client(), "POST", srv.URL+"/x", id, "X-Id", id)
				assert.Equal(t, 200, a.status, a.body)
				assert.Equal(t, id, a.body)
			}
		})
	}
	for range 5 {
		for i, be := range backends {
			name := fmt.Sprint("server", i+1)
			require.NoError(t, b.Drain(name))
			require.NoError(t, b.Idle(context.Background(), name))
			be.Kill()
			require.Eventually(t, func() bool { return state(b, name).Error != "" }, time.Minute, time.Millisecond)
			be.Start()
			require.NoError(t, b.Ready(name))
			waitState(t, b, name, "up")
		}
	}
	close(stop)
	wg.Wait()
}
