package kvdb_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/freeport"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/outconn/kvdb"
	"github.com/parley-run/parley/runtime/service"
)

func TestMain(m *testing.M) {
	kvdb.Quiet()
	os.Exit(m.Run())
}

func open(t testing.TB, url string) outconn.Conn {
	t.Helper()
	k := kvdb.Kind()
	cfg, err := k.Parse(fmt.Appendf(nil, `{"url":%q}`, url))
	require.NoError(t, err)
	c, err := k.New(cfg, outconn.Deps{Name: "default", Names: service.ParleyNames(), Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
	return c
}

// eachRedis runs a test against miniredis and, where it is installed, redis-server.
func eachRedis(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("miniredis", func(t *testing.T) { test(t, miniredis.RunT(t).Addr()) })
	t.Run("redis-server", func(t *testing.T) { test(t, redisServer(t)) })
}

func redisServer(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		why := "redis-server is not installed: " + err.Error()
		if slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "redis") {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	address, err := freeport.Address(context.Background())
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	cmd := exec.CommandContext(context.Background(), path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		var d net.Dialer
		c, err := d.DialContext(context.Background(), "tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, time.Minute, 5*time.Millisecond)
	return address
}

func object(pairs ...any) *service.Object { return service.ObjectOf(pairs...) }

func list(elems ...any) []any { return append([]any{}, elems...) }

func fault(t testing.TB, err error) *service.Error {
	t.Helper()
	var e *service.Error
	require.ErrorAs(t, err, &e)
	return e
}

func TestCheck(t *testing.T) {
	for url, says := range map[string]string{
		"":                              "expected redis://host:6379/0",
		"127.0.0.1:6379":                "expected redis://host:6379/0",
		"http://h:1":                    `unknown scheme "http"`,
		"redis://":                      "the host is missing",
		"redis://u:secret@h:1/x":        `database "x": expected a number`,
		"redis://:secret@h:1/0?nonse=1": `unknown option "nonse"`,
		"redis://:secret@h:x":           `port "x" of host "h"`,
	} {
		_, err := kvdb.Kind().Parse(fmt.Appendf(nil, `{"url":%q}`, url))
		var faults kind.Faults
		require.ErrorAs(t, err, &faults, url)
		assert.Equal(t, "url", faults[0].Path)
		assert.Contains(t, err.Error(), says)
		assert.NotContains(t, err.Error(), "secret")
	}
	for _, url := range []string{"redis://h:1", "redis://h:1/3", "rediss://u:p@h:1/0", "redis+sentinel://h:1,i:2/main", "redis+cluster://h:1,i:2"} {
		_, err := kvdb.Kind().Parse(fmt.Appendf(nil, `{"url":%q}`, url))
		require.NoError(t, err)
	}
}

func TestCommands(t *testing.T) {
	type call struct {
		method string
		args   []any
		kwargs map[string]any
		want   any
	}
	yes := func(names ...string) map[string]any {
		m := map[string]any{}
		for _, n := range names {
			m[n] = true
		}
		return m
	}
	calls := []call{
		{"lrange", list("none", int64(0), int64(-1)), nil, list()},
		{"rpush", list("l", "A", "B", int64(3), 1.5), nil, int64(4)},
		{"LRANGE", list("l", int64(0), int64(-1)), nil, list("A", "B", "3", "1.5")},
		{"lpush", list("l2", list("x", "y")), nil, int64(2)},
		{"llen", list("l"), nil, int64(4)},
		{"get", list("none"), nil, nil},
		{"set", list("k", "v"), nil, "OK"},
		{"get", list("k"), nil, "v"},
		{"set", list("k", "w"), yes("nx"), nil},
		{"set", list("k", "w"), map[string]any{"ex": int64(100), "xx": true, "px": nil, "nx": false}, "OK"},
		{"ttl", list("k"), nil, int64(100)},
		{"exists", list("k", "none"), nil, int64(1)},
		{"mget", list(list("k", "none")), nil, list("w", nil)},
		{"mset", list(object("m1", "a", "m2", int64(2))), nil, "OK"},
		{"incr", list("m2"), nil, int64(3)},
		{"incrbyfloat", list("m2", 0.5), nil, 3.5},
		{"hset", list("h", "a", int64(1)), nil, int64(1)},
		{"hset", list("h"), map[string]any{"mapping": object("b", "2", "c", 0.5)}, int64(2)},
		{"hget", list("h", "b"), nil, "2"},
		{"hgetall", list("h"), nil, object("a", "1", "b", "2", "c", "0.5")},
		{"hgetall", list("none"), nil, object()},
		{"sadd", list("s", "one"), nil, int64(1)},
		{"smembers", list("s"), nil, list("one")},
		{"sismember", list("s", "one"), nil, int64(1)},
		{"zadd", list("z", object("a", int64(1), "b", 2.5)), nil, int64(2)},
		{"zadd", list("z", object("a", int64(9))), yes("nx"), int64(0)},
		{"zadd", list("z", object("a", int64(2))), yes("incr"), 3.0},
		{"zscore", list("z", "b"), nil, 2.5},
		{"zscore", list("z", "none"), nil, nil},
		{"zrange", list("z", int64(0), int64(-1)), nil, list("b", "a")},
		{"zrange", list("z", int64(0), int64(-1)), yes("withscores"), list(list("b", 2.5), list("a", 3.0))},
		{"zrevrange", list("z", int64(0), int64(-1), "WITHSCORES"), nil, list(list("a", 3.0), list("b", 2.5))},
		{"zpopmin", list("z"), nil, list(list("b", 2.5))},
		{"delete", list("k", "none"), nil, int64(1)},
		{"type_", list("l"), nil, "list"},
		{"eval", list("return {1, 'a', {KEYS[1]}}", int64(1), "k"), nil, list(int64(1), "a", list("k"))},
		{"blpop", list("l", int64(1)), nil, list("l", "A")},
		{"dbsize", nil, nil, int64(7)},
		{"ping", nil, nil, "PONG"},
	}
	eachRedis(t, func(t *testing.T, address string) {
		c := open(t, "redis://"+address+"/0")
		for i, row := range calls {
			got, err := c.Call(context.Background(), row.method, row.args, row.kwargs)
			require.NoError(t, err, "%d %s", i, row.method)
			assert.Equal(t, row.want, got, "%d %s", i, row.method)
		}
		text, err := c.Ping(context.Background())
		require.NoError(t, err)
		assert.Contains(t, text, "PING "+address+"\nAnswer: PONG\nResponse time: ")
		other := open(t, "redis://"+address+"/1")
		n, err := other.Call(context.Background(), "dbsize", nil, nil)
		require.NoError(t, err)
		assert.Equal(t, int64(0), n, "another database")
	})
}

func TestConfigGet(t *testing.T) {
	c := open(t, "redis://"+redisServer(t)+"/0")
	for _, args := range [][]any{{"config_get", "maxmemory"}, {"config", "get", "maxmemory"}} {
		got, err := c.Call(context.Background(), args[0].(string), args[1:], nil)
		require.NoError(t, err)
		assert.Equal(t, object("maxmemory", "0"), got)
	}
}

func TestMistakes(t *testing.T) {
	eachRedis(t, func(t *testing.T, address string) {
		c := open(t, "redis://"+address)
		_, err := c.Call(context.Background(), "set", list("k", "v"), nil)
		require.NoError(t, err)
		for _, row := range []struct {
			name, method string
			args         []any
			kwargs       map[string]any
			says         string
		}{
			{"unknown command", "lrang", list("k"), nil, "KVDB: lrang: ERR unknown command"},
			{"wrong type", "lrange", list("k", int64(0), int64(1)), nil, "KVDB: lrange: WRONGTYPE"},
			{"too few", "get", nil, nil, "KVDB: get: ERR wrong number of arguments"},
			{"bool", "set", list("k", true), nil, "argument 2 is True or False; Redis keeps text and numbers"},
			{"none", "set", list("k", nil), nil, "argument 2 is None"},
			{"dict", "set", list("k", object()), nil, "argument 2 is a dict; encode it with json.encode"},
			{"dict in dict", "hset", list("k", object("a", object())), nil, "a is a dict"},
			{"dict in list", "rpush", list("k", list(object())), nil, "argument 2 holds a dict"},
			{"named", "set", list("k", "v"), map[string]any{"nxx": true}, `unknown named argument "nxx"`},
			{"flag", "set", list("k", "v"), map[string]any{"nx": "yes"}, "nx is True or False, not text"},
			{"option", "set", list("k", "v"), map[string]any{"ex": list("a", "b")}, "ex is text or a number, not a list"},
			{"select", "select", list(int64(1)), nil, "it would change a connection that others share"},
			{"multi", "multi", nil, nil, "use eval"},
			{"subscribe", "subscribe", list("x"), nil, "never end"},
			{"client reply", "client", list("reply", "off"), nil, "it would change a connection"},
			{"client_reply", "client_reply", list("off"), nil, "it would change a connection"},
		} {
			t.Run(row.name, func(t *testing.T) {
				_, err := c.Call(context.Background(), row.method, row.args, row.kwargs)
				e := fault(t, err)
				assert.Equal(t, service.Internal, e.Code)
				assert.Contains(t, e.Message, row.says)
			})
		}
	})
}

func TestOutage(t *testing.T) {
	m := miniredis.NewMiniRedis()
	require.NoError(t, m.Start())
	address := m.Addr()
	c := open(t, "redis://:secret@"+address)
	m.RequireAuth("secret")
	for range 3 {
		_, err := c.Call(context.Background(), "rpush", list("k", "v"), nil)
		require.NoError(t, err)
		m.Close()
		for range 30 { // more often than there are connections
			began := time.Now()
			_, err = c.Call(context.Background(), "rpush", list("k", "v"), nil)
			e := fault(t, err)
			require.Equal(t, service.Upstream, e.Code)
			require.Less(t, time.Since(began), 20*time.Second)
			require.NotContains(t, e.Message, "secret")
		}
		require.ErrorContains(t, err, "KVDB at "+address+" cannot be reached: connection refused")
		_, err = c.Ping(context.Background())
		require.ErrorContains(t, err, "cannot be reached: connection refused")
		require.NoError(t, m.Restart())
		require.Eventually(t, func() bool {
			_, err := c.Call(context.Background(), "get", list("x"), nil)
			return err == nil
		}, time.Minute, 10*time.Millisecond)
	}
	got, err := c.Call(context.Background(), "llen", list("k"), nil)
	require.NoError(t, err)
	assert.Equal(t, int64(3), got, "nothing twice")
	m.Close()
}

func TestWrongPassword(t *testing.T) {
	m := miniredis.RunT(t)
	m.RequireAuth("right")
	_, err := open(t, "redis://:wrong@"+m.Addr()).Call(context.Background(), "get", list("k"), nil)
	assert.Equal(t, service.Upstream, fault(t, err).Code)
	require.ErrorContains(t, err, "WRONGPASS")
}

// silent accepts connections and answers nothing after the handshake, or closes them.
func silent(t *testing.T, hangUp bool) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if hangUp {
				_ = c.Close()
				continue
			}
			group.Go(func() {
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func TestDeadlines(t *testing.T) {
	eachRedis(t, func(t *testing.T, address string) {
		c := open(t, "redis://"+address)
		for _, row := range []struct {
			name, says string
			ctx        func() (context.Context, context.CancelFunc)
		}{
			{"deadline", "the caller's deadline passed while BLPOP was not answered", func() (context.Context, context.CancelFunc) {
				return context.WithTimeout(context.Background(), 50*time.Millisecond)
			}},
			{"cancelled", "the caller went away while BLPOP was not answered", func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(context.Background())
				time.AfterFunc(50*time.Millisecond, cancel)
				return ctx, cancel
			}},
		} {
			t.Run(row.name, func(t *testing.T) {
				ctx, cancel := row.ctx()
				defer cancel()
				_, err := c.Call(ctx, "blpop", list("nothing", int64(0)), nil)
				e := fault(t, err)
				assert.Equal(t, service.Timeout, e.Code)
				assert.Contains(t, e.Message, row.says)
			})
		}
		t.Run("what comes after a wait that was given up is kept", func(t *testing.T) {
			_, err := c.Call(context.Background(), "rpush", list("nothing", "kept"), nil)
			require.NoError(t, err)
			assert.Eventually(t, func() bool {
				n, err := c.Call(context.Background(), "llen", list("nothing"), nil)
				return err == nil && n == int64(1)
			}, time.Minute, 5*time.Millisecond)
		})
		t.Run("longer than other commands may take", func(t *testing.T) {
			began := time.Now()
			got, err := c.Call(context.Background(), "blpop", list("none", int64(4)), nil)
			require.NoError(t, err)
			assert.Nil(t, got)
			assert.Greater(t, time.Since(began), 3500*time.Millisecond)
		})
	})
	t.Run("silence", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		_, err := open(t, "redis://"+silent(t, false)).Call(ctx, "get", list("k"), nil)
		assert.Equal(t, service.Timeout, fault(t, err).Code)
	})
	t.Run("hangs up", func(t *testing.T) {
		_, err := open(t, "redis://"+silent(t, true)).Call(context.Background(), "get", list("k"), nil)
		assert.Equal(t, service.Upstream, fault(t, err).Code)
	})
}

// BenchmarkLRange compares the tutorial's look-up with go-redis's own typed call.
func BenchmarkLRange(b *testing.B) {
	m := miniredis.NewMiniRedis()
	require.NoError(b, m.Start())
	defer m.Close()
	const key = "myapp:fraud-detection:cust-type"
	_, err := m.Push(key, "A", "B", "C")
	require.NoError(b, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	b.Run("go-redis", func(b *testing.B) {
		client := redis.NewClient(&redis.Options{Addr: m.Addr(), Protocol: 2, PoolSize: 20, ContextTimeoutEnabled: true, DisableIdentity: true})
		defer func() { _ = client.Close() }()
		b.ReportAllocs()
		for b.Loop() {
			if v, err := client.LRange(ctx, key, 0, -1).Result(); err != nil || len(v) != 3 {
				b.Fatal(v, err)
			}
		}
	})
	b.Run("outconn", func(b *testing.B) {
		c := open(b, "redis://"+m.Addr())
		b.ReportAllocs()
		for b.Loop() {
			v, err := c.Call(ctx, "lrange", []any{key, int64(0), int64(-1)}, nil)
			if err != nil || len(v.([]any)) != 3 {
				b.Fatal(v, err)
			}
		}
	})
}
