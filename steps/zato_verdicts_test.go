package steps_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/project"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

// zatoVerdicts is testdata/zato/verdicts.json: what zato-apitest said of the features beside it.
type zatoVerdicts struct {
	Verdicts    map[string]map[string]string `json:"verdicts"`    // by file and line
	Bugs        []zatoOther                  `json:"bugs"`        // zato-apitest fails at what its own phrase says
	Differences []zatoOther                  `json:"differences"` // ours, on purpose or known
}

// zatoOther is scenarios of which we say something else, and why.
type zatoOther struct {
	Scenarios []string `json:"scenarios"` // file:line
	Ours      string   `json:"ours"`      // a letter for each step
	Reason    string   `json:"reason"`
}

// TestZatoVerdicts runs features written for zato-apitest, in the wordings of its 1.12 and 1.13, as a project of its own
// layout, and wants of each step what zato-apitest said of it against the same server.
//
// To record what it says, give a command in PARLEY_ZATO_RECORD, such as one that runs testdata/zato/record.py: it is run
// with the server up and the environment set, and prints the verdicts.
func TestZatoVerdicts(t *testing.T) {
	server := httptest.NewServer(zatoServer())
	defer server.Close()
	for name, value := range zatoEnvironment(server.URL, t.TempDir()) {
		t.Setenv(name, value)
	}
	if command := os.Getenv("PARLEY_ZATO_RECORD"); command != "" {
		record := exec.CommandContext(t.Context(), "sh", "-c", command)
		record.Stdout, record.Stderr = os.Stdout, os.Stderr
		require.NoError(t, record.Run())
		return
	}

	var recorded zatoVerdicts
	raw, err := os.ReadFile("testdata/zato/verdicts.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &recorded))
	found, err := project.Find("testdata/zato")
	require.NoError(t, err)
	require.True(t, found.Zato, "the project is zato-apitest's")
	done, err := run.Features(t.Context(), run.Options{Paths: found.Features, Steps: steps.Options{
		Root: found.Root, State: steps.PerFeature, User: found.Settings.User,
	}, Seed: 1})
	require.NoError(t, err)
	require.Empty(t, done.Faults)

	readme, err := os.ReadFile("testdata/zato/README.md")
	require.NoError(t, err)
	for _, other := range slices.Concat(recorded.Bugs, recorded.Differences) {
		assert.Contains(t, string(readme), "| "+strings.ReplaceAll(other.Reason, "|", `\|`)+" |", "the table of README.md")
	}
	want := recorded.expected(t)
	assert.Len(t, done.Features, len(recorded.Verdicts), "feature files")
	for _, feature := range done.Features {
		file := filepath.Base(feature.Path)
		assert.Len(t, feature.Scenarios, len(recorded.Verdicts[file]), "scenarios of %s", file)
		for _, scenario := range feature.Scenarios {
			compareZato(t, fmt.Sprintf("%s:%d", file, scenario.Line), want, scenario)
		}
	}
}

// zatoEnvironment is what the features find in the environment.
func zatoEnvironment(address, folder string) map[string]string {
	return map[string]string{
		"APITEST_ADDRESS": address,
		"APITEST_SLASHED": address + "/",
		"APITEST_AUTH":    address + "/auth",
		"APITEST_FOLDER":  folder,
		"APITEST_TEXT":    "Sean",
		"APITEST_WORLD":   "World",
		"APITEST_METHOD":  "POST",
		"APITEST_DATE":    "2020-03-04",
		"APITEST_JSON":    `{"a": 1}`,
		"APITEST_SIGN":    "$x",
	}
}

// expected is a letter for each step by file:line: what was recorded, or where that is listed as another what is ours.
func (v zatoVerdicts) expected(t *testing.T) map[string]string {
	want := map[string]string{}
	for file, scenarios := range v.Verdicts {
		for line, letters := range scenarios {
			want[file+":"+line] = letters
		}
	}
	for _, other := range slices.Concat(v.Bugs, v.Differences) {
		require.NotEmpty(t, other.Reason)
		for _, at := range other.Scenarios {
			theirs, there := want[at]
			require.True(t, there, "there is no scenario at %s", at)
			require.Len(t, other.Ours, len(theirs), "letters of %s", at)
			require.NotEqual(t, theirs, other.Ours, "%s is listed, and is no difference", at)
			want[at] = other.Ours
		}
	}
	return want
}

// compareZato reports the first step of which something else was expected.
func compareZato(t *testing.T, at string, want map[string]string, scenario *report.Scenario) {
	expected, there := want[at]
	if !assert.True(t, there, "%s was not recorded", at) || !assert.Len(t, scenario.Steps, len(expected), "steps of %s", at) {
		return
	}
	for i, step := range scenario.Steps {
		ours := strings.ToUpper(string(step.Status[:1]))
		if !assert.Equal(t, expected[i:i+1], ours, "%s, step %d: %s %s %+v", at, i+1, step.Keyword, step.Text, step.Failure) {
			return
		}
	}
}
