package steps_test

import (
	"context"
	"errors"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
)

// probe is a step of the test's own: it gives what its parameter was resolved to.
func probe(got *any, text *string) steps.Step {
	return steps.Step{
		Topic: "test", Kinds: []steps.Kind{steps.Given}, Pattern: `a probe of "{value}"`, Example: `a probe of "x"`,
		Do: func(_ context.Context, _ *steps.World, a steps.Args) error {
			*got, *text = a.Value(0), a.Text(0)
			return nil
		},
	}
}

func TestParametersAreResolved(t *testing.T) {
	t.Setenv("GREETING", "hello")
	t.Setenv("STRANGE", "#{n}")
	options := steps.Options{
		User: map[string]any{"sample": "Hi", "several": []any{"a", "b"}},
		Vault: func(_ context.Context, path string) (string, error) {
			if path != "secret/crm" {
				return "", errors.New("there is nothing")
			}
			return "vaulted", nil
		},
	}
	rows := []struct {
		name, value string
		want, fault string
	}{
		{"a text", `plain`, "plain", ""},
		{"blanks are kept", ` a `, " a ", ""},
		{"the environment", `$GREETING`, "hello", ""},
		{"the configuration", `@sample`, "Hi", ""},
		{"a list of the configuration", `@several`, `["a", "b"]`, ""},
		{"a stored value", `#n`, "7", ""},
		{"a stored value of a free name", `#a name, free`, "x", ""},
		{"Vault", `vault:secret/crm`, "vaulted", ""},
		{"inside a text", `/${GREETING}/#{n}-@{sample}`, "/hello/7-Hi", ""},
		{"at the beginning of a text", `${GREETING} you`, "hello you", ""},
		{"alone, between braces", `#{n}`, "7", ""},
		{"a name in another alphabet", `x#{größe_1}`, "xL", ""},
		{"what was filled in is not filled in again", `${STRANGE}`, "#{n}", ""},
		{"nor as a whole", `$STRANGE`, "#{n}", ""},
		{"signs further inside mean nothing", `a$GREETING #n @sample`, "a$GREETING #n @sample", ""},
		{"braces with more than a name", `a#{n n}`, "a#{n n}", ""},
		{"braces without sign", `{n}`, "{n}", ""},
		{"unset in the environment", `$NOBODY_SET_THIS`, "", "the environment has no variable \"NOBODY_SET_THIS\"\n  set it before the run, such as: NOBODY_SET_THIS=... apitest run ..."},
		{"unset, inside a text", `a${NOBODY_SET_THIS}`, "", `the environment has no variable "NOBODY_SET_THIS"`},
		{"not configured", `@none`, "", "the configuration has no value \"none\"\n  configured are: sample, several"},
		{"not stored", `#none`, "", "nothing is stored under \"none\"\n  stored are: a name, free, größe_1, n"},
		{"two signs", `##n`, "", `nothing is stored under "#n"`},
		{"a sign alone", `$`, "", `the environment has no variable ""`},
		{"another sign alone", `@`, "", `the configuration has no value ""`},
		{"a whole value is filled in no further", `#n-${GREETING}`, "", `nothing is stored under "n-${GREETING}"`},
		{"not in Vault", `vault:secret/erp`, "", `path "secret/erp" of Vault: there is nothing`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var got any
			var text string
			o := options
			o.Extra = []steps.Step{probe(&got, &text)}
			k := begin(t, o)
			k.must("Given I store \"7\" under \"n\"\nAnd I store \"x\" under \"a name, free\"\nAnd I store \"L\" under \"größe_1\"")
			bound, err := k.suite.Vocabulary().Bind(steps.Given, `a probe of "`+row.value+`"`)
			require.NoError(t, err)
			err = bound.Run(t.Context(), k.world)
			if row.fault != "" {
				assert.ErrorContains(t, err, row.fault)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, text)
		})
	}
	t.Run("no Vault", func(t *testing.T) {
		k := begin(t, steps.Options{})
		assert.ErrorContains(t, k.say(`Given URL path "vault:secret/crm"`), "no Vault is configured, so vault:secret/crm means nothing")
	})
}

func TestAWholeValueKeepsItsType(t *testing.T) {
	rows := []struct{ pointer, whole, inside string }{
		{"/text", `"7"`, `"7"`},
		{"/number", `7.50`, `"7.50"`},
		{"/flag", `true`, `"true"`},
		{"/nothing", `null`, `"null"`},
		{"/list", `["a", 1]`, `"[\"a\", 1]"`},
		{"/dict", `{"z": 1, "a": 2}`, `"{\"z\": 1, \"a\": 2}"`},
	}
	address := answering(t, `{"text": "7", "number": 7.50, "flag": true, "nothing": null, "list": ["a", 1], "dict": {"z": 1, "a": 2}}`)
	for _, row := range rows {
		t.Run(row.pointer, func(t *testing.T) {
			reached, got := listener(t)
			k := begin(t, steps.Options{})
			k.must("Given address \"" + address + "\"\nAnd format \"JSON\"\n" + invoking + "Then I store \"" + row.pointer + "\" from response under \"v\"")
			k.must("Given address \"" + reached + `"
				And request is "{}"
				And JSON Pointer "/whole" in request is "#v"
				And JSON Pointer "/inside" in request is "#{v}"
				When the URL is invoked`)
			assert.JSONEq(t, `{"whole": `+row.whole+`, "inside": `+row.inside+`}`, got.body)
		})
	}
}

func TestRandomValues(t *testing.T) {
	rows := []struct{ what, pattern string }{
		{"string", `^a[0-9a-f]{32}$`},
		{"integer", `^[0-9]{1,2}$`},
		{"float", `^[0-9]{1,2}\.[0-9]+$`},
	}
	for _, row := range rows {
		t.Run(row.what, func(t *testing.T) {
			values := func(seed uint64) (all []string) {
				var got any
				var text string
				k := begin(t, steps.Options{Seed: seed, Extra: []steps.Step{probe(&got, &text)}})
				for range 20 {
					k.must("Given I store a random " + row.what + " under \"v\"\nAnd a probe of \"#v\"")
					assert.Regexp(t, regexp.MustCompile(row.pattern), text)
					all = append(all, text)
				}
				return all
			}
			first := values(1)
			assert.Equal(t, first, values(1), "the seed decides")
			assert.NotEqual(t, first, values(2))
			assert.NotEqual(t, first[:10], first[10:])
		})
	}
}

func TestValuesThatAreMade(t *testing.T) {
	rows := []struct{ name, lines, want, fault string }{
		{"Base64", `Given I encode "Zoë & Sean?>" using Base64 under "v"`, "Wm/DqyAmIFNlYW4/Pg==", ""},
		{"Base64 of something long stays on one line", `Given I encode "${LONG}" using Base64 under "v"`, "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=", ""},
		{"and back", `Given I decode "Wm/DqyAmIFNlYW4/Pg==" using Base64 under "v"`, "Zoë & Sean?>", ""},
		{"back, after Then, from URLs", `Then I decode "Wm_DqyAmIFNlYW4_Pg" using Base64 under "v"`, "Zoë & Sean?>", ""},
		{"back, from several lines", `Given I decode "Wm/D qyAm" using Base64 under "v"`, "Zoë &", ""},
		{"no Base64", `Given I decode "Wm!" using Base64 under "v"`, "", `"Wm!" is no Base64`},
		{"a format string", `Given I store a format string "{first}-{n}{{x}} $A @b" under "v"`, "Sean-7{x} $A @b", ""},
		{"a format string in which # means nothing", `Given I store a format string "#{n}" under "v"`, "#7", ""},
		{"a format string with lists", `Given I store a format string "['{first}', '{n}']" under "v"`, "['Sean', '7']", ""},
		{"a format string of nobody", `Given I store a format string "{nobody}" under "v"`, "", `nothing is stored under "nobody"`},
		{"a format string with a brace", `Given I store a format string "a{" under "v"`, "", "a single { in a format string"},
		{"a stored value in another's name", "Given I store \"v\" under \"name\"\nAnd I store \"x\" under \"#name\"", "x", ""},
		{"overwritten", "Given I store \"a\" under \"v\"\nAnd I store \"b\" under \"v\"", "b", ""},
		{"the first quotes end the value", "Given I store \"a\" under \"v\" under \"w\"\nAnd I store \"#v\" under \"w\" under \"v\"", "", `nothing is stored under "v"`},
	}
	t.Setenv("LONG", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var got any
			var text string
			k := begin(t, steps.Options{Extra: []steps.Step{probe(&got, &text)}})
			err := k.say("Given I store \"Sean\" under \"first\"\nAnd I store \"7\" under \"n\"\n" + row.lines)
			if row.fault != "" {
				assert.ErrorContains(t, err, row.fault)
				return
			}
			require.NoError(t, err)
			k.must(`Given a probe of "#v"`)
			assert.Equal(t, row.want, got)
		})
	}
}
