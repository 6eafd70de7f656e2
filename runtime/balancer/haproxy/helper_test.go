package haproxy_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/backend"
	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/balancer/haproxy"
)

const patience = time.Minute

// installed is the HAProxy of this machine; where there is none, the test is skipped.
func installed(t testing.TB) haproxy.Program {
	t.Helper()
	p, err := haproxy.Find(context.Background(), "")
	if err != nil && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "haproxy") {
		t.Skip(err)
	}
	require.NoError(t, err)
	return p
}

// front is an HAProxy over backends named server1, server2, ...
type front struct {
	*haproxy.Runner
	t     testing.TB
	url   string
	dir   string
	ended chan error
}

func newFront(t testing.TB, change func(*haproxy.Options), backends ...*backend.Backend) *front {
	t.Helper()
	installed(t)
	f, l := prepareFront(t, change, backends...)
	require.NoError(t, f.Prepare(context.Background()))
	ctx, cancel := context.WithCancel(context.Background())
	go func() { f.ended <- f.Run(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-f.ended:
			require.NoError(t, err)
		case <-time.After(patience):
			require.Fail(t, "HAProxy does not stop")
		}
	})
	require.NoError(t, f.SetWeight(context.Background(), "server1", 100)) // waits until it runs
	for i := range backends {
		f.waitState("server"+strconv.Itoa(i+1), balancer.Up)
	}
	return f
}

func prepareFront(t testing.TB, change func(*haproxy.Options), backends ...*backend.Backend) (*front, net.Listener) {
	t.Helper()
	o := haproxy.Options{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Config: haproxy.Config{Cluster: "test"}}
	o.LogFile = filepath.Join(o.Dir, "haproxy.log")
	for i, be := range backends {
		o.Config.Servers = append(o.Config.Servers, haproxy.Server{Name: "server" + strconv.Itoa(i+1), Address: be.Address, Weight: 100})
	}
	if change != nil {
		change(&o)
	}
	r, err := haproxy.NewRunner(o)
	require.NoError(t, err)
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = l.Close()
		if t.Failed() {
			raw, _ := os.ReadFile(o.LogFile)
			t.Logf("%s", raw)
		}
	})
	return &front{Runner: r, t: t, url: "http://" + l.Addr().String(), dir: o.Dir, ended: make(chan error, 1)}, l
}

func (f *front) state(name string) balancer.Status {
	all, _, err := f.Read(context.Background())
	if err != nil {
		return balancer.Status{}
	}
	for _, s := range all {
		if s.Name == name {
			return s
		}
	}
	return balancer.Status{}
}

func (f *front) waitState(name, want string) {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return f.state(name).State == want }, patience, 2*time.Millisecond, "%s is not %s", name, want)
}

type answer struct {
	status int
	header http.Header
	body   string
}

func do(t testing.TB, client *http.Client, method, url, body string, header ...string) answer {
	t.Helper()
	a, err := try(client, method, url, body, header...)
	require.NoError(t, err)
	return a
}

func try(client *http.Client, method, url, body string, header ...string) (answer, error) {
	var src io.Reader
	if body != "" {
		src = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, url, src)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(raw)}, err
}

func newClient(t testing.TB) *http.Client {
	c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	t.Cleanup(c.CloseIdleConnections)
	return c
}
