package rest_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
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

	"github.com/parley-run/parley/runtime/service"
)

// tcpRemote runs serve on each connection that comes.
func tcpRemote(t *testing.T, serve func(n int, c net.Conn)) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var group sync.WaitGroup
	group.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer func() { _ = c.Close() }()
				serve(n, c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		group.Wait()
	})
	return "http://" + l.Addr().String()
}

// readHead reads one request's head; its body is in the same packet or a later one.
func readHead(c net.Conn) bool {
	var got []byte
	b := make([]byte, 4096)
	for !bytes.Contains(got, []byte("\r\n\r\n")) {
		n, err := c.Read(b)
		if err != nil {
			return false
		}
		got = append(got, b[:n]...)
	}
	return true
}

const okHead = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

func TestRemoteThatIsDown(t *testing.T) {
	closing := tcpRemote(t, func(_ int, c net.Conn) { readHead(c) })
	resetting := tcpRemote(t, func(_ int, c net.Conn) {
		readHead(c)
		_ = c.(*net.TCPConn).SetLinger(0)
	})
	half := tcpRemote(t, func(_ int, c net.Conn) {
		readHead(c)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
	})
	garbage := tcpRemote(t, func(_ int, c net.Conn) {
		readHead(c)
		_, _ = io.WriteString(c, "I speak another protocol\r\n\r\n")
	})
	for _, row := range []struct{ name, host, says string }{
		{"refused", "http://127.0.0.1:1", "cannot reach http://127.0.0.1:1: connection refused"},
		{"unknown host", "http://nowhere.invalid", "cannot reach http://nowhere.invalid: "},
		{"closed", closing, "POST " + closing + "/ was not answered: the connection was closed"},
		{"reset", resetting, "POST " + resetting + "/ was not answered: connection reset by peer"},
		{"half a reply", half, "was not answered: the connection was closed"},
		{"garbage", garbage, "malformed HTTP"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := open(t, row.host).Call(context.Background(), "send", []any{"c", "x"}, nil)
			e := fault(t, err)
			assert.Equal(t, service.Upstream, e.Code)
			assert.Contains(t, e.Message, `outconn "CRM": `)
			assert.Contains(t, e.Message, row.says)
			assert.Error(t, e.Err, "a cause for the log")
		})
	}
}

func TestTLSIsVerified(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	defer s.Close()
	_, err := open(t, s.URL).Call(context.Background(), "get", nil, nil)
	assert.Equal(t, service.Upstream, fault(t, err).Code)
	require.ErrorContains(t, err, "cannot reach "+s.URL)
	require.ErrorContains(t, err, "certificate")
}

func TestTimeouts(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(release)
	ctx := context.Background()

	t.Run("the connection's own", func(t *testing.T) {
		_, err := open(t, s.URL, "timeout", "500ms").Call(ctx, "send", []any{"c", "x"}, nil)
		e := fault(t, err)
		assert.Equal(t, service.Timeout, e.Code)
		assert.Equal(t, `outconn "CRM": POST `+s.URL+`/ was not answered within 500ms`, e.Message)
	})
	t.Run("the caller's", func(t *testing.T) {
		short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		_, err := open(t, s.URL).Call(short, "send", []any{"c", "x"}, nil)
		e := fault(t, err)
		assert.Equal(t, service.Timeout, e.Code)
		assert.Contains(t, e.Message, "the caller's deadline passed while POST "+s.URL)
	})
	t.Run("the caller went", func(t *testing.T) {
		gone, cancel := context.WithCancel(ctx)
		cancel()
		_, err := open(t, s.URL).Call(gone, "send", []any{"c", "x"}, nil)
		assert.Equal(t, service.Timeout, fault(t, err).Code)
		require.ErrorContains(t, err, "the caller went away")
	})
	t.Run("waiting for a connection", func(t *testing.T) {
		c := open(t, s.URL, "timeout", "5m", "pool_size", int64(1))
		entered := make(chan error, 1)
		long, leave := context.WithCancel(ctx)
		defer leave()
		go func() {
			_, err := c.Call(long, "send", []any{"c", "x"}, nil)
			entered <- err
		}()
		require.Eventually(t, func() bool {
			short, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			_, err := c.Call(short, "get", nil, nil)
			return strings.Contains(err.Error(), "all of its connections were in use")
		}, time.Minute, time.Millisecond)
		leave()
		require.Error(t, <-entered)
	})
	t.Run("all busy for the whole timeout", func(t *testing.T) {
		c := open(t, s.URL, "timeout", "500ms", "pool_size", int64(1))
		results := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := c.Call(ctx, "get", nil, nil)
				results <- err
			}()
		}
		texts := (<-results).Error() + (<-results).Error()
		assert.Contains(t, texts, "was not answered within 500ms")
	})
	t.Run("a body that trickles", func(t *testing.T) {
		slow := tcpRemote(t, func(_ int, c net.Conn) {
			readHead(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
			_, _ = io.Copy(io.Discard, c) // until the caller closes
		})
		_, err := open(t, slow, "timeout", "50ms").Call(ctx, "send", []any{"c", "x"}, nil)
		assert.Equal(t, service.Timeout, fault(t, err).Code)
	})
}

// A connection that the remote ended while it was idle is not used again; one that ends under a request is
// not tried again for a POST, whose first copy may have been acted on.
func TestPostIsNeverSentTwice(t *testing.T) {
	var requests atomic.Int64
	serve := func(_ int, c net.Conn) {
		for i := 0; readHead(c); i++ {
			requests.Add(1)
			if i == 1 {
				return // the second request on a connection gets no answer
			}
			_, _ = io.WriteString(c, okHead)
		}
	}
	host := tcpRemote(t, serve)
	c := open(t, host, "pool_size", int64(1))
	_, err := c.Call(context.Background(), "send", []any{"c", "body"}, nil)
	require.NoError(t, err)
	_, err = c.Call(context.Background(), "send", []any{"c", "body"}, nil)
	assert.Equal(t, service.Upstream, fault(t, err).Code)
	assert.Equal(t, int64(2), requests.Load())

	_, err = c.Call(context.Background(), "get", []any{"c"}, nil)
	require.NoError(t, err)
	_, err = c.Call(context.Background(), "get", []any{"c"}, nil)
	require.NoError(t, err, "a GET is sent again on a fresh connection")
	assert.Equal(t, int64(5), requests.Load())
}

func TestRestartOfTheRemote(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	s := httptest.NewServer(handler)
	address := s.Listener.Addr().String()
	c := open(t, s.URL)
	for range 3 {
		_, err := c.Call(context.Background(), "send", []any{"c", object("a", "b")}, nil)
		require.NoError(t, err)
		s.Close()
		_, err = c.Call(context.Background(), "send", []any{"c", object("a", "b")}, nil)
		assert.Equal(t, service.Upstream, fault(t, err).Code)
		_, err = c.Call(context.Background(), "send", []any{"c", object("a", "b")}, nil)
		require.ErrorContains(t, err, "cannot reach http://"+address+": connection refused")
		var config net.ListenConfig
		l, err := config.Listen(context.Background(), "tcp", address)
		require.NoError(t, err)
		s = &httptest.Server{Listener: l, Config: &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}}
		s.Start()
	}
	s.Close()
}
