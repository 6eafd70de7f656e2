package run

import (
	"bytes"
	"strconv"
	"strings"

	gherkin "github.com/cucumber/gherkin/go/v26"
	messages "github.com/cucumber/messages/go/v21"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
)

// Scenario is a scenario with its steps found: made once, and run often, by many at once.
type Scenario struct {
	known report.Scenario // what is known before it runs
	lines []line
	alone bool // nothing else runs beside it
	share bool // it uses what the scenarios of its file share
	hold  bool // it starts processes or containers
}

// line is one step of a scenario.
type line struct {
	known report.Step
	bound *steps.Line
	fault error // why it has no step; nil where bound
}

// feature is a feature file with its chosen scenarios.
type feature struct {
	feature   *report.Feature
	scenarios []*Scenario
}

// plan is what is to be run.
type plan struct {
	features []*feature
	faults   []string // path:line:column: message
	found    int      // scenarios, chosen or not
}

func (p *plan) count() (n int) {
	for _, f := range p.features {
		n += len(f.scenarios)
	}
	return n
}

// compiler makes scenarios of feature files. Lines that are the same share one binding.
type compiler struct {
	suite *steps.Suite
	bound map[lineKey]binding
}

type lineKey struct {
	kind steps.Kind
	text string
}

type binding struct {
	line  *steps.Line
	fault error
}

// file compiles one file.
func (c *compiler) file(path string, text []byte) (*feature, []string) {
	text, err := textOf(text)
	if err != nil {
		return nil, []string{path + ":" + err.Error()}
	}
	ids := 0
	newID := func() string {
		ids++
		return strconv.Itoa(ids)
	}
	document, err := gherkin.ParseGherkinDocument(bytes.NewReader(text), newID)
	if err != nil {
		return nil, syntaxFaults(path, err)
	}
	f := &feature{feature: &report.Feature{Path: path}}
	if document.Feature == nil {
		return f, nil
	}
	tree := document.Feature
	f.feature.Name, f.feature.Keyword, f.feature.Language = tree.Name, tree.Keyword, tree.Language
	f.feature.Description, f.feature.Line = unindent(tree.Description), int(tree.Location.Line)
	f.feature.Tags = tagsOf(tree.Tags)
	at := newSource(tree)
	faults, empty := noRows(path, tree)
	for _, p := range gherkin.Pickles(*document, path, newID) {
		if empty[p.AstNodeIds[0]] {
			continue
		}
		s := c.scenario(path, p, at)
		if len(s.lines) == 0 {
			faults = append(faults, noSteps(s))
			continue
		}
		f.scenarios = append(f.scenarios, s)
	}
	return f, faults
}

func (c *compiler) scenario(path string, p *messages.Pickle, at *source) *Scenario {
	origin := at.scenarios[p.AstNodeIds[0]]
	s := &Scenario{known: report.Scenario{
		Name: p.Name, Keyword: origin.Keyword, Description: unindent(origin.Description), Rule: at.rules[origin.Id],
		Path: path, Line: int(origin.Location.Line), Status: report.Skipped,
	}}
	if len(p.AstNodeIds) > 1 {
		row := at.rows[p.AstNodeIds[1]]
		s.known.Line, s.known.Row = row.line, row.number
	}
	for _, tag := range p.Tags {
		s.known.Tags = append(s.known.Tags, report.Tag{Name: tag.Name, Line: at.tags[tag.AstNodeId]})
		s.alone = s.alone || tag.Name == serialTag
	}
	for _, step := range p.Steps {
		l := c.line(step, at)
		s.share = s.share || (l.bound != nil && l.bound.Step().Shares)
		s.hold = s.hold || (l.bound != nil && l.bound.Step().Holds)
		s.lines = append(s.lines, l)
	}
	return s
}

// serialTag marks a scenario beside which no other may run.
const serialTag = "@serial"

func (c *compiler) line(step *messages.PickleStep, at *source) line {
	origin := at.steps[step.AstNodeIds[0]]
	l := line{known: report.Step{
		Keyword: strings.TrimSpace(origin.Keyword), Text: step.Text, Line: int(origin.Location.Line),
		Background: at.background[origin.Id], Status: report.Skipped,
	}}
	if step.Argument != nil {
		l.known.DocString, l.known.Table = argumentOf(step.Argument, origin)
	}
	// Two blanks behind a keyword belong to the words, as they do in behave.
	text := step.Text
	key := lineKey{kindOf(step), text}
	b, there := c.bound[key]
	if !there {
		b.line, b.fault = c.suite.Vocabulary().Bind(key.kind, key.text)
		if b.fault == nil {
			c.suite.Foresee(b.line)
		}
		c.bound[key] = b
	}
	l.bound, l.fault = b.line, b.fault
	if l.bound != nil {
		l.known.Pattern = l.bound.Step().Pattern
	}
	return l
}

func kindOf(s *messages.PickleStep) steps.Kind {
	switch s.Type {
	case messages.PickleStepType_ACTION:
		return steps.When
	case messages.PickleStepType_OUTCOME:
		return steps.Then
	}
	return steps.Given
}

func argumentOf(a *messages.PickleStepArgument, origin *messages.Step) (*report.DocString, [][]string) {
	if d := a.DocString; d != nil {
		return &report.DocString{MediaType: d.MediaType, Content: d.Content, Line: int(origin.DocString.Location.Line)}, nil
	}
	var table [][]string
	for _, row := range a.DataTable.Rows {
		var cells []string
		for _, cell := range row.Cells {
			cells = append(cells, cell.Value)
		}
		table = append(table, cells)
	}
	return nil, table
}

func unindent(text string) string {
	var lines []string
	for l := range strings.Lines(text) {
		lines = append(lines, strings.TrimSpace(l))
	}
	return strings.Join(lines, "\n")
}
