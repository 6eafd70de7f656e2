package haproxy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/backend"
	"github.com/parley-run/parley/internal/freeport"
	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/balancer/haproxy"
)

func TestReloadKeepsWhatIsDrainedAndWeighed(t *testing.T) {
	one, two, three := backend.New(t, nil, nil), backend.New(t, nil, nil), backend.New(t, nil, nil)
	f := newFront(t, nil, one, two, three)
	ctx := context.Background()
	require.NoError(t, f.Drain(ctx, "server1"))
	require.NoError(t, f.SetWeight(ctx, "server2", 0))
	kept := newClient(t) // its connection is one of the process that is replaced
	require.Equal(t, "server3", do(t, kept, "POST", f.url+"/x", "").header.Get("X-Parley-Server"))
	require.NoError(t, f.Reload(ctx))
	assert.Equal(t, balancer.Draining, f.state("server1").State)
	assert.Equal(t, 0, f.state("server2").Weight)
	assert.Equal(t, balancer.Up, f.state("server3").State, "it is not down before its first check")
	for range 6 {
		assert.Equal(t, "server3", do(t, kept, "POST", f.url+"/x", "").header.Get("X-Parley-Server"))
	}
	require.NoError(t, f.Ready(ctx, "server1"))
	require.NoError(t, f.SetWeight(ctx, "server2", 100))
	seen := map[string]int{}
	for range 9 {
		seen[do(t, kept, "POST", f.url+"/x", "").header.Get("X-Parley-Server")]++
	}
	assert.Equal(t, map[string]int{"server1": 3, "server2": 3, "server3": 3}, seen)
}

func TestReloadOfAConfigurationThatHAProxyRefuses(t *testing.T) {
	be := backend.New(t, nil, nil)
	file := filepath.Join(t.TempDir(), "cert.pem")
	pool := certificate(t, file)
	f := newFront(t, func(o *haproxy.Options) { o.Config.Certificate = file }, be)
	client := newClient(t)
	client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	url := strings.Replace(f.url, "http:", "https:", 1)
	require.Equal(t, "hello", do(t, client, "POST", url+"/x", "hello").body)

	require.NoError(t, os.WriteFile(file, []byte("no certificate"), 0o600))
	require.ErrorContains(t, f.Reload(context.Background()), "cert.pem")
	require.Equal(t, "hello", do(t, client, "POST", url+"/x", "hello").body, "the old one serves on")

	next := certificate(t, file)
	require.NoError(t, f.Reload(context.Background()))
	client = newClient(t)
	client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: next, MinVersion: tls.VersionTLS12}
	assert.Equal(t, "hello", do(t, client, "POST", url+"/x", "hello").body, "the certificate was renewed")
}

func TestIdleWaitsForWhatIsInFlight(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	one := backend.New(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		_, _ = io.WriteString(w, "finished")
	})
	f := newFront(t, nil, one)
	got := make(chan answer, 1)
	go func() {
		a, err := try(http.DefaultClient, "POST", f.url+"/slow", "x")
		assert.NoError(t, err)
		got <- a
	}()
	<-begun
	ctx := context.Background()
	require.NoError(t, f.Drain(ctx, "server1"))
	require.NoError(t, f.Reload(ctx), "the request stays with the old process")
	assert.Equal(t, balancer.Draining, f.state("server1").State)
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	require.ErrorContains(t, f.Idle(short, "server1"), "1 requests in flight")
	close(finish)
	require.NoError(t, f.Idle(ctx, "server1"))
	assert.Equal(t, "finished", (<-got).body)
	require.ErrorContains(t, f.Drain(ctx, "server9"), "its servers are server1")
	require.ErrorContains(t, f.Drain(ctx, "server1; shutdown frontend front"), "has no server")
}

func TestAlive(t *testing.T) {
	one := backend.New(t, nil, nil)
	f := newFront(t, nil, one)
	a := do(t, http.DefaultClient, "GET", f.url+"/parley-lb-alive", "")
	assert.Equal(t, 200, a.status)
	assert.Contains(t, a.body, "Service ready.")
	one.Ready.Store(503)
	f.waitState("server1", balancer.Down)
	assert.Contains(t, f.state("server1").Error, "Layer7 wrong status")
	assert.Equal(t, 503, do(t, http.DefaultClient, "GET", f.url+"/parley-lb-alive", "").status)
	one.Ready.Store(200)
	f.waitState("server1", balancer.Up)
	assert.Empty(t, f.state("server1").Error)
	require.NoError(t, f.Drain(context.Background(), "server1"))
	assert.Equal(t, 503, do(t, http.DefaultClient, "GET", f.url+"/parley-lb-alive", "").status)
}

func TestWhatServersSee(t *testing.T) {
	be := backend.New(t, nil, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "127.0.0.1", r.Header.Get("X-Forwarded-For"))
		assert.Equal(t, "http", r.Header.Get("X-Forwarded-Proto"))
		assert.Equal(t, "bank.example", r.Header.Get("X-Forwarded-Host"))
		assert.Empty(t, r.Header["Forwarded"])
		assert.Equal(t, "bank.example", r.Host)
		assert.Equal(t, "/a%2Fb?x=1;2&y=%zz", r.RequestURI)
		assert.Empty(t, r.Header["Accept-Encoding"])
		assert.Equal(t, "two words", r.Header.Get("X-Kept"))
		w.WriteHeader(http.StatusTeapot)
	})
	f := newFront(t, nil, be)
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", strings.TrimPrefix(f.url, "http://"))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET /a%2Fb?x=1;2&y=%zz HTTP/1.1\r\nHost: bank.example\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n"+
		"X-Kept: two words\r\n\r\n")
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	assert.Equal(t, http.StatusTeapot, res.StatusCode)
	assert.Equal(t, "server1", res.Header.Get("X-Parley-Server"))
	assert.Equal(t, 405, do(t, http.DefaultClient, "TRACE", f.url+"/x", "").status)
}

func TestUpgrade(t *testing.T) {
	be := backend.New(t, nil, func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + r.Header.Get("Upgrade") + "\r\n" +
			"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n") // the example of RFC 6455, section 1.3
		_ = rw.Flush()
		_, _ = io.Copy(conn, rw)
	})
	f := newFront(t, nil, be)
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", strings.TrimPrefix(f.url, "http://"))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\necho")
	require.NoError(t, err)
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	require.Equal(t, 101, res.StatusCode)
	buf := make([]byte, 4)
	_, err = io.ReadFull(in, buf)
	require.NoError(t, err)
	assert.Equal(t, "echo", string(buf))
	assert.Equal(t, int64(1), f.state("server1").InFlight)
}

func TestCounts(t *testing.T) {
	one, two := backend.New(t, nil, nil), backend.New(t, nil, drop(false))
	f := newFront(t, nil, one, two)
	client := newClient(t)
	for range 4 {
		require.Equal(t, 200, do(t, client, "GET", f.url+"/x", "").status)
	}
	unknown := 0
	for range 4 {
		if do(t, client, "POST", f.url+"/x", "").status == 502 {
			unknown++
		}
	}
	require.Positive(t, unknown)
	all, totals, err := f.Read(context.Background())
	require.NoError(t, err)
	require.Eventually(t, func() bool { // HAProxy counts a request as done a moment after its reply has gone
		all, totals, err = f.Read(context.Background())
		return err == nil && totals.InFlight == 0
	}, patience, time.Millisecond)
	assert.Equal(t, int64(8), totals.Requests)
	assert.Equal(t, int64(unknown), totals.Errors)
	assert.Positive(t, totals.Retried)
	assert.Zero(t, totals.InFlight)
	assert.Zero(t, totals.Waiting)
	assert.Equal(t, int64(8-unknown), all[0].Served)
	assert.Zero(t, all[0].Failed)
	assert.Zero(t, all[1].Served)
	assert.Positive(t, all[1].Failed)
	assert.Equal(t, balancer.Status{Name: "server1", Address: one.Address, State: "up", Weight: 100, Served: all[0].Served}, all[0])
}

func TestStatisticsPage(t *testing.T) {
	address, err := freeport.Address(context.Background())
	require.NoError(t, err)
	newFront(t, func(o *haproxy.Options) { o.Config.Stats, o.Config.Password = address, haproxy.Hash("rightrightright") }, backend.New(t, nil, nil))
	for password, want := range map[string]int{"rightrightright": 200, "wrong": 401, "": 401} {
		req, err := http.NewRequestWithContext(context.Background(), "GET", "http://"+address+"/", nil)
		require.NoError(t, err)
		req.SetBasicAuth("parley", password)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		raw, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		_ = res.Body.Close()
		assert.Equal(t, want, res.StatusCode, password)
		assert.Equal(t, want == 200, strings.Contains(string(raw), "server1"))
	}
}

func TestSilentServerLosesItsConnections(t *testing.T) {
	one := backend.New(t, nil, nil)
	stuck := make(chan struct{})
	two := backend.New(t, nil, nil)
	two.Handle = func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
	}
	f := newFront(t, nil, one, two)
	require.NoError(t, f.SetWeight(context.Background(), "server1", 0))
	got := make(chan answer, 1)
	go func() {
		a, err := try(http.DefaultClient, "POST", f.url+"/x", "")
		assert.NoError(t, err)
		got <- a
	}()
	require.Eventually(t, func() bool { return f.state("server2").InFlight == 1 }, patience, time.Millisecond)
	two.Pause()
	select {
	case a := <-got:
		assert.Equal(t, 502, a.status)
		assert.Equal(t, "unknown", a.header.Get("X-Parley-Outcome"))
	case <-time.After(patience):
		assert.Fail(t, "the client waits for a server that is silent")
	}
	close(stuck)
}

func TestBadStarts(t *testing.T) {
	installed(t)
	be := backend.New(t, nil, nil)
	ctx := context.Background()
	f, _ := prepareFront(t, func(o *haproxy.Options) { o.Config.Certificate = "/nowhere/cert.pem" }, be)
	require.ErrorContains(t, f.Prepare(ctx), "/nowhere/cert.pem")
	f, _ = prepareFront(t, func(o *haproxy.Options) { o.Binary = "/nowhere/haproxy" }, be)
	require.ErrorContains(t, f.Prepare(ctx), "name the haproxy program there")

	taken, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	f, l := prepareFront(t, func(o *haproxy.Options) {
		o.Config.Stats, o.Config.Password = taken.Addr().String(), haproxy.Hash("secretsecret")
	}, be)
	require.NoError(t, f.Prepare(ctx))
	err = f.Run(ctx, l)
	require.ErrorContains(t, err, "HAProxy did not start")
	assert.ErrorContains(t, err, taken.Addr().String())
}

func TestLongAndOddFolders(t *testing.T) {
	be := backend.New(t, nil, nil)
	dir := filepath.Join(t.TempDir(), strings.Repeat("long ", 30), "o'brien $HOME")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	f := newFront(t, func(o *haproxy.Options) { o.Dir = dir }, be)
	assert.Equal(t, "hello", do(t, http.DefaultClient, "POST", f.url+"/x", "hello").body)
	sockets, err := haproxy.SocketDir(dir)
	require.NoError(t, err)
	info, err := os.Stat(sockets)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
}
