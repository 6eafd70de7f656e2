package steps

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parsed(t testing.TB, text string) any {
	t.Helper()
	v, err := decodeJSON([]byte(text))
	require.NoError(t, err)
	return v
}

func TestDifferencesAreAllNamed(t *testing.T) {
	d := func(path, expected, got string) Difference {
		return Difference{Path: path, Expected: expected, Got: got}
	}
	rows := []struct {
		name, pointer, want, got string
		found                    []Difference
	}{
		{"the same", "", `{"a": [1, {"b": null}], "c": 1.0}`, `{"c": 1, "a": [1e0, {"b": null}]}`, nil},
		{"several values", "", `{"a": 1, "b": {"c": "x"}, "d": true}`, `{"a": 2, "b": {"c": "y"}, "d": true}`, []Difference{d("/a", "1", "2"), d("/b/c", `"x"`, `"y"`)}},
		{"missing and too many", "", `{"a": 1, "b": [2]}`, `{"c": {"d": 3}}`, []Difference{d("/a", "1", "(nothing)"), d("/b", "[2]", "(nothing)"), d("/c", "(nothing)", `{"d": 3}`)}},
		{"another type", "", `{"a": [1], "b": "1", "c": null}`, `{"a": {"0": 1}, "b": 1, "c": false}`, []Difference{d("/a", "[1]", `{"0": 1}`), d("/b", `"1"`, "1"), d("/c", "null", "false")}},
		{"true is not 1", "", `{"a": true}`, `{"a": 1}`, []Difference{d("/a", "true", "1")}},
		{"names that are escaped", "", `{"a/b": {"m~n": 1, "": 2}}`, `{"a/b": {"m~n": 2, "": 3}}`, []Difference{d("/a~1b/m~0n", "1", "2"), d("/a~1b/", "2", "3")}},
		{"below a pointer", "/x/0", `{"a": 1}`, `{"a": 2}`, []Difference{d("/x/0/a", "1", "2")}},
		{"elements", "", `[1, [2, 3], 4]`, `[0, [2, 4], 4]`, []Difference{d("/0", "1", "0"), d("/1/1", "3", "4")}},
		{"the whole", "", `[1]`, `{}`, []Difference{d("the whole document", "[1]", "{}")}},
		{"too short", "/l", `[1, 2, 3]`, `[1]`, []Difference{d("/l", "a list of 3 elements", "a list of 1 element"), d("/l/1", "2", "(nothing)"), d("/l/2", "3", "(nothing)")}},
		{"too long", "", `[1]`, `[1, 2]`, []Difference{d("the whole document", "a list of 1 element", "a list of 2 elements"), d("/1", "(nothing)", "2")}},
		{"empty", "/l", `[]`, `[7]`, []Difference{d("/l", "a list of 0 elements", "a list of 1 element"), d("/l/0", "(nothing)", "7")}},
		{"one too many at the front", "/l", `[1, 2, 3]`, `[0, 1, 2, 3]`, []Difference{d("/l", "a list of 3 elements", "a list of 4 elements"), d("/l/0", "(nothing)", "0")}},
		{"one missing in the middle", "/l", `[1, 2, 3, 4]`, `[1, 2, 4]`, []Difference{d("/l", "a list of 4 elements", "a list of 3 elements"), d("/l/2", "3", "(nothing)")}},
		{
			"one missing and one changed", "/l", `[1, {"a": 2}, 3, 4]`, `[1, {"a": 5}, 4]`,
			[]Difference{d("/l", "a list of 4 elements", "a list of 3 elements"), d("/l/1/a", "2", "5"), d("/l/2", "3", "(nothing)")},
		},
		{"the same element twice", "/l", `[1, 1]`, `[1]`, []Difference{d("/l", "a list of 2 elements", "a list of 1 element"), d("/l/1", "1", "(nothing)")}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			want, got := parsed(t, row.want), parsed(t, row.got)
			assert.Equal(t, row.found, differences(sameScalar, want, got, row.pointer))
			assert.Equal(t, row.found == nil, equal(want, got), "equal says the same")
			assert.Equal(t, row.found == nil, sameTree(want, got, row.pointer) == nil)
		})
	}
}

// TestLargeDocumentsAreCompared holds that each of ten thousand differences is told, and that one element too many at the
// front is not ten thousand of them.
func TestLargeDocumentsAreCompared(t *testing.T) {
	const size = 10_000
	want, got := parsed(t, large(size, 0)), parsed(t, large(size, 1))
	assert.True(t, equal(want, parsed(t, large(size, 0))))

	var f *Failure
	require.True(t, errors.As(sameTree(want, got, ""), &f))
	assert.Equal(t, "the JSON is not what was expected: 10000 differences", f.What)
	require.Len(t, f.Differences, size)
	assert.Equal(t, Difference{Path: "/9999/n", Expected: "9999", Got: "10000"}, f.Differences[size-1])

	longer := append([]any{"new"}, want.([]any)...)
	require.True(t, errors.As(sameTree(want, longer, ""), &f))
	assert.Equal(t, []Difference{
		{Path: "the whole document", Expected: "a list of 10000 elements", Got: "a list of 10001 elements"},
		{Path: "/0", Expected: "(nothing)", Got: `"new"`},
	}, f.Differences)
}

// large is a list of that many dicts, whose numbers are that much greater.
func large(size, more int) string {
	var b strings.Builder
	for i := range size {
		fmt.Fprintf(&b, `, {"id": "element %d", "n": %d, "tags": ["a", {"b": null}], "ratio": 0.%d}`, i, i+more, i)
	}
	return "[" + b.String()[2:] + "]"
}

func BenchmarkDifferences(b *testing.B) {
	want, got := parsed(b, large(10_000, 0)), parsed(b, large(10_000, 1))
	for b.Loop() {
		_ = sameTree(want, got, "")
	}
}

func BenchmarkEqual(b *testing.B) {
	want, got := parsed(b, large(10_000, 0)), parsed(b, large(10_000, 0))
	for b.Loop() {
		_ = equal(want, got)
	}
}

func BenchmarkPythonLiteral(b *testing.B) {
	text := large(10_000, 0)
	text = strings.ReplaceAll(text, "null", "None")
	for b.Loop() {
		if _, err := pythonLiteral(text); err != nil {
			b.Fatal(err)
		}
	}
}
