package steps_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
)

func TestThePhrasesThatAreNearestAreSuggested(t *testing.T) {
	v, err := steps.NewVocabulary(steps.Table())
	require.NoError(t, err)
	rows := []struct {
		name string
		kind steps.Kind
		line string
		want string // is among them
		note string
	}{
		{"misspelt", steps.When, `the URL is invokd`, `When the URL is invoked`, ""},
		{"in the newer wording", steps.Then, `path "/name" equals "Sean"`, `Then path "{path}" is "{value}"`, ""},
		{"in the older wording", steps.Then, `JSON Pointr "/name" is "Sean"`, `Then JSON Pointer "{path}" is "{value}"`, ""},
		{"with nothing between quotes", steps.Then, `path "/name" is ""`, `Then path "{path}" is "{value}"`, "a value between quotes must have at least one character"},
		{"isn't", steps.Then, `path "/name" isn't emtpy`, `Then path "{path}" isn't empty`, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := v.Bind(row.kind, row.line)
			var unknown *steps.UnknownError
			require.ErrorAs(t, err, &unknown)
			require.NotEmpty(t, unknown.Near)
			assert.LessOrEqual(t, len(unknown.Near), 3)
			assert.Contains(t, unknown.Near, row.want)
			assert.Equal(t, row.note, unknown.Note)
		})
	}
}

// A large project whose steps nobody knows, looked at by a dry run, is told so in time.
func TestManyUnknownLinesAreToldInTime(t *testing.T) {
	v, err := steps.NewVocabulary(steps.Table())
	require.NoError(t, err)
	began := time.Now()
	for i := range 1000 {
		_, err := v.Bind(steps.Then, fmt.Sprintf("the customer number %d has bought something %d times", i, i))
		require.Error(t, err)
	}
	t.Log(time.Since(began))
	assert.Less(t, time.Since(began), 2*time.Minute)
}

func TestEveryStepIsDocumented(t *testing.T) {
	for _, s := range steps.Table() {
		assert.NotEmpty(t, s.Doc, s.Pattern)
		assert.NotEmpty(t, s.Example, s.Pattern)
		assert.NotEmpty(t, s.Kinds, s.Pattern)
	}
}
