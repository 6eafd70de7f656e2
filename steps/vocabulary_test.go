package steps_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
)

func TestEveryExampleMeansItsOwnStep(t *testing.T) {
	v, err := steps.NewVocabulary(steps.Table())
	require.NoError(t, err)
	for _, s := range steps.Table() {
		for _, kind := range s.Kinds {
			found, err := v.Lookup(kind, s.Example)
			if assert.NoError(t, err, "%s %s", kind, s.Example) {
				assert.Equal(t, s.Pattern, found.Pattern, "example %q", s.Example)
			}
		}
	}
}

func TestEveryStepIsDescribed(t *testing.T) {
	for _, s := range steps.Table() {
		assert.NotEmpty(t, s.Topic, s.Pattern)
		assert.NotEmpty(t, s.Example, s.Pattern)
		assert.NotEmpty(t, s.Doc, s.Pattern)
		assert.NotEqual(t, "The same.", s.Doc, "%s: a search shows it without the step before", s.Pattern)
		assert.NotNil(t, s.Do, s.Pattern)
	}
}

func TestLinesAreMatchedAsWholeAndInAnyCase(t *testing.T) {
	v, err := steps.NewVocabulary(steps.Table())
	require.NoError(t, err)
	rows := []struct {
		name    string
		kind    steps.Kind
		line    string
		pattern string // empty: no step
	}{
		{"as written", steps.Given, `URL path "/x"`, `URL path "{url_path}"`},
		{"another case", steps.Given, `url PATH "/x"`, `URL path "{url_path}"`},
		{"1.13's path", steps.Then, `path "/a" is "x"`, `JSON Pointer "{path}" is "{value}"`},
		{"1.12's isn't", steps.Then, `header "A" isn't "x"`, `header "{header}" is not "{value}"`},
		{"1.12's doesn't", steps.Then, `header "A" doesn't exist`, `header "{header}" does not exist`},
		{"a retry before", steps.Then, `within 5 seconds, status is "200"`, `status is "{expected_status}"`},
		{"a retry before, without comma", steps.Then, `within 5 seconds status is "200"`, `status is "{expected_status}"`},
		{"a retry behind", steps.Then, `server 1 answers within 5 seconds`, `server {n} answers`},
		{"on every server", steps.Then, `within 1 second, on every server, status is "200"`, `status is "{expected_status}"`},
		{"quotes inside", steps.Given, `request is "{"a":"b"}"`, `request is "{data}"`},
		{"more fixed words win", steps.Then, `I store "/a" from response under "n", default "x"`, `I store "{path}" from response under "{name}", default "{default}"`},
		{"an empty parameter", steps.Given, `URL path ""`, ""},
		{"two blanks", steps.Given, `URL  path "/x"`, ""},
		{"words behind", steps.Given, `URL path "/x" please`, ""},
		{"another keyword", steps.Then, `URL path "/x"`, ""},
		{"a server for a step without reply", steps.Then, `on every server, no unexpected call was received`, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			found, err := v.Lookup(row.kind, row.line)
			if row.pattern == "" {
				assert.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.pattern, found.Pattern)
		})
	}
}

func TestAPatternMayStandOnceOnly(t *testing.T) {
	one := steps.Table()[:1]
	_, err := steps.NewVocabulary(append(one, one...))
	assert.ErrorContains(t, err, "twice")
}

func TestAnUnknownLineIsExplained(t *testing.T) {
	v, err := steps.NewVocabulary(steps.Table())
	require.NoError(t, err)
	rows := []struct {
		name string
		kind steps.Kind
		line string
		note string
		near string // the first suggestion
	}{
		{"misspelt", steps.When, `the URL is invokd`, "", "When the URL is invoked"},
		{"wrong keyword", steps.Then, `the URL is invoked`, "these words are a When step, and stand after Then here", ""},
		{"a word too many", steps.Then, `the status is "200"`, "", `Then status is "{expected_status}"`},
		{"an empty value", steps.Given, `URL path ""`, "a value between quotes must have at least one character", `Given URL path "{url_path}"`},
		{"two blanks", steps.Given, `URL  path "/x  y"`, "there are two blanks between words", `Given URL path "{url_path}"`},
		{"nothing near", steps.When, `pigs fly over the moon tonight`, "", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := v.Bind(row.kind, row.line)
			var unknown *steps.UnknownError
			require.ErrorAs(t, err, &unknown)
			assert.Equal(t, row.note, unknown.Note)
			assert.LessOrEqual(t, len(unknown.Near), 3)
			if row.near == "" {
				assert.Empty(t, unknown.Near)
				return
			}
			require.NotEmpty(t, unknown.Near)
			assert.Equal(t, row.near, unknown.Near[0])
			assert.ErrorContains(t, err, "did you mean: "+row.near)
		})
	}
}

func TestAnAmbiguousLineIsAnError(t *testing.T) {
	row := func(pattern string) steps.Step {
		return steps.Step{Topic: "x", Kinds: []steps.Kind{steps.Given}, Pattern: pattern, Example: "x"}
	}
	v, err := steps.NewVocabulary([]steps.Step{row(`send "{a}" to {n}`), row(`send "{b}" to {m}`), row(`send "{c}" to {k} people`)})
	require.NoError(t, err)
	_, err = v.Bind(steps.Given, `send "x" to 7 people`)
	require.NoError(t, err)
	_, err = v.Bind(steps.Given, `send "x" to 7`)
	var ambiguous *steps.AmbiguousError
	require.ErrorAs(t, err, &ambiguous)
	assert.Equal(t, []string{`send "{a}" to {n}`, `send "{b}" to {m}`}, ambiguous.May)
}

// TestNoExampleMeansTwoSteps holds that no two rows of the vocabulary claim each other's lines.
func TestNoExampleMeansTwoSteps(t *testing.T) {
	v, err := steps.NewVocabulary(steps.Table())
	require.NoError(t, err)
	other := strings.NewReplacer("JSON Pointer ", "path ", " is not ", " isn't ", " does not ", " doesn't ")
	for _, s := range steps.Table() {
		for _, kind := range s.Kinds {
			for _, line := range []string{s.Example, other.Replace(s.Example), strings.ToUpper(s.Example[:1]) + s.Example[1:]} {
				found, err := v.Lookup(kind, line)
				if assert.NoError(t, err, line) {
					assert.Equal(t, s.Pattern, found.Pattern, line)
				}
			}
			if kind != steps.Then || strings.Contains(s.Example, "within ") {
				continue // it says by itself how long it waits
			}
			for _, around := range []string{"within 2 seconds, %s", "%s within 0.5 seconds"} {
				found, err := v.Lookup(kind, fmt.Sprintf(around, s.Example))
				if assert.NoError(t, err, s.Example) {
					assert.Equal(t, s.Pattern, found.Pattern, s.Example)
				}
			}
		}
	}
}
