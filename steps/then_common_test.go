package steps_test

import (
	"testing"

	"github.com/parley-run/parley/steps"
)

// stored begins with values of all types under names.
const stored = asJSON + `Then I store "/age" from response under "number"
And I store "/ratio" from response under "ratio"
And I store "/ok" from response under "yes"
And I store "/bad" from response under "no"
And I store "/list" from response under "none"
And I store "/flow" from response under "flow"
And I store "/name" from response under "text"
`

func commonRows() []thenRow {
	const (
		bare  = "Given format \"JSON\"\nAnd URL path \"/bare\"\nWhen the URL is invoked\n"
		lines = "Given format \"RAW\"\nAnd URL path \"/lines\"\nWhen the URL is invoked\n"
		empty = "Given I store \"x\" under \"x\"\n"
	)
	return []thenRow{
		{asJSON, `status is " 200 "`, ""},
		{asJSON, `status is "fine"`, `"fine" is no status; write a number such as 200`},
		{asJSON, `header "X-Twice" is "a, b"`, ""},
		{asJSON, `header "X-Twice" is "a"`, "expected: \"a\"\n  got:      \"a, b\""},
		{asJSON, `header "X-None" is not "a"`, "the reply has no header \"X-None\"\n  it has: Content-Length, Content-Type"},
		{asJSON, `header "X-None" does not contain "a"`, `the reply has no header "X-None"`},
		{asJSON, `header "X-None" does not start with "a"`, `the reply has no header "X-None"`},
		{asJSON, `header "X-None" does not end with "a"`, `the reply has no header "X-None"`},
		{asJSON, `header "X-None" is empty`, `the reply has no header "X-None"`},
		{asJSON, `header "X-None" is not empty`, `the reply has no header "X-None"`},
		{asJSON, `header "X-Kind" isn't "other"`, ""},
		{asJSON, `header "X-Kind" doesn't contain "x"`, ""},
		{asJSON, `header "X-Kind" doesn't start with "ple"`, ""},
		{asJSON, `header "X-Kind" doesn't end with "sam"`, ""},
		{asJSON, `header "X-None" doesn't exist`, ""},
		{asJSON, `header "X-Kind" isn't empty`, ""},

		{asJSON, `response is equal to "` + details + `"`, ""},
		{asJSON, `response is equal to "{"name": "Joe"}"`, "at /name\n    expected: \"Joe\"\n    got:      \"Sean\"\n  at /age\n    expected: (nothing)\n    got:      42"},
		{asJSON, `response is equal to "Sean"`, "the expected value is not JSON"},
		{bare, `response is equal to "hello you"`, ""},
		{bare, `response is equal to ""hello you""`, ""},
		{bare, `response is equal to "hello me"`, "the expected value is not JSON"},
		{bare, `response is equal to ""hello me""`, `expected: "hello me"`},
		{asJSON, `response is equal to that from "none.json"`, `no file "json/response/none.json"`},
		{asJSON, `response is equal to that from "broken.json"`, "json/response/broken.json: the expected value is not JSON: line 2, column 2"},
		{lines, `response is equal to that from "lines.txt"`, ""},
		{lines, `response is equal to that from "other.txt"`, "the reply is not what was expected (it differs first in line 2)\n  expected: one\n            zwei\n  got:      one\n            two"},

		{asText, `response contains "#nothing"`, `nothing is stored under "nothing"`},
		{asText, `response contains "$EMPTY"`, "every reply contains the empty text, so this step asserts nothing"},
		{asText, `response does not contain "$EMPTY"`, "the reply contains"},
		{asText, `the reply took at least "0 s"`, "every reply takes at least no time, so this step asserts nothing"},
		{asText, `the reply took less than "soon"`, `"soon" is no duration; write it like "2 seconds" or "500 ms"`},

		{asJSON, `I store "/nobody" from response under "n", default "#none"`, `nothing is stored under "none"`},
		{asJSON, `I store "nobody" from response under "n", default "none"`, "does not begin with /"},
		{nothing, `I store "/nobody" from response under "n", default "none"` + "\nAnd variable \"#n\" is a string \"none\"", ""},
		{nothing, `I store "/nobody" from response under "n"`, "there is no such value: the reply is empty"},
		{asXML, `I store "/r/none" from response under "n", default "none"` + "\nAnd variable \"#n\" is a string \"none\"", ""},
		{asXML, `I store "/r/none" from response under "n"`, "there is no such value"},
		{asXML, `I store "/r/*" from response under "n"` + "\nAnd variable \"#n\" is a list \"['x', '']\"", ""},
		{asJSON, `I store "/flow" from response under "f"` + "\nAnd variable \"#{f}\" is a string \"[\"Ack\", \"Done\"]\"", ""},

		{stored, `variable "#flow" is a list "['Ack', "Done"]"`, ""},
		{stored, `variable "#flow" is a list "['Ack', 'Gone']"`, "at /1\n    expected: \"Gone\"\n    got:      \"Done\""},
		{stored, `variable "#flow" is a list "Ack, Done"`, "the expected value"},
		{stored, `variable "#flow" is a list "#flow"`, ""},
		{stored, `variable "#none" is an empty list`, ""},
		{stored, `variable "#flow" is an empty list`, "the variable is something else"},
		{stored, `variable "#text" is an empty list`, "expected: []\n  got:      \"Sean\""},
		{stored, `variable "#number" is an integer "42"`, ""},
		{stored, `variable "#number" is an integer "42.0"`, ""},
		{stored, `variable "#number" is an integer "43"`, "expected: 43\n  got:      42"},
		{stored, `variable "#number" is an integer "4_"`, "the expected value"},
		{stored, `variable "#ratio" is a float "0.50"`, ""},
		{stored, `variable "#ratio" is a float "0.51"`, "expected: 0.51\n  got:      0.5"},
		{stored, `variable "#text" is a float "0.51"`, "the variable is something else"},
		{stored, `variable "#text" is a string "Sean"`, ""},
		{stored, `variable "#text" is a string "#text"`, ""},
		{stored, `variable "#number" is a string "42"`, "expected: \"42\"\n  got:      42"},
		{stored, `variable "#yes" is True`, ""},
		{stored, `variable "#yes" is an integer "1"`, ""},
		{stored, `variable "#no" is True`, "expected: true\n  got:      false"},
		{stored, `variable "#text" is True`, "expected: true\n  got:      \"Sean\""},
		{stored, `variable "#no" is False`, ""},
		{stored, `variable "#yes" is False`, "expected: false\n  got:      true"},
		{empty, `variable "True" is True`, "got:      \"True\""},

		{empty, `I sleep for "0"`, ""},
		{empty, `I sleep for "-1"`, "nobody can wait for -1 seconds"},
		{empty, `I sleep for "NaN"`, "nobody can wait for NaN seconds"},
		{empty, `I sleep for "1e300"`, "nobody can wait for 1e300 seconds"},
		{empty, "context is cleaned up", ""},
		{empty, "context is cleaned up\nAnd variable \"#x\" is a string \"x\"", `nothing is stored under "x"`},
		{"Given format \"FORM\"\nAnd request param \"a\" is \"b\"\n", "form is cleaned up", ""},
		{"Given request param \"a\" is \"b\"\n", "form is cleaned up\nWhen the URL is invoked\nThen status is \"201\"", "expected: 201\n  got:      404"},
		{empty, `I decode "eA==" using Base64 under "y"` + "\nAnd variable \"#y\" is a string \"#x\"", ""},
		{empty, `I decode "." using Base64 under "y"`, "is no Base64"},
	}
}

func TestThenOfCommonSteps(t *testing.T) {
	t.Setenv("SERVER", sampleServer(t))
	t.Setenv("EMPTY", "")
	checkRows(t, commonRows(), `Given address "$SERVER"`, steps.Options{})
}
