package steps

import (
	"context"
	"fmt"
	"strings"
)

func cassandraSteps() []Step {
	return []Step{
		given(`Cassandra contact points "{contact_points}"`, "Servers of a Cassandra cluster, written with commas, through which the others are found; 127.0.0.1 where none are named.",
			`Cassandra contact points "10.0.0.1, 10.0.0.2"`, setContactPoints),
		given(`Cassandra protocol version "{protocol_version}"`, "The version of Cassandra's protocol, from 3 to 5; the highest that the server knows where none is named.",
			`Cassandra protocol version "4"`, setProtocolVersion),
		given(`Cassandra port "{port}"`, "The port of Cassandra's servers; 9042 where none is named.", `Cassandra port "9042"`, setCassandraPort),
		given(`I connect to keyspace "{keyspace}" as "{conn_name}"`, "Connects to a keyspace of Cassandra. Later steps call it by that name.",
			`I connect to keyspace "shop" as "shop"`, connectCassandra),
		given(`I store CQL query result "{cql}" under "{name}", using "{conn_name}", idx "{idx}"`,
			"Keeps one row of what a query gives, as a text with ; between the columns. Rows are counted from 0. Of no rows the text is empty.",
			`I store CQL query result "SELECT id, name FROM customers" under "first", using "shop", idx "0"`, storeCQL),
		given(`I insert data from CSV "{filename}" to Cassandra table "{tablename}", using "{conn_name}"`,
			"Adds a row for each line of a CSV file whose first line has the names of columns.",
			`I insert data from CSV "customers.csv" to Cassandra table "customers", using "shop"`, insertCSVIntoCassandra),
		then(`I disconnect from Cassandra "{conn_name}"`, "Ends a connection. What is left open ends by itself.", `I disconnect from Cassandra "shop"`, disconnectCassandra),
		then(`I insert "{values}" into "{columns}" of Cassandra table "{tablename}", using "{conn_name}"`, "Adds a row; values, such as 7, Oslo or [1, 2], and columns stand with commas between them.",
			`I insert "3, Joe" into "id, name" of Cassandra table "customers", using "shop"`, inCQL().insert),
		then(`I update "{columns}" of Cassandra table "{tablename}" set "{values}" filter by "{criterion}", using "{conn_name}"`,
			"Changes the columns of the rows that a filter, or a text such as WHERE id=3, names.",
			`I update "name" of Cassandra table "customers" set "Joe" filter by "WHERE id=3", using "shop"`, inCQL().update),
		then(`I delete from Cassandra table "{tablename}" where "{criterion}", using "{conn_name}"`, "Deletes the rows that a filter, or a text such as WHERE id=3, names.",
			`I delete from Cassandra table "customers" where "WHERE id=3", using "shop"`, inCQL().remove),
	}
}

// cassandraAddress is where Cassandra is, as far as steps have said.
type cassandraAddress struct {
	hosts   []string
	version int
	port    int
}

func setContactPoints(_ context.Context, w *World, a Args) error {
	w.cassandra.hosts = listed(a.Text(0))
	return nil
}

func setProtocolVersion(_ context.Context, w *World, a Args) error {
	version, err := a.Int(0)
	if err == nil && (version < 3 || version > 5) {
		err = fmt.Errorf("version %d of Cassandra's protocol is not understood; understood are 3, 4 and 5", version)
	}
	if err == nil {
		w.cassandra.version = version
	}
	return err
}

func setCassandraPort(_ context.Context, w *World, a Args) error {
	port, err := a.Int(0)
	if err == nil && (port < 1 || port > 65535) {
		err = fmt.Errorf("%d is no port; ports are from 1 to 65535", port)
	}
	if err == nil {
		w.cassandra.port = port
	}
	return err
}

func connectCassandra(ctx context.Context, w *World, a Args) error {
	ctx, cancel := w.limited(ctx)
	defer cancel()
	c, err := openCassandra(ctx, w.cassandra, a.Text(0), w.suite.options.Timeout)
	if err != nil {
		return err
	}
	w.OnClose(c.close)
	w.Store(a.Text(1), c)
	return nil
}

func cassandraOf(w *World, v any) (*cassandra, error) {
	return opened[*cassandra](w, v, "Cassandra", `Given I connect to keyspace "shop" as "shop"`)
}

func disconnectCassandra(_ context.Context, w *World, a Args) error {
	c, err := cassandraOf(w, a.Value(0))
	if err != nil {
		return err
	}
	return c.close()
}

func storeCQL(ctx context.Context, w *World, a Args) error {
	c, err := cassandraOf(w, a.Value(2))
	if err != nil {
		return err
	}
	at, err := a.Int(3)
	if err != nil {
		return err
	}
	ctx, cancel := w.limited(ctx)
	defer cancel()
	rows, err := c.query(ctx, a.Text(0))
	switch {
	case err != nil:
		return err
	case len(rows) == 0:
		w.Store(a.Text(1), "")
		return nil
	case at < 0:
		at += len(rows) // -1 is the last
	}
	if at < 0 || at >= len(rows) {
		return failf("the query gives %d rows, counted from 0, and none with the number %s", len(rows), a.Text(3))
	}
	var texts []string
	for _, v := range rows[at] {
		text, isText := v.(string)
		if !isText {
			text = inPython(v)
		}
		texts = append(texts, text)
	}
	w.Store(a.Text(1), strings.Join(texts, ";"))
	return nil
}

// runCQL builds a statement for the connection and runs it.
func (w *World) runCQL(ctx context.Context, conn any, build func(naming) (*statement, error)) error {
	c, err := cassandraOf(w, conn)
	if err != nil {
		return err
	}
	s, err := build(c)
	if err != nil {
		return err
	}
	ctx, cancel := w.limited(ctx)
	defer cancel()
	return c.exec(ctx, s.text.String(), s.values)
}

func inCQL() writer { return writer{cqlValues, (*World).runCQL} }

func insertCSVIntoCassandra(ctx context.Context, w *World, a Args) error {
	c, err := cassandraOf(w, a.Value(2))
	if err != nil {
		return err
	}
	f, err := w.readCSV(a.Text(0), csvLists)
	if err != nil {
		return err
	}
	ctx, cancel := w.limited(ctx)
	defer cancel()
	for _, line := range f.lines {
		s, err := insertStatement(c, a.Text(1), f.columns, line.values)
		if err == nil {
			err = c.exec(ctx, s.text.String(), s.values)
		}
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", f.name, line.number, err)
		}
	}
	return nil
}
