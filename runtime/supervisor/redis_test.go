package supervisor_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/locked"
	"github.com/parley-run/parley/runtime/supervisor"
)

func startRedis(t testing.TB, path string) (*supervisor.Redis, *redis.Client) {
	t.Helper()
	r, err := supervisor.StartRedis("127.0.0.1:0", path, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return r, connect(t, r.Addr())
}

func connect(t testing.TB, address string) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: address, DisableIdentity: true})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// onDB is a client of another database.
func onDB(t testing.TB, r *supervisor.Redis, db int) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: r.Addr(), DB: db, DisableIdentity: true})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestRedisKeepsEveryType(t *testing.T) {
	path := filepath.Join(t.TempDir(), "redis.json")
	r, c := startRedis(t, path)
	ctx := context.Background()
	binary := string([]byte{0, 0xff, 0xfe, '"', '\n', 0x80})
	require.NoError(t, c.Set(ctx, "text", "O'Brien <ż>", 0).Err())
	require.NoError(t, c.Set(ctx, "empty", "", 0).Err())
	require.NoError(t, c.Set(ctx, binary, binary, 0).Err())
	require.NoError(t, c.RPush(ctx, "list", "a", binary, "a", "").Err())
	require.NoError(t, c.SAdd(ctx, "set", "a", binary).Err())
	require.NoError(t, c.HSet(ctx, "hash", "f", "1", binary, binary).Err())
	require.NoError(t, c.ZAdd(ctx, "zset", redis.Z{Score: 0.1, Member: "x"}, redis.Z{Score: math.Inf(1), Member: binary}, redis.Z{Score: 1e300, Member: "y"}).Err())
	require.NoError(t, c.GeoAdd(ctx, "geo", &redis.GeoLocation{Name: "Pisa", Longitude: 10.4, Latitude: 43.7}).Err())
	require.NoError(t, c.XAdd(ctx, &redis.XAddArgs{Stream: "stream", ID: "1-1", Values: []string{"k", binary}}).Err())
	require.NoError(t, c.XAdd(ctx, &redis.XAddArgs{Stream: "stream", ID: "2-1", Values: []string{"k", "v"}}).Err())
	require.NoError(t, c.XGroupCreate(ctx, "stream", "readers", "0").Err())
	require.NoError(t, c.XGroupCreateMkStream(ctx, "bare", "readers", "$").Err())
	require.NoError(t, c.XGroupCreateConsumer(ctx, "stream", "readers", "idle").Err())
	require.NoError(t, c.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "readers", Consumer: "one", Streams: []string{"stream", ">"}, Count: 1}).Err())
	require.NoError(t, onDB(t, r, 15).Set(ctx, "far", "away", 0).Err())
	require.NoError(t, r.Close())

	r, c = startRedis(t, path)
	defer func() { require.NoError(t, r.Close()) }()
	assert.Equal(t, "O'Brien <ż>", c.Get(ctx, "text").Val())
	assert.Equal(t, int64(1), c.Exists(ctx, "empty").Val())
	assert.Equal(t, binary, c.Get(ctx, binary).Val())
	assert.Equal(t, []string{"a", binary, "a", ""}, c.LRange(ctx, "list", 0, -1).Val())
	assert.ElementsMatch(t, []string{"a", binary}, c.SMembers(ctx, "set").Val())
	assert.Equal(t, map[string]string{"f": "1", binary: binary}, c.HGetAll(ctx, "hash").Val())
	assert.Equal(t, []redis.Z{{Score: 0.1, Member: "x"}, {Score: 1e300, Member: "y"}, {Score: math.Inf(1), Member: binary}},
		c.ZRangeWithScores(ctx, "zset", 0, -1).Val())
	assert.InDelta(t, 10.4, c.GeoPos(ctx, "geo", "Pisa").Val()[0].Longitude, 0.001)
	assert.Equal(t, []redis.XMessage{{ID: "1-1", Values: map[string]any{"k": binary}}, {ID: "2-1", Values: map[string]any{"k": "v"}}},
		c.XRange(ctx, "stream", "-", "+").Val())
	pending := c.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: "stream", Group: "readers", Start: "-", End: "+", Count: 10}).Val()
	require.Len(t, pending, 1)
	assert.Equal(t, "1-1 one 1", fmt.Sprint(pending[0].ID, " ", pending[0].Consumer, " ", pending[0].RetryCount))
	assert.Len(t, c.XInfoConsumers(ctx, "stream", "readers").Val(), 2)
	next := c.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "readers", Consumer: "one", Streams: []string{"stream", ">"}}).Val()
	require.Len(t, next, 1)
	assert.Equal(t, "2-1", next[0].Messages[0].ID, "the group goes on where it was")
	assert.Len(t, c.XInfoGroups(ctx, "bare").Val(), 1)
	assert.Equal(t, "away", onDB(t, r, 15).Get(ctx, "far").Val())
	require.ErrorContains(t, c.Do(ctx, "SELECT", "16").Err(), "out of range")

	got := make(chan []string, 1)
	go func() { got <- c.BLPop(ctx, time.Minute, "later").Val() }()
	require.NoError(t, connect(t, r.Addr()).RPush(ctx, "later", "v").Err())
	assert.Equal(t, []string{"later", "v"}, <-got, "commands that block still block after a restart")
}

func TestRedisKeepsTimesOfExpiry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "redis.json")
	r, c := startRedis(t, path)
	ctx := context.Background()
	require.NoError(t, c.Set(ctx, "hour", "v", time.Hour).Err())
	require.NoError(t, c.Set(ctx, "soon", "v", 60*time.Millisecond).Err())
	require.NoError(t, c.HSet(ctx, "hash", "hour", "v", "soon", "v", "ever", "v").Err())
	require.NoError(t, c.HExpire(ctx, "hash", time.Hour, "hour").Err())
	require.NoError(t, r.Close())
	saved := time.Now()
	require.Eventually(t, func() bool { return time.Since(saved) > 100*time.Millisecond }, time.Minute, 10*time.Millisecond)

	r, c = startRedis(t, path)
	defer func() { require.NoError(t, r.Close()) }()
	assert.InDelta(t, time.Hour.Seconds(), c.TTL(ctx, "hour").Val().Seconds(), 30)
	assert.Zero(t, c.Exists(ctx, "soon").Val(), "it expired while nobody ran")
	assert.InDelta(t, 3600, c.HTTL(ctx, "hash", "hour").Val()[0], 30)
	assert.Equal(t, int64(-1), c.HTTL(ctx, "hash", "ever").Val()[0])
}

func TestRedisKeysExpire(t *testing.T) {
	r, c := startRedis(t, filepath.Join(t.TempDir(), "redis.json"))
	defer func() { require.NoError(t, r.Close()) }()
	ctx := context.Background()
	start := time.Now()
	require.NoError(t, c.Set(ctx, "lock", "v", 400*time.Millisecond).Err())
	require.NoError(t, c.Set(ctx, "stays", "v", 0).Err())
	require.Eventually(t, func() bool { return c.Exists(ctx, "lock").Val() == 0 }, time.Minute, 5*time.Millisecond)
	assert.GreaterOrEqual(t, time.Since(start), 380*time.Millisecond)
	assert.Equal(t, int64(1), c.Exists(ctx, "stays").Val())
}

func TestRedisScriptsTransactionsAndPubSub(t *testing.T) {
	path := filepath.Join(t.TempDir(), "redis.json")
	r, c := startRedis(t, path)
	ctx := context.Background()
	sub := c.Subscribe(ctx, "news")
	defer func() { _ = sub.Close() }()
	_, err := sub.Receive(ctx)
	require.NoError(t, err)
	require.NoError(t, c.Publish(ctx, "news", "hello").Err())
	assert.Equal(t, "hello", (<-sub.Channel()).Payload)

	require.NoError(t, c.Eval(ctx, `redis.call("SET", KEYS[1], ARGV[1]) return redis.call("INCR", KEYS[2])`, []string{"a", "n"}, "1").Err())
	require.ErrorContains(t, c.Eval(ctx, `return redis.call("BLPOP", "none", 0)`, nil).Err(), "not allowed")
	_, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "b", "2", 0)
		p.RPush(ctx, "l", "x")
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, r.Close())
	r, c = startRedis(t, path)
	defer func() { require.NoError(t, r.Close()) }()
	assert.Equal(t, []any{"1", "1", "2"}, c.MGet(ctx, "a", "n", "b").Val())
	assert.Equal(t, int64(1), c.LLen(ctx, "l").Val())
}

func TestRedisSavesTransactionsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "redis.json")
	r, c := startRedis(t, path)
	ctx := context.Background()
	for i := range 3000 {
		require.NoError(t, c.Set(ctx, fmt.Sprint("m", i), "", 0).Err())
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			assert.NoError(t, c.MSet(ctx, "a", i, "z", i).Err())
		}
	})
	value := regexp.MustCompile(`"key":"[az]","type":"string","value":"(\d+)"`)
	differ, before := 0, ""
	for range 5 {
		var values [][]string
		require.Eventually(t, func() bool {
			raw, err := os.ReadFile(path)
			same := string(raw) == before
			before, values = string(raw), value.FindAllStringSubmatch(string(raw), -1)
			return err == nil && !same && len(values) == 2
		}, time.Minute, 20*time.Millisecond)
		if values[0][1] != values[1][1] {
			differ++
		}
	}
	close(stop)
	wg.Wait()
	require.NoError(t, r.Close())
	assert.Zero(t, differ, "a save shows one moment")
}

func TestRedisRefusesAFileThatItCannotRead(t *testing.T) {
	for name, content := range map[string]string{"torn": `{"format":1,"datab`, "later": `{"format":2}`, "type": `{"format":1,"databases":[{"db":0,"keys":[{"key":"a","type":"tree"}]}]}`} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "redis.json")
			require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			_, err := supervisor.StartRedis("127.0.0.1:0", path, slog.New(slog.DiscardHandler))
			require.ErrorContains(t, err, path)
		})
	}
}

// TestMain makes the test binary play other programs, where the environment says so.
func TestMain(m *testing.M) {
	switch os.Getenv("SUPERVISOR_TEST_ROLE") {
	case "redis":
		playRedis(os.Getenv("SUPERVISOR_TEST_FILE"))
	case "server":
		playServer()
	case "supervisor":
		playSupervisor()
	default:
		os.Exit(m.Run())
	}
}

func playRedis(path string) {
	r, err := supervisor.StartRedis("127.0.0.1:0", path, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Addr())
	select {}
}

// TestRedisKilledLosesNothingOlderThanASecond: where the machine has other work it is a second and what that adds, by the
// process's own log of its saves and by how late this one is.
func TestRedisKilledLosesNothingOlderThanASecond(t *testing.T) {
	path := filepath.Join(t.TempDir(), "redis.json")
	ctx := context.Background()
	written := 0
	for range 3 {
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Env = append(os.Environ(), "SUPERVISOR_TEST_ROLE=redis", "SUPERVISOR_TEST_FILE="+path)
		var log locked.Buffer
		cmd.Stderr = &log
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		line, err := bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err)
		c := connect(t, strings.TrimSpace(line))

		n, err := c.LLen(ctx, "writes").Result()
		require.NoError(t, err)
		assert.GreaterOrEqual(t, n, int64(written), "what was a second old is there")
		stop := make(chan struct{})
		var mu sync.Mutex
		times := []time.Time{}
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := n; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if c.RPush(ctx, "writes", i).Err() != nil {
					return
				}
				mu.Lock()
				times = append(times, time.Now())
				mu.Unlock()
			}
		})
		start, looked, late := time.Now(), time.Now(), time.Duration(0)
		old := time.Second
		ticks := time.NewTicker(7 * time.Millisecond)
		for time.Since(start) < old+500*time.Millisecond && time.Since(start) < time.Minute {
			<-ticks.C
			late = max(late, time.Since(looked)-20*time.Millisecond)
			looked = time.Now()
			old = time.Second + 2*late + 2*slowestSave(t, log.String())
		}
		ticks.Stop()
		require.NoError(t, cmd.Process.Kill())
		killed := time.Now()
		close(stop)
		wg.Wait()
		_ = cmd.Wait()
		written = int(n)
		for _, at := range times {
			if killed.Sub(at) > old {
				written++
			}
		}
		require.Greater(t, written, int(n))
		t.Logf("older than %s: %d of %d", old, written-int(n), len(times))
	}
	r, c := startRedis(t, path)
	defer func() { require.NoError(t, r.Close()) }()
	list := c.LRange(ctx, "writes", 0, -1).Val()
	require.GreaterOrEqual(t, len(list), written)
	for i, v := range list {
		require.Equal(t, strconv.Itoa(i), v, "in order, with no gap")
	}
}

// slowestSave is what the slowest save took, by a log: only those of more than half a second are in it.
func slowestSave(t *testing.T, log string) (slowest time.Duration) {
	t.Helper()
	for _, m := range regexp.MustCompile(`slow to save" ms=(\d+)`).FindAllStringSubmatch(log, -1) {
		ms, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		slowest = max(slowest, time.Duration(ms)*time.Millisecond)
	}
	return slowest
}

// BenchmarkRedisSave measures what a write takes while 10,000 keys are saved again and again.
func BenchmarkRedisSave(b *testing.B) {
	for _, keys := range []int{10, 10_000} {
		b.Run(strconv.Itoa(keys), func(b *testing.B) {
			r, c := startRedis(b, filepath.Join(b.TempDir(), "redis.json"))
			defer func() { require.NoError(b, r.Close()) }()
			ctx := context.Background()
			for i := range keys {
				require.NoError(b, c.Set(ctx, fmt.Sprint("key:", i), "0123456789abcdef0123456789abcdef", 0).Err())
			}
			var worst time.Duration
			over := 0
			for b.Loop() {
				start := time.Now()
				require.NoError(b, c.Incr(ctx, "n").Err())
				took := time.Since(start)
				worst = max(worst, took)
				if took > 5*time.Millisecond {
					over++
				}
			}
			b.ReportMetric(float64(worst.Microseconds()), "worst-µs")
			b.ReportMetric(100*float64(over)/float64(b.N), "%over5ms")
		})
	}
}
