package balancer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/backend"
	"github.com/parley-run/parley/runtime/balancer"
)

// never keeps the checks from noticing anything: what happens is the request's own doing.
func never(o *balancer.Options) {
	o.CheckInterval, o.DownInterval, o.Wait = time.Hour, time.Hour, -1
}

// drop handles a request and dies before it answers, but for those to /warm.
func drop(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	if r.URL.Path == "/warm" {
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func TestRefusedGoesToTheNextServer(t *testing.T) {
	big := make([]byte, 3<<20)
	for i := range big {
		big[i] = byte(rand.Int())
	}
	for _, body := range []string{"small", string(big)} {
		t.Run(fmt.Sprint(len(body)), func(t *testing.T) {
			one, two := backend.New(t, nil, nil), backend.New(t, nil, nil)
			b, srv := front(t, never, one, two)
			waitState(t, b, "server1", "up")
			waitState(t, b, "server2", "up")
			one.Kill()
			for range 4 {
				a := do(t, srv.Client(), "POST", srv.URL+"/x", body)
				require.Equal(t, 200, a.status)
				require.True(t, a.body == body, "the body arrived whole")
				require.Equal(t, "server2", a.header.Get("X-Parley-Server"))
			}
			assert.Equal(t, "down", state(b, "server1").State, "a refused connection takes it down at once")
			assert.Equal(t, int64(1), state(b, "server1").Failed)
		})
	}
}

func TestRefusedByAll(t *testing.T) {
	one, two := backend.New(t, nil, nil), backend.New(t, nil, nil)
	b, srv := front(t, never, one, two)
	waitState(t, b, "server1", "up")
	waitState(t, b, "server2", "up")
	one.Kill()
	two.Kill()
	a := do(t, srv.Client(), "POST", srv.URL+"/x", "hello")
	assert.Equal(t, 503, a.status)
	assert.Empty(t, a.header.Get("X-Parley-Outcome"))
	assert.Equal(t, "No server is available to handle the request", a.details(t))
}

func TestKilledWhileItWorks(t *testing.T) {
	rows := []struct {
		name, method, body string
		header             []string
		again              bool
	}{
		{"post", "POST", "hello", nil, false},
		{"post without body", "POST", "", nil, false},
		{"post with a key", "POST", "", []string{"Idempotency-Key", "1"}, false},
		{"put", "PUT", "hello", nil, false},
		{"delete", "DELETE", "", nil, false},
		{"get", "GET", "", nil, true},
		{"get with body", "GET", "hello", nil, true},
		{"get with a body too big to keep", "GET", string(make([]byte, 200_000)), nil, false},
		{"head", "HEAD", "", nil, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			one, two := backend.New(t, nil, nil), backend.New(t, nil, drop)
			b, srv := front(t, never, one, two)
			waitState(t, b, "server1", "up")
			waitState(t, b, "server2", "up")
			for range 4 {
				require.Equal(t, 200, do(t, srv.Client(), "POST", srv.URL+"/warm", "").status)
			}
			for i := range 4 {
				id := fmt.Sprint(i)
				a := do(t, srv.Client(), row.method, srv.URL+"/x", row.body, append(row.header, "X-Id", id)...)
				doubled := one.Handled()[id] + two.Handled()[id]
				if row.again {
					assert.Equal(t, 200, a.status)
					assert.Equal(t, 1, one.Handled()[id])
					if row.method == "GET" {
						assert.Equal(t, row.body, a.body)
					}
					continue
				}
				assert.Equal(t, 1, doubled, "handled once")
				if two.Handled()[id] == 0 {
					assert.Equal(t, 200, a.status)
					continue
				}
				assert.Equal(t, 502, a.status)
				assert.Equal(t, "unknown", a.header.Get("X-Parley-Outcome"))
				assert.Contains(t, a.details(t), "server2")
			}
			assert.Positive(t, state(b, "server2").Failed)
			assert.Zero(t, state(b, "server2").InFlight)
		})
	}
}

func TestEveryServerDropsAGet(t *testing.T) {
	one, two := backend.New(t, nil, drop), backend.New(t, nil, drop)
	b, srv := front(t, never, one, two)
	waitState(t, b, "server1", "up")
	waitState(t, b, "server2", "up")
	a := do(t, srv.Client(), "GET", srv.URL+"/x", "", "X-Id", "1")
	assert.Equal(t, 502, a.status)
	assert.LessOrEqual(t, one.Handled()["1"]+two.Handled()["1"], 8, "it does not go on for ever")
}

// deadOnReuse is a connection that breaks at the first write of its second request: nothing of it leaves.
type deadOnReuse struct {
	net.Conn
	replied *atomic.Int64
	broke   *atomic.Int64
}

func (c deadOnReuse) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.replied.Add(1)
	}
	return n, err
}

func (c deadOnReuse) Write(p []byte) (int, error) {
	if c.replied.Load() > 0 {
		c.broke.Add(1)
		_ = c.Close()
		return 0, errors.New("broken pipe")
	}
	return c.Conn.Write(p)
}

func TestKeptConnectionThatDiedBeforeAByteWasWritten(t *testing.T) {
	for _, size := range []int{0, 100, 20_000, 1 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			be := backend.New(t, nil, nil)
			b, srv := front(t, never, be)
			var broke atomic.Int64
			b.WrapConns(func(c net.Conn) net.Conn { return deadOnReuse{c, &atomic.Int64{}, &broke} })
			waitState(t, b, "server1", "up")
			body := string(bytes.Repeat([]byte("0123456789"), size/10))
			for i := range 6 {
				a := do(t, srv.Client(), "POST", srv.URL+"/x", body, "X-Id", fmt.Sprint(i))
				require.Equal(t, 200, a.status, a.body)
				require.True(t, a.body == body)
			}
			assert.Positive(t, broke.Load(), "the test met what it is about")
			for id, n := range be.Handled() {
				assert.Equal(t, 1, n, id)
			}
		})
	}
}

func TestKilledUnderLoadNothingIsDoubledOrLost(t *testing.T) {
	handle := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}
	one, two := backend.New(t, nil, handle), backend.New(t, nil, handle)
	b, srv := front(t, nil, one, two)
	waitState(t, b, "server1", "up")
	waitState(t, b, "server2", "up")
	stop := make(chan struct{})
	var mu sync.Mutex
	outcome := map[string]answer{}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprint(w, "-", i)
				a := do(t, client, "POST", srv.URL+"/x", id, "X-Id", id)
				mu.Lock()
				outcome[id] = a
				mu.Unlock()
			}
		})
	}
	for range 10 {
		one.Kill()
		waitState(t, b, "server1", "down")
		one.Start()
		waitState(t, b, "server1", "up")
	}
	close(stop)
	wg.Wait()
	first, second := one.Handled(), two.Handled()
	unknown := 0
	for id, a := range outcome {
		n := first[id] + second[id]
		switch {
		case a.status == 204:
			assert.Equal(t, 1, n, id)
		case a.status == 502 && a.header.Get("X-Parley-Outcome") == "unknown":
			unknown++
			assert.LessOrEqual(t, n, 1, id)
		default:
			assert.Fail(t, "lost", "%s: %d %s", id, a.status, a.body)
		}
	}
	assert.LessOrEqual(t, unknown, 10*8, "at most what was in flight at each kill")
	t.Logf("%d requests, %d of unknown outcome", len(outcome), unknown)
}

func TestBigBodiesBothWays(t *testing.T) {
	be := backend.New(t, nil, func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		assert.NoError(t, err)
		w.Header().Set("X-Sum", fmt.Sprintf("%d %x", n, sum.Sum(nil)))
		for range 40 {
			_, _ = w.Write(make([]byte, 1<<20))
		}
	})
	b, srv := front(t, nil, be)
	waitState(t, b, "server1", "up")
	body := make([]byte, 20<<20)
	want := fmt.Sprintf("%d %x", len(body), sha256.Sum256(body))
	for name, src := range map[string]io.Reader{"length": bytes.NewReader(body), "chunked": io.MultiReader(bytes.NewReader(body))} {
		req, err := http.NewRequestWithContext(context.Background(), "POST", srv.URL, src)
		require.NoError(t, err, name)
		res, err := srv.Client().Do(req)
		require.NoError(t, err, name)
		n, err := io.Copy(io.Discard, res.Body)
		require.NoError(t, err, name)
		_ = res.Body.Close()
		assert.Equal(t, int64(40<<20), n, name)
		assert.Equal(t, want, res.Header.Get("X-Sum"), name)
	}
}

func TestBodiesStream(t *testing.T) {
	arrived := make(chan string)
	next := make(chan struct{})
	be := backend.New(t, nil, func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 3)
		_, err := io.ReadFull(r.Body, buf)
		assert.NoError(t, err)
		arrived <- string(buf)
		rest, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		for _, word := range []string{string(rest), "six"} {
			_, _ = io.WriteString(w, word)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	})
	b, srv := front(t, nil, be)
	waitState(t, b, "server1", "up")
	reader, writer := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL, reader)
	require.NoError(t, err)
	go func() {
		_, _ = io.WriteString(writer, "one")
		if <-arrived == "one" {
			_, _ = io.WriteString(writer, "two")
		}
		_ = writer.Close()
	}()
	res, err := srv.Client().Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	buf := make([]byte, 3)
	for _, word := range []string{"two", "six"} {
		_, err := io.ReadFull(res.Body, buf)
		require.NoError(t, err)
		assert.Equal(t, word, string(buf), "it arrives before the next is written")
		next <- struct{}{}
	}
}

func TestBodyThatIsTooLargeForTheServer(t *testing.T) {
	be := backend.New(t, nil, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		assert.Error(t, err)
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	b, srv := front(t, nil, be)
	waitState(t, b, "server1", "up")
	a := do(t, srv.Client(), "POST", srv.URL, string(make([]byte, 8<<20)))
	assert.Equal(t, http.StatusRequestEntityTooLarge, a.status, a.body)
}

func TestReplyThatBreaksOffBreaksOff(t *testing.T) {
	be := backend.New(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "part")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	b, srv := front(t, nil, be)
	waitState(t, b, "server1", "up")
	req, err := http.NewRequestWithContext(context.Background(), "POST", srv.URL, nil)
	require.NoError(t, err)
	res, err := srv.Client().Do(req)
	if err == nil {
		_, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	require.Error(t, err)
	require.Eventually(t, func() bool { return state(b, "server1").InFlight == 0 && state(b, "server1").Failed == 1 },
		time.Minute, time.Millisecond)
}

func TestClientThatLeaves(t *testing.T) {
	begun, left := make(chan struct{}), make(chan struct{})
	be := backend.New(t, nil, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(left)
	})
	b, srv := front(t, nil, be)
	waitState(t, b, "server1", "up")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", srv.URL, nil)
	require.NoError(t, err)
	go func() {
		<-begun
		cancel()
	}()
	res, err := srv.Client().Do(req)
	if err == nil {
		_ = res.Body.Close()
	}
	require.ErrorIs(t, err, context.Canceled)
	select {
	case <-left:
	case <-time.After(time.Minute):
		require.Fail(t, "the server is not told that the client has gone")
	}
	require.Eventually(t, func() bool { return state(b, "server1").InFlight == 0 }, time.Minute, time.Millisecond)
	assert.Zero(t, state(b, "server1").Failed, "it is not the server's fault")
}

func TestUpgrade(t *testing.T) {
	be := backend.New(t, nil, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "websocket", r.Header.Get("Upgrade"))
		conn, rw, err := http.NewResponseController(w).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = rw.Flush()
		_, _ = io.Copy(conn, rw)
	})
	b, srv := front(t, nil, be)
	waitState(t, b, "server1", "up")
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", srv.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	require.NoError(t, err)
	buf := make([]byte, len("HTTP/1.1 101"))
	_, err = io.ReadFull(conn, buf)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 101", string(buf))
	assert.Equal(t, int64(1), state(b, "server1").InFlight)
	_, err = io.WriteString(conn, "echo")
	require.NoError(t, err)
	var got []byte
	for !bytes.HasSuffix(got, []byte("echo")) {
		n, err := conn.Read(buf)
		require.NoError(t, err)
		got = append(got, buf[:n]...)
	}
}
