package steps

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What ast.literal_eval makes of the texts was looked up in CPython 3.11.
func TestPythonLiteral(t *testing.T) {
	rows := []struct{ name, text, want string }{
		{"integer", "42", "42"},
		{"negative", "-42", "-42"},
		{"a sign apart", "- 1", "-1"},
		{"positive", "+1", "1"},
		{"in parentheses", "-(1)", "-1"},
		{"negative zero has no sign", "-0", "0"},
		{"zeros", "000", "0"},
		{"underscores", "1_000_000", "1000000"},
		{"hexadecimal", "0x_fF", "255"},
		{"octal", "0o17", "15"},
		{"binary", "0B101", "5"},
		{"large", "123456789012345678901234567890", "123456789012345678901234567890"},
		{"float", "1.50", "1.5"},
		{"whole float", "1.", "1.0"},
		{"float below one", ".5", "0.5"},
		{"negative zero float", "-0.0", "-0.0"},
		{"float with leading zeros", "00.5", "0.5"},
		{"exponent", "1e5", "100000.0"},
		{"large exponent", "1E22", "1e+22"},
		{"small", "0.00001", "1e-05"},
		{"true", "True", "true"},
		{"false", "False", "false"},
		{"none", "None", "null"},
		{"text", "'a'", `"a"`},
		{"double quotes", `"it's"`, `"it's"`},
		{"three quotes", "'''a'\n\"b'''", `"a'\n\"b"`},
		{"three double quotes", `"""a"b"""`, `"a\"b"`},
		{"one after the other", `'a' "b"'c'`, `"abc"`},
		{"raw", `r'\n\''`, `"\\n\\'"`},
		{"unicode prefix", "U'é'", `"é"`},
		{"escapes", `'\\\'\"\n\t\a\0'`, `"\\'\"\n\t\u0007\u0000"`},
		{"code points", `'\x41\u00e9\U0001F600\101\08'`, `"Aé😀A\u00008"`},
		{"a pair of surrogates", `'\ud83d\ude00'`, `"😀"`},
		{"an escape that is none", `'\q\é'`, `"\\q\\é"`},
		{"a line that goes on", "'a\\\nb'", `"ab"`},
		{"list", "[1, 'a', [True], ]", `[1, "a", [true]]`},
		{"over lines, with a comment", "[1, # one\n 2]\n", "[1, 2]"},
		{"empty list", "[ ]", "[]"},
		{"tuple", "(1, 'a')", `[1, "a"]`},
		{"tuple of one", "(1,)", "[1]"},
		{"empty tuple", "()", "[]"},
		{"no tuple", "((1))", "1"},
		{"tuple without parentheses", "1, 2", "[1, 2]"},
		{"rows", "[(1, 'a'), (2, None)]", `[[1, "a"], [2, null]]`},
		{"dict", "{'a': 1, \"b\": {'c': ()}, }", `{"a": 1, "b": {"c": []}}`},
		{"empty dict", "{}", "{}"},
		{"keys as json.dumps writes them", "{1: 1, 1.5: 2, True: 3, None: 4}", `{"1": 1, "1.5": 2, "true": 3, "null": 4}`},
		{"the last of two", "{'a': 1, 'a': 2}", `{"a": 2}`},
		{"set", "{1, 2, 1, 1.0, True, 'a'}", `[1, 2, "a"]`},
		{"empty set", "set()", "[]"},
		{"blanks around", " 1 ", "1"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got, err := pythonLiteral(row.text)
			require.NoError(t, err)
			assert.Equal(t, row.want, string(encodeJSON(got, "")))
		})
	}
}

func TestPythonLiteralsThatAreNone(t *testing.T) {
	rows := []struct{ name, text, fault string }{
		{"nothing", "", "line 1, column 1: it ends where a value is expected"},
		{"no end", "[1, 2", "line 1, column 6: the end stands where a comma or ']' is expected"},
		{"another end", "[1)", "line 1, column 3: ')' stands where a comma or ']' is expected"},
		{"a comma alone", "[,]", `line 1, column 2: ',' stands where a value is expected`},
		{"two values", "1 2", "line 1, column 3: '2' is not expected here"},
		{"on another line", "[1,\n é]", `line 2, column 2: "é" is neither a number nor True, False or None; a text stands in quotes`},
		{"columns are of characters", "['é', x]", "line 1, column 7:"},
		{"JSON's true", "true", "true is JSON; in Python it is True"},
		{"JSON's null", "null", "null is JSON; in Python it is None"},
		{"a call", "dict()", `"dict" is neither`},
		{"a set of something", "set([1])", `"set" is neither`},
		{"a sum", "1+2", "line 1, column 2: '+' is not expected here"},
		{"two signs", "--1", "line 1, column 1: a sign may only stand before a number"},
		{"a signed truth", "-True", "a sign may only stand before a number"},
		{"complex", "2j", "complex numbers are not understood"},
		{"two underscores", "1__0", "no number is written like this"},
		{"leading zero", "017", "a whole number does not begin with 0; for base 8 write 0o17"},
		{"hexadecimal without digits", "0x", "no number is written like this"},
		{"too large", "1e999", "the number is too large"},
		{"too long", strings.Repeat("9", 4301), "the number has more than 4300 digits"},
		{"a point", "...", "no number is written like this"},
		{"text without end", "'abc", "line 1, column 1: the text that begins here has no end"},
		{"text over two lines", "'a\nb'", "the text that begins here has no end"},
		{"a backslash at the end", `'a\`, "the text that begins here has no end"},
		{"bytes", "b'a'", "bytes are not understood"},
		{"f-string", "f'{a}'", "an f-string is no literal"},
		{"an unknown prefix", "x'a'", "no text begins with x'"},
		{"half an escape", `'\x4'`, `\x4' is no character`},
		{"too short an escape", `'\u12`, `\u takes 4 hexadecimal digits`},
		{"half a pair", `'\ud83d'`, "line 1, column 2: half a pair of surrogates is no character"},
		{"beyond Unicode", `'\UFFFFFFFF'`, "is no character"},
		{"named", `'\N{DASH}'`, "characters by their name are not understood"},
		{"no colon", "{'a': 1, 'b'}", "line 1, column 13: '}' stands where a colon is expected"},
		{"no value", "{'a': }", "'}' stands where a value is expected"},
		{"neither dict nor set", "{1 2}", "'2' stands where a colon, a comma or '}' is expected"},
		{"a set with a colon", "{1, 2: 3}", "':' stands where a comma or '}' is expected"},
		{"unpacked", "{**a}", "'*' stands where a value is expected"},
		{"a key that is none", "{[1]: 2}", "line 1, column 2: a key of a dict must be a text or a number"},
		{"too deep", strings.Repeat("[", 201), "line 1, column 201: more than 200 brackets stand in each other"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := pythonLiteral(row.text)
			assert.ErrorContains(t, err, "not a Python value: ")
			assert.ErrorContains(t, err, row.fault)
		})
	}
}

// FuzzPythonLiteral holds that nothing makes the reader fall, that what it reads is JSON, and that JSON whose texts have
// no escapes is read as the JSON that it is.
func FuzzPythonLiteral(f *testing.F) {
	for _, text := range []string{
		"1", "-0x1F", "1_0.5e-3", "'a' \"b\"", `r'\'`, `'\ud83d\ude00'`, "'''a\n'''", "[1, (2,), {3}, {'a': None}]", "{1: {2: [3]}}", "set()", "1, 2", "((((", "{'a'", `"\x`,
		`[1, -2.5, "é", {"a": [], "b": {}}]`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := pythonLiteral(text)
		if err == nil {
			again, err := decodeJSON(encodeJSON(got, ""))
			require.NoError(t, err)
			assert.True(t, equal(got, again), "%s", encodeJSON(got, ""))
		}
		if strings.ContainsAny(text, "\\\n\r") || strings.Contains(text, "true") || strings.Contains(text, "false") || strings.Contains(text, "null") {
			return
		}
		if want, notJSON := decodeJSON([]byte(text)); notJSON == nil && err == nil {
			assert.True(t, equalBy(sameFloat, want, got), "%s is not %s", encodeJSON(got, ""), text)
		}
	})
}
