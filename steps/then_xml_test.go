package steps_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
)

const order = `<?xml version="1.0"?>
<o:order xmlns:o="urn:orders" n="1" none=""><o:id>7</o:id><o:line>a</o:line><o:line>b</o:line><price>1.50</price>` +
	`<o:mixed>before<o:b>bold</o:b>after</o:mixed><empty/><c><![CDATA[a<b]]></c></o:order>`

const (
	asOrder = "Given format \"XML\"\nAnd namespace prefix \"p\" of \"urn:orders\"\nAnd URL path \"/order\"\nWhen the URL is invoked\n"
	asBad   = "Given response format \"RAW\"\nAnd URL path \"/bad\"\nWhen the URL is invoked\n"
	back    = "Given format \"XML\"\nAnd URL path \"/back\"\nAnd HTTP method \"POST\"\nAnd request is \"<r><a>x<b/>y</a><c n=\"1\"/><d/><d/></r>\"\n"
)

// inXML is a row whose request is changed by a step, and sent back.
func inXML(step, line, fault string) thenRow {
	return thenRow{back + "Given " + step + "\nWhen the URL is invoked\n", line, fault}
}

func xmlRows() []thenRow {
	return []thenRow{
		{asOrder, `XPath "/p:order/p:id" is "7"`, ""},
		{asOrder, `XPath "/p:order/p:id" is "8"`, "is not what was expected\n  expected: \"8\"\n  got:      \"7\""},
		{asOrder, `XPath "/order/id" is "7"`, `finds 0 elements in the reply`},
		{asOrder, `XPath "/order/id" is "7"`, `there is /p:order/p:id`},
		{asOrder, `XPath "/o:order" is "7"`, `the prefix "o" is bound to no namespace`},
		{asOrder, `XPath "//p:line" is "a"`, "finds 2 elements in the reply\n  expected: exactly one\n  got:      2"},
		{asOrder, `XPath "//p:line" is "a"`, "it finds /p:order/p:line[1], /p:order/p:line[2]"},
		{asOrder, `XPath "//p:lin" is "a"`, "there is /p:order/p:line[1]"},
		{asOrder, `XPath "//p:line[2]" is "b"`, ""},
		{asOrder, `XPath "/p:order/@n" is "1"`, ""},
		{asOrder, `XPath "//p:mixed" is "before"`, ""},
		{asOrder, `XPath "//c" is "a<b"`, ""},
		{asOrder, `XPath "count(//p:line)" is an integer "2"`, ""},
		{asOrder, `XPath "//p:id[" is "7"`, "is not closed"},
		{asOrder, `XPath "//p:id)" is "7"`, "closes nothing"},
		{asOrder, `XPath "//p:id p:line" is "7"`, "stands where an operator, such as / or =, must"},
		{asOrder, `XPath "nothing(//p:id)" is "7"`, "nothing"},
		{asOrder, `XPath "position(1, 2, 3)[" is "7"`, "XPath"},
		{asOrder, `XPath "/" is "7"`, "finds 0 elements"},
		{asBad, `XPath "/r" is "7"`, "the reply is not XML: line 2, column 7: </r> stands where </a> must"},
		{asOrder, `XPath "//p:id" is an integer "07"`, ""},
		{asOrder, `XPath "//p:id" is an integer "8"`, "expected: 8"},
		{asOrder, `XPath "//p:id" is an integer "eight"`, "is not a whole number"},
		{asOrder, `XPath "//price" is an integer "1"`, "got:      \"1.50\""},
		{asOrder, `XPath "//price" is a float "1.5"`, ""},
		{asOrder, `XPath "//price" is a float "1.6"`, "expected: 1.6"},
		{asOrder, `XPath "//empty" is empty`, ""},
		{asOrder, `XPath "//price" is empty`, `XPath "//price" is not empty`},
		{asOrder, `XPath "//empty" isn't empty`, ""},
		{asOrder, `XPath "//nobody" isn't empty`, "finds 0 elements"},
		{asOrder, `XPath "/p:order/@none" is not empty`, "is empty"},
		{asOrder, `XPath "//price" has text`, ""},
		{asOrder, `XPath "//empty" has text`, "has no text"},
		{asOrder, `XPath "//p:id" is one of "6, 7"`, ""},
		{asOrder, `XPath "//p:id" is one of "6,8"`, "is none of these"},
		{asOrder, `XPath "//p:id" isn't one of "6,8"`, ""},
		{asOrder, `XPath "//p:id" is not one of "6,7"`, "is one of these"},
		{asOrder, `XPath "//p:mixed" contains the text "bold"`, ""},
		{asOrder, `XPath "//p:mixed" contains the text "cold"`, "does not contain the text"},
		{asOrder, `XPath "//p:line" exists`, ""},
		{asOrder, `XPath "//line" exists`, "finds nothing in the reply"},
		{asOrder, `XPath "count(//p:line)" exists`, `it computes the value "2"`},
		{asOrder, `XPath "//line" does not exist`, ""},
		{asOrder, `XPath "//p:line" does not exist`, "got:      /p:order/p:line[1], /p:order/p:line[2]"},
		{asOrder, `XPath "//p:line" finds 2 elements`, ""},
		{asOrder, `XPath "//p:line" finds 1 element`, "expected: 1\n  got:      2"},
		{asOrder, `I store "//p:line" from response under "lines"` + "\nAnd variable \"#lines\" is a list \"['a', 'b']\"", ""},
		{asOrder, `I store "//p:id" from response under "id"` + "\nAnd XPath \"//p:id\" is \"#id\"", ""},
		{asOrder, `I store "//nobody" from response under "id"`, "there is no such value"},
		{asOrder, `I store "//nobody" from response under "id", default "none"` + "\nAnd variable \"#id\" is a string \"none\"", ""},
		{asOrder, `I store "//nobody[" from response under "id", default "none"`, "is not closed"},

		inXML(`XPath "/r/a" in request is "<1>"`, `response is equal to "<r><a>&lt;1&gt;<b/>y</a><c n="1"/><d/><d/></r>"`, ""),
		inXML(`XPath "/r/c/@n" in request is "2"`, `XPath "/r/c/@n" is "2"`, ""),
		inXML(`XPath "/r/a" in request is a random string`, `XPath "string-length(/r/a/text()[1])" is an integer "33"`, ""),
		inXML(`XPath "/r/a" in request is a random integer`, `XPath "number(/r/a/text()[1]) < 100" is "true"`, ""),
		inXML(`XPath "/r/c" in request is a random float`, `XPath "/r/c >= 0 and /r/c < 100" is "true"`, ""),
		inXML(`XPath "/r/c" in request is one of "A, B"`, `XPath "/r/c" is one of "A,B"`, ""),
		inXML(`XPath "/r/c" in request is now "default"`, `XPath "starts-with(/r/c, '`+time.Now().Format("2006-01-")+`')" is "true"`, ""),
		inXML(`XPath "/r/c" in request is UTC now "default"`, `XPath "string-length(/r/c)" is "19"`, ""),
		inXML(`XPath "/r/c" in request is a random date "default"`, `XPath "string-length(/r/c)" is "19"`, ""),
		inXML(`XPath "/r/c" in request is a random date after "2100-01-01" "default"`, `XPath "number(substring(/r/c, 1, 4)) >= 2100" is "true"`, ""),
		inXML(`XPath "/r/c" in request is a random date before "2100-01-01" "default"`, `XPath "number(substring(/r/c, 1, 4)) <= 2100" is "true"`, ""),
		inXML(`XPath "/r/c" in request is a random date between "2100-01-01" and "2100-01-03" "default"`,
			`XPath "/r/c" is one of "2100-01-01T00:00:00,2100-01-02T00:00:00"`, ""),
		inXML(`SOAP action "urn:x"`, `header "Soapaction-Was" is "urn:x"`, ""),
	}
}

// xmlServer answers what the rows look at, and at /back what was sent.
func xmlServer(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/order", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, order) })
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<r><a>\n  </r>") })
	mux.HandleFunc("/bomb", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, bomb(r.URL.RawQuery)) })
	mux.HandleFunc("/back", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("SOAPAction-Was", r.Header.Get("SOAPAction"))
		_, _ = io.Copy(w, r.Body)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// bomb is a document that would take all memory, or read a file, where a reader let it.
func bomb(kind string) string {
	switch kind {
	case "entities":
		var b strings.Builder
		b.WriteString(`<!DOCTYPE r [<!ENTITY e0 "lol">`)
		for i := range 9 {
			fmt.Fprintf(&b, `<!ENTITY e%d "%s">`, i+1, strings.Repeat(fmt.Sprintf("&e%d;", i), 10))
		}
		return b.String() + `]><r>&e9;</r>`
	case "external":
		return `<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]><r>&e;</r>`
	case "deep":
		return strings.Repeat("<a>", 100_000)
	}
	return "<r>" + strings.Repeat("<a/>", 1_100_000) + "</r>"
}

func TestThenOfXML(t *testing.T) {
	t.Setenv("SERVER", xmlServer(t))
	checkRows(t, xmlRows(), `Given address "$SERVER"`, steps.Options{})
}

func TestXMLThatWouldTakeAllMemoryIsAFailure(t *testing.T) {
	t.Setenv("SERVER", xmlServer(t))
	var rows []thenRow
	for kind, fault := range map[string]string{
		"entities": "invalid character entity &e9;; entities of a DTD are not read", "external": "entities of a DTD are not read",
		"deep": "more than 1000 elements inside each other", "wide": "more than 1000000 elements, attributes and texts",
	} {
		rows = append(rows, thenRow{"Given URL path \"/bomb\"\nAnd query string \"?" + kind + "\"\nWhen the URL is invoked\n", `XPath "/r" is "x"`, fault})
	}
	checkRows(t, rows, `Given address "$SERVER"`, steps.Options{})
}

func TestXMLRequestsThatCannotBe(t *testing.T) {
	t.Setenv("SERVER", xmlServer(t))
	for _, row := range []struct{ step, fault string }{
		{`XPath "/r/nobody" in request is "1"`, `XPath "/r/nobody" finds 0 elements in the request`},
		{`XPath "/r/d" in request is "1"`, `it finds /r/d[1], /r/d[2]`},
		{`XPath "/r/a/text()[1]" in request is "1"`, "name the element around it"},
		{`XPath "count(/r)" in request is "1"`, "computes a value"},
		{`XPath "/r/c" in request is now "nobody"`, `no date format is called "nobody"`},
		{`XPath "/r/c" in request is "a` + "\x01" + `"`, "U+0001, which XML cannot have"},
		{`namespace prefix "a b" of "urn:x"`, "cannot be a prefix"},
		{`request is "<a b='1' b='2'/>"`, "it has the attribute b twice"},
		{`request is "<x:a/>"`, `the prefix "x" is bound to no namespace`},
		{`request is "<a/><b/>"`, "there is a second root element"},
		{`request is "<a>"`, "it ends inside <a>"},
	} {
		t.Run(row.step, func(t *testing.T) {
			scenario := runRows(t, []thenRow{inXML(row.step, `status is "200"`, "")}, `Given address "$SERVER"`, steps.Options{})[0]
			assert.Equal(t, report.Failed, scenario.Status)
			var said string
			for _, s := range scenario.Steps {
				if s.Failure != nil {
					said += s.Failure.Text()
				}
			}
			assert.Contains(t, said, row.fault)
		})
	}
}

func TestAllDifferencesOfXML(t *testing.T) {
	t.Setenv("SERVER", xmlServer(t))
	want := `<q:order xmlns:q="urn:orders" n="2" extra="e"><q:id>8</q:id><q:line>0</q:line><q:line>a</q:line><q:line>b</q:line>` +
		`<price>1.50</price><q:mixed>before<q:b>bold</q:b></q:mixed><other/><c>a&lt;b</c></q:order>`
	scenario := runRows(t, []thenRow{{asOrder, `response is equal to "` + want + `"`, ""}}, `Given address "$SERVER"`, steps.Options{})[0]
	failed := scenario.Steps[len(scenario.Steps)-1].Failure
	if !assert.NotNil(t, failed) {
		return
	}
	assert.Equal(t, "the XML is not what was expected: 8 differences", failed.What)
	assert.ElementsMatch(t, []report.Difference{
		{Path: "/o:order/@n", Expected: `"2"`, Got: `"1"`},
		{Path: "/o:order/@extra", Expected: `"e"`, Got: "(nothing)"},
		{Path: "/o:order/@none", Expected: "(nothing)", Got: `""`},
		{Path: "/o:order/o:id", Expected: `"8"`, Got: `"7"`},
		{Path: "/o:order/q:line[1]", Expected: "<q:line>0</q:line>", Got: "(nothing)"},
		{Path: "/o:order/o:mixed", Expected: "(nothing)", Got: `"after"`},
		{Path: "/o:order/other", Expected: "<other/>", Got: "(nothing)"},
		{Path: "/o:order/empty", Expected: "(nothing)", Got: "<empty/>"},
	}, failed.Differences)
}
