package main_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
)

type closer interface{ Close() error }

// startedRedis fails the test on err, or skips it where Redis is not installed, and closes what was started at its end.
func startedRedis[C closer](t testing.TB, c C, err error) C {
	t.Helper()
	if errors.Is(err, fixtures.ErrNoRedis) && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "redis") {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// onRedis is a cluster of the command as the code is now, with a service that uses the KVDB and one that does not.
func onRedis(t *testing.T, servers int, url string) (*cli, *fixtures.Cluster) {
	t.Helper()
	c := newCLI(t)
	cluster := fixtures.New(t, fixtures.Spec{Servers: servers, Binary: c.binary, Redis: fixtures.Part{URL: url}})
	c.dir = cluster.Dir()
	_, err := cluster.Deploy(t.Context(),
		c.file("counts.star", "def handle(self):\n    self.response.payload = {'n': self.kvdb.conn.incr('n')}\n"),
		c.file("free.star", "def handle(self):\n    self.response.payload = {'ok': 1}\n"))
	require.NoError(t, err)
	require.NoError(t, cluster.Import(t.Context(), nil, c.file("channels.yaml", `
channel_rest:
  - {name: counts, service: counts, url_path: /counts, data_format: json, timeout: 2s}
  - {name: counts at leisure, service: counts, url_path: /leisure, data_format: json, timeout: 30s}
  - {name: free, service: free, url_path: /free, data_format: json, timeout: 30s}
`)))
	return c, cluster
}

// TestRedisOutage takes the Redis of a cluster away under load: who uses it is told why, all else goes on.
func TestRedisOutage(t *testing.T) {
	for _, row := range []struct {
		name       string
		spec       fixtures.RedisSpec
		take, give func(*fixtures.Redis) error
		status     int
		says       string
		why        string
	}{
		{
			"killed",
			fixtures.RedisSpec{User: "alice", Password: "s3cret", TLS: true},
			(*fixtures.Redis).Kill, func(r *fixtures.Redis) error { return r.Start(t.Context()) },
			http.StatusBadGateway, "cannot be reached: connection refused", "connection refused",
		},
		{
			"paused",
			fixtures.RedisSpec{User: "alice", Password: "s3cret"},
			(*fixtures.Redis).Pause, (*fixtures.Redis).Continue,
			http.StatusGatewayTimeout, "the caller's deadline passed while INCR was not answered", ".* within 1s",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := fixtures.StartRedis(t.Context(), row.spec)
			r = startedRedis(t, r, err)
			c, cluster := onRedis(t, 3, r.URL())
			code, body := post(t, cluster.Address()+"/leisure", "{}")
			require.Equal(t, http.StatusOK, code, body)

			stop := hammer(t, cluster.Address()+"/free")
			require.NoError(t, row.take(r))
			for range 4 {
				began := time.Now()
				code, body := post(t, cluster.Address()+"/counts", "{}")
				if code == http.StatusGatewayTimeout && row.status != code {
					continue // it was on its way
				}
				assert.Equal(t, row.status, code, body)
				assert.Contains(t, body, "KVDB at "+r.Address())
				assert.Contains(t, body, row.says)
				assert.NotContains(t, body, "s3cret")
				assert.Less(t, time.Since(began), 2*time.Second+18*time.Second, "2 s, and 18 s for a busy machine")
			}
			waitKVDB(t, cluster, 3, row.why)
			stdout, _, _ := c.run("status")
			assert.Contains(t, stdout, "://alice:xxxxx@"+r.Address())
			assert.Regexp(t, "  server1 cannot use the KVDB: "+row.why+"\n", stdout)
			for n := range 3 {
				code, body := post(t, cluster.ServerAddress(n+1)+"/parley/ready", "")
				assert.Equal(t, http.StatusOK, code, "it stays ready")
				assert.Contains(t, body, "the KVDB is away: services that use it fail, all else goes on")
			}
			_, stderr, code := c.run("ping", "kvdb")
			assert.Equal(t, 1, code)
			assert.Contains(t, stderr, "KVDB at "+r.Address())

			t.Run("a deploy is followed by polling", func(t *testing.T) {
				for i := range 3 {
					began := time.Now()
					_, err := cluster.Deploy(t.Context(), c.file("late.star", fmt.Sprintf("def handle(self):\n    self.response.payload = %d\n", i)))
					require.NoError(t, err)
					took := time.Since(began)
					t.Logf("deploy %d seen by all 3 servers after %s", i, took.Round(time.Millisecond))
					assert.Less(t, took, 3*time.Second+17*time.Second, "3 s, and 17 s for a busy machine")
				}
			})

			require.NoError(t, row.give(r))
			waitKVDB(t, cluster, 3, "")
			code, body = post(t, cluster.Address()+"/leisure", "{}")
			assert.Equal(t, http.StatusOK, code, body)
			count, slowest := stop()
			t.Logf("%d answers of a service that does not use it, the slowest after %s", count, slowest.Round(time.Millisecond))
			began := time.Now()
			_, err = cluster.Deploy(t.Context(), c.file("late.star", "def handle(self):\n    self.response.payload = 9\n"))
			require.NoError(t, err)
			t.Logf("deploy seen by all after the outage: %s", time.Since(began).Round(time.Millisecond))

			for n := range 3 {
				var text string
				require.EventuallyWithT(t, func(t *assert.CollectT) { // lines are written ten times a second
					raw, err := os.ReadFile(filepath.Join(cluster.Dir(), "logs", fmt.Sprintf("server%d.log", n+1)))
					require.NoError(t, err)
					text = string(raw)
					assert.Equal(t, 1, strings.Count(text, "KVDB is away"))
					assert.Equal(t, 1, strings.Count(text, "KVDB answers again"))
				}, time.Minute, 50*time.Millisecond)
				assert.LessOrEqual(t, strings.Count(text, "hints are not sent"), 1)
				assert.NotContains(t, text, "s3cret")
				for line := range strings.Lines(text) {
					if strings.Contains(line, "redis: ") || strings.Contains(line, "sentinel: ") {
						t.Errorf("a line of go-redis's own: %s", line)
					}
				}
			}
		})
	}
}

// TestStartsWithoutRedis starts servers before their Redis.
func TestStartsWithoutRedis(t *testing.T) {
	r, err := fixtures.StartRedis(t.Context(), fixtures.RedisSpec{})
	r = startedRedis(t, r, err)
	require.NoError(t, r.Stop())
	_, cluster := onRedis(t, 2, r.URL())
	code, body := post(t, cluster.Address()+"/free", "{}")
	assert.Equal(t, http.StatusOK, code, body)
	code, body = post(t, cluster.Address()+"/counts", "{}")
	assert.Equal(t, http.StatusBadGateway, code, body)
	require.NoError(t, r.Start(t.Context()))
	waitKVDB(t, cluster, 2, "")
	code, body = post(t, cluster.Address()+"/leisure", "{}")
	assert.Equal(t, http.StatusOK, code, body)
}

// waitKVDB waits until the first servers say why they cannot use the KVDB, or "" that they can.
func waitKVDB(t *testing.T, cluster *fixtures.Cluster, servers int, why string) {
	t.Helper()
	ctx := t.Context()
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		status, err := cluster.Status(ctx)
		require.NoError(t, err)
		for _, s := range status.Servers[:servers] {
			assert.Regexp(t, "^"+why+"$", s.KVDB, s.Name)
		}
	}, time.Minute, 50*time.Millisecond)
}

// hammer calls url 200 times a second until stop, which says how many answers there were and how slow the slowest was. Each
// must be 200.
func hammer(t *testing.T, url string) (stop func() (int64, time.Duration)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var count, slowest atomic.Int64
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			ticks := time.NewTicker(20 * time.Millisecond)
			defer ticks.Stop()
			for ctx.Err() == nil {
				<-ticks.C
				began := time.Now()
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
				if !assert.NoError(t, err) {
					return
				}
				res, err := http.DefaultClient.Do(req)
				if ctx.Err() != nil {
					return
				}
				if !assert.NoError(t, err) {
					return
				}
				_ = res.Body.Close()
				assert.Equal(t, http.StatusOK, res.StatusCode)
				count.Add(1)
				slowest.Store(max(slowest.Load(), int64(time.Since(began))))
			}
		})
	}
	end := func() (int64, time.Duration) {
		cancel()
		load.Wait()
		return count.Load(), time.Duration(slowest.Load())
	}
	t.Cleanup(func() { _, _ = end() })
	return end
}

// TestRedisFailover kills the primary of a cluster's Redis under load: services write again soon after the sentinels have
// another.
func TestRedisFailover(t *testing.T) {
	s, err := fixtures.StartRedisSentinel(t.Context(), fixtures.SentinelSpec{
		RedisSpec: fixtures.RedisSpec{Password: "s3cret"}, SentinelPassword: "oth3r",
	})
	s = startedRedis(t, s, err)
	c, cluster := onRedis(t, 2, s.URL())
	code, body := post(t, cluster.Address()+"/leisure", "{}")
	require.Equal(t, http.StatusOK, code, body)
	primary, err := s.Primary(t.Context())
	require.NoError(t, err)
	stop := hammer(t, cluster.Address()+"/free")
	require.NoError(t, primary.Kill())
	killed := time.Now()
	var promoted, served time.Time
	codes := map[int]int{}
	require.Eventually(t, func() bool {
		if now, err := s.Primary(t.Context()); promoted.IsZero() && err == nil && now != primary {
			promoted = time.Now()
		}
		code, body := post(t, cluster.Address()+"/counts", "{}")
		codes[code]++
		assert.NotContains(t, body, "s3cret")
		if code == http.StatusOK && served.IsZero() {
			served = time.Now()
		}
		return !served.IsZero() && !promoted.IsZero()
	}, time.Minute, 5*time.Millisecond)
	count, slowest := stop()
	t.Logf("primary killed; another one after %s, a service wrote again %s after that; answers meanwhile: %v; %d answers without the KVDB, the slowest after %s",
		promoted.Sub(killed).Round(time.Millisecond), served.Sub(promoted).Round(time.Millisecond), codes, count, slowest.Round(time.Millisecond))
	assert.Less(t, served.Sub(promoted), time.Second+19*time.Second, "1 s, and 19 s for a busy machine")

	waitKVDB(t, cluster, 2, "")
	began := time.Now()
	_, err = cluster.Deploy(t.Context(), c.file("late.star", "def handle(self):\n    self.response.payload = 1\n"))
	require.NoError(t, err)
	t.Logf("a deploy after the failover, seen by both: %s", time.Since(began).Round(time.Millisecond))
	stdout, _, _ := c.run("status")
	assert.Contains(t, stdout, "redis+sentinel://:xxxxx@")
	assert.Contains(t, stdout, "sentinel_password=xxxxx")
	stdout, _, _ = c.run("--output", "json", "status")
	assert.NotContains(t, stdout, "s3cret")
	assert.NotContains(t, stdout, "oth3r")
}

// TestParleyOnARedisCluster is a cluster of servers on a cluster of Redis: services, hints and the command.
func TestParleyOnARedisCluster(t *testing.T) {
	k, err := fixtures.StartRedisCluster(t.Context(), fixtures.RedisClusterSpec{RedisSpec: fixtures.RedisSpec{Password: "s3cret"}})
	k = startedRedis(t, k, err)
	c, cluster := onRedis(t, 3, k.URL())
	for i := range 3 {
		code, body := post(t, cluster.Address()+"/leisure", "{}")
		require.Equal(t, http.StatusOK, code, body)
		assert.JSONEq(t, fmt.Sprintf(`{"n":%d}`, i+1), body)
	}
	stdout, stderr, code := c.run("ping", "kvdb")
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "PING the cluster of "+k.Nodes()[0].Address())
	var slowest time.Duration
	for i := range 5 {
		began := time.Now()
		_, err := cluster.Deploy(t.Context(), c.file("late.star", fmt.Sprintf("def handle(self):\n    self.response.payload = %d\n", i)))
		require.NoError(t, err)
		slowest = max(slowest, time.Since(began))
	}
	t.Logf("5 deploys, each seen by all 3 servers; the slowest after %s", slowest.Round(time.Millisecond))
	require.NoError(t, k.Nodes()[2].Kill())
	waitKVDB(t, cluster, 3, ".+")
	require.NoError(t, k.Nodes()[2].Start(t.Context()))
	waitKVDB(t, cluster, 3, "")
}
