package steps_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

// recorder is a service that appends the number of each request, the header X-Number, to the Redis list ids. What its
// path names befalls request 7 alone.
func recorder(t *testing.T) (address string) {
	t.Helper()
	db := miniredis.RunT(t)
	t.Setenv("REDIS", "redis://"+db.Addr()+"/0")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Number")
		fault := ""
		if id == "7" {
			fault = strings.TrimPrefix(r.URL.Path, "/")
		}
		times := map[string]int{"lose": 0, "reject": 0, "double": 2}
		n, odd := times[fault]
		if !odd {
			n = 1
		}
		for range n {
			_, _ = db.Push("ids", id)
		}
		switch fault {
		case "reject":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "late":
			<-time.After(300 * time.Millisecond)
		case "cut":
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = conn.Close()
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

const (
	recorded = "Given Redis \"$REDIS\"\nAnd request numbers are recorded in the Redis list \"ids\"\nAnd header \"X-Number\" \"{{id}}\"\nAnd URL path \"/%\"\n" +
		"When I send 200 requests per second for 0.25 seconds\n"
	unrecorded = "Given header \"X-Number\" \"{{id}}\"\nAnd URL path \"/%\"\nWhen I send 200 requests per second for 0.25 seconds\n"
)

func loadRunRows() []thenRow {
	to := func(load, path string) string { return strings.Replace(load, "%", path, 1) }
	good := to(recorded, "fine")
	longer := shaped("I send 50 requests per second for 3 seconds")
	return []thenRow{
		{good, "every request was answered\nAnd no request failed\nAnd at least 50 requests were answered\nAnd no request has an unknown outcome", ""},
		{to(recorded, "reject"), `every request was answered`, "requests were not answered"},
		{to(recorded, "cut"), `every request was answered`, "expected: at most 0 of 50\n  got:      1\n"},
		{to(recorded, "reject"), `no request failed`, "requests failed (50 sent, 49 ok, 1 failed, 0 unknown, 1 lost, 0 doubled; slowest"},
		{to(recorded, "reject"), `at most 1 request failed`, ""},
		{to(recorded, "reject"), `at most 0 requests failed`, "1 times: 503 Service Unavailable"},
		{to(recorded, "reject"), `at least 50 requests were answered`, "too few requests were answered"},
		{to(recorded, "cut"), `no request failed`, ""},
		{good, `no request has an unknown outcome`, ""},
		{to(recorded, "cut"), `no request has an unknown outcome`, "requests have an unknown outcome"},
		{to(recorded, "cut"), `at most 1 request have an unknown outcome`, ""},
		{to(recorded, "cut"), `at most 0 requests have an unknown outcome`, "requests have an unknown outcome"},
		{good, "no request was lost\nAnd no request was doubled", ""},
		{to(recorded, "cut"), `no request was lost`, ""},
		{to(recorded, "lose"), `no request was lost`, "1: 1 were answered and never handled, 0 failed and were never handled; the first: 7"},
		{to(recorded, "lose"), `no request was doubled`, ""},
		{to(recorded, "double"), `no request was doubled`, "1; the first: 7"},
		{to(recorded, "double"), `no request was lost`, ""},
		{to(unrecorded, "fine"), `no request was lost`, "nothing says what the service handled"},
		{to(unrecorded, "fine"), `no request was doubled`, "nothing says what the service handled"},
		{good, `the slowest answer took less than 20 seconds`, ""},
		{to(recorded, "late"), `the slowest answer took less than 0.2 seconds`, "the slowest answer took too long"},
		{good, `99 percent of the answers took less than 20 seconds`, ""},
		{to(recorded, "late"), `99 percent of the answers took less than 0.2 seconds`, "99 percent of the answers took too long"},
		{good, `98 percent of the answers took less than 1 second`, "98 percent are not measured"},
		{to(recorded, "reject"), `at least 1 request got status "503"`, ""},
		{to(recorded, "reject"), `at least 2 requests got status "503"`, "too few requests got status 503"},
		{good, `at most 0 requests got status "503"`, ""},
		{to(recorded, "reject"), `at most 0 requests got status "503"`, "requests got status 503"},
		{good, `at most 0 requests got status "fine"`, `"fine" is no status`},
		{"Given URL path \"/\"\n", `every request was answered`, "there was no load"},
		{longer + "And 0.1 seconds in, the Redis key \"then\" is \"7\"\n", `the Redis key "then" is "7"`, ""},
		{longer + "And 0.2 seconds in, the Redis key \"then\" is \"8\"\nAnd 0.1 seconds in, the Redis key \"then\" is \"7\"\n", `the Redis key "then" is "8"`, ""},
		{longer + "And 0.1 seconds in, the Redis key \"none\" is \"7\" within 1 second\n", `no request was lost`, `0.1 seconds in, the Redis key "none" is "7" within 1 second: the Redis key "none" does not exist`},
		{longer + "And 0.1 seconds in, server 1 is killed\n", `no request was lost`, "0.1 seconds in, server 1 is killed: there is no cluster"},
		{good + "And 0.1 seconds in, I sleep for \"0.6\"\nAnd 0.2 seconds in, the Redis key \"a\" is \"b\"\n", `no request was lost`, "it happened after the load was over"},
		{shaped("I send 200 requests per second for 2 seconds") + "And once \"rate > 1\", the Redis key \"then\" is \"9\"\n", `the Redis key "then" is "9"`, ""},
		{good + "And once \"p99 > 60s\", the Redis key \"a\" is \"b\"\n", `no request was lost`, `once "p99 > 60s", the Redis key "a" is "b": it never came to that`},
		{good + "And I send 10 requests per second for 0.5 seconds\n", `at least 5 requests were answered`, ""},
		{shaped("I send 100 to 300 requests per second over 0.5 seconds"), "at least 100 requests were answered\nAnd at most 0 requests failed\nAnd no request was lost", ""},
		{shaped("I send 100 to 300 requests per second in 3 steps over 0.3 seconds"), "at least 60 requests were answered\nAnd no request was lost", ""},
		{shaped("I send 100 requests per second for 0.5 seconds, with a peak of 500 for 0.1 seconds"), `at least 90 requests were answered`, ""},
		{shaped("I send 100 requests per second for 0.5 seconds, 50 more and less each 0.1 seconds"), `at least 50 requests were answered`, ""},
		{shaped("3 users send requests for 0.2 seconds"), `at least 3 requests were answered`, ""},
		{shaped("I send 100 requests per second for 0.5 seconds, 150 more and less each 0.1 seconds"), `every request was answered`, "no rate is below 0"},
		{shaped("0 users send requests for 0.2 seconds"), `every request was answered`, "a phase has one of: rate; from and to; replay; users"},
		{good, `the load keeps to "p99 < 20s"`, ""},
		{to(recorded, "reject"), `the load keeps to "error_rate < 1%"`, "expected: error_rate < 1%\n  got:      2 %\n"},
		{good, `the load keeps to "p98 < 1s"`, `"p98" is not measured`},
		{to(unrecorded, "fine"), `the load keeps to "lost == 0"`, "there is no record of what was executed"},
	}
}

// shaped declares another load in place of the steady one.
func shaped(line string) string {
	return strings.Replace(strings.Replace(recorded, "I send 200 requests per second for 0.25 seconds", line, 1), "%", "fine", 1)
}

func TestThenOfDeclaredLoad(t *testing.T) {
	t.Setenv("SERVER", recorder(t))
	checkRows(t, loadRunRows(), `Given address "$SERVER"`, steps.Options{})
}

// TestALoadIsRefused holds what is found before anything is sent.
func TestALoadIsRefused(t *testing.T) {
	load := strings.Replace(recorded, "%", "fine", 1)
	rows := []struct{ name, lines, fault string }{
		{"an event past the end", load + "And 0.25 seconds in, server 1 is killed", "the load is over before this happens: it takes 250ms, and this is due 250ms in"},
		{"no condition", load + "And once \"p98 > 1s\", server 1 is killed", `"p98" is not measured`},
		{"a condition without a load", "When once \"p99 > 1s\", server 1 is killed", "no load was declared in which this could happen"},
		{"an event without a load", "When 1 second in, server 1 is killed", "no load was declared in which this could happen"},
		{"ages", "When I send 1 request per second for 99999999999999 seconds\nThen the load keeps to \"p99 < 1s\"", "duration is 878400h0m0s; at most 8784h0m0s is allowed"},
		{"no requests", "When I send 0 requests per second for 1 second", "0 requests per second for 1 seconds are no load"},
		{"a record and no number", strings.Replace(load, "{{id}}", "7", 1), "the request holds no {{id}}"},
	}
	address := recorder(t)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			assert.ErrorContains(t, begin(t, steps.Options{}).say("Given address \""+address+"\"\n"+row.lines), row.fault)
		})
	}
}

// TestAnEventsStepIsFoundWithItsLine holds that a wrong one is found before anything runs.
func TestAnEventsStepIsFoundWithItsLine(t *testing.T) {
	v, err := steps.NewVocabulary(steps.Table())
	require.NoError(t, err)
	for text, fault := range map[string]string{
		"5 seconds in, server 1 is killed":                             "",
		"0.5 seconds in, format \"JSON\"":                              "",
		"1 second in, server 1 answers within 2 seconds":               "",
		"1 second in, I send 10 requests per second in the background": "this step is about loads itself",
		"1 second in, 2 seconds in, server 1 is killed":                "this step is about loads itself",
		"1 second in, server 1 is kiled":                               "did you mean: When server {n} is killed",
	} {
		_, err := v.Bind(steps.When, text)
		if fault == "" {
			assert.NoError(t, err, text)
			continue
		}
		var unknown *steps.UnknownError
		require.ErrorAs(t, err, &unknown, text)
		assert.Contains(t, err.Error(), fault)
	}
}

// TestALoadWithoutThenIsRun holds that what a scenario declares is done, also where nothing looks at it.
func TestALoadWithoutThenIsRun(t *testing.T) {
	t.Setenv("SERVER", recorder(t))
	done := runFeature(t, steps.PerScenario, `Feature: F
  Scenario: It happens
    Given address "$SERVER"
    And Redis "$REDIS"
    When I send 20 requests per second for 0.2 seconds
    And 0.1 seconds in, the Redis key "none" does not exist
    And 0.1 seconds in, the Redis list "jobs" has 3 elements
`)
	require.Len(t, failures(done), 1)
	assert.Contains(t, failures(done)[0], `the Redis list "jobs" has another length`)
}

// TestALoadsFailureShowsItSecondBySecond holds that one look is enough, in text and on the page.
func TestALoadsFailureShowsItSecondBySecond(t *testing.T) {
	t.Setenv("SERVER", recorder(t))
	done := runFeature(t, steps.PerScenario, `Feature: F
  Scenario: One is lost
    Given address "$SERVER"
    And Redis "$REDIS"
    And request numbers are recorded in the Redis list "ids"
    And header "X-Number" "{{id}}"
    And URL path "/lose"
    When I send 5 requests per second for 6 seconds
    And 0.5 seconds in, the Redis key "a" is "b"
    Then no request was lost
`)
	failing := done.Features[0].Scenarios[0].Failing()
	require.NotNil(t, failing)
	moments := failing.Failure.Timeline
	require.Len(t, moments, 3)
	for i := range moments {
		moments[i].Slowest = ""
	}
	assert.Equal(t, []report.Moment{
		{When: "0 s", Sent: 5, OK: 5, Notes: []string{`the Redis key "a" is "b"`}},
		{When: "1 s", Sent: 5, OK: 5, Notes: []string{"lost: 7"}, Bad: true},
		{When: "2 to 6 s", Sent: 20, OK: 20},
	}, moments)
	assert.Contains(t, failing.Failure.Text(), "\n  ✗ 1 s          5   5       -        -        -  lost: 7")
	assert.Nil(t, failing.Failure.Exchange)
	var page bytes.Buffer
	require.NoError(t, (&report.Page{Run: done}).WriteHTML(&page))
	assert.Contains(t, page.String(), `<tr class="bad"><th scope="row">1 s</th><td>5</td><td>5</td>`)
}

// TestALoadOfAProfile is one that stands in a file of its own.
func TestALoadOfAProfile(t *testing.T) {
	t.Setenv("SERVER", recorder(t))
	for _, row := range []struct{ name, file, then, fault string }{
		{"shape and requests are the profile's", "load.yaml", `the load keeps to "failed of read == 0"`, ""},
		{"what it must keep to", "load.yaml", `the load keeps to "sent of read > 10"`, "expected: sent of read > 10"},
		{"events", "load_with_events.yaml", `every request was answered`, "has events; in a feature, lines after this one say what happens"},
		{"no such file", "none.yaml", `every request was answered`, `no file "none.yaml"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			text := "Feature: f\n  Scenario: s\n    Given address \"$SERVER\"\n    And Redis \"$REDIS\"\n" +
				"    And request numbers are recorded in the Redis list \"ids\"\n    When I send the load of \"" + row.file + "\"\n" +
				"    Then " + row.then + "\n    And no request was lost\n"
			files := fstest.MapFS{"f.feature": {Data: []byte(text)}}
			for _, name := range []string{"load.yaml", "load_with_events.yaml"} {
				raw, err := os.ReadFile(filepath.Join("testdata", name))
				require.NoError(t, err)
				files[name] = &fstest.MapFile{Data: raw}
			}
			done, err := run.Features(t.Context(), run.Options{Paths: []string{"f.feature"}, FS: files})
			require.NoError(t, err)
			if row.fault == "" {
				assert.Empty(t, failures(done))
				return
			}
			require.Len(t, failures(done), 1)
			assert.Contains(t, failures(done)[0], row.fault)
		})
	}
}
