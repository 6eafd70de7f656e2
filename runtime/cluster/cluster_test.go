package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/locked"
	"github.com/parley-run/parley/runtime/cluster"
	"github.com/parley-run/parley/runtime/database"
)

// ground is what the servers of a test share: the database, and the number that stands for the catalog.
type ground struct {
	open  func(ctx context.Context) (*cluster.Table, error)
	raw   func(ctx context.Context) (*database.DB, error) // behind the package's back
	store atomic.Int64
}

// newGround makes a ground with an empty database.
type newGround func(t testing.TB) *ground

func onFile(t testing.TB) *ground {
	t.Helper()
	path := filepath.Join(t.TempDir(), "servers.db")
	return &ground{
		open: func(ctx context.Context) (*cluster.Table, error) { return cluster.OpenSQLite(ctx, path) },
		raw: func(ctx context.Context) (*database.DB, error) {
			return database.OpenFile(ctx, path, database.Options{Tables: []string{"servers"}})
		},
	}
}

func (g *ground) table(t testing.TB) *cluster.Table {
	t.Helper()
	table, err := g.open(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	return table
}

func (g *ground) exec(t testing.TB, query string) {
	t.Helper()
	db, err := g.raw(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), query)
	require.NoError(t, err)
}

// testTable holds the table to its contract, whatever the database.
func testTable(t *testing.T, fresh newGround) {
	t.Helper()
	for _, row := range []struct {
		name string
		test func(*testing.T, newGround)
	}{
		{"servers tell of themselves", testServersTellOfThemselves},
		{"servers follow by polling", testServersFollowByPolling},
		{"servers follow by hints", testServersFollowByHints},
		{"waiting names those that lag", testWaitForNamesThoseThatLag},
		{"waiting tells new faults from old ones", testWaitForTellsNewFaultsFromOldOnes},
		{"who does not count", testWhoDoesNotCount},
		{"waiting for nobody", testWaitForNobody},
		{"a later process keeps its row", testALaterProcessKeepsItsRow},
		{"hints that lie change nothing", testHintsThatLie},
	} {
		t.Run(row.name, func(t *testing.T) { row.test(t, fresh) })
	}
}

func TestOnSQLite(t *testing.T) { testTable(t, onFile) }

// server is a fake server: its catalog is a number.
type server struct {
	*cluster.Membership
	table  *cluster.Table
	ground *ground
	stop   func() // a planned stop; returns when it is over
	serves atomic.Int64
	faults []cluster.Fault
	mu     sync.Mutex
	broken error
}

func (s *server) follow(context.Context) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return false, s.broken
	}
	newest := s.ground.store.Load()
	return s.serves.Swap(newest) != newest, nil
}

func (s *server) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
}

// change is a change that begins on s.
func (s *server) change(ctx context.Context) int64 {
	revision := s.ground.store.Add(1)
	s.serves.Store(revision)
	s.Announce(ctx)
	return revision
}

type option func(*cluster.Config, *server)

func (g *ground) server(t testing.TB, name string, options ...option) *server {
	t.Helper()
	s := &server{table: g.table(t), ground: g}
	c := cluster.Config{
		Name: name, Address: "127.0.0.1:1", Admin: "127.0.0.1:2", Table: s.table, Follow: s.follow, Log: slog.New(slog.DiscardHandler),
		State: func() cluster.State {
			return cluster.State{Revision: s.serves.Load(), Hash: "hash", Quarantined: s.faults}
		},
	}
	for _, o := range options {
		o(&c, s)
	}
	s.Membership = cluster.New(c)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { assert.NoError(t, s.Run(ctx)) })
	s.stop = func() { cancel(); done.Wait() }
	t.Cleanup(s.stop)
	require.Eventually(t, func() bool { return s.find(t, name) != nil }, time.Minute, time.Millisecond)
	return s
}

// find is the row of the server of that name, or nil.
func (s *server) find(t testing.TB, name string) *cluster.Member {
	t.Helper()
	members, err := s.table.Members(t.Context())
	require.NoError(t, err)
	for i := range members {
		if members[i].Name == name {
			return &members[i]
		}
	}
	return nil
}

func quarantined(faults ...cluster.Fault) option {
	return func(_ *cluster.Config, s *server) { s.faults = faults }
}

func withRedis(t testing.TB, address string) option {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address, MaxRetries: -1, DialTimeout: time.Second})
	t.Cleanup(func() { _ = client.Close() }) // its sockets may be gone already
	return func(c *cluster.Config, _ *server) { c.Hints = cluster.NewRedisHints(client, "test", c.Log) }
}

func names(results []cluster.Result) []string {
	var out []string
	for _, r := range results {
		out = append(out, r.Server)
	}
	return out
}

func testServersTellOfThemselves(t *testing.T, fresh newGround) {
	g := fresh(t)
	fault := cluster.Fault{Object: "k broken", Error: "no such thing", Since: 3}
	a := g.server(t, "server1", quarantined(fault))
	b := g.server(t, "server2")
	m := b.find(t, "server1")
	assert.Equal(t, "127.0.0.1:1", m.Address)
	assert.Equal(t, "127.0.0.1:2", m.Admin)
	assert.Positive(t, m.PID)
	assert.Equal(t, "hash", m.Hash)
	assert.Equal(t, []cluster.Fault{fault}, m.Quarantined)
	assert.True(t, m.Counts)
	assert.WithinDuration(t, time.Now(), m.SeenAt, 30*time.Second)
	assert.EqualValues(t, 1, a.change(t.Context()))
	assert.EqualValues(t, 1, b.find(t, "server1").Revision, "the row is written when Announce returns")
}

func testServersFollowByPolling(t *testing.T, fresh newGround) {
	g := fresh(t)
	a, b := g.server(t, "server1"), g.server(t, "server2")
	start := time.Now()
	revision := a.change(t.Context())
	results, err := a.table.WaitFor(t.Context(), revision)
	require.NoError(t, err)
	require.Equal(t, []string{"server1", "server2"}, names(results))
	for _, r := range results {
		assert.True(t, r.OK, r.Server)
		assert.Empty(t, r.Error)
		assert.Equal(t, revision, r.Revision)
	}
	assert.Less(t, time.Since(start), 9*time.Second)
	assert.Equal(t, revision, b.serves.Load())
}

func testServersFollowByHints(t *testing.T, fresh newGround) {
	g := fresh(t)
	redis := miniredis.RunT(t)
	a, b := g.server(t, "server1", withRedis(t, redis.Addr())), g.server(t, "server2", withRedis(t, redis.Addr()))
	require.Eventually(t, func() bool { return redis.PubSubNumSub("parley:test:revision")["parley:test:revision"] == 2 }, time.Minute, time.Millisecond)
	followFast(t, a, b)
}

// followFast lets servers follow one another, faster than by polling each second. Where the machine has other work it tries again.
func followFast(t *testing.T, servers ...*server) {
	t.Helper()
	const changes, each, tries = 20, 300 * time.Millisecond, 5
	var took time.Duration
	for range tries {
		start := time.Now()
		for i := range changes {
			who := servers[i%len(servers)]
			results, err := who.table.WaitFor(t.Context(), who.change(t.Context()))
			require.NoError(t, err)
			require.Len(t, results, len(servers))
		}
		if took = time.Since(start); took < changes*each {
			return
		}
	}
	assert.Failf(t, "no faster than by polling each second", "%d changes took %s", changes, took)
}

func TestHintsOutliveAnOutageOfRedis(t *testing.T) {
	redisServer := miniredis.NewMiniRedis()
	require.NoError(t, redisServer.Start())
	address := redisServer.Addr()
	redisServer.Close()
	client := redis.NewClient(&redis.Options{Addr: address, MaxRetries: -1, DialTimeout: time.Second})
	defer func() { _ = client.Close() }()
	hints := cluster.NewRedisHints(client, "test", slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	got := hints.Subscribe(ctx)
	require.Error(t, hints.Publish(ctx, 1), "Redis is down")

	arrives := func(revision int64) {
		t.Helper()
		require.Eventually(t, func() bool {
			if err := hints.Publish(ctx, revision); err != nil {
				return false
			}
			select {
			case r := <-got:
				return r == revision
			case <-time.After(20 * time.Millisecond):
				return false
			}
		}, time.Minute, 10*time.Millisecond)
	}
	require.NoError(t, redisServer.StartAddr(address))
	arrives(2)
	redisServer.Close()
	require.Error(t, hints.Publish(ctx, 3))
	require.NoError(t, redisServer.StartAddr(address))
	defer redisServer.Close()
	arrives(4)
	require.NoError(t, client.Publish(ctx, "parley:test:revision", "nonsense").Err())
	require.NoError(t, client.Publish(ctx, "parley:other:revision", "77").Err())
	arrives(5)
	cancel()
	require.Eventually(t, func() bool { _, open := <-got; return !open }, time.Minute, time.Millisecond)
}

func TestAnnounceDoesNotWaitForRedis(t *testing.T) {
	g := onFile(t)
	silent := miniredis.NewMiniRedis()
	require.NoError(t, silent.Start())
	address := silent.Addr()
	silent.Close()
	a := g.server(t, "server1", withRedis(t, address))
	start := time.Now()
	for range 50 {
		a.change(t.Context())
	}
	assert.Less(t, time.Since(start), 30*time.Second)
	assert.EqualValues(t, 50, a.find(t, "server1").Revision)
}

func testWaitForNamesThoseThatLag(t *testing.T, fresh newGround) {
	g := fresh(t)
	a, b := g.server(t, "server1"), g.server(t, "server2")
	b.fail(errors.New("its disk is full"))
	require.Eventually(t, func() bool { return a.find(t, "server2").Problem != "" }, time.Minute, 5*time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	revision := a.change(t.Context())
	results, err := a.table.WaitFor(ctx, revision)
	require.NoError(t, err)
	require.Len(t, results, 2)
	assert.True(t, results[0].OK)
	assert.False(t, results[1].OK)
	assert.Equal(t, "lagging: it is at revision 0, not yet at 1: its disk is full", results[1].Error)

	b.fail(nil)
	results, err = a.table.WaitFor(t.Context(), revision)
	require.NoError(t, err)
	assert.True(t, results[1].OK)
	assert.Empty(t, results[1].Error)
}

func testWaitForTellsNewFaultsFromOldOnes(t *testing.T, fresh newGround) {
	for _, row := range []struct {
		name string
		ok   bool
	}{{"of an earlier change", true}, {"of this change", false}} {
		t.Run(row.name, func(t *testing.T) {
			g := fresh(t)
			since := int64(1)
			if row.ok {
				since = 0
			}
			a := g.server(t, "server1", quarantined(cluster.Fault{Object: "k broken", Error: "why", Since: since}))
			results, err := a.table.WaitFor(t.Context(), a.change(t.Context()))
			require.NoError(t, err)
			require.Len(t, results, 1)
			assert.Equal(t, row.ok, results[0].OK)
			assert.Equal(t, "quarantined: k broken: why", results[0].Error)
		})
	}
}

func testWhoDoesNotCount(t *testing.T, fresh newGround) {
	for _, row := range []struct {
		name string
		gone func(*testing.T, *ground, *server)
		row  bool // it still has one
	}{
		{"silent for 6 s", func(t *testing.T, g *ground, s *server) {
			s.stop()
			g.exec(t, `INSERT INTO servers SELECT 'server2', address, admin, pid, 0, hash, quarantined, problem, 0, started_at, seen_at - 6001 FROM servers`)
		}, true},
		{"drains", func(t *testing.T, _ *ground, s *server) {
			s.fail(errors.New("too late"))
			s.Leave(t.Context())
		}, true},
		{"stopped as planned", func(t *testing.T, _ *ground, s *server) {
			s.stop()
			s.Announce(t.Context())
		}, false},
		{"seen to die", func(t *testing.T, g *ground, s *server) {
			s.stop()
			g.exec(t, `INSERT INTO servers SELECT 'server2', address, admin, 4711, 0, hash, quarantined, problem, 0, started_at, seen_at FROM servers`)
			require.NoError(t, s.table.Forget(t.Context(), "server2", 4710))
			require.NotNil(t, s.find(t, "server2"), "another process's row stays")
			require.NoError(t, s.table.Forget(t.Context(), "server2", 4711))
		}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := fresh(t)
			a, b := g.server(t, "server1"), g.server(t, "server2")
			row.gone(t, g, b)
			revision := a.change(t.Context())
			results, err := a.table.WaitFor(t.Context(), revision)
			require.NoError(t, err)
			assert.Equal(t, []string{"server1"}, names(results))
			m := a.find(t, "server2")
			assert.Equal(t, row.row, m != nil)
			if m != nil {
				assert.False(t, m.Counts)
			}
		})
	}
}

func testWaitForNobody(t *testing.T, fresh newGround) {
	_, err := fresh(t).table(t).WaitFor(t.Context(), 1)
	require.ErrorIs(t, err, cluster.ErrNobody)
}

func testALaterProcessKeepsItsRow(t *testing.T, fresh newGround) {
	g := fresh(t)
	first := g.server(t, "server1")
	g.exec(t, `UPDATE servers SET started_at = started_at + 1000, pid = 4711, revision = 9`)
	first.change(t.Context())
	assert.EqualValues(t, 9, first.find(t, "server1").Revision, "an earlier process does not write over it")
	first.stop()
	require.NotNil(t, first.find(t, "server1"), "nor removes it")
}

func TestAProblemIsLoggedOnce(t *testing.T) {
	g := onFile(t)
	var out locked.Buffer
	logged := func(c *cluster.Config, _ *server) { c.Log = textLog(&out) }
	a := g.server(t, "server1", logged)
	var calls atomic.Int64
	a.fail(errors.New("no database"))
	require.Eventually(t, func() bool { return out.Count("cannot follow") == 1 }, time.Minute, 5*time.Millisecond)
	require.Eventually(t, func() bool { return calls.Add(1) > 20 }, time.Minute, 75*time.Millisecond) // a poll or two
	assert.Equal(t, 1, out.Count("cannot follow"))
	a.fail(nil)
	require.Eventually(t, func() bool { return out.Count("follows the catalog again") == 1 }, time.Minute, 5*time.Millisecond)
	require.Eventually(t, func() bool { return a.find(t, "server1").Problem == "" }, time.Minute, 5*time.Millisecond)
}

func textLog(out io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(out, nil)) }

func TestADamagedTableIsMovedAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "servers.db")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("garbage "), 1000), 0o600))
	table, err := cluster.OpenSQLite(t.Context(), path)
	require.NoError(t, err)
	defer func() { require.NoError(t, table.Close()) }()
	assert.FileExists(t, table.Moved())
	members, err := table.Members(t.Context())
	require.NoError(t, err)
	assert.Empty(t, members)
	again, err := cluster.OpenSQLite(t.Context(), path)
	require.NoError(t, err)
	defer func() { require.NoError(t, again.Close()) }()
	assert.Empty(t, again.Moved(), "the new file is a good one")
}
