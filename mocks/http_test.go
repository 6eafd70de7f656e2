package mocks_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/mocks"
)

type reply struct {
	status int
	header http.Header
	body   string
}

// call sends one request on a connection of its own.
func call(t *testing.T, method, url, body string, header http.Header) (reply, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	if header != nil {
		req.Header = header
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	res, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(raw)}, err
}

func mustCall(t *testing.T, method, url, body string) reply {
	t.Helper()
	r, err := call(t, method, url, body, nil)
	require.NoError(t, err)
	return r
}

func startHTTP(t *testing.T, yaml string) *mocks.HTTP {
	t.Helper()
	stubs, err := mocks.ParseStubs("test.yaml", []byte(yaml))
	require.NoError(t, err)
	m, err := mocks.StartHTTP(t.Context(), mocks.HTTPOptions{Name: "test", Stubs: stubs})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	return m
}

func TestHTTPChoosesTheBestStub(t *testing.T) {
	m := startHTTP(t, `
stubs:
  - {path: "/c/{id}", body: any customer}
  - {path: /c/7, body: customer seven}
  - {path: "/c/{id}", query: {lang: "*"}, body: some language}
  - {path: "/c/{id}", query: {lang: en}, body: English}
  - {path: "/c/{id}", query: {lang: "*", full: "*", page: "*"}, body: three of any}
  - {path: "/c/{id}", method: DELETE, body: deleted}
  - {path: "/c/{id}", headers: {X-Tenant: blue}, body: blue}
  - {path: "/c/{id}", body: never reached}
  - {path: "/c/{id}", query: {a: "1", b: "1", c: "1"}, body: unfit without c}
`)
	for name, row := range map[string]struct {
		method, path string
		header       http.Header
		want         string
	}{
		"parameter":                {"GET", "/c/1", nil, "any customer"},
		"encoded parameter":        {"GET", "/c/a%2Fb", nil, "any customer"},
		"literal before parameter": {"GET", "/c/7", nil, "customer seven"},
		"any value":                {"GET", "/c/1?lang=fr", nil, "some language"},
		"exact before any":         {"GET", "/c/1?lang=en", nil, "English"},
		"exact before many any":    {"GET", "/c/1?lang=en&full=1&page=2", nil, "English"},
		"more of any":              {"GET", "/c/1?lang=fr&full=1&page=2", nil, "three of any"},
		"first of equal":           {"DELETE", "/c/1", nil, "any customer"},
		"fit before near":          {"GET", "/c/1?a=1&b=1", nil, "any customer"},
		"header":                   {"GET", "/c/1", http.Header{"X-Tenant": {"blue"}}, "blue"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := call(t, row.method, m.URL()+row.path, "", row.header)
			require.NoError(t, err)
			assert.Equal(t, row.want, got.body)
			assert.Equal(t, 200, got.status)
		})
	}
	assert.Empty(t, m.Unexpected())
}

func TestHTTPReportsTheNearestStub(t *testing.T) {
	m := startHTTP(t, `
stubs:
  - {name: read, method: GET, path: "/customers/{id}/orders", query: {page: "1", size: "*"}, headers: {X-Tenant: blue}}
  - {name: ping, path: /ping}
`)
	for name, row := range map[string]struct {
		method, path, nearest string
		why                   []string
	}{
		"method":       {"PUT", "/ping2", "ping", []string{`path differs at segment 1: it is "ping2", the stub has "ping"`}},
		"query":        {"GET", "/customers/1/orders?page=2&size=1", "read", []string{`query parameter page is "2", the stub has "1"`, "header X-Tenant is missing"}},
		"missing":      {"POST", "/customers/1/orders", "read", []string{"method is POST, the stub has GET", "query parameter page is missing", "query parameter size is missing", "header X-Tenant is missing"}},
		"path is long": {"GET", "/ping/a", "ping", []string{`path has segment 2, "a", the stub ends before it`}},
		"deep path":    {"GET", "/customers/1/order?page=1&size=1", "read", []string{`path differs at segment 3: it is "order", the stub has "orders"`, "header X-Tenant is missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			m.Clear()
			got := mustCall(t, row.method, m.URL()+row.path, "x")
			assert.Equal(t, http.StatusNotImplemented, got.status)
			var body mocks.Unexpected
			require.NoError(t, json.Unmarshal([]byte(got.body), &body))
			want := mocks.Unexpected{Nearest: row.nearest, Why: row.why}
			assert.Equal(t, want, body)
			require.Len(t, m.Unexpected(), 1)
			assert.Equal(t, want, *m.Unexpected()[0].Unexpected)
		})
	}
}

func TestHTTPRecords(t *testing.T) {
	m := startHTTP(t, "stubs:\n  - {name: it, path: /a}\n")
	before := time.Now()
	_, err := call(t, "POST", m.URL()+"/a?x=1&x=2", `{"n":1}`, http.Header{"X-Parley-Cid": {"abc"}, "Content-Type": {"application/json"}})
	require.NoError(t, err)
	require.Len(t, m.Received(), 1)
	got := m.Received()[0]
	assert.Equal(t, []string{"test", "POST", "/a", `{"n":1}`, "abc", "it"}, []string{got.Mock, got.Method, got.Path, string(got.Body), got.CID, got.Stub})
	assert.Equal(t, []string{"1", "2"}, got.Query["x"])
	assert.Equal(t, []string{"application/json"}, got.Headers["Content-Type"])
	assert.WithinRange(t, got.Time, before, time.Now())
	assert.Nil(t, got.Unexpected)

	m.Clear()
	assert.Empty(t, m.Received())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = m.WaitFor(ctx, 1)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Contains(t, err.Error(), `mock "test" received 0 of the 1 awaited`)

	go func() { _, _ = call(t, "GET", m.URL()+"/a", "", nil) }()
	waited, err := m.WaitFor(t.Context(), 1)
	require.NoError(t, err)
	assert.Len(t, waited, 1)
}

func TestHTTPBehaviour(t *testing.T) {
	m := startHTTP(t, "stubs:\n  - {path: /a, body: fine, reply_headers: {X-One: stub}}\n")
	text := "broken"
	require.NoError(t, m.SetBehaviour(t.Context(), mocks.Behaviour{Status: 503, Body: &text, Headers: map[string]string{"X-One": "behaviour"}, Delay: mocks.Duration(30 * time.Millisecond)}))
	began := time.Now()
	got := mustCall(t, "GET", m.URL()+"/a", "")
	assert.Equal(t, 503, got.status)
	assert.Equal(t, "broken", got.body)
	assert.Equal(t, "behaviour", got.header.Get("X-One"))
	assert.GreaterOrEqual(t, time.Since(began), 30*time.Millisecond)

	require.NoError(t, m.SetBehaviour(t.Context(), mocks.Behaviour{}))
	got = mustCall(t, "GET", m.URL()+"/a", "")
	assert.Equal(t, 200, got.status)
	assert.Equal(t, "fine", got.body)

	assert.ErrorContains(t, m.SetBehaviour(t.Context(), mocks.Behaviour{Status: 42}), "status 42 is not from 200 to 599")
}

func TestHTTPDownAndUpOnTheSamePort(t *testing.T) {
	m := startHTTP(t, "stubs:\n  - {path: /slow, delay: 10m}\n  - {path: /a, body: fine}\n")
	url := m.URL()
	cut := make(chan error, 1)
	go func() {
		_, err := call(t, "GET", url+"/slow", "", nil)
		cut <- err
	}()
	_, err := m.WaitFor(t.Context(), 1)
	require.NoError(t, err)
	for range 3 {
		require.NoError(t, m.SetBehaviour(t.Context(), mocks.Behaviour{Down: true}))
		_, err = call(t, "GET", url+"/a", "", nil)
		require.ErrorContains(t, err, "refused")
		require.NoError(t, m.SetBehaviour(t.Context(), mocks.Behaviour{}))
		assert.Equal(t, "fine", mustCall(t, "GET", url+"/a", "").body)
	}
	assert.Error(t, <-cut, "the call in flight is cut off, not left for ten minutes")
	assert.Equal(t, 4, m.Count(), "what was received stays")
}

func TestHTTPAddressInUse(t *testing.T) {
	first := startHTTP(t, "stubs:\n  - {path: /a}\n")
	_, err := mocks.StartHTTP(t.Context(), mocks.HTTPOptions{Name: "second", Address: first.Address()})
	var inUse *mocks.InUseError
	require.ErrorAs(t, err, &inUse)
	assert.Equal(t, &mocks.InUseError{Mock: "second", Address: first.Address()}, inUse)
	assert.Contains(t, err.Error(), `mock "second": cannot listen on `+first.Address())
}
