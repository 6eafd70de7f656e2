package apitest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/apitest"
	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/run"
)

// What TestInner runs, in a process that a test has started: there it may fail.
const (
	innerPath = "APITEST_INNER_PATH"
	innerTags = "APITEST_INNER_TAGS"
	innerOwn  = "APITEST_INNER_OWN" // the pattern of a step of one's own more
)

// TestInner is a user's test, for the tests below.
func TestInner(t *testing.T) {
	path := os.Getenv(innerPath)
	if path == "" {
		t.Skip("the tests of this package run it")
	}
	server := shop()
	defer server.Close()
	o := apitest.Options{Steps: []steps.Step{costs()}, User: map[string]any{"shop": server.URL}}
	if tags := os.Getenv(innerTags); tags != "" {
		o.Settings = map[string]string{"tags": tags}
	}
	if pattern := os.Getenv(innerOwn); pattern != "" {
		o.Steps = append(o.Steps, steps.Step{Kinds: []steps.Kind{steps.Given}, Pattern: pattern, Func: func(string) error { return nil }})
	}
	apitest.Run(t, path, o)
}

// inner runs TestInner as go test -v does, with further arguments, and gives what was printed and whether it passed.
func inner(t *testing.T, env []string, args ...string) (string, bool) {
	t.Helper()
	if len(args) == 0 {
		args = []string{"-test.run=^TestInner$"}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], append(args, "-test.v")...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		var ended *exec.ExitError
		require.ErrorAs(t, err, &ended, string(out))
	}
	return string(out), err == nil
}

const path = innerPath + "=testdata/shop"

func TestRunTellsEachScenarioAsASubtest(t *testing.T) {
	out, passed := inner(t, []string{path})
	assert.True(t, passed, out)
	assert.Contains(t, out, "--- PASS: TestInner/Orders/An_order_has_a_price (")
	assert.NotContains(t, out, "is_dear")

	out, passed = inner(t, []string{path, innerTags + "=@dear"})
	assert.False(t, passed)
	assert.Contains(t, out, "--- PASS: TestInner/Orders/Order_7_is_dear_(row_1) (")
	assert.Contains(t, out, "--- FAIL: TestInner/Orders/Order_8_is_dear_(row_2) (")
	for _, told := range []string{
		`apitest_test.go:40: testdata/shop/features/orders.feature:18: Then the order costs "999.00" EUR with 19 percent VAT`,
		"the order has another price", "expected: 999.00", "got:      119.00: net 100.00", "GET http://127.0.0.1:", "200 OK", "curl ",
	} {
		assert.Contains(t, out, told)
	}
}

func TestRunTellsOfEveryStepThatNeedsMending(t *testing.T) {
	out, passed := inner(t, []string{innerPath + "=testdata/late"})
	assert.False(t, passed)
	assert.Contains(t, out, "testdata/late/late.feature:7: Then the order costs")
	assert.Contains(t, out, `testdata/late/late.feature:8: And the oder costs "1" EUR`)
	assert.Contains(t, out, `did you mean: Then the order costs "{amount}" EUR with {percent} percent VAT`)
}

func TestRunRunsWhatGoTestWasAskedFor(t *testing.T) {
	both := []string{path, innerTags + "=@smoke or @dear"}
	rows := []struct {
		name string
		args []string
		want []string
	}{
		{"all", []string{"-test.run=^TestInner$"}, []string{"An_order_has_a_price", "Order_7_is_dear_(row_1)", "Order_8_is_dear_(row_2)"}},
		{"a scenario", []string{"-test.run=^TestInner$/^Orders$/^An_order_has_a_price$"}, []string{"An_order_has_a_price"}},
		{"with blanks", []string{"-test.run=Inner/Orders/order has"}, []string{"An_order_has_a_price"}},
		{"a feature", []string{"-test.run=Inner/Orders"}, []string{"An_order_has_a_price", "Order_7_is_dear_(row_1)", "Order_8_is_dear_(row_2)"}},
		{"alternatives", []string{"-test.run=Inner/Orders/(An|Order_7)"}, []string{"An_order_has_a_price", "Order_7_is_dear_(row_1)"}},
		{"but some", []string{"-test.run=Inner", "-test.skip=Inner/Orders/Order_[78]"}, []string{"An_order_has_a_price"}},
		{"but one", []string{"-test.run=Inner/Orders/Order", "-test.skip=//Order_8|//nothing"}, []string{"Order_7_is_dear_(row_1)"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			page := filepath.Join(t.TempDir(), "all.json")
			out, _ := inner(t, append([]string{"APITEST_FORMAT=cucumber:" + page}, both...), row.args...)
			var told []string
			for line := range strings.Lines(out) {
				if name, found := strings.CutPrefix(line, "=== RUN   TestInner/Orders/"); found {
					told = append(told, strings.TrimSpace(name))
				}
			}
			assert.Equal(t, row.want, told, out)
			written, err := os.ReadFile(page)
			require.NoError(t, err)
			assert.Equal(t, len(row.want), strings.Count(string(written), `"type": "scenario"`), "scenarios that were run at all")
		})
	}
	out, passed := inner(t, both, "-test.run=TestInner/Orders/nobody")
	assert.True(t, passed)
	assert.Contains(t, out, "go test -run and -skip leave no scenario of testdata/shop")
}

func TestRunFailsAtWhatCannotBeRun(t *testing.T) {
	rows := []struct {
		name string
		env  []string
		want string
	}{
		{"no such path", []string{innerPath + "=testdata/nothing"}, "testdata/nothing: there is no such file or folder"},
		{"nothing selected", []string{path, innerTags + "=@none"}, `nothing to run: none of 3 scenarios has the tags "@none"`},
		{"tags that do not parse", []string{path, innerTags + "=@a and"}, `"@a and" is no tag expression: a tag is missing`},
		{"a wrong variable", []string{path, "APITEST_PARALLEL=lots"}, "the environment variable APITEST_PARALLEL must be a whole number"},
		{
			"a step that is there already",
			[]string{path, innerOwn + `=url path "{x}"`},
			`step "Given url path \"{x}\"" reads like "Given URL path \"{url_path}\"", which is there already`,
		},
		{"a step with another function", []string{path, innerOwn + `=two "{a}" "{b}"`}, `has 2 parameters, and its Func takes 1`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			out, passed := inner(t, row.env)
			assert.False(t, passed)
			assert.Contains(t, out, row.want)
		})
	}
	out, passed := inner(t, []string{path, innerTags + "=@none", "APITEST_ALLOW_EMPTY=true"})
	assert.True(t, passed)
	assert.Contains(t, out, "--- SKIP: TestInner")
}

// names are those of the scenarios that were run.
func names(t *testing.T, o apitest.Options) []string {
	t.Helper()
	server := shop()
	defer server.Close()
	o.Steps = []steps.Step{costs()}
	if o.User == nil {
		o.User = map[string]any{"shop": server.URL}
	}
	done, err := apitest.Features(t.Context(), "testdata/shop", o)
	require.NoError(t, err)
	var out []string
	for _, f := range done.Features {
		for _, s := range f.Scenarios {
			out = append(out, s.Name)
		}
	}
	return out
}

func TestOptionsWinOverTheEnvironmentAndThatOverTheFile(t *testing.T) {
	assert.Equal(t, []string{"An order has a price"}, names(t, apitest.Options{}), "the file's tags")
	t.Setenv("APITEST_TAGS", "@dear")
	assert.Equal(t, []string{"Order 7 is dear", "Order 8 is dear"}, names(t, apitest.Options{}), "the environment's tags")
	own := apitest.Options{Settings: map[string]string{"tags": "@dear", "name": "Order 8"}}
	assert.Equal(t, []string{"Order 8 is dear"}, names(t, own))
	own = apitest.Options{Settings: map[string]string{"tags": "not @dear"}}
	assert.Equal(t, []string{"An order has a price"}, names(t, own), "the options' tags")
}

func TestUserOfOptionsStandsBesideThatOfTheFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "apitest.yaml", "user: {a: of the file, b: of the file}\n")
	write(t, dir, "a.feature", `Feature: A
  Scenario: B
    Given it is "@a" and "@b"
`)
	var got []string
	step := steps.Step{Kinds: []steps.Kind{steps.Given}, Pattern: `it is "{a}" and "{b}"`, Func: func(a, b string) error {
		got = []string{a, b}
		return nil
	}}
	done, err := apitest.Features(t.Context(), dir, apitest.Options{Steps: []steps.Step{step}, User: map[string]any{"b": "of the options"}})
	require.NoError(t, err)
	assert.True(t, done.Passed())
	assert.Equal(t, []string{"of the file", "of the options"}, got)
}

func TestFeaturesSaysWhatCannotBeRun(t *testing.T) {
	_, err := apitest.Features(t.Context(), "testdata/shop", apitest.Options{Settings: map[string]string{"tags": "@none"}})
	require.ErrorIs(t, err, run.ErrNothing)
	done, err := apitest.Features(t.Context(), "testdata/shop", apitest.Options{Settings: map[string]string{"tags": "@none", "allow_empty": "true"}})
	require.NoError(t, err)
	assert.Empty(t, done.Features)
	_, err = apitest.Features(t.Context(), "testdata/shop", apitest.Options{Settings: map[string]string{"sate": "x", "retries": "-"}})
	require.ErrorContains(t, err, `there is no setting "sate"; did you mean state?`)
	require.ErrorContains(t, err, `retries must be a whole number`)
	_, err = apitest.Features(t.Context(), "testdata/nothing", apitest.Options{})
	require.ErrorContains(t, err, "no such file or folder")
}

func TestFeaturesWritesTheReportsThatAreAskedFor(t *testing.T) {
	dir := t.TempDir()
	names(t, apitest.Options{Settings: map[string]string{"format": "pretty,html,junit:" + filepath.Join(dir, "x", "tests.xml"), "out": dir}})
	for name, text := range map[string]string{"report.html": "An order has a price", "x/tests.xml": "<testsuite"} {
		written, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Contains(t, string(written), text)
	}
	file := filepath.Join(dir, "report.html")
	_, err := apitest.Features(t.Context(), "testdata/shop", apitest.Options{
		Steps: []steps.Step{costs()}, User: map[string]any{"shop": "http://127.0.0.1:1"}, Settings: map[string]string{"format": "html", "out": file},
	})
	require.ErrorContains(t, err, "report html: ")
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
}
