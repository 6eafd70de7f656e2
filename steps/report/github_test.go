package report_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/report"
)

func github(t *testing.T, r *report.Run) []string {
	var out bytes.Buffer
	require.NoError(t, report.WriteGitHub(&out, r))
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestGitHub(t *testing.T) {
	r := sample()
	r.Faults = []string{"features/broken.feature:3:5: expected a step, got 'x'"}
	r.Features[0].Scenarios[1].Name = "100 %: bad, very\nbad"
	assert.Equal(t, []string{
		`::error file=features/broken.feature,line=3,col=5,title=Feature file::expected a step, got 'x'`,
		`::error file=features/names.feature,line=16,title=100 %25%3A bad%2C very::Then JSON is equal to%0Athe reply is not that document (still so after 2 seconds)` +
			`%0A  at /name%0A    expected: "Joe"%0A    got:      "Sean"%0A  at /age%0A    expected: (nothing)%0A    got:      7%0A  set are: name, age` +
			`%0Acurl -i -X GET 'http://127.0.0.1:8080/names?a=1&b=2' -u joe:"$PASSWORD"`,
		`::error file=features/names.feature,line=27,title=Each name (row 2)::UNDEFINED%0AGiven the requst is sent%0Ano step reads like this%0A  did you mean: When the request is sent`,
		`::warning file=features/my orders.feature,line=3,title=Shaky::FLAKY: passed in attempt 2%0Aattempt 1 failed: no reply from 127.0.0.1:1: connection refused (tried for 1.00 s)`,
	}, github(t, r))
}

func TestGitHubOfARunThatPassedIsNothing(t *testing.T) {
	assert.Equal(t, []string{""}, github(t, many(1, 3)))
}

func TestGitHubOfAnInterruptedRun(t *testing.T) {
	r := many(1, 1)
	r.Interrupted = true
	assert.Equal(t, []string{"::error title=Interrupted::the run was interrupted: scenarios that had not begun by then are skipped"}, github(t, r))
}

func TestGitHubIsGivenTenOfAKind(t *testing.T) {
	r := many(1, 30)
	for i, s := range r.Features[0].Scenarios {
		s.Name = fmt.Sprint(i)
		switch {
		case i < 13:
			s.Status = report.Failed
		case i < 24:
			s.Status = report.Flaky
		}
	}
	lines := github(t, r)
	require.Len(t, lines, 21)
	assert.Contains(t, lines[9], "::error file=features/fa.feature,line=66,title=9::")
	assert.Contains(t, lines[10], "::warning file=features/fa.feature,line=94,title=13::")
	assert.Contains(t, lines[20], "::notice title=apitest::4 more failed or were flaky: GitHub shows no more than 10 of a kind")
}

func summary(t *testing.T, r *report.Run) string {
	var out bytes.Buffer
	require.NoError(t, report.WriteSummary(&out, r))
	return out.String()
}

func TestSummary(t *testing.T) {
	r := sample()
	r.Faults = []string{"features/broken.feature:3:5: expected ```"}
	text := summary(t, r)
	assert.True(t, strings.HasPrefix(text, "### ❌ Failed: 6 scenarios: 2 passed, 1 failed, 1 undefined, 1 flaky, 1 skipped\n\n"), text)
	assert.Contains(t, text, "\n| scenarios | 6 | 2 | 1 | 1 | 1 | 1 |\n")
	assert.Contains(t, text, "\n````text\nfeatures/broken.feature:3:5: expected ```\n````\n", "a fence longer than what is within")
	assert.Contains(t, text, "<details><summary>❌ Names: Bad &lt;script&gt; <code>features/names.feature:12</code></summary>\n\n```text\n✗ Bad <script>")
	assert.Contains(t, text, "<details><summary>⚠️ Orders: Shaky <code>features/my orders.feature:3</code></summary>")
	assert.NotContains(t, text, "Good")

	assert.True(t, strings.HasPrefix(summary(t, many(1, 2)), "### ✅ Passed: 2 scenarios: 2 passed\n"))
	r = many(1, 2)
	r.Interrupted = true
	assert.True(t, strings.HasPrefix(summary(t, r), "### ❌ Interrupted: 2 scenarios: 2 passed\n"))
}

// GitHub refuses a summary of more than 1 MiB whole.
func TestSummaryStaysBelowTheLimit(t *testing.T) {
	r := many(1, 50)
	for _, s := range r.Features[0].Scenarios {
		s.Status, s.Steps[0].Status = report.Failed, report.Failed
		s.Steps[0].Failure = &report.Failure{What: strings.Repeat("ä", 20_000)}
	}
	text := summary(t, r)
	assert.Less(t, len(text), 1<<20)
	assert.Greater(t, len(text), 800_000)
	assert.Contains(t, text, "\n28 failures more had no room here: the report files have them all.\n")
}

func TestWrite(t *testing.T) {
	for name, begins := range map[string]string{"junit": "<?xml ", "cucumber": "[\n", "html": "<!DOCTYPE html>"} {
		var out bytes.Buffer
		require.NoError(t, report.Write(name, &out, sample()))
		assert.True(t, strings.HasPrefix(out.String(), begins), name)
	}
	var files []string
	for _, f := range report.Formats() {
		files = append(files, f.File)
	}
	assert.Equal(t, []string{"junit.xml", "cucumber.json", "report.html"}, files)
	assert.EqualError(t, report.Write("xml", nil, sample()), `format "xml" is not known: give one of junit, cucumber, html`)
}

// A full disk is told, not passed over.
func TestWritersTellOfErrors(t *testing.T) {
	for name, write := range map[string]func(*os.File) error{
		"junit":    func(f *os.File) error { return report.WriteJUnit(f, sample()) },
		"cucumber": func(f *os.File) error { return report.WriteCucumber(f, sample()) },
		"html":     func(f *os.File) error { return report.WriteHTML(f, sample()) },
		"github":   func(f *os.File) error { return report.WriteGitHub(f, sample()) },
		"summary":  func(f *os.File) error { return report.WriteSummary(f, sample()) },
	} {
		closed, err := os.Create(t.TempDir() + "/closed")
		require.NoError(t, err)
		require.NoError(t, closed.Close())
		assert.ErrorIs(t, write(closed), os.ErrClosed, name)
	}
}

func failed() *report.Run {
	return &report.Run{Took: 12 * ms, Features: []*report.Feature{{
		Name: "Names", Path: "names.feature",
		Scenarios: []*report.Scenario{{
			Name: "Joe", Path: "names.feature", Line: 3, Status: report.Failed, Took: 12 * ms, Steps: []*report.Step{{
				Keyword: "Then", Text: `status is "200"`, Line: 6, Status: report.Failed,
				Failure: &report.Failure{What: "the status is not that", Expected: "200", Got: "404"},
			}},
		}},
	}}}
}

func ExampleConsole() {
	run := failed()
	var sink report.Sink = &report.Console{Out: os.Stdout}
	sink.Begin(run, 1)
	sink.Feature(run.Features[0])
	sink.Scenario(run.Features[0], run.Features[0].Scenarios[0])
	sink.End(run)
	// Output:
	// Names  names.feature
	//   ✗ Joe  12 ms  names.feature:3
	//       ✗ Then status is "200"  names.feature:6
	//           the status is not that
	//             expected: 200
	//             got:      404
	//
	// ✗ names.feature:3  Joe
	//
	// 1 feature: 0 passed, 1 failed
	// 1 scenario: 0 passed, 1 failed
	// 1 step: 0 passed, 1 failed
	// Took 12 ms
}

func ExampleWriteGitHub() {
	_ = report.WriteGitHub(os.Stdout, failed())
	// Output:
	// ::error file=names.feature,line=6,title=Joe::Then status is "200"%0Athe status is not that%0A  expected: 200%0A  got:      404
}

func ExampleFormats() {
	for _, f := range report.Formats() {
		fmt.Println(f.Name, f.File)
	}
	// Output:
	// junit junit.xml
	// cucumber cucumber.json
	// html report.html
}
