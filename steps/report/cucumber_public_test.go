package report_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/report"
)

// all is the sample with a feature file that cannot be read beside it.
func all() *report.Run {
	r := sample()
	r.Faults = []string{"features/broken.feature:3:5: expected a step"}
	return r
}

// What we write is valid by the schema of the Cucumber team. The schema has no embeddings, which cucumber-ruby and
// cucumber-jvm do write: they are taken out before.
func TestCucumberIsValidByThePublishedSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("testdata/cucumber-json/cucumber-ruby-7.schema.json")
	require.NoError(t, err)
	features := cucumber(t, all())
	for _, f := range features {
		for _, e := range at(t, f, "elements").([]any) {
			for _, s := range at(t, e, "steps").([]any) {
				delete(s.(map[string]any), "embeddings")
			}
		}
	}
	require.NoError(t, schema.Validate(features))

	at(t, features, 1, "elements", 0, "steps", 0, "result").(map[string]any)["status"] = "flaky"
	require.ErrorContains(t, schema.Validate(features), "value must be one of 'passed', 'failed', 'skipped', 'undefined', 'pending'", "it says no to what is wrong")
}

// generate has multiple-cucumber-html-reporter read the reports of a folder and keep what it has understood.
const generate = `require("multiple-cucumber-html-reporter").generate({
	jsonDir: process.argv[1], reportPath: process.argv[2], saveCollectedJSON: true, disableLog: true,
})`

// What we write is read by a reporter that others wrote, and it counts as we do.
func TestCucumberIsReadByAPublicReporter(t *testing.T) {
	root, err := exec.Command("npm", "root", "--global").Output()
	modules := strings.TrimSpace(string(root))
	if err == nil {
		_, err = os.Stat(filepath.Join(modules, "multiple-cucumber-html-reporter"))
	}
	if err != nil && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "cucumber-reporter") {
		t.Skipf("it takes node, npm and: npm install --global multiple-cucumber-html-reporter@3.10.0 (%v)", err)
	}
	require.NoError(t, err, "npm install --global multiple-cucumber-html-reporter@3.10.0")
	in, out := t.TempDir(), t.TempDir()
	file, err := os.Create(filepath.Join(in, "cucumber.json"))
	require.NoError(t, err)
	require.NoError(t, report.WriteCucumber(file, all()))
	require.NoError(t, file.Close())
	reporter := exec.Command("node", "-e", generate, in, out)
	reporter.Env = append(os.Environ(), "NODE_PATH="+modules)
	said, err := reporter.CombinedOutput()
	require.NoError(t, err, string(said))

	text, err := os.ReadFile(filepath.Join(out, "enriched-output.json"))
	require.NoError(t, err)
	type counts struct{ Passed, Failed, NotDefined, Skipped, Total int }
	var read struct {
		Scenarios counts
		Features  []struct {
			Name      string
			Scenarios counts
		}
	}
	require.NoError(t, json.Unmarshal(text, &read))
	assert.Equal(t, counts{Passed: 3, Failed: 2, NotDefined: 1, Skipped: 1, Total: 7}, read.Scenarios)
	byName := map[string]counts{}
	for _, f := range read.Features {
		byName[f.Name] = f.Scenarios
	}
	assert.Equal(t, map[string]counts{
		"features/broken.feature": {Failed: 1, Total: 1},
		"Names":                   {Passed: 2, Failed: 1, NotDefined: 1, Total: 4},
		"Orders":                  {Passed: 1, Skipped: 1, Total: 2},
	}, byName)

	pages, err := filepath.Glob(filepath.Join(out, "features", "*-names.html"))
	require.NoError(t, err)
	require.Len(t, pages, 1)
	page, err := os.ReadFile(pages[0])
	require.NoError(t, err)
	for _, want := range []string{"Each name (row 1)", "the reply is not that document", "404 Not Found", "curl -i -X GET"} {
		assert.Contains(t, string(page), want)
	}
}
