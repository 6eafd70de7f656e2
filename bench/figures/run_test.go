package figures_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench/figures"
)

func measures() []figures.Part[int] {
	of := func(title string) func(context.Context, int) (figures.Section, error) {
		return func(_ context.Context, n int) (figures.Section, error) {
			if n < 0 {
				return figures.Section{}, errors.New("less than nothing")
			}
			return figures.Section{Title: title}, nil
		}
	}
	return []figures.Part[int]{{Name: "a", Measure: of("the first")}, {Name: "b", Measure: of("the second")}, {Name: "c", Measure: of("the third")}}
}

func TestParts(t *testing.T) {
	for _, row := range []struct {
		only []string
		want string
	}{{nil, "abc"}, {[]string{"c", "a"}, "ac"}, {[]string{"b", "b"}, "b"}} {
		chosen, err := figures.Select(measures(), row.only)
		require.NoError(t, err)
		got := ""
		for _, p := range chosen {
			got += p.Name
		}
		assert.Equal(t, row.want, got)
	}
	_, err := figures.Select(measures(), []string{"a", "d"})
	assert.EqualError(t, err, `--only: "d" is none of a, b, c`)
}

func TestRun(t *testing.T) {
	var text, asJSON strings.Builder
	require.NoError(t, figures.Run(t.Context(), &text, false, measures(), 1))
	assert.Regexp(t, `(?s)the first.*the second.*the third`, text.String())
	require.NoError(t, figures.Run(t.Context(), &asJSON, true, measures(), 1))
	assert.Regexp(t, `(?s)^\{.*"name": ?"a".*"name": ?"c"`, asJSON.String())

	err := figures.Run(t.Context(), &text, false, measures(), -1)
	require.ErrorAs(t, err, &figures.Invalid{})
	assert.EqualError(t, err, "could not measure: a: less than nothing")
}
