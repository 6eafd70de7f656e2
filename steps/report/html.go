package report

import (
	_ "embed"
	"io"
	"slices"

	"github.com/parley-run/parley/bench/markup"
)

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// Page is a report as one HTML page, which needs no other file and no network.
type Page struct {
	Title    string
	Subtitle string
	Run      *Run
	Faults   []string  // what failed beside the scenarios; each makes the whole a failure
	Facts    []Fact    // beside the counts at the top, such as the failed requests of a load
	Sections []Section // below the features
}

// Fact is one number of the heading.
type Fact struct {
	Name, Value string
	Bad         bool
}

// Section is a part made by somebody else, such as the result of a load. The page lets nothing of it run but its Scripts, and
// lets nothing be fetched.
type Section struct {
	Title   string
	HTML    markup.Safe
	Scripts []string // run at the page's end, in order; one that several sections have runs once
}

// Passed says whether all of it did.
func (p *Page) Passed() bool { return p.Run.Passed() && len(p.Faults) == 0 }

// WriteHTML writes the page.
func (p *Page) WriteHTML(w io.Writer) error {
	m := markup.To(w)
	newView(p).put(m)
	return m.Flush()
}

// scripts are those of the page and of its sections, each once.
func (p *Page) scripts() []string {
	out := []string{pageScript}
	for _, s := range p.Sections {
		for _, one := range s.Scripts {
			if !slices.Contains(out, one) {
				out = append(out, one)
			}
		}
	}
	return out
}
