package stats_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/database"
	"github.com/parley-run/parley/runtime/stats"
)

// place is where statistics are kept, by SQLite or by PostgreSQL.
type place struct {
	open func(t testing.TB, server string) *stats.Stats // as a server of that name does; what it saved before is added
	exec func(t testing.TB, statement string)
}

func TestKeptBySQLite(t *testing.T) {
	testKept(t, func(t testing.TB) place {
		t.Helper()
		path := filepath.Join(t.TempDir(), "stats.db")
		return place{
			open: func(t testing.TB, server string) *stats.Stats { return open(t, path, server) },
			exec: func(t testing.TB, statement string) {
				t.Helper()
				db, err := database.OpenFile(t.Context(), path, database.Options{Tables: []string{"stats"}})
				require.NoError(t, err)
				defer func() { require.NoError(t, db.Close()) }()
				_, err = db.ExecContext(t.Context(), statement)
				require.NoError(t, err)
			},
		}
	})
}

func TestKeptByPostgres(t *testing.T) {
	p := startPostgres(t)
	var schemas atomic.Int64
	testKept(t, func(t testing.TB) place {
		t.Helper()
		where := schema(t, p, fmt.Sprint("stats", schemas.Add(1)))
		return place{
			open: func(t testing.TB, server string) *stats.Stats {
				t.Helper()
				s, err := stats.OpenPostgres(where, server, slog.New(slog.DiscardHandler))
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, s.Close()) })
				require.NoError(t, s.Save(t.Context()))
				return s
			},
			exec: func(t testing.TB, statement string) { t.Helper(); exec(t, where, statement) },
		}
	})
}

// testKept holds statistics to what they promise of restarts, wherever they are kept.
func testKept(t *testing.T, fresh func(t testing.TB) place) {
	t.Helper()
	for _, row := range []struct {
		name string
		test func(*testing.T, place)
	}{
		{"a restart goes on", testARestartGoesOn},
		{"servers that are down are still summed", testServersDownAreStillSummed},
		{"a save that fails is made up for", testASaveThatFailsIsMadeUpFor},
		{"a save writes only what changed", testSaveWritesOnlyWhatChanged},
		{"many servers save at once", testManyServersSaveAtOnce},
		{"minutes are summed", testMinutesAreSummed},
		{"the clock jumps", testTheClockJumps},
		{"points of a time", testPoints},
		{"points after minutes were deleted", testPointsAfterMinutesWereDeleted},
		{"series go on after a restart", testSeriesGoOnAfterARestart},
		{"a series that cannot be saved is saved later", testASeriesThatCannotBeSavedIsSavedLater},
		{"old spans are deleted", testOldSpansAreDeleted},
		{"requests are kept", testRequestsAreKept},
	} {
		t.Run(row.name, func(t *testing.T) { row.test(t, fresh(t)) })
	}
}

// startPostgres starts a PostgreSQL, or skips the test where none is installed.
func startPostgres(t testing.TB) *fixtures.Postgres {
	t.Helper()
	p, err := fixtures.StartPostgres(t.Context(), "")
	if errors.Is(err, fixtures.ErrNoPostgres) && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "postgres") {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func exec(t testing.TB, where, statement string) {
	t.Helper()
	db, err := database.OpenPostgres(where, database.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
}

// schema is the URL of a new schema in p: a database of a test's own.
func schema(t testing.TB, p *fixtures.Postgres, name string) string {
	t.Helper()
	exec(t, p.URL(), "CREATE SCHEMA "+name)
	u, err := url.Parse(p.URL())
	require.NoError(t, err)
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestStatisticsOutliveAnOutageOfPostgres(t *testing.T) {
	p := startPostgres(t)
	first, err := stats.OpenPostgres(p.URL(), "server1", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	record(first, "a", 10, 1)
	require.NoError(t, first.Save(t.Context()))
	require.NoError(t, first.Close())

	require.NoError(t, p.Stop())
	second, err := stats.OpenPostgres(p.URL(), "server1", slog.New(slog.DiscardHandler))
	require.NoError(t, err, "it may be away")
	defer func() { require.NoError(t, second.Close()) }()
	record(second, "a", 5, 1)
	require.ErrorContains(t, second.Save(t.Context()), "the database "+p.Address()+"/parley cannot be used: connection refused")
	_, err = second.Elsewhere(t.Context(), nil)
	require.NoError(t, err, "what was seen last is told")
	require.NoError(t, p.Start(t.Context()))
	require.NoError(t, second.Save(t.Context()))
	saved, err := second.Saved(t.Context(), "server1")
	require.NoError(t, err)
	require.Len(t, saved, 1)
	require.EqualValues(t, 15, saved[0].Count, "what was counted before the outage, and in it")
}
