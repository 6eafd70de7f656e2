package steps_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
	"github.com/parley-run/parley/steps/sqlconn"
)

const inSQL = "Given I connect to \"$SQL\" as \"db\"\n"

func sqlRows() []thenRow {
	const (
		all    = `SQL "SELECT id, name FROM customers ORDER BY id" is equal to `
		insert = ` of SQL table "customers", using "#db"`
		filled = "\nAnd SQL \"SELECT * FROM made ORDER BY 1\" is equal to "
		young  = inSQL + `And I store filter "name, id" is "equal to, less or equal to" "Ann, 2" "AND" under "ann"` + "\n"
		create = `I create SQL table "made" and insert data from csv `
	)
	return []thenRow{
		{inSQL, all + `"[(1, 'Sean'), (2, "Ann")]", using "#db"`, ""},
		{inSQL, all + `"[(1.0, 'Sean'), [2, 'Ann']]", using "db"`, ""},
		{inSQL, `SQL "SELECT rate, score, active, since, city FROM customers WHERE id=1" is equal to "[(1.5, .25, True, '2026-01-31 10:42:14', None)]", using "#db"`, ""},
		{inSQL, `SQL "SELECT rate, since FROM customers WHERE id=1" is equal to "[(1.50, '2026-01-31T10:42:14.000')]", using "#db"`, ""},
		{inSQL, `SQL "SELECT id FROM customers WHERE id=3" is equal to "[]", using "#db"`, ""},
		{inSQL + `Given I store "SELECT id, name FROM customers ORDER BY id" query result under "rows", using "#db"` + "\n", all + `"#rows", using "#db"`, ""},
		{inSQL, all + `"[(1, 'Sean'), (2, 'Joe')]", using "#db"`, "the query gives other rows\n" +
			"  expected:   id | name\n              1  | 'Sean'\n            > 2  | 'Joe'\n" +
			"  got:        id | name\n              1  | 'Sean'\n            > 2  | 'Ann'\n  in row 2, name is 'Ann' and not 'Joe'"},
		{inSQL, all + `"[(1, 'Sean')]", using "#db"`, "1 rows were expected, and 2 came"},
		{inSQL, all + `"[]", using "#db"`, "(no rows)"},
		{inSQL, all + `"[(1, 'Sean'), (2, 'Ann'), (3, None)]", using "#db"`, "> 3  | None"},
		{inSQL, all + `"[(1, 'Sean'), (2,)]", using "#db"`, "row 2 has 1 values where the query gives 2 columns"},
		{inSQL, all + `"[('1', 'Sean'), (2, 'Ann')]", using "#db"`, "in row 1, id is 1 and not '1'"},
		{inSQL, all + `"[(2, 'Ann'), (1, 'Sean')]", using "#db"`, "in row 1, id is 1 and not 2"},
		{inSQL, `SQL "SELECT since FROM customers WHERE id=1" is equal to "[('2026-01-31 10:42:15',)]", using "#db"`, "since is '2026-01-31T10:42:14' and not '2026-01-31 10:42:15'"},
		{inSQL, all + `"[(1), (2)]", using "#db"`, "write a list of tuples as in Python: [(1, 'Sean'), (2, None)]; of one column [(1,), (2,)]"},
		{inSQL, all + `"7", using "#db"`, "the value is no list of rows"},
		{inSQL, all + `"[(1, Sean)]", using "#db"`, "the value is not understood: not a Python value: line 1, column 6"},
		{inSQL, all + `"[]", using "#nothing"`, `nothing is stored under "nothing"`},
		{inSQL, all + `"[]", using "nothing"`, "no connection to a SQL database is called \"nothing\"\n  there are: db"},
		{"Given URL path \"/\"\n", all + `"[]", using "db"`, `make one with: Given I connect to "sqlite:///shop.db" as "shop"`},
		{inSQL + "Given I store \"x\" under \"text\"\n", all + `"[]", using "#text"`, `no connection to a SQL database is called "x"`},
		{inSQL, `SQL "SELEC 1" is equal to "[]", using "#db"`, "SELEC"},
		{inSQL, `SQL "DELETE FROM customers" is equal to "[]", using "#db"`, "the statement gives no rows to look at: DELETE FROM customers (it was run)"},

		{inSQL, `I disconnect from SQL "#db"`, ""},
		{inSQL, `I disconnect from SQL "db"`, ""},
		{inSQL, `I disconnect from SQL "nothing"`, `no connection to a SQL database is called "nothing"`},
		{inSQL + "Then I disconnect from SQL \"#db\"\n", all + `"[]", using "#db"`, "is closed"},

		{inSQL, `I insert "3, Joe" into "id, name"` + insert + "\nAnd " + all + `"[(1, 'Sean'), (2, 'Ann'), (3, 'Joe')]", using "#db"`, ""},
		{inSQL, `I insert "3,O'Neill "x" \ %s $1 ?" into "ID,Name"` + insert + "\nAnd " + `SQL "SELECT name FROM customers WHERE id = 3" is equal to "[('O\'Neill "x" \\ %s $1 ?',)]", using "#db"`, ""},
		{inSQL, `I insert "Oslo, Norway" into "city"` + insert + "\nAnd " + `SQL "SELECT city FROM customers WHERE id IS NULL" is equal to "[('Oslo, Norway',)]", using "#db"`, ""},
		{inSQL, `I insert "3" into "order"` + insert + "\nAnd " + `SQL "SELECT count(*) FROM customers WHERE id IS NULL" is equal to "[(1,)]", using "#db"`, ""},
		{inSQL, `I insert "3, Joe, Oslo" into "id, name"` + insert, "3 values for 2 columns; a comma and a blank stand between values: 3, Joe, Oslo"},
		{inSQL, `I insert "3, Joe" into "id, nobody"` + insert, "nobody"},
		{inSQL, `I insert "1, Joe" into "id, name"` + insert, "1"},

		{young, `I update "name" of SQL table "customers" set "Joe" filter by "#ann", using "#db"` + "\nAnd " + all + `"[(1, 'Sean'), (2, 'Joe')]", using "#db"`, ""},
		{inSQL, `I update "name, city" of SQL table "customers" set "Joe, Oslo" filter by "where name='Ann'", using "#db"` +
			"\nAnd " + `SQL "SELECT name, city FROM customers ORDER BY id" is equal to "[('Sean', None), ('Joe', 'Oslo')]", using "#db"`, ""},
		{inSQL, `I update "name" of SQL table "customers" set "A, B" filter by "id=1", using "#db"` + "\nAnd " + all + `"[(1, 'A, B'), (2, 'Ann')]", using "#db"`, ""},
		{inSQL, `I update "nobody" of SQL table "customers" set "Joe" filter by "WHERE id=1", using "#db"`, "nobody"},
		{inSQL, `I update "name, city" of SQL table "customers" set "Joe" filter by "WHERE id=1", using "#db"`, "1 values for 2 columns"},
		{inSQL, `I update "name" of SQL table "customers" set "Joe" filter by "WHERE nobody=1", using "#db"`, "nobody"},
		{inSQL, `I update "na"me" of SQL table "customers" set "Joe" filter by "WHERE id=1", using "#db"`, `"na\"me" is no name of a table or column`},

		{young, `I delete from SQL table "customers" where "#ann", using "#db"` + "\nAnd " + all + `"[(1, 'Sean')]", using "#db"`, ""},
		{inSQL, `I delete from SQL table "customers" where "WHERE id > 0", using "#db"` + "\nAnd " + all + `"[]", using "#db"`, ""},
		{inSQL, `I delete from SQL table "nothing" where "WHERE id=1", using "#db"`, "nothing"},

		{inSQL, `I insert data from csv "data/names.csv" to SQL table "customers", using "#db"` + "\nAnd " +
			all + `"[(1, 'Sean'), (2, 'Ann'), (3, 'Joe, Jr'), (4, 'Zoë')]", using "#db"` +
			"\nAnd " + `SQL "SELECT city FROM customers WHERE id > 2 ORDER BY id" is equal to "[('Oslo',), (None,)]", using "#db"`, ""},
		{inSQL, `I insert data from csv "data/bars.csv" to SQL table "customers", using "#db"` + "\nAnd " + all + `"[(1, 'Sean'), (2, 'Ann'), (5, 'a;b')]", using "#db"`, ""},
		{inSQL, `I insert data from csv "data/twice.csv" to SQL table "customers", using "#db"`, "data/twice.csv, line 3: "},
		{inSQL, `I insert data from csv "data/long.csv" to SQL table "customers", using "#db"`, "data/long.csv, line 3: 3 values for 2 columns"},
		{inSQL, `I insert data from csv "data/open.csv" to SQL table "customers", using "#db"`, "data/open.csv: parse error on line 2, column 8"},
		{inSQL, `I insert data from csv "data/empty.csv" to SQL table "customers", using "#db"`, "data/empty.csv is empty"},
		{inSQL, `I insert data from csv "data/none.csv" to SQL table "customers", using "#db"`, `no file "data/none.csv"`},

		{inSQL, create + `"data/plain.csv", using "#db"` + "\nAnd " + `SQL "SELECT col0, col1 FROM made ORDER BY col0" is equal to "[('1', 'Sean'), ('2', None)]", using "#db"`, ""},
		{inSQL, create + `"data/long.csv", using "#db"`, "data/long.csv, line 3: 3 values for 2 columns"},
		{inSQL + "Then " + create + "\"data/plain.csv\", using \"#db\"\n", create + `"data/plain.csv", using "#db"`, "exists"},

		{inSQL, create + `"data/typed.csv", using "#db" and names, data types from the header` + filled + `"[(1, 'Sean', 1.5, '2026-01-31', '2026-01-31 10:42:14'), (2, '', None, None, None)]", using "#db"`, ""},
		{inSQL, create + `"data/names.csv", using "#db" and names, data types from the header`, `data/names.csv, line 1: "id" has no type; write for instance id:integer, or name-varchar-30`},
		{inSQL, create + `"data/mistyped.csv", using "#db" and names, data types from the header`, `data/mistyped.csv, line 2: "one" is no integer, which column id is of`},

		{inSQL, create + `"data/below.csv", using "#db", names from the header and data types from the line below` + filled + `"[(1, 'Sean')]", using "#db"`, ""},
		{inSQL, create + `"data/names.csv", using "#db", names from the header and data types from the line below`, `data/names.csv, line 3: "3" has no type`},
		{inSQL, create + `"data/below.csv", using "#db",     names from the header and data types from the line below` + filled + `"[(1, 'Sean')]", using "#db"`, ""},
		{inSQL, create + `"data/header.csv", using "#db",     names from the header and data types from the line below`, "data/header.csv has no line with types below its header"},
	}
}

// csvFiles are the files that the rows name.
func csvFiles() map[string]string {
	return map[string]string{
		"names.csv":    "\ufeffid, name , city\n\n3, \"Joe, Jr\", Oslo\n4,Zoë\n",
		"bars.csv":     "id|name\n5|a;b\n",
		"twice.csv":    "id,name\n3,Joe\n1,Sean\n",
		"long.csv":     "id,name\n3,Joe\n4,Joe,Oslo\n",
		"open.csv":     "id,name\n3,\"Joe\n",
		"empty.csv":    "\n",
		"plain.csv":    "1;Sean\n2\n",
		"typed.csv":    "id:integer, name-varchar-30, rate/decimal/6/2, born date, seen datetime\n1, Sean, 1.50, 2026-01-31, 2026-01-31T10:42:14\n2,,,\n",
		"mistyped.csv": "id:integer\none\n",
		"below.csv":    "id,name\ninteger,varchar(30)\n1,Sean\n",
		"header.csv":   "id,name\n",

		"cassandra.csv": "id, name, age, tags\n1, Sean, 42, ['a', 'b']\n2, , ,\n3,\"Joe, Jr\",,['c']\n",
	}
}

// sqlProject is a folder with the CSV files and one feature file, whose path it gives.
func sqlProject(t *testing.T, feature string) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "features", "sql"), 0o700))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o700))
	for name, text := range csvFiles() {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "data", name), []byte(text), 0o600))
	}
	file = filepath.Join(dir, "features", "sql", "one.feature")
	require.NoError(t, os.WriteFile(file, []byte(feature), 0o600))
	return dir, file
}

// runFile runs a feature file and gives its scenarios.
func runFile(t *testing.T, feature string, options steps.Options) []*report.Scenario {
	t.Helper()
	dir, file := sqlProject(t, feature)
	options.Root = dir
	done, err := run.Features(t.Context(), run.Options{Paths: []string{file}, Steps: options})
	require.NoError(t, err)
	require.Len(t, done.Features, 1)
	return done.Features[0].Scenarios
}

// failuresOf is the failures of a scenario, and where the first is.
func failuresOf(s *report.Scenario) (text string, first int) {
	first = len(s.Steps)
	for i, step := range s.Steps {
		if step.Failure != nil {
			text += step.Failure.Text() + "\n"
			first = min(first, i)
		}
	}
	return text, first
}

// checkSQL runs the rows, each with a database of its own.
func checkSQL(t *testing.T, rows []thenRow, url func(row int) string) {
	t.Helper()
	var text strings.Builder
	text.WriteString("Feature: SQL\n")
	for i, row := range rows {
		t.Setenv(fmt.Sprintf("SQL_%d", i), url(i))
		lines := strings.ReplaceAll(row.before+"Then "+row.line, "$SQL", fmt.Sprintf("$SQL_%d", i))
		fmt.Fprintf(&text, "  Scenario: row %d\n    %s\n", i, strings.ReplaceAll(lines, "\n", "\n    "))
	}
	scenarios := runFile(t, text.String(), steps.Options{})
	require.Len(t, scenarios, len(rows))
	for i, row := range rows {
		t.Run(row.line, func(t *testing.T) {
			text, first := failuresOf(scenarios[i])
			if row.fault == "" {
				assert.Equal(t, report.Passed, scenarios[i].Status, "%s", text)
				return
			}
			assert.Equal(t, report.Failed, scenarios[i].Status)
			assert.Contains(t, text, row.fault)
			assert.GreaterOrEqual(t, first, strings.Count(row.before, "\n"), "a step before it failed")
		})
	}
}

// prepare makes the table that the rows speak of; in names a folder for it, such as "row7.".
func prepare(t *testing.T, c *sqlconn.Conn, in, since string) {
	t.Helper()
	order, err := c.Name("order")
	require.NoError(t, err)
	for _, statement := range []string{
		"CREATE TABLE " + in + "customers (id integer UNIQUE, name varchar(50), city varchar(50), since " + since +
			", rate numeric(6,2), score double precision, active boolean, " + order + " integer)",
		"INSERT INTO " + in + "customers (id, name, since, rate, score, active) VALUES (1, 'Sean', '2026-01-31 10:42:14', 1.50, 0.25, true), (2, 'Ann', NULL, NULL, NULL, NULL)",
	} {
		require.NoError(t, c.Exec(t.Context(), statement))
	}
}

func TestThenSQLite(t *testing.T) {
	dir := t.TempDir()
	template := filepath.Join(dir, "template.db")
	c, err := sqlconn.Open(t.Context(), "sqlite:///"+template)
	require.NoError(t, err)
	prepare(t, c, "", "datetime")
	require.NoError(t, c.Close())
	raw, err := os.ReadFile(template)
	require.NoError(t, err)
	checkSQL(t, sqlRows(), func(row int) string {
		file := filepath.Join(dir, fmt.Sprintf("row%d.db", row))
		require.NoError(t, os.WriteFile(file, raw, 0o600))
		return "sqlite:///" + file
	})
}

func TestThenPostgreSQL(t *testing.T) {
	url := startPostgres(t)
	c, err := sqlconn.Open(t.Context(), url)
	require.NoError(t, err)
	checkSQL(t, sqlRows(), func(row int) string {
		name := fmt.Sprintf("row%d", row)
		require.NoError(t, c.Exec(t.Context(), "CREATE SCHEMA "+name))
		prepare(t, c, name+".", "timestamp")
		return url + "&options=-csearch_path%3D" + name
	})
	require.EventuallyWithT(t, func(t *assert.CollectT) { // a session ends a moment after its connection
		r, err := c.Query(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE usename = 'guarded' AND pid != pg_backend_pid()")
		require.NoError(t, err)
		assert.Equal(t, [][]any{{json.Number("0")}}, r.Rows, "connections that the scenarios left open")
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, c.Close())
}

func TestThenMySQL(t *testing.T) {
	m, err := fixtures.StartMariaDB(t.Context(), t.TempDir())
	skipWithout(t, err, fixtures.ErrNoMariaDB, "mariadb")
	t.Cleanup(func() { _ = m.Close() })
	c, err := sqlconn.Open(t.Context(), m.URL())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	checkSQL(t, sqlRows(), func(row int) string {
		name := fmt.Sprintf("row%d", row)
		require.NoError(t, c.Exec(t.Context(), "CREATE DATABASE "+name))
		prepare(t, c, name+".", "datetime")
		return strings.Replace(strings.TrimSuffix(m.URL(), "/parley"), "mysql:", "mysql+pymysql:", 1) + "/" + name
	})
}

// startPostgres gives the URL of a PostgreSQL server, with a password in it.
func startPostgres(t *testing.T) string {
	t.Helper()
	p, err := fixtures.StartPostgres(t.Context(), t.TempDir())
	skipWithout(t, err, fixtures.ErrNoPostgres, "postgres")
	t.Cleanup(func() { _ = p.Close() })
	return strings.Replace(p.PasswordURL(), "postgres:", "postgresql+psycopg2:", 1)
}

// skipWithout skips a test that needs a server which is not installed, unless PARLEY_REQUIRE names it.
func skipWithout(t *testing.T, err, missing error, name string) {
	t.Helper()
	if errors.Is(err, missing) && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), name) {
		t.Skip(err)
	}
	require.NoError(t, err)
}
