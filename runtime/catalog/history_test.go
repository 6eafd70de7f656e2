package catalog_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/database"
	"github.com/parley-run/parley/runtime/service"
)

func testHistory(t *testing.T, open opener) {
	s := open()
	commit(t, s, 0, catalog.Change{By: "anna", Put: []catalog.Object{object("k", "a", "1"), object("k", "b", "1")}})
	commit(t, s, 1, catalog.Change{By: "bob", Put: []catalog.Object{object("k", "a", "2")}, Delete: []catalog.Key{{Kind: "k", Name: "b"}, {Kind: "k", Name: "none"}}})
	var audit []string
	each(t, s.DB(), "SELECT revision || ' ' || who || ': ' || what FROM audit ORDER BY revision", func(rows *sql.Rows) error {
		var line string
		err := rows.Scan(&line)
		audit = append(audit, line)
		return err
	})
	assert.Equal(t, []string{"1 anna: put k a, put k b", "2 bob: put k a, delete k b, delete k none"}, audit)
	type entry struct{ what, before, after string }
	var log []entry
	each(t, s.DB(), "SELECT revision || ' ' || action || ' ' || name || ' ' || who, hash_before, hash_after FROM change_log ORDER BY revision, name", func(rows *sql.Rows) error {
		var e entry
		err := rows.Scan(&e.what, &e.before, &e.after)
		log = append(log, e)
		return err
	})
	require.Len(t, log, 4)
	assert.Equal(t, "1 put a anna", log[0].what)
	assert.Empty(t, log[0].before)
	assert.Len(t, log[0].after, 32)
	assert.Equal(t, entry{"2 put a bob", log[0].after, log[2].after}, log[2])
	assert.NotEqual(t, log[2].before, log[2].after)
	assert.Equal(t, entry{"2 delete b bob", log[1].after, ""}, log[3])
}

func each(t *testing.T, db *database.DB, query string, scan func(*sql.Rows) error) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		require.NoError(t, scan(rows))
	}
	require.NoError(t, rows.Err())
}

// restore makes the store what it was at a revision, as the restore of a backup does. Each revision must have put
// objects of its own.
func restore(t *testing.T, s *catalog.Database, revision int64) {
	t.Helper()
	require.NoError(t, s.DB().Write(t.Context(), func(ctx context.Context, tx database.Conn) error {
		for _, statement := range []string{
			"DELETE FROM objects WHERE revision > $1", "DELETE FROM change_log WHERE revision > $1", "DELETE FROM audit WHERE revision > $1",
			"UPDATE cluster SET revision = $1, mark = COALESCE((SELECT mark FROM audit WHERE revision = $1), '')",
		} {
			if _, err := tx.ExecContext(ctx, statement, revision); err != nil {
				return err
			}
		}
		return nil
	}))
}

// grown is a store of that many revisions, each with an object of its own.
func grown(t *testing.T, s *catalog.Database, revisions int64) *catalog.Snapshot {
	t.Helper()
	for i := versionOf(t, s).Revision; i < revisions; i++ {
		commit(t, s, i, put(object("k", fmt.Sprint(i+1), rand.Text())))
	}
	return load(t, s, nil)
}

func testOtherHistory(t *testing.T, open opener) {
	a, b := open(), open()
	mine := grown(t, a, 2)
	restore(t, b, 1)
	grown(t, b, 2)
	_, err := a.Commit(t.Context(), mine.Version(), "mark", put(object("k", "lost", "1")))
	require.ErrorIs(t, err, catalog.ErrRevision)
	assert.Nil(t, load(t, b, nil).Get("k", "lost"))
}

func testHas(t *testing.T, open opener) {
	a, b := open(), open()
	first := grown(t, a, 1).Version()
	second := grown(t, a, 2).Version()
	for _, row := range []struct {
		name string
		v    catalog.Version
		want bool
	}{
		{"the current one", second, true},
		{"an earlier one", first, true},
		{"another of that number", catalog.Version{Revision: 1, Mark: "another"}, false},
		{"one to come", catalog.Version{Revision: 3, Mark: second.Mark}, false},
	} {
		has, err := b.Has(t.Context(), row.v)
		require.NoError(t, err)
		assert.Equal(t, row.want, has, row.name)
	}
}

func testRestored(t *testing.T, open opener) {
	for _, row := range []struct {
		name        string
		known       int64 // the revision that a server knows
		restored    int64 // then the store is this one again
		grows       int64 // and goes on to this one
		says        string
		notRestored bool
	}{
		{"older", 3, 2, 2, "it is at revision 2, this server at 3", false},
		{"blank", 3, 0, 0, "it is at revision 0, this server at 3", false},
		{"the same revision, another history", 3, 2, 3, "it is at revision 3, but its revision 3 is not the one that this server knows", false},
		{"a later revision, another history", 3, 2, 5, "it is at revision 5, but its revision 3 is not the one that this server knows", false},
		{"older, but not than what the server knows", 2, 2, 2, "", true},
		{"older, and gone on from what the server knows", 2, 2, 4, "", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, b := open(), open()
			restore(t, a, 0)
			known := grown(t, a, row.known)
			grown(t, a, 3)
			restore(t, b, row.restored)
			grown(t, b, row.grows)
			got, err := a.Load(t.Context(), known)
			if row.notRestored {
				require.NoError(t, err)
				assert.Equal(t, load(t, b, nil).Hash, got.Hash)
				return
			}
			require.ErrorIs(t, err, catalog.ErrRestored)
			assert.Equal(t, service.Conflict, service.AsError(err).Code)
			assert.ErrorContains(t, err, row.says)
			assert.ErrorContains(t, err, "parley catalog accept-restore")
		})
	}
}

func testAccept(t *testing.T, open opener) {
	a, b := open(), open()
	known := grown(t, a, 5)
	ahead := known.With(9, put(object("k", "of a server that was ahead", "1")))
	ahead.Mark = "nobody else saw it"
	restore(t, b, 2)
	early := load(t, b, nil)
	grown(t, b, 3)
	v, err := b.Accept(t.Context(), 9, "anna")
	require.NoError(t, err)
	assert.EqualValues(t, 10, v.Revision, "after what any server knew")
	assert.Equal(t, v, versionOf(t, a))
	whole := load(t, a, nil)
	assert.Len(t, whole.Objects, 3)
	for _, prev := range []*catalog.Snapshot{known, ahead, early, whole} {
		got := load(t, a, prev)
		assert.Equal(t, whole.Hash, got.Hash, "from revision %d", prev.Revision)
		assert.Equal(t, v, got.Version())
	}
	var audit []string
	each(t, a.DB(), "SELECT who || ': ' || what FROM audit WHERE accepts = 1", func(rows *sql.Rows) error {
		var line string
		err := rows.Scan(&line)
		audit = append(audit, line)
		return err
	})
	assert.Equal(t, []string{"anna: accepted the database as it was restored, at revision 3"}, audit)

	assert.EqualValues(t, 11, commit(t, a, 10, put(object("k", "next", "1"))))
	restore(t, b, 10)
	_, err = a.Load(t.Context(), load(t, b, nil).With(12, catalog.Change{}))
	require.ErrorIs(t, err, catalog.ErrRestored, "what was accepted once is not accepted for ever")
	later, err := b.Accept(t.Context(), 3, "anna")
	require.NoError(t, err)
	assert.EqualValues(t, 11, later.Revision, "after its own")
}

// testUnmarked lets a program of the first release commit: it writes no marks.
func testUnmarked(t *testing.T, open opener) {
	s := open()
	before := grown(t, s, 1)
	require.NoError(t, s.DB().Write(t.Context(), func(ctx context.Context, tx database.Conn) error {
		for _, statement := range []string{
			"UPDATE cluster SET revision = revision + 1 WHERE revision = 1",
			"INSERT INTO objects (kind, name, spec, hash, revision) VALUES ('k', 'of the old one', 'x', '', 2)",
			"INSERT INTO audit (revision, who, what, at) VALUES (2, '', '', 0)",
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	}))
	second := load(t, s, before)
	require.Len(t, second.Objects, 2)
	assert.EqualValues(t, 2, second.Revision)
	assert.EqualValues(t, 3, commit(t, s, 2, put(object("k", "of the new one", "1"))))
	third := load(t, s, second)
	assert.Len(t, third.Objects, 3)
	assert.Equal(t, load(t, s, nil).Hash, third.Hash)
}
