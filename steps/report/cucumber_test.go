package report_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/report"
)

func cucumber(t *testing.T, r *report.Run) []any {
	var out bytes.Buffer
	require.NoError(t, report.WriteCucumber(&out, r))
	var features []any
	require.NoError(t, json.Unmarshal(out.Bytes(), &features))
	return features
}

// at follows keys and numbers into a JSON document.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case int:
			list, is := v.([]any)
			require.True(t, is && p < len(list), "%v of %v in %v", p, path, v)
			v = list[p]
		case string:
			object, is := v.(map[string]any)
			require.True(t, is, "%v of %v", p, path)
			v = object[p]
		}
	}
	return v
}

func TestCucumber(t *testing.T) {
	features := cucumber(t, sample())
	require.Len(t, features, 2)
	names := features[0]
	assert.Equal(t, "features/names.feature", at(t, names, "uri"))
	assert.Equal(t, "names", at(t, names, "id"))
	assert.Equal(t, "Who is who.", at(t, names, "description"))
	assert.Equal(t, map[string]any{"name": "@crm", "line": 1.0}, at(t, names, "tags", 0))
	assert.Len(t, at(t, names, "elements"), 6, "two of the four have a background")

	background, good := at(t, names, "elements", 0), at(t, names, "elements", 1)
	assert.Equal(t, "background", at(t, background, "type"))
	assert.Len(t, at(t, background, "steps"), 1)
	assert.Equal(t, "scenario", at(t, good, "type"))
	assert.Equal(t, "names;good", at(t, good, "id"))
	assert.Equal(t, "2026-11-21T09:30:00.000Z", at(t, good, "start_timestamp"))
	assert.Equal(t, map[string]any{
		"keyword": "And ", "name": `format "JSON"`, "line": 9.0, "match": map[string]any{"location": `format "{format}"`},
		"result": map[string]any{"status": "passed", "duration": 743000.0},
		"rows":   []any{map[string]any{"cells": []any{"name", "age"}}, map[string]any{"cells": []any{"Żółć", "5"}}},
	}, at(t, good, "steps", 0))

	failed := at(t, names, "elements", 3, "steps", 3)
	assert.Equal(t, map[string]any{"value": `{"name": "Joe"}`, "content_type": "json", "line": 17.0}, at(t, failed, "doc_string"))
	assert.Equal(t, "failed", at(t, failed, "result", "status"))
	assert.Contains(t, at(t, failed, "result", "error_message"), "the reply is not that document (still so after 2 seconds)\n  at /name\n")
	exchange := sample().Features[0].Scenarios[1].Failing().Failure.Exchange
	for i, want := range []struct{ name, text string }{
		{"request", exchange.Request},
		{"curl", exchange.Curl},
		{"reply", exchange.Timing + "\n\n" + exchange.Reply},
	} {
		assert.Equal(t, want.name, at(t, failed, "embeddings", i, "name"))
		assert.Equal(t, "text/plain", at(t, failed, "embeddings", i, "mime_type"))
		text, err := base64.StdEncoding.DecodeString(at(t, failed, "embeddings", i, "data").(string))
		require.NoError(t, err)
		assert.Equal(t, want.text, string(text))
	}
	skipped := at(t, names, "elements", 3, "steps", 4, "result")
	assert.Equal(t, map[string]any{"status": "skipped"}, skipped)

	undefined := at(t, names, "elements", 5)
	assert.Equal(t, "Each name (row 2)", at(t, undefined, "name"))
	assert.Equal(t, "names;each-name;;3", at(t, undefined, "id"))
	assert.Equal(t, "undefined", at(t, undefined, "steps", 0, "result", "status"))
	assert.Equal(t, "features/names.feature:27", at(t, undefined, "steps", 0, "match", "location"))

	flaky := at(t, features[1], "elements", 0)
	assert.Equal(t, "@flaky", at(t, flaky, "tags", 0, "name"))
	assert.Equal(t, "passed", at(t, flaky, "steps", 0, "result", "status"))
	assert.Equal(t, "attempt 1 failed", at(t, flaky, "steps", 0, "embeddings", 0, "name"))
}

func TestCucumberTellsOfFaults(t *testing.T) {
	r := sample()
	r.Faults = []string{"features/broken.feature:3:5: expected a step"}
	broken := cucumber(t, r)[0]
	assert.Equal(t, "features/broken.feature", at(t, broken, "uri"))
	assert.Equal(t, 3.0, at(t, broken, "elements", 0, "line"))
	assert.Equal(t, "failed", at(t, broken, "elements", 0, "steps", 0, "result", "status"))
	assert.Equal(t, "expected a step", at(t, broken, "elements", 0, "steps", 0, "result", "error_message"))
}

func TestCucumberOfNothingIsAnEmptyList(t *testing.T) {
	assert.Empty(t, cucumber(t, &report.Run{}))
	assert.Empty(t, at(t, cucumber(t, &report.Run{Features: []*report.Feature{{Name: "Empty"}}}), 0, "elements"))
}

const both = `@crm
Feature: Names of all
  Who is who.

  @smoke
  Scenario: Good
    Given a table
      | name | age |
      | Joe  | 5   |
    And a text
      """json
      {"a": 1}
      """

  Scenario: Bad
    Given it fails
    And a text
      """
      b
      """

  Scenario: Misspelt
    Given a tabel

  Scenario Outline: Each
    Given a <thing>

    Examples:
      | thing |
      | text  |
`

// What godog writes of the same run is what we write, but for what it does not know: backgrounds, where a step is
// defined, how long, and which row.
func TestCucumberIsWhatGodogWrites(t *testing.T) {
	var out bytes.Buffer
	broken := errors.New("it is broken")
	suite := godog.TestSuite{
		Options: &godog.Options{
			Format: "cucumber", Output: &out, NoColors: true, Strict: true,
			FeatureContents: []godog.Feature{{Name: "names.feature", Contents: []byte(both)}},
		},
		ScenarioInitializer: func(sc *godog.ScenarioContext) {
			sc.Step(`^a table$`, func(context.Context, *godog.Table) error { return nil })
			sc.Step(`^a text$`, func(context.Context, *godog.DocString) error { return nil })
			sc.Step(`^it fails$`, func(context.Context) error { return broken })
		},
	}
	suite.Run()
	var theirs []any
	require.NoError(t, json.Unmarshal(out.Bytes(), &theirs), out.String())

	crm := report.Tag{Name: "@crm", Line: 1}
	text := func(line int, status report.Status, content, media string) *report.Step {
		return &report.Step{Keyword: "And", Text: "a text", Line: line, Status: status, DocString: &report.DocString{Content: content, MediaType: media, Line: line + 1}}
	}
	ours := cucumber(t, &report.Run{Features: []*report.Feature{{
		Name: "Names of all", Keyword: "Feature", Description: "  Who is who.", Path: "names.feature", Line: 2, Tags: []report.Tag{crm},
		Scenarios: []*report.Scenario{
			{Name: "Good", Keyword: "Scenario", Line: 6, Status: report.Passed, Tags: []report.Tag{crm, {Name: "@smoke", Line: 5}}, Steps: []*report.Step{
				{Keyword: "Given", Text: "a table", Line: 7, Status: report.Passed, Table: [][]string{{"name", "age"}, {"Joe", "5"}}},
				text(10, report.Passed, `{"a": 1}`, "json"),
			}},
			{Name: "Bad", Keyword: "Scenario", Line: 15, Status: report.Failed, Tags: []report.Tag{crm}, Steps: []*report.Step{
				{Keyword: "Given", Text: "it fails", Line: 16, Status: report.Failed, Failure: &report.Failure{What: broken.Error()}},
				text(17, report.Skipped, "b", ""),
			}},
			{Name: "Misspelt", Keyword: "Scenario", Line: 22, Status: report.Undefined, Tags: []report.Tag{crm}, Steps: []*report.Step{
				{Keyword: "Given", Text: "a tabel", Line: 23, Status: report.Undefined, Failure: &report.Failure{What: "no step reads like this"}},
			}},
			{Name: "Each", Keyword: "Scenario Outline", Line: 30, Row: 1, Status: report.Failed, Tags: []report.Tag{crm}, Steps: []*report.Step{
				{Keyword: "Given", Text: "a text", Line: 26, Status: report.Failed, Failure: &report.Failure{What: "x"}},
			}},
		},
	}}})
	contains(t, "", theirs, ours)
}

// contains checks that all of theirs is in ours.
func contains(t *testing.T, path string, theirs, ours any) {
	switch theirs := theirs.(type) {
	case map[string]any:
		object, is := ours.(map[string]any)
		require.True(t, is, "%s: %v", path, ours)
		for key, v := range theirs {
			switch key {
			case "comments":
				continue
			case "duration", "location", "error_message":
				assert.IsType(t, v, object[key], path+"/"+key)
				continue
			case "name":
				if v == "Each" {
					v = "Each (row 1)"
				}
			}
			require.Contains(t, object, key, path)
			contains(t, path+"/"+key, v, object[key])
		}
	case []any:
		list, is := ours.([]any)
		require.True(t, is, "%s: %v", path, ours)
		require.Len(t, list, len(theirs), path)
		for i := range theirs {
			contains(t, fmt.Sprintf("%s/%d", path, i), theirs[i], list[i])
		}
	default:
		assert.Equal(t, theirs, ours, path)
	}
}
