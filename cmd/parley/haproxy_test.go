package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/balancer/haproxy"
)

// needHAProxy skips the test where HAProxy is not installed, unless PARLEY_REQUIRE names it.
func needHAProxy(t *testing.T) {
	t.Helper()
	_, err := haproxy.Find(t.Context(), "")
	if err != nil && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "haproxy") {
		t.Skip(err)
	}
	require.NoError(t, err)
}

// posts are clients that send POSTs with an id each, and note what came of them.
type posts struct {
	t    *testing.T
	url  string
	stop chan struct{}
	wg   sync.WaitGroup
	sent []atomic.Int64 // by each client

	mu      sync.Mutex
	good    int
	unknown []string
	lost    []string
}

func startPosts(t *testing.T, url string, clients int) *posts {
	p := &posts{t: t, url: url, stop: make(chan struct{}), sent: make([]atomic.Int64, clients)}
	for n := range clients {
		p.wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for i := 0; ; i++ {
				select {
				case <-p.stop:
					return
				default:
				}
				p.note(fmt.Sprint(n, "-", i), p.post(client))
				p.sent[n].Add(1)
			}
		})
	}
	return p
}

// post gives "" for a reply, "unknown" where the server may have handled it, and else what went wrong.
func (p *posts) post(client *http.Client) string {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, p.url, strings.NewReader("{}"))
	if err != nil {
		return err.Error()
	}
	res, err := client.Do(req)
	switch {
	case err != nil && strings.Contains(err.Error(), "refused"):
		return err.Error()
	case err != nil:
		return "unknown"
	}
	_ = res.Body.Close()
	switch {
	case res.StatusCode == http.StatusOK:
		return ""
	case res.Header.Get("X-Parley-Outcome") == "unknown":
		return "unknown"
	}
	return res.Status
}

func (p *posts) note(id, outcome string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch outcome {
	case "":
		p.good++
	case "unknown":
		p.unknown = append(p.unknown, id)
	default:
		p.lost = append(p.lost, id+": "+outcome)
	}
}

// more waits for as many requests more, of each client: so what was in flight before has come to its end, too.
func (p *posts) more(n int64) {
	p.t.Helper()
	for i := range p.sent {
		begin := p.sent[i].Load()
		require.Eventually(p.t, func() bool { return p.sent[i].Load() >= begin+n }, time.Minute, time.Millisecond, "no requests pass")
	}
}

// since is what was lost and unknown until now, and forgets it.
func (p *posts) since() (lost, unknown []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lost, unknown = p.lost, p.unknown
	p.lost, p.unknown = nil, nil
	return lost, unknown
}

func (p *posts) end() {
	close(p.stop)
	p.wg.Wait()
}

type haproxyStatus struct {
	Balancer struct {
		Kind   string `json:"kind"`
		Totals struct {
			Requests int `json:"requests"`
		} `json:"totals"`
		Error   string `json:"error"`
		Servers []struct {
			Name   string `json:"name"`
			State  string `json:"state"`
			Weight int    `json:"weight"`
			Served int    `json:"served"`
		} `json:"servers"`
	} `json:"balancer"`
}

func readHAProxy(t *testing.T, c *fixtures.Cluster) (s haproxyStatus) {
	t.Helper()
	raw, err := c.Parley(t.Context(), "status", "-o", "json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &s))
	return s
}

// haproxyPID is the process that holds the cluster's HAProxy: the log of the supervisor names it.
func haproxyPID(t *testing.T, c *fixtures.Cluster) int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(c.Dir(), "logs", "supervisor.log"))
	require.NoError(t, err)
	_, after, ok := strings.Cut(string(raw)[strings.LastIndex(string(raw), `msg="haproxy serves"`):], "pid=")
	require.True(t, ok)
	number, _, _ := strings.Cut(after, " ")
	pid, err := strconv.Atoi(number)
	require.NoError(t, err)
	return pid
}

func TestClusterBehindHAProxy(t *testing.T) {
	needHAProxy(t)
	binary := newCLI(t).binary
	c := fixtures.New(t, fixtures.Spec{Servers: 2, Balancer: fixtures.Part{Source: fixtures.Installed}, Binary: binary})
	definitions, err := c.Put("h.yaml", []byte("channel_rest:\n  - {name: Echo, service: echo, url_path: /echo}\n"))
	require.NoError(t, err)
	require.NoError(t, c.Import(t.Context(), nil, definitions))
	file, err := c.Put("echo.star", []byte("def handle(self):\n    self.response.payload = self.request.payload\n"))
	require.NoError(t, err)
	_, err = c.Deploy(t.Context(), file)
	require.NoError(t, err)
	const clients = 4
	p := startPosts(t, c.Address()+"/echo", clients)
	p.more(5)

	planned := func(what string) {
		t.Helper()
		p.more(5)
		lost, unknown := p.since()
		assert.Empty(t, lost, what)
		assert.Empty(t, unknown, what)
	}
	require.NoError(t, c.StopServer(t.Context(), 2))
	require.NoError(t, c.StartServer(t.Context(), 2))
	planned("a planned restart")
	_, err = c.Parley(t.Context(), "haproxy", "reload")
	require.NoError(t, err)
	planned("a reload")
	_, err = c.Parley(t.Context(), "server", "offline", "server1")
	require.NoError(t, err)
	planned("offline")
	s := readHAProxy(t, c)
	assert.Contains(t, s.Balancer.Kind, "haproxy ")
	assert.Positive(t, s.Balancer.Totals.Requests)
	require.Len(t, s.Balancer.Servers, 2)
	assert.Equal(t, 0, s.Balancer.Servers[0].Weight)
	assert.Equal(t, 100, s.Balancer.Servers[1].Weight)
	said, err := c.Parley(t.Context(), "status")
	require.NoError(t, err)
	assert.Contains(t, string(said), "server1 is offline: it gets no requests until: parley server online server1")
	said, err = c.Parley(t.Context(), "balancer")
	require.NoError(t, err)
	assert.Contains(t, string(said), "answered by itself  0\n")
	served := s.Balancer.Servers[0].Served
	p.more(5)
	s = readHAProxy(t, c)
	assert.Equal(t, served, s.Balancer.Servers[0].Served, "it gets no requests")
	assert.Equal(t, "up", s.Balancer.Servers[0].State)

	unplanned := func(what string) {
		t.Helper()
		p.more(5)
		lost, unknown := p.since()
		assert.Empty(t, lost, what)
		// While a killed process falls apart, a client may meet it twice.
		assert.LessOrEqual(t, len(unknown), 2*clients, "what was in flight: %s", what)
	}
	require.NoError(t, syscall.Kill(haproxyPID(t, c), syscall.SIGKILL))
	unplanned("the kill of HAProxy")
	require.Eventually(t, func() bool { return readHAProxy(t, c).Balancer.Error == "" }, time.Minute, 10*time.Millisecond)
	assert.Equal(t, 0, readHAProxy(t, c).Balancer.Servers[0].Weight, "the new one knows it")
	_, err = c.Parley(t.Context(), "server", "online", "server1")
	require.NoError(t, err)
	planned("online")
	require.NoError(t, c.Kill(t.Context(), 2))
	unplanned("the kill of a server")
	require.NoError(t, c.StartServer(t.Context(), 2))
	planned("its start")
	p.end()

	// Where the supervisor is killed, HAProxy goes with it; the next one starts with what was kept.
	_, err = c.Parley(t.Context(), "server", "weight", "server2", "7")
	require.NoError(t, err)
	status, err := c.Status(t.Context())
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(status.Supervisor.PID, syscall.SIGKILL))
	_, err = c.Parley(t.Context(), "start", c.Dir(), "--no-restart")
	require.NoError(t, err)
	assert.Equal(t, 7, readHAProxy(t, c).Balancer.Servers[1].Weight)
	code, body := post(t, c.Address()+"/echo", `"hello"`)
	assert.Equal(t, "200 hello", fmt.Sprint(code, " ", strings.Trim(strings.TrimSpace(body), `"`)))

	_, err = c.Parley(t.Context(), "stop", c.Dir())
	require.NoError(t, err)
	_, err = c.Parley(t.Context(), "server", "online", "server2")
	require.NoError(t, err)
	assert.NoFileExists(t, filepath.Join(c.Dir(), "run", "supervisor.json"))
	raw, err := os.ReadFile(filepath.Join(c.Dir(), "weights.json"))
	require.NoError(t, err)
	assert.JSONEq(t, `{"weights": {}, "to_be_logged": [{"server": "server2", "weight": 100}]}`, string(raw))
	password, err := os.ReadFile(filepath.Join(c.Dir(), "haproxy.password"))
	require.NoError(t, err)
	for _, log := range []string{"supervisor.log", "haproxy.log"} {
		raw, err := os.ReadFile(filepath.Join(c.Dir(), "logs", log))
		require.NoError(t, err)
		assert.NotContains(t, string(raw), strings.TrimSpace(string(password)))
	}
}

func TestHAProxyCommands(t *testing.T) {
	needHAProxy(t)
	c := newCLI(t)
	c.dir = filepath.Join(t.TempDir(), "bank")
	_, stderr, code := c.run("quickstart", "create", c.dir, "--free-ports", "--balancer", "nginx")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, `--balancer: expected embedded or haproxy, not "nginx"`)
	_, stderr, code = c.run("quickstart", "create", c.dir, "--free-ports", "--balancer", "haproxy")
	require.Equal(t, 0, code, stderr)

	out, stderr, code := c.run("haproxy", "render")
	require.Equal(t, 0, code, stderr)
	assert.Contains(t, stderr, "no server of this cluster answers, so no channel is taken for idempotent")
	assert.Contains(t, out, "monitor-uri /parley-lb-alive")
	password, _, code := c.run("haproxy", "password")
	require.Equal(t, 0, code)
	kept, err := os.ReadFile(filepath.Join(c.dir, "haproxy.password"))
	require.NoError(t, err)
	assert.Contains(t, password, "user parley, password "+strings.TrimSpace(string(kept)))
	assert.NotContains(t, out, strings.TrimSpace(string(kept)), "the configuration holds a hash")
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	_, stderr, code = c.run("haproxy", "render", "--out", file)
	require.Equal(t, 0, code, stderr)
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, out, string(written))
	out, _, code = c.run("haproxy", "check", file)
	assert.Equal(t, 0, code)
	assert.Contains(t, out, "takes the configuration")
	require.NoError(t, os.WriteFile(file, []byte("global\n    maxcon 3\n"), 0o600))
	_, stderr, code = c.run("haproxy", "check", file)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "    2 | maxcon 3")

	rows := []struct {
		name, old, new string
		command        []string
		code           int
		want           string
	}{
		{"no such program", `binary: ""`, `binary: "/nowhere/haproxy"`, []string{"haproxy", "check"}, 2, "name the haproxy program there"},
		{"start without the program", `binary: ""`, `binary: "/nowhere/haproxy"`, []string{"start"}, 1, "name the haproxy program there"},
		{"no certificate", `certificate: ""`, `certificate: "cert.pem"`, []string{"haproxy", "check"}, 1, filepath.Join(c.dir, "cert.pem")},
		{"start without it", `certificate: ""`, `certificate: "cert.pem"`, []string{"start"}, 1, filepath.Join(c.dir, "cert.pem")},
		{"kind", `kind: "haproxy"`, `kind: "nginx"`, []string{"haproxy", "render"}, 2, `balancer.kind: expected embedded, haproxy or external, not "nginx"`},
		{
			"keys of another kind", `kind: "haproxy"`, `kind: "embedded"`,
			[]string{"haproxy", "render"},
			2,
			"balancer.haproxy.stats: it is for a balancer of the kind haproxy or external",
		},
		{"a name server", `binary: ""`, `resolver: "ns"`, []string{"haproxy", "render"}, 2, `balancer.haproxy.resolver: expected host:port`},
		{"external without a socket", `kind: "haproxy"`, `kind: "external"`, []string{"haproxy", "render"}, 2, "balancer.haproxy.socket: an external HAProxy is steered"},
		{"not running", "", "", []string{"haproxy", "reload"}, 1, "nor is its HAProxy; start it"},
		{"no such server", "", "", []string{"server", "offline", "server9"}, 2, "its servers are server1, server2"},
		{"no weight", "", "", []string{"server", "weight", "server1", "many"}, 2, `"many" is no weight; expected 0 to 256`},
		{"too much weight", "", "", []string{"server", "weight", "server1", "257"}, 2, "257 is no weight"},
	}
	path := filepath.Join(c.dir, "cluster.yaml")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			require.Contains(t, string(whole), row.old)
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(whole), row.old, row.new, 1)), 0o600))
			_, stderr, code := c.run(row.command...)
			assert.Equal(t, row.code, code, stderr)
			assert.Contains(t, stderr, row.want)
		})
	}
}
