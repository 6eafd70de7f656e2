package steps

import (
	"context"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/parley-run/parley/steps/sqlconn"
)

type execute = func(ctx context.Context, statement string, values ...any) error

func insertCSV(h csvHeader) func(context.Context, *World, Args) error {
	return func(ctx context.Context, w *World, a Args) error {
		return w.fillFromCSV(ctx, a.Value(2), a.Text(0), a.Text(1), h, false)
	}
}

func createFromCSV(h csvHeader) func(context.Context, *World, Args) error {
	return func(ctx context.Context, w *World, a Args) error {
		return w.fillFromCSV(ctx, a.Value(2), a.Text(1), a.Text(0), h, true)
	}
}

// fillFromCSV adds all lines of a file, or none where one is refused.
func (w *World) fillFromCSV(ctx context.Context, conn any, file, table string, h csvHeader, create bool) error {
	c, err := sqlConn(w, conn)
	if err != nil {
		return err
	}
	f, err := w.readCSV(file, h)
	if err != nil {
		return err
	}
	if err := f.checkTypes(); err != nil {
		return err
	}
	if table, err = c.Name(table); err != nil {
		return err
	}
	ctx, cancel := w.limited(ctx)
	defer cancel()
	return c.Together(ctx, func(exec execute) error {
		if create {
			if err := exec(ctx, f.createStatement(c, table)); err != nil {
				return err
			}
		}
		insert := f.insertStatement(c, table)
		for _, line := range f.lines {
			if err := exec(ctx, insert, line.values...); err != nil {
				return fmt.Errorf("%s, line %d: %w", f.name, line.number, err)
			}
		}
		return nil
	})
}

func (f *csvFile) createStatement(c *sqlconn.Conn, table string) string {
	var columns []string
	for i, name := range f.columns {
		kind := "text"
		if f.types != nil {
			kind = f.types[i]
		}
		columns = append(columns, c.Exact(name)+" "+c.Type(kind))
	}
	return "CREATE TABLE " + table + " (" + strings.Join(columns, ", ") + ")"
}

func (f *csvFile) insertStatement(c *sqlconn.Conn, table string) string {
	var names, parameters []string
	for i, name := range f.columns {
		names = append(names, c.Exact(name))
		parameters = append(parameters, c.Parameter(i+1))
	}
	return "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(parameters, ", ") + ")"
}

// checkTypes sees that each value is of its column's type, of those that zato-apitest knows: not every database would.
func (f *csvFile) checkTypes() error {
	for i, kind := range f.types {
		name, _, _ := strings.Cut(strings.ToLower(kind), "(")
		check, known := csvChecks()[name]
		if !known {
			continue
		}
		for _, line := range f.lines {
			text, given := line.values[i].(string)
			if !given {
				continue
			}
			value, ok := check(text)
			if !ok {
				return fmt.Errorf("%s, line %d: %q is no %s, which column %s is of", f.name, line.number, text, name, f.columns[i])
			}
			line.values[i] = value
		}
	}
	return nil
}

// csvChecks are what values of a type look like; each gives a value as a database takes it.
func csvChecks() map[string]func(string) (string, bool) {
	number := func(text string) (string, bool) {
		_, err := strconv.ParseFloat(text, 64)
		return text, err == nil
	}
	moment := func(to string, layouts ...string) func(string) (string, bool) {
		return func(text string) (string, bool) {
			for _, layout := range layouts {
				if t, err := time.Parse(layout, text); err == nil {
					return t.Format(to), true
				}
			}
			return "", false
		}
	}
	return map[string]func(string) (string, bool){
		"integer": func(text string) (string, bool) {
			_, ok := new(big.Int).SetString(text, 10)
			return text, ok
		},
		"float": number, "numeric": number, "decimal": number,
		"date":     moment("2006-01-02", "2006-01-02"),
		"datetime": moment("2006-01-02 15:04:05.999999", "2006-01-02T15:04:05", "2006-01-02 15:04:05"),
	}
}
