package bench_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

// served is a target that keeps "METHOD /path body" of each request, in order of arrival.
func served(t *testing.T, answer http.HandlerFunc) (address string, got func() []string) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		all = append(all, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization")+string(body)))
		mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), all...)
	}
}

func parsed(t *testing.T, dir, text string) bench.Profile {
	t.Helper()
	path := filepath.Join(dir, "p.yaml")
	require.NoError(t, os.WriteFile(path, []byte("max_schedule_lag: 1m\n"+text), 0o600))
	p, err := bench.ReadProfile(path)
	require.NoError(t, err)
	return p
}

// TestSeveralRequests: weights, a log-in before, columns of a file, what one reply gives to the next request, and checks.
func TestSeveralRequests(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "people.csv"), []byte("name,town\nAda,London\nLin,Riga\n"), 0o600))
	var orders atomic.Int64
	address, got := served(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/login":
			_, _ = io.WriteString(w, `{"token": {"value": 9007199254740993}}`)
		case r.URL.Path == "/orders":
			w.WriteHeader(201)
			_, _ = fmt.Fprintf(w, `{"order": "o%d", "state": "new"}`, orders.Add(1))
		case strings.HasPrefix(r.URL.Path, "/orders/"):
			_, _ = io.WriteString(w, `{"state": "gone", "price": 1.0}`)
		}
	})
	p := parsed(t, dir, `
rate: 100
duration: 80ms
workers: 2
before:
  - {path: /login, capture: {token: {json: /token/value}}}
feeders: [{csv: people.csv}]
requests:
  - name: order
    path: /orders
    weight: 3
    headers: {Authorization: "Bearer {{token}}"}
    body: ' {{id}} {{name}} of {{town}}'
    check: {status: 201, json: {/state: new}, body_contains: order}
    capture: {order: {regex: '"order": "(\w+)"'}}
  - name: read
    method: GET
    path: /orders/{{order}}
    check: {json: {/state: new, /price: 1}}
expect:
  - error_rate of order == 0
  - wrong of read == 0
  - p99 of order < 10s
`)
	res, err := bench.Run(t.Context(), p, bench.Options{Address: address})
	require.NoError(t, err)
	assert.Equal(t, bench.Counts{Sent: 8, OK: 6, Wrong: 2}, res.Counts)
	require.Len(t, res.Requests, 2)
	assert.Equal(t, bench.Counts{Sent: 6, OK: 6}, res.Requests[0].Counts)
	assert.Equal(t, bench.Counts{Sent: 2, Wrong: 2}, res.Requests[1].Counts)
	assert.Equal(t, int64(2), res.Requests[1].Response.Count)
	assert.Equal(t, []bench.ErrorCount{{Text: `read: /state is "gone", expected "new"`, Count: 2}}, res.Errors)
	assert.Equal(t, []string{"wrong of read == 0: it is 2"}, res.Unmet)
	assert.Equal(t, bench.Verdict{Text: "error_rate of order == 0", Got: "0 %", OK: true}, res.Verdicts[0])
	assert.Equal(t, "POST /login", got()[0])
	assert.Contains(t, got(), "POST /orders Bearer 9007199254740993 1 Ada of London", "a large number comes out as it went in")
	assert.Contains(t, got(), "POST /orders Bearer 9007199254740993 2 Lin of Riga")
	assert.Contains(t, strings.Join(got(), "\n"), "GET /orders/o")
}

func TestCheckOfStatus(t *testing.T) {
	address, _ := served(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) })
	p := parsed(t, t.TempDir(), "rate: 100\nduration: 50ms\nrequest: {path: /a, check: {status: [404, 410]}}\n")
	res, err := bench.Run(t.Context(), p, bench.Options{Address: address})
	require.NoError(t, err)
	assert.Equal(t, bench.Counts{Sent: 5, OK: 5}, res.Counts)

	p.Request.Check.Status = bench.Statuses{200}
	res, err = bench.Run(t.Context(), p, bench.Options{Address: address})
	require.NoError(t, err)
	assert.Equal(t, bench.Counts{Sent: 5, Failed: 5}, res.Counts)
}

func TestBeforeThatFails(t *testing.T) {
	address, _ := served(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) })
	p := parsed(t, t.TempDir(), "rate: 100\nduration: 50ms\nbefore: [{path: /login}]\nrequest: {path: /a}\n")
	_, err := bench.Run(t.Context(), p, bench.Options{Address: address})
	assert.ErrorContains(t, err, "before the load, POST /login: status 401")
}

// take is what a target does that takes its time, as long as its client waits.
func take(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

// TestClosedLoop: so many at once and no more, each waiting for its reply, with what it captured itself.
func TestClosedLoop(t *testing.T) {
	var now, most atomic.Int64
	address, got := served(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for high := most.Load(); n > high && !most.CompareAndSwap(high, n); high = most.Load() {
		}
		take(r, 5*time.Millisecond)
		w.Header().Set("X-Next", "of "+r.Header.Get("Authorization"))
	})
	p := parsed(t, t.TempDir(), `
think: 1ms
warmup: 100ms
phases:
  - {name: few, duration: 400ms, users: 2}
  - {name: more, duration: 1600ms, users: 6}
requests:
  - {name: first, path: "/first?{{id}}", capture: {next: {header: X-Next}}}
  - {name: second, path: /second, body: "{{next}}"}
expect: [failed == 0, p50 of first < 5s, p95 in more < 5s]
`)
	res, err := bench.Run(t.Context(), p, bench.Options{Address: address})
	require.NoError(t, err)
	assert.Equal(t, res.Sent, res.OK, "%v", res.Errors)
	assert.Equal(t, int64(6), most.Load())
	assert.Equal(t, 6, res.Users)
	assert.Empty(t, res.Invalid)
	assert.Empty(t, res.Unmet)
	require.Len(t, res.Parts, 2)
	assert.Greater(t, res.Parts[0].Sent, 2)
	assert.Greater(t, res.Parts[1].Sent, res.Parts[0].Sent)
	assert.Positive(t, res.Warmup.Sent)
	assert.Equal(t, res.Service.P50, res.Response.P50, "it is due when it is sent")
	assert.GreaterOrEqual(t, res.Service.P50, 4.9)
	assert.Equal(t, len(got()), res.Sent+res.Warmup.Sent)
}

func TestHTTP2(t *testing.T) {
	var versions sync.Map
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { versions.Store(r.Proto, true) }))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	p := parsed(t, t.TempDir(), "rate: 200\nduration: 100ms\nprotocol: h2\nrequest: {path: /a}\n")
	res, err := bench.Run(t.Context(), p, bench.Options{Address: s.URL})
	require.NoError(t, err)
	assert.Equal(t, bench.Counts{Sent: 20, OK: 20}, res.Counts, "%v", res.Errors)
	_, two := versions.Load("HTTP/2.0")
	assert.True(t, two)
	_, one := versions.Load("HTTP/1.1")
	assert.False(t, one)

	s.Close()
	res, err = bench.Run(t.Context(), p, bench.Options{Address: s.URL})
	require.NoError(t, err)
	assert.Equal(t, bench.Counts{Sent: 20, Failed: 20}, res.Counts)
	assert.Equal(t, 20, res.NeverSent)
}

func TestOwnTimeout(t *testing.T) {
	address, _ := served(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	p := parsed(t, t.TempDir(), "rate: 100\nduration: 30ms\ntimeout: 30s\nrequest: {path: /a, timeout: 1s}\n")
	res, err := bench.Run(t.Context(), p, bench.Options{Address: address})
	require.NoError(t, err)
	assert.Equal(t, bench.Counts{Sent: 3, Unknown: 3}, res.Counts)
	assert.Less(t, res.Service.Max, 20_000.0)
}

func TestRequestFaults(t *testing.T) {
	for name, row := range map[string]struct{ yaml, want string }{
		"nobody gives it":   {"request: {path: /a, body: '{{who}}'}", "p.yaml:3:11: nothing gives {{who}}: no feeder has such a column, and no request captures it; there are id"},
		"two captures":      {"request: {path: /a, capture: {x: {json: /a, header: B}}}", `capture "x" has one of: json, header, regex`},
		"a bad regex":       {"request: {path: /a, capture: {x: {regex: '('}}}", "p.yaml:3:42: error parsing regexp"},
		"no pointer":        {"request: {path: /a, check: {json: {a: 1}}}", `"a" is not a JSON Pointer`},
		"a bad status":      {"request: {path: /a, check: {status: ok}}", "p.yaml:3:37: a status is a number such as 200"},
		"both":              {"request: {path: /a}\nrequests: [{path: /b}]", "give request or requests, not both"},
		"one name twice":    {"requests: [{path: /b}, {path: /b}]", `p.yaml:3:25: two requests are called "POST /b"`},
		"no such file":      {"request: {path: /a}\nfeeders: [{csv: none.csv}]", "p.yaml:4:17: open none.csv"},
		"no such protocol":  {"request: {path: /a}\nprotocol: spdy", `p.yaml:4:11: protocol "spdy" is not known; there are http/1.1, h2, zeromq, zeromq-pub, file`},
		"an unknown key":    {"request: {path: /a, methid: GET}", `p.yaml:3:21: unknown field "methid"; did you mean "method"`},
		"of a check":        {"request: {path: /a, check: {body: x}}", `unknown field "body"; there are status, headers, body_contains, json`},
		"at the top":        {"request: {path: /a}\ntimeuot: 3s", `p.yaml:4:1: unknown field "timeuot"; did you mean "timeout"`},
		"of expectations":   {"request: {path: /a}\nexpect: {fialed: 0}", `p.yaml:4:10: unknown field "fialed"; did you mean "failed"`},
		"of one of several": {"requests: [{path: /a}, {path: /b, wieght: 2}]", `p.yaml:3:35: unknown field "wieght"; did you mean "weight"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bench.ParseProfile("p.yaml", []byte("rate: 1\nduration: 1s\n"+row.yaml+"\n"))
			require.ErrorContains(t, err, row.want)
		})
	}
}

// TestEventsAtConditions: one that waits for slow answers, one that follows it, and one for which nothing comes.
func TestEventsAtConditions(t *testing.T) {
	var slow atomic.Bool
	slow.Store(true)
	address, _ := served(t, func(_ http.ResponseWriter, r *http.Request) {
		if slow.Load() {
			take(r, 300*time.Millisecond)
		}
	})
	p := parsed(t, t.TempDir(), `
rate: 100
duration: 4s
request: {path: /a}
events:
  - {name: mend, when: p50 > 200ms for 200ms, run: mend}
  - {at: 100ms, after: mend, run: next}
  - {when: error_rate > 1%, run: never}
expect: [recovery < 3s]
`)
	var done []string
	res, err := bench.Run(t.Context(), p, bench.Options{Address: address, Do: func(_ context.Context, e bench.Event) error {
		done = append(done, e.Run) // one at a time
		slow.Store(false)
		return nil
	}})
	require.NoError(t, err)
	assert.Equal(t, []string{"mend", "next"}, done)
	assert.Empty(t, res.Invalid)
	assert.Empty(t, res.Unmet)
	assert.GreaterOrEqual(t, res.Events[0].At, 0.2)
	assert.GreaterOrEqual(t, res.Events[1].At, res.Events[0].At+0.099)
	assert.Equal(t, "what it waits for did not come: error_rate > 1%", res.Events[2].Skipped)
	assert.Less(t, res.Phases[len(res.Phases)-1].Response.P50, 200.0, "after all events")
}

func TestFeederFiles(t *testing.T) {
	for name, row := range map[string]struct{ csv, want string }{
		"a byte order mark":            {"\ufeffa,b\r\n1,2\r\n", ""},
		"a byte order mark and quotes": {"\ufeff\"a\",b\n1,2\n", ""},
		"columns without a name":       {"a,b,,\n1,2,,\n", ""},
		"a column twice":               {"a,b,a\n1,2,3\n", `f.csv:1: two columns are called "a"`},
		"too few fields":               {"a,b\n1\n", "f.csv:2:1: wrong number of fields"},
		"no row":                       {"a,b\n", "f.csv: it needs a line with the names of columns, and at least one row"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "f.csv"), []byte(row.csv), 0o600))
			path := filepath.Join(dir, "p.yaml")
			require.NoError(t, os.WriteFile(path, []byte("rate: 1\nduration: 1s\nrequest: {path: '/{{a}}', body: '{{b}}'}\nfeeders: [{csv: f.csv}]\n"), 0o600))
			_, err := bench.ReadProfile(path)
			if row.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, row.want)
			assert.NotContains(t, err.Error(), "nothing gives", "what a file gives that cannot be read nobody knows")
		})
	}
}
