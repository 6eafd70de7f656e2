package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
)

// slowly notes that a request has begun, and waits until it may end.
const slowly = `def handle(self):
    self.kvdb.conn.rpush("begun", self.request.payload["id"])
    self.kvdb.conn.blpop("go", 25)
    self.response.payload = {"id": self.request.payload["id"]}

service(name = "slowly", handle = handle)
`

const slowlyChannels = `channel_rest:
  - {name: Rates, service: slowly, url_path: "/rates/{id}", method: POST, idempotent: %s}
  - {name: Orders, service: slowly, url_path: "/orders/{id}", method: POST}
`

// What a server that is killed was working on is done by another one where its channel is idempotent, and is of unknown
// outcome where it is not.
func TestIdempotentChannelLosesNothingWithItsServer(t *testing.T) {
	for _, source := range []fixtures.Source{fixtures.Embedded, fixtures.Installed} {
		t.Run(string(source), func(t *testing.T) {
			if source == fixtures.Installed {
				needHAProxy(t)
			}
			c := fixtures.New(t, fixtures.Spec{Servers: 2, Balancer: fixtures.Part{Source: source}, Binary: newCLI(t).binary})
			s := slow{t: t, c: c}
			s.define("true")
			file, err := c.Put("slowly.star", []byte(slowly))
			require.NoError(t, err)
			_, err = c.Deploy(t.Context(), file)
			require.NoError(t, err)
			o, err := redis.ParseURL(c.KVDB())
			require.NoError(t, err)
			s.kvdb = redis.NewClient(o)
			t.Cleanup(func() { _ = s.kvdb.Close() })
			s.known("POST /rates/{id}")

			text, err := c.Parley(t.Context(), "haproxy", "render")
			if source == fixtures.Installed {
				require.NoError(t, err)
				assert.Contains(t, string(text), "-m reg '^/rates/[^/]+$' } { method 'POST' }")
			}
			codes, begun := s.kill("/rates/")
			assert.Equal(t, map[string]int{"200": 8}, codes, "another server did what the killed one had")
			assert.Equal(t, 12, begun, "of eight, the four that the killed one had begin twice")
			codes, begun = s.kill("/orders/")
			assert.Equal(t, map[string]int{"200": 4, "502 unknown": 4}, codes)
			assert.Equal(t, 8, begun, "none is sent twice")

			s.define("false")
			s.known()
			codes, begun = s.kill("/rates/")
			assert.Equal(t, map[string]int{"200": 4, "502 unknown": 4}, codes, "the catalog says otherwise now")
			assert.Equal(t, 8, begun)
		})
	}
}

// slow are requests to a slow service of a cluster.
type slow struct {
	t    *testing.T
	c    *fixtures.Cluster
	kvdb *redis.Client
}

func (s *slow) define(idempotent string) {
	file, err := s.c.Put("slowly.yaml", fmt.Appendf(nil, slowlyChannels, idempotent))
	require.NoError(s.t, err)
	require.NoError(s.t, s.c.Import(s.t.Context(), nil, file))
}

// known waits until the load-balancer knows which channels are idempotent.
func (s *slow) known(want ...string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		var status struct{ Idempotent []string }
		raw, err := s.c.Parley(s.t.Context(), "balancer", "-o", "json")
		return err == nil && json.Unmarshal(raw, &status) == nil && fmt.Sprint(status.Idempotent) == fmt.Sprint(want)
	}, time.Minute, 20*time.Millisecond)
}

// kill sends eight requests, kills the second server while it works on half of them, and starts it again. It counts the
// replies by their status, and how often the service began.
func (s *slow) kill(path string) (codes map[string]int, begun int) {
	s.t.Helper()
	ctx := s.t.Context()
	require.NoError(s.t, s.kvdb.Del(ctx, "begun").Err())
	const n = 8
	codes = map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			code := s.post(ctx, fmt.Sprintf("%s%s%d", s.c.Address(), path, i), fmt.Sprintf(`{"id": "%d"}`, i))
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	require.Eventually(s.t, func() bool { return s.kvdb.LLen(ctx, "begun").Val() == n }, time.Minute, time.Millisecond)
	require.NoError(s.t, s.c.Kill(ctx, 2))
	s.release(ctx, &all)
	begun = int(s.kvdb.LLen(ctx, "begun").Val())
	require.NoError(s.t, s.c.StartServer(ctx, 2))
	return codes, begun
}

// release lets the requests end, and waits until all have. Some words may go to what was killed: it says it until nobody waits.
func (s *slow) release(ctx context.Context, all *sync.WaitGroup) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		all.Wait()
	}()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-ended:
			assert.NoError(s.t, s.kvdb.Del(ctx, "go").Err())
			return
		case <-again.C:
			assert.NoError(s.t, s.kvdb.RPush(ctx, "go", "go").Err())
		}
	}
}

func (s *slow) post(ctx context.Context, url, body string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	_ = res.Body.Close()
	return strings.TrimSpace(fmt.Sprint(res.StatusCode, " ", res.Header.Get("X-Parley-Outcome")))
}

// The load-balancer of the page about containers is what the command makes.
func TestComposeHAProxyIsRendered(t *testing.T) {
	c := newCLI(t)
	page := filepath.Join("..", "..", "docs", "docker")
	kept, err := os.ReadFile(filepath.Join(page, "haproxy.cfg"))
	require.NoError(t, err)
	out, stderr, code := c.run("haproxy", "render", "--dir", page)
	require.Zero(t, code, stderr)
	assert.Equal(t, out, string(kept), "make it again: parley haproxy render --dir docs/docker --out docs/docker/haproxy.cfg")
}
