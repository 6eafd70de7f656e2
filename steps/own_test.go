package steps_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
)

// say runs lines of a scenario in a world that has just begun, and gives the first error.
func say(t *testing.T, o steps.Options, lines ...string) error {
	t.Helper()
	suite := steps.New(o)
	defer func() { require.NoError(t, suite.Close()) }()
	file := suite.File("own.feature")
	defer func() { require.NoError(t, file.Close()) }()
	w, err := file.Begin(t.Context(), "own")
	require.NoError(t, err)
	defer func() { require.NoError(t, w.End()) }()
	for _, text := range lines {
		kind, rest := steps.Given, text[len("Given "):]
		switch text[:4] {
		case "When":
			kind, rest = steps.When, text[len("When "):]
		case "Then":
			kind, rest = steps.Then, text[len("Then "):]
		}
		line, err := suite.Vocabulary().Bind(kind, rest)
		require.NoError(t, err)
		if err := line.Run(t.Context(), w); err != nil {
			return err
		}
	}
	return nil
}

func TestOwnStepsTakeTypedParameters(t *testing.T) {
	t.Setenv("HALF", "0.5")
	var got []any
	own := []steps.Step{
		{Kinds: []steps.Kind{steps.Given}, Pattern: `all "{s}", {n}, "{f}", "{b}" and "{d}"`, Func: func(s string, n int, f float64, b bool, d time.Duration) error {
			got = []any{s, n, f, b, d}
			return nil
		}},
		{Kinds: []steps.Kind{steps.Given}, Pattern: `any "{v}"`, Func: func(v any) error {
			got = []any{v}
			return nil
		}},
		{Kinds: []steps.Kind{steps.Given}, Pattern: `a world`, Func: func(ctx context.Context, w *steps.World) error {
			w.Store("list", []any{"a", "b"})
			_, there := w.Value("list")
			_, other := w.Value("lists")
			got = []any{ctx.Err(), there, other}
			return nil
		}},
		{Kinds: []steps.Kind{steps.Then}, Pattern: `{n} job(s) wait`, Func: func(w *steps.World, n int) error {
			got = []any{w.Reply() == nil, n}
			return nil
		}},
	}
	rows := []struct {
		lines []string
		want  []any
		fault string
	}{
		{[]string{`Given all "a b", 7, "$HALF", "true" and "500 ms"`}, []any{"a b", 7, 0.5, true, 500 * time.Millisecond}, ""},
		{[]string{`Given a world`, `Given any "#list"`}, []any{[]any{"a", "b"}}, ""},
		{[]string{`Given a world`}, []any{nil, true, false}, ""},
		{[]string{`Then within 1 second, 3 jobs wait`}, []any{true, 3}, ""},
		{[]string{`Given all "a", 7.5, "1", "true" and "1s"`}, nil, `n: "7.5" is not a whole number`},
		{[]string{`Given all "a", 7, "x", "true" and "1s"`}, nil, `f: "x" is not a number`},
		{[]string{`Given all "a", 7, "1", "yes" and "1s"`}, nil, `b: "yes" is neither true nor false`},
		{[]string{`Given all "a", 7, "1", "true" and "soon"`}, nil, `d: "soon" is no duration; write it like "2 seconds" or "500 ms"`},
	}
	for _, row := range rows {
		t.Run(row.lines[len(row.lines)-1], func(t *testing.T) {
			got = nil
			err := say(t, steps.Options{Extra: own}, row.lines...)
			if row.fault != "" {
				require.EqualError(t, err, row.fault)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, got)
		})
	}
}

// An own step signs requests, and another looks at the reply.
func TestOwnStepsChangeRequestsAndLookAtReplies(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"signed": %q}`, r.Header.Get("Signature"))
	}))
	defer server.Close()
	t.Setenv("OWN_ADDRESS", server.URL)
	own := []steps.Step{
		{Kinds: []steps.Kind{steps.Given}, Pattern: `requests are signed by "{who}"`, Func: func(w *steps.World, who string) error {
			w.Header().Set("Signature", "of "+who)
			return nil
		}},
		{Kinds: []steps.Kind{steps.Then}, Pattern: `the server knows "{who}"`, Reply: true, Func: func(w *steps.World, who string) error {
			var told struct{ Signed string }
			if err := w.Reply().JSON(&told); err != nil {
				return err
			}
			if told.Signed != "of "+who {
				return &steps.Failure{What: "the server knows another", Expected: "of " + who, Got: told.Signed}
			}
			return nil
		}},
		{Kinds: []steps.Kind{steps.Then}, Pattern: `it is a list`, Reply: true, Func: func(w *steps.World) error { return w.Reply().JSON(&[]int{}) }},
	}
	o := steps.Options{Extra: own}
	sent := []string{`Given address "$OWN_ADDRESS"`, `Given requests are signed by "Joe"`, `When the URL is invoked`}
	require.NoError(t, say(t, o, append(sent, `Then the server knows "Joe"`)...))

	err := say(t, o, append(sent, `Then the server knows "Jane"`)...)
	var failure *steps.Failure
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, "of Jane", failure.Expected)
	assert.Equal(t, "of Joe", failure.Got)
	assert.ErrorContains(t, say(t, o, append(sent, `Then it is a list`)...), "the reply is no JSON of that shape")
	assert.ErrorContains(t, say(t, o, `Then the server knows "Joe"`), "there is no reply to look at")
}

func TestAnOwnStepMustBeWholeAndItsOwn(t *testing.T) {
	do := func(context.Context, *steps.World, steps.Args) error { return errors.New("done") }
	given := []steps.Kind{steps.Given}
	rows := []struct {
		name string
		step steps.Step
		want string
	}{
		{"no pattern", steps.Step{Kinds: given, Do: do}, `step "" has no Pattern`},
		{"no keyword", steps.Step{Pattern: "a", Do: do}, `step "a" has no Kinds, so no keyword leads to it`},
		{"no function", steps.Step{Kinds: given, Pattern: "a"}, `step "a" does nothing: give it a Func`},
		{"two functions", steps.Step{Kinds: given, Pattern: "a", Do: do, Func: func() error { return nil }}, `step "a" has both a Do and a Func: one is enough`},
		{"no error", steps.Step{Kinds: given, Pattern: "a", Func: func() {}}, `step "a" has a Func of type func(); it must be a function that gives an error`},
		{"no function at all", steps.Step{Kinds: given, Pattern: "a", Func: 7}, `step "a" has a Func of type int; it must be a function that gives an error`},
		{
			"too few parameters",
			steps.Step{Kinds: given, Pattern: `a "{b}" of {c}`, Func: func(*steps.World, string) error { return nil }},
			`step "a \"{b}\" of {c}" has 2 parameters, and its Func takes 1`,
		},
		{
			"a parameter of a strange type",
			steps.Step{Kinds: given, Pattern: `a "{b}"`, Func: func([]byte) error { return nil }},
			`step "a \"{b}\"" has a Func that takes b as []uint8; it may be string, bool, int, float64, time.Duration or any`,
		},
		{
			"one of the vocabulary",
			steps.Step{Kinds: given, Pattern: `url path "{x}"`, Do: do},
			`step "Given url path \"{x}\"" reads like "Given URL path \"{url_path}\"", which is there already: say it in other words`,
		},
		{
			"one in its other wording",
			steps.Step{Kinds: []steps.Kind{steps.Then}, Pattern: `path "{x}" isn't empty`, Do: do},
			`step "Then path \"{x}\" isn't empty" reads like "Then JSON Pointer \"{path}\" is not empty", which is there already: say it in other words`,
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := steps.NewVocabulary(steps.Table(), row.step)
			require.EqualError(t, err, row.want)
		})
	}
	twin := steps.Step{Kinds: given, Pattern: `my "{a}"`, Do: do}
	_, err := steps.NewVocabulary(steps.Table(), twin, steps.Step{Kinds: given, Pattern: `my "{b}"`, Do: do})
	require.ErrorContains(t, err, `reads like "Given my \"{a}\""`)
	v, err := steps.NewVocabulary(steps.Table(), twin)
	require.NoError(t, err)
	line, err := v.Bind(steps.Given, `my "x"`)
	require.NoError(t, err)
	assert.EqualError(t, line.Run(t.Context(), begin(t, steps.Options{}).world), "done")
	assert.Equal(t, "your own", line.Step().Topic)
}
