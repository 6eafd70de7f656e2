package sqlconn_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/sqlconn"
)

func TestSecrets(t *testing.T) {
	rows := []struct {
		name, url string
		want      []string
	}{
		{"none", "postgresql://parley@host/db", nil},
		{"empty", "postgresql://parley:@host/db", nil},
		{"plain", "postgresql://parley:secret@host/db", []string{"secret"}},
		{"encoded", "mysql+pymysql://u:p%40ss%2fword@host/db", []string{"p%40ss%2fword", "p@ss/word"}},
		{"with @ and /", "postgresql://u:p@ss/w@host/db", []string{"p@ss/w"}},
		{"with a % that begins nothing", "postgresql://u:100%@host/db", []string{"100%"}},
		{"as options", "postgresql://host/db?password=a%20b&sslpassword=c", []string{"a%20b", "a b", "c"}},
		{"of an unknown database", "oracle://u:secret@host/db", []string{"secret"}},
		{"no @ in the options", "postgresql://host:5432/db?application_name=a@b", nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, sqlconn.Secrets(row.url)) })
	}
}

func TestOpenRefuses(t *testing.T) {
	rows := []struct{ name, url, fault string }{
		{"no URL", "shop.db", "a database is named by a URL such as postgresql://user:password@host:5432/database; known are mariadb, mysql, postgres, postgresql, sqlite"},
		{"no URL with a secret", "u:secret@host/db", "a database is named by a URL"},
		{"an unknown database", "oracle+cx_oracle://u:secret@host/db", `no database is called "oracle"; known are mariadb, mysql, postgres, postgresql, sqlite`},
		{"a port that is none", "mysql://u:secret@host:many/db", "the port behind the host's : is not a number from 1 to 65535"},
		{"a port that is too large", "mysql://u:secret@host:65536/db", "is not a number from 1 to 65535"},
		{"a password with ?", "mysql://u:secret?x@host/db", "write @ as %40"},
		{"an open bracket", "mysql://u:secret@[::1/db", "has no ]"},
		{"an unknown option of PostgreSQL", "postgresql+psycopg2://u:secret@h/db?fast=1&sslmode=disable", `postgresql://u@h/db: the option "fast" is not understood; understood are application_name, channel_binding, `},
		{"an unknown option of MySQL", "mariadb+mariadbconnector://u:secret@h/db?fast=1", `mariadb://u@h/db: the option "fast" is not understood; understood are autocommit, `},
		{"an unknown option of SQLite", "sqlite:///a.db?detect_types=1", `sqlite:///a.db: the option "detect_types" is not understood; understood are cache, `},
		{"an option that is badly encoded", "mysql://u:secret@h/db?charset=%zz", `the option "charset" behind the ? is not URL-encoded`},
		{"another character set", "mysql://u:secret@h/db?charset=latin1", `the option charset: "latin1" is not understood; texts are always in UTF-8`},
		{"a time that is none", "postgresql://u:secret@h/db?connect_timeout=soon", `the option connect_timeout: "soon" is not a whole number of seconds`},
		{"a time that is none, in MySQL", "mysql://u:secret@h/db?read_timeout=soon", `the option read_timeout: "soon" is not a number of seconds`},
		{"TLS that is neither", "mysql://u:secret@h/db?ssl_disabled=perhaps", `the option ssl_disabled: "perhaps" is neither true nor false`},
		{"a mode that is none", "mysql://u:secret@h/db?ssl_mode=SOME", `"SOME" is none of DISABLED`},
		{"a certificate that is not there", "mysql://u:secret@h/db?ssl_ca=/none.pem", "the option ssl_ca: open /none.pem"},
		{"half of a certificate", "mysql://u:secret@h/db?ssl_key=/none.pem", "the options ssl_cert and ssl_key belong together"},
		{"a mode of libpq that is none", "postgresql://u:secret@h/db?sslmode=perhaps", "sslmode is invalid"},
		{"SQLite on a host", "sqlite://shop.db", "a SQLite database is on no host; write sqlite:///relative/path.db"},
		{"a mode without uri", "sqlite:///shop.db?mode=ro", "belong to sqlite:///file:path?uri=true"},
		{"a folder that is not there", "sqlite:////nowhere/at/all/shop.db", "sqlite:////nowhere/at/all/shop.db: unable to open database file"},
		{"nobody listens", "postgresql://u:secret@127.0.0.1:1/db", "refused"},
		{"nobody listens, MySQL", "mysql://u:secret@127.0.0.1:1/db", "refused"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c, err := sqlconn.Open(t.Context(), row.url)
			require.ErrorContains(t, err, row.fault)
			assert.NotContains(t, err.Error(), "secret")
			assert.Nil(t, c)
		})
	}
	t.Run("too late", func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Nanosecond, assert.AnError)
		defer cancel()
		_, err := sqlconn.Open(ctx, "postgresql://u:secret@127.0.0.1:1/db")
		assert.ErrorIs(t, err, assert.AnError, "what the caller says of the limit is in the error")
	})
}

func TestSQLiteIsFoundAsSQLAlchemyDoes(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	require.NoError(t, os.Mkdir("sub", 0o700))
	rows := []struct{ name, url, file, shown string }{
		{"relative", "sqlite:///a.db", "a.db", "sqlite:///a.db"},
		{"relative, in a folder", "sqlite+pysqlite:///sub/a.db", "sub/a.db", "sqlite:///sub/a.db"},
		{"absolute", "sqlite:///" + filepath.Join(dir, "b.db"), "b.db", "sqlite:///" + filepath.Join(dir, "b.db")},
		{"with signs that mean something in a URI", "sqlite:///100%20 #1.db", "100%20 #1.db", "sqlite:///100%20 #1.db"},
		{"with options of Python's", "sqlite:///c.db?timeout=1.5&check_same_thread=false", "c.db", "sqlite:///c.db"},
		{"as a URI", "sqlite:///file:d%20e.db?mode=rwc&uri=true", "d e.db", "sqlite:///file:d%20e.db"},
		{"in memory", "sqlite://", "", "sqlite://"},
		{"in memory, by name", "sqlite:///:memory:", "", "sqlite:///:memory:"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c, err := sqlconn.Open(t.Context(), row.url)
			require.NoError(t, err)
			defer func() { require.NoError(t, c.Close()) }()
			require.NoError(t, c.Exec(t.Context(), "CREATE TABLE IF NOT EXISTS t (n integer)"))
			require.NoError(t, c.Exec(t.Context(), "INSERT INTO t VALUES (7)"), "the same database for all statements")
			assert.Equal(t, row.shown, c.String())
			if row.file != "" {
				assert.FileExists(t, row.file)
			}
		})
	}
	left, err := filepath.Glob("*memory*")
	require.NoError(t, err)
	assert.Empty(t, left)

	t.Run("read only", func(t *testing.T) {
		c, err := sqlconn.Open(t.Context(), "sqlite:///file:a.db?mode=ro&uri=true")
		require.NoError(t, err)
		defer func() { require.NoError(t, c.Close()) }()
		assert.ErrorContains(t, c.Exec(t.Context(), "INSERT INTO t VALUES (8)"), "readonly")
	})
	t.Run("no database", func(t *testing.T) {
		require.NoError(t, os.WriteFile("text.db", []byte("this is not a database, and long enough to tell\n"), 0o600))
		_, err := sqlconn.Open(t.Context(), "sqlite:///text.db")
		assert.ErrorContains(t, err, "file is not a database")
	})
}
