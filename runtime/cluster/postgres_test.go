package cluster_test

import (
	"context"
	"fmt"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/internal/locked"
	"github.com/parley-run/parley/runtime/cluster"
	"github.com/parley-run/parley/runtime/database"
)

// onPostgres makes grounds in p, each with a schema of its own.
func onPostgres(p *fixtures.Postgres) newGround {
	var schemas atomic.Int64
	return func(t testing.TB) *ground {
		t.Helper()
		name := fmt.Sprint("cluster", schemas.Add(1))
		whole, err := database.OpenPostgres(p.URL(), database.Options{})
		require.NoError(t, err)
		_, err = whole.ExecContext(t.Context(), "CREATE SCHEMA "+name)
		require.NoError(t, err)
		require.NoError(t, whole.Close())
		u, err := url.Parse(p.URL())
		require.NoError(t, err)
		q := u.Query()
		q.Set("search_path", name)
		u.RawQuery = q.Encode()
		return &ground{
			open: func(context.Context) (*cluster.Table, error) { return cluster.OpenPostgres(u.String()) },
			raw: func(context.Context) (*database.DB, error) {
				return database.OpenPostgres(u.String(), database.Options{})
			},
		}
	}
}

func TestOnPostgres(t *testing.T) { testTable(t, onPostgres(fixtures.NewPostgres(t))) }

func withNotify(c *cluster.Config, _ *server) { c.Hints = cluster.NewPostgresHints(c.Table, c.Log) }

func TestHintsByPostgres(t *testing.T) {
	g := onPostgres(fixtures.NewPostgres(t))(t)
	a, b := g.server(t, "server1", withNotify), g.server(t, "server2", withNotify)
	require.Eventually(t, func() bool { return g.listeners(t) == 2 }, time.Minute, 5*time.Millisecond)
	followFast(t, a, b)
}

// listeners is how many connections listen.
func (g *ground) listeners(t testing.TB) (n int) {
	t.Helper()
	db, err := g.raw(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND state = 'idle'").Scan(&n))
	return n
}

func TestHintsOutliveAnOutageOfPostgres(t *testing.T) {
	p := fixtures.NewPostgres(t)
	g := onPostgres(p)(t)
	table := g.table(t)
	var log locked.Buffer
	hints := cluster.NewPostgresHints(table, textLog(&log))
	require.NoError(t, p.Stop())
	ctx, cancel := context.WithCancel(t.Context())
	got := hints.Subscribe(ctx)
	err := hints.Publish(ctx, 1)
	require.ErrorContains(t, err, "cluster: the database "+p.Address()+"/parley cannot be used: connection refused")

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
	require.NoError(t, p.Start(t.Context()))
	arrives(2)
	require.NoError(t, p.Kill())
	require.Error(t, hints.Publish(ctx, 3))
	require.NoError(t, p.Start(t.Context()))
	arrives(4)
	db, err := g.raw(t.Context())
	require.NoError(t, err)
	require.NoError(t, db.Notify(ctx, "parley_revision", "nonsense"))
	require.NoError(t, db.Close())
	arrives(5)
	cancel()
	require.Eventually(t, func() bool { _, open := <-got; return !open }, time.Minute, time.Millisecond)
	assert.Equal(t, 2, log.Count("no hints come"), "each outage is logged once")
	assert.Equal(t, 1, log.Count("hint ignored"))
}
