package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
)

// TestInterruptSQL ends a run in the middle of a query, on real databases: one that takes its time, and one whose answer is
// lost on the way.
func TestInterruptSQL(t *testing.T) {
	links := fixtures.NewLinks()
	t.Cleanup(func() { _ = links.Close() })
	met := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if name, asked := strings.CutPrefix(r.URL.Path, "/stall/"); asked {
			if err := links.Stall(name); err != nil {
				t.Error(err)
			}
		}
		met <- struct{}{}
	}))
	t.Cleanup(server.Close)

	behind := func(name, address string) string {
		u, err := url.Parse(address)
		require.NoError(t, err)
		u.Host, err = links.Add(name, u.Host)
		require.NoError(t, err)
		return u.String()
	}
	both := func(t *testing.T, name, address, query string) {
		for _, row := range []struct{ name, address, path string }{
			{"a query takes long", address, "/"},
			{"the answer is lost", behind(name, address), "/stall/" + name},
		} {
			t.Run(row.name, func(t *testing.T) {
				cutOff(t, "And I connect to \""+row.address+"\" as \"db\"\nAnd address \""+server.URL+"\"\nAnd URL path \""+row.path+"\"\n"+
					"When the URL is invoked\nGiven I store \""+query+"\" query result under \"x\", using \"#db\"", "query result under", met)
			})
		}
	}
	t.Run("PostgreSQL", func(t *testing.T) {
		p, err := fixtures.StartPostgres(t.Context(), t.TempDir())
		skipWithout(t, "postgres", fixtures.ErrNoPostgres, err)
		t.Cleanup(func() { require.NoError(t, p.Close()) })
		both(t, "postgres", p.PasswordURL(), "select 1 from pg_sleep(60)")
	})
	t.Run("MariaDB", func(t *testing.T) {
		m, err := fixtures.StartMariaDB(t.Context(), t.TempDir())
		skipWithout(t, "mariadb", fixtures.ErrNoMariaDB, err)
		t.Cleanup(func() { require.NoError(t, m.Close()) })
		both(t, "mariadb", m.URL(), "select sleep(60)")
	})
}

// skipWithout skips a test that needs a server which is not installed, unless PARLEY_REQUIRE names it.
func skipWithout(t *testing.T, name string, missing, err error) {
	t.Helper()
	if errors.Is(err, missing) && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), name) {
		t.Skip(err)
	}
	require.NoError(t, err)
}
