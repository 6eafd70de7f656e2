package bench

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/parley-run/parley/yamlfile"
)

// Term is one expression about a result, such as
//
//	p99 < 50ms
//	service p95 of login <= 20ms
//	error_rate in "kill server1" < 0.1%
//	lost == 0
//	recovery < 2s
//
// Of names a request, in a phase of the profile or the event after which the time is meant.
type Term struct {
	Text   string
	Kind   string // response, service or lag, of times
	Metric string // one of Metrics
	Of, In string
	Op     string
	Limit  float64 // milliseconds, a count, requests a second, or a share of 1
}

// Metrics are the words that a Term may ask about.
func Metrics() []string {
	return []string{
		"p50", "p90", "p95", "p99", "p99.9", "max", "mean", "recovery", "sent", "ok", "failed", "unknown", "wrong", "dropped",
		"lost", "doubled", "error_rate", "rate",
	}
}

// unit is what kind of number a metric is.
func unit(metric string) string {
	switch metric {
	case "p50", "p90", "p95", "p99", "p99.9", "max", "mean", "recovery":
		return "time"
	case "error_rate":
		return "share"
	case "rate":
		return "rate"
	}
	return "count"
}

var termForm = regexp.MustCompile(`^\s*(?:(response|service|lag)\s+)?([A-Za-z_][A-Za-z0-9_.]*)` +
	`(?:\s+of\s+("[^"]*"|[^\s<>=!]+))?(?:\s+in\s+("[^"]*"|[^\s<>=!]+))?\s*(<=|>=|==|!=|<|>)\s*(\S+)\s*$`)

// termError is a fault in a text, at a column of it that counts from 0.
type termError struct {
	column  int
	message string
}

func (e *termError) Error() string { return e.message }

// ParseTerm reads an expression.
func ParseTerm(text string) (Term, error) {
	m := termForm.FindStringSubmatchIndex(text)
	if m == nil {
		return Term{}, &termError{0, fmt.Sprintf(`%q is not an expression: write one such as p99 < 50ms, lost == 0, error_rate < 0.1%% or p95 in "kill server1" < 1s`, text)}
	}
	group := func(i int) string {
		if m[2*i] < 0 {
			return ""
		}
		return strings.Trim(text[m[2*i]:m[2*i+1]], `"`)
	}
	t := Term{Text: strings.TrimSpace(text), Kind: group(1), Metric: group(2), Of: group(3), In: group(4), Op: group(5)}
	if t.Metric == "p999" {
		t.Metric = "p99.9"
	}
	known := false
	for _, name := range Metrics() {
		known = known || name == t.Metric
	}
	if !known {
		return t, &termError{m[4], fmt.Sprintf("%q is not measured; there are %s%s", t.Metric, strings.Join(Metrics(), ", "), meant(t.Metric, Metrics()))}
	}
	kind := unit(t.Metric)
	if t.Kind != "" && (kind != "time" || t.Metric == "recovery") {
		return t, &termError{m[2], fmt.Sprintf("%q goes with p50, p99, max and the like, not with %s", t.Kind, t.Metric)}
	}
	whole := t.Metric == "recovery" || t.Metric == "lost" || t.Metric == "doubled" || t.Metric == "dropped" || t.Metric == "rate" || t.Kind == "lag"
	switch {
	case whole && t.Of != "":
		return t, &termError{m[6], t.what() + " is of the whole run, not of one request"}
	case whole && t.In != "" && (t.Metric != "rate" && t.Metric != "recovery"):
		return t, &termError{m[8], t.what() + " is of the whole run, not of a phase"}
	case t.Of != "" && t.In != "":
		return t, &termError{m[8], "ask of a request or in a phase, not both at once"}
	}
	limit, err := limitOf(kind, group(6))
	if err != nil {
		return t, &termError{m[12], err.Error()}
	}
	t.Limit = limit
	return t, nil
}

func (t Term) what() string {
	if t.Kind == "lag" {
		return "schedule lag"
	}
	return t.Metric
}

func limitOf(kind, text string) (float64, error) {
	if kind == "time" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return 0, fmt.Errorf("%q is not a time: write one such as 50ms or 2s", text)
		}
		return float64(d) / 1e6, nil
	}
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(strings.TrimSuffix(number, "/s"), 64)
	switch {
	case err != nil || !(v >= 0) || percent && kind != "share": // NaN too
		return 0, fmt.Errorf("%q is no number for this: write one such as %s", text, map[string]string{"share": "0.1%", "rate": "990", "count": "0"}[kind])
	case percent:
		v /= 100
	}
	if kind == "share" && v > 1 {
		return 0, fmt.Errorf("%q is more than all: write a share such as 0.1%% or 0.001", text)
	}
	return v, nil
}

// holds says whether the value keeps to the expression.
func (t Term) holds(v float64) bool {
	switch t.Op {
	case "<":
		return v < t.Limit
	case "<=":
		return v <= t.Limit
	case ">":
		return v > t.Limit
	case ">=":
		return v >= t.Limit
	case "==":
		return v == t.Limit
	default:
		return v != t.Limit
	}
}

// show writes a value of the metric for people.
func (t Term) show(v float64) string {
	switch unit(t.Metric) {
	case "time":
		return FormatMS(v)
	case "share":
		return strconv.FormatFloat(v*100, 'g', 4, 64) + " %"
	case "rate":
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// MarshalJSON writes the text.
func (t Term) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(t.Text)), nil }

// UnmarshalYAML reads the text.
func (t *Term) UnmarshalYAML(node ast.Node) error {
	var text string
	if err := yaml.NodeToValue(node, &text); err != nil {
		return yamlfile.Errorf(node, "an expectation is a text such as p99 < 50ms")
	}
	parsed, err := ParseTerm(text)
	if err != nil {
		return inText(node, err)
	}
	*t = parsed
	return nil
}

// inText puts a fault of a text where it stands in the file.
func inText(node ast.Node, err error) error {
	column := 0
	if fault, is := err.(*termError); is { //nolint:errorlint // it is never wrapped
		column = fault.column
		if kind := node.GetToken().Type; kind == token.SingleQuoteType || kind == token.DoubleQuoteType {
			column++
		}
	}
	return yamlfile.ErrorAt(node, column, err.Error())
}

// Condition is when an event comes: a Term about the last second, which has held for a while. Its metrics are p50 to max of
// response time, error_rate, failed, unknown, wrong and rate.
type Condition struct {
	Term
	For time.Duration // default: none
}

var forForm = regexp.MustCompile(`^(.*)\s+for\s+(\S+)\s*$`)

// ParseCondition reads a condition such as "p99 > 200ms for 2s".
func ParseCondition(text string) (Condition, error) {
	var c Condition
	term := text
	if m := forForm.FindStringSubmatchIndex(text); m != nil {
		d, err := time.ParseDuration(text[m[4]:m[5]])
		if err != nil || d < 0 {
			return c, &termError{m[4], fmt.Sprintf("%q is not a time: write one such as 2s", text[m[4]:m[5]])}
		}
		term, c.For = text[m[2]:m[3]], d
	}
	var err error
	if c.Term, err = ParseTerm(term); err != nil {
		return c, err
	}
	c.Text = strings.TrimSpace(text)
	switch c.Metric {
	case "p50", "p90", "p95", "p99", "p99.9", "max", "mean", "error_rate", "failed", "unknown", "wrong", "rate":
	default:
		return c, &termError{0, c.Metric + " is known only when the run is over: no event can wait for it"}
	}
	if c.Kind == "service" || c.Kind == "lag" || c.Of != "" || c.In != "" {
		return c, &termError{0, "an event can wait for response time, errors and rate of the whole load alone"}
	}
	return c, nil
}

// UnmarshalYAML reads the text.
func (c *Condition) UnmarshalYAML(node ast.Node) error {
	var text string
	if err := yaml.NodeToValue(node, &text); err != nil {
		return yamlfile.Errorf(node, "when is a text such as p99 > 200ms for 2s")
	}
	parsed, err := ParseCondition(text)
	if err != nil {
		return inText(node, err)
	}
	*c = parsed
	return nil
}
