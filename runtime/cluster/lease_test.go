package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/cluster"
	"github.com/parley-run/parley/runtime/database"
)

// leaseDB opens one more handle on the database of a test's leases, as another process would.
type leaseDB func(t testing.TB) *database.DB

func leasesOnFile(t testing.TB) leaseDB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "catalog.db")
	return func(t testing.TB) *database.DB {
		t.Helper()
		db, err := database.OpenFile(t.Context(), path, database.Options{Durable: true, Tables: []string{"catalog", "leases"}})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		return db
	}
}

func TestLeasesOnSQLite(t *testing.T) { testLeases(t, leasesOnFile) }

func TestLeasesOnPostgres(t *testing.T) {
	fresh := onPostgres(fixtures.NewPostgres(t))
	testLeases(t, func(t testing.TB) leaseDB {
		t.Helper()
		g := fresh(t)
		return func(t testing.TB) *database.DB {
			t.Helper()
			db, err := g.raw(t.Context())
			require.NoError(t, err)
			require.NoError(t, db.Prepare(t.Context()))
			db.SetMaxOpenConns(4)
			t.Cleanup(func() { require.NoError(t, db.Close()) })
			return db
		}
	})
}

func testLeases(t *testing.T, fresh func(t testing.TB) leaseDB) {
	t.Helper()
	for _, row := range []struct {
		name string
		test func(*testing.T, leaseDB)
	}{
		{"one has it at a time", testLeaseIsOnes},
		{"it is renewed", testLeaseRenewed},
		{"it expires", testLeaseExpires},
		{"it is released", testLeaseReleased},
		{"of many that take it one gets it", testLeaseRace},
		{"tokens only grow", testTokensGrow},
		{"a former holder's write is refused", testFencedWrite},
		{"a write that fails saves nothing", testFencedWriteFails},
		{"nobody takes it in the midst of a write", testTakeWaitsForWrite},
		{"one that holds it is followed by the next", testHold},
		{"one that cannot renew it believes no longer than it holds", testHoldUnrenewed},
		{"one that loses it is told", testHoldLost},
	} {
		t.Run(row.name, func(t *testing.T) { row.test(t, fresh(t)) })
	}
}

const long = time.Hour

func take(t testing.TB, l *cluster.Leases, holder string, ttl time.Duration) cluster.Lease {
	t.Helper()
	lease, err := l.Take(t.Context(), "queue", holder, ttl)
	require.NoError(t, err)
	assert.Equal(t, holder, lease.Holder)
	return lease
}

// expire lets the lease run out, as time does.
func expire(t testing.TB, db *database.DB) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), "UPDATE leases SET expires_at = "+db.Now+" - 1")
	require.NoError(t, err)
}

func testLeaseIsOnes(t *testing.T, open leaseDB) {
	a, b := cluster.NewLeases(open(t)), cluster.NewLeases(open(t))
	mine := take(t, a, "server1", long)
	assert.Equal(t, long, mine.Expires.Sub(mine.TakenAt).Round(time.Second))
	assert.WithinDuration(t, time.Now(), mine.TakenAt, time.Minute)
	for _, holder := range []string{"server2", "server1"} {
		_, err := b.Take(t.Context(), "queue", holder, long)
		require.ErrorIs(t, err, cluster.ErrHeld, holder)
		assert.ErrorContains(t, err, `"queue" by "server1", since 20`)
	}
	other, err := b.Take(t.Context(), "another", "server2", long)
	require.NoError(t, err)
	all, err := a.All(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []cluster.Lease{other, mine}, all)
}

func testLeaseRenewed(t *testing.T, open leaseDB) {
	l := cluster.NewLeases(open(t))
	first := take(t, l, "server1", 30*time.Second)
	second, err := l.Renew(t.Context(), first, long)
	require.NoError(t, err)
	assert.Equal(t, first.Token, second.Token)
	assert.Greater(t, second.Expires.Sub(first.Expires), long-time.Minute)
	_, err = l.Renew(t.Context(), cluster.Lease{Name: "nobody's", Token: 1}, long)
	require.ErrorIs(t, err, cluster.ErrLost)
}

func testLeaseExpires(t *testing.T, open leaseDB) {
	l := cluster.NewLeases(open(t))
	first := take(t, l, "server1", 20*time.Millisecond)
	var second cluster.Lease
	require.Eventually(t, func() bool {
		var err error
		second, err = l.Take(t.Context(), "queue", "server2", long)
		return err == nil
	}, time.Minute, time.Millisecond)
	assert.False(t, second.TakenAt.Before(first.Expires), "by the database's clock")
	assert.Greater(t, second.Token, first.Token)
	_, err := l.Renew(t.Context(), first, long)
	require.ErrorIs(t, err, cluster.ErrLost)
	require.NoError(t, l.Release(t.Context(), first), "it is no fault")
	_, err = l.Take(t.Context(), "queue", "server3", long)
	require.ErrorIs(t, err, cluster.ErrHeld, "and takes nothing from its holder")
}

func testLeaseReleased(t *testing.T, open leaseDB) {
	l := cluster.NewLeases(open(t))
	first := take(t, l, "server1", long)
	require.NoError(t, l.Release(t.Context(), first))
	_, err := l.Renew(t.Context(), first, long)
	require.ErrorIs(t, err, cluster.ErrLost)
	err = l.Write(t.Context(), first, func(context.Context, database.Conn) error { panic("not to be run") })
	require.ErrorIs(t, err, cluster.ErrLost)
	assert.Greater(t, take(t, l, "server2", long).Token, first.Token)
}

func testLeaseRace(t *testing.T, open leaseDB) {
	var all sync.WaitGroup
	var won atomic.Int64
	for i := range 8 {
		l := cluster.NewLeases(open(t))
		all.Go(func() {
			_, err := l.Take(t.Context(), "queue", fmt.Sprint("server", i), long)
			if err == nil {
				won.Add(1)
				return
			}
			assert.ErrorIs(t, err, cluster.ErrHeld)
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, won.Load())
}

func testTokensGrow(t *testing.T, open leaseDB) {
	db := open(t)
	l := cluster.NewLeases(db)
	last := int64(0)
	for i := range 20 {
		lease := take(t, l, fmt.Sprint("server", i%3), long)
		require.Greater(t, lease.Token, last)
		last = lease.Token
		if i%2 == 0 {
			require.NoError(t, l.Release(t.Context(), lease))
		} else {
			expire(t, db)
		}
	}
}

// write puts a row into the database under the lease.
func write(t testing.TB, l *cluster.Leases, lease cluster.Lease, what string) error {
	t.Helper()
	return l.Write(t.Context(), lease, func(ctx context.Context, tx database.Conn) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO change_log VALUES (1, '', $1, '', '', 0, '', '')", what)
		return err
	})
}

func written(t testing.TB, db *database.DB) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM change_log").Scan(&n))
	return n
}

// testFencedWrite is a holder that stands still past its lease and then goes on.
func testFencedWrite(t *testing.T, open leaseDB) {
	db := open(t)
	l := cluster.NewLeases(db)
	paused := take(t, l, "server1", long)
	require.NoError(t, write(t, l, paused, "one"))
	expire(t, db)
	require.NoError(t, write(t, l, paused, "two"), "nobody else has it")
	next := take(t, l, "server2", long)
	err := write(t, l, paused, "three")
	require.ErrorIs(t, err, cluster.ErrLost)
	assert.EqualError(t, err, fmt.Sprintf(`cluster: the lease is lost: "queue", which "server1" took under token %d`, paused.Token))
	require.NoError(t, write(t, l, next, "four"))
	assert.Equal(t, 3, written(t, db))
}

func testFencedWriteFails(t *testing.T, open leaseDB) {
	db := open(t)
	l := cluster.NewLeases(db)
	lease := take(t, l, "server1", long)
	mistake := errors.New("a mistake")
	err := l.Write(t.Context(), lease, func(ctx context.Context, tx database.Conn) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO change_log VALUES (1, '', '', '', '', 0, '', '')")
		return errors.Join(err, mistake)
	})
	require.ErrorIs(t, err, mistake)
	assert.Zero(t, written(t, db))
	require.NoError(t, write(t, l, lease, "next"))
}

func testTakeWaitsForWrite(t *testing.T, open leaseDB) {
	db := open(t)
	l, other := cluster.NewLeases(db), cluster.NewLeases(open(t))
	first := take(t, l, "server1", 10*time.Millisecond)
	took := make(chan cluster.Lease, 1)
	err := l.Write(t.Context(), first, func(ctx context.Context, tx database.Conn) error {
		begun := time.Now()
		go func() {
			for {
				lease, err := other.Take(t.Context(), "queue", "server2", long)
				if err == nil {
					took <- lease
					return
				}
				if !assert.ErrorIs(t, err, cluster.ErrHeld) {
					close(took)
					return
				}
			}
		}()
		select {
		case <-took:
			t.Error("it was taken in the midst of a write")
		case <-time.After(300*time.Millisecond - time.Since(begun)):
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO change_log VALUES (1, '', '', '', '', 0, '', '')")
		return err
	})
	require.NoError(t, err)
	assert.Greater(t, (<-took).Token, first.Token)
	assert.Equal(t, 1, written(t, db))
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// beliefs are when each holder last made sure that it held, and when the next began.
type beliefs struct {
	mu      sync.Mutex
	holders []string
	tokens  []int64
	from    []time.Time
	last    []time.Time
	ended   int
}

func (b *beliefs) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.tokens)
}

// hold believes for as long as its context lets it, asking all the time.
func (b *beliefs) hold(holder string) func(context.Context, cluster.Lease) {
	return func(ctx context.Context, lease cluster.Lease) {
		now := time.Now()
		b.mu.Lock()
		i := len(b.tokens)
		b.holders, b.tokens = append(b.holders, holder), append(b.tokens, lease.Token)
		b.from, b.last = append(b.from, now), append(b.last, now)
		b.mu.Unlock()
		pauses := time.NewTicker(time.Millisecond)
		defer pauses.Stop()
		for {
			now := time.Now() // before it asks: it held then
			if ctx.Err() != nil {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.ended++
				return
			}
			b.mu.Lock()
			b.last[i] = now
			b.mu.Unlock()
			<-pauses.C
		}
	}
}

// check holds that no two believed at once, however late the machine got to each. All are of this process: its clock
// orders them.
func (b *beliefs) check(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range len(b.tokens) - 1 {
		assert.Greater(t, b.tokens[i+1], b.tokens[i])
		assert.True(t, b.last[i].Before(b.from[i+1]), "two hold it: %s still %s after %s", b.holders[i], b.last[i].Sub(b.from[i+1]), b.holders[i+1])
	}
}

// holding holds the lease as a server of that name does, over a handle of its own.
func holding(t *testing.T, db *database.DB, b *beliefs, name string, ttl time.Duration) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { cluster.NewLeases(db).Hold(ctx, "queue", name, ttl, silent(), b.hold(name)) })
	stop = func() { cancel(); done.Wait() }
	t.Cleanup(stop)
	return stop
}

func testHold(t *testing.T, open leaseDB) {
	const ttl = 600 * time.Millisecond
	b := &beliefs{}
	held := func(n int) func() bool { return func() bool { return b.count() >= n } }
	stopFirst := holding(t, open(t), b, "server1", ttl)
	require.Eventually(t, held(1), time.Minute, time.Millisecond)
	stopSecond := holding(t, open(t), b, "server2", ttl)
	b.mu.Lock()
	began := b.from[0]
	b.mu.Unlock()
	require.Eventually(t, func() bool { return time.Since(began) > 3*ttl }, time.Minute, ttl/10)
	stopFirst()
	require.Eventually(t, func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.holders[len(b.holders)-1] == "server2" }, time.Minute, time.Millisecond)
	stopSecond()
	b.check(t)
}

// testHoldUnrenewed lets a holder's renewals fail while another waits for its lease.
func testHoldUnrenewed(t *testing.T, open leaseDB) {
	const ttl = 300 * time.Millisecond
	b := &beliefs{}
	db := open(t)
	stopFirst := holding(t, db, b, "server1", ttl)
	require.Eventually(t, func() bool { return b.count() == 1 }, time.Minute, time.Millisecond)
	holding(t, open(t), b, "server2", ttl)
	require.NoError(t, db.Close()) // server1 renews no more
	require.Eventually(t, func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.tokens) >= 2 && b.ended >= 1 }, time.Minute, time.Millisecond)
	stopFirst()
	b.check(t)
}

func testHoldLost(t *testing.T, open leaseDB) {
	db := open(t)
	l := cluster.NewLeases(db)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told, began := make(chan struct{}, 1), make(chan struct{}, 1)
	var done sync.WaitGroup
	done.Go(func() {
		l.Hold(ctx, "queue", "server1", 300*time.Millisecond, silent(), func(ctx context.Context, _ cluster.Lease) {
			began <- struct{}{}
			<-ctx.Done()
			told <- struct{}{}
		})
	})
	<-began
	require.Eventually(t, func() bool {
		expire(t, db)
		_, err := l.Take(t.Context(), "queue", "server2", long)
		return err == nil
	}, time.Minute, time.Millisecond)
	select {
	case <-told:
	case <-time.After(time.Minute):
		t.Error("it was not told")
	}
	cancel()
	done.Wait()
}
