package report

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// WriteJUnit writes a run as JUnit XML: a testsuite for each feature, a testcase for each scenario and each row of an
// outline. It keeps to both schemas that Jenkins has had, junit-4.xsd (that of the JUnit team's own tests,
// jenkins-junit.xsd) and junit-10.xsd (of its xunit plugin); these know no file and line of a testcase, so its
// system-out begins with path:line. Failed and undefined are a failure, skipped is skipped, a scenario that passed only
// when it was run again has passed and its system-out says why earlier attempts failed. A feature file that could not be
// read is a testcase with an error, and so is a run that was interrupted. Characters that XML forbids are written as \x1b.
func WriteJUnit(w io.Writer, r *Run) error {
	out := bufio.NewWriter(w)
	suites := make([]junitSuite, 0, len(r.Features)+1)
	if s := junitFaults(r); len(s.Cases) > 0 {
		suites = append(suites, s)
	}
	for _, f := range r.Features {
		suites = append(suites, newJUnitSuite(r, f))
	}
	all := junitSuites{Name: "apitest", Time: inSeconds(r.Took), Suites: suites}
	for _, s := range suites {
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
	}
	if _, err := out.WriteString(xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return fmt.Errorf("JUnit XML: %w", err)
	}
	if err := out.WriteByte('\n'); err != nil {
		return err
	}
	return out.Flush()
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Time     string       `xml:"time,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

// junitCase has its elements in the order that the schema asks for.
type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Skipped *junitText    `xml:"skipped"`
	Error   *junitProblem `xml:"error"`
	Failure *junitProblem `xml:"failure"`
	Out     *junitText    `xml:"system-out"`
}

type junitProblem struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",cdata"`
}

type junitText struct {
	Text string `xml:",cdata"`
}

func newJUnitSuite(r *Run, f *Feature) junitSuite {
	c := f.Counts()
	s := junitSuite{
		Name: clean(f.title()), Tests: c.Total(), Failures: c.Failed + c.Undefined, Skipped: c.Skipped,
		Properties: []junitProperty{{"file", clean(f.Path)}, {"seed", strconv.FormatUint(r.Seed, 10)}}, Cases: make([]junitCase, 0, len(f.Scenarios)),
	}
	for _, tag := range f.Tags {
		s.Properties = append(s.Properties, junitProperty{"tag", clean(tag.Name)})
	}
	names := titles(f)
	var took time.Duration
	var began time.Time
	for i, sc := range f.Scenarios {
		took += sc.Took
		if !sc.Began.IsZero() && (began.IsZero() || sc.Began.Before(began)) {
			began = sc.Began
		}
		s.Cases = append(s.Cases, newJUnitCase(s.Name, clean(names[i]), sc))
	}
	s.Time = inSeconds(took)
	if !began.IsZero() {
		s.Timestamp = began.UTC().Format("2006-01-02T15:04:05")
	}
	return s
}

// title is the feature's name, or its path where it has none.
func (f *Feature) title() string {
	if f.Name == "" {
		return f.Path
	}
	return f.Name
}

// titles are the titles of a feature's scenarios; where two are the same the line is added.
func titles(f *Feature) []string {
	often := map[string]int{}
	out := make([]string, len(f.Scenarios))
	for i, s := range f.Scenarios {
		out[i] = s.Title()
		often[out[i]]++
	}
	for i, s := range f.Scenarios {
		if often[out[i]] > 1 || out[i] == "" {
			out[i] = strings.TrimSpace(out[i] + " (line " + strconv.Itoa(s.Line) + ")")
		}
	}
	return out
}

func newJUnitCase(class, name string, s *Scenario) junitCase {
	c := junitCase{Class: class, Name: name, Time: inSeconds(s.Took), Out: &junitText{clean(s.Location())}}
	switch s.Status {
	case Skipped:
		c.Skipped = &junitText{"not run"}
		if step := s.CutOff(); step != nil {
			c.Skipped.Text = clean("interrupted in: " + step.Keyword + " " + step.Text)
			c.Out.Text += "\n" + clean(s.Text())
		}
	case Failed, Undefined:
		c.Failure = &junitProblem{Type: string(s.Status), Message: clean(s.reason()), Text: clean(s.Text())}
	case Flaky:
		c.Out.Text += "\n" + clean(s.Text())
	}
	return c
}

// reason is one line: the failing step and why it failed.
func (s *Scenario) reason() string {
	step := s.Failing()
	if step == nil {
		return string(s.Status)
	}
	text := step.Keyword + " " + step.Text
	if step.Failure != nil {
		text += ": " + firstLine(step.Failure.What)
	}
	return text
}

// junitFaults is what kept features from being run.
func junitFaults(r *Run) junitSuite {
	s := junitSuite{Name: "Feature files", Time: inSeconds(0), Properties: []junitProperty{{"seed", strconv.FormatUint(r.Seed, 10)}}}
	add := func(name, kind, message, text string) {
		s.Tests++
		s.Errors++
		s.Cases = append(s.Cases, junitCase{
			Class: s.Name, Name: clean(name), Time: inSeconds(0), Error: &junitProblem{Type: kind, Message: clean(firstLine(message)), Text: clean(text)},
		})
	}
	for _, text := range r.Faults {
		f := newFault(text)
		name := f.at()
		if name == "" {
			name = firstLine(text)
		}
		add(name, "fault", f.message, text)
	}
	if r.Interrupted {
		add("the run", "interrupted", "the run was interrupted", "the run was interrupted: scenarios that had not begun by then are skipped")
	}
	return s
}

// inSeconds is a time as the schema has it, to the microsecond.
func inSeconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }
