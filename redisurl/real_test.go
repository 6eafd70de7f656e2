package redisurl_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/redisurl"
)

func TestMain(m *testing.M) {
	logging.Disable()
	os.Exit(m.Run())
}

type closer interface{ Close() error }

// started fails the test on err, or skips it where Redis is not installed, and closes what was started at its end.
func started[C closer](t testing.TB, c C, err error) C {
	t.Helper()
	if errors.Is(err, fixtures.ErrNoRedis) && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "redis") {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func open(t testing.TB, text string) *redisurl.Client {
	t.Helper()
	target, err := redisurl.Parse(text)
	require.NoError(t, err)
	c, err := target.Open()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// changed is a URL with one part of it replaced.
func changed(t testing.TB, text, old, replacement string) string {
	t.Helper()
	require.Contains(t, text, old)
	return strings.Replace(text, old, replacement, 1)
}

func TestOneServer(t *testing.T) {
	for name, spec := range map[string]fixtures.RedisSpec{
		"open":                    {},
		"password":                {Password: "open ses@me/?#%:"},
		"user":                    {User: "alice", Password: "s3cret"},
		"TLS":                     {TLS: true},
		"TLS, certificate, user":  {TLS: true, ClientCertificates: true, User: "alice", Password: "s3cret"},
		"TLS, password, any name": {TLS: true, Password: "s3cret"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := fixtures.StartRedis(t.Context(), spec)
			r = started(t, r, err)
			c := open(t, r.URL())
			require.NoError(t, c.Set(t.Context(), "k", "v", 0).Err())
			require.NoError(t, r.Kill())
			err = c.Get(t.Context(), "k").Err()
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "s3cret")
			require.NoError(t, r.Start(t.Context()))
			require.NoError(t, c.Get(t.Context(), "k").Err(), "the first command after its return: none is lost on an old connection")
			if spec.Password != "" {
				u, err := url.Parse(r.URL())
				require.NoError(t, err)
				u.User = url.UserPassword(spec.User, "wrong")
				err = open(t, u.String()).Get(t.Context(), "k").Err()
				require.ErrorContains(t, err, "WRONGPASS")
				assert.NotContains(t, err.Error(), "wrong")
			}
		})
	}
}

func TestTLSRefuses(t *testing.T) {
	r, err := fixtures.StartRedis(t.Context(), fixtures.RedisSpec{TLS: true, ClientCertificates: true})
	r = started(t, r, err)
	u, err := url.Parse(r.URL())
	require.NoError(t, err)
	with := func(change func(url.Values)) string {
		q := u.Query()
		change(q)
		other := *u
		other.RawQuery = q.Encode()
		return other.String()
	}
	for _, row := range []struct{ name, url, says string }{
		{"an authority that nobody knows", with(func(q url.Values) { q.Del("ca") }), "certificate signed by unknown authority"},
		{"another name", with(func(q url.Values) { q.Set("server_name", "elsewhere") }), "certificate is valid for localhost, not elsewhere"},
		{"no certificate of the client's", with(func(q url.Values) { q.Del("cert"); q.Del("key") }), "certificate required|reset by peer"}, // the server may hang up first
		{"no TLS", "redis://" + r.Address(), "connection"},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := open(t, row.url).Ping(t.Context()).Err()
			require.Error(t, err)
			assert.Regexp(t, row.says, redisurl.Reason(err))
		})
	}
	insecure := with(func(q url.Values) { q.Del("ca"); q.Set("insecure", "true") })
	require.NoError(t, open(t, insecure).Ping(t.Context()).Err())
	named := with(func(q url.Values) { q.Set("server_name", "localhost") })
	require.NoError(t, open(t, named).Ping(t.Context()).Err())
}

func TestUnixSocket(t *testing.T) {
	target, err := redisurl.Parse("unix:///no/such.sock")
	require.NoError(t, err)
	c, err := target.Open()
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	err = c.Ping(t.Context()).Err()
	var away *redisurl.Unreachable
	require.ErrorAs(t, err, &away)
	assert.Equal(t, "no such file or directory", away.Why)
}

func TestSentinel(t *testing.T) {
	for name, spec := range map[string]fixtures.SentinelSpec{
		"open":                    {},
		"passwords and a user":    {RedisSpec: fixtures.RedisSpec{User: "alice", Password: "s3cret"}, SentinelPassword: "other s3cret"},
		"TLS, certificates, user": {RedisSpec: fixtures.RedisSpec{TLS: true, ClientCertificates: true, Password: "s3cret"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := fixtures.StartRedisSentinel(t.Context(), spec)
			s = started(t, s, err)
			c := open(t, s.URL())
			require.NoError(t, c.Set(t.Context(), "k", "v", 0).Err())

			err = open(t, changed(t, s.URL(), "/mymaster/", "/another/")).Get(t.Context(), "none").Err()
			var away *redisurl.Unreachable
			require.ErrorAs(t, err, &away)
			assert.Equal(t, `the sentinels know no primary of the name "another"`, away.Why)

			failover(t, s, c, (*fixtures.Redis).Kill)
		})
	}
}

// TestNothingIsLeft opens clients, uses them while their servers are there and while they are not, and closes them.
func TestNothingIsLeft(t *testing.T) {
	s, err := fixtures.StartRedisSentinel(t.Context(), fixtures.SentinelSpec{Replicas: 1, Sentinels: 1})
	s = started(t, s, err)
	k, err := fixtures.StartRedisCluster(t.Context(), fixtures.RedisClusterSpec{})
	k = started(t, k, err)
	all := slices.Concat(s.Servers(), s.Sentinels(), k.Nodes())
	one, err := s.Primary(t.Context())
	require.NoError(t, err)
	before := runtime.NumGoroutine()
	for _, text := range []string{s.URL(), k.URL(), one.URL()} {
		target, err := redisurl.Parse(text)
		require.NoError(t, err)
		c, err := target.Open()
		require.NoError(t, err)
		require.Eventually(t, func() bool { return c.Set(t.Context(), "k", "v", 0).Err() == nil }, time.Minute, 50*time.Millisecond)
		for _, r := range all {
			require.NoError(t, r.Kill())
		}
		for range 30 {
			require.Error(t, c.Set(t.Context(), "k", "v", 0).Err())
		}
		for _, r := range all {
			require.NoError(t, r.Start(t.Context()))
		}
		require.Eventually(t, func() bool { return c.Get(t.Context(), "k").Err() == nil }, time.Minute, 50*time.Millisecond)
		require.NoError(t, c.Close())
		require.ErrorIs(t, c.Get(t.Context(), "k").Err(), redis.ErrClosed)
	}
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, time.Minute, 20*time.Millisecond, // one runs this
		"more than %d goroutines", before)
}

// failover takes the primary away and gives how long it took until the first write behind it.
func failover(t *testing.T, s *fixtures.RedisSentinel, c *redisurl.Client, take func(*fixtures.Redis) error) time.Duration {
	t.Helper()
	primary, err := s.Primary(t.Context())
	require.NoError(t, err)
	require.NoError(t, c.Set(t.Context(), "k", "before", 0).Err())
	require.NoError(t, c.Do(t.Context(), "WAIT", 1, 2000).Err())
	began := time.Now()
	require.NoError(t, take(primary))
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return c.Set(ctx, "k", "after", 0).Err() == nil
	}, time.Minute, 5*time.Millisecond)
	took := time.Since(began)
	now, err := s.Primary(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, primary.Address(), now.Address())
	return took
}

// TestSentinelAndPrimaryGoTogether is the loss of a machine: its primary and one sentinel are silent, and their
// connections stay open.
func TestSentinelAndPrimaryGoTogether(t *testing.T) {
	s, err := fixtures.StartRedisSentinel(t.Context(), fixtures.SentinelSpec{})
	s = started(t, s, err)
	c := open(t, s.URL())
	took := failover(t, s, c, func(r *fixtures.Redis) error {
		return errors.Join(s.Sentinels()[0].Pause(), r.Pause())
	})
	t.Logf("a write 500 ms of silence and a failover later: %s after the pause", took)
	assert.Less(t, took, 30*time.Second)
	require.NoError(t, s.Sentinels()[0].Kill())
	require.NoError(t, s.Sentinels()[1].Kill())
	require.NoError(t, s.Sentinels()[2].Kill())
	require.NoError(t, c.Get(t.Context(), "k").Err(), "without sentinels what is connected goes on")
	err = open(t, s.URL()).Get(t.Context(), "k").Err()
	var away *redisurl.Unreachable
	require.ErrorAs(t, err, &away)
	assert.Contains(t, away.Why, "no sentinel names the primary: ")
	assert.Contains(t, away.Why, s.Sentinels()[1].Address()+": connection refused")
}

func TestCluster(t *testing.T) {
	for name, spec := range map[string]fixtures.RedisClusterSpec{
		"open":          {},
		"TLS, password": {RedisSpec: fixtures.RedisSpec{TLS: true, Password: "s3cret"}},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := fixtures.StartRedisCluster(t.Context(), spec)
			k = started(t, k, err)
			c := open(t, k.URL())
			for i := range 100 { // of all nodes
				require.NoError(t, c.Set(t.Context(), string(rune('a'+i)), i, 0).Err())
			}
			used := 0
			for _, node := range k.Nodes() {
				n, err := open(t, node.URL()).Do(t.Context(), "DBSIZE").Int64()
				require.NoError(t, err)
				if n > 0 {
					used++
				}
			}
			assert.Equal(t, 3, used, "nodes that hold a key")
			require.ErrorContains(t, c.Do(t.Context(), "MGET", "a", "b").Err(), "CROSSSLOT")
			require.NoError(t, c.Do(t.Context(), "MSET", "{x}a", 1, "{x}b", 2).Err())

			require.NoError(t, k.Nodes()[0].Kill())
			require.NoError(t, k.Nodes()[1].Kill())
			require.NoError(t, k.Nodes()[2].Kill())
			err = open(t, k.URL()).Get(t.Context(), "a").Err()
			var away *redisurl.Unreachable
			require.ErrorAs(t, err, &away)
			assert.Contains(t, away.Why, ": connection refused")
		})
	}
}
