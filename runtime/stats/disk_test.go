package stats_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/stats"
)

func open(t testing.TB, path, server string) *stats.Stats {
	t.Helper()
	s, err := stats.Open(t.Context(), path, server, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func record(s *stats.Stats, name string, n int, took time.Duration) {
	for i := range n {
		s.Service(name).Record(time.Now(), took+time.Duration(i), i%2 == 1)
	}
}

func testARestartGoesOn(t *testing.T, at place) {
	first, whole := at.open(t, "server1"), stats.New(time.Now)
	record(first, "a", 100, time.Millisecond)
	record(first, "b", 3, time.Second)
	require.NoError(t, first.Save(t.Context()))
	record(first, "a", 50, time.Millisecond)
	require.NoError(t, first.Save(t.Context()))
	record(first, "a", 7, time.Hour) // as if it were killed: never saved

	second := at.open(t, "server1")
	record(second, "a", 40, 5*time.Millisecond)
	require.NoError(t, second.Save(t.Context()))
	third := at.open(t, "server1")

	record(whole, "a", 100, time.Millisecond)
	record(whole, "a", 50, time.Millisecond)
	record(whole, "a", 40, 5*time.Millisecond)
	record(whole, "b", 3, time.Second)
	for name, s := range map[string]*stats.Stats{"second": second, "third": third} {
		got, want := s.Snapshot(), whole.Snapshot()
		for i := range got {
			got[i].Rate, want[i].Rate = 0, 0
		}
		assert.Equal(t, want, got, name)
	}
}

func testServersDownAreStillSummed(t *testing.T, at place) {
	down, up := at.open(t, "server1"), at.open(t, "server2")
	record(down, "a", 10, time.Millisecond)
	record(up, "a", 5, time.Millisecond)
	require.NoError(t, down.Save(t.Context()))
	saved, err := up.Saved(t.Context(), "server1")
	require.NoError(t, err)
	require.Len(t, saved, 1)
	assert.Zero(t, saved[0].Rate)
	assert.EqualValues(t, 15, only(t, up.Snapshot(), saved).Count)
	none, err := up.Saved(t.Context(), "server3")
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestRunSavesEveryTenSecondsAndAtStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stats.db")
	reader := open(t, path, "reader")
	count := func() int64 {
		saved, err := reader.Saved(t.Context(), "server1")
		require.NoError(t, err)
		if len(saved) == 0 {
			return 0
		}
		return saved[0].Count
	}
	synctest.Test(t, func(t *testing.T) {
		s, err := stats.Open(t.Context(), path, "server1", slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		record(s, "a", 3, time.Millisecond)
		time.Sleep(9 * time.Second) // the bubble's clock: no time passes outside
		synctest.Wait()
		assert.Zero(t, count())
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		assert.EqualValues(t, 3, count())
		record(s, "a", 2, time.Millisecond)
		cancel()
		require.NoError(t, <-ended)
		assert.EqualValues(t, 5, count())
		require.NoError(t, s.Close())
	})
}

func testASaveThatFailsIsMadeUpFor(t *testing.T, at place) {
	s := at.open(t, "server1")
	record(s, "a", 3, time.Millisecond)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, s.Save(gone), "stats: save")
	require.NoError(t, s.Save(t.Context()))
	saved, err := s.Saved(t.Context(), "server1")
	require.NoError(t, err)
	require.Len(t, saved, 1)
	assert.EqualValues(t, 3, saved[0].Count)
}

func testSaveWritesOnlyWhatChanged(t *testing.T, at place) {
	s := at.open(t, "server1")
	record(s, "a", 1, time.Millisecond)
	record(s, "b", 1, time.Millisecond)
	require.NoError(t, s.Save(t.Context()))
	at.exec(t, "DELETE FROM stats")
	record(s, "b", 1, time.Millisecond)
	require.NoError(t, s.Save(t.Context()))
	saved, err := s.Saved(t.Context(), "server1")
	require.NoError(t, err)
	require.Len(t, saved, 1)
	assert.Equal(t, "b", saved[0].Service)

	again := at.open(t, "server1")
	at.exec(t, "DELETE FROM stats")
	require.NoError(t, again.Save(t.Context()))
	saved, err = again.Saved(t.Context(), "server1")
	require.NoError(t, err)
	assert.Empty(t, saved, "what was loaded is no change")
}

func TestOpenNamesWhatItCannotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stats.db")
	s := open(t, path, "server1")
	record(s, "a", 1, time.Millisecond)
	require.NoError(t, s.Save(t.Context()))
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), "UPDATE stats SET stats = 'garbage'")
	require.NoError(t, err)
	var out bytes.Buffer
	damaged, err := stats.Open(t.Context(), path, "server1", slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, err, "statistics are no reason not to start")
	defer func() { require.NoError(t, damaged.Close()) }()
	assert.Contains(t, out.String(), "start anew")
	assert.Contains(t, out.String(), `service \"a\"`)
	assert.Empty(t, damaged.Snapshot())
	_, err = damaged.Saved(t.Context(), "server1")
	require.ErrorContains(t, err, `read what "server1" saved: service "a"`)
	_, err = stats.Open(t.Context(), filepath.Join(path, "x"), "server1", slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "stats: open")
}

func testManyServersSaveAtOnce(t *testing.T, at place) {
	errs := make(chan error)
	const servers = 6
	for i := range servers {
		s := at.open(t, fmt.Sprint("server", i))
		record(s, "a", 2, time.Millisecond)
		go func() { errs <- s.Save(context.Background()) }()
	}
	for range servers {
		require.NoError(t, <-errs)
	}
}

func TestOpenMovesADamagedFileAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stats.db")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("garbage "), 1000), 0o600))
	var out bytes.Buffer
	s, err := stats.Open(t.Context(), path, "server1", slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, err)
	record(s, "a", 3, time.Millisecond)
	require.NoError(t, s.Save(t.Context()))
	require.NoError(t, s.Close())
	assert.Contains(t, out.String(), "statistics start anew: their file is damaged")
	assert.Contains(t, out.String(), "moved_to="+path+".damaged-")
	saved, err := open(t, path, "server2").Saved(t.Context(), "server1")
	require.NoError(t, err)
	assert.Len(t, saved, 1)
}

// A file of a release that knew neither minutes nor single requests is taken over, and goes on.
func TestFilesOfOlderReleasesAreTakenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stats.db")
	old, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	for _, statement := range []string{
		"CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))",
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (5, 1)",
		"CREATE TABLE stats (server TEXT NOT NULL, service TEXT NOT NULL, stats TEXT NOT NULL, saved_at BIGINT NOT NULL, PRIMARY KEY (server, service))",
		`INSERT INTO stats VALUES ('server1', 'a', '{"service":"a","count":3,"errors":1,"rate":0.5,"sum_ns":6000000,"min_ns":1000000,"max_ns":3000000,"buckets":[690,1,725,1,745,1]}', 1)`,
	} {
		_, err := old.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	require.NoError(t, old.Close())
	s := open(t, path, "server1")
	record(s, "a", 2, time.Millisecond)
	require.NoError(t, s.Save(t.Context()))
	got := only(t, s.Snapshot())
	assert.EqualValues(t, 5, got.Count)
	assert.EqualValues(t, 2, got.Errors)
	r, err := s.Report(t.Context(), stats.Query{Kind: stats.ServiceKind, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Second)})
	require.NoError(t, err)
	require.Len(t, r.Lines, 1)
	assert.EqualValues(t, 2, r.Lines[0].Usage, "what was counted before is of no time")
}
