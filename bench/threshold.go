package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Threshold is what the result must keep to: in a file, a list of expressions (see Term), or the fields by their names. Fields
// that are nil or zero ask nothing.
type Threshold struct {
	Failed  *int     `yaml:"failed"`  // at most so many
	Unknown *int     `yaml:"unknown"` // at most so many
	Lost    *int     `yaml:"lost"`    // at most so many; needs executed
	Doubled *int     `yaml:"doubled"` // at most so many; needs executed
	P50     Duration `yaml:"p50"`     // of response time, at most
	P95     Duration `yaml:"p95"`
	P99     Duration `yaml:"p99"`
	Max     Duration `yaml:"max"`

	Terms []Term `yaml:"-"`
}

// UnmarshalYAML accepts both forms, and one expression alone.
func (t *Threshold) UnmarshalYAML(node ast.Node) error {
	if _, one := node.(*ast.StringNode); one {
		t.Terms = make([]Term, 1)
		return yaml.NodeToValue(node, &t.Terms[0])
	}
	if _, list := node.(*ast.SequenceNode); list {
		return yaml.NodeToValue(node, &t.Terms)
	}
	type fields Threshold
	return yaml.NodeToValue(node, (*fields)(t), yaml.Strict())
}

// termFaults tells whether what the expression names is in the profile.
func (p *Profile) termFaults(t *Term, add func(format string, args ...any)) {
	if p.Log == nil && (t.Metric == "lost" || t.Metric == "doubled") {
		add("lost and doubled can be told only with executed: say where the service records ids")
	}
	if t.Metric == "recovery" && len(p.Events) == 0 {
		add("recovery is from an event, and the profile has none")
	}
	if t.Of != "" {
		var names []string
		for _, r := range p.requests() {
			names = append(names, r.label())
		}
		if !slices.Contains(names, t.Of) {
			add("there is no request %q; there are %s%s", t.Of, strings.Join(names, ", "), meant(t.Of, names))
		}
	}
	if t.In == "" {
		return
	}
	names := []string{"start"}
	for _, ph := range p.specs() {
		if ph.Name != "" {
			names = append(names, ph.Name)
		}
	}
	for i := range p.Events {
		names = append(names, p.Events[i].Label())
	}
	if !slices.Contains(names, t.In) {
		add("there is no phase or event %q; there are %s%s", t.In, strings.Join(names, ", "), meant(t.In, names))
	}
}

// Verdict is whether one expectation holds.
type Verdict struct {
	Text string `json:"text"`
	Got  string `json:"got"`
	OK   bool   `json:"ok"`
}

// value is what the expression asks about.
func (r *Result) value(t Term) (float64, error) {
	counts, l, span := r.Counts, r.Response, r.Duration
	if t.Kind == "service" {
		l = r.Service
	}
	pick := func(c Counts, response, service Latency) {
		counts, l = c, response
		if t.Kind == "service" {
			l = service
		}
	}
	found := t.Of == "" && t.In == ""
	for _, one := range r.Requests {
		if t.Of != "" && one.Name == t.Of {
			pick(one.Counts, one.Response, one.Service)
			found = true
		}
	}
	for _, one := range append(slices.Clone(r.Parts), r.Phases...) {
		if !found && t.In != "" && one.Name == t.In {
			pick(one.Counts, one.Response, one.Service)
			found, span = true, one.To-one.From
		}
	}
	if !found {
		return 0, fmt.Errorf("it never came to %q", t.Of+t.In)
	}
	if t.Kind == "lag" {
		l = r.Lag
	}
	return r.metric(t, counts, l, span)
}

func (r *Result) metric(t Term, counts Counts, l Latency, span float64) (float64, error) {
	if unit(t.Metric) == "time" && t.Metric != "recovery" {
		if l.Count == 0 {
			return 0, fmt.Errorf("there is no such time: nothing was measured")
		}
		return l.metric(t.Metric), nil
	}
	switch t.Metric {
	case "recovery":
		return r.recovery(t.In)
	case "lost", "doubled":
		if r.Executed == nil {
			return 0, fmt.Errorf("what was executed is not known")
		}
		if t.Metric == "lost" {
			return float64(r.Executed.Lost), nil
		}
		return float64(r.Executed.Doubled), nil
	case "dropped":
		return float64(r.Dropped), nil
	case "rate":
		if t.In == "" {
			return r.AchievedRate, nil
		}
		return float64(counts.Sent) / max(span, 0.001), nil
	}
	return counts.metric(t.Metric), nil
}

func (l Latency) metric(name string) float64 {
	switch name {
	case "p50":
		return l.P50
	case "p90":
		return l.P90
	case "p95":
		return l.P95
	case "p99":
		return l.P99
	case "p99.9":
		return l.P999
	case "max":
		return l.Max
	}
	return l.Mean
}

func (c Counts) metric(name string) float64 {
	switch name {
	case "ok":
		return float64(c.OK)
	case "failed":
		return float64(c.Failed)
	case "unknown":
		return float64(c.Unknown)
	case "wrong":
		return float64(c.Wrong)
	case "error_rate":
		return c.ErrorRate()
	}
	return float64(c.Sent)
}

// ErrorRate is the share of requests that did not end well: failed, unknown or wrong.
func (c Counts) ErrorRate() float64 {
	if c.Sent == 0 {
		return 0
	}
	return float64(c.Sent-c.OK) / float64(c.Sent)
}

// recovery is the longest that an event took until nothing went wrong any more, in milliseconds; where name is given, of the
// event of that name.
func (r *Result) recovery(name string) (float64, error) {
	longest := 0.0
	for _, e := range r.Events {
		switch {
		case name != "" && e.Label != name || e.Impact == nil:
			continue
		case !e.Impact.Recovered:
			return 0, fmt.Errorf("requests still went wrong at the end, after %q", e.Label)
		}
		longest = max(longest, e.Impact.Recovery*1000)
	}
	return longest, nil
}

// Holds is whether an expression such as "p99 in hold < 30ms" holds of the result. The error says what is wrong with the
// expression, or why it cannot be told.
func (r *Result) Holds(text string) (Verdict, error) {
	t, err := ParseTerm(text)
	if err != nil {
		return Verdict{}, err
	}
	if (t.Metric == "lost" || t.Metric == "doubled") && r.Executed == nil {
		return Verdict{}, fmt.Errorf("%s: there is no record of what was executed", t.Metric)
	}
	got, err := r.value(t)
	if err != nil {
		return Verdict{}, err
	}
	return Verdict{Text: t.Text, Got: t.show(got), OK: t.holds(got)}, nil
}
