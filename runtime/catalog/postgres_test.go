package catalog_test

import (
	"fmt"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/database"
)

// freshPostgres gives new catalogs in p, each in a schema of its own.
func freshPostgres(p *fixtures.Postgres) func(t testing.TB) opener {
	var schemas atomic.Int64
	return func(t testing.TB) opener {
		name := fmt.Sprint("catalog", schemas.Add(1))
		db, err := database.OpenPostgres(p.URL(), database.Options{})
		require.NoError(t, err)
		_, err = db.ExecContext(t.Context(), "CREATE SCHEMA "+name)
		require.NoError(t, err)
		require.NoError(t, db.Close())
		u, err := url.Parse(p.URL())
		require.NoError(t, err)
		q := u.Query()
		q.Set("search_path", name)
		u.RawQuery = q.Encode()
		return func() *catalog.Database { return openPostgres(t, u.String()) }
	}
}

func openPostgres(t testing.TB, url string) *catalog.Database {
	t.Helper()
	s, err := catalog.OpenPostgres(url, 4)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestPostgres(t *testing.T) {
	testStore(t, freshPostgres(fixtures.NewPostgres(t)))
}
