package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parley-run/parley/steps/sqlconn"
)

func sqlSteps() []Step {
	return []Step{
		given(`I connect to "{sqlalchemy_url}" as "{conn_name}"`,
			`Connects to a database, which later steps use as "#name": postgresql://, mysql://, mariadb:// or sqlite:///, as SQLAlchemy writes them.`,
			`I connect to "sqlite:///shop.db" as "shop"`, connectSQL),
		given(`I store "{sql}" query result under "{name}", using "{conn_name}"`,
			"Keeps what a query gives: of one row the first column, else a list of rows, each a list. Dates are texts such as 2026-01-31T10:42:14.",
			`I store "SELECT count(*) FROM orders" query result under "orders", using "#shop"`, storeSQL),
		then(`SQL "{sql}" is equal to "{value}", using "{conn_name}"`, "A query gives these rows, written as a Python list of tuples; of one column [(1,), (2,)].",
			`SQL "SELECT id, name FROM customers ORDER BY id" is equal to "[(1, 'Sean'), (2, 'Ann')]", using "#shop"`, assertSQL),
		then(`I disconnect from SQL "{conn_name}"`, "Ends a connection. What is left open ends by itself.", `I disconnect from SQL "#shop"`, disconnectSQL),
		storeFilterStep(),
		then(`I insert "{values}" into "{columns}" of SQL table "{tablename}", using "{conn_name}"`, "Adds a row; values and columns stand with a comma and a blank between them.",
			`I insert "3, Joe" into "id, name" of SQL table "customers", using "#shop"`, inSQL().insert),
		then(`I update "{columns}" of SQL table "{tablename}" set "{values}" filter by "{criterion}", using "{conn_name}"`,
			"Changes the columns of all rows that a filter, or a text such as WHERE id=3, lets through.",
			`I update "name, city" of SQL table "customers" set "Joe, Oslo" filter by "#third", using "#shop"`, inSQL().update),
		then(`I delete from SQL table "{tablename}" where "{criterion}", using "{conn_name}"`, "Deletes all rows that a filter, or a text such as WHERE id=3, lets through.",
			`I delete from SQL table "customers" where "WHERE id=3", using "#shop"`, inSQL().remove),
		then(`I insert data from csv "{filename}" to SQL table "{tablename}", using "{conn_name}"`, "Adds a row for each line of a CSV file whose first line has the names of columns.",
			`I insert data from csv "customers.csv" to SQL table "customers", using "#shop"`, insertCSV(csvNames)),
		then(`I create SQL table "{tablename}" and insert data from csv "{filename}", using "{conn_name}"`,
			"Makes a table of a CSV file without a header: the columns are col0, col1 and so on, and hold texts.",
			`I create SQL table "customers" and insert data from csv "rows.csv", using "#shop"`, createFromCSV(csvPlain)),
		then(`I create SQL table "{tablename}" and insert data from csv "{filename}", using "{conn_name}" and names, data types from the header`,
			"Makes a table of a CSV file whose first line has names and types, such as id:integer, name-varchar-30.",
			`I create SQL table "customers" and insert data from csv "typed.csv", using "#shop" and names, data types from the header`, createFromCSV(csvTyped)),
		then(`I create SQL table "{tablename}" and insert data from csv "{filename}", using "{conn_name}", names from the header and data types from the line below`,
			"Makes a table of a CSV file whose first line has names, and the second types, such as integer or varchar(30).",
			`I create SQL table "customers" and insert data from csv "below.csv", using "#shop", names from the header and data types from the line below`,
			createFromCSV(csvBelow)),
		then(`I create SQL table "{tablename}" and insert data from csv "{filename}", using "{conn_name}",     names from the header and data types from the line below`,
			"The same as the step with one blank there; zato-apitest has five.",
			`I create SQL table "customers" and insert data from csv "below.csv", using "#shop",     names from the header and data types from the line below`,
			createFromCSV(csvBelow)),
	}
}

func connectSQL(ctx context.Context, w *World, a Args) error {
	for _, secret := range sqlconn.Secrets(a.Text(0)) {
		w.suite.mask.Add(a.Text(1)+"_password", secret)
	}
	ctx, cancel := w.limited(ctx)
	defer cancel()
	c, err := sqlconn.Open(ctx, a.Text(0))
	if err != nil {
		return err
	}
	w.OnClose(c.Close)
	w.Store(a.Text(1), c)
	return nil
}

// limited ends what a database is asked after the time that is given to a request.
func (w *World) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := w.suite.options.Timeout
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
}

// opened is a connection of a kind that an earlier step stored, given as #name or by its name.
func opened[C any](w *World, v any, kind, step string) (C, error) {
	if c, ok := v.(C); ok {
		return c, nil
	}
	name, isText := v.(string)
	if c, ok := w.vars[name].(C); isText && ok {
		return c, nil
	}
	var none C
	var names []string
	for name, v := range w.vars {
		if _, ok := v.(C); ok {
			names = append(names, name)
		}
	}
	what := fmt.Sprintf("this is no connection to %s: %s", kind, show(v))
	if isText {
		what = fmt.Sprintf("no connection to %s is called %q", kind, name)
	}
	hint := "make one with: " + step
	if slices.Sort(names); len(names) > 0 {
		hint = "there are: " + strings.Join(names, ", ")
	}
	return none, &Failure{What: what, Hint: hint}
}

func sqlConn(w *World, v any) (*sqlconn.Conn, error) {
	return opened[*sqlconn.Conn](w, v, "a SQL database", `Given I connect to "sqlite:///shop.db" as "shop"`)
}

func disconnectSQL(_ context.Context, w *World, a Args) error {
	c, err := sqlConn(w, a.Value(0))
	if err != nil {
		return err
	}
	return c.Close()
}

// query runs a statement that must give rows.
func (w *World) queryRows(ctx context.Context, conn any, statement string) (*sqlconn.Result, error) {
	c, err := sqlConn(w, conn)
	if err != nil {
		return nil, err
	}
	ctx, cancel := w.limited(ctx)
	defer cancel()
	r, err := c.Query(ctx, statement)
	if sqlconn.NoRows(err) {
		return nil, &Failure{
			What: "the statement gives no rows to look at: " + statement, Note: "it was run",
			Hint: "this step is for queries; to change rows, use the steps that begin with: Then I insert, I update, I delete",
		}
	}
	return r, err
}

func storeSQL(ctx context.Context, w *World, a Args) error {
	r, err := w.queryRows(ctx, a.Value(2), a.Text(0))
	if err != nil {
		return err
	}
	rows := tree(r.Rows)
	if len(rows) == 1 {
		first, _ := rows[0].([]any)
		w.Store(a.Text(1), first[0])
		return nil
	}
	w.Store(a.Text(1), rows)
	return nil
}

// tree is a query's rows as a JSON tree.
func tree(rows [][]any) []any {
	all := []any{}
	for _, row := range rows {
		all = append(all, branch(row))
	}
	return all
}

func branch(v any) any {
	switch v := v.(type) {
	case []any:
		list := []any{}
		for _, e := range v {
			list = append(list, branch(e))
		}
		return list
	case sqlconn.Time:
		return string(v)
	case json.RawMessage:
		if decoded, err := decodeJSON(v); err == nil {
			return decoded
		}
		return string(v)
	}
	return v
}

func assertSQL(ctx context.Context, w *World, a Args) error {
	want := a.Value(1)
	if text, isText := want.(string); isText {
		var err error
		if want, err = pythonLiteral(text); err != nil {
			return &Failure{What: "the value is not understood: " + err.Error(), Hint: rowsHint}
		}
	}
	r, err := w.queryRows(ctx, a.Value(2), a.Text(0))
	if err != nil {
		return err
	}
	rows, isRows := asRows(want)
	if !isRows {
		return &Failure{What: "the value is no list of rows", Expected: inPython(want), Got: table(r.Columns, tree(r.Rows), nil), Hint: rowsHint}
	}
	marks, first := compareRows(rows, r)
	if first == "" {
		return nil
	}
	return &Failure{
		What: "the query gives other rows", Hint: first,
		Expected: table(r.Columns, rows, marks), Got: table(r.Columns, tree(r.Rows), marks),
	}
}

const rowsHint = "write a list of tuples as in Python: [(1, 'Sean'), (2, None)]; of one column [(1,), (2,)]; of no rows []"

func asRows(v any) ([]any, bool) {
	rows, isList := v.([]any)
	for _, row := range rows {
		if _, ok := row.([]any); !ok {
			return nil, false
		}
	}
	return rows, isList
}

// compareRows says which rows differ, and what is the first difference; empty where there is none.
func compareRows(want []any, got *sqlconn.Result) (marks map[int]bool, first string) {
	marks = map[int]bool{}
	note := func(row int, format string, args ...any) {
		marks[row] = true
		if first == "" {
			first = fmt.Sprintf(format, args...)
		}
	}
	for i := range max(len(want), len(got.Rows)) {
		switch {
		case i >= len(want):
			note(i, "%d rows were expected, and %d came", len(want), len(got.Rows))
			continue
		case i >= len(got.Rows):
			note(i, "%d rows were expected, and %d came", len(want), len(got.Rows))
			continue
		}
		row, _ := want[i].([]any)
		if len(row) != len(got.Columns) {
			note(i, "row %d has %d values where the query gives %d columns", i+1, len(row), len(got.Columns))
			continue
		}
		for j, cell := range got.Rows[i] {
			if !sameCell(row[j], cell) {
				note(i, "in row %d, %s is %s and not %s", i+1, got.Columns[j], inPython(branch(cell)), inPython(row[j]))
			}
		}
	}
	return marks, first
}

// sameCell compares as Python does; a time may also be written with a blank in the place of T.
func sameCell(want, got any) bool {
	switch got := got.(type) {
	case sqlconn.Time:
		text, isText := want.(string)
		return isText && got.Is(text)
	case []any:
		list, isList := want.([]any)
		return isList && slices.EqualFunc(list, got, sameCell)
	}
	return equalInPython(want, branch(got))
}

// inPython is a value as Python writes it.
func inPython(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case string:
		return pythonQuoted(v)
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, inPython(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *object:
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(v.values)) {
			parts = append(parts, pythonQuoted(key)+": "+inPython(v.values[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return textOf(v)
}

func pythonQuoted(text string) string {
	quote := "'"
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		quote = `"`
	}
	return quote + strings.NewReplacer(`\`, `\\`, quote, `\`+quote, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(text) + quote
}
