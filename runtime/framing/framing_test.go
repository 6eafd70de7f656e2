package framing_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/framing"
)

// bytewise is a listener whose connections give one byte at a time. What they have they took from the socket, so that closing
// them resets nothing.
type bytewise struct{ net.Listener }

func (l bytewise) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &slow{c, bufio.NewReader(c)}, err
}

type slow struct {
	net.Conn
	from *bufio.Reader
}

func (s *slow) Read(p []byte) (int, error) { return s.from.Read(p[:min(1, len(p))]) }

// serve answers each request by handle. Reads are of one byte where it is slow.
func serve(t testing.TB, handle http.HandlerFunc, isSlow bool) string {
	return serveBy(t, nil, handle, isSlow)
}

// serveBy is serve, by TLS where there is a configuration.
func serveBy(t testing.TB, config *tls.Config, handle http.Handler, isSlow bool) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	if isSlow {
		l = bytewise{l}
	}
	run(t, l, &http.Server{Handler: handle, ReadHeaderTimeout: time.Minute, TLSConfig: config})
	return address
}

// run serves on l until the test ends.
func run(t testing.TB, l net.Listener, server *http.Server) {
	server.ErrorLog = log.New(io.Discard, "", 0)
	served := make(chan error, 1)
	go func() { served <- framing.Serve(server, l) }()
	t.Cleanup(func() {
		assert.NoError(t, server.Close())
		assert.ErrorIs(t, <-served, http.ErrServerClosed)
	})
}

func echo(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, _ = fmt.Fprintf(w, "%s %s %q", r.Method, r.URL.Path, raw)
}

// answers sends text, and gives the replies up to the connection's end.
func answers(t *testing.T, address, text string) []string {
	t.Helper()
	return replies(t, dial(t, address), text)
}

func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	return conn
}

// replies is what comes back for text, up to the connection's end.
func replies(t *testing.T, conn net.Conn, text string) (out []string) {
	t.Helper()
	defer func() { _ = conn.Close() }()
	_, err := io.WriteString(conn, text)
	require.NoError(t, err)
	require.NoError(t, conn.(interface{ CloseWrite() error }).CloseWrite())
	from := bufio.NewReader(conn)
	for {
		res, err := http.ReadResponse(from, nil)
		if err != nil {
			return out
		}
		raw, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		if res.StatusCode == http.StatusOK {
			out = append(out, string(raw))
		} else {
			out = append(out, res.Status[:3])
		}
	}
}

type row struct {
	name, text string
	want       []string
}

func rows() []row {
	const next = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
	const got = `GET /next ""`
	return []row{
		{"none", "GET /a HTTP/1.1\r\nHost: x\r\n\r\n" + next, []string{`GET /a ""`, got}},
		{"a length", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + next, []string{`POST /a "hello"`, got}},
		{"a length of nothing", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" + next, []string{`POST /a ""`, got}},
		{"chunks", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n" + next, []string{`POST /a "hello"`, got}},
		{"chunks with a trailer", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n1\r\na\r\n0\r\nX-A: 1\r\n\r\n" + next, []string{`POST /a "a"`, got}},
		{"a body that looks like a head", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 51\r\n\r\n" + "\nContent-Length: 1\nTransfer-Encoding: chunked\nabcd\n" + next, []string{`POST /a "\nContent-Length: 1\nTransfer-Encoding: chunked\nabcd\n"`, got}},
		{"HTTP/1.0", "POST /a HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na" + next, []string{`POST /a "a"`, got}},
		{"an empty line behind a body", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na\r\n" + next, []string{`POST /a "a"`, got}},
		{"an empty line before", "\r\n" + next, []string{"400"}},
		{"a long name", "GET /a HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("x", 5000) + ": 1\r\n\r\n" + next, []string{`GET /a ""`, got}},

		{"CL.TE", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 37\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next, []string{"400"}},
		{"TE.CL", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n20\r\n" + next + "\r\n0\r\n\r\n", []string{"400"}},
		{"in capitals, with blanks", "POST /a HTTP/1.1\r\nHost: x\r\nCONTENT-LENGTH:  \t5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + next, []string{"400"}},
		{"two lengths", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 31\r\n\r\n" + next, []string{"400"}},
		{"two lengths of one value", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na" + next, []string{"400"}},
		{"two encodings", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + next, []string{"400"}},
		{"an encoding in HTTP/1.0", "POST /a HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next, []string{"400"}},
		{"the second request", next + "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 37\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next, []string{got, "400"}},
		{"behind chunks", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nPOST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", []string{`POST /a "a"`, "400"}},
		{"an encoding that net/http does not know", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + next, []string{"501"}},
		{"a blank before the colon", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + next, []string{"400"}},
		{"a bare LF behind a chunk's size", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n" + next, []string{"400"}},
		{"lines that end in LF alone", "POST /a HTTP/1.1\nHost: x\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\r\n\r\n" + next, []string{"400"}},
	}
}

func TestRequestsOnOneConnection(t *testing.T) {
	for _, row := range rows() {
		for _, isSlow := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, slow: %v", row.name, isSlow), func(t *testing.T) {
				assert.Equal(t, row.want, answers(t, serve(t, echo, isSlow), row.text))
			})
		}
	}
}

func TestUpgradedConnectionIsLeftAlone(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, buf, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		_, _ = io.Copy(conn, buf)
	}, false)
	conn := dial(t, address)
	_, err := io.WriteString(conn, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: own\r\n\r\n")
	require.NoError(t, err)
	from := bufio.NewReader(conn)
	res, err := http.ReadResponse(from, nil)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	const text = "GET / HTTP/1.1\nContent-Length: 1\nTransfer-Encoding: chunked\n\n"
	_, err = io.WriteString(conn, text)
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	back, err := io.ReadAll(from)
	require.NoError(t, err)
	assert.Equal(t, text, string(back))
}

// FuzzFollow holds that what net/http reads is what came, unless the request is refused, and that nothing panics.
func FuzzFollow(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, raw []byte, size int) {
		size = max(1, size%64)
		here, there := net.Pipe()
		go func() {
			_, _ = there.Write(raw)
			_ = there.Close()
		}()
		c, err := framing.Listen(&single{conn: here}).Accept()
		require.NoError(t, err)
		var got []byte
		for {
			piece := make([]byte, size)
			n, err := c.Read(piece)
			got = append(got, piece[:n]...)
			if err != nil {
				break
			}
		}
		require.Len(t, got, len(raw))
		changed := 0
		for i := range got {
			if got[i] != raw[i] {
				require.Equal(t, byte('\n'), raw[i])
				changed++
			}
		}
		require.LessOrEqual(t, changed, 1)
	})
}

// single is a listener of one connection.
type single struct {
	net.Listener
	conn net.Conn
}

func (s *single) Accept() (net.Conn, error) { return s.conn, nil }

// BenchmarkServe is a small JSON request over a kept connection, read along and not.
func BenchmarkServe(b *testing.B) {
	for _, along := range []bool{false, true} {
		b.Run(fmt.Sprintf("along=%v", along), func(b *testing.B) {
			var address string
			if along {
				address = serve(b, echo, false)
			} else {
				server := httptest.NewServer(http.HandlerFunc(echo))
				defer server.Close()
				address = server.Listener.Addr().String()
			}
			conn := dial(b, address)
			require.NoError(b, conn.SetDeadline(time.Time{}))
			const text = "POST /a HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: bench\r\nAccept: application/json\r\nAuthorization: Basic dXNlcjpwYXNz\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"a\":\"12345\"}"
			from := bufio.NewReader(conn)
			b.ReportAllocs()
			for b.Loop() {
				_, err := io.WriteString(conn, text)
				require.NoError(b, err)
				res, err := http.ReadResponse(from, nil)
				require.NoError(b, err)
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
}
