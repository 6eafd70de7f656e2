package run_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

// TestNothingIsLeftBehind: after a run, whether it passed, failed or was interrupted, there are as many goroutines, files
// and sockets as before.
func TestNothingIsLeftBehind(t *testing.T) {
	feature := func(server, deaf, redis, database string) string {
		return `Feature: all that is opened
  Background:
    Given address "` + server + `"
    And format "JSON"

  Scenario: requests
    When the URL is invoked
    Then status is "200"

  Scenario: a request that nobody waits for
    Given URL path "/hang"
    When the URL is invoked in the background
    Then I sleep for "0.01"

  Scenario: a load that nobody ends
    Given URL path "/"
    When I send 200 requests per second in the background
    Then I sleep for "0.05"

  Scenario: a request that takes too long
    Given URL path "/hang"
    When the URL is invoked

  Scenario: a reply that does not end
    Given URL path "/half"
    When the URL is invoked

  Scenario: nobody answers
    Given address "http://` + deaf + `"
    When the URL is invoked

  Scenario: a WebSocket that nobody closes
    Given URL path "/socket"
    When I connect to the WebSocket
    And I send the WebSocket message "x"
    Then a WebSocket message is received within 5 seconds
    And the WebSocket is closed

  Scenario: a WebSocket whose other side is deaf
    Given URL path "/deaf"
    When I connect to the WebSocket

  Scenario: a WebSocket that is none
    When I connect to the WebSocket

  Scenario: databases that nobody disconnects
    Given I connect to "sqlite:///` + database + `" as "one"
    And I connect to "sqlite://" as "two"
    And I store "select 1" query result under "x", using "#one"
    Then SQL "select 2" is equal to "[(1,)]", using "#two"

  Scenario: a database that is none
    Given I connect to "postgresql://u:p@` + deaf + `/db" as "db"

  Scenario: another one
    Given I connect to "mysql://u:p@` + deaf + `/db" as "db"

  Scenario: Cassandra that is none
    Given Cassandra contact points "127.0.0.1"
    And Cassandra port "` + deaf[strings.LastIndexByte(deaf, ':')+1:] + `"
    And I connect to keyspace "k" as "c"

  Scenario: Redis
    Given Redis "redis://` + redis + `/0"
    And the Redis key "a" is "b"

  Scenario: a mock
    Given an HTTP mock from "mock.yaml"
    And address "#MOCK_ADDRESS"
    When the URL is invoked
    Then status is "999"

  Scenario: the tutorial's mocks
    Given the tutorial's mocks
    And address "#CRM_ADDRESS"
    When the URL is invoked
`
	}
	_, closeFirst := deafServer(t, &atomic.Int64{}) // what the runtime opens with the first socket
	closeFirst()
	for _, state := range []steps.State{steps.PerScenario, steps.PerFeature} {
		for _, interrupted := range []bool{false, true} {
			name := map[steps.State]string{steps.PerScenario: "state per scenario", steps.PerFeature: "state per feature"}[state]
			t.Run(name+map[bool]string{true: ", interrupted"}[interrupted], func(t *testing.T) {
				before := opened()
				func() {
					var connections atomic.Int64
					over := make(chan struct{})
					server := httptest.NewUnstartedServer(serve(over))
					server.Listener = counted{server.Listener, &connections}
					server.Start()
					defer server.Close()
					defer server.CloseClientConnections()
					redis := miniredis.NewMiniRedis()
					require.NoError(t, redis.Start())
					defer redis.Close()
					deaf, closeDeaf := deafServer(t, &connections)
					defer closeDeaf()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if interrupted {
						time.AfterFunc(300*time.Millisecond, cancel)
					}
					done, err := run.Features(ctx, run.Options{
						Paths: []string{"a.feature"}, Parallel: 4, Steps: steps.Options{State: state, Timeout: 2 * time.Second},
						FS: fstest.MapFS{
							"a.feature": {Data: []byte(feature(server.URL, deaf, redis.Addr(), filepath.Join(t.TempDir(), "one.db")))},
							"mock.yaml": {Data: []byte("stubs: [{path: /, body: x}]")},
						},
					})
					close(over)
					for deadline := time.Now().Add(time.Minute); connections.Load() > 0 && time.Now().Before(deadline); {
						runtime.Gosched()
					}
					require.Zero(t, connections.Load(), "connections that are left open to servers that go on")
					if interrupted {
						require.ErrorIs(t, err, context.Canceled)
						return
					}
					require.NoError(t, err)
					require.Empty(t, done.Faults)
					failed := map[string]string{}
					for _, s := range done.Features[0].Scenarios {
						if s.Status == report.Failed {
							failed[s.Name] = s.Failing().Failure.Text()
						}
					}
					if state == steps.PerScenario {
						assert.Len(t, failed, 10, failed)
					}
				}()
				after := opened()
				for deadline := time.Now().Add(time.Minute); len(after.beyond(before)) > 0 && time.Now().Before(deadline); after = opened() {
					runtime.Gosched()
				}
				if left := after.beyond(before); !assert.Empty(t, left) {
					t.Log(after.stacks)
				}
			})
		}
	}
}

// serve is a server whose /deaf reads nothing until the run is over.
func serve(over <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hang":
			<-r.Context().Done()
		case "/half":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("half"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case "/socket", "/deaf":
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			defer func() { _ = c.CloseNow() }()
			if r.URL.Path == "/deaf" {
				<-over
				return
			}
			for {
				kind, text, err := c.Read(context.Background())
				if err != nil || c.Write(context.Background(), kind, text) != nil {
					return
				}
			}
		default:
			_, _ = w.Write([]byte(`{"a": 1}`))
		}
	}
}

// counted is a listener that counts the connections which are open.
type counted struct {
	net.Listener
	open *atomic.Int64
}

func (l counted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.open.Add(1)
	return &countedConn{Conn: c, open: l.open}, nil
}

type countedConn struct {
	net.Conn
	open   *atomic.Int64
	closed sync.Once
}

func (c *countedConn) Close() error {
	c.closed.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// deafServer takes connections, and never says a word.
func deafServer(t *testing.T, open *atomic.Int64) (address string, end func()) {
	t.Helper()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := counted{plain, open}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			})
		}
	})
	return l.Addr().String(), func() {
		_ = l.Close()
		running.Wait()
	}
}

// held is what a process holds.
type held struct {
	goroutines int
	files      []string // with what they lead to
	stacks     string
}

func opened() held {
	runtime.GC() // what is closed when nobody has it any more
	stacks := make([]byte, 1<<20)
	h := held{goroutines: runtime.NumGoroutine(), stacks: string(stacks[:runtime.Stack(stacks, true)])}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return h // goroutines only, where there is no such folder
	}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			h.files = append(h.files, to)
		}
	}
	return h
}

// beyond is what h has and before had not.
func (h held) beyond(before held) []string {
	var out []string
	for _, f := range h.files {
		if !slices.Contains(before.files, f) {
			out = append(out, f)
		}
	}
	if n := h.goroutines - before.goroutines; n > 0 {
		out = append(out, strings.Repeat("goroutine ", n))
	}
	return out
}
