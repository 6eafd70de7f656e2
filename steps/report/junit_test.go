package report_test

import (
	"bytes"
	"encoding/xml"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/report"
)

// element is any element of an XML document.
type element struct {
	XMLName    xml.Name
	Attributes []xml.Attr `xml:",any,attr"`
	Children   []element  `xml:",any"`
	Text       string     `xml:",chardata"`
}

func (e element) attribute(name string) string {
	for _, a := range e.Attributes {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (e element) all(name string) []element {
	return slices.DeleteFunc(slices.Clone(e.Children), func(c element) bool { return c.XMLName.Local != name })
}

// rule is what a schema says of an element. The order of children matters; "*" behind a name: any number of them,
// "+": at least one, else at most one. An attribute with "!" must be there.
type rule struct {
	attributes, children string
	text                 bool
}

// junitRules is what both of Jenkins' schemas allow: junit-4.xsd of its dtkit (jenkins-junit.xsd among the JUnit
// team's own tests, https://github.com/junit-team/junit-framework/blob/main/platform-tests/src/test/resources) and
// junit-10.xsd of its xunit plugin (https://github.com/jenkinsci/xunit-plugin).
func junitRules() map[string]rule {
	return map[string]rule{
		"testsuites": {attributes: "name time tests failures errors", children: "testsuite*"},
		"testsuite": {
			attributes: "name! tests! failures! errors! time skipped timestamp hostname id package",
			children:   "properties testcase* system-out system-err",
		},
		"properties": {children: "property+"},
		"property":   {attributes: "name! value!"},
		"testcase":   {attributes: "name! time classname", children: "skipped error* failure* system-out* system-err*"},
		"skipped":    {text: true},
		"error":      {attributes: "type message", text: true},
		"failure":    {attributes: "type message", text: true},
		"system-out": {text: true},
		"system-err": {text: true},
	}
}

var surefireTime = regexp.MustCompile(`^(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?$`)

// check tells where an element breaks the rules.
func (e element) check(rules map[string]rule) (faults []string) {
	name := e.XMLName.Local
	r, known := rules[name]
	if !known {
		return []string{"there is no element " + name}
	}
	if !r.text && strings.TrimSpace(e.Text) != "" {
		faults = append(faults, name+" has text")
	}
	allowed := strings.Fields(strings.ReplaceAll(r.attributes, "!", ""))
	for _, a := range e.Attributes {
		if !slices.Contains(allowed, a.Name.Local) {
			faults = append(faults, name+" has no attribute "+a.Name.Local)
		}
		if a.Name.Local == "time" && !surefireTime.MatchString(a.Value) {
			faults = append(faults, a.Value+" is not a time")
		}
	}
	for _, a := range strings.Fields(r.attributes) {
		if must, is := strings.CutSuffix(a, "!"); is && !slices.ContainsFunc(e.Attributes, func(x xml.Attr) bool { return x.Name.Local == must }) {
			faults = append(faults, name+" lacks "+must)
		}
	}
	next := 0
	for _, child := range strings.Fields(r.children) {
		bare := strings.TrimRight(child, "*+")
		first := next
		for next < len(e.Children) && e.Children[next].XMLName.Local == bare && (bare != child || next == first) {
			next++
		}
		if strings.HasSuffix(child, "+") && next == first {
			faults = append(faults, name+" lacks "+bare)
		}
	}
	if next < len(e.Children) {
		faults = append(faults, name+" must not have "+e.Children[next].XMLName.Local+" there")
	}
	for _, c := range e.Children {
		faults = append(faults, c.check(rules)...)
	}
	return faults
}

func junit(t *testing.T, r *report.Run) element {
	var out bytes.Buffer
	require.NoError(t, report.WriteJUnit(&out, r))
	var root element
	require.NoError(t, xml.Unmarshal(out.Bytes(), &root), out.String())
	assert.Empty(t, root.check(junitRules()))
	return root
}

// numbers checks that a suite's counts are those of its cases, and gives them.
func numbers(t *testing.T, suite element) map[string]int {
	count := map[string]int{"tests": len(suite.all("testcase")), "failures": 0, "errors": 0, "skipped": 0}
	for _, c := range suite.all("testcase") {
		count["failures"] += len(c.all("failure"))
		count["errors"] += len(c.all("error"))
		count["skipped"] += len(c.all("skipped"))
	}
	for name, n := range count {
		assert.Equal(t, strconv.Itoa(n), suite.attribute(name), "%s of %s", name, suite.attribute("name"))
	}
	return count
}

func TestJUnit(t *testing.T) {
	root := junit(t, sample())
	assert.Equal(t, "6", root.attribute("tests"))
	assert.Equal(t, "2", root.attribute("failures"))
	assert.Equal(t, "0", root.attribute("errors"))
	assert.Equal(t, "1.250000", root.attribute("time"))
	suites := root.all("testsuite")
	require.Len(t, suites, 2)

	names := suites[0]
	assert.Equal(t, map[string]int{"tests": 4, "failures": 2, "errors": 0, "skipped": 0}, numbers(t, names))
	assert.Equal(t, "Names", names.attribute("name"))
	assert.Equal(t, "0.064000", names.attribute("time"), "the sum of its scenarios")
	assert.Equal(t, "2026-11-21T09:30:00", names.attribute("timestamp"))
	assert.Equal(t, "features/names.feature", names.Children[0].Children[0].attribute("value"))
	cases := names.all("testcase")
	var titles []string
	for _, c := range cases {
		assert.Equal(t, "Names", c.attribute("classname"))
		titles = append(titles, c.attribute("name"))
	}
	assert.Equal(t, []string{"Good", "Bad <script>", "Each name (row 1)", "Each name (row 2)"}, titles)
	assert.Equal(t, "0.048000", cases[1].attribute("time"))
	assert.Equal(t, "features/names.feature:12", cases[1].all("system-out")[0].Text)
	failure := cases[1].all("failure")[0]
	assert.Equal(t, "failed", failure.attribute("type"))
	assert.Equal(t, "Then JSON is equal to: the reply is not that document", failure.attribute("message"))
	assert.Equal(t, sample().Features[0].Scenarios[1].Text(), failure.Text)
	assert.Contains(t, failure.Text, "features/names.feature:16")
	assert.Contains(t, failure.Text, `"bell": "\x07"`)
	undefined := cases[3].all("failure")[0]
	assert.Equal(t, "undefined", undefined.attribute("type"))
	assert.Equal(t, "Given the requst is sent: no step reads like this", undefined.attribute("message"))

	assert.Equal(t, map[string]int{"tests": 2, "failures": 0, "errors": 0, "skipped": 1}, numbers(t, suites[1]))
	flaky := suites[1].all("testcase")[0]
	assert.Empty(t, flaky.all("failure"), "what is flaky has passed")
	assert.Contains(t, flaky.all("system-out")[0].Text, "FLAKY: passed in attempt 2")
	assert.Contains(t, flaky.all("system-out")[0].Text, "attempt 1 failed: no reply from 127.0.0.1:1: connection refused")
	assert.Equal(t, "not run", suites[1].all("testcase")[1].all("skipped")[0].Text)
}

func TestJUnitTellsOfFaults(t *testing.T) {
	r := sample()
	r.Faults = []string{"features/a b.feature:3:5: expected a step,\ngot 'x'", "the state could not be ended"}
	r.Interrupted = true
	root := junit(t, r)
	assert.Equal(t, "3", root.attribute("errors"))
	assert.Equal(t, map[string]int{"tests": 3, "failures": 0, "errors": 3, "skipped": 0}, numbers(t, root.all("testsuite")[0]))
	cases := root.all("testsuite")[0].all("testcase")
	assert.Equal(t, "features/a b.feature:3:5", cases[0].attribute("name"))
	fault := cases[0].all("error")[0]
	assert.Equal(t, "expected a step,", fault.attribute("message"))
	assert.Equal(t, "features/a b.feature:3:5: expected a step,\ngot 'x'", fault.Text)
	assert.Equal(t, "the state could not be ended", cases[1].attribute("name"))
	assert.Equal(t, "interrupted", cases[2].all("error")[0].attribute("type"))
}

func TestJUnitNamesAreDistinct(t *testing.T) {
	r := sample()
	f := r.Features[0]
	f.Name = ""
	f.Scenarios[0].Name, f.Scenarios[1].Name = "Same", "Same"
	f.Scenarios[2].Row, f.Scenarios[2].Name = 0, ""
	suite := junit(t, r).all("testsuite")[0]
	assert.Equal(t, "features/names.feature", suite.attribute("name"), "a feature without a name has that of its file")
	var names []string
	for _, c := range suite.all("testcase") {
		names = append(names, c.attribute("name"))
	}
	assert.Equal(t, []string{"Same (line 8)", "Same (line 12)", "(line 31)", "Each name (row 2)"}, names)
}

func TestJUnitOfForbiddenCharacters(t *testing.T) {
	r := sample()
	s := r.Features[0].Scenarios[1]
	s.Name = "a\x00b"
	s.Failing().Failure.What = "]]> \x1b[31m \ufffe \xff & <b>"
	c := junit(t, r).all("testsuite")[0].all("testcase")[1]
	assert.Equal(t, `a\x00b`, c.attribute("name"))
	assert.Contains(t, c.all("failure")[0].Text, `]]> \x1b[31m \ufffe \xff & <b>`)
}

func TestJUnitOfNothing(t *testing.T) {
	root := junit(t, &report.Run{})
	assert.Equal(t, "0", root.attribute("tests"))
	assert.Empty(t, root.Children)
}

// The rules above must be able to fail.
func TestTheRulesOfJUnitBite(t *testing.T) {
	for text, want := range map[string]string{
		`<testsuite name="a" tests="1" failures="0" errors="0"><testcase name="x" file="a"/></testsuite>`:                          "testcase has no attribute file",
		`<testsuite name="a" tests="1" failures="0"/>`:                                                                             "testsuite lacks errors",
		`<testsuite name="a" tests="1" failures="0" errors="0"><testcase/></testsuite>`:                                            "testcase lacks name",
		`<testsuite name="a" tests="1" failures="0" errors="0"><system-out/><testcase name="x"/></testsuite>`:                      "testsuite must not have testcase there",
		`<testsuite name="a" tests="1" failures="0" errors="0"><testcase name="x"><system-out/><failure/></testcase></testsuite>`:  "testcase must not have failure there",
		`<testsuite name="a" tests="1" failures="0" errors="0"><testcase name="x"><skipped/><skipped/></testcase></testsuite>`:     "testcase must not have skipped there",
		`<testsuite name="a" tests="1" failures="0" errors="0" time="1 s"/>`:                                                       "1 s is not a time",
		`<testsuite name="a" tests="1" failures="0" errors="0"><properties/></testsuite>`:                                          "properties lacks property",
		`<testsuite name="a" tests="1" failures="0" errors="0"><testcase name="x"><skipped message="y"/></testcase></testsuite>`:   "skipped has no attribute message",
		`<testsuite name="a" tests="1" failures="0" errors="0"><testcase name="x"><flakyFailure type="y"/></testcase></testsuite>`: "testcase must not have flakyFailure there",
	} {
		var e element
		require.NoError(t, xml.Unmarshal([]byte(text), &e))
		assert.Contains(t, e.check(junitRules()), want, text)
	}
}

func ExampleWriteJUnit() {
	run := &report.Run{Features: []*report.Feature{{
		Name: "Names", Path: "names.feature",
		Scenarios: []*report.Scenario{{Name: "Good", Path: "names.feature", Line: 3, Status: report.Passed, Took: 3 * ms}},
	}}}
	_ = report.WriteJUnit(os.Stdout, run)
	// Output:
	// <?xml version="1.0" encoding="UTF-8"?>
	// <testsuites name="apitest" time="0.000000" tests="1" failures="0" errors="0">
	//   <testsuite name="Names" tests="1" failures="0" errors="0" skipped="0" time="0.003000">
	//     <properties>
	//       <property name="file" value="names.feature"></property>
	//       <property name="seed" value="0"></property>
	//     </properties>
	//     <testcase classname="Names" name="Good" time="0.003000">
	//       <system-out><![CDATA[names.feature:3]]></system-out>
	//     </testcase>
	//   </testsuite>
	// </testsuites>
}
