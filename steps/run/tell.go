package run

import (
	"slices"
	"sync"
	"time"

	"github.com/parley-run/parley/steps/report"
)

// teller hands results to the sink in source order, whatever the order in which they come.
type teller struct {
	sink  report.Sink
	plan  *plan
	total int
	began time.Time
	text  func(string) string // takes secrets out

	mu       sync.Mutex
	results  [][]*report.Scenario // by feature; nil: not yet
	feature  int                  // the next to be told is a scenario of this feature,
	scenario int                  // with this number
	done     int
	failed   int
	running  []*Scenario
	faults   []string
}

func newTeller(sink report.Sink, p *plan, total int, text func(string) string) *teller {
	t := &teller{sink: sink, plan: p, total: total, text: text, began: time.Now(), results: make([][]*report.Scenario, len(p.features))}
	for i, f := range p.features {
		t.results[i] = make([]*report.Scenario, len(f.scenarios))
	}
	return t
}

func (t *teller) begin(s *Scenario) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = append(t.running, s)
	t.progress()
}

func (t *teller) end(feature, n int, s *Scenario, out *report.Scenario) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = slices.DeleteFunc(t.running, func(r *Scenario) bool { return r == s })
	t.results[feature][n] = out
	t.done++
	if !out.Good() {
		t.failed++
	}
	t.tell()
	t.progress()
}

func (t *teller) fault(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, text)
}

// tell hands on what has its turn.
func (t *teller) tell() {
	for t.feature < len(t.results) {
		list := t.results[t.feature]
		f := t.plan.features[t.feature].feature
		for ; t.scenario < len(list); t.scenario++ {
			s := list[t.scenario]
			if s == nil {
				return
			}
			if t.scenario == 0 {
				t.sink.Feature(f)
			}
			maskScenario(s, t.text)
			f.Scenarios = append(f.Scenarios, s)
			t.sink.Scenario(f, s)
		}
		t.feature, t.scenario = t.feature+1, 0
	}
}

func (t *teller) progress() {
	p := report.Progress{Done: t.done, Total: t.total, Failed: t.failed, Elapsed: time.Since(t.began)}
	for _, s := range t.running {
		p.Running = append(p.Running, t.text(s.known.Name))
	}
	t.sink.Progress(p)
}

// finish tells what did not run as well.
func (t *teller) finish(dry bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, list := range t.results {
		for n, s := range list {
			if s == nil {
				list[n] = t.plan.features[i].scenarios[n].unrun(dry)
			}
		}
	}
	t.tell()
}

// tickEvery is the pause between two tellings of progress while nothing begins or ends.
const tickEvery = 250 * time.Millisecond

// tick tells of progress until stop is called.
func (t *teller) tick() (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(tickEvery)
		defer ticker.Stop()
		for {
			select {
			case <-end:
				return
			case <-ticker.C:
				t.mu.Lock()
				t.progress()
				t.mu.Unlock()
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// mask takes secrets out of all that a run tells.
func mask(done *report.Run, text func(string) string) {
	for i := range done.Faults {
		done.Faults[i] = text(done.Faults[i])
	}
	for _, f := range done.Features {
		f.Name, f.Description = text(f.Name), text(f.Description)
		for _, s := range f.Scenarios {
			maskScenario(s, text)
		}
	}
}

func maskScenario(s *report.Scenario, text func(string) string) {
	s.Name, s.Description, s.Rule = text(s.Name), text(s.Description), text(s.Rule)
	for _, f := range s.Earlier {
		f.Mask(text)
	}
	for _, step := range s.Steps {
		step.Text = text(step.Text)
		if step.Failure != nil {
			step.Failure.Mask(text)
		}
		step.Table = maskTable(step.Table, text)
		if d := step.DocString; d != nil {
			step.DocString = &report.DocString{MediaType: d.MediaType, Content: text(d.Content), Line: d.Line}
		}
	}
}

// maskTable is a table without secrets; the one given is shared by all that run its scenario.
func maskTable(table [][]string, text func(string) string) [][]string {
	var out [][]string
	for _, row := range table {
		masked := make([]string, len(row))
		for i, cell := range row {
			masked[i] = text(cell)
		}
		out = append(out, masked)
	}
	return out
}
