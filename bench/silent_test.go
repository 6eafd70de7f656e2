package bench_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

func silent(protocol string, r bench.Request) bench.Profile {
	return bench.Profile{
		Name: "test", Rate: 200, Duration: bench.Duration(200 * time.Millisecond), MaxScheduleLag: bench.Duration(time.Minute),
		Protocol: protocol, Request: r, Log: &bench.Log{KVDBList: "ids"},
	}
}

func TestRunZeroMQ(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	address := "tcp://" + l.Addr().String()
	var mu sync.Mutex
	var ids []string
	receive := func(c net.Conn) {
		defer func() { _ = c.Close() }()
		peer, err := zmq4.Open(c, null.Security(), zmq4.Pull, nil, true, nil)
		if err != nil {
			return
		}
		for {
			m, err := peer.RecvMsg()
			if err != nil {
				return
			}
			id, rest, _ := strings.Cut(string(m.Bytes()), " ")
			mu.Lock()
			if len(rest) == 300 { // a long frame
				ids = append(ids, id)
			}
			mu.Unlock()
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go receive(c)
		}
	}()
	executed := func(context.Context) ([]string, error) {
		var out []string
		assert.Eventually(t, func() bool {
			mu.Lock()
			defer mu.Unlock()
			out = append([]string(nil), ids...)
			return len(out) >= 40
		}, time.Minute, time.Millisecond)
		return out, nil
	}
	p := silent("zeromq", bench.Request{Body: "{{id}} " + strings.Repeat("x", 300)})
	require.NoError(t, bench.Probe(t.Context(), p, address))
	r, err := bench.Run(t.Context(), p, bench.Options{Address: address, Executed: executed})
	require.NoError(t, err)
	assert.Equal(t, bench.Counts{Sent: 40, OK: 40}, r.Counts)
	assert.Equal(t, 40, r.Executed.Executed)
	assert.Zero(t, r.Executed.Lost+r.Executed.Doubled)
	assert.Empty(t, r.Statuses)
	assert.Equal(t, "zeromq", r.Protocol)
	assert.Equal(t, "PUSH /", r.Request)
}

func TestRunFiles(t *testing.T) {
	dir := t.TempDir()
	address := (&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)}).String()
	p := silent("file", bench.Request{Path: "/order-{{id}}.csv", Body: "product,count\nbolt,{{id}}\n"})
	p.Log = nil
	require.NoError(t, bench.Probe(t.Context(), p, address))
	r, err := bench.Run(t.Context(), p, bench.Options{Address: address})
	require.NoError(t, err)
	assert.Equal(t, bench.Counts{Sent: 40, OK: 40}, r.Counts)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, 40, "nothing is left beside them")
	raw, err := os.ReadFile(filepath.Join(dir, "order-7.csv"))
	require.NoError(t, err)
	assert.Equal(t, "product,count\nbolt,7\n", string(raw))

	p.Request.Path = "/../{{id}}"
	r, err = bench.Run(t.Context(), p, bench.Options{Address: address})
	require.NoError(t, err)
	assert.Equal(t, bench.Counts{Sent: 40, Failed: 40}, r.Counts)
	assert.Contains(t, r.Errors[0].Text, "what is no name of a file in the folder")
}

func TestProbeOfWhatNobodyAnswers(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	free := l.Addr().String()
	require.NoError(t, l.Close())
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, row := range []struct{ name, protocol, address, want string }{
		{"nobody", "zeromq", "tcp://" + free, "connection refused"},
		{"not ZeroMQ", "zeromq", "tcp://" + web.Listener.Addr().String(), "does not "},
		{"not tcp", "zeromq", web.URL, "must be a URL such as tcp://127.0.0.1:35155"},
		{"no folder", "file", "file:///no/such/folder", "no such file"},
		{"a file", "file", "file://" + filepath.ToSlash(file), "it is no folder"},
		{"not http", "", "tcp://" + free, "must be a URL such as http://127.0.0.1:11223"},
	} {
		t.Run(row.name, func(t *testing.T) {
			require.ErrorContains(t, bench.Probe(t.Context(), silent(row.protocol, bench.Request{Path: "/"}), row.address), row.want)
		})
	}
}

// TestReplies are replies as a peer may write them.
func TestReplies(t *testing.T) {
	for _, row := range []struct {
		name, reply string
		ok          int
		fault       string
	}{
		{"with a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 3, ""},
		{"in chunks, with a trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\nA: b\r\n\r\n", 3, ""},
		{"to the connection's end", "HTTP/1.0 200 OK\r\n\r\nhi", 3, ""},
		{"after a word on the way", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 3, ""},
		{"a line over two lines", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", 3, ""},
		{"a long line", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 9000) + "\r\nContent-Length: 0\r\n\r\n", 3, ""},
		{"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", 0, "which is not HTTP/1.1"},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", 0, "Content-Length is \"3\""},
		{"less than it says", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", 0, "connection ended within the reply"},
		{"a chunk that ends", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi", 0, "connection ended within the reply"},
		{"no colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", 0, `the line "nonsense"`},
		{"nothing", "", 0, "before any reply"},
	} {
		t.Run(row.name, func(t *testing.T) {
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			require.NoError(t, err)
			t.Cleanup(func() { _ = l.Close() })
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = c.Read(make([]byte, 4096))
					_, _ = fmt.Fprint(c, row.reply)
					_ = c.Close()
				}
			}()
			p := post(30, 100*time.Millisecond)
			r, err := bench.Run(t.Context(), p, bench.Options{Address: "http://" + l.Addr().String()})
			require.NoError(t, err)
			assert.Equal(t, row.ok, r.OK)
			if row.fault == "" {
				assert.Empty(t, r.Errors)
				return
			}
			assert.Equal(t, 3, r.Unknown)
			require.Len(t, r.Errors, 1)
			assert.Contains(t, r.Errors[0].Text, row.fault)
		})
	}
}
