package apitest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/parley-run/parley/steps/project"
	"github.com/parley-run/parley/steps/report"
)

// defaultOut is the folder of reports where the settings name none.
const defaultOut = "reports"

// writeReports writes those that are files, and gives where they are. What is for a terminal is left to the caller.
func writeReports(s project.Settings, done *report.Run) ([]string, error) {
	var written []string
	var faults []error
	known := report.Formats()
	for _, f := range s.Formats {
		i := slices.IndexFunc(known, func(k report.Format) bool { return k.Name == f.Name })
		if i < 0 {
			continue
		}
		name := f.File
		if name == "" && s.Out == "" {
			name = filepath.Join(defaultOut, known[i].File)
		} else if name == "" {
			name = filepath.Join(s.Out, known[i].File)
		}
		if err := writeReport(f.Name, name, done); err != nil {
			faults = append(faults, fmt.Errorf("report %s: %w", f.Name, err))
			continue
		}
		written = append(written, name)
	}
	return written, errors.Join(faults...)
}

func writeReport(format, name string, done *report.Run) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return report.Write(format, f, done)
}
