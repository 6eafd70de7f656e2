package report_test

import (
	"strings"
	"time"

	"github.com/parley-run/parley/steps/report"
)

const ms = time.Millisecond

// sample is a run with all that a run can have but faults: two features, six scenarios, each status.
func sample() *report.Run {
	began := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	run := &report.Run{Began: began, Took: 1250 * ms, Seed: 42, Features: []*report.Feature{names(), orders()}}
	for _, f := range run.Features {
		for i, s := range f.Scenarios {
			s.Path, s.Attempts = f.Path, max(1, s.Attempts)
			if s.Status != report.Skipped {
				s.Began = began.Add(time.Duration(i) * 100 * ms)
			}
		}
	}
	return run
}

func names() *report.Feature {
	return &report.Feature{
		Name: "Names", Keyword: "Feature", Description: "Who is who.", Language: "en", Path: "features/names.feature", Line: 2,
		Tags: []report.Tag{{Name: "@crm", Line: 1}},
		Scenarios: []*report.Scenario{
			{
				Name: "Good", Keyword: "Scenario", Line: 8, Status: report.Passed, Took: 3 * ms,
				Tags: []report.Tag{{Name: "@crm", Line: 1}, {Name: "@smoke", Line: 7}},
				Steps: []*report.Step{
					{Keyword: "Given", Text: `address "http://127.0.0.1:8080"`, Line: 5, Status: report.Passed, Took: 20 * time.Microsecond, Background: true, Pattern: `address "{url}"`},
					{
						Keyword: "And", Text: `format "JSON"`, Line: 9, Status: report.Passed, Took: 743 * time.Microsecond, Pattern: `format "{format}"`,
						Table: [][]string{{"name", "age"}, {"Żółć", "5"}},
					},
				},
			},
			bad(),
			{
				Name: "Each name", Keyword: "Scenario Outline", Rule: "Names have letters", Line: 31, Row: 1, Status: report.Passed, Took: 12 * ms,
				Steps: []*report.Step{{Keyword: "Given", Text: `format "JSON"`, Line: 27, Status: report.Passed, Pattern: `format "{format}"`}},
			},
			{
				Name: "Each name", Keyword: "Scenario Outline", Rule: "Names have letters", Line: 32, Row: 2, Status: report.Undefined, Took: ms,
				Steps: []*report.Step{{
					Keyword: "Given", Text: "the requst is sent", Line: 27, Status: report.Undefined,
					Failure: &report.Failure{What: "no step reads like this", Hint: "did you mean: When the request is sent"},
				}},
			},
		},
	}
}

// bad fails at its fifth step of seven, with a secret masked in the command line that repeats its request.
func bad() *report.Scenario {
	return &report.Scenario{
		Name: "Bad <script>", Keyword: "Scenario", Line: 12, Status: report.Failed, Took: 48 * ms,
		Tags: []report.Tag{{Name: "@crm", Line: 1}, {Name: "@slow", Line: 11}},
		Steps: []*report.Step{
			{Keyword: "Given", Text: `address "http://127.0.0.1:8080"`, Line: 5, Status: report.Passed, Background: true, Pattern: `address "{url}"`},
			{Keyword: "And", Text: "one", Line: 13, Status: report.Passed},
			{Keyword: "And", Text: "two", Line: 14, Status: report.Passed},
			{Keyword: "When", Text: "the URL is invoked", Line: 15, Status: report.Passed, Took: 47 * ms},
			{
				Keyword: "Then", Text: "JSON is equal to", Line: 16, Status: report.Failed, Took: 90 * time.Microsecond, Pattern: "JSON is equal to",
				DocString: &report.DocString{MediaType: "json", Content: `{"name": "Joe"}`, Line: 17},
				Failure: &report.Failure{
					What: "the reply is not that document", Note: "still so after 2 seconds", Hint: "set are: name, age",
					Differences: []report.Difference{{Path: "/name", Expected: `"Joe"`, Got: `"Sean"`}, {Path: "/age", Expected: "(nothing)", Got: "7"}},
					Exchange: &report.Exchange{
						Request: "GET http://127.0.0.1:8080/names?a=1&b=2\nAccept: application/json\n\n(no body)",
						Curl:    `curl -i -X GET 'http://127.0.0.1:8080/names?a=1&b=2' -u joe:"$PASSWORD"`,
						Reply:   "404 Not Found\nContent-Type: application/json\n\n{\n  \"name\": \"Sean\",\n  \"bell\": \"\a\"\n}",
						Took:    4700 * time.Microsecond, Timing: "connected after 200 µs, first byte after 4.0 ms, all after 4.7 ms",
					},
				},
			},
			{Keyword: "And", Text: "more", Line: 20, Status: report.Skipped},
			{Keyword: "And", Text: "last", Line: 21, Status: report.Skipped},
		},
	}
}

func orders() *report.Feature {
	return &report.Feature{
		Name: "Orders", Keyword: "Feature", Path: "features/my orders.feature", Line: 1,
		Scenarios: []*report.Scenario{
			{
				Name: "Shaky", Keyword: "Scenario", Line: 3, Status: report.Flaky, Attempts: 2, Took: 200 * ms,
				Steps:   []*report.Step{{Keyword: "When", Text: "the URL is invoked", Line: 4, Status: report.Passed, Took: 199 * ms}},
				Earlier: []*report.Failure{{What: "no reply from 127.0.0.1:1: connection refused", Note: "tried for 1.00 s"}},
			},
			{
				Name: "Not begun", Keyword: "Scenario", Line: 6, Status: report.Skipped,
				Steps: []*report.Step{{Keyword: "When", Text: "the URL is invoked", Line: 7, Status: report.Skipped}},
			},
		},
	}
}

// told is what a sink writes of a run.
func told(sink report.Sink, r *report.Run) {
	sink.Begin(r, r.Scenarios().Total())
	for _, f := range r.Features {
		sink.Feature(f)
		for _, s := range f.Scenarios {
			sink.Scenario(f, s)
		}
	}
	sink.End(r)
}

// many is a run of n features with so many scenarios of five steps each; all pass.
func many(features, scenarios int) *report.Run {
	r := &report.Run{Began: time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC), Took: time.Minute}
	for i := range features {
		f := &report.Feature{Name: "Feature " + strings.Repeat("x", i%5), Path: "features/f" + string(rune('a'+i%26)) + ".feature", Line: 1}
		for n := range scenarios {
			s := &report.Scenario{Name: "A scenario with a name of usual length", Keyword: "Scenario", Path: f.Path, Line: 3 + n*7, Status: report.Passed, Took: time.Duration(n) * ms}
			for k, text := range []string{
				`address "http://127.0.0.1:8080"`, `URL path "/customers/{id}/orders"`, "the URL is invoked", `status is "200"`,
				`JSON Pointer "/customer/name/first" is "Sean"`,
			} {
				s.Steps = append(s.Steps, &report.Step{Keyword: "Given", Text: text, Line: s.Line + k + 1, Status: report.Passed, Took: ms})
			}
			f.Scenarios = append(f.Scenarios, s)
		}
		r.Features = append(r.Features, f)
	}
	return r
}
