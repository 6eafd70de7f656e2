package steps_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
)

const inCassandra = "Given Cassandra contact points \"127.0.0.1\"\nAnd Cassandra port \"$CASSANDRA\"\nAnd I connect to keyspace \"shop\" as \"db\"\n"

func cassandraRows() []thenRow {
	const (
		insert = ` of Cassandra table "customers", using "db"`
		sean   = inCassandra + `Then I insert "1, Sean" into "id, name"` + insert + "\n"
	)
	// has is a query's row, as a text.
	has := func(cql, want string) string {
		return "\nGiven I store CQL query result \"" + cql + "\" under \"row\", using \"db\", idx \"0\"\nThen variable \"#row\" is a string \"" + want + "\""
	}
	none := func(cql string) string {
		return "\nGiven I store CQL query result \"" + cql + "\" under \"row\", using \"db\", idx \"0\"\nThen variable \"#row\" is a string \"x\""
	}
	return []thenRow{
		{inCassandra, `I disconnect from Cassandra "db"`, ""},
		{inCassandra, `I disconnect from Cassandra "#db"`, ""},
		{inCassandra, `I disconnect from Cassandra "nothing"`, "no connection to Cassandra is called \"nothing\"\n  there are: db"},
		{"Given URL path \"/\"\n", `I disconnect from Cassandra "db"`, `make one with: Given I connect to keyspace "shop" as "shop"`},
		{inCassandra + "Then I disconnect from Cassandra \"db\"\n", `I insert "1" into "id"` + insert, "the connection to keyspace shop of Cassandra at 127.0.0.1, port "},

		{inCassandra, `I insert "3, Joe" into "id, name"` + insert + has("SELECT id, name, age FROM customers", "3;Joe;None"), ""},
		{inCassandra, `I insert "3,O'Neill ? x" into "ID,Name"` + insert + has("SELECT name FROM customers", "O'Neill ? x"), ""},
		{inCassandra, `I insert "3, 'a, b', ['x', "y"]" into "id, name, tags"` + insert + has("SELECT name, tags FROM customers", "a, b;['x', 'y']"), ""},
		{inCassandra, `I insert "3, None, 7" into "id, name, "Two Words""` + insert + has(`SELECT name, "Two Words" FROM customers`, "None;7"), ""},
		{inCassandra, `I insert "3, Joe, Oslo" into "id, name"` + insert, "3 values for 2 columns; a comma stands between values: 3, Joe, Oslo"},
		{inCassandra, `I insert "three, Joe" into "id, name"` + insert, `column id: "three" is no int`},
		{inCassandra, `I insert "3, x" into "id, tags"` + insert, "column tags: not a Python value"},
		{inCassandra, `I insert "3, Joe" into "id, nobody"` + insert, "Undefined column name nobody"},
		{inCassandra, `I insert "Joe" into "name"` + insert, "Some partition key parts are missing: id"},

		{sean, `I update "name, age" of Cassandra table "customers" set "Joe, 42" filter by "WHERE id=1", using "db"` + has("SELECT name, age FROM customers", "Joe;42"), ""},
		{
			sean + "Given I store filter \"id\" is \"equal to\" \"1\" \"AND\" under \"first\"\n",
			`I update "city" of Cassandra table "customers" set "Oslo, Norway" filter by "#first", using "db"` + has("SELECT city FROM customers", "Oslo, Norway"), "",
		},
		{sean, `I update "name" of Cassandra table "customers" set "Joe" filter by "WHERE name='Sean'", using "db"`, "Some partition key parts are missing: id"},
		{sean, `I update "age" of Cassandra table "customers" set "old" filter by "WHERE id=1", using "db"`, `column age: "old" is no int`},

		{sean, `I delete from Cassandra table "customers" where "WHERE id=1", using "db"` + none("SELECT id FROM customers"), "expected: \"x\"\n  got:      \"\""},
		{sean, `I delete from Cassandra table "customers" where "id=2", using "db"` + has("SELECT id FROM customers", "1"), ""},
		{sean, `I delete from Cassandra table "nothing" where "WHERE id=1", using "db"`, "unconfigured table nothing"},
	}
}

func TestThenCassandra(t *testing.T) {
	var text strings.Builder
	text.WriteString("Feature: Cassandra\n")
	rows := cassandraRows()
	for i, row := range rows {
		server := startCassandra(t)
		t.Setenv(fmt.Sprintf("CASSANDRA_%d", i), strconv.Itoa(server.port()))
		lines := strings.ReplaceAll(row.before+"Then "+row.line, "$CASSANDRA", fmt.Sprintf("$CASSANDRA_%d", i))
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

func TestCassandraGiven(t *testing.T) {
	server := startCassandra(t)
	t.Setenv("CASSANDRA", strconv.Itoa(server.port()))
	stored := func(idx, then string) string {
		return inCassandra + "Given I insert data from CSV \"data/cassandra.csv\" to Cassandra table \"customers\", using \"db\"\n" +
			"And I store CQL query result \"SELECT id, name, age, tags FROM customers\" under \"row\", using \"db\", idx \"" + idx + "\"\nThen " + then
	}
	is := func(want string) string { return `variable "#row" is a string "` + want + `"` }
	connect := func(before string) string { return before + "Given I connect to keyspace \"shop\" as \"db\"" }
	checkScenarios(t, []scenarioRow{
		{"a row of a file", stored("0", is("1;Sean;42;['a', 'b']")), ""},
		{"a row with nothing in it", stored("1", is("2;;None;None")), ""},
		{"the last row", stored("-1", is("3;Joe, Jr;None;['c']")), ""},
		{"no such row", stored("3", is("x")), "the query gives 3 rows, counted from 0, and none with the number 3"},
		{"no number", stored("first", is("x")), `"first" is not a whole number`},
		{"no rows", inCassandra + "Given I store CQL query result \"SELECT * FROM customers WHERE id=99\" under \"row\", using \"db\", idx \"0\"\n" +
			"And I store \"[#{row}]\" under \"row\"\nThen " + is("[]"), ""},
		{"no CQL", inCassandra + `Given I store CQL query result "SELEC 1" under "row", using "db", idx "0"`, "no viable alternative at input 'SELEC'"},
		{"a file with a line that is refused", inCassandra + `Given I insert data from CSV "data/mistyped.csv" to Cassandra table "customers", using "db"`, `data/mistyped.csv, line 2: `},
		{"a file that is not there", inCassandra + `Given I insert data from CSV "data/none.csv" to Cassandra table "customers", using "db"`, `no file "data/none.csv"`},
		{"a version that is right", connect("Given Cassandra protocol version \"4\"\nAnd Cassandra port \"$CASSANDRA\"\n"), ""},
		{"a version that the server has not", connect("Given Cassandra protocol version \"3\"\nAnd Cassandra port \"$CASSANDRA\"\n"), "protocol version"},
		{"a version that nobody has", `Given Cassandra protocol version "2"`, "version 2 of Cassandra's protocol is not understood; understood are 3, 4 and 5"},
		{"no version", `Given Cassandra protocol version "new"`, `"new" is not a whole number`},
		{"no port", `Given Cassandra port "0"`, "0 is no port; ports are from 1 to 65535"},
		{"another keyspace", "Given Cassandra port \"$CASSANDRA\"\nAnd I connect to keyspace \"nothing\" as \"db\"", "keyspace nothing of Cassandra at 127.0.0.1, port "},
		{"nobody listens", connect("Given Cassandra port \"1\"\n"), "keyspace shop of Cassandra at 127.0.0.1, port 1: "},
		{"a host of several", connect("Given Cassandra contact points \"127.0.0.2, 127.0.0.1\"\nAnd Cassandra port \"$CASSANDRA\"\n"), ""},
	}, steps.Options{})
	assert.NotZero(t, server.refused, "the driver asks for version 5 first")
	require.Eventually(t, func() bool { return server.open() == 0 }, time.Minute, time.Millisecond, "connections are closed with their scenario")
}

// TestCassandraThatDoesNotAnswer holds that connecting ends in time where a server takes connections and says nothing.
func TestCassandraThatDoesNotAnswer(t *testing.T) {
	var c net.ListenConfig
	l, err := c.Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	t.Setenv("CASSANDRA", port)
	began := time.Now()
	checkScenarios(t, []scenarioRow{{"silence", strings.TrimSuffix(inCassandra, "\n"), "no answer within 200ms"}}, steps.Options{Timeout: 200 * time.Millisecond})
	assert.Less(t, time.Since(began), 30*time.Second, "the driver's own limit is a minute")
}

// kindRow is a column of a type, a value as a step writes it, and what a query says it is.
type kindRow struct{ column, kind, value, want string }

func cassandraKinds() []kindRow {
	return []kindRow{
		{"c_ascii", "ascii", "abc", "abc"},
		{"c_bigint", "bigint", "-9223372036854775808", "-9223372036854775808"},
		{"c_blob", "blob", "0x00ff", `\x00ff`},
		{"c_blob2", "blob", "text", "text"},
		{"c_boolean", "boolean", "True", "True"},
		{"c_decimal", "decimal", "1.50", "1.50"},
		{"c_double", "double", "0.1", "0.1"},
		{"c_float", "float", "0.1", "0.1"},
		{"c_int", "int", "-7", "-7"},
		{"c_timestamp", "timestamp", "2026-01-31 10:42:14.25", "2026-01-31T10:42:14.25+00:00"},
		{"c_timestamp2", "timestamp", "1769856134000", "2026-01-31T10:42:14+00:00"},
		{"c_uuid", "uuid", "6f1ed002-ab5d-4d7b-8f9f-0242ac110002", "6f1ed002-ab5d-4d7b-8f9f-0242ac110002"},
		{"c_text", "text", "ü 7", "ü 7"},
		{"c_varint", "varint", "123456789012345678901234567890", "123456789012345678901234567890"},
		{"c_inet", "inet", "10.0.0.1", "10.0.0.1"},
		{"c_date", "date", "2026-01-31", "2026-01-31"},
		{"c_time", "time", "10:42:14.25", "10:42:14.25"},
		{"c_smallint", "smallint", "300", "300"},
		{"c_tinyint", "tinyint", "-128", "-128"},
		{"c_list", "list<int>", "[1, 2]", "[1, 2]"},
		{"c_set", "set<text>", "{'a', 'b'}", "['a', 'b']"},
		{"c_map", "map<text, int>", "{'b': 2, 'a': 1}", "{'a': 1, 'b': 2}"},
		{"c_map2", "map<int, date>", "{7: '2026-01-31'}", "{'7': '2026-01-31'}"},
		{"c_address", "address", "{'street': 'Main', 'number': 7}", "{'number': 7, 'street': 'Main'}"},
		{"c_none", "int", "None", "None"},
		{"c_empty", "list<int>", "[]", "[]"},
	}
}

func TestCassandraKinds(t *testing.T) {
	t.Setenv("CASSANDRA", strconv.Itoa(startCassandra(t).port()))
	var rows []scenarioRow
	for i, k := range cassandraKinds() {
		rows = append(rows, scenarioRow{k.column, fmt.Sprintf("%sThen I insert \"%d, %s\" into \"id, %s\" of Cassandra table \"kinds\", using \"db\"\n"+
			"Given I store CQL query result \"SELECT %s FROM kinds WHERE id=%d\" under \"x\", using \"db\", idx \"0\"\nThen variable \"#x\" is a string \"%s\"",
			inCassandra, i, k.value, k.column, k.column, i, k.want), ""})
	}
	for _, wrong := range []struct{ column, value, fault string }{
		{"c_int", "2147483648", `column c_int: "2147483648" is no int`},
		{"c_tinyint", "128", `"128" is no tinyint`},
		{"c_boolean", "perhaps", `"perhaps" is no boolean`},
		{"c_uuid", "7", `"7" is no uuid`},
		{"c_blob", "0xg", `"0xg" is no blob`},
		{"c_timestamp", "soon", `"soon" is no timestamp`},
		{"c_date", "soon", `"soon" is no date`},
		{"c_time", "25:00", `"25:00" is no time`},
		{"c_decimal", "1,5", `"1,5" is no decimal`},
		{"c_varint", "1.5", `"1.5" is no varint`},
		{"c_double", "x", `"x" is no double`},
		{"c_list", "{'a': 1}", `{'a': 1} is no list`},
		{"c_list", "['x']", `"x" is no int`},
		{"c_map", "[1]", `[1] is no map`},
		{"pair", "(1, 'x')", "column pair: it is a tuple, which these steps cannot write"},
		{"c_address", "[1]", `[1] is no user-defined type`},
		{"c_address", "{'number': 'x'}", `number: "x" is no int`},
	} {
		rows = append(rows, scenarioRow{
			wrong.column + " " + wrong.value,
			fmt.Sprintf("%sThen I insert \"1, %s\" into \"id, %s\" of Cassandra table \"%s\", using \"db\"", inCassandra, wrong.value, wrong.column,
				map[bool]string{true: "pairs", false: "kinds"}[wrong.column == "pair"]), wrong.fault,
		})
	}
	rows = append(rows, scenarioRow{"a tuple that is there", inCassandra + `Given I store CQL query result "SELECT pair, no_pair FROM pairs" under "x", using "db", idx "0"` +
		"\nThen variable \"#x\" is a string \"[7, 'x'];None\"", ""})
	checkScenarios(t, rows, steps.Options{})
}
