package database_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/database"
)

// next is the migration of a release after this one.
const next = `ALTER TABLE cluster ADD COLUMN of_the_next TEXT NOT NULL DEFAULT 'x';
ALTER TABLE objects ADD COLUMN of_the_next BIGINT NOT NULL DEFAULT 0;
CREATE TABLE things_of_the_next (name TEXT PRIMARY KEY);
CREATE INDEX of_the_next ON audit (who);`

func later(t testing.TB, opener opener) *database.DB {
	t.Helper()
	db := open(t, opener)
	require.NoError(t, db.AddMigration("00099_catalog_next.sql", next))
	return db
}

// change is a change as the catalog makes it.
func change(t testing.TB, db *database.DB) {
	t.Helper()
	require.NoError(t, db.Write(t.Context(), func(ctx context.Context, tx database.Conn) error {
		var revision int64
		err := tx.QueryRowContext(ctx, "UPDATE cluster SET revision = revision + 1, mark = 'm' RETURNING revision").Scan(&revision)
		if err == nil {
			_, err = tx.ExecContext(ctx, "INSERT INTO objects (kind, name, spec, hash, revision) VALUES ('k', $1, 'x', '', $2)", fmt.Sprint(revision), revision)
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, "INSERT INTO audit (revision, who, what, at, mark) VALUES ($1, '', '', 0, 'm')", revision)
		}
		return err
	}))
}

// testNextRelease is a rolling upgrade: servers of this release run on while those of the next change the schema, are
// started again beside them, and take over again when the upgrade is taken back.
func testNextRelease(t *testing.T, opener opener) {
	old := open(t, opener)
	change(t, old)
	newer := later(t, opener)
	require.NoError(t, newer.Prepare(t.Context()))
	_, err := newer.ExecContext(t.Context(), "INSERT INTO things_of_the_next VALUES ('thing')")
	require.NoError(t, err)
	change(t, newer)
	change(t, old)
	change(t, open(t, opener)) // of this release, started after
	change(t, later(t, opener))
	var revision, objects int64
	require.NoError(t, old.QueryRowContext(t.Context(), "SELECT revision, (SELECT COUNT(*) FROM objects) FROM cluster").Scan(&revision, &objects))
	assert.EqualValues(t, 5, revision)
	assert.EqualValues(t, 5, objects)
}

// TestBothReleasesStartAtOnce is of PostgreSQL: whoever opens a SQLite file has it alone meanwhile.
func TestBothReleasesStartAtOnce(t *testing.T) {
	opener := onPostgres(fixtures.NewPostgres(t))(t)
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		all.Go(func() {
			db, err := opener(t)
			if err == nil && i%2 == 1 {
				err = errors.Join(db.AddMigration("00099_catalog_next.sql", next), db.Prepare(t.Context()))
			}
			if db != nil {
				err = errors.Join(err, db.Close())
			}
			errs[i] = err
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	var times int
	require.NoError(t, open(t, opener).QueryRowContext(t.Context(), "SELECT COUNT(*) FROM goose_db_version WHERE version_id = 99").Scan(&times))
	assert.Equal(t, 1, times, "it ran once")
}

func testMigrationFailsMidway(t *testing.T, opener opener) {
	db := open(t, opener)
	change(t, db)
	broken := open(t, opener)
	require.NoError(t, broken.AddMigration("00099_catalog_next.sql", next+"\nINSERT INTO no_such_table VALUES (1);"))
	err := broken.Prepare(t.Context())
	require.ErrorContains(t, err, "change the schema")
	assert.ErrorContains(t, err, "no_such_table")
	_, err = db.ExecContext(t.Context(), "SELECT of_the_next FROM cluster")
	require.Error(t, err, "its first statement is taken back")
	_, err = db.ExecContext(t.Context(), "SELECT * FROM things_of_the_next")
	require.Error(t, err)
	change(t, db)
	good := later(t, opener)
	require.NoError(t, good.Prepare(t.Context()), "the next try makes it")
	change(t, good)
}
