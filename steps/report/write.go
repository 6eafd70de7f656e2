package report

import (
	"fmt"
	"io"
	"strings"
)

// Format is a report that is a file.
type Format struct {
	Name string // as --format has it
	File string // its name within the folder of --out
	// Write writes the file.
	Write func(io.Writer, *Run) error
}

// Formats are the reports that are files, in the order in which they are written: junit, cucumber, html.
func Formats() []Format {
	return []Format{
		{Name: "junit", File: "junit.xml", Write: WriteJUnit},
		{Name: "cucumber", File: "cucumber.json", Write: WriteCucumber},
		{Name: "html", File: "report.html", Write: WriteHTML},
	}
}

// Write writes a run in a format of Formats.
func Write(format string, w io.Writer, r *Run) error {
	var names []string
	for _, f := range Formats() {
		if f.Name == format {
			return f.Write(w, r)
		}
		names = append(names, f.Name)
	}
	return fmt.Errorf("format %q is not known: give one of %s", format, strings.Join(names, ", "))
}

// WriteHTML writes a run as one HTML page with no more than the run in it.
func WriteHTML(w io.Writer, r *Run) error {
	return (&Page{Title: "API tests", Run: r}).WriteHTML(w)
}
