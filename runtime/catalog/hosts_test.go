package catalog_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
)

// TestSeveralHosts names a pair of PostgreSQL servers of which the second takes changes: the first is a standby, or away.
func TestSeveralHosts(t *testing.T) {
	standby, primary := fixtures.NewPostgres(t), fixtures.NewPostgres(t)
	read := openPostgres(t, standby.URL()).DB()
	require.NoError(t, read.Prepare(t.Context()))
	_, err := read.ExecContext(t.Context(), "ALTER SYSTEM SET default_transaction_read_only = on")
	require.NoError(t, err)
	require.NoError(t, standby.Stop())
	require.NoError(t, standby.Start(t.Context()))
	u, err := url.Parse(primary.URL())
	require.NoError(t, err)
	u.Host = standby.Address() + "," + primary.Address()
	q := u.Query()
	q.Set("target_session_attrs", "read-write")
	u.RawQuery = q.Encode()
	s := openPostgres(t, u.String())
	assert.EqualValues(t, 1, commit(t, s, 0, put(object("k", "a", "1"))))
	assert.Equal(t, standby.Address()+","+primary.Address()+"/parley", s.Where())
	require.NoError(t, standby.Stop())
	assert.EqualValues(t, 2, commit(t, openPostgres(t, u.String()), 1, put(object("k", "a", "2"))))

	require.NoError(t, standby.Start(t.Context()))
	_, err = openPostgres(t, standby.URL()).Commit(t.Context(), versionOf(t, openPostgres(t, standby.URL())), "mark", put(object("k", "a", "1")))
	require.ErrorContains(t, err, "the database "+standby.Address()+"/parley cannot be used: cannot execute UPDATE in a read-only transaction; nothing was changed")
}

// TestPasswordOfAFile leaves the password to libpq's file.
func TestPasswordOfAFile(t *testing.T) {
	p := fixtures.NewPostgres(t)
	u, err := url.Parse(p.PasswordURL())
	require.NoError(t, err)
	password, _ := u.User.Password()
	file := filepath.Join(t.TempDir(), "pgpass")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join([]string{u.Hostname(), u.Port(), "parley", u.User.Username(), password}, ":")+"\n"), 0o600))
	u.User = url.User(u.User.Username())
	_, err = openPostgres(t, u.String()).Load(t.Context(), nil)
	require.ErrorContains(t, err, "cannot be used: ")
	t.Setenv("PGPASSFILE", file)
	assert.Empty(t, load(t, openPostgres(t, u.String()), nil).Objects)
}
