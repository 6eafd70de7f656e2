package main_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/balancer/haproxy"
)

const badInputServices = `
def echo(self): self.response.payload = self.request.payload
def typed(self): self.response.payload = {"n": self.request.input.n}
def marker(self): self.logger.info("SMUGGLED")
service("echo", echo)
service("typed", typed, simple_io = SimpleIO(input_required = [Int("n", max = 100)], output_required = [Int("n")]))
service("marker", marker)
`

const badInputChannels = `
channel_rest:
  - {name: Echo, service: echo, url_path: /echo, timeout: 1}
  - {name: Others, service: echo, url_path: /others}
  - {name: Typed, service: typed, url_path: /typed}
  - {name: Marker, service: marker, url_path: /marker}
`

// front is a place at which requests come in.
type front struct {
	name, address string
	cluster       *fixtures.Cluster
	tls           *tls.Config // nil: http
}

func (f front) dial(t *testing.T) net.Conn {
	t.Helper()
	var conn net.Conn
	var err error
	if f.tls != nil {
		conn, err = (&tls.Dialer{Config: f.tls}).DialContext(t.Context(), "tcp", f.address)
	} else {
		conn, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", f.address)
	}
	require.NoError(t, err)
	return conn
}

// client speaks HTTP/1.1, as all fronts do.
func (f front) client() *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: f.tls}}
}

func (f front) url(path string) string {
	if f.tls != nil {
		return "https://" + f.address + path
	}
	return "http://" + f.address + path
}

func fronts(t *testing.T) (all []front) {
	t.Helper()
	binary := newCLI(t).binary
	start := func(t *testing.T, part fixtures.Part, byTLS bool) *fixtures.Cluster {
		c := fixtures.New(t, fixtures.Spec{Servers: 2, Balancer: part, TLS: byTLS, Binary: binary})
		file, err := c.Put("bad.star", []byte(badInputServices))
		require.NoError(t, err)
		_, err = c.Deploy(t.Context(), file)
		require.NoError(t, err)
		file, err = c.Put("bad.yaml", []byte(badInputChannels))
		require.NoError(t, err)
		require.NoError(t, c.Import(t.Context(), nil, file))
		return c
	}
	secure := func(t *testing.T, c *fixtures.Cluster) *tls.Config {
		pem, err := os.ReadFile(filepath.Join(c.Dir(), "tls", "ca.pem"))
		require.NoError(t, err)
		roots := x509.NewCertPool()
		require.True(t, roots.AppendCertsFromPEM(pem))
		return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	c := start(t, fixtures.Part{}, false)
	all = append(
		all,
		front{"a server", c.ServerAddress(1), c, nil},
		front{"the embedded load-balancer", c.Address(), c, nil},
	)
	c = start(t, fixtures.Part{}, true)
	all = append(all, front{"the embedded load-balancer by TLS", c.Address(), c, secure(t, c)})
	t.Run("HAProxy is there", func(t *testing.T) { needHAProxy(t) })
	if _, err := haproxy.Find(t.Context(), ""); err == nil {
		c := start(t, fixtures.Part{Source: fixtures.Installed}, false)
		all = append(all, front{"HAProxy", c.Address(), c, nil})
		c = start(t, fixtures.Part{Source: fixtures.Installed}, true)
		all = append(all, front{"HAProxy by TLS", c.Address(), c, secure(t, c)})
	}
	for i := range all {
		_, all[i].address, _ = strings.Cut(all[i].address, "://")
	}
	return all
}

// sent is what came back on one connection.
type sent struct {
	statuses []string
	closed   bool // by the other side, within the time
}

// send opens a connection, writes to it, and reads replies until the other side closes it, a second reply came, or the time is
// over.
func (f front) send(t *testing.T, patience time.Duration, write func(io.Writer)) (out sent) {
	t.Helper()
	conn := f.dial(t)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	var writing sync.WaitGroup
	writing.Go(func() { write(conn) })
	defer writing.Wait()
	defer func() { _ = conn.Close() }()
	from := bufio.NewReader(conn)
	for {
		res, err := http.ReadResponse(from, nil)
		if err != nil {
			var late net.Error
			out.closed = !errors.As(err, &late) || !late.Timeout()
			return out
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		out.statuses = append(out.statuses, strconv.Itoa(res.StatusCode))
		if len(out.statuses) > 1 {
			return out
		}
		// What was smuggled would be answered at once.
		_ = conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	}
}

func text(s string) func(io.Writer) { return func(w io.Writer) { _, _ = io.WriteString(w, s) } }

// gigabyte writes a head and then 1 GB, until nobody takes it any more.
func gigabyte(head string, chunked bool) func(io.Writer) {
	return func(w io.Writer) {
		if _, err := io.WriteString(w, head); err != nil {
			return
		}
		piece := bytes.Repeat([]byte("x"), 1<<16)
		if chunked {
			piece = append(append([]byte("10000\r\n"), piece...), '\r', '\n')
		}
		for range 1 << 14 {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}
}

// others asks as a well-behaved client does, while the rest goes on.
func (f front) others(t *testing.T) (stop func()) {
	var over atomic.Bool
	var wait sync.WaitGroup
	var slowest time.Duration
	asked := 0
	wait.Go(func() {
		client := f.client()
		defer client.CloseIdleConnections()
		for !over.Load() {
			start := time.Now()
			res, err := client.Post(f.url("/others"), "application/json", strings.NewReader(`{"a":1}`))
			if !assert.NoError(t, err) {
				return
			}
			raw, err := io.ReadAll(res.Body)
			assert.NoError(t, err)
			_ = res.Body.Close()
			assert.Equal(t, `200 {"a":1}`, fmt.Sprintf("%d %s", res.StatusCode, raw))
			slowest = max(slowest, time.Since(start))
			asked++
		}
	})
	return func() {
		over.Store(true)
		wait.Wait()
		assert.Positive(t, asked)
		t.Logf("%s: others were served %d times, the slowest in %s", f.name, asked, slowest)
	}
}

func TestBadInput(t *testing.T) {
	const marker = "GET /marker HTTP/1.1\r\nHost: x\r\n\r\n"
	const post = "POST /echo HTTP/1.1\r\nHost: x\r\n"
	for _, f := range fronts(t) {
		t.Run(f.name, func(t *testing.T) {
			stop := f.others(t)
			for _, row := range []struct {
				name  string
				write func(io.Writer)
				want  string // statuses that may come, all of one request
				// HAProxy takes these, in one way: it goes by the chunks, passes on what says so alone, and closes the connection
				// behind it.
				taken bool
			}{
				{"CL.TE", text(post + "Content-Length: 38\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + marker), "400", true},
				{"TE.CL", text(post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n21\r\n" + marker + "\r\n0\r\n\r\n"), "400", true},
				{"two lengths", text(post + "Content-Length: 0\r\nContent-Length: 33\r\n\r\n" + marker), "400", false},
				{"two lengths in one", text(post + "Content-Length: 0, 33\r\n\r\n" + marker), "400", false},
				{"a signed length", text(post + "Content-Length: +0\r\n\r\n" + marker), "400", false},
				{"a bare LF behind a chunk's size", text(post + "Transfer-Encoding: chunked\r\n\r\n2\nab\r\n0\r\n\r\n" + marker), "400", true},
				{"a bare LF behind a chunk's extension", text(post + "Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\n45\r\n0\r\n\r\n" + marker + "\r\n0\r\n\r\n"), "400", true},
				{"an encoding that nobody knows", text(post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + marker), "400 422 501", false},
				{"two encodings", text(post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + marker), "400 422 501", false},
				{"a blank before the colon", text(post + "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + marker), "400", false},
				{"a folded header", text(post + "X-A: 1\r\n Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "200 400", false},
				{"a header of 1 MB", text(post + "X-Long: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"), "400 431", false},
				{"1 MB of headers", text(post + strings.Repeat("X-Some: "+strings.Repeat("x", 1000)+"\r\n", 1000) + "\r\n"), "400 431", false},
				{"1 GB with a length", gigabyte(post+"Content-Length: 1073741824\r\n\r\n", false), "413", false},
				{"1 GB in chunks", gigabyte(post+"Transfer-Encoding: chunked\r\n\r\n", true), "413", false},
				{"a body that does not come", text(post + "Content-Length: 10\r\n\r\n{"), "400", false},
			} {
				t.Run(row.name, func(t *testing.T) {
					got := f.send(t, time.Minute, row.write)
					// A reply may be lost where the other side closes while more is being sent: then there is none.
					require.LessOrEqual(t, len(got.statuses), 1, "more than one reply: %v", got.statuses)
					if len(got.statuses) == 0 {
						assert.True(t, got.closed, "no reply, and not closed")
						return
					}
					if row.taken && strings.HasPrefix(f.name, "HAProxy") {
						row.want += " 200"
					}
					assert.Contains(t, row.want, got.statuses[0])
				})
			}
			for n := 1; n <= f.cluster.Servers(); n++ {
				logs, err := f.cluster.Logs(n)
				require.NoError(t, err)
				assert.False(t, strings.Contains(logs, "SMUGGLED"), "server %d ran what was smuggled", n) // not the whole log
			}
			stop()
		})
	}
}

func TestBadDocuments(t *testing.T) {
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, err := zip.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, zip.Close())
	for _, f := range fronts(t) {
		t.Run(f.name, func(t *testing.T) {
			stop := f.others(t)
			defer stop()
			client := f.client()
			defer client.CloseIdleConnections()
			for _, row := range []struct {
				name, body, coding string
				status             int
				want               string
			}{
				{"a key twice", `{"n":1,"n":2}`, "", 400, `n`},
				{"no UTF-8", "{\"n\":\"\xff\"}", "", 400, "UTF-8"},
				{"a number beyond its type", `{"n":101}`, "", 400, "n: expected an integer of at most 100, not 101"},
				{"a number beyond all types", `{"n":1e999999999}`, "", 400, "a number with an exponent beyond 9999"},
				{"a deep one", strings.Repeat("[", 100_000), "", 400, "malformed JSON"},
				{"a bomb", strings.Repeat(bomb.String(), 512), "gzip", 413, "over the limit of 1048576 bytes"},
				{"another coding", "x", "br", 415, `encoded as \"br\"`},
				{"good", `{"n":1}`, "", 200, `{"response":{"n":1}}`},
			} {
				t.Run(row.name, func(t *testing.T) {
					req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.url("/typed"), strings.NewReader(row.body))
					require.NoError(t, err)
					if row.coding != "" {
						req.Header.Set("Content-Encoding", row.coding)
					}
					res, err := client.Do(req)
					require.NoError(t, err)
					raw, err := io.ReadAll(res.Body)
					require.NoError(t, err)
					require.NoError(t, res.Body.Close())
					assert.Equal(t, row.status, res.StatusCode, string(raw))
					assert.Contains(t, string(raw), row.want)
				})
			}
		})
	}
}

// TestSlowClients has many clients that send a little and then nothing: heads end by the server's time, bodies by the
// channel's.
func TestSlowClients(t *testing.T) {
	for _, f := range fronts(t) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			stop := f.others(t)
			var wait sync.WaitGroup
			for i := range 100 {
				head := "POST /echo HTTP/1.1\r\nHost: x\r\nX-Slow"
				isBody := i%2 == 1
				if isBody {
					head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{\"a\""
				}
				wait.Go(func() {
					got := f.send(t, time.Minute, text(head))
					switch {
					case isBody:
						assert.Equal(t, []string{"400"}, got.statuses)
					case len(got.statuses) == 0:
						assert.True(t, got.closed)
					default: // some say why before they close
						assert.Contains(t, "400 408", got.statuses[0])
					}
				})
			}
			wait.Wait()
			stop()
		})
	}
}
