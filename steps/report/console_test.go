package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/steps/report"
)

func TestConsole(t *testing.T) {
	var out bytes.Buffer
	told(&report.Console{Out: &out}, sample())
	assert.Equal(t, `
Names  features/names.feature
  ✓ Good  3.0 ms
  ✗ Bad <script>  48 ms  features/names.feature:12
      … 2 steps before, passed
      ✓ And two
      ✓ When the URL is invoked
      ✗ Then JSON is equal to  features/names.feature:16
          """json
          {"name": "Joe"}
          """
          the reply is not that document (still so after 2 seconds)
            at /name
              expected: "Joe"
              got:      "Sean"
            at /age
              expected: (nothing)
              got:      7
            set are: name, age
            request:  GET http://127.0.0.1:8080/names?a=1&b=2
                      Accept: application/json

                      (no body)
            again:    curl -i -X GET 'http://127.0.0.1:8080/names?a=1&b=2' -u joe:"$PASSWORD"
            reply:    404 Not Found
                      Content-Type: application/json

                      {
                        "name": "Sean",
                        "bell": "\x07"
                      }
            timing:   connected after 200 µs, first byte after 4.0 ms, all after 4.7 ms
      - And more
      … 1 step more, skipped
  Rule: Names have letters
  ✓ Each name (row 1)  12 ms
  ? Each name (row 2)  UNDEFINED  1.0 ms  features/names.feature:32
      ? Given the requst is sent  features/names.feature:27
          no step reads like this
            did you mean: When the request is sent

Orders  features/my orders.feature
  ~ Shaky  FLAKY: passed in attempt 2  200 ms  features/my orders.feature:3
      attempt 1 failed: no reply from 127.0.0.1:1: connection refused (tried for 1.00 s)
  - 1 scenario not run

✗ features/names.feature:12  Bad <script>
? features/names.feature:32  Each name (row 2)
~ 'features/my orders.feature:3'  Shaky

2 features: 0 passed, 1 failed, 1 flaky
6 scenarios: 2 passed, 1 failed, 1 undefined, 1 flaky, 1 skipped
13 steps: 8 passed, 1 failed, 1 undefined, 3 skipped
Took 1.25 s. Random values are those of --seed 42
`, out.String())
}

func TestConsoleInColourSaysTheSame(t *testing.T) {
	var plain, coloured bytes.Buffer
	told(&report.Console{Out: &plain}, sample())
	told(&report.Console{Out: &coloured, Color: true}, sample())
	assert.NotContains(t, plain.String(), "\x1b")
	assert.Contains(t, coloured.String(), "\x1b[31m✗\x1b[0m Bad <script>")
	stripped := coloured.String()
	for _, code := range []string{"0", "1", "2", "31", "32", "33"} {
		stripped = strings.ReplaceAll(stripped, "\x1b["+code+"m", "")
	}
	assert.Equal(t, plain.String(), stripped)
}

func TestSummaryOfARunThatPassed(t *testing.T) {
	var out bytes.Buffer
	r := sample()
	r.Features = r.Features[:1]
	r.Features[0].Scenarios = r.Features[0].Scenarios[:1]
	console := &report.Console{Out: &out}
	console.Summary(r)
	assert.Equal(t, "\n1 feature: 1 passed\n1 scenario: 1 passed\n2 steps: 2 passed\nTook 1.25 s\n", out.String())
}

func TestSummaryNamesWhatElseWentWrong(t *testing.T) {
	summary := func(change func(*report.Run)) string {
		var out bytes.Buffer
		r := sample()
		change(r)
		(&report.Console{Out: &out}).Summary(r)
		return out.String()
	}
	text := summary(func(r *report.Run) { r.Faults = []string{"a.feature:3:1: expected a step, got 'x'"} })
	assert.Contains(t, text, "\n✗ a.feature:3:1: expected a step, got 'x'\n")
	assert.Contains(t, text, "\n1 fault kept feature files from being run, or from ending well\n")
	assert.Contains(t, summary(func(r *report.Run) { r.Interrupted = true }), "\nInterrupted: this is what had been done by then\n")
	assert.Contains(t, summary(func(r *report.Run) { r.Shuffled = true }), "\nTook 1.25 s. The order is that of --shuffle --seed 42\n")
	assert.Contains(t, summary(func(r *report.Run) { r.DryRun = true }), "\nA dry run, nothing was done: 13 steps looked up, 1 undefined\n")
}

// A dry run tells of every step that does not exist, not only of the first.
func TestAllFailingStepsAreShown(t *testing.T) {
	missing := func(text string, line int) *report.Step {
		return &report.Step{Keyword: "Given", Text: text, Line: line, Status: report.Undefined, Failure: &report.Failure{What: "no step reads like this"}}
	}
	s := &report.Scenario{Name: "S", Path: "a.feature", Line: 2, Status: report.Undefined, Steps: []*report.Step{missing("a", 3), missing("b", 4)}}
	assert.Equal(t, `? S  UNDEFINED  a.feature:2
  ? Given a  a.feature:3
      no step reads like this
  ? Given b  a.feature:4
      no step reads like this
`, s.Text())
}

func TestATerminalIsGivenLongTextCut(t *testing.T) {
	long := sample()
	failure := long.Features[0].Scenarios[1].Failing().Failure
	var body []string
	for i := range 100 {
		body = append(body, fmt.Sprintf("line %d", i))
	}
	failure.Exchange.Reply = strings.Join(body, "\n")
	failure.Exchange.Request = "POST /\n\n" + strings.Repeat("ä", 1000)
	for i := range 40 {
		failure.Differences = append(failure.Differences, report.Difference{Path: fmt.Sprintf("/list/%d", i), Expected: "1", Got: "2"})
	}
	var terminal, file bytes.Buffer
	told(&report.Console{Out: &terminal, Terminal: true}, long)
	told(&report.Console{Out: &file}, long)

	assert.Contains(t, terminal.String(), "line 29\n                      … 70 more lines; the report files (--out DIR) have them all\n")
	assert.NotContains(t, terminal.String(), "line 30")
	assert.Contains(t, terminal.String(), strings.Repeat("ä", 600)+" … 400 more characters; the report files (--out DIR) have them all\n")
	assert.Contains(t, terminal.String(), "/list/22\n")
	assert.NotContains(t, terminal.String(), "/list/23\n")
	assert.Contains(t, terminal.String(), "… 17 more differences; the report files (--out DIR) have them all\n")
	for _, whole := range []string{"line 99\n", strings.Repeat("ä", 1000), "/list/39\n"} {
		assert.Contains(t, file.String(), whole)
	}
	assert.NotContains(t, file.String(), "the report files")
}

func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	wrote := func() string { defer out.Reset(); return out.String() }
	c := &report.Console{Out: &out, Terminal: true, Width: 40}
	at := func(elapsed time.Duration, done int) {
		c.Progress(report.Progress{Done: done, Total: 400, Failed: 3, Running: []string{"Names", "A scenario with a long name"}, Elapsed: elapsed})
	}
	f := sample().Features[0]

	at(1900*ms, 1)
	assert.Empty(t, wrote(), "a short run shows none")
	at(2*time.Second, 120)
	line := "120 of 400 scenarios, 3 failed, 2 s: N…"
	assert.Equal(t, "\r\x1b[K"+line, wrote(), "of less columns than there are")
	at(2100*ms, 121)
	assert.Empty(t, wrote(), "it is not written with every change")
	c.Scenario(f, f.Scenarios[0])
	assert.Equal(t, "\r\x1b[K  ✓ Good  3.0 ms\n"+line, wrote(), "other output goes above it")
	at(2200*ms, 122)
	assert.Equal(t, "\r\x1b[K122 of 400 scenarios, 3 failed, 2 s: N…", wrote())
	c.End(sample())
	assert.True(t, strings.HasPrefix(wrote(), "\r\x1b[K\n✗ "), "it is gone at the end")

	plain := &report.Console{Out: &out}
	plain.Progress(report.Progress{Done: 1, Total: 2, Elapsed: time.Minute})
	assert.Empty(t, wrote(), "a log has none")
}

func TestWhatMovesACursorIsMadeVisible(t *testing.T) {
	f := &report.Failure{What: "got \x1b[2Jclean\r\n and \xff, \u202eturned", Expected: "\t1", Got: "\u009b2"}
	assert.Equal(t, "got \\x1b[2Jclean\n and \\xff, \\u202eturned\n  expected: \t1\n  got:      \\u009b2", f.Text())
}

func TestDots(t *testing.T) {
	var out bytes.Buffer
	told(&report.Dots{Out: &out}, sample())
	head, rest, found := strings.Cut(out.String(), "\n\n")
	assert.True(t, found)
	assert.Equal(t, ".F.U~-  6 of 6", head)
	assert.Contains(t, rest, "Names  features/names.feature\n  ✗ Bad <script>  48 ms  features/names.feature:12\n")
	assert.Contains(t, rest, "\n      ✗ Then JSON is equal to  features/names.feature:16\n")
	assert.Contains(t, rest, "\nOrders  features/my orders.feature\n  ~ Shaky  FLAKY: passed in attempt 2")
	assert.NotContains(t, rest, "Good")
	assert.True(t, strings.HasSuffix(rest, "Took 1.25 s. Random values are those of --seed 42\n"))
}

func TestDotsBreakTheirLines(t *testing.T) {
	var out bytes.Buffer
	told(&report.Dots{Out: &out, Width: 30}, many(1, 20))
	assert.True(t, strings.HasPrefix(out.String(), strings.Repeat(".", 19)+"  19 of 20\n.  20 of 20\n\n1 feature: 1 passed\n"), out.String())
}
