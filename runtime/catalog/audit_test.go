package catalog_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/database"
)

// written is a store with five writes in its audit log.
func written(t *testing.T, s *catalog.Database) {
	t.Helper()
	s.Clock(func() time.Time { return time.UnixMilli(1234) })
	commit(t, s, 0, catalog.Change{By: "anna", CID: "cid1", Put: []catalog.Object{object("k", "b", "1"), object("k", "a", "1")}})
	commit(t, s, 1, catalog.Change{By: "bob", CID: "cid2", Put: []catalog.Object{object("k", "a", "2")}, Delete: []catalog.Key{{Kind: "k", Name: "b"}}})
	commit(t, s, 2, catalog.Change{By: "anna", Put: []catalog.Object{object("k", "c", "1")}})
	commit(t, s, 3, catalog.Change{By: "anna", Put: []catalog.Object{object("other", "d", "1")}})
	commit(t, s, 4, catalog.Change{By: "bob", Put: []catalog.Object{object("k", "e", "1")}})
}

func verify(t *testing.T, s *catalog.Database, noted string) catalog.AuditCheck {
	t.Helper()
	c, err := s.VerifyAudit(t.Context(), noted)
	require.NoError(t, err)
	return c
}

func testAudit(t *testing.T, open opener) {
	s := open()
	assert.Equal(t, catalog.AuditCheck{Problems: []string{}}, verify(t, s, ""))
	written(t, s)
	rows, err := s.Audit(t.Context(), catalog.AuditQuery{})
	require.NoError(t, err)
	require.Len(t, rows, 5)
	second, first := rows[3], rows[4]
	assert.Equal(t, []any{int64(2), "bob", "put k a, delete k b", "cid2", time.UnixMilli(1234).UTC()}, []any{second.Revision, second.Who, second.What, second.CID, second.At})
	require.Len(t, second.Changes, 2)
	assert.Equal(t, "a", second.Changes[0].Name)
	assert.Equal(t, "put", second.Changes[0].Action)
	assert.Equal(t, first.Changes[0].HashAfter, second.Changes[0].HashBefore)
	assert.Len(t, second.Changes[0].HashAfter, 32)
	assert.Equal(t, "delete", second.Changes[1].Action)
	assert.Empty(t, second.Changes[1].HashAfter)
	assert.Len(t, first.Chain, 64)
	assert.NotEqual(t, first.Chain, second.Chain)

	for _, row := range []struct {
		q    catalog.AuditQuery
		want []int64
	}{
		{catalog.AuditQuery{Limit: 2}, []int64{5, 4}},
		{catalog.AuditQuery{Kind: "k", Name: "b"}, []int64{2, 1}},
		{catalog.AuditQuery{Kind: "other"}, []int64{4}},
		{catalog.AuditQuery{Name: "a", Limit: 1}, []int64{2}},
		{catalog.AuditQuery{Name: "nobody"}, nil},
		{catalog.AuditQuery{UpTo: 3, Limit: 2}, []int64{3, 2}},
		{catalog.AuditQuery{UpTo: 1, Kind: "k", Name: "b"}, []int64{1}},
	} {
		rows, err := s.Audit(t.Context(), row.q)
		require.NoError(t, err)
		var got []int64
		for _, r := range rows {
			got = append(got, r.Revision)
		}
		assert.Equal(t, row.want, got, "%+v", row.q)
	}
	whole := verify(t, open(), first.Chain)
	assert.Equal(t, catalog.AuditCheck{Rows: 5, Revision: 5, Chain: rows[0].Chain, Problems: []string{}}, whole)
}

func testTampered(t *testing.T, open opener) {
	s := open()
	written(t, s)
	noted := verify(t, s, "").Chain
	for _, row := range []struct {
		name string
		sql  []string
		want string
	}{
		{"who", []string{"UPDATE audit SET who = 'nobody' WHERE revision = 2"}, "revision 2: it, or a row before it, is not what was written"},
		{"what", []string{"UPDATE audit SET what = '' WHERE revision = 1"}, "revision 1: it, or"},
		{"when", []string{"UPDATE audit SET at = at + 1 WHERE revision = 5"}, "revision 5: it, or"},
		{"the CID", []string{"UPDATE audit SET cid = '' WHERE revision = 2"}, "revision 2: it, or"},
		{"an object's hash", []string{"UPDATE change_log SET hash_after = hash_before WHERE revision = 2 AND action = 'put'"}, "revision 2: it, or"},
		{"who changed an object", []string{"UPDATE change_log SET who = 'nobody' WHERE revision = 3"}, "revision 3: it, or"},
		{"an object of a change removed", []string{"DELETE FROM change_log WHERE revision = 2 AND action = 'delete'"}, "revision 2: it, or"},
		{"an object added to a change", []string{"INSERT INTO change_log (revision, kind, name, action, who, at, hash_before, hash_after) VALUES (3, 'k', 'z', 'put', 'anna', 1234, '', '')"}, "revision 3: it, or"},
		{"the first row removed", []string{"DELETE FROM change_log WHERE revision = 1", "DELETE FROM audit WHERE revision = 1"}, "revision 2: it, or"},
		{"a row in the midst removed", []string{"DELETE FROM change_log WHERE revision = 3", "DELETE FROM audit WHERE revision = 3"}, "revision 4: it, or"},
		{"a row removed and its changes left", []string{"DELETE FROM audit WHERE revision = 3"}, "revision 3: there are changes but no row that says who made them"},
		{"the last row removed", []string{"DELETE FROM change_log WHERE revision = 5", "DELETE FROM audit WHERE revision = 5"}, "rows were removed or added at its end"},
		{"a row added", []string{"INSERT INTO audit (revision, who, what, at, mark) VALUES (6, 'anna', 'nothing', 0, '')"}, "rows were removed or added at its end"},
		{
			"two rows reordered",
			[]string{
				"UPDATE audit SET revision = 99 WHERE revision = 3", "UPDATE audit SET revision = 3 WHERE revision = 4", "UPDATE audit SET revision = 4 WHERE revision = 99",
				"UPDATE change_log SET revision = 99 WHERE revision = 3", "UPDATE change_log SET revision = 3 WHERE revision = 4", "UPDATE change_log SET revision = 4 WHERE revision = 99",
			},
			"revision 3: it, or",
		},
		{"a chain taken away", []string{"UPDATE audit SET chain = '', who = 'nobody' WHERE revision = 3"}, "revision 4: it, or"},
		{"the newest chains taken away", []string{"UPDATE audit SET chain = '', who = 'nobody' WHERE revision >= 4"}, "that was noted is not in the audit log any more"},
		{"an object changed without a row", []string{"UPDATE objects SET spec = 'evil' WHERE name = 'c'"}, "k c: it is not what revision 3 made it"},
		{"an object added without a row", []string{"INSERT INTO objects (kind, name, spec, hash, revision) VALUES ('k', 'evil', 'x', '', 3)"}, "k evil: it says that revision 3 made it"},
	} {
		t.Run(row.name, func(t *testing.T) {
			undone := assert.AnError
			err := s.DB().Write(t.Context(), func(ctx context.Context, tx database.Conn) error {
				for _, statement := range row.sql {
					if _, err := tx.ExecContext(ctx, statement); err != nil {
						return err
					}
				}
				c, err := catalog.VerifyWithin(ctx, tx, noted)
				require.NoError(t, err)
				assert.Contains(t, strings.Join(c.Problems, "\n"), row.want)
				return undone
			})
			require.ErrorIs(t, err, undone)
			assert.Empty(t, verify(t, s, noted).Problems, "and is well once it is undone")
		})
	}
}

// testUnchained has a server of the release before, which knows no chain, write beside one that does.
func testUnchained(t *testing.T, open opener) {
	s := open()
	old := func(revision int64) {
		require.NoError(t, s.DB().Write(t.Context(), func(ctx context.Context, tx database.Conn) error {
			for _, statement := range []string{
				"UPDATE cluster SET revision = $1, mark = 'old'",
				"INSERT INTO audit (revision, who, what, at, mark) VALUES ($1, 'carl', '', 0, 'old')",
			} {
				if _, err := tx.ExecContext(ctx, statement, revision); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	old(1)
	old(2)
	assert.Equal(t, catalog.AuditCheck{Rows: 2, Revision: 2, Unchained: 2, Problems: []string{}}, verify(t, s, ""))
	commit(t, s, 2, put(object("k", "a", "1")))
	old(4)
	old(5)
	c := verify(t, s, "")
	assert.Empty(t, c.Problems)
	assert.Equal(t, 2, c.Unchained)
	_, err := s.Accept(t.Context(), 9, "anna")
	require.NoError(t, err)
	c = verify(t, s, "")
	assert.Empty(t, c.Problems)
	assert.Zero(t, c.Unchained)
	for revision, found := range map[int]string{1: "revision 3: ", 2: "revision 3: ", 4: "revision 10: ", 5: "revision 10: "} {
		_, err := s.DB().ExecContext(t.Context(), "UPDATE audit SET who = 'nobody' WHERE revision = $1", revision)
		require.NoError(t, err)
		c := verify(t, s, "")
		require.Len(t, c.Problems, 1)
		assert.Contains(t, c.Problems[0], found)
		_, err = s.DB().ExecContext(t.Context(), "UPDATE audit SET who = 'carl' WHERE revision = $1", revision)
		require.NoError(t, err)
	}
}
