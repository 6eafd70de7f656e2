package steps_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/run"
)

// A name without braces inside a text is sent as it is, as by zato-apitest; who may have meant its value is told.
func TestUnfilledNamesAreTold(t *testing.T) {
	t.Setenv("API_TOKEN", "abc")
	rows := []struct{ value, want string }{
		{"Bearer $API_TOKEN", `a.feature: $API_TOKEN inside the text "Bearer $API_TOKEN" is not filled in; to fill it in, write ${API_TOKEN}`},
		{"a @city", `a.feature: @city inside the text "a @city" is not filled in; to fill it in, write @{city}`},
		{"${API_TOKEN} #n", `a.feature: #n inside the text "${API_TOKEN} #n" is not filled in; to fill it in, write #{n}`},
		{"Bearer ${API_TOKEN}", ""},
		{"$API_TOKEN", ""},
		{"price $USD_OF_NOBODY, a@b.c, #1", ""},
	}
	for _, row := range rows {
		var told []string
		done, err := run.Features(t.Context(), run.Options{
			Paths: []string{"a.feature"}, Parallel: 1,
			Steps: steps.Options{
				User: map[string]any{"city": "Oslo"},
				Log:  func(format string, values ...any) { told = append(told, fmt.Sprintf(format, values...)) },
			},
			FS: fstest.MapFS{"a.feature": {Data: []byte("Feature: f\n  Scenario Outline: s\n    Given I store \"1\" under \"n\"\n    And header \"X\" \"" + row.value + "\"\n" +
				"    Examples:\n      | x |\n      | 1 |\n      | 2 |\n")}},
		})
		require.NoError(t, err)
		require.True(t, done.Passed())
		assert.Equal(t, row.want, strings.Join(told, "\n"), "once, though two scenarios have it")
	}
}
