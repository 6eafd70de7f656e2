package steps

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-run/parley/steps/sqlconn"
)

// naming is how a database wants names and parameters in its statements.
type naming interface {
	Name(text string) (string, error)
	Parameter(n int) string
}

// statement is one with its parameters' values.
type statement struct {
	text   strings.Builder
	naming naming
	values []any
	fault  error
}

func (s *statement) write(text string) { s.text.WriteString(text) }

func (s *statement) name(text string) {
	name, err := s.naming.Name(text)
	if err != nil && s.fault == nil {
		s.fault = err
	}
	s.write(name)
}

func (s *statement) value(v any) {
	s.values = append(s.values, v)
	s.write(s.naming.Parameter(len(s.values)))
}

var beginsWhere = regexp.MustCompile(`(?i)^where\b`)

// condition is one part of a filter. Operator stands before it, and means nothing in the first.
type condition struct{ column, sign, value, operator string }

type filter []condition

// text is the filter for any database to read, behind WHERE.
func (f filter) text() string {
	var b strings.Builder
	b.WriteString("WHERE ")
	for i, c := range f {
		if i > 0 {
			b.WriteString(" " + c.operator + " ")
		}
		b.WriteString(sqlconn.PlainText(c.column) + c.sign + "'" + strings.ReplaceAll(c.value, "'", "''") + "'")
	}
	return b.String()
}

// where adds a criterion. One that is a stored filter becomes names and parameters as this database has them; any other
// text stands as it is.
func (w *World) where(s *statement, criterion string) {
	f, isFilter := w.filters[criterion]
	if !isFilter {
		text := strings.TrimSpace(criterion)
		if !beginsWhere.MatchString(text) {
			text = "WHERE " + text
		}
		s.write(" " + text)
		return
	}
	s.write(" WHERE ")
	for i, c := range f {
		if i > 0 {
			s.write(" " + c.operator + " ")
		}
		s.name(c.column)
		s.write(" " + c.sign + " ")
		s.value(c.value)
	}
}

func signs() map[string]string {
	return map[string]string{
		"equal to": "=", "not equal to": "!=", "less than": "<", "greater than": ">", "less or equal to": "<=", "greater or equal to": ">=",
	}
}

func storeFilterStep() Step {
	s := given(`I store filter "{colname}" is "{sign}" "{colvalue}" "{operator}" under "{name}"`,
		`Keeps a condition for "filter by" and "where" as "#name". A sign is: equal to, not equal to, less than, greater than, less or equal to, greater or equal to. `+
			"Of several, written with commas, the operator, AND or OR, stands between them.",
		`I store filter "city, age" is "equal to, less than" "Oslo, 30" "AND" under "young"`, storeFilter)
	s.Literal = true
	return s
}

func storeFilter(_ context.Context, w *World, a Args) error {
	columns, named := listed(a.Text(0)), listed(a.Text(1))
	values, err := valuesOf(a.Value(2), len(columns))
	if err != nil {
		return err
	}
	if len(named) != len(columns) {
		return fmt.Errorf("%d signs for %d columns: %q and %q", len(named), len(columns), a.Text(1), a.Text(0))
	}
	operators := listed(a.Text(3))
	var f filter
	for i, column := range columns {
		sign, there := signs()[named[i]]
		if !there {
			return fmt.Errorf("no sign is called %q; there are: %s", named[i], strings.Join(slices.Sorted(maps.Keys(signs())), ", "))
		}
		c := condition{column: column, sign: sign, value: textOf(values[i])}
		if i > 0 {
			if c.operator, err = operatorBefore(i, len(columns), operators); err != nil {
				return err
			}
		}
		f = append(f, c)
	}
	text := f.text()
	if w.filters == nil {
		w.filters = map[string]filter{}
	}
	w.filters[text] = f
	w.Store(a.Text(4), text)
	return nil
}

// operatorBefore is what stands before condition i of n. Where there is one operator for each gap, they stand there; of
// others the last is repeated, and the first belongs to the first condition, before which nothing stands.
func operatorBefore(i, n int, operators []string) (string, error) {
	at := min(i, len(operators)-1)
	if len(operators) == n-1 {
		at = i - 1
	}
	operator := strings.ToUpper(operators[at])
	switch operator {
	case "AND", "OR", "AND NOT", "OR NOT":
		return operator, nil
	}
	return "", fmt.Errorf("%q is no operator between conditions; there are: AND, OR, AND NOT, OR NOT", operators[at])
}

// listed are the parts of a text with commas.
func listed(text string) []string {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// valuesOf are the values for n columns: those of a stored list, or of a text with a comma and a blank between them. A
// single column takes the whole text. In a text, a quote may stand twice, as SQL wants it: zato-apitest puts the text
// between quotes as it is.
func valuesOf(v any, n int) ([]any, error) {
	list, isList := v.([]any)
	if !isList {
		text := strings.ReplaceAll(textOf(v), "''", "'")
		list = []any{v}
		if _, isText := v.(string); isText {
			list = []any{text}
		}
		if n > 1 {
			list = texts(strings.Split(text, ", "))
			if bare := texts(listed(text)); len(list) != n && len(bare) == n {
				list = bare
			}
		}
	}
	if len(list) != n {
		return nil, fmt.Errorf("%d values for %d columns; a comma and a blank stand between values: %s", len(list), n, textOf(v))
	}
	bound := make([]any, n)
	for i, v := range list {
		switch v := v.(type) {
		case nil:
		case bool: // as 1 and 0 every database takes it
			bound[i] = map[bool]string{true: "1", false: "0"}[v]
		default:
			bound[i] = textOf(v)
		}
	}
	return bound, nil
}

// insertStatement is built for any database, as are the two below.
func insertStatement(n naming, table string, columns []string, values []any) (*statement, error) {
	s := &statement{naming: n}
	s.write("INSERT INTO ")
	s.name(table)
	s.write(" (")
	for i, column := range columns {
		if i > 0 {
			s.write(", ")
		}
		s.name(column)
	}
	s.write(") VALUES (")
	for i, v := range values {
		if i > 0 {
			s.write(", ")
		}
		s.value(v)
	}
	s.write(")")
	return s, s.fault
}

func (w *World) updateStatement(n naming, table string, columns []string, values []any, criterion string) (*statement, error) {
	s := &statement{naming: n}
	s.write("UPDATE ")
	s.name(table)
	s.write(" SET ")
	for i, column := range columns {
		if i > 0 {
			s.write(", ")
		}
		s.name(column)
		s.write(" = ")
		s.value(values[i])
	}
	w.where(s, criterion)
	return s, s.fault
}

func (w *World) deleteStatement(n naming, table, criterion string) (*statement, error) {
	s := &statement{naming: n}
	s.write("DELETE FROM ")
	s.name(table)
	w.where(s, criterion)
	return s, s.fault
}

// runSQL builds a statement for the connection and runs it.
func (w *World) runSQL(ctx context.Context, conn any, build func(naming) (*statement, error)) error {
	c, err := sqlConn(w, conn)
	if err != nil {
		return err
	}
	s, err := build(c)
	if err != nil {
		return err
	}
	ctx, cancel := w.limited(ctx)
	defer cancel()
	return c.Exec(ctx, s.text.String(), s.values...)
}

// writer is what differs between SQL and CQL where rows are written.
type writer struct {
	values func(list any, n int) ([]any, error)
	run    func(w *World, ctx context.Context, conn any, build func(naming) (*statement, error)) error
}

func inSQL() writer { return writer{valuesOf, (*World).runSQL} }

func (d writer) insert(ctx context.Context, w *World, a Args) error {
	columns := listed(a.Text(1))
	values, err := d.values(a.Value(0), len(columns))
	if err != nil {
		return err
	}
	return d.run(w, ctx, a.Value(3), func(n naming) (*statement, error) { return insertStatement(n, a.Text(2), columns, values) })
}

func (d writer) update(ctx context.Context, w *World, a Args) error {
	columns := listed(a.Text(0))
	values, err := d.values(a.Value(2), len(columns))
	if err != nil {
		return err
	}
	return d.run(w, ctx, a.Value(4), func(n naming) (*statement, error) { return w.updateStatement(n, a.Text(1), columns, values, a.Text(3)) })
}

func (d writer) remove(ctx context.Context, w *World, a Args) error {
	return d.run(w, ctx, a.Value(2), func(n naming) (*statement, error) { return w.deleteStatement(n, a.Text(0), a.Text(1)) })
}
