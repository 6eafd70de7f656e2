// Package figures holds what a benchmark command measured, and prints it: each figure with its spread and its target.
package figures

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
)

// Report is everything that was measured.
type Report struct {
	Go       string    `json:"go"`
	System   string    `json:"system"`
	CPUs     int       `json:"cpus"`
	Sections []Section `json:"sections"`
}

// Section is one part of the report.
type Section struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Figures []Figure `json:"figures"`
	Notes   []string `json:"notes,omitempty"`
}

// Figure is one measured number: the median where Low and High, the quartiles around it, are there.
type Figure struct {
	Name   string   `json:"name"`
	What   string   `json:"what"`
	Value  float64  `json:"value"`
	Unit   string   `json:"unit,omitempty"`
	Low    *float64 `json:"low,omitempty"`
	High   *float64 `json:"high,omitempty"`
	Target *Target  `json:"target,omitempty"`
	Met    *bool    `json:"met,omitempty"`
}

// Target is what a Figure is held against.
type Target struct {
	Limit   float64 `json:"limit"`
	AtLeast bool    `json:"at_least"` // else: at most
}

// New is an empty report of this machine.
func New() *Report {
	return &Report{Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU()}
}

// Of is a number without a spread.
func Of(name, what string, value float64, unit string) Figure {
	return Figure{Name: name, What: what, Value: value, Unit: unit}
}

// Median is the median of several rounds with its quartiles.
func Median(name, what string, values []float64, unit string) Figure {
	low, high := Quantile(values, 0.25), Quantile(values, 0.75)
	return Figure{Name: name, What: what, Value: Quantile(values, 0.5), Unit: unit, Low: &low, High: &high}
}

// AtLeast is the figure with a lower bound as its target.
func (f Figure) AtLeast(limit float64) Figure { return f.against(Target{Limit: limit, AtLeast: true}) }

// AtMost is the figure with an upper bound as its target.
func (f Figure) AtMost(limit float64) Figure { return f.against(Target{Limit: limit}) }

func (f Figure) against(t Target) Figure {
	met := f.Value <= t.Limit
	if t.AtLeast {
		met = f.Value >= t.Limit
	}
	f.Target, f.Met = &t, &met
	return f
}

// WriteJSON writes all of it.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteHead writes what stands above the sections.
func (r *Report) WriteHead(w io.Writer) {
	say(w, "%s, %s, %d CPUs. Medians, with quartiles in brackets.", r.Go, r.System, r.CPUs)
}

// WriteFoot writes how many targets were met.
func (r *Report) WriteFoot(w io.Writer) {
	targets, met := 0, 0
	for _, s := range r.Sections {
		for _, f := range s.Figures {
			if f.Target == nil {
				continue
			}
			targets++
			if *f.Met {
				met++
			}
		}
	}
	say(w, "\n%d of %d targets met.", met, targets)
}

// Write writes one section, a figure a line.
func (s Section) Write(w io.Writer) {
	say(w, "\n%s: %s", s.Name, s.Title)
	for _, f := range s.Figures {
		say(w, "  %s", strings.TrimRight(f.line(), " "))
	}
	for _, note := range s.Notes {
		say(w, "  * %s", note)
	}
}

func (f Figure) line() string {
	value := number(f.Value)
	if f.Unit != "" {
		value += " " + f.Unit
	}
	spread := ""
	if f.Low != nil && f.High != nil {
		spread = "[" + number(*f.Low) + " to " + number(*f.High) + "]"
	}
	verdict := ""
	if f.Target != nil {
		sign, result := "<=", "NOT MET"
		if f.Target.AtLeast {
			sign = ">="
		}
		if *f.Met {
			result = "met"
		}
		verdict = fmt.Sprintf("target %s %s  %s", sign, strings.TrimSpace(strconv.FormatFloat(f.Target.Limit, 'f', -1, 64)+" "+f.Unit), result)
	}
	return fmt.Sprintf("%-58s %18s  %-22s %s", f.What, value, spread, verdict)
}

// number writes v with three digits that say something, and no fewer before the point than it has.
func number(v float64) string {
	decimals := 0
	for limit := 100.0; v < limit && decimals < 3; limit /= 10 {
		decimals++
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// say writes one line. A closed terminal must not end a measurement.
func say(w io.Writer, format string, values ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", values...)
}
