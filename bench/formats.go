package bench

import (
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Format is one way to write a result.
type Format struct {
	Name, File string // of the file in a folder of reports
	Write      func(*Result, io.Writer) error
}

// Formats are all ways to write a result but HTML.
func Formats() []Format {
	return []Format{
		{"text", "summary.txt", (*Result).WriteText},
		{"json", "result.json", (*Result).WriteJSON},
		{"junit", "junit.xml", (*Result).WriteJUnit},
		{"csv", "series.csv", (*Result).WriteCSV},
		{"markdown", "summary.md", (*Result).WriteMarkdown},
		{"prometheus", "metrics.prom", (*Result).WritePrometheus},
	}
}

// WriteCSV writes the series: a line for each step of time.
func (r *Result) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	head := []string{"from_s", "asked", "achieved", "sent", "ok", "failed", "unknown", "wrong", "p50_ms", "p95_ms", "p99_ms", "max_ms"}
	for _, s := range r.Servers {
		head = append(head, "server:"+s.Name)
	}
	rows := [][]string{head}
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	for _, b := range r.Series.Buckets {
		row := []string{
			number(b.From), number(b.Asked), strconv.Itoa(b.Achieved), strconv.Itoa(b.Sent), strconv.Itoa(b.OK), strconv.Itoa(b.Failed),
			strconv.Itoa(b.Unknown), strconv.Itoa(b.Wrong), number(b.P50), number(b.P95), number(b.P99), number(b.Max),
		}
		for _, s := range r.Servers {
			row = append(row, strconv.Itoa(b.Servers[s.Name]))
		}
		rows = append(rows, row)
	}
	return c.WriteAll(rows)
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
	Error   *junitFailure `xml:"error,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     float64     `xml:"time,attr"`
	At       string      `xml:"timestamp,attr"`
	Cases    []junitCase `xml:"testcase"`
	Out      string      `xml:"system-out"`
}

// WriteJUnit writes a test case for each expectation, and one that says whether the measurement is valid.
func (r *Result) WriteJUnit(w io.Writer) error {
	suite := junitSuite{Name: r.Name, Time: r.Duration, At: r.Started.UTC().Format("2006-01-02T15:04:05"), Out: r.Summary()}
	valid := junitCase{Name: "the measurement is valid", Class: r.Name}
	if len(r.Invalid) > 0 {
		valid.Error = &junitFailure{strings.Join(r.Invalid, "; ")}
		suite.Errors++
	}
	suite.Cases = append(suite.Cases, valid)
	for _, v := range r.Verdicts {
		one := junitCase{Name: v.Text, Class: r.Name}
		if !v.OK {
			one.Failure = &junitFailure{"it is " + v.Got}
			suite.Failures++
		}
		suite.Cases = append(suite.Cases, one)
	}
	suite.Tests = len(suite.Cases)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// WriteMarkdown writes a summary for a pull request.
func (r *Result) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	verdict := "as expected"
	switch {
	case len(r.Invalid) > 0:
		verdict = "invalid"
	case len(r.Unmet) > 0:
		verdict = "**not as expected**"
	}
	fmt.Fprintf(&b, "### %s: %s\n\n%s, %s.\n", cell(r.Name), verdict, cell(r.load()), r.Summary())
	for _, why := range r.Invalid {
		fmt.Fprintf(&b, "\n> Invalid: %s\n", cell(why))
	}
	if len(r.Verdicts) > 0 {
		b.WriteString("\n| expected | it is | |\n|---|---:|---|\n")
		for _, v := range r.Verdicts {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.ReplaceAll(v.Text, "|", `\|`), cell(v.Got), map[bool]string{true: "met", false: "**not met**"}[v.OK])
		}
	}
	b.WriteString("\n| | sent | errors | p50 | p95 | p99 | max |\n|---|---:|---:|---:|---:|---:|---:|\n")
	row := func(name string, c Counts, l Latency) {
		fmt.Fprintf(&b, "| %s | %d | %d | %s | %s | %s | %s |\n", cell(name), c.Sent, c.Sent-c.OK, FormatMS(l.P50), FormatMS(l.P95), FormatMS(l.P99), FormatMS(l.Max))
	}
	row("all, response time", r.Counts, r.Response)
	row("all, service time", r.Counts, r.Service)
	for _, ph := range r.Parts {
		row(ph.Name, ph.Counts, ph.Response)
	}
	for _, one := range r.Requests {
		row(one.Name, one.Counts, one.Response)
	}
	if len(r.Phases) > 1 {
		for _, ph := range r.Phases[1:] {
			row("after "+ph.Name, ph.Counts, ph.Response)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell is text that breaks no table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", "`", "'").Replace(text)
}

// WritePrometheus writes the run's figures in the text format of Prometheus, each as a gauge: for a textfile collector or a push
// gateway.
func (r *Result) WritePrometheus(w io.Writer) error {
	var b strings.Builder
	base := "bench=" + label(r.Name)
	gauge := func(name, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name) }
	value := func(name, labels string, v float64) {
		if labels != "" {
			labels = "," + labels
		}
		fmt.Fprintf(&b, "%s{%s%s} %s\n", name, base, labels, strconv.FormatFloat(v, 'g', -1, 64))
	}
	counts := func(labels string, c Counts) {
		for _, one := range []struct {
			name string
			n    int
		}{{"ok", c.OK}, {"failed", c.Failed}, {"unknown", c.Unknown}, {"wrong", c.Wrong}} {
			value("parley_bench_requests", strings.TrimPrefix(fmt.Sprintf("%s,outcome=%q", labels, one.name), ","), float64(one.n))
		}
	}
	gauge("parley_bench_requests", "Requests of the run by outcome.")
	counts("", r.Counts)
	for _, one := range r.Requests {
		counts("request="+label(one.Name), one.Counts)
	}
	for _, one := range r.Parts {
		counts("phase="+label(one.Name), one.Counts)
	}
	times := func(labels, kind string, l Latency) {
		for _, q := range []struct {
			name string
			ms   float64
		}{{"0.5", l.P50}, {"0.9", l.P90}, {"0.95", l.P95}, {"0.99", l.P99}, {"0.999", l.P999}, {"1", l.Max}} {
			value("parley_bench_seconds", strings.TrimPrefix(fmt.Sprintf("%s,time=%q,quantile=%q", labels, kind, q.name), ","), q.ms/1000)
		}
	}
	gauge("parley_bench_seconds", "Times of the run by kind and quantile.")
	times("", "response", r.Response)
	times("", "service", r.Service)
	times("", "lag", r.Lag)
	for _, one := range r.Requests {
		times("request="+label(one.Name), "response", one.Response)
	}
	for _, one := range r.Parts {
		times("phase="+label(one.Name), "response", one.Response)
	}
	if e := r.Executed; e != nil {
		gauge("parley_bench_lost", "Requests that were never executed, and whose client was not told so.")
		value("parley_bench_lost", "", float64(e.Lost))
		gauge("parley_bench_doubled", "Requests that were executed more than once.")
		value("parley_bench_doubled", "", float64(e.Doubled))
	}
	gauge("parley_bench_rate", "Requests a second, as asked for and as sent.")
	value("parley_bench_rate", `of="asked"`, r.Rate)
	value("parley_bench_rate", `of="sent"`, r.AchievedRate)
	gauge("parley_bench_generator_cores", "Processors that the load generator kept busy.")
	value("parley_bench_generator_cores", "", r.Generator.Cores)
	gauge("parley_bench_valid", "1 where the measurement counts.")
	value("parley_bench_valid", "", map[bool]float64{true: 1}[len(r.Invalid) == 0])
	gauge("parley_bench_as_expected", "1 where the expectation holds.")
	for _, v := range slices.SortedFunc(maps.Values(indexed(r.Verdicts)), func(a, b Verdict) int { return strings.Compare(a.Text, b.Text) }) {
		value("parley_bench_as_expected", "expected="+label(v.Text), map[bool]float64{true: 1}[v.OK])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// label is a label's value in Prometheus' text format, which knows three escapes and no others.
func label(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

// indexed are the verdicts by their texts: one series has one value.
func indexed(list []Verdict) map[string]Verdict {
	out := map[string]Verdict{}
	for _, v := range list {
		out[v.Text] = v
	}
	return out
}
