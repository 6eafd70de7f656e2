package run_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

// TestAllMismatchesAreTold: the checks behind one that failed are skipped, as ever, and those that do not hold either say so.
func TestAllMismatchesAreTold(t *testing.T) {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests++
		_, _ = w.Write([]byte(`{"name": "Sean", "age": 42}`))
	}))
	t.Cleanup(server.Close)
	feature := `Feature: f
  Scenario: several checks do not hold
    Given address "` + server.URL + `"
    When the URL is invoked
    Then status is "404"
    And path "/name" is "Sean"
    And path "/age" is an integer "43"
    And path "/name" is "Joe" within 5 seconds
    And path "/name" is "#nothing stored"
    And I store "/name" from response under "name"
    And path "/name" is "Joe"

  Scenario: what is no check fails
    Given address "` + server.URL + `"
    When the URL is invoked
    Given I store "x" under "#y"
    Then status is "404"
`
	done, err := run.Features(t.Context(), run.Options{Paths: []string{"."}, FS: files(feature), Parallel: 1})
	require.NoError(t, err)
	steps := done.Features[0].Scenarios[0].Steps
	told := map[string]string{}
	for _, s := range steps {
		if s.Failure != nil {
			told[s.Text] = s.Failure.Text()
		}
	}
	assert.Contains(t, told[`status is "404"`], "GET "+server.URL)
	delete(told, `status is "404"`)
	assert.Equal(t, map[string]string{
		`path "/age" is an integer "43"`:         "this does not hold either: JSON Pointer \"/age\" is not what was expected\n  expected: 43\n  got:      42",
		`path "/name" is "Joe" within 5 seconds`: "this does not hold either: JSON Pointer \"/name\" is not what was expected\n  expected: \"Joe\"\n  got:      \"Sean\"",
	}, told)
	assert.Equal(t, 2, requests, "nothing is sent again for it")
	assert.Equal(t, report.Counts{Passed: 4, Failed: 2, Skipped: 7}, done.Steps(), "the verdict is that of the first")
	assert.Nil(t, done.Features[0].Scenarios[1].Steps[3].Failure)

	for name, write := range map[string]func(*bytes.Buffer) error{
		"junit": func(b *bytes.Buffer) error { return report.WriteJUnit(b, done) }, "html": func(b *bytes.Buffer) error { return report.WriteHTML(b, done) },
		"cucumber": func(b *bytes.Buffer) error { return report.WriteCucumber(b, done) }, "github": func(b *bytes.Buffer) error { return report.WriteGitHub(b, done) },
	} {
		out := &bytes.Buffer{}
		require.NoError(t, write(out))
		assert.Contains(t, out.String(), "this does not hold either", name)
	}
}
