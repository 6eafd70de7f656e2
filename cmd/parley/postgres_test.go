package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/folder"
)

// startPostgres starts a PostgreSQL, or skips the test where none is installed.
func startPostgres(t *testing.T) *fixtures.Postgres {
	t.Helper()
	p, err := fixtures.StartPostgres(t.Context(), "")
	if errors.Is(err, fixtures.ErrNoPostgres) && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "postgres") {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// machine is one of several that share a PostgreSQL: a folder with a server, and a way to the database that can be cut.
type machine struct {
	cli
	name string
	f    *folder.Folder
	link *toxiproxy.Proxy
}

// machines are as many, started, each with a server north1, north2, ... and a service "counter" at /counter.
func machines(t *testing.T, p *fixtures.Postgres, where string, n int) []*machine {
	t.Helper()
	c := newCLI(t)
	network := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	out := make([]*machine, n)
	for i := range out {
		m := &machine{cli: *c, name: fmt.Sprint("north", i+1)}
		m.link = toxiproxy.NewProxy(network, m.name, "127.0.0.1:0", p.Address())
		require.NoError(t, m.link.Start())
		t.Cleanup(m.link.Stop)
		u, err := url.Parse(where)
		require.NoError(t, err)
		u.Host = m.link.Listen
		m.f, _, err = folder.Create(filepath.Join(t.TempDir(), m.name), folder.Options{
			Name: "north", ServerNames: []string{m.name}, DatabaseURL: u.String(), FreePorts: true,
		})
		require.NoError(t, err)
		m.dir = m.f.Dir
		t.Cleanup(func() { m.run("stop") })
		m.start()
		out[i] = m
	}
	out[0].ok("enmasse", "import", out[0].file("h.yaml", "channel_rest:\n  - {name: Counter, service: counter, url_path: /counter}\n"))
	require.NoError(t, out[0].deploy(0))
	return out
}

func (m *machine) start() {
	m.t.Helper()
	_, stderr, code := m.run("start")
	require.Zero(m.t, code, "%s: %s", m.name, stderr)
}

// ok runs a command that must succeed.
func (m *machine) ok(args ...string) string {
	m.t.Helper()
	stdout, stderr, code := m.run(args...)
	require.Zero(m.t, code, "%s: %s %s", m.name, stdout, stderr)
	return stdout
}

// call calls the server's admin API.
func (m *machine) call(name string, in, out any) error {
	token, err := m.f.Token()
	if err != nil {
		return err
	}
	client := admin.NewClient(m.f.Cluster.Servers[0].Admin, token)
	defer client.CloseIdle()
	return client.Call(context.WithoutCancel(m.t.Context()), name, in, out)
}

// deployFile deploys through this machine and says at which revision.
func (m *machine) deployFile(name, source string) (int64, error) {
	var out struct{ Revision int64 }
	in := map[string]any{"files": []map[string]string{{"name": name, "source": source}}}
	err := m.call("parley.service.deploy", in, &out)
	return out.Revision, err
}

// deploy lets the service answer with n.
func (m *machine) deploy(n int) error {
	_, err := m.deployFile("counter.star", fmt.Sprintf("def handle(self):\n    self.response.payload = %d\n", n))
	return err
}

// asks is what the service of this machine answers, asked through its balancer.
func (m *machine) asks() (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.t.Context()), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+m.f.Cluster.Balancer.Address+"/counter", nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", res.StatusCode, raw)
	}
	return string(raw), err
}

// told is what parley.server.info says.
type told struct {
	Revision int64  `json:"revision"`
	Hash     string `json:"hash"`
	Problem  string `json:"problem"`
}

func (m *machine) info() (told, error) {
	var out told
	return out, m.call("parley.server.info", struct{}{}, &out)
}

// converge waits until all serve the same without a problem, and gives that.
func converge(t *testing.T, all []*machine) told {
	t.Helper()
	var seen []told
	require.Eventually(t, func() bool {
		seen = nil
		for _, m := range all {
			one, err := m.info()
			if err != nil {
				return false
			}
			seen = append(seen, one)
			if one != seen[0] || one.Problem != "" {
				return false
			}
		}
		return true
	}, time.Minute, 20*time.Millisecond, "%v", &seen)
	return seen[0]
}

// load asks every machine's service all the time, until it is ended: then no request may have failed.
func load(t *testing.T, all []*machine) (end func() int64) {
	t.Helper()
	var sent, failed atomic.Int64
	var first atomic.Pointer[error]
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	for _, m := range all {
		done.Go(func() {
			pace := time.NewTicker(5 * time.Millisecond)
			defer pace.Stop()
			for ctx.Err() == nil {
				sent.Add(1)
				if _, err := m.asks(); err != nil {
					failed.Add(1)
					first.CompareAndSwap(nil, &err)
				}
				<-pace.C
			}
		})
	}
	end = sync.OnceValue(func() int64 {
		cancel()
		done.Wait()
		if err := first.Load(); err != nil {
			assert.Zero(t, failed.Load(), "requests failed; the first: %v", *err)
		}
		return sent.Load()
	})
	t.Cleanup(func() { end() })
	return end
}

// TestManyWritersOnPostgres lets 50 writers deploy at once through 3 servers, each a process on a machine of its own.
func TestManyWritersOnPostgres(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	all := machines(t, p, p.URL(), 3)
	before := converge(t, all).Revision
	const writers, changes = 50, 2
	revisions := make(chan int64, writers*changes)
	var done sync.WaitGroup
	for i := range writers {
		done.Go(func() {
			for n := range changes {
				var revision int64
				var err error
				for range 20 { // where the machine has other work, a server may be the slowest again and again, and says so
					revision, err = all[i%3].deployFile(fmt.Sprintf("svc_%d_%d.star", i, n), "def handle(self):\n    pass\n")
					if err == nil || !strings.Contains(err.Error(), "other servers changed the catalog 20 times meanwhile; try again") {
						break
					}
				}
				if assert.NoError(t, err) {
					revisions <- revision
				}
			}
		})
	}
	done.Wait()
	close(revisions)
	seen := map[int64]bool{}
	for revision := range revisions {
		assert.False(t, seen[revision], "revision %d is of two changes", revision)
		seen[revision] = true
	}
	for revision := before + 1; revision <= before+writers*changes; revision++ {
		assert.True(t, seen[revision], "a gap at revision %d", revision)
	}
	after := converge(t, all)
	assert.Equal(t, before+writers*changes, after.Revision)
	for _, m := range all {
		var files []struct{ File string }
		require.NoError(t, json.Unmarshal([]byte(m.ok("services", "-o", "json")), &files))
		names := map[string]bool{}
		for _, f := range files {
			names[f.File] = true
		}
		assert.Len(t, names, writers*changes+1, "%s has every file", m.name)
	}
}
