package run_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

const passes = "Feature: f\n  Scenario: s\n    Given I store \"x\" under \"y\"\n"

// TestFilesThatCannotBeUnderstood: each is named with what is wrong and where, and the others run all the same.
func TestFilesThatCannotBeUnderstood(t *testing.T) {
	rows := []struct{ name, text, want string }{
		{"a word that is none of Gherkin", "Feature: f\n  Scenario: s\n    Given I store \"x\" under \"y\"\n    nonsense\n", `a.feature:4:5: expected the end of the file, `},
		{"no feature", "hello\n", `a.feature:1:1: a feature file begins with "Feature:" and its name, not with 'hello'`},
		{"a text that does not end", "Feature: f\n  Scenario: s\n    Given x\n    \"\"\"\n    open\n", `a.feature:6:1: the file ends, expected """, text`},
		{"a language that nobody speaks", "# language: xx\nFeature: f\n", `a.feature:1:1: there is no language xx; write its code, such as: # language: pl`},
		{
			"rows that differ", "Feature: f\n  Scenario Outline: s\n    Given x\n    Examples:\n      | a | b |\n      | 1 |\n",
			`a.feature:6:7: the row has another number of cells than the first of its table`,
		},
		{"letters of another encoding", "Feature: f\n  Scenario: \xfcber\n", `a.feature:2:13: the byte 0xFC is no UTF-8; save the file in UTF-8`},
		{"an outline without examples", "Feature: f\n  Scenario Outline: s\n    Given x \"<a>\"\n", `a.feature:2:3: scenario outline "s" has no row of examples, so it proves nothing`},
		{"one in another language", "# language: pl\nFunkcja: f\n  Szablon scenariusza: s\n    Zakładając x \"<a>\"\n", `a.feature:3:3: szablon scenariusza "s" has no row of examples`},
		{
			"examples without a row, in a rule", "Feature: f\n  Rule: r\n    Scenario: s\n      Given x\n      Examples:\n        | a |\n",
			`a.feature:3:5: scenario "s" has no row of examples, so it proves nothing`,
		},
		{
			"a scenario that is described only", "Feature: f\n  Scenario: s\n    I store \"x\"\n",
			`a.feature:2: scenario "s" has no steps, so it proves nothing; "I store \"x\"" is a description: steps begin with Given, When, Then, And, But or *`,
		},
		{"a scenario without steps", "Feature: f\n  Scenario: s\n", `a.feature:2: scenario "s" has no steps, so it proves nothing`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			done, err := run.Features(t.Context(), run.Options{Paths: []string{"."}, FS: files(row.text, passes)})
			require.NoError(t, err)
			require.Len(t, done.Faults, 1)
			assert.Contains(t, done.Faults[0], row.want)
			assert.Equal(t, report.Counts{Passed: 1}, done.Scenarios(), "the other file ran, and nothing of this one")
			assert.False(t, done.Passed())
		})
	}
}

func TestFilesOfWindowsAreRead(t *testing.T) {
	text := "\ufeffFeature: f\r\n  Scenario: s\r\n    Given I store \"x\" under \"y\"\r\n"
	done, err := run.Features(t.Context(), run.Options{Paths: []string{"."}, FS: files(text)})
	require.NoError(t, err)
	assert.True(t, done.Passed(), done.Faults)
}

func TestPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	require.NoError(t, err)
	for name, text := range map[string]string{
		"p/a.feature": passes + "\n  Scenario: t\n    Given I store \"x\" under \"y\"\n", "p/b.feature": passes, "q/readme.txt": "", "p/c:7": passes, "none.feature": "Feature: f\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	require.NoError(t, os.Symlink("a.feature", "p/link.feature"))
	rows := []struct {
		name  string
		paths []string
		want  int // scenarios
		err   string
	}{
		{"a folder, a link in it is the same file", []string{"p"}, 3, ""},
		{"the same again", []string{"p", "./p", "p/", "p/a.feature", filepath.Join(here, "p"), filepath.Join(here, "p", "b.feature")}, 3, ""},
		{"a line", []string{"p/a.feature:2"}, 1, ""},
		{"two lines, one of them by the absolute path", []string{"p/a.feature:2", filepath.Join(here, "p", "a.feature:5")}, 2, ""},
		{"a line of a file that is run as a whole", []string{"p/a.feature:2", "p/a.feature"}, 2, ""},
		{"a file that is called like a line", []string{"p/c:7"}, 1, ""},
		{"a line without a scenario, beside one with", []string{"p/b.feature", "p/a.feature:2:99"}, 0, "nothing to run: p/a.feature:2:99: no scenario is on line 99; they begin on 2, 5"},
		{"a line too large for a number", []string{"p/a.feature:99999999999999999999"}, 0, "no scenario is on line -1"},
		{"a line of a file without scenarios", []string{"none.feature:1"}, 0, "nothing to run: none.feature:1: the file has no scenarios"},
		{"a line of a folder", []string{"p:3"}, 0, "p:3: lines are those of a file, and p is a folder"},
		{"a folder without features, beside one with", []string{"p", "q"}, 0, "nothing to run: no feature file was found in q"},
		{"a folder without features", []string{"q"}, 0, "nothing to run: no scenario was found in q"},
		{"nothing there", []string{"p", "r"}, 0, "r: there is no such file or folder"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			done, err := run.Features(t.Context(), run.Options{Paths: row.paths})
			if row.err != "" {
				require.ErrorContains(t, err, row.err)
				return
			}
			require.NoError(t, err)
			assert.True(t, done.Passed())
			assert.Equal(t, row.want, done.Scenarios().Total())
		})
	}

	t.Run("where it is allowed", func(t *testing.T) {
		done, err := run.Features(t.Context(), run.Options{Paths: []string{"p/b.feature", "q", "p/a.feature:2:99"}, AllowEmpty: true})
		require.NoError(t, err)
		assert.Equal(t, 2, done.Scenarios().Total())
	})

	t.Run("a file that cannot be read", func(t *testing.T) {
		require.NoError(t, os.Symlink("nowhere", "p/dangling.feature"))
		done, err := run.Features(t.Context(), run.Options{Paths: []string{"p"}})
		require.NoError(t, err)
		assert.Equal(t, []string{"p/dangling.feature: it cannot be read: no such file or directory"}, done.Faults)
		assert.Equal(t, report.Counts{Passed: 3}, done.Scenarios())
		assert.False(t, done.Passed())
	})
}
