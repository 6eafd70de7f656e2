package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
)

var _ = flag.Bool("update", false, "write the pages that are made of the code anew")

const stepsPage = "../../docs/steps.md"

// TestStepsPage holds that the committed page is the one that the table makes.
func TestStepsPage(t *testing.T) {
	var page bytes.Buffer
	require.NoError(t, stepsMarkdown(&page, steps.Table()))
	if flag.Lookup("update").Value.String() == "true" {
		require.NoError(t, os.WriteFile(stepsPage, page.Bytes(), 0o644))
	}
	committed, err := os.ReadFile(stepsPage)
	require.NoError(t, err)
	if !bytes.Equal(committed, page.Bytes()) {
		t.Error("docs/steps.md is not what the table of steps makes; run: go test ./cmd/apitest -run TestStepsPage -update")
	}
}

func TestStepsJSON(t *testing.T) {
	table := []steps.Step{
		{Topic: "replies", Kinds: []steps.Kind{steps.Then}, Pattern: `header "{h}" is not "{v}"`, Doc: "It <is> another.", Example: `header "A" is not "b"`},
		{Topic: "mocks", Kinds: []steps.Kind{steps.Given, steps.When}, Pattern: "x", Example: "x"},
	}
	var out bytes.Buffer
	require.NoError(t, stepsJSON(&out, table))
	assert.Contains(t, out.String(), "It <is> another.")
	var got []map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	assert.Equal(t, []map[string]any{
		{
			"topic": "replies", "kind": "Then", "pattern": `header "{h}" is not "{v}"`, "wordings": []any{`header "{h}" isn't "{v}"`},
			"doc": "It <is> another.", "example": `Then header "A" is not "b"`,
		},
		{"topic": "mocks", "kind": "Given", "pattern": "x", "wordings": []any{}, "doc": "", "example": "Given x"},
		{"topic": "mocks", "kind": "When", "pattern": "x", "wordings": []any{}, "doc": "", "example": "When x"},
	}, got)
}

func TestStepsMarkdownQuotesWhatMarksWouldChange(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, stepsMarkdown(&out, []steps.Step{{
		Topic: "HTTP mocks", Kinds: []steps.Kind{steps.Given}, Pattern: "a `b`", Doc: "#x_y, *not* <z> or _w_.", Example: `a "b"`, Reply: true,
	}}))
	assert.Contains(t, out.String(), "| [HTTP mocks](#http-mocks) | Start servers that stand in for what is not there, with answers from a file. | 1 |\n")
	assert.Contains(t, out.String(), "**Given** `` a `b` `` *reply*\\\n"+
		"\\#x_y, \\*not\\* \\<z> or \\_w\\_.\\\nExample: `Given a \"b\"`\n")
}

// TestEveryTopicIsIntroduced holds that the contents of the page say what each topic is for.
func TestEveryTopicIsIntroduced(t *testing.T) {
	for _, s := range steps.Table() {
		assert.NotEmpty(t, topicIntro(s.Topic), s.Topic)
	}
}
