package steps_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
)

// scenarioRow is a scenario, and what must fail in it; nothing where it is to pass.
type scenarioRow struct{ name, text, fault string }

// checkScenarios runs the rows in one feature, side by side.
func checkScenarios(t *testing.T, rows []scenarioRow, options steps.Options) []*report.Scenario {
	t.Helper()
	var text strings.Builder
	text.WriteString("Feature: SQL\n")
	for _, row := range rows {
		fmt.Fprintf(&text, "  Scenario: %s\n    %s\n", row.name, strings.ReplaceAll(row.text, "\n", "\n    "))
	}
	scenarios := runFile(t, text.String(), options)
	require.Len(t, scenarios, len(rows))
	for i, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			text, _ := failuresOf(scenarios[i])
			if row.fault == "" {
				assert.Equal(t, report.Passed, scenarios[i].Status, "%s", text)
				return
			}
			assert.Equal(t, report.Failed, scenarios[i].Status)
			assert.Contains(t, text, row.fault)
		})
	}
	return scenarios
}

func TestSQLGiven(t *testing.T) {
	const db = "Given I connect to \"sqlite://\" as \"db\"\n"
	stored := func(sql, then string) string {
		return db + fmt.Sprintf("Given I store %q query result under \"x\", using \"#db\"\nThen %s", sql, then)
	}
	filtered := func(filter, text string) string {
		return "Given I store filter " + filter + " under \"f\"\nThen variable \"#f\" is a string \"" + text + "\""
	}
	checkScenarios(t, []scenarioRow{
		{"one row is its first column", stored("SELECT 7, 8", `variable "#x" is an integer "7"`), ""},
		{"a text", stored("SELECT 'Sean'", `variable "#x" is a string "Sean"`), ""},
		{"a date", stored("SELECT date('2026-01-31')", `variable "#x" is a string "2026-01-31"`), ""},
		{"inside a text", stored("SELECT 7", `SQL "SELECT #{x} + 1" is equal to "[(8,)]", using "#db"`), ""},
		{"several rows are a list", stored("SELECT 1, 'a' UNION SELECT 2, NULL", `SQL "SELECT 1, 'a' UNION SELECT 2, NULL" is equal to "#x", using "#db"`), ""},
		{"no rows are an empty list", stored("SELECT 1 WHERE false", `SQL "SELECT 1 WHERE false" is equal to "#x", using "#db"`), ""},
		{"no query", stored("CREATE TABLE t (n integer)", `SQL "SELECT 1" is equal to "[(1,)]", using "#db"`), "to change rows, use the steps that begin with: Then I insert, I update, I delete"},
		{"no SQL", stored("SELEC", `SQL "SELECT 1" is equal to "[(1,)]", using "#db"`), "sqlite://: "},

		{"a database in memory is its connection's", db + "Given I connect to \"sqlite://\" as \"other\"\n" +
			"Then I create SQL table \"t\" and insert data from csv \"data/plain.csv\", using \"#db\"\n" +
			"And SQL \"SELECT count(*) FROM sqlite_schema\" is equal to \"[(0,)]\", using \"#other\"", ""},
		{"an unknown database", `Given I connect to "oracle://u:hush-hush@h/db" as "db"`, `no database is called "oracle"`},
		{"an unknown option", `Given I connect to "postgresql://u:hush-hush@h/db?fast=1" as "db"`, `postgresql://u@h/db: the option "fast" is not understood`},

		{"a filter", filtered(`"name" is "equal to" "Sean" "AND"`, `WHERE name='Sean'`), ""},
		{"its signs", filtered(`"a, b, c, d, e, f" is "equal to, not equal to, less than, greater than, less or equal to, greater or equal to" "1, 2, 3, 4, 5, 6" "AND"`,
			`WHERE a='1' AND b!='2' AND c<'3' AND d>'4' AND e<='5' AND f>='6'`), ""},
		{"quotes in it", filtered(`"two words, "Name"" is "equal to, equal to" "O'Neill, say "x"" "or"`, `WHERE "two words"='O''Neill' OR "Name"='say "x"'`), ""},
		{"an operator for each gap", filtered(`"a, b, c" is "equal to, equal to, equal to" "1, 2, 3" "AND, OR"`, `WHERE a='1' AND b='2' OR c='3'`), ""},
		{"an operator for each column", filtered(`"a, b, c" is "equal to, equal to, equal to" "1, 2, 3" "AND, OR, AND"`, `WHERE a='1' OR b='2' AND c='3'`), ""},
		{"an operator that is not needed", filtered(`"a" is "equal to" "1" "none"`, `WHERE a='1'`), ""},
		{"what would be filled in elsewhere", filtered(`"a" is "equal to" "#x" "AND"`, `WHERE a='#x'`), ""},
		{"an unknown sign", filtered(`"a" is "like" "1" "AND"`, "x"), `no sign is called "like"; there are: equal to, greater or equal to, greater than, less or equal to, less than, not equal to`},
		{"an unknown operator", filtered(`"a, b" is "equal to, equal to" "1, 2" "XOR"`, "x"), `"XOR" is no operator between conditions; there are: AND, OR, AND NOT, OR NOT`},
		{"too few signs", filtered(`"a, b" is "equal to" "1, 2" "AND"`, "x"), `1 signs for 2 columns`},
		{"too few values", filtered(`"a, b" is "equal to, equal to" "1" "AND"`, "x"), `1 values for 2 columns`},
		{"inside a statement", db + "Then I create SQL table \"t\" and insert data from csv \"data/plain.csv\", using \"#db\"\n" +
			"Given I store filter \"col1\" is \"equal to\" \"Sean\" \"AND\" under \"f\"\nThen SQL \"SELECT col0 FROM t #{f}\" is equal to \"[('1',)]\", using \"#db\"", ""},
	}, steps.Options{})
	checkScenarios(t, []scenarioRow{
		{"too late", db + "Then SQL \"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n\" is equal to \"[]\", using \"#db\"", "sqlite://: no answer within 300ms"},
	}, steps.Options{Timeout: 300 * time.Millisecond})
}

func TestSQLPasswordsAreMasked(t *testing.T) {
	t.Setenv("SQL", "postgresql://parley:hush%2Dhush@127.0.0.1:1/db")
	scenarios := checkScenarios(t, []scenarioRow{
		{"by a variable", "Given I connect to \"$SQL\" as \"db\"", "refused"},
		{"in the line", "Given I connect to \"mysql://u:s3cret-word@127.0.0.1:1/hush-hush\" as \"db\"", "refused"},
	}, steps.Options{})
	for _, s := range scenarios {
		text, _ := failuresOf(s)
		assert.NotContains(t, text, "hush-hush")
		assert.NotContains(t, text, "hush%2Dhush")
		assert.NotContains(t, text, "s3cret-word")
	}
}
