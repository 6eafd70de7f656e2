package report

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// annotations is how many of a kind GitHub shows of one step of a job; it drops the rest without a word.
const annotations = 10

// GitHub writes a run as workflow commands of GitHub Actions.
type GitHub struct {
	// Workspace is the absolute folder of the repository, as GITHUB_WORKSPACE has it: annotations name files below it.
	// Empty: paths are told as the run has them.
	Workspace string
}

// WriteGitHub writes a run as workflow commands of GitHub Actions, which its runner finds in what a command prints: an
// error for each scenario that failed and each feature file that could not be read, a warning for each that was flaky.
// GitHub shows ten of each kind; where there are more, a notice says so.
func WriteGitHub(w io.Writer, r *Run) error { return GitHub{}.Write(w, r) }

// Write is WriteGitHub.
func (g GitHub) Write(w io.Writer, r *Run) error {
	var errs, warnings []string
	for _, text := range r.Faults {
		f := newFault(text)
		errs = append(errs, command("error", g.below(f.path), f.line, f.column, "Feature file", f.message))
	}
	if r.Interrupted {
		errs = append(errs, command("error", "", 0, 0, "Interrupted", "the run was interrupted: scenarios that had not begun by then are skipped"))
	}
	for _, f := range r.Features {
		for _, s := range f.Scenarios {
			switch s.Status {
			case Failed, Undefined:
				errs = append(errs, command("error", g.below(s.Path), s.failingLine(), 0, s.Title(), s.annotation()))
			case Flaky:
				warnings = append(warnings, command("warning", g.below(s.Path), s.Line, 0, s.Title(), s.annotation()))
			}
		}
	}
	all := append(first(errs), first(warnings)...)
	if more := max(0, len(errs)-annotations) + max(0, len(warnings)-annotations); more > 0 {
		all = append(all, command("notice", "", 0, 0, "apitest",
			fmt.Sprintf("%d more failed or were flaky: GitHub shows no more than %d of a kind; the log, the job's summary and the report files have all",
				more, annotations)))
	}
	_, err := io.WriteString(w, strings.Join(all, ""))
	return err
}

// below is a path as it is below the workspace, where it is there.
func (g GitHub) below(path string) string {
	abs, err := filepath.Abs(path)
	if g.Workspace == "" || path == "" || err != nil {
		return path
	}
	if short, err := filepath.Rel(g.Workspace, abs); err == nil && filepath.IsLocal(short) {
		return filepath.ToSlash(short)
	}
	return path
}

// Quietly is a Sink that keeps what a sink prints from being taken for workflow commands: replies of servers may look
// like some. Token is a word that no output has.
type Quietly struct {
	Sink
	Out   io.Writer
	Token string
}

// Begin lets no commands be found from here.
func (q Quietly) Begin(r *Run, scenarios int) {
	_, _ = io.WriteString(q.Out, "::stop-commands::"+q.Token+"\n") // as for all sinks, a closed output must not end a run
	q.Sink.Begin(r, scenarios)
}

// End lets them be found again.
func (q Quietly) End(r *Run) {
	q.Sink.End(r)
	_, _ = io.WriteString(q.Out, "::"+q.Token+"::\n")
}

func first(list []string) []string { return list[:min(len(list), annotations)] }

// failingLine is where the failing step stands; that of the scenario where none is known.
func (s *Scenario) failingLine() int {
	if step := s.Failing(); step != nil {
		return step.Line
	}
	return s.Line
}

// annotation is the failing step and why it failed, or why earlier attempts did; without requests and replies.
func (s *Scenario) annotation() string {
	var lines []string
	if word := s.verdict(); word != "" {
		lines = append(lines, word)
	}
	for i, f := range s.Earlier {
		lines = append(lines, fmt.Sprintf("attempt %d failed: %s", i+1, f.Why()))
	}
	if step := s.Failing(); step != nil {
		lines = append(lines, step.Keyword+" "+step.Text)
		if f := step.Failure; f != nil {
			lines = append(lines, f.Why())
			if f.Exchange != nil && f.Exchange.Curl != "" {
				lines = append(lines, f.Exchange.Curl)
			}
		}
	}
	for _, step := range s.Steps {
		if step.Status == Skipped && step.Failure != nil {
			lines = append(lines, fmt.Sprintf("line %d: %s %s", step.Line, step.Keyword, step.Text), step.Failure.Why())
		}
	}
	return clean(strings.Join(lines, "\n"))
}

// command is a workflow command, as
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands tells. Empty and 0 are left out.
func command(kind, file string, line, column int, title, message string) string {
	var properties []string
	add := func(name, value string) { properties = append(properties, name+"="+property(value)) }
	if file != "" {
		add("file", file)
	}
	if line > 0 {
		add("line", fmt.Sprint(line))
	}
	if column > 0 {
		add("col", fmt.Sprint(column))
	}
	add("title", clean(firstLine(title)))
	return "::" + kind + " " + strings.Join(properties, ",") + "::" + data(message) + "\n"
}

// data escapes a command's message as GitHub's own toolkit does.
func data(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// property escapes the value of a command's property.
func property(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(text)
}
