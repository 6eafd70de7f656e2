package steps_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
)

// bodyOf is the JSON body that was sent, without white space between its parts.
func bodyOf(t *testing.T, last *sent) string {
	t.Helper()
	var compact bytes.Buffer
	require.NoError(t, json.Compact(&compact, []byte(last.body)))
	return compact.String()
}

const emptyRequest = "Given format \"JSON\"\nAnd request is \"{}\"\n"

func TestValuesAreSetInTheRequest(t *testing.T) {
	const tree = "Given format \"JSON\"\nAnd request is \"{\"a/b\": {\"m~n\": [1, 2]}, \"list\": [], \"text\": \"x\"}\"\n"
	rows := []struct{ name, before, step, want, fault string }{
		{"a text", emptyRequest, `path "/a" in request is "B"`, `{"a":"B"}`, ""},
		{"texts stay texts", emptyRequest, `JSON Pointer "/a" in request is "true"`, `{"a":"true"}`, ""},
		{"a stored number stays one", emptyRequest + "Given JSON Pointer \"/n\" in request is an integer \"7\"\n", `path "/a" in request is "x"`, `{"n":7,"a":"x"}`, ""},
		{"Python", emptyRequest, `path "/a" in request is "['x', 1, 2.0, True, None, {'k': (1,)}]" (with literal_eval)`, `{"a":["x",1,2.0,true,null,{"k":[1]}]}`, ""},
		{"no Python", emptyRequest, `path "/a" in request is "[1, true]" (with literal_eval)`, "", "not a Python value: line 1, column 5: true is JSON; in Python it is True"},
		{"JSON", emptyRequest, `path "/a" in request is JSON "{"k": [1.50, null]}"`, `{"a":{"k":[1.50,null]}}`, ""},
		{"no JSON", emptyRequest, `path "/a" in request is JSON "{k}"`, "", "not JSON: line 1, column 2"},
		{"an integer", emptyRequest, `path "/a" in request is an integer " +1_000 "`, `{"a":1000}`, ""},
		{"a large integer", emptyRequest, `path "/a" in request is an integer "-123456789012345678901234567890"`, `{"a":-123456789012345678901234567890}`, ""},
		{"no integer", emptyRequest, `path "/a" in request is an integer "1.5"`, "", `"1.5" is not a whole number; write it like 42`},
		{"a float", emptyRequest, `path "/a" in request is a float "7.50"`, `{"a":7.50}`, ""},
		{"a float without fraction", emptyRequest, `path "/a" in request is a float "7"`, `{"a":7.0}`, ""},
		{"a float as Python writes it", emptyRequest, `path "/a" in request is a float "+.5"`, `{"a":0.5}`, ""},
		{"no float", emptyRequest, `path "/a" in request is a float "inf"`, "", `"inf" is not a number; write it like 7.5`},
		{"a list", emptyRequest, `path "/a" in request is a list "1, b ,"c,d""`, `{"a":["1","b","c,d"]}`, ""},
		{"quotes inside", emptyRequest, `path "/a" in request is a list "a "b", "c", "d""e"f"`, `{"a":["a \"b\"","\"c\"","\"d\"\"e\"f"]}`, ""},
		{"quotes around a part", emptyRequest, `path "/a" in request is a list ""a"b,"c""d",,"`, `{"a":["ab","c\"d","",""]}`, ""},
		{"a list with nothing in it", emptyRequest, `path "/a" in request is a list " "`, `{"a":[""]}`, ""},
		{"one of one", emptyRequest, `path "/a" in request is one of " , B, "`, `{"a":"B"}`, ""},
		{"one of none", emptyRequest, `path "/a" in request is one of " , "`, "", "there is nothing to choose from"},
		{"true", emptyRequest, `path "/a" in request is True`, `{"a":true}`, ""},
		{"false", emptyRequest, `JSON Pointer "/a" in request is False`, `{"a":false}`, ""},

		{"escaped names", tree, `path "/a~1b/m~0n/1" in request is "x"`, `{"a/b":{"m~n":[1,"x"]},"list":[],"text":"x"}`, ""},
		{"appended", tree, `path "/list/-" in request is "x"`, `{"a/b":{"m~n":[1,2]},"list":["x"],"text":"x"}`, ""},
		{"replaced", tree, `path "/a~1b" in request is "x"`, `{"a/b":"x","list":[],"text":"x"}`, ""},
		{"an empty name", emptyRequest, `path "/" in request is "x"`, `{"":"x"}`, ""},
		{"no parent", emptyRequest, `path "/a/b/c" in request is "x"`, "", `JSON Pointer "/a/b/c": there is no such value: the whole document is an empty dict; set /a first`},
		{"a misspelt parent", tree, `path "/lst/-" in request is "x"`, "", `the whole document has the keys "a/b", "list", "text"; did you mean /list?; set /lst first`},
		{"behind the end", tree, `path "/a~1b/m~0n/2" in request is "x"`, "", "is a list of 2, the last of which is /a~1b/m~0n/1; to append an element write /a~1b/m~0n/-"},
		{"no place", tree, `path "/a~1b/m~0n/01" in request is "x"`, "", `not "01"`},
		{"in the middle of nowhere", tree, `path "/list/-/a" in request is "x"`, "", "/list is an empty list"},
		{"in a text", tree, `path "/text/a" in request is "x"`, "", `/text is "x", and has nothing in it`},
		{"no pointer", tree, `path "a" in request is "x"`, "", `JSON Pointer "a" does not begin with /`},
		{"no request", "Given format \"JSON\"\n", `path "/a" in request is "x"`, "", "there is no request in which JSON Pointer \"/a\" could be set\n  begin with: Given format \"JSON\", and: Given request is \"{}\""},
		{"another format", "Given format \"RAW\"\nAnd request is \"{}\"\n", `path "/a" in request is "x"`, "", "the request is no JSON"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			k := begin(t, steps.Options{})
			address, last := listener(t)
			k.must("Given address \"" + address + "\"\n" + row.before)
			err := k.say("Given " + row.step)
			if row.fault != "" {
				assert.ErrorContains(t, err, row.fault)
				return
			}
			require.NoError(t, err)
			k.must(invoking)
			assert.Equal(t, row.want, bodyOf(t, last))
		})
	}
}

func TestRandomValuesAreSetInTheRequest(t *testing.T) {
	rows := []struct{ what, pattern string }{
		{`a UUID`, `^"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}"$`},
		{`a random string`, `^"a[0-9a-f]{32}"$`},
		{`a random integer`, `^[0-9]{1,2}$`},
		{`a random float`, `^[0-9]{1,2}\.[0-9]+$`},
		{`one of "A,, B"`, `^"[AB]"$`},
	}
	for _, row := range rows {
		t.Run(row.what, func(t *testing.T) {
			address, last := listener(t)
			values := func(seed uint64) (all []string) {
				k := begin(t, steps.Options{Seed: seed})
				k.must("Given address \"" + address + "\"\n" + emptyRequest)
				for range 20 {
					k.must("Given path \"/v\" in request is " + row.what + "\n" + invoking)
					value := strings.TrimSuffix(strings.TrimPrefix(bodyOf(t, last), `{"v":`), "}")
					assert.Regexp(t, row.pattern, value)
					all = append(all, value)
				}
				return all
			}
			first := values(1)
			assert.Equal(t, first, values(1), "the seed decides")
			assert.NotEqual(t, first, values(2))
		})
	}
}

func TestWhatIsSetInTheRequestLeavesStoredValuesAsTheyAre(t *testing.T) {
	k := begin(t, steps.Options{})
	echo := answering(t, `{"v": {"list": [1]}}`)
	address, last := listener(t)
	k.must("Given address \"" + echo + "\"\nGiven format \"JSON\"\n" + invoking + "Then I store \"/v\" from response under \"v\"\n" +
		"Given address \"" + address + "\"\n" + emptyRequest + "Given path \"/a\" in request is \"#v\"\nAnd path \"/a/list/-\" in request is \"x\"\n" +
		"And path \"/b\" in request is \"#v\"\n" + invoking)
	assert.JSONEq(t, `{"a": {"list": [1, "x"]}, "b": {"list": [1]}}`, last.body)
}

func TestSecretsThatAreSetInTheRequestAreMasked(t *testing.T) {
	rows := []struct{ name, step, secret string }{
		{"by the name", `path "/password" in request is "sesame-1"`, "sesame-1"},
		{"a number", `path "/api_token" in request is an integer "998877"`, "998877"},
		{"below", `path "/login" in request is JSON "{"users": [{"passwd": "sesame-2"}]}"`, "sesame-2"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			k := begin(t, steps.Options{})
			k.must(emptyRequest + "Given " + row.step)
			assert.Equal(t, "it is ***!", k.suite.Mask().Text("it is "+row.secret+"!"))
		})
	}
}
