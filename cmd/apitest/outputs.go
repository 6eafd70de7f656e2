package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/parley-run/parley/steps/project"
	"github.com/parley-run/parley/steps/report"
)

// defaultOut is the folder of reports where none is named.
const defaultOut = "reports"

// outputs are all the ways in which a run is told.
type outputs struct {
	out     io.Writer
	console report.Sink
	files   []file
	github  bool
}

// file is a report that is written at the end.
type file struct{ format, path string }

func newOutputs(out io.Writer, s project.Settings) (*outputs, error) {
	o := &outputs{out: out}
	folder := s.Out
	if folder == "" {
		folder = defaultOut
	}
	console := newConsole(out)
	switch s.Color {
	case project.ColorAlways:
		console.Color = true
	case project.ColorNever:
		console.Color = false
	}
	o.console = console
	byName := map[string]report.Format{}
	for _, f := range report.Formats() {
		byName[f.Name] = f
	}
	for _, f := range s.Formats {
		known, isFile := byName[f.Name]
		switch {
		case f.Name == "github":
			o.github = true
		case isFile && f.File != "":
			o.files = append(o.files, file{f.Name, f.File})
		case isFile:
			o.files = append(o.files, file{f.Name, filepath.Join(folder, known.File)})
		case f.File != "":
			return nil, fmt.Errorf("format %s goes to the terminal, not into the file %s", f.Name, f.File)
		case f.Name == "progress":
			o.console = &report.Dots{Out: out, Color: console.Color, Terminal: console.Terminal, Width: console.Width}
		}
	}
	if o.github {
		o.console = report.Quietly{Sink: o.console, Out: out, Token: rand.Text()}
	}
	return o, nil
}

// prepare sees, before the run, that the reports can be written, and takes away those of an earlier run: nobody is to
// take them for this one's, whatever becomes of it.
func (o *outputs) prepare() error {
	var faults []error
	for _, f := range o.files {
		if err := prepare(f.path); err != nil {
			faults = append(faults, fmt.Errorf("report %s cannot be written: %w", f.format, err))
		}
	}
	return errors.Join(faults...)
}

func prepare(path string) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder", path)
	case err == nil && !info.Mode().IsRegular():
		return nil // such as /dev/stdout
	}
	trial, err := os.CreateTemp(folder, ".apitest-*")
	if err != nil {
		return err
	}
	if err := errors.Join(trial.Close(), os.Remove(trial.Name())); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// write writes the reports, and says where they are.
func (o *outputs) write(done *report.Run) error {
	var faults []error
	for _, f := range o.files {
		err := os.MkdirAll(filepath.Dir(f.path), 0o755)
		if err == nil {
			err = writeFile(f.path, func(w io.Writer) error { return report.Write(f.format, w, done) })
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("report %s: %w", f.format, err))
			continue
		}
		_, _ = fmt.Fprintf(o.out, "%s: %s\n", f.format, f.path) // a closed terminal must not end a run
	}
	if o.github {
		faults = append(faults, report.GitHub{Workspace: os.Getenv("GITHUB_WORKSPACE")}.Write(o.out, done), stepSummary(done))
	}
	return errors.Join(faults...)
}

// stepSummary adds to the page that GitHub shows of a job.
func stepSummary(done *report.Run) (err error) {
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("GITHUB_STEP_SUMMARY: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return report.WriteSummary(f, done)
}
