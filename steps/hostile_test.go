package steps_test

import (
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
)

// wide is text in UTF-16, the lower byte first, with its byte order mark.
func wide(text string) string {
	out := "\xff\xfe"
	for _, unit := range utf16.Encode([]rune(text)) {
		out += string([]byte{byte(unit), byte(unit >> 8)})
	}
	return out
}

// hostileServer answers with what no client likes.
func hostileServer(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(path, kind, text string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, text)
		})
	}
	many := func(path, text string, times int) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			for range times {
				if _, err := io.WriteString(w, text); err != nil {
					return
				}
			}
		})
	}
	const isJSON = "application/json"
	answer("/deep", isJSON, strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000))
	answer("/deepest", isJSON, strings.Repeat(`{"a":[`, 500)+strings.Repeat("]}", 500))
	many("/very-deep", strings.Repeat("[", 1<<20), 20)
	many("/endless", strings.Repeat("x", 1<<16), 1<<30)
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		for range 64 {
			_, _ = z.Write(make([]byte, 1<<16))
		}
		_ = z.Close()
	})
	answer("/mark", isJSON, "\ufeff{}")
	answer("/wide", isJSON, wide(`{"a": "ü"}`))
	answer("/latin", isJSON+"; charset=iso-8859-1", "{\"a\": \"\xfc\"}")
	answer("/east", isJSON+"; charset=windows-1250", "{\"a\": \"\xb3\"}")
	answer("/silent", isJSON, "{\"a\": \"\xfc\"}")
	answer("/half", isJSON, `{"a": "\ud800x", "b": "\ud83d\ude00", "c": "\ud83d\u0041"}`)
	answer("/twice", isJSON, `{"a": 1, "b": 2, "a": 3}`)
	answer("/large", isJSON, `{"n": `+strings.Repeat("1234567890", 10)+`, "e": 1e400, "f": 0.1000000000000000055511151231257827, "m": -0}`)
	answer("/keys", isJSON, `{"": 1, "a/b": 2, "m~n": 3, "~1": 4, " ": 5, "ключ": 6, "a\"b": 7, "/": {"": {"": 8}}, "é": 9}`)
	answer("/nan", isJSON, `{"a": NaN}`)
	answer("/python", isJSON, `{"a": None}`)
	answer("/quotes", isJSON, `{'a': 1}`)
	answer("/comma", isJSON, `{"a": [1, 2,]}`)
	answer("/zero", isJSON, `{"a": 01}`)
	answer("/line", isJSON, "{\"a\": \"x\ny\"}")
	answer("/escape", isJSON, `{"a": "C:\dir"}`)
	answer("/more", isJSON, `{} {}`)
	answer("/xml-wide", "application/xml", wide(`<?xml version="1.0" encoding="UTF-16"?><a>ü</a>`))
	answer("/xml", "application/xml", "<a>x</a>")
	answer("/siblings", "application/xml", "<a>"+strings.Repeat("<b/>", 50_000)+"</a>")
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestALineOfAMillionLettersIsUnknownAtOnce(t *testing.T) {
	v, err := steps.NewVocabulary(steps.Table())
	require.NoError(t, err)
	for _, line := range []string{strings.Repeat("x", 1<<20), strings.Repeat("x ", 1<<19), `URL path "` + strings.Repeat(`" "`, 1<<18) + `" x`} {
		_, err := v.Bind(steps.Given, line)
		var unknown *steps.UnknownError
		require.ErrorAs(t, err, &unknown)
	}
	_, err = v.Bind(steps.Given, `URL path "`+strings.Repeat("/x", 1<<19)+`"`)
	assert.NoError(t, err)
}

// TestHostileRepliesAndSteps holds that nothing panics or hangs, and each fault names the thing and the mend.
func TestHostileRepliesAndSteps(t *testing.T) {
	address := hostileServer(t)
	at := func(format, path string) string {
		return "Given format \"" + format + "\"\nAnd URL path \"" + path + "\"\nWhen the URL is invoked\n"
	}
	inJSON := func(path string) string { return at("JSON", path) }
	const body = "Given format \"JSON\"\nAnd request is \"{}\"\n"
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(secure.Close)
	rows := []struct{ name, lines, fault string }{
		{"a certificate that nobody knows", "Given address \"" + secure.URL + "\"\n" + invoking, "certificate signed by unknown authority"},
		{"100,000 lists in each other", inJSON("/deep"), "line 1, column 1001: it has more than 1000 lists and dicts inside each other, which is the limit"},
		{"20 million lists in each other", inJSON("/very-deep"), "more than 1000 lists and dicts inside each other"},
		{"1,000 in each other", inJSON("/deepest") + `Then path "/a/0/a/0/a/0" is any integer`, `JSON Pointer "/a/0/a/0/a/0" is of another type`},
		{"a reply without end", at("RAW", "/endless"), "its body is larger than 2097152 bytes, which is the limit; ask for less"},
		{"a few bytes that are many", at("RAW", "/gzip"), "the reply says Content-Encoding gzip: its body is larger than 2097152 bytes"},
		{"a byte order mark", inJSON("/mark"), "it begins with a byte order mark (BOM), which JSON must not have; save it as UTF-8 without BOM"},
		{"a byte order mark in a step", "Given format \"JSON\"\nAnd request is \"\ufeff{}\"", ""},
		{"UTF-16", inJSON("/wide"), "it is UTF-16, and JSON is UTF-8"},
		{"UTF-16 that is no JSON", at("RAW", "/wide") + `Then response is equal to "{"a": "ü"}"`, ""},
		{"Latin-1", inJSON("/latin") + `Then path "/a" is "ü"`, ""},
		{"another charset", inJSON("/east") + `Then path "/a" is "ł"`, ""},
		{"no UTF-8, and not said", inJSON("/silent") + `Then path "/a" is "ü"`, ""},
		{"no UTF-8 in a step", "Given format \"JSON\"\nAnd request is \"[\"\xfc\"]\"", "the request is not JSON: line 1, column 3: the byte 0xFC is no UTF-8"},
		{"half a pair of surrogates", inJSON("/half") + "Then path \"/a\" is \"\ufffdx\"\nAnd path \"/b\" is \"\U0001F600\"\nAnd path \"/c\" is \"\ufffdA\"", ""},
		{"a key twice", inJSON("/twice") + "Then path \"/a\" is an integer \"3\"\nAnd JSON response is equal to \"{\"b\": 2, \"a\": 3}\"", ""},
		{"100 digits", inJSON("/large") + `Then path "/n" is an integer "` + strings.Repeat("1234567890", 10) + `"`, ""},
		{"100 digits, the last another", inJSON("/large") + `Then path "/n" is an integer "` + strings.Repeat("1234567890", 9) + `1234567891"`, "1234567891"},
		{"more than a float holds", inJSON("/large") + `Then path "/e" is a float "1"`, "got:      1e400"},
		{"more than a float holds, in a step", inJSON("/large") + `Then path "/e" is a float "1e400"`, `"1e400" is not a number`},
		{"more digits than a float has", inJSON("/large") + `Then path "/f" is a float "0.1"`, ""},
		{"minus nothing", inJSON("/large") + `Then path "/m" is an integer "0"`, ""},
		{
			"keys of all kinds", inJSON("/keys") + "Then path \"/\" is an integer \"1\"\nAnd path \"/a~1b\" is an integer \"2\"\nAnd path \"/m~0n\" is an integer \"3\"\n" +
				"And path \"/~01\" is an integer \"4\"\nAnd path \"/ \" is an integer \"5\"\nAnd path \"/ключ\" is an integer \"6\"\nAnd path \"/a\"b\" is an integer \"7\"\n" +
				"And path \"/~1//\" is an integer \"8\"\nAnd path \"/é\" is an integer \"9\"", "",
		},
		{"a ~ that means nothing", inJSON("/keys") + `Then path "/~2" is an integer "8"`, `in "~2" there is a ~ that is followed by neither 0 nor 1; write ~0 for ~ and ~1 for /`},
		{"a ~ at the end", body + `Given path "/a/~" in request is "x"`, "write ~0 for ~ and ~1 for /"},
		{"NaN", inJSON("/nan"), "line 1, column 7: JSON has no NaN and no Infinity"},
		{"Python", inJSON("/python"), "None is Python; in JSON it is null"},
		{"single quotes", inJSON("/quotes"), "stands where a key in double quotes is expected"},
		{"a comma too many", inJSON("/comma"), "']' stands where a value is expected"},
		{"a zero too many", inJSON("/zero"), "a number does not begin with 0"},
		{"two lines", inJSON("/line"), `a line ends inside a text; in JSON that is written \n`},
		{"a backslash", inJSON("/escape"), `\d means nothing in JSON; a backslash is written \\`},
		{"two documents", inJSON("/more"), "there is more after the end of the document"},

		{"XML in UTF-16", at("XML", "/xml-wide") + `Then XPath "/a" is "ü"`, ""},
		{"100,000 brackets", at("XML", "/xml") + `Then XPath "` + strings.Repeat("(", 100_000) + `" is "x"`, "it has 100000 characters; the limit is 10000"},
		{"9,000 signs", at("XML", "/xml") + `Then XPath "` + strings.Repeat("-", 9_000) + `1" is "1"`, ""},
		{"4,000 brackets", at("XML", "/xml") + `Then XPath "` + strings.Repeat("(", 4_000) + "/a" + strings.Repeat(")", 4_000) + `" is "x"`, "too complex(depth > 200)"},
		{"work that grows with the square", at("XML", "/siblings") + `Then XPath "count(//b[count(preceding-sibling::b) = 7])" is "1"`, "it takes too long on a document of this size; name the way"},
		{"a pattern that is none", at("XML", "/xml") + `Then XPath "matches(/a, '[')" is "x"`, "missing closing ]"},
		{"another", at("XML", "/xml") + `Then XPath "replace(/a, '(', 'x')" is "x"`, "missing closing )"},
		{"too few values", at("XML", "/xml") + `Then XPath "concat('a')" is "x"`, "concat() must have at least two arguments"},

		{"a body of terabytes", "Given format \"RAW\"\nAnd request is a text of 99999999999999 bytes", "a body of 99999999999999 bytes is too large; it may have up to 268435456"},
		{"a method of two words", "Given HTTP method \"GET /x\"\n" + invoking, `"GET /X" is no method of HTTP; it is one word, such as POST`},
		{"a method with a letter beyond ASCII", "Given HTTP method \"GÄT\"\n" + invoking, `"GÄT" is no method of HTTP`},
		{"a length of one's own", "Given header \"Content-Length\" \"5\"\n" + at("XML", "/xml") + `Then status is "200"`, ""},
		{"for ever", at("XML", "/xml") + `Then within 99999999999999999999 seconds, status is "201"`, "nobody can wait for 99999999999999999999 seconds; write a number from 0 to 604800"},
		{"for ever, asleep", `Then I sleep for "1e20"`, "nobody can wait for 1e20 seconds"},
		{"for ever silent", "Given the tutorial's mocks\nThen the CRM receives nothing for 99999999999999999999 seconds", "nobody can wait for"},
		{"for ever silent, a socket", "Then no WebSocket message is received for 99999999999999999999 seconds", "nobody can wait for"},
		{"unset in the middle of a text", "Given I store \"x\" under \"n\"\nThen variable \"a#{n}b#{none}c#{nothing}\" is a string \"x\"", "nothing is stored under \"none\"\n  stored are: n"},
		{"an address that is no URL", "Given address \"http://[::1\"\n" + invoking, "address, path and query string make no URL"},
		{"a port that is none", "Given address \"http://127.0.0.1:99999\"\n" + invoking, "127.0.0.1:99999"},
		{"a database in no folder", `Given I connect to "sqlite:////nowhere/x.db" as "db"`, "sqlite:////nowhere/x.db: unable to open database file (14); is there such a folder"},
		{"a password with all signs", `Given I connect to "postgresql+psycopg2://u:p@ss:w/rd@127.0.0.1:1/db" as "db"`, "postgresql://u@127.0.0.1:1/db: "},
		{"another", `Given I connect to "mysql+pymysql://u:p@ss:w/rd@127.0.0.1:1/db" as "db"`, "mysql://u@127.0.0.1:1/db: "},
		{
			"rows without end",
			"Given I connect to \"sqlite://\" as \"db\"\nAnd I store \"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT x FROM c\" query result under \"r\", using \"#db\"",
			"the query gives more than 100000 rows, which is the limit; ask for fewer",
		},
		{"an upload of a file that is not there", "Given format \"FORM\"\nAnd request file \"f\" is \"none.txt\"", `no file "form/request/none.txt": looked for features/form/request/none.txt`},
		{"a Python value with 300 brackets", body + `Given path "/a" in request is "` + strings.Repeat("[", 300) + `" (with literal_eval)`, "more than 200 brackets stand in each other"},
		{"a format of dates that ends nowhere", "Given date format \"d\" \"[YYYY\"\nAnd I store a random date under \"x\", format \"d\"", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			k := begin(t, steps.Options{Timeout: time.Minute, LargestReply: 2 << 20})
			if strings.Contains(row.lines, "very-deep") {
				k = begin(t, steps.Options{LargestReply: 32 << 20})
			}
			k.must("Given address \"" + address + "\"")
			err := k.say(row.lines)
			if row.fault == "" {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			told := k.world.Explain(err).Text()
			assert.Contains(t, told, row.fault)
			assert.NotContains(t, told, "p@ss:w/rd")
		})
	}
}
