package steps_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
)

func TestWordings(t *testing.T) {
	rows := []struct {
		pattern string
		want    []string
	}{
		{`the URL is invoked`, []string{}},
		{`JSON Pointer "{path}" is "{value}"`, []string{`path "{path}" is "{value}"`}},
		{`header "{h}" does not exist`, []string{`header "{h}" doesn't exist`}},
		{`JSON Pointer "{path}" is not empty`, []string{`path "{path}" is not empty`, `JSON Pointer "{path}" isn't empty`, `path "{path}" isn't empty`}},
	}
	for _, row := range rows {
		t.Run(row.pattern, func(t *testing.T) {
			assert.Equal(t, row.want, steps.Step{Pattern: row.pattern}.Wordings())
		})
	}
}

var anyPlaceholder = regexp.MustCompile(`\{mock\}|\{\w+\}|\(s\)`)

// TestEveryWordingIsUnderstood holds that the vocabulary takes each for the step that it is of.
func TestEveryWordingIsUnderstood(t *testing.T) {
	v, err := steps.NewVocabulary(steps.Table())
	require.NoError(t, err)
	count := 0
	for _, s := range steps.Table() {
		for _, said := range s.Wordings() {
			line := anyPlaceholder.ReplaceAllStringFunc(said, func(found string) string {
				switch {
				case found == "{mock}":
					return "CRM"
				case found == "(s)":
					return "s"
				}
				return "1"
			})
			count++
			found, err := v.Lookup(s.Kinds[0], line)
			if assert.NoError(t, err) {
				assert.Equal(t, s.Pattern, found.Pattern, line)
			}
			assert.False(t, strings.EqualFold(s.Pattern, said), said)
		}
	}
	assert.NotZero(t, count)
}
