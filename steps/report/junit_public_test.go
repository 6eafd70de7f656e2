package report_test

import (
	"bytes"
	"testing"

	gojunit "github.com/joshdk/go-junit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/report"
)

// What we write is read by a parser that others wrote.
func TestJUnitIsReadByAPublicParser(t *testing.T) {
	r := sample()
	r.Faults = []string{"features/broken.feature:3:5: expected a step"}
	var out bytes.Buffer
	require.NoError(t, report.WriteJUnit(&out, r))
	suites, err := gojunit.Ingest(out.Bytes())
	require.NoError(t, err)
	var total gojunit.Totals
	statuses := map[string]gojunit.Status{}
	for _, s := range suites {
		total.Tests += s.Totals.Tests
		total.Passed += s.Totals.Passed
		total.Failed += s.Totals.Failed
		total.Error += s.Totals.Error
		total.Skipped += s.Totals.Skipped
		for _, test := range s.Tests {
			statuses[test.Classname+": "+test.Name] = test.Status
		}
	}
	assert.Equal(t, gojunit.Totals{Tests: 7, Passed: 3, Failed: 2, Error: 1, Skipped: 1}, total)
	assert.Equal(t, map[string]gojunit.Status{
		"Feature files: features/broken.feature:3:5": gojunit.StatusError,
		"Names: Good":              gojunit.StatusPassed,
		"Names: Bad <script>":      gojunit.StatusFailed,
		"Names: Each name (row 1)": gojunit.StatusPassed,
		"Names: Each name (row 2)": gojunit.StatusFailed,
		"Orders: Shaky":            gojunit.StatusPassed,
		"Orders: Not begun":        gojunit.StatusSkipped,
	}, statuses)
	assert.Equal(t, sample().Features[0].Scenarios[1].Text(), suites[1].Tests[1].Error.Error())
}
