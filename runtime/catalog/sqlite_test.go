package catalog_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/service"
)

func openSQLite(t testing.TB, path string) *catalog.Database {
	t.Helper()
	s, err := catalog.OpenSQLite(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func freshSQLite(t testing.TB) opener {
	path := filepath.Join(t.TempDir(), "a % folder? with # odd name", "catalog.db")
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
	return func() *catalog.Database { return openSQLite(t, path) }
}

func TestSQLite(t *testing.T) { testStore(t, freshSQLite) }

func TestSQLiteIsDurableAndPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	s := openSQLite(t, path)
	commit(t, s, 0, catalog.Change{Put: []catalog.Object{object("k", "a", "1")}})
	var journal string
	var synchronous int
	require.NoError(t, s.DB().QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&journal))
	require.NoError(t, s.DB().QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous))
	assert.Equal(t, "wal", journal)
	assert.Equal(t, 2, synchronous, "2 is FULL: each commit reaches the disk")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), suffix)
	}
}

func TestSQLiteRefusesWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	newer := filepath.Join(dir, "newer.db")
	s := openSQLite(t, newer)
	_, err := s.DB().ExecContext(t.Context(), "INSERT INTO schema_version (version) VALUES (99)")
	require.NoError(t, err)
	_, err = catalog.OpenSQLite(t.Context(), newer)
	require.ErrorContains(t, err, "version 99")
	require.ErrorContains(t, err, "use a newer parley")

	garbage := filepath.Join(dir, "garbage.db")
	require.NoError(t, os.WriteFile(garbage, []byte("this is no database, and long enough to be taken for one......................................................................"), 0o600))
	_, err = catalog.OpenSQLite(t.Context(), garbage)
	require.ErrorContains(t, err, garbage)
	_, err = catalog.OpenSQLite(t.Context(), filepath.Join(dir, "no", "such", "folder.db"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestSQLiteIsOpenedByManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	var all sync.WaitGroup
	errs := make([]error, 12)
	for i := range errs {
		all.Go(func() {
			s, err := catalog.OpenSQLite(context.Background(), path)
			if err == nil {
				_, err = s.Load(context.Background(), nil)
				err = errors.Join(err, s.Close())
			}
			errs[i] = err
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
}

// committerEnv makes the test binary a process that commits to the named file until it is killed.
const committerEnv = "CATALOG_TEST_COMMITTER"

func TestMain(m *testing.M) {
	if path := os.Getenv(committerEnv); path != "" {
		fmt.Fprintln(os.Stderr, commitForever(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// commitForever prints each revision once it was acknowledged.
func commitForever(path string) error {
	ctx := context.Background()
	s, err := catalog.OpenSQLite(ctx, path)
	if err != nil {
		return err
	}
	v, err := s.Version(ctx)
	for ; err == nil; fmt.Println(v.Revision) {
		name := fmt.Sprintf("object-%d", v.Revision+1)
		change := catalog.Change{By: "committer", Put: []catalog.Object{object("k", name, name), file("shared", int(v.Revision))}}
		v.Revision, err = s.Commit(ctx, v, name, change)
		v.Mark = name
	}
	return err
}

func TestSQLiteLosesNothingToKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	var acknowledged int64
	for round := range 5 {
		acknowledged = max(acknowledged, killCommitter(t, path, 20+30*round))
		s := openSQLite(t, path)
		var sound string
		require.NoError(t, s.DB().QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&sound))
		require.Equal(t, "ok", sound)
		snapshot := load(t, s, nil)
		require.GreaterOrEqual(t, snapshot.Revision, acknowledged)
		require.Len(t, snapshot.Objects, int(snapshot.Revision)+1, "each revision added one object, whole")
		for i := int64(1); i <= snapshot.Revision; i++ {
			require.NotNil(t, snapshot.Get("k", fmt.Sprintf("object-%d", i)))
		}
	}
}

// killCommitter lets a process commit at least n times, kills it and returns the last revision it printed.
func killCommitter(t *testing.T, path string, n int) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), committerEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var last int64
	lines := bufio.NewScanner(out)
	for seen := 0; lines.Scan(); seen++ {
		last, err = strconv.ParseInt(lines.Text(), 10, 64)
		require.NoError(t, err)
		if seen == n {
			require.NoError(t, cmd.Process.Kill())
		}
	}
	require.Error(t, cmd.Wait(), "it was killed")
	require.Positive(t, last)
	return last
}

// TestSQLiteOnAFullDisk lets the file grow no more, as a full disk does.
func TestSQLiteOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	s := openSQLite(t, path)
	commit(t, s, 0, catalog.Change{Put: []catalog.Object{object("k", "a", "1")}})
	_, err := s.DB().ExecContext(t.Context(), "PRAGMA max_page_count = 1") // SQLite takes its present size
	require.NoError(t, err)
	change := catalog.Change{Put: []catalog.Object{object("k", "b", strings.Repeat("x", 1<<20))}, By: "test"}
	_, err = tryCommit(t, s, 1, change)
	var e *service.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, service.Unavailable, e.Code)
	assert.Equal(t, "the catalog in "+path+" cannot be written: k b: database or disk is full (13); look at its disk: is it full, or failing?", e.Error())
	assert.Equal(t, int64(1), versionOf(t, s).Revision)
}
