package catalog_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/catalog"
)

func TestInspectReadsAndChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	_, err := catalog.Inspect(t.Context(), "", path)
	require.ErrorIs(t, err, catalog.ErrPending)
	assert.NoFileExists(t, path)

	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err = catalog.Inspect(t.Context(), "", path)
	require.ErrorIs(t, err, catalog.ErrPending)

	s := openSQLite(t, path)
	commit(t, s, 0, catalog.Change{Put: []catalog.Object{object("k", "a", "1")}})
	snapshot, err := catalog.Inspect(t.Context(), "", path)
	require.NoError(t, err)
	assert.Equal(t, int64(1), snapshot.Revision)
	require.Len(t, snapshot.Objects, 1)

	_, err = s.DB().ExecContext(t.Context(), "DELETE FROM goose_db_version WHERE version_id = 2")
	require.NoError(t, err)
	snapshot, err = catalog.Inspect(t.Context(), "", path)
	require.NoError(t, err, "a change that is pending and only adds keeps nobody from reading")
	assert.Equal(t, int64(1), snapshot.Revision)
	var still int
	require.NoError(t, s.DB().QueryRowContext(t.Context(), "SELECT MAX(version_id) FROM goose_db_version").Scan(&still))
	assert.NotEqual(t, 2, still, "it was not made")

	_, err = s.DB().ExecContext(t.Context(), "UPDATE schema_version SET version = 7")
	require.NoError(t, err)
	_, err = catalog.Inspect(t.Context(), "", path)
	assert.ErrorContains(t, err, "its schema is version 7 and this program knows up to 1: use a newer parley")
}
