package sqlconn_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/steps/sqlconn"
)

func open(t *testing.T, url string) *sqlconn.Conn {
	t.Helper()
	c, err := sqlconn.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// missing skips a test that needs a server which is not installed, unless PARLEY_REQUIRE names it.
func missing(t *testing.T, err, missing error, name string) {
	t.Helper()
	if errors.Is(err, missing) && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), name) {
		t.Skip(err)
	}
	require.NoError(t, err)
}

func postgres(t *testing.T) *fixtures.Postgres {
	t.Helper()
	p, err := fixtures.StartPostgres(t.Context(), t.TempDir())
	missing(t, err, fixtures.ErrNoPostgres, "postgres")
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func mariaDB(t *testing.T) *fixtures.MariaDB {
	t.Helper()
	m, err := fixtures.StartMariaDB(t.Context(), t.TempDir())
	missing(t, err, fixtures.ErrNoMariaDB, "mariadb")
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// valueRow is an expression and what Python would see of it.
type valueRow struct {
	sql  string
	want any
}

func checkValues(t *testing.T, c *sqlconn.Conn, rows []valueRow) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.sql, func(t *testing.T) {
			r, err := c.Query(t.Context(), row.sql)
			require.NoError(t, err)
			require.Len(t, r.Rows, 1)
			assert.Equal(t, []any{row.want}, r.Rows[0])
		})
	}
}

// checkConn is what holds of every database.
func checkConn(t *testing.T, c *sqlconn.Conn) {
	t.Helper()
	ctx := t.Context()
	name := func(text string) string {
		quoted, err := c.Name(text)
		require.NoError(t, err)
		return quoted
	}
	t.Run("rows and parameters", func(t *testing.T) {
		require.NoError(t, c.Exec(ctx, "CREATE TABLE items (id integer, name varchar(50), "+name("order")+" integer, "+name("two words")+" varchar(9))"))
		insert := "INSERT INTO " + name("Items") + " (" + name("ID") + ", " + name("Name") + ", " + name("order") + ", " + name("two words") + ") VALUES (" +
			strings.Join([]string{c.Parameter(1), c.Parameter(2), c.Parameter(3), c.Parameter(4)}, ", ") + ")"
		if strings.HasPrefix(c.String(), "mysql") { // where a table is a file, with its capital letters
			insert = strings.Replace(insert, "Items", "items", 1)
		}
		require.NoError(t, c.Exec(ctx, insert, "1", `O'Neill "x" \ ? $1 %s ü`, "7", nil))
		require.NoError(t, c.Exec(ctx, insert, "2", "", nil, "w"))
		r, err := c.Query(ctx, "SELECT id, name, "+name("order")+" AS o, "+name("two words")+" AS w FROM items ORDER BY id;")
		require.NoError(t, err)
		assert.Equal(t, []string{"id", "name", "o", "w"}, r.Columns)
		assert.Equal(t, [][]any{
			{json.Number("1"), `O'Neill "x" \ ? $1 %s ü`, json.Number("7"), nil}, {json.Number("2"), "", nil, "w"},
		}, r.Rows)
		r, err = c.Query(ctx, "SELECT id FROM items WHERE id > 2")
		require.NoError(t, err)
		assert.Equal(t, &sqlconn.Result{Columns: []string{"id"}, Rows: [][]any{}}, r)
	})
	t.Run("a table that changes between two queries", func(t *testing.T) {
		_, err := c.Query(ctx, "SELECT * FROM items")
		require.NoError(t, err)
		require.NoError(t, c.Exec(ctx, "ALTER TABLE items ADD COLUMN more integer"))
		r, err := c.Query(ctx, "SELECT * FROM items")
		require.NoError(t, err)
		assert.Len(t, r.Columns, 5)
	})
	t.Run("no query", func(t *testing.T) {
		_, err := c.Query(ctx, "UPDATE items SET more = 5")
		require.True(t, sqlconn.NoRows(err), "%v", err)
		r, err := c.Query(ctx, "SELECT count(*) AS n FROM items WHERE more = 5")
		require.NoError(t, err)
		assert.Equal(t, [][]any{{json.Number("2")}}, r.Rows, "it was done all the same")
	})
	t.Run("a statement that is none", func(t *testing.T) {
		_, err := c.Query(ctx, "SELEC 1")
		require.ErrorContains(t, err, c.String()+": ")
		require.ErrorContains(t, err, "SELEC")
		require.Error(t, c.Exec(ctx, "INSERT INTO nothing VALUES (1)"))
	})
	t.Run("together or not at all", func(t *testing.T) {
		insert := "INSERT INTO items (id) VALUES (" + c.Parameter(1) + ")"
		err := c.Together(ctx, func(exec func(context.Context, string, ...any) error) error {
			require.NoError(t, exec(ctx, insert, "3"))
			return exec(ctx, "INSERT INTO nothing VALUES (1)")
		})
		require.ErrorContains(t, err, "nothing")
		require.NoError(t, c.Together(ctx, func(exec func(context.Context, string, ...any) error) error { return exec(ctx, insert, "4") }))
		r, err := c.Query(ctx, "SELECT id FROM items ORDER BY id")
		require.NoError(t, err)
		assert.Equal(t, [][]any{{json.Number("1")}, {json.Number("2")}, {json.Number("4")}}, r.Rows)
	})
	t.Run("names that are none", func(t *testing.T) {
		for _, text := range []string{"", ".", "a.", ".a", "a..b", `a"b`, `"a`, "`a", `a"b"`, "a[1]"} {
			_, err := c.Name(text)
			assert.ErrorContains(t, err, "is no name of a table or column", "%s", text)
		}
		for _, text := range []string{`"a""b"`, "`a``b`", "[a b]", `"a"."b.c"`} {
			quoted, err := c.Name(text)
			require.NoError(t, err)
			assert.Equal(t, text, quoted, "what is quoted stays")
		}
	})
}

// slow is a query that takes longer than its time.
func checkTimeLimit(t *testing.T, c *sqlconn.Conn, slow string) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("no answer within 50ms"))
	defer cancel()
	began := time.Now()
	_, err := c.Query(ctx, slow)
	require.EqualError(t, err, c.String()+": no answer within 50ms")
	assert.Less(t, time.Since(began), 30*time.Second)
	r, err := c.Query(t.Context(), "SELECT 1")
	require.NoError(t, err, "it goes on afterwards")
	assert.Equal(t, [][]any{{json.Number("1")}}, r.Rows)
}

func TestSQLite(t *testing.T) {
	c := open(t, "sqlite://")
	checkConn(t, c)
	checkTimeLimit(t, c, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
	r, err := c.Query(t.Context(), "SELECT count(*) FROM items")
	require.NoError(t, err, "what is in memory is still there")
	assert.Equal(t, [][]any{{json.Number("3")}}, r.Rows)

	require.NoError(t, c.Exec(t.Context(), `CREATE TABLE v (d date, s timestamp, b boolean, n numeric, j json)`))
	require.NoError(t, c.Exec(t.Context(), `INSERT INTO v VALUES ('2026-01-31', '2026-01-31 10:42:14.25', 1, '1.50', '{"a": 1}')`))
	checkValues(t, c, []valueRow{
		{"SELECT 7", json.Number("7")},
		{"SELECT 9223372036854775807", json.Number("9223372036854775807")},
		{"SELECT 1.0", json.Number("1.0")},
		{"SELECT 0.1", json.Number("0.1")},
		{"SELECT 1e300", json.Number("1e+300")},
		{"SELECT 1e999", "inf"},
		{"SELECT NULL", nil},
		{"SELECT 'x'", "x"},
		{"SELECT '7'", "7"},
		{"SELECT x'00ff'", `\x00ff`},
		{"SELECT x'41'", "A"},
		{"SELECT d FROM v", sqlconn.Time("2026-01-31")},
		{"SELECT s FROM v", sqlconn.Time("2026-01-31T10:42:14.25")},
		{"SELECT b FROM v", json.Number("1")},
		{"SELECT n FROM v", json.Number("1.5")},
		{"SELECT j FROM v", `{"a": 1}`},
		{"SELECT date('2026-01-31')", "2026-01-31"},
	})

	require.NoError(t, c.Close())
	require.NoError(t, c.Close(), "twice")
	_, err = c.Query(t.Context(), "SELECT 1")
	require.EqualError(t, err, "the connection to sqlite:// is closed")
	require.EqualError(t, c.Exec(t.Context(), "SELECT 1"), "the connection to sqlite:// is closed")
	require.EqualError(t, c.Together(t.Context(), nil), "the connection to sqlite:// is closed")
}

func TestPostgreSQL(t *testing.T) {
	p := postgres(t)
	c := open(t, strings.Replace(p.URL(), "postgres:", "postgresql+psycopg2:", 1))
	assert.Equal(t, "postgresql://parley@"+p.Address()+"/parley", c.String())
	checkConn(t, c)
	checkTimeLimit(t, c, "SELECT pg_sleep(60)")
	require.NoError(t, c.Exec(t.Context(), "CREATE TYPE mood AS ENUM ('sad', 'ok')"))
	checkValues(t, c, []valueRow{
		{"SELECT 7::smallint", json.Number("7")},
		{"SELECT 9223372036854775807", json.Number("9223372036854775807")},
		{"SELECT 1.50", json.Number("1.50")},
		{"SELECT 'NaN'::numeric", "NaN"},
		{"SELECT 0.1::float8", json.Number("0.1")},
		{"SELECT 0.1::float4", json.Number("0.1")},
		{"SELECT 1::float8", json.Number("1.0")},
		{"SELECT 'NaN'::float8", "nan"},
		{"SELECT '-Infinity'::float8", "-inf"},
		{"SELECT NULL", nil},
		{"SELECT true", true},
		{"SELECT 'x'::text", "x"},
		{"SELECT 'x'::char(3)", "x  "},
		{"SELECT B'101'", "101"},
		{`SELECT '\x00ff'::bytea`, `\x00ff`},
		{"SELECT date '2026-01-31'", sqlconn.Time("2026-01-31")},
		{"SELECT timestamp '2026-01-31 10:42:14.25'", sqlconn.Time("2026-01-31T10:42:14.25")},
		{"SELECT timestamptz '2026-01-31 10:42:14+02'", sqlconn.Time("2026-01-31T08:42:14+00:00")},
		{"SELECT time '10:42:14'", "10:42:14"},
		{"SELECT interval '1 day 2 hours'", "1 day 02:00:00"},
		{"SELECT 'infinity'::date", "infinity"},
		{"SELECT '6f1ed002-ab5d-4d7b-8f9f-0242ac110002'::uuid", "6f1ed002-ab5d-4d7b-8f9f-0242ac110002"},
		{`SELECT '{"a": [1, 2.50]}'::json`, json.RawMessage(`{"a": [1, 2.50]}`)},
		{`SELECT '{"a": 1}'::jsonb`, json.RawMessage(`{"a": 1}`)},
		{"SELECT ARRAY[1, NULL, 3]", []any{json.Number("1"), nil, json.Number("3")}},
		{"SELECT ARRAY['a', 'b,c', 'NULL', '']", []any{"a", "b,c", "NULL", ""}},
		{"SELECT ARRAY[true, false]", []any{true, false}},
		{"SELECT ARRAY[1.50]", []any{json.Number("1.50")}},
		{"SELECT ARRAY[date '2026-01-31']", []any{sqlconn.Time("2026-01-31")}},
		{"SELECT ARRAY[]::int[]", []any{}},
		{"SELECT ARRAY[[1, 2], [3, 4]]", []any{[]any{json.Number("1"), json.Number("2")}, []any{json.Number("3"), json.Number("4")}}},
		{"SELECT 'sad'::mood", "sad"},
	})

	t.Run("by a password", func(t *testing.T) {
		guarded := open(t, strings.Replace(p.PasswordURL(), "postgres:", "postgresql+asyncpg:", 1))
		checkValues(t, guarded, []valueRow{{"SELECT current_user::text", "guarded"}})
		_, err := sqlconn.Open(t.Context(), "postgresql://guarded:wrong-one@"+p.Address()+"/parley?ssl=disable")
		require.ErrorContains(t, err, "password authentication failed")
		assert.NotContains(t, err.Error(), "wrong-one")
	})
	t.Run("a password of all signs", func(t *testing.T) {
		const password = `p@ss:w/o'r"d\?#%41 ü`
		require.NoError(t, c.Exec(t.Context(), `ALTER ROLE guarded PASSWORD 'p@ss:w/o''r"d\?#%41 ü'`))
		encoded := "p%40ss%3Aw%2Fo%27r%22d%5C%3F%23%2541%20%C3%BC"
		assert.Equal(t, []string{encoded, password}, sqlconn.Secrets("postgresql://guarded:"+encoded+"@h/db"))
		checkValues(t, open(t, "postgresql+pg8000://guarded:"+encoded+"@"+p.Address()+"/parley"), []valueRow{{"SELECT current_user::text", "guarded"}})
		checkValues(t, open(t, "postgresql://guarded@"+p.Address()+"/parley?password="+encoded), []valueRow{{"SELECT current_user::text", "guarded"}})
	})
	t.Run("options", func(t *testing.T) {
		host, port, _ := strings.Cut(p.Address(), ":")
		o := open(t, "postgresql+psycopg2:///parley?user=parley&host="+host+"&port="+port+
			"&sslmode=disable&application_name=my%20tests&connect_timeout=5&options=-csearch_path%3Dpg_catalog&client_encoding=utf8&keepalives=1&channel_binding=prefer")
		checkValues(t, o, []valueRow{{"SELECT current_setting('application_name')", "my tests"}, {"SELECT current_setting('search_path')", "pg_catalog"}})
		checkValues(t, open(t, "postgresql://parley@/parley?host="+p.Address()+"&host=127.0.0.1:1"), []valueRow{{"SELECT current_database()::text", "parley"}})
		_, err := sqlconn.Open(t.Context(), "postgresql+asyncpg://parley@"+p.Address()+"/parley?ssl=true&timeout=5")
		assert.ErrorContains(t, err, "server refused TLS connection")
		_, err = sqlconn.Open(t.Context(), "postgresql://parley@/parley?host=/nowhere/at/all")
		assert.ErrorContains(t, err, "/nowhere/at/all")
	})
	t.Run("a server that was away", func(t *testing.T) {
		require.NoError(t, p.Stop())
		_, err := c.Query(t.Context(), "SELECT 1")
		require.Error(t, err)
		require.NoError(t, p.Start(t.Context()))
		_, err = c.Query(t.Context(), "SELECT 1")
		require.NoError(t, err, "the next statement connects again")
	})
}

func TestMySQL(t *testing.T) {
	m := mariaDB(t)
	c := open(t, strings.Replace(m.URL(), "mysql:", "mysql+pymysql:", 1))
	checkConn(t, c)
	checkTimeLimit(t, c, "SELECT SLEEP(60)")
	require.NoError(t, c.Exec(t.Context(), "CREATE TABLE v (f float, b bit(9), y year, u bigint unsigned, e enum('a','b'), l longtext, z datetime, t tinyint(1))"))
	require.NoError(t, c.Exec(t.Context(), "INSERT INTO v VALUES (0.1, b'100000001', 2026, 18446744073709551615, 'b', 'long', '2026-01-31 10:42:14', true)"))
	checkValues(t, c, []valueRow{
		{"SELECT 7", json.Number("7")},
		{"SELECT 9223372036854775807", json.Number("9223372036854775807")},
		{"SELECT 1.50", json.Number("1.50")},
		{"SELECT 1e0", json.Number("1.0")},
		{"SELECT f FROM v", json.Number("0.1")},
		{"SELECT b FROM v", json.Number("257")},
		{"SELECT y FROM v", json.Number("2026")},
		{"SELECT u FROM v", json.Number("18446744073709551615")},
		{"SELECT e FROM v", "b"},
		{"SELECT l FROM v", "long"},
		{"SELECT z FROM v", sqlconn.Time("2026-01-31T10:42:14")},
		{"SELECT t FROM v", json.Number("1")},
		{"SELECT NULL", nil},
		{"SELECT true", json.Number("1")},
		{"SELECT 'ü'", "ü"},
		{"SELECT x'00ff'", `\x00ff`},
		{"SELECT CAST('2026-01-31' AS date)", sqlconn.Time("2026-01-31")},
		{"SELECT CAST('2026-01-31 10:42:14.25' AS datetime(2))", sqlconn.Time("2026-01-31T10:42:14.25")},
		{"SELECT CAST('10:42:14' AS time)", "10:42:14"},
		{`SELECT JSON_OBJECT('a', 1)`, `{"a": 1}`},
	})
	t.Run("options", func(t *testing.T) {
		o := open(t, m.URL()+"?charset=utf8mb4&sql_mode=ANSI_QUOTES&time_zone=%2B02:00&connect_timeout=5&read_timeout=5.5&write_timeout=5&use_unicode=1&ssl_disabled=true")
		checkValues(t, o, []valueRow{{"SELECT @@sql_mode", "ANSI_QUOTES"}, {"SELECT @@time_zone", "+02:00"}})
		_, err := sqlconn.Open(t.Context(), m.URL()+"?ssl=true")
		require.ErrorContains(t, err, "TLS")
		open(t, m.URL()+"?ssl_mode=PREFERRED")
	})
	t.Run("a password of all signs", func(t *testing.T) {
		require.NoError(t, c.Exec(t.Context(), `CREATE USER guarded@'127.0.0.1' IDENTIFIED BY 'p@ss:w/o''r"d?#%41'`))
		require.NoError(t, c.Exec(t.Context(), `GRANT ALL ON parley.* TO guarded@'127.0.0.1'`))
		url := strings.Replace(m.URL(), "mysql://parley@", "mariadb+mariadbconnector://guarded:p%40ss%3Aw%2Fo%27r%22d%3F%23%2541@", 1)
		checkValues(t, open(t, url), []valueRow{{"SELECT CURRENT_USER()", "guarded@127.0.0.1"}})
		_, err := sqlconn.Open(t.Context(), strings.Replace(m.URL(), "parley@", "guarded:wrong-one@", 1))
		require.ErrorContains(t, err, "Access denied")
		assert.NotContains(t, err.Error(), "wrong-one")
	})
}

func TestTimeIs(t *testing.T) {
	rows := []struct {
		time, text string
		want       bool
	}{
		{"2026-01-31", "2026-01-31", true},
		{"2026-01-31", "2026-01-30", false},
		{"2026-01-31T10:42:14", "2026-01-31 10:42:14", true},
		{"2026-01-31T10:42:14", "2026-01-31T10:42:14.000000", true},
		{"2026-01-31T10:42:14", "2026-01-31T10:42:14.25", false},
		{"2026-01-31T10:42:00", "2026-01-31 10:42", true},
		{"2026-01-31T00:00:00", "2026-01-31", true},
		{"2026-01-31T08:42:14+00:00", "2026-01-31 10:42:14+02:00", true},
		{"2026-01-31T08:42:14+00:00", "2026-01-31 10:42:14+02", true},
		{"2026-01-31T08:42:14+00:00", "2026-01-31T08:42:14Z", true},
		{"2026-01-31T08:42:14+00:00", "2026-01-31T08:42:14", false},
		{"2026-01-31", "yesterday", false},
	}
	for _, row := range rows {
		t.Run(row.time+" "+row.text, func(t *testing.T) { assert.Equal(t, row.want, sqlconn.Time(row.time).Is(row.text)) })
	}
}
