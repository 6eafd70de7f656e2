package project_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/project"
)

func TestInit(t *testing.T) {
	folder(t, nil)
	require.NoError(t, os.Mkdir("empty", 0o755))
	for _, dir := range []string{"empty", "missing/deep"} {
		made, err := project.Init(dir)
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{
			"apitest.yaml", ".gitignore", "README.md", "features/demo.feature", "features/mocks/customers.yaml",
			"features/json/request/new-customer.json", "features/json/response/customer.json",
		}, made)
		for _, name := range made {
			assert.FileExists(t, filepath.Join(dir, name))
		}
		p, err := project.Find(dir)
		require.NoError(t, err)
		assert.Equal(t, []string{dir + "/features"}, p.Features)
		assert.Equal(t, project.StateScenario, p.Settings.State)
		assert.True(t, p.Settings.IsSet("state"))
		assert.Equal(t, map[string]any{"tester": "Kim"}, p.Settings.User)
	}
}

func TestInitFaults(t *testing.T) {
	folder(t, map[string]string{"full/a.txt": "", "file": ""})
	_, err := project.Init("full")
	require.EqualError(t, err, "full is not empty, it has a.txt: name a folder that is not there yet")
	_, err = project.Init("file")
	require.ErrorContains(t, err, "file cannot be a project's folder: ")
	inside, err := os.ReadDir("full")
	require.NoError(t, err)
	assert.Len(t, inside, 1)
}

// TestEveryKeyOfInitIsUnderstood takes the # off what Init gives as examples.
func TestEveryKeyOfInitIsUnderstood(t *testing.T) {
	folder(t, nil)
	_, err := project.Init("p")
	require.NoError(t, err)
	raw, err := os.ReadFile("p/apitest.yaml")
	require.NoError(t, err)
	text := regexp.MustCompile(`(?m)^#( *[a-z_]+:)`).ReplaceAllString(string(raw), "$1")
	var s project.Settings
	features, err := project.DecodeYAML("apitest.yaml", text, environment(map[string]string{"VAULT_TOKEN": "t"}), &s)
	require.NoError(t, err)
	assert.Equal(t, []string{"features"}, features)
	for _, v := range project.Variables() {
		assert.True(t, s.IsSet(v.Setting), v.Setting)
	}
	for _, key := range project.Keys() {
		outer, inner, _ := strings.Cut(key, ".")
		assert.Regexp(t, `(?m)^ *(`+outer+"|"+inner+`x):`, text)
	}
}

// TestTheReadmeNamesAScenarioByItsLine holds that the line is one.
func TestTheReadmeNamesAScenarioByItsLine(t *testing.T) {
	folder(t, nil)
	_, err := project.Init("p")
	require.NoError(t, err)
	readme, err := os.ReadFile("p/README.md")
	require.NoError(t, err)
	feature, err := os.ReadFile("p/features/demo.feature")
	require.NoError(t, err)
	require.Contains(t, string(readme), "demo.feature:15")
	assert.Contains(t, strings.Split(string(feature), "\n")[14], "Scenario:")
}
