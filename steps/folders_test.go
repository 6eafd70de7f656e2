package steps_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/run"
)

// TestFilesAreFoundUpToTheRoot runs a feature two folders below the one in which its data is, from there and from above.
func TestFilesAreFoundUpToTheRoot(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"p/mocks/customers.yaml": customerStubs,
		"p/a/b/c.feature":        "Feature: a\n  Scenario: b\n    Given an HTTP mock from \"mocks/customers.yaml\"\n    Then the HTTP mock received 0 requests\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	rows := []struct {
		name, from, path, root string
		found                  bool
	}{
		{"from above", "", "p/a/b/c.feature", "p", true},
		{"from the root", "p", "a/b/c.feature", ".", true},
		{"from between", "p/a", "b/c.feature", "..", true},
		{"from beside the file", "p/a/b", "c.feature", "../..", true},
		{"absolute", "", filepath.Join(dir, "p/a/b/c.feature"), filepath.Join(dir, "p"), true},
		{"not above the root", "", "p/a/b/c.feature", "p/a", false},
		{"not above a root that is above", "p/a/b", "c.feature", "..", false},
		{"beside only", "p/a/b", "c.feature", "", false},
		{"a root that is elsewhere", "p/a/b", "c.feature", "x", false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Chdir(filepath.Join(dir, row.from))
			done, err := run.Features(t.Context(), run.Options{Paths: []string{row.path}, Steps: steps.Options{Root: row.root}})
			require.NoError(t, err)
			assert.Equal(t, row.found, done.Passed(), failures(done))
		})
	}
}
