package database_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/database"
)

// connections is how many of ours PostgreSQL has, but for the one that asks.
func connections(t *testing.T, db *database.DB) (n int) {
	t.Helper()
	require.NoError(t, db.Do(t.Context(), func(ctx context.Context) error {
		return db.QueryRowContext(ctx, "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'parley' AND pid <> pg_backend_pid()").Scan(&n)
	}))
	return n
}

// TestReconnectingLeaksNothing restarts PostgreSQL again and again under use of all sorts.
func TestReconnectingLeaksNothing(t *testing.T) {
	p := fixtures.NewPostgres(t)
	const pool = 4
	used, err := database.OpenPostgres(p.URL(), database.Options{Durable: true, Connections: pool})
	require.NoError(t, err)
	asking, err := database.OpenPostgres(p.URL()+"&application_name=asking", database.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	listened := make(chan struct{})
	go func() {
		defer close(listened)
		used.Listen(ctx, "test", func(string) {}, func(error) {})
	}()
	busy := func() (failed bool) {
		ended := make(chan error, 12)
		for range cap(ended) {
			go func() {
				ended <- used.Write(ctx, func(ctx context.Context, tx database.Conn) error {
					_, err := tx.ExecContext(ctx, "UPDATE cluster SET revision = revision + 1")
					return err
				})
			}()
		}
		for range cap(ended) {
			failed = <-ended != nil || failed
		}
		return failed
	}
	settled := func() bool { return !busy() && connections(t, asking) <= pool+1 }
	require.Eventually(t, settled, time.Minute, 10*time.Millisecond)
	before := runtime.NumGoroutine()
	const spare = 3 // the pool's own, which come and go, and the one that looks
	for range fixtures.Times("reconnects", 6) {
		require.NoError(t, p.Kill())
		busy()
		require.NoError(t, p.Start(t.Context()))
		require.Eventually(t, settled, time.Minute, 10*time.Millisecond)
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+spare }, time.Minute, 10*time.Millisecond,
		"%d goroutines before, %d now", before, runtime.NumGoroutine())
	cancel()
	<-listened
	require.NoError(t, used.Close())
	require.Eventually(t, func() bool { return connections(t, asking) == 0 }, time.Minute, 10*time.Millisecond)
	require.NoError(t, asking.Close())
}

// TestCommitsWaitForTheDisk asks a PostgreSQL whose own configuration lets them not.
func TestCommitsWaitForTheDisk(t *testing.T) {
	p := fixtures.NewPostgres(t) // synchronous_commit is off
	for _, row := range []struct {
		name, url, want string
		durable         bool
	}{
		{"what must last", p.URL(), "on", true},
		{"what may be lost", p.URL(), "off", false},
		{"as the URL says", p.URL() + "&synchronous_commit=remote_write", "remote_write", true},
	} {
		db, err := database.OpenPostgres(row.url, database.Options{Durable: row.durable})
		require.NoError(t, err)
		var got string
		require.NoError(t, db.QueryRowContext(t.Context(), "SHOW synchronous_commit").Scan(&got))
		assert.Equal(t, row.want, got, row.name)
		require.NoError(t, db.Close())
	}
}

// TestMigrationsDoNotQueueEverybody lets a backup hold the tables: a change of the schema gives up soon, for all that use
// a table wait behind it.
func TestMigrationsDoNotQueueEverybody(t *testing.T) {
	p := fixtures.NewPostgres(t)
	db, err := database.OpenPostgres(p.URL(), database.Options{Connections: 2})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	require.NoError(t, db.Prepare(t.Context()))
	backup, err := db.Conn(t.Context())
	require.NoError(t, err)
	_, err = backup.ExecContext(t.Context(), "BEGIN; SELECT * FROM cluster; SET idle_in_transaction_session_timeout = 0")
	require.NoError(t, err)
	newer, err := database.OpenPostgres(p.URL(), database.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, newer.Close()) }()
	require.NoError(t, newer.AddMigration("00099_catalog_next.sql", next))
	err = newer.Prepare(t.Context())
	require.ErrorContains(t, err, "cannot be used: canceling statement due to lock timeout")
	away := new(database.Away)
	require.ErrorAs(t, err, &away, "it is tried again")
	change(t, db)
	_, err = backup.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, backup.Close())
	require.NoError(t, newer.Prepare(t.Context()))
}
