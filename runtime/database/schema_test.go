package database_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/database"
)

// opener opens one more handle on the same database, as another process would.
type opener func(t testing.TB) (*database.DB, error)

func onFile(t testing.TB) opener {
	t.Helper()
	path := filepath.Join(t.TempDir(), "catalog.db")
	return func(t testing.TB) (*database.DB, error) {
		return database.OpenFile(t.Context(), path, database.Options{Durable: true, Tables: []string{"catalog", "leases"}})
	}
}

// onPostgres gives new databases in p: schemas.
func onPostgres(p *fixtures.Postgres) func(t testing.TB) opener {
	var schemas atomic.Int64
	return func(t testing.TB) opener {
		t.Helper()
		name := fmt.Sprint("database", schemas.Add(1))
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
		return func(t testing.TB) (*database.DB, error) {
			db, err := database.OpenPostgres(u.String(), database.Options{Durable: true})
			if err == nil {
				err = db.Prepare(t.Context())
			}
			return db, err
		}
	}
}

func open(t testing.TB, opener opener) *database.DB {
	t.Helper()
	db, err := opener(t)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestSchemaOnSQLite(t *testing.T) { testSchema(t, onFile) }

func TestSchemaOnPostgres(t *testing.T) { testSchema(t, onPostgres(fixtures.NewPostgres(t))) }

func testSchema(t *testing.T, fresh func(t testing.TB) opener) {
	t.Helper()
	for _, row := range []struct {
		name string
		test func(*testing.T, opener)
	}{
		{"many make it at once", testManyPrepare},
		{"a program of the first release works on it", testFirstRelease},
		{"a newer one that only adds is fine", testNewer},
		{"one that says so is refused", testTooNew},
		{"a migration that fails changes nothing", testMigrationFails},
		{"one that fails in its midst leaves nothing of itself", testMigrationFailsMidway},
		{"servers of this release and the next run together", testNextRelease},
	} {
		t.Run(row.name, func(t *testing.T) { row.test(t, fresh(t)) })
	}
}

func testManyPrepare(t *testing.T, opener opener) {
	var all sync.WaitGroup
	errs := make([]error, 8)
	start := time.Now()
	for i := range errs {
		all.Go(func() {
			db, err := opener(t)
			if err == nil {
				err = db.Close()
			}
			errs[i] = err
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	assert.Less(t, time.Since(start), time.Minute)
	var versions, distinct int
	require.NoError(t, open(t, opener).QueryRowContext(t.Context(), "SELECT COUNT(*), COUNT(DISTINCT version_id) FROM goose_db_version").Scan(&versions, &distinct))
	assert.Equal(t, distinct, versions, "each migration ran once")
}

// firstRelease are the statements that the first release's program runs, in this order, with values in place of
// parameters. They must work on every later schema of the same level: its servers run beside those of the next release.
func firstRelease() []string {
	return []string{
		"CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)",
		"SELECT COALESCE(MAX(version), 0) FROM schema_version",
		"SELECT revision FROM cluster",
		"UPDATE cluster SET revision = revision + 1 WHERE revision = 0 RETURNING revision",
		`INSERT INTO change_log (revision, kind, name, action, who, at, hash_before, hash_after)
VALUES (1, 'k', 'a', 'put', 'anna', 5, COALESCE((SELECT hash FROM objects WHERE kind = 'k' AND name = 'a'), ''), 'h')`,
		`INSERT INTO objects (kind, name, spec, hash, revision) VALUES ('k', 'a', 'spec', 'h', 1)
ON CONFLICT (kind, name) DO UPDATE SET spec = excluded.spec, hash = excluded.hash, revision = excluded.revision`,
		"INSERT INTO audit (revision, who, what, at) VALUES (1, 'anna', 'put k a', 5)",
		"UPDATE cluster SET revision = revision + 1 WHERE revision = 1 RETURNING revision",
		`INSERT INTO change_log (revision, kind, name, action, who, at, hash_before, hash_after)
SELECT 2, kind, name, 'delete', 'anna', 6, hash, '' FROM objects WHERE kind = 'k' AND name = 'a'`,
		"DELETE FROM objects WHERE kind = 'k' AND name = 'a'",
		"INSERT INTO audit (revision, who, what, at) VALUES (2, 'anna', 'delete k a', 6)",
		"SELECT kind, name, spec, revision FROM objects WHERE revision > 0",
		"SELECT DISTINCT kind, name FROM change_log WHERE revision > 1 AND action = 'delete'",
	}
}

func testFirstRelease(t *testing.T, opener opener) {
	db := open(t, opener)
	for _, statement := range firstRelease() {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	var level int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT MAX(version) FROM schema_version").Scan(&level))
	assert.Equal(t, 1, level, "it refuses a higher one")
	var revision int64
	require.NoError(t, open(t, opener).QueryRowContext(t.Context(), "SELECT revision FROM cluster").Scan(&revision))
	assert.EqualValues(t, 2, revision)
}

// testNewer is a database that the next release's servers have changed already.
func testNewer(t *testing.T, opener opener) {
	db := open(t, opener)
	for _, statement := range []string{
		"ALTER TABLE cluster ADD COLUMN of_the_next TEXT NOT NULL DEFAULT ''", "ALTER TABLE objects ADD COLUMN of_the_next TEXT NOT NULL DEFAULT ''",
		"CREATE TABLE of_the_next (a TEXT)", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, TRUE)",
	} {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	again := open(t, opener)
	var newest int
	require.NoError(t, again.QueryRowContext(t.Context(), "SELECT MAX(version_id) FROM goose_db_version").Scan(&newest))
	assert.Equal(t, 99, newest)
}

func testTooNew(t *testing.T, opener opener) {
	_, err := open(t, opener).ExecContext(t.Context(), "INSERT INTO schema_version (version) VALUES (7)")
	require.NoError(t, err)
	db, err := opener(t)
	if db != nil {
		defer func() { require.NoError(t, db.Close()) }()
	}
	require.ErrorContains(t, err, "its schema is version 7 and this program knows up to 1: use a newer parley")
}

// testMigrationFails puts something in the way of the third migration.
func testMigrationFails(t *testing.T, opener opener) {
	db := open(t, opener)
	for _, statement := range []string{
		"DELETE FROM goose_db_version WHERE version_id > 2", "ALTER TABLE audit DROP COLUMN cid", "ALTER TABLE audit DROP COLUMN chain",
		"DROP TABLE leases", "CREATE TABLE leases (a TEXT)",
	} {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	broken, err := opener(t)
	if broken != nil {
		defer func() { require.NoError(t, broken.Close()) }()
	}
	require.ErrorContains(t, err, "change the schema")
	assert.ErrorContains(t, err, "leases")
	var newest int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT MAX(version_id) FROM goose_db_version").Scan(&newest))
	assert.Equal(t, 2, newest)
	_, err = db.ExecContext(t.Context(), "DROP TABLE leases")
	require.NoError(t, err)
	open(t, opener)
}

// TestFileOfTheFirstRelease opens a catalog as the first release left it.
func TestFileOfTheFirstRelease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	db, err := database.OpenFile(t.Context(), path, database.Options{ReadOnly: false, Tables: []string{"catalog", "leases"}})
	require.NoError(t, err)
	for _, statement := range []string{
		"DROP TABLE goose_db_version", "DROP TABLE leases", "ALTER TABLE cluster DROP COLUMN mark", "ALTER TABLE audit DROP COLUMN mark",
		"ALTER TABLE audit DROP COLUMN accepts", "ALTER TABLE audit DROP COLUMN cid", "ALTER TABLE audit DROP COLUMN chain", "INSERT INTO audit (revision, who, what, at) VALUES (1, 'anna', 'put k a', 5)",
		"UPDATE cluster SET revision = 1",
	} {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	require.NoError(t, db.Close())
	db, err = database.OpenFile(t.Context(), path, database.Options{Tables: []string{"catalog", "leases"}})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var mark string
	var accepts, levels int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT mark, accepts, (SELECT COUNT(*) FROM schema_version) FROM audit WHERE revision = 1").Scan(&mark, &accepts, &levels))
	assert.Empty(t, mark)
	assert.Zero(t, accepts)
	assert.Equal(t, 1, levels)
	require.NoError(t, db.Write(t.Context(), func(ctx context.Context, tx database.Conn) error {
		_, err := tx.ExecContext(ctx, "UPDATE cluster SET mark = 'new' WHERE revision = 1")
		return err
	}))
}
