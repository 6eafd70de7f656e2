package report

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteCucumber writes a run as cucumber JSON, the classic format that cucumber-jvm and cucumber-ruby write: features,
// their elements, and the elements' steps; a background is an element of its own before each scenario. The format knows
// passed, failed, skipped and undefined: a flaky scenario has passed and has the tag @flaky. A failing step carries its
// exchange as text (embeddings). A feature file that could not be read is a feature with one step, which failed.
func WriteCucumber(w io.Writer, r *Run) error {
	out := bufio.NewWriter(w)
	features := make([]cukeFeature, 0, len(r.Features)+len(r.Faults))
	for _, text := range r.Faults {
		features = append(features, cukeFault(newFault(text)))
	}
	for _, f := range r.Features {
		features = append(features, newCukeFeature(f))
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(features); err != nil {
		return fmt.Errorf("cucumber JSON: %w", err)
	}
	return out.Flush()
}

type cukeFeature struct {
	URI         string        `json:"uri"`
	ID          string        `json:"id"`
	Keyword     string        `json:"keyword"`
	Name        string        `json:"name"`
	Description string        `json:"description"`
	Line        int           `json:"line"`
	Tags        []cukeTag     `json:"tags,omitempty"`
	Elements    []cukeElement `json:"elements"`
}

type cukeTag struct {
	Name string `json:"name"`
	Line int    `json:"line"`
}

type cukeElement struct {
	Began       string     `json:"start_timestamp,omitempty"`
	ID          string     `json:"id,omitempty"`
	Keyword     string     `json:"keyword"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Line        int        `json:"line"`
	Type        string     `json:"type"`
	Tags        []cukeTag  `json:"tags,omitempty"`
	Steps       []cukeStep `json:"steps"`
}

type cukeStep struct {
	Keyword    string          `json:"keyword"` // with a blank behind it
	Name       string          `json:"name"`
	Line       int             `json:"line"`
	DocString  *cukeDocString  `json:"doc_string,omitempty"`
	Rows       []cukeRow       `json:"rows,omitempty"`
	Match      cukeMatch       `json:"match"`
	Result     cukeResult      `json:"result"`
	Embeddings []cukeEmbedding `json:"embeddings,omitempty"`
}

type cukeDocString struct {
	Value       string `json:"value"`
	ContentType string `json:"content_type"`
	Line        int    `json:"line"`
}

type cukeRow struct {
	Cells []string `json:"cells"`
}

type cukeMatch struct {
	Location string `json:"location"` // the pattern of the step; of an undefined one path:line
}

type cukeResult struct {
	Status   Status `json:"status"`
	Error    string `json:"error_message,omitempty"`
	Duration *int64 `json:"duration,omitempty"` // nanoseconds
}

type cukeEmbedding struct {
	Name     string `json:"name"`
	MIMEType string `json:"mime_type"`
	Data     string `json:"data"` // Base64
}

func newCukeFeature(f *Feature) cukeFeature {
	c := cukeFeature{
		URI: f.Path, ID: slug(f.title()), Keyword: or(f.Keyword, "Feature"), Name: f.Name, Description: f.Description, Line: f.Line,
		Tags: cukeTags(f.Tags), Elements: make([]cukeElement, 0, len(f.Scenarios)),
	}
	for _, s := range f.Scenarios {
		c.Elements = append(c.Elements, newCukeElements(c.ID, s)...)
	}
	return c
}

func newCukeElements(feature string, s *Scenario) []cukeElement {
	scenario := cukeElement{
		ID: feature + ";" + slug(s.Name), Keyword: or(s.Keyword, "Scenario"), Name: s.Title(), Description: s.Description, Line: s.Line,
		Type: "scenario", Tags: cukeTags(s.Tags), Steps: []cukeStep{},
	}
	if s.Row > 0 {
		scenario.ID += ";;" + strconv.Itoa(s.Row+1) // the table's head is number 1
	}
	if s.Status == Flaky {
		scenario.Tags = append(scenario.Tags, cukeTag{Name: "@flaky", Line: s.Line})
	}
	if !s.Began.IsZero() {
		scenario.Began = s.Began.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	background := cukeElement{Keyword: "Background", Type: "background", Began: scenario.Began}
	for _, step := range s.Steps {
		if step.Background {
			background.Steps = append(background.Steps, newCukeStep(s.Path, step))
			continue
		}
		scenario.Steps = append(scenario.Steps, newCukeStep(s.Path, step))
	}
	if steps := scenario.Steps; len(s.Earlier) > 0 && len(steps) > 0 {
		last := &steps[len(steps)-1]
		for i, f := range s.Earlier {
			last.Embeddings = append(last.Embeddings, textEmbedding(fmt.Sprintf("attempt %d failed", i+1), f.Text()))
		}
	}
	if len(background.Steps) == 0 {
		return []cukeElement{scenario}
	}
	background.Line = background.Steps[0].Line // where the keyword itself stands is not known here
	return []cukeElement{background, scenario}
}

func newCukeStep(path string, s *Step) cukeStep {
	c := cukeStep{
		Keyword: s.Keyword + " ", Name: s.Text, Line: s.Line,
		Match: cukeMatch{Location: or(s.Pattern, path+":"+strconv.Itoa(s.Line))}, Result: cukeResult{Status: s.Status},
	}
	if d := s.DocString; d != nil {
		c.DocString = &cukeDocString{Value: d.Content, ContentType: d.MediaType, Line: d.Line}
	}
	for _, cells := range s.Table {
		c.Rows = append(c.Rows, cukeRow{Cells: cells})
	}
	if s.Status == Passed || s.Status == Failed {
		took := max(0, s.Took.Nanoseconds())
		c.Result.Duration = &took
	}
	f := s.Failure
	if f == nil {
		return c
	}
	c.Result.Error = f.Why()
	if e := f.Exchange; e != nil {
		c.Embeddings = append(c.Embeddings, textEmbedding("request", e.Request))
		if e.Curl != "" {
			c.Embeddings = append(c.Embeddings, textEmbedding("curl", e.Curl))
		}
		if e.Reply != "" {
			c.Embeddings = append(c.Embeddings, textEmbedding("reply", strings.TrimSpace(e.timing()+"\n\n"+e.Reply)))
		}
	}
	return c
}

func textEmbedding(name, text string) cukeEmbedding {
	return cukeEmbedding{Name: name, MIMEType: "text/plain", Data: base64.StdEncoding.EncodeToString([]byte(text))}
}

func cukeTags(tags []Tag) []cukeTag {
	var out []cukeTag
	for _, t := range tags {
		out = append(out, cukeTag(t))
	}
	return out
}

// cukeFault is a feature file that could not be read.
func cukeFault(f fault) cukeFeature {
	name := or(f.path, "the run")
	var none int64
	return cukeFeature{
		URI: name, ID: slug(name), Keyword: "Feature", Name: name, Line: max(1, f.line),
		Elements: []cukeElement{{
			ID: slug(name) + ";fault", Keyword: "Scenario", Name: "It can be run", Line: max(1, f.line), Type: "scenario",
			Steps: []cukeStep{{
				Keyword: "Given ", Name: "a feature file without faults", Line: max(1, f.line), Match: cukeMatch{Location: f.at()},
				Result: cukeResult{Status: Failed, Error: f.message, Duration: &none},
			}},
		}},
	}
}

// slug is a name as cucumber makes ids of it.
func slug(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }

func or(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}
