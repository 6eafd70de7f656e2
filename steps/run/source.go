package run

import (
	messages "github.com/cucumber/messages/go/v21"

	"github.com/parley-run/parley/steps/report"
)

// source finds the nodes of a feature file by their ids, which is all that pickles tell of them.
type source struct {
	scenarios  map[string]*messages.Scenario
	rules      map[string]string // name of the rule that a scenario stands in
	rows       map[string]row
	steps      map[string]*messages.Step
	background map[string]bool // steps of a background
	tags       map[string]int  // lines
}

// row is a row of examples.
type row struct{ line, number int }

func newSource(f *messages.Feature) *source {
	s := &source{
		scenarios: map[string]*messages.Scenario{}, rules: map[string]string{}, rows: map[string]row{},
		steps: map[string]*messages.Step{}, background: map[string]bool{}, tags: map[string]int{},
	}
	s.addTags(f.Tags)
	for _, child := range f.Children {
		s.add("", child.Background, child.Scenario)
		if child.Rule == nil {
			continue
		}
		s.addTags(child.Rule.Tags)
		for _, inner := range child.Rule.Children {
			s.add(child.Rule.Name, inner.Background, inner.Scenario)
		}
	}
	return s
}

func (s *source) add(rule string, b *messages.Background, sc *messages.Scenario) {
	if b != nil {
		for _, step := range b.Steps {
			s.steps[step.Id], s.background[step.Id] = step, true
		}
	}
	if sc == nil {
		return
	}
	s.scenarios[sc.Id], s.rules[sc.Id] = sc, rule
	s.addTags(sc.Tags)
	for _, step := range sc.Steps {
		s.steps[step.Id] = step
	}
	number := 0
	for _, table := range sc.Examples {
		s.addTags(table.Tags)
		for _, r := range table.TableBody {
			number++
			s.rows[r.Id] = row{line: int(r.Location.Line), number: number}
		}
	}
}

func (s *source) addTags(list []*messages.Tag) {
	for _, tag := range list {
		s.tags[tag.Id] = int(tag.Location.Line)
	}
}

func tagsOf(list []*messages.Tag) []report.Tag {
	var out []report.Tag
	for _, tag := range list {
		out = append(out, report.Tag{Name: tag.Name, Line: int(tag.Location.Line)})
	}
	return out
}
