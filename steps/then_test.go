package steps_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

// thenRow is a line after Then, what comes before it, and, where it must fail, what the failure must say.
type thenRow struct {
	before string // lines before it; one of the prefixes below
	line   string
	fault  string // empty: it must pass
}

const (
	details = `{"name": "Sean", "age": 42, "ratio": 0.5, "ok": true, "bad": false, "none": null, "empty": "", "list": [], "dict": {}, "flow": ["Ack", "Done"]}`
	asJSON  = "Given format \"JSON\"\nAnd URL path \"/json\"\nWhen the URL is invoked\n"
	asXML   = "Given format \"XML\"\nAnd URL path \"/xml\"\nWhen the URL is invoked\n"
	asText  = "Given format \"RAW\"\nAnd URL path \"/text\"\nWhen the URL is invoked\n"
	nothing = "Given format \"JSON\"\nAnd URL path \"/nothing\"\nWhen the URL is invoked\n"
	inRedis = "Given Redis \"$REDIS\"\nAnd the Redis list \"list\" holds \"A,B\"\nAnd the Redis key \"key\" is \"7\"\n"
	toMocks = "Given the tutorial's mocks\nAnd address \"#CRM_ADDRESS\"\nAnd URL path \"/get-customer\"\nAnd HTTP method \"POST\"\nAnd format \"JSON\"\n" +
		"And header \"X-Parley-CID\" \"c1\"\n" + `And request is "{"id": 7, "name": "Sean", "text": "{\"a\": 1}", "when": "${NOW}", "old": "2013-05-14T10:42:14"}"` +
		"\nWhen the URL is invoked\n"
	counted = toMocks + "Then the CRM received 1 request\n"
	unknown = "Given the tutorial's mocks\nAnd address \"#CRM_ADDRESS\"\nAnd URL path \"/get-nobody\"\nWhen the URL is invoked\n"
)

func thenRows() []thenRow {
	return []thenRow{
		{asJSON, `status is "200"`, ""},
		{asJSON, `status is "201"`, "the status is not what was expected\n  expected: 201\n  got:      200"},
		{asJSON, `header "X-Kind" is "sample"`, ""},
		{asJSON, `header "X-Kind" is "other"`, `header "X-Kind" is not what was expected`},
		{asJSON, `header "X-None" is "other"`, `the reply has no header "X-None"`},
		{asJSON, `header "X-Kind" is not "other"`, ""},
		{asJSON, `header "X-Kind" is not "sample"`, `header "X-Kind" is just that`},
		{asJSON, `header "X-Kind" contains "amp"`, ""},
		{asJSON, `header "X-Kind" contains "AMP"`, "does not contain the text"},
		{asJSON, `header "X-Kind" does not contain "x"`, ""},
		{asJSON, `header "X-Kind" does not contain "amp"`, "contains the text"},
		{asJSON, `header "X-Kind" starts with "sam"`, ""},
		{asJSON, `header "X-Kind" starts with "ple"`, "does not start with the text"},
		{asJSON, `header "X-Kind" does not start with "ple"`, ""},
		{asJSON, `header "X-Kind" does not start with "sam"`, "starts with the text"},
		{asJSON, `header "X-Kind" ends with "ple"`, ""},
		{asJSON, `header "X-Kind" ends with "sam"`, "does not end with the text"},
		{asJSON, `header "X-Kind" does not end with "sam"`, ""},
		{asJSON, `header "X-Kind" does not end with "ple"`, "ends with the text"},
		{asJSON, `header "x-kind" exists`, ""},
		{asJSON, `header "X-None" exists`, `the reply has no header "X-None"`},
		{asJSON, `header "X-None" does not exist`, ""},
		{asJSON, `header "X-Kind" does not exist`, `the reply has a header "X-Kind"`},
		{asJSON, `header "X-Empty" is empty`, ""},
		{asJSON, `header "X-Kind" is empty`, `header "X-Kind" is not empty`},
		{asJSON, `header "X-Kind" is not empty`, ""},
		{asJSON, `header "X-Empty" is not empty`, `header "X-Empty" is empty`},
		{asText, `response is equal to "plain text"`, ""},
		{asText, `response is equal to "plain"`, "the reply is not what was expected\n  expected: plain\n  got:      plain text"},
		{asXML, `response is equal to "<r><a n="1">x</a><b/></r>"`, ""},
		{asXML, `response is equal to "<r><b/><a n="1">x</a></r>"`, "the XML is not what was expected"},
		{asJSON, `response is equal to that from "details.json"`, ""},
		{asJSON, `response is equal to that from "other.json"`, "at /name\n    expected: \"Joe\"\n    got:      \"Sean\""},
		{asText, `response contains "ain te"`, ""},
		{asText, `response contains "fancy"`, `the reply does not contain "fancy"`},
		{asText, `response does not contain "fancy"`, ""},
		{asText, `response does not contain "plain"`, `the reply contains "plain"`},
		{asText, `the reply took less than "20 seconds"`, ""},
		{asText, `the reply took less than "0.000001 ms"`, "the reply took too long"},
		{asText, `the reply took at least "0.000001 ms"`, ""},
		{asText, `the reply took at least "20 s"`, "the reply came too soon"},

		{asXML, `XPath "/r/a" is "x"`, ""},
		{asXML, `XPath "/r/a" is "y"`, "XPath \"/r/a\" is not what was expected\n  expected: \"y\"\n  got:      \"x\""},
		{asXML, `XPath "/r/*" is "y"`, "finds 2 elements"},
		{asXML, `XPath "/r[" is "y"`, "XPath"},
		{asXML, `XPath "/r/a/@n" is an integer "1"`, ""},
		{asXML, `XPath "/r/a/@n" is an integer "2"`, "expected: 2"},
		{asXML, `XPath "/r/a/@n" is a float "1.0"`, ""},
		{asXML, `XPath "/r/a" is a float "1.0"`, "expected: 1.0"},
		{asXML, `XPath "/r/b" is empty`, ""},
		{asXML, `XPath "/r/a" is empty`, "is not empty"},
		{asXML, `XPath "/r/a" is not empty`, ""},
		{asXML, `XPath "/r/a" is one of "x,y"`, ""},
		{asXML, `XPath "/r/a" is one of "y,z"`, "is none of these"},
		{asXML, `XPath "/r/a" isn't one of "y,z"`, ""},
		{asXML, `XPath "/r/a" is not one of "x,y"`, "is one of these"},
		{asXML, `XPath "/r" contains the text "x"`, ""},
		{asXML, `XPath "/r" contains the text "y"`, "does not contain the text"},
		{asXML, `XPath "/r/c" does not exist`, ""},
		{asXML, `XPath "/r/a" does not exist`, "finds something"},

		{asJSON, `I store "/name" from response under "n"` + "\nAnd variable \"#n\" is a string \"Sean\"", ""},
		{asJSON, `I store "/nobody" from response under "n"`, "there is no such value"},
		{asXML, `I store "/r/a" from response under "n"` + "\nAnd variable \"#n\" is a string \"x\"", ""},
		{asJSON, `I store "/nobody" from response under "n", default "none"` + "\nAnd variable \"#n\" is a string \"none\"", ""},
		{"Given URL path \"/\"\n", `I store "/nobody" from response under "n", default "none"`, "there is no reply to look at"},
		{asJSON, `I store header "X-Kind" under "k"` + "\nAnd header \"X-Kind\" is \"#k\"", ""},
		{asJSON, `I store header "X-None" under "k"`, "the reply has no header"},
		{"Given I store \"a\" under \"v\"\n", `variable "#v" is a string "a"`, ""},
		{"Given I store \"a\" under \"v\"\n", `variable "#v" is a string "b"`, "the variable is something else"},
		{"Given I store \"a\" under \"v\"\n", `variable "#w" is a string "b"`, `nothing is stored under "w"`},
		{asJSON + "Then I store \"/age\" from response under \"v\"\n", `variable "#v" is an integer "42"`, ""},
		{"Given I store \"42\" under \"v\"\n", `variable "#v" is an integer "42"`, "the variable is something else"},
		{"Given URL path \"/\"\n", `I sleep for "0.001"`, ""},
		{"Given URL path \"/\"\n", `I sleep for "a while"`, `"a while" is not a number`},

		{inRedis, `the Redis list "list" holds "A,B"`, ""},
		{inRedis, `the Redis list "list" holds "B,A"`, `expected: ["B", "A"]`},
		{inRedis, `the Redis list "none" is empty`, ""},
		{inRedis, `the Redis list "list" is empty`, "is not empty"},
		{inRedis, `the Redis list "list" has 2 elements`, ""},
		{inRedis, `the Redis list "list" has 1 element`, "has another length"},
		{inRedis, `the Redis key "key" is "7"`, ""},
		{inRedis, `the Redis key "key" is "8"`, `expected: "8"`},
		{inRedis, `the Redis key "none" is "8"`, "does not exist"},
		{inRedis, `the Redis key "none" does not exist`, ""},
		{inRedis, `the Redis key "key" does not exist`, "exists"},
	}
}

// sampleServer answers what the rows look at.
func sampleServer(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(path, kind, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("X-Kind", "sample")
			w.Header().Set("X-Empty", "")
			w.Header().Add("X-Twice", "a")
			w.Header().Add("X-Twice", "b")
			_, _ = w.Write([]byte(body))
		})
	}
	answer("/json", "application/json", details)
	answer("/xml", "application/xml", "<?xml version=\"1.0\"?>\n<r>\n  <a n=\"1\">x</a>\n  <b/>\n</r>")
	answer("/text", "text/plain", "plain text")
	answer("/nothing", "text/plain", "")
	answer("/bare", "application/json", `"hello you"`)
	answer("/lines", "text/plain", "one\ntwo")
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// runRows makes one feature of the rows, a scenario each, and gives what became of each.
func runRows(t *testing.T, rows []thenRow, background string, options steps.Options) []*report.Scenario {
	t.Helper()
	var text strings.Builder
	text.WriteString("Feature: Then\n  Background:\n    " + background + "\n")
	for i, row := range rows {
		fmt.Fprintf(&text, "  Scenario: row %d\n    %s    Then %s\n", i, strings.ReplaceAll(row.before, "\n", "\n    "), strings.ReplaceAll(row.line, "\n", "\n    "))
	}
	done, err := run.Features(t.Context(), run.Options{
		Paths: []string{"then.feature"}, Steps: options,
		FS: fstest.MapFS{
			"then.feature":               {Data: []byte(text.String())},
			"json/response/details.json": {Data: []byte(details)},
			"json/response/other.json":   {Data: []byte(`{"name": "Joe"}`)},
			"json/response/flow.json":    {Data: []byte(`["Ack", "Done"]`)},
			"json/response/broken.json":  {Data: []byte("{\n}}")},
			"raw/response/lines.txt":     {Data: []byte("one\ntwo\n")},
			"raw/response/other.txt":     {Data: []byte("one\nzwei\n")},
		},
	})
	require.NoError(t, err)
	require.Len(t, done.Features, 1)
	require.Len(t, done.Features[0].Scenarios, len(rows))
	return done.Features[0].Scenarios
}

func checkRows(t *testing.T, rows []thenRow, background string, options steps.Options) {
	t.Helper()
	for i, scenario := range runRows(t, rows, background, options) {
		row := rows[i]
		t.Run(row.line, func(t *testing.T) {
			var said []string
			for n, s := range scenario.Steps {
				if s.Failure != nil {
					said = append(said, s.Failure.Text())
					require.GreaterOrEqual(t, n, strings.Count(background+"\n"+row.before, "\n"), "a step before it failed: %s", s.Failure.Text())
				}
			}
			if row.fault == "" {
				assert.Equal(t, report.Passed, scenario.Status, "%s", said)
				return
			}
			assert.Equal(t, report.Failed, scenario.Status)
			assert.Contains(t, strings.Join(said, "\n"), row.fault)
		})
	}
}

func TestThen(t *testing.T) {
	t.Setenv("SERVER", sampleServer(t))
	t.Setenv("REDIS", "redis://"+miniredis.RunT(t).Addr()+"/0")
	checkRows(t, thenRows(), `Given address "$SERVER"`, steps.Options{})
}

// allRows are the rows of every topic: one function a topic, a line each.
func allRows() []thenRow {
	return slices.Concat(
		thenRows(),
		commonRows(),
		jsonRows(),
		mockRows(),
		loadRows(),
		loadRunRows(),
		clusterRows(),
		statisticsRows(),
		sqlRows(),
		xmlRows(),
		socketRows(),
		zatoRows(),
		cassandraRows(),
		newestRows(),
		channelRows(),
	)
}

// TestEveryThenStepPassesAndFails holds that each Then step is in the tables once with and once without a fault.
func TestEveryThenStepPassesAndFails(t *testing.T) {
	v, err := steps.NewVocabulary(steps.Table())
	require.NoError(t, err)
	passes, fails := map[string]bool{}, map[string]bool{}
	for _, row := range allRows() {
		line, _, _ := strings.Cut(row.line, "\n")
		s, err := v.Lookup(steps.Then, line)
		if !assert.NoError(t, err) {
			continue
		}
		if row.fault == "" {
			passes[s.Pattern] = true
		} else {
			fails[s.Pattern] = true
		}
	}
	for _, s := range steps.Table() {
		if s.Kinds[0] == steps.Then {
			assert.True(t, passes[s.Pattern], "no row in which it passes: %s", s.Pattern)
			assert.True(t, fails[s.Pattern], "no row in which it fails: %s", s.Pattern)
		}
	}
}
