package balancer_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/backend"
	"github.com/parley-run/parley/runtime/balancer"
)

// dial opens a connection to srv and sends text as it is.
func dial(t *testing.T, srv *httptest.Server, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, text)
	require.NoError(t, err)
	return conn, bufio.NewReader(conn)
}

// reply reads one from a connection.
func reply(t *testing.T, from *bufio.Reader) answer {
	t.Helper()
	res, err := http.ReadResponse(from, nil)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	if res.Close {
		res.Header.Set("Connection", "close")
	}
	return answer{res.StatusCode, res.Header, string(raw)}
}

// big is a reply that does not fit into the buffers on its way.
const big = 800_000 // bytes

func TestReplyToABodyThatStalls(t *testing.T) {
	refuse := func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		if r.URL.Path == "/reads" {
			_ = rc.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1000))
			assert.Error(t, err)
		}
		_ = rc.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(make([]byte, big))
	}
	chunk := "5dc\r\n" + strings.Repeat("x", 1500) + "\r\n"
	for _, row := range []struct{ name, request string }{
		{"a part of it", "POST /reads HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{\"a\":"},
		{"none of it", "POST /reads HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"},
		{"too long, none of it", "POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n"},
		{"chunked, over the limit, no end", "POST /reads HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk},
		{"unread", "POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nab"},
		{"get", "GET /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nab"},
		{"expects 100", "POST /reads HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 500\r\n\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, srv := front(t, nil, backend.New(t, nil, refuse))
			waitState(t, b, "server1", "up")
			conn, from := dial(t, srv, row.request)
			if row.name == "expects 100" {
				require.Equal(t, http.StatusContinue, reply(t, from).status)
			}
			a := reply(t, from)
			assert.Equal(t, 400, a.status)
			assert.Equal(t, "server1", a.header.Get("X-Parley-Server"))
			assert.Len(t, a.body, big)
			assert.Equal(t, "close", a.header.Get("Connection"))
			_, err := io.Copy(io.Discard, conn)
			require.NoError(t, err, "the connection is closed, not reset")
			require.Eventually(t, func() bool { return state(b, "server1").InFlight == 0 }, time.Minute, time.Millisecond)
			assert.Zero(t, state(b, "server1").Failed)
		})
	}
}

func TestBodyWithoutAByteForAWhile(t *testing.T) {
	b, srv := front(t, func(o *balancer.Options) { o.BodyTimeout = 2 * time.Second }, backend.New(t, nil, nil))
	waitState(t, b, "server1", "up")
	_, from := dial(t, srv, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nab")
	a := reply(t, from)
	assert.Equal(t, 400, a.status)
	assert.Contains(t, a.details(t), "stopped sending")

	conn, from := dial(t, srv, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n")
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for range 8 {
		<-tick.C
		_, err := io.WriteString(conn, "x")
		require.NoError(t, err)
	}
	a = reply(t, from)
	assert.Equal(t, 200, a.status, "each byte begins the time anew")
	assert.Equal(t, "xxxxxxxx", a.body)
	_, err := io.WriteString(conn, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\ny")
	require.NoError(t, err)
	assert.Equal(t, "y", reply(t, from).body, "the connection lives on")
}

func TestStalledBodyAndNoServer(t *testing.T) {
	be := backend.New(t, nil, nil)
	be.Kill()
	_, srv := front(t, never, be)
	_, from := dial(t, srv, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nab")
	a := reply(t, from)
	assert.Equal(t, 503, a.status)

	conn, from := dial(t, srv, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")
	assert.Equal(t, 503, reply(t, from).status)
	_, err := io.WriteString(conn, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")
	require.NoError(t, err)
	assert.Equal(t, 503, reply(t, from).status, "a body that is there costs no connection")
}

func TestManyStalledBodies(t *testing.T) {
	be := backend.New(t, nil, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
	})
	b, srv := front(t, nil, be)
	waitState(t, b, "server1", "up")
	var wg sync.WaitGroup
	for range 100 {
		conn, from := dial(t, srv, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nab")
		wg.Go(func() {
			res, err := http.ReadResponse(from, nil)
			if assert.NoError(t, err) {
				_ = res.Body.Close()
				assert.Equal(t, 400, res.StatusCode)
			}
			_, _ = io.Copy(io.Discard, conn)
		})
	}
	wg.Wait()
	end, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(t, srv.Config.Shutdown(end), "nothing holds a connection")
}

func TestDrainDoesNotWaitForABodyThatStalls(t *testing.T) {
	b, srv := front(t, func(o *balancer.Options) { o.DrainStall = 2 * time.Second }, backend.New(t, nil, nil))
	waitState(t, b, "server1", "up")
	_, stalled := dial(t, srv, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nab")
	conn, from := dial(t, srv, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
	require.Eventually(t, func() bool { return state(b, "server1").InFlight == 2 }, time.Minute, time.Millisecond)
	require.NoError(t, b.Drain("server1"))
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for range 10 {
		<-tick.C
		_, err := io.WriteString(conn, "x")
		require.NoError(t, err)
	}
	assert.Equal(t, "xxxxxxxxxx", reply(t, from).body, "who sends goes on")
	a := reply(t, stalled)
	assert.Equal(t, 400, a.status)
	assert.Contains(t, a.details(t), "stopped sending")
	end, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, b.Idle(end, "server1"))
}

func TestContinueIsSaidOnce(t *testing.T) {
	b, srv := front(t, nil, backend.New(t, nil, nil))
	waitState(t, b, "server1", "up")
	for range 20 {
		conn, from := dial(t, srv, "POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
		require.Equal(t, http.StatusContinue, reply(t, from).status)
		_, err := io.WriteString(conn, "hello")
		require.NoError(t, err)
		a := reply(t, from)
		require.Equal(t, 200, a.status)
		require.Equal(t, "hello", a.body)
	}
}

func TestWhatNoServerIsAskedFor(t *testing.T) {
	be := backend.New(t, nil, func(http.ResponseWriter, *http.Request) { assert.Fail(t, "the server was asked") })
	b, srv := front(t, nil, be)
	waitState(t, b, "server1", "up")
	for _, row := range []struct {
		name, request string
		status        int
		details       string
	}{
		{"trace", "TRACE /x HTTP/1.1\r\nHost: x\r\n\r\n", 405, "TRACE is not served here"},
		{"trace with a stalled body", "TRACE /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", 405, "TRACE is not served here"},
		{"connect", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 405, "CONNECT is not served here"},
		{"bad upgrade", "GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: w\xc3\xa9b\r\n\r\n", 400, "the header Upgrade names no protocol; its value is ASCII text, such as websocket"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, from := dial(t, srv, row.request)
			a := reply(t, from)
			assert.Equal(t, row.status, a.status)
			assert.Equal(t, row.details, a.details(t))
			if row.status == 405 {
				assert.Contains(t, a.header.Get("Allow"), "POST")
			}
		})
	}
}

// TestPausedServer is about one that takes connections and answers nothing, as after SIGSTOP.
func TestPausedServer(t *testing.T) {
	paused, begun := make(chan struct{}), make(chan struct{}, 10)
	one := backend.New(t, nil, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		begun <- struct{}{}
		<-paused
	})
	two := backend.New(t, nil, nil)
	defer close(paused)
	b, srv := front(t, func(o *balancer.Options) {
		o.CheckTimeout, o.Silence = 50*time.Millisecond, 200*time.Millisecond
	}, one, two)
	waitState(t, b, "server1", "up")
	waitState(t, b, "server2", "up")
	require.NoError(t, b.Drain("server2"))
	answers := map[string]chan answer{"GET": make(chan answer, 1), "POST": make(chan answer, 1)}
	for method, got := range answers {
		go func() { got <- do(t, srv.Client(), method, srv.URL+"/x", "hello") }()
	}
	<-begun
	<-begun
	require.NoError(t, b.Ready("server2"))
	one.Pause()
	waitState(t, b, "server1", "down")
	a := <-answers["GET"]
	assert.Equal(t, 200, a.status)
	assert.Equal(t, "server2", a.header.Get("X-Parley-Server"))
	a = <-answers["POST"]
	assert.Equal(t, 502, a.status)
	assert.Equal(t, "unknown", a.header.Get("X-Parley-Outcome"))
	assert.Zero(t, state(b, "server1").InFlight)
}

func TestServerThatStopsKeepsWhatIsInFlight(t *testing.T) {
	finish, begun := make(chan struct{}), make(chan struct{})
	be := backend.New(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		_, _ = io.WriteString(w, "finished")
	})
	b, srv := front(t, func(o *balancer.Options) { o.CheckTimeout, o.Silence = 50*time.Millisecond, time.Millisecond }, be)
	waitState(t, b, "server1", "up")
	got := make(chan answer, 1)
	go func() { got <- do(t, srv.Client(), "POST", srv.URL+"/x", "hello") }()
	<-begun
	be.Ready.Store(503)
	waitState(t, b, "server1", "down")
	require.Never(t, func() bool { return state(b, "server1").InFlight == 0 }, 300*time.Millisecond, 10*time.Millisecond)
	close(finish)
	assert.Equal(t, "finished", (<-got).body)
}
