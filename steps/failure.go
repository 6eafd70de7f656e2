package steps

import (
	"errors"
	"fmt"
	"strings"

	"github.com/parley-run/parley/steps/report"
)

// Failure is a step that did not hold: what was expected and what came.
type Failure struct {
	What        string
	Expected    string
	Got         string
	Differences []Difference // of two documents: all places where they differ
	Note        string       // such as how long it was tried
	Hint        string       // what to do, or what there is
	load        *loadRun     // whose outcome it is about; nil: none
	slow        float64      // milliseconds from which an answer of it was too slow; 0: none was
}

// Difference is one place in which two documents differ.
type Difference struct {
	Path          string // a JSON Pointer, or an XPath
	Expected, Got string // as JSON or text; "(nothing)" where there is no value
}

// Error is the whole of it, on several lines.
func (f *Failure) Error() string { return f.report().Text() }

func (f *Failure) report() *report.Failure {
	r := &report.Failure{What: f.What, Note: f.Note, Expected: f.Expected, Got: f.Got, Hint: f.Hint}
	for _, d := range f.Differences {
		r.Differences = append(r.Differences, report.Difference(d))
	}
	if f.load != nil && f.load.result != nil {
		r.Timeline = f.load.timeline(f.slow)
	}
	return r
}

// Explain is all that is known about a step's error, for people: the failure itself, the last request and its reply.
// Secrets are masked in it.
func (w *World) Explain(err error) *report.Failure {
	r := &report.Failure{What: err.Error()}
	var f *Failure
	var unknown *UnknownError
	switch {
	case errors.As(err, &f):
		r = f.report()
		if around, _, found := strings.Cut(err.Error(), f.Error()); found {
			r.What = around + f.What // such as the server
		}
	case errors.As(err, &unknown):
		r.What, r.Hint = "no step reads like this", unknown.hint()
	}
	if w != nil && w.last != nil && len(r.Timeline) == 0 { // of a load no single request is evidence
		w.suite.mask.received(w.last)
		r.Exchange = w.last.report(w.suite.mask)
	}
	if w != nil {
		r.Mask(w.suite.mask.Text)
	}
	return r
}

// failf is a Failure of one sentence.
func failf(format string, args ...any) error { return &Failure{What: fmt.Sprintf(format, args...)} }

// differs is a Failure with both sides.
func differs(what string, expected, got any) error {
	return &Failure{What: what, Expected: show(expected), Got: show(got)}
}

func late(err error, seconds string) error {
	note := "still so after " + seconds + " seconds"
	var f *Failure
	if errors.As(err, &f) {
		f.Note = note
		return err
	}
	return fmt.Errorf("%w (%s)", err, note)
}

// show is a value for people: JSON, so that text and number can be told apart.
func show(v any) string {
	switch v := v.(type) {
	case plain:
		return string(v)
	case int:
		return fmt.Sprint(v)
	}
	return string(encodeJSON(v, ""))
}

// plain is text that is shown without quotes.
type plain string
