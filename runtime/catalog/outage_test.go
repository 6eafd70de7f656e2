package catalog_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/database"
	"github.com/parley-run/parley/runtime/service"
)

// link is a network between a server and p that can be cut.
func link(t *testing.T, p *fixtures.Postgres) (proxy *toxiproxy.Proxy, where string) {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy = toxiproxy.NewProxy(server, "postgres", "127.0.0.1:0", p.Address())
	require.NoError(t, proxy.Start())
	t.Cleanup(proxy.Stop)
	u, err := url.Parse(p.URL())
	require.NoError(t, err)
	u.Host = proxy.Listen
	return proxy, u.String()
}

// slowCommits lets each commit to the catalog's history take a while, at its very end, and not be talked out of it.
func slowCommits(t *testing.T, db *database.DB, seconds float64) {
	t.Helper()
	for _, statement := range []string{
		fmt.Sprintf(`CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE until timestamptz := clock_timestamp() + interval '%f s';
BEGIN
	WHILE clock_timestamp() < until LOOP
		BEGIN PERFORM pg_sleep(extract(epoch FROM until - clock_timestamp())); EXCEPTION WHEN query_canceled THEN NULL; END;
	END LOOP;
	RETURN NULL;
END$$`, seconds),
		"CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()",
	} {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
}

// inCommit waits until PostgreSQL is in the midst of a commit.
func inCommit(t *testing.T, db *database.DB) {
	t.Helper()
	require.Eventually(t, func() bool {
		var n int
		err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'PgSleep'").Scan(&n)
		return err == nil && n == 1
	}, time.Minute, time.Millisecond)
}

// TestAnOutcomeThatWasCutOff breaks PostgreSQL, or the way to it, while it commits: what Apply then says is true.
func TestAnOutcomeThatWasCutOff(t *testing.T) {
	for _, row := range []struct {
		name  string
		fault func(t *testing.T, p *fixtures.Postgres, proxy *toxiproxy.Proxy)
		says  []string // "": it must succeed
		saved bool
		open  bool // whether it is saved is not known to anybody
	}{
		{"the connection breaks, and the commit goes on", func(t *testing.T, _ *fixtures.Postgres, proxy *toxiproxy.Proxy) {
			proxy.Stop()
			require.NoError(t, proxy.Start())
		}, nil, true, false},
		{"PostgreSQL crashes and comes back", func(t *testing.T, p *fixtures.Postgres, _ *toxiproxy.Proxy) {
			require.NoError(t, p.Kill())
			require.NoError(t, p.Start(t.Context()))
		}, []string{"catalog: the database ", "/parley cannot be used: ", ", while a change was saved: nothing was changed; try again"}, false, false},
		{"PostgreSQL restarts as planned", func(t *testing.T, p *fixtures.Postgres, _ *toxiproxy.Proxy) {
			require.NoError(t, p.Stop())
			require.NoError(t, p.Start(t.Context()))
		}, []string{"nothing was changed; try again"}, false, false},
		{"the way to PostgreSQL is gone", func(_ *testing.T, _ *fixtures.Postgres, proxy *toxiproxy.Proxy) {
			proxy.Stop()
		}, []string{"catalog: the database ", "whether the change was saved is not known; look with parley status and parley services when the database is back"}, true, true},
		{"PostgreSQL stands still", func(t *testing.T, p *fixtures.Postgres, _ *toxiproxy.Proxy) {
			require.NoError(t, p.Pause())
		}, []string{"cannot be used: it does not answer: whether the change was saved is not known"}, true, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := fixtures.NewPostgres(t)
			proxy, where := link(t, p)
			direct, err := database.OpenPostgres(p.URL(), database.Options{Durable: true})
			require.NoError(t, err)
			defer func() { require.NoError(t, direct.Close()) }()
			live, _ := server(t, openPostgres(t, where))
			apply(t, live, put(object("k", "old", "1")))
			slowCommits(t, direct, 1)

			var all sync.WaitGroup
			var revision int64
			start := time.Now()
			all.Go(func() { revision, err = live.Apply(t.Context(), put(object("k", "new", "1"))) })
			inCommit(t, direct)
			row.fault(t, p, proxy)
			all.Wait()
			assert.Less(t, time.Since(start), 25*time.Second+20*time.Second, "25 s, and 20 s for a busy machine")
			if len(row.says) == 0 {
				require.NoError(t, err)
				assert.EqualValues(t, 2, revision)
				assert.NotNil(t, live.Current().Get("k", "new"))
			} else {
				require.Error(t, err)
				assert.Equal(t, service.Unavailable, service.AsError(err).Code)
				for _, says := range row.says {
					assert.Contains(t, service.AsError(err).Error(), says)
				}
				assert.Nil(t, live.Current().Get("k", "new"), "what is not known to be saved does not serve")
			}
			if row.open {
				require.NoError(t, p.Continue())
				if !proxy.Enabled {
					require.NoError(t, proxy.Start())
				}
				var saved bool
				require.Eventually(t, func() bool {
					saved, err = openPostgres(t, p.URL()).Has(t.Context(), catalog.Version{Revision: 2, Mark: "none"})
					return err == nil && !saved
				}, time.Minute, 100*time.Millisecond, "what was open has ended")
			}
			require.Eventually(t, func() bool { _, err := live.Follow(t.Context()); return err == nil }, time.Minute, 10*time.Millisecond)
			want := load(t, openPostgres(t, p.URL()), nil)
			assert.Equal(t, want.Hash, live.Current().Hash)
			if !row.open {
				assert.Equal(t, row.saved, want.Get("k", "new") != nil)
			}
			require.NoError(t, direct.Do(t.Context(), func(ctx context.Context) error {
				_, err := direct.ExecContext(ctx, "DROP TRIGGER slow ON audit")
				return err
			}))
			assert.Equal(t, want.Revision+1, apply(t, live, put(object("k", "next", "1"))), "the next change works")
		})
	}
}

// TestPasswordsAreNotTold lets each error about PostgreSQL come, and looks for the password.
func TestPasswordsAreNotTold(t *testing.T) {
	p := fixtures.NewPostgres(t)
	const secret = "s3cret%2Fpass"
	for name, where := range map[string]string{
		"refused":     "postgres://guarded:" + secret + "@" + p.Address() + "/parley?sslmode=disable",
		"no database": "postgres://guarded:" + secret + "@" + p.Address() + "/nowhere?sslmode=disable",
		"nobody":      "postgres://guarded:" + secret + "@127.0.0.1:1/parley",
		"no host":     "postgres://guarded:" + secret + "@no.such.host.invalid/parley",
		"bad option":  "postgres://guarded:" + secret + "@127.0.0.1:1/parley?sslmode=nonsense",
		"bad URL":     "postgres://guarded:" + secret + "@127.0.0.1:port/parley",
	} {
		t.Run(name, func(t *testing.T) {
			s, err := catalog.OpenPostgres(where, 4)
			if err == nil {
				defer func() { require.NoError(t, s.Close()) }()
				_, err = s.Load(t.Context(), nil)
			}
			require.Error(t, err)
			for e := err; e != nil; {
				for _, told := range []string{"s3cret", "s3cret/pass"} {
					assert.NotContains(t, fmt.Sprintf("%v %+v", e, e), told)
				}
				unwrapped, ok := e.(interface{ Unwrap() error })
				if !ok {
					break
				}
				e = unwrapped.Unwrap()
			}
			assert.True(t, strings.HasPrefix(err.Error(), "catalog: "), err)
		})
	}
}
