package kvdb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/service"
)

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

// call sends one command with a deadline.
func call(c outconn.Conn, within time.Duration, method string, args ...any) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return c.Call(ctx, method, args, nil)
}

// TestRedisGoesAway kills and pauses a server under commands, which all end within their deadline.
func TestRedisGoesAway(t *testing.T) {
	for _, row := range []struct {
		name       string
		spec       fixtures.RedisSpec
		take, give func(*fixtures.Redis) error
		code       service.Code
		says       string
	}{
		{
			name: "killed", take: (*fixtures.Redis).Kill, give: again, code: service.Upstream, says: "cannot be reached: connection refused",
		},
		{
			name: "killed, TLS and password", spec: fixtures.RedisSpec{TLS: true, ClientCertificates: true, User: "alice", Password: "s3cret"},
			take: (*fixtures.Redis).Kill, give: again, code: service.Upstream, says: "cannot be reached: connection refused",
		},
		{
			name: "stopped", take: (*fixtures.Redis).Stop, give: again, code: service.Upstream, says: "cannot be reached: connection refused",
		},
		{
			name: "paused", take: (*fixtures.Redis).Pause, give: (*fixtures.Redis).Continue, code: service.Timeout,
			says: "the caller's deadline passed while INCR was not answered",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := fixtures.StartRedis(t.Context(), row.spec)
			r = started(t, r, err)
			c := open(t, r.URL()+map[bool]string{true: "&", false: "?"}[row.spec.TLS]+"read_timeout=20s&dial_timeout=20s")
			const callers, deadline = 50, time.Second
			var fine, unknown atomic.Int64
			round := func(within time.Duration, check func(error, time.Duration)) {
				var all sync.WaitGroup
				for range callers {
					all.Go(func() {
						began := time.Now()
						_, err := call(c, within, "incr", "n")
						check(err, time.Since(began))
					})
				}
				all.Wait()
			}
			works := func() {
				round(20*time.Second, func(err error, _ time.Duration) {
					if assert.NoError(t, err) {
						fine.Add(1)
					}
				})
			}
			works()
			before := runtime.NumGoroutine()
			for range 3 {
				require.NoError(t, row.take(r))
				for range 2 {
					round(deadline, func(err error, took time.Duration) {
						if !assert.Error(t, err) {
							return
						}
						e := service.AsError(err)
						assert.Less(t, took, deadline+15*time.Second, "connections have 20 s")
						if e.Code == service.Timeout && strings.Contains(e.Message, "INCR") {
							unknown.Add(1)
							return // it may have been sent
						}
						assert.Equal(t, row.code, e.Code, e.Message)
						assert.Contains(t, e.Message, row.says)
						assert.Contains(t, e.Message, "KVDB at "+r.Address())
						assert.NotContains(t, e.Message, "s3cret")
					})
				}
				require.NoError(t, row.give(r))
				require.Eventually(t, func() bool {
					_, err := call(c, 10*time.Second, "get", "n")
					return err == nil
				}, time.Minute, 5*time.Millisecond)
				works()
			}
			require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+5 }, time.Minute, 20*time.Millisecond,
				"goroutines: %d before, %d after", before, runtime.NumGoroutine())
			got, err := call(c, 10*time.Second, "get", "n")
			require.NoError(t, err)
			var n int64
			_, err = fmt.Sscan(fmt.Sprint(got), &n)
			require.NoError(t, err)
			assert.GreaterOrEqual(t, n, fine.Load(), "none that was answered is lost")
			assert.LessOrEqual(t, n, fine.Load()+unknown.Load(), "none is counted twice")
		})
	}
}

func again(r *fixtures.Redis) error { return r.Start(context.Background()) }

// link is a way to a server that can lose what comes back, or everything.
type link struct {
	address string
	lose    atomic.Bool // the next answer is not delivered: the connection ends instead
	cut     atomic.Bool // nothing passes, and nobody is told
	conns   sync.Map
}

func newLink(t *testing.T, to string) *link {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &link{address: listener.Addr().String()}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			var d net.Dialer
			far, err := d.DialContext(context.Background(), "tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			l.conns.Store(near, far)
			all.Go(func() { l.pass(far, near, false) })
			all.Go(func() { l.pass(near, far, true) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		l.conns.Range(func(near, far any) bool {
			_, _ = near.(net.Conn).Close(), far.(net.Conn).Close()
			return true
		})
		all.Wait()
	})
	return l
}

func (l *link) pass(to, from net.Conn, back bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if back && l.lose.CompareAndSwap(true, false) {
			return
		}
		if n > 0 && !l.cut.Load() {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) || !l.cut.Load() {
				return
			}
		}
	}
}

// TestLostAnswerIsNotAskedForAgain loses the answers of writes: each was done, and is not done again.
func TestLostAnswerIsNotAskedForAgain(t *testing.T) {
	for _, row := range []struct{ name, url string }{{"one server", "redis://"}, {"cluster", "redis+cluster://"}} {
		t.Run(row.name, func(t *testing.T) {
			// A cluster of one is also a server; its node tells clients the link's address.
			k, err := fixtures.StartRedisCluster(t.Context(), fixtures.RedisClusterSpec{Masters: 1})
			k = started(t, k, err)
			l := newLink(t, k.Nodes()[0].Address())
			_, port, err := net.SplitHostPort(l.address)
			require.NoError(t, err)
			_, err = call(open(t, k.Nodes()[0].URL()), 10*time.Second, "config_set", "cluster-announce-port", port)
			require.NoError(t, err)

			c := open(t, row.url+l.address)
			for i := 1; i <= 10; i++ {
				_, err := call(c, 10*time.Second, "llen", "list") // there is a connection then
				require.NoError(t, err)
				l.lose.Store(true)
				_, err = call(c, 10*time.Second, "rpush", "list", "x")
				e := fault(t, err)
				assert.Equal(t, service.Upstream, e.Code)
				assert.Regexp(t, `^KVDB at .*`+l.address+`: RPUSH was not answered: `, e.Message)
				n, err := call(c, 10*time.Second, "llen", "list")
				require.NoError(t, err)
				require.Equal(t, int64(i), n, "pushed once")
			}
		})
	}
}

// TestCutLink loses everything that is sent, and nobody is told.
func TestCutLink(t *testing.T) {
	r, err := fixtures.StartRedis(t.Context(), fixtures.RedisSpec{})
	r = started(t, r, err)
	l := newLink(t, r.Address())
	c := open(t, "redis://"+l.address+"?read_timeout=200ms")
	require.Eventually(t, func() bool { // within that read_timeout
		_, err := call(c, 10*time.Second, "set", "k", "v")
		return err == nil
	}, time.Minute, 5*time.Millisecond)
	l.cut.Store(true)
	began := time.Now()
	_, err = call(c, time.Minute, "get", "k")
	e := fault(t, err)
	assert.Equal(t, service.Timeout, e.Code)
	assert.Equal(t, "KVDB at "+l.address+": GET was not answered within 200ms", e.Message)
	assert.Less(t, time.Since(began), 30*time.Second)
	_, err = call(c, 50*time.Millisecond, "get", "k")
	assert.Contains(t, fault(t, err).Message, "the caller's deadline passed while GET was not answered")
	l.cut.Store(false)
	require.Eventually(t, func() bool {
		v, err := call(c, 10*time.Second, "get", "k")
		return err == nil && v == "v"
	}, time.Minute, 5*time.Millisecond)
}

func TestRedisCluster(t *testing.T) {
	k, err := fixtures.StartRedisCluster(t.Context(), fixtures.RedisClusterSpec{RedisSpec: fixtures.RedisSpec{Password: "s3cret"}})
	k = started(t, k, err)
	c := open(t, k.URL())
	for _, row := range []struct {
		method string
		args   []any
		want   any
	}{
		{"set", list("a", "1"), "OK"},
		{"incr", list("a"), int64(2)},
		{"mset", list(object("{x}a", "1", "{x}b", "2")), "OK"},
		{"mget", list("{x}a", "{x}b"), list("1", "2")},
		{"delete", list("{x}a", "{x}b"), int64(2)},
		{"rpush", list("list", "A", "B", "C"), int64(3)},
		{"blpop", list("list", int64(1)), list("list", "A")},
		{"blmpop", list(int64(1), int64(1), "list", "LEFT"), list("list", list("B"))},
		{"blpop", list("none", 0.05), nil},
		{"lrange", list("list", int64(0), int64(-1)), list("C")},
		{"hset", list("h", object("f", "v")), int64(1)},
		{"hgetall", list("h"), object("f", "v")},
		{"zadd", list("z", object("m", 1.5)), int64(1)},
		{"zrange", list("z", int64(0), int64(-1), "WITHSCORES"), list(list("m", 1.5))},
		{"eval", list("return redis.call('incrby', KEYS[1], ARGV[1])", int64(1), "n", int64(7)), int64(7)},
		{"object_encoding", list("n"), "int"},
		{"xadd", list("stream", "1-1", "f", "v"), "1-1"},
		{"xread", list("BLOCK", int64(100), "STREAMS", "stream", "0"), list(list("stream", list(list("1-1", list("f", "v")))))},
		{"publish", list("news", "hello"), int64(0)},
		{"ping", nil, "PONG"},
		{"expire", list("a", int64(100)), int64(1)},
	} {
		got, err := c.Call(t.Context(), row.method, row.args, nil)
		require.NoError(t, err, row.method)
		assert.Equal(t, row.want, got, row.method)
	}
	for i := range 200 { // each may land on any node, whichever was asked first
		key := fmt.Sprint("key", i)
		_, err := c.Call(t.Context(), "blpop", list(key, 0.001), nil)
		require.NoError(t, err, key)
		if i == 2 {
			break
		}
	}
	for _, row := range []struct {
		method string
		args   []any
		says   string
		fix    string
	}{
		{"mget", list("a", "b"), "KVDB: mget: CROSSSLOT", "give them the same tag in braces, such as {customer:1}:name"},
		{"eval", list("return 1", int64(2), "a", "b"), "KVDB: eval: CROSSSLOT", "give them the same tag in braces"},
		{"blpop", list("a", "b", 0.01), "KVDB: blpop: CROSSSLOT", "give them the same tag in braces"},
		{"keys", list("*"), "KVDB: keys: it is not available in a Redis Cluster: it knows the keys of one node alone", ""},
		{"dbsize", nil, "KVDB: dbsize: it is not available in a Redis Cluster", ""},
		{"flushall", nil, "KVDB: flushall: it is not available in a Redis Cluster", ""},
		{"evalsha", list("abc", int64(0)), "scripts are loaded into one node alone; use eval", ""},
		{"script_load", list("return 1"), "scripts are loaded into one node alone; use eval", ""},
		{"config_get", list("maxmemory"), "it is about one node alone; use redis-cli", ""},
		{"multi", nil, "use eval for several at once", ""},
	} {
		_, err := c.Call(t.Context(), row.method, row.args, nil)
		e := fault(t, err)
		assert.Equal(t, service.Internal, e.Code, row.method)
		assert.Contains(t, e.Message, row.says)
		assert.Contains(t, e.Fix, row.fix)
	}
	text, err := c.Ping(t.Context())
	require.NoError(t, err)
	assert.Contains(t, text, "PING the cluster of "+k.Nodes()[0].Address())

	require.NoError(t, k.Nodes()[1].Kill())
	var away, down int
	for i := range 60 {
		_, err := call(c, 10*time.Second, "get", fmt.Sprint("key", i))
		if err == nil {
			continue
		}
		switch e := fault(t, err); e.Code {
		case service.Upstream:
			away++
			assert.Contains(t, e.Message, "cannot be reached: "+k.Nodes()[1].Address()+": connection refused")
		default: // the others have seen it
			down++
			assert.Equal(t, service.Unavailable, e.Code, e.Message)
			assert.Contains(t, e.Message, "CLUSTERDOWN")
		}
		assert.NotContains(t, err.Error(), "s3cret")
	}
	assert.Positive(t, away+down)
	require.NoError(t, k.Nodes()[1].Start(t.Context()))
	require.Eventually(t, func() bool {
		for i := range 60 {
			if _, err := call(c, 10*time.Second, "get", fmt.Sprint("key", i)); err != nil {
				return false
			}
		}
		return true
	}, time.Minute, 50*time.Millisecond)
}

// TestFailoverUnderLoad kills the primary while writers write, and says how long none could.
func TestFailoverUnderLoad(t *testing.T) {
	const downAfter = 500 * time.Millisecond
	for _, row := range []struct {
		name string
		take func(*fixtures.Redis) error
	}{{"killed", (*fixtures.Redis).Kill}, {"paused", (*fixtures.Redis).Pause}} {
		t.Run(row.name, func(t *testing.T) {
			s, err := fixtures.StartRedisSentinel(t.Context(), fixtures.SentinelSpec{DownAfter: downAfter})
			s = started(t, s, err)
			c := open(t, s.URL())
			primary, err := s.Primary(t.Context())
			require.NoError(t, err)

			var mu sync.Mutex
			var last, first time.Time // answered before the kill, and after
			var taken time.Time
			var longest time.Duration
			failed := map[int]int{} // by status
			stop := make(chan struct{})
			var writers sync.WaitGroup
			for range 10 {
				writers.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						began := time.Now()
						_, err := call(c, time.Second, "incr", "n")
						mu.Lock()
						longest = max(longest, time.Since(began))
						switch {
						case err != nil:
							failed[service.AsError(err).HTTPStatus()]++
						case taken.IsZero() || began.Before(taken):
							last = time.Now()
						case first.IsZero():
							first = time.Now()
						}
						mu.Unlock()
					}
				})
			}
			require.Eventually(t, func() bool {
				mu.Lock()
				defer mu.Unlock()
				return !last.IsZero()
			}, time.Minute, time.Millisecond)
			require.NoError(t, row.take(primary))
			mu.Lock()
			taken = time.Now()
			mu.Unlock()
			var promoted time.Time
			require.Eventually(t, func() bool {
				now, err := s.Primary(t.Context())
				if err == nil && now != primary && promoted.IsZero() {
					promoted = time.Now()
				}
				mu.Lock()
				defer mu.Unlock()
				return !first.IsZero() && !promoted.IsZero()
			}, time.Minute, 5*time.Millisecond)
			close(stop)
			writers.Wait()
			t.Logf("down-after %s: the first write succeeded %s after the primary was %s: the sentinels named another %s after it, and the write came %s after that; longest call %s; failed: %v",
				downAfter, first.Sub(taken).Round(time.Millisecond), row.name, promoted.Sub(taken).Round(time.Millisecond), first.Sub(promoted).Round(time.Millisecond), longest.Round(time.Millisecond), failed)
			assert.Less(t, first.Sub(promoted), time.Second+19*time.Second, "1 s, and 19 s for a busy machine")
			assert.Less(t, longest, 20*time.Second, "each call ends within its deadline of 1 s, and 19 s for a busy machine")
		})
	}
}
