package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var pythonStep = regexp.MustCompile(`(?m)^@(given|when|then|step)\b`)

// tellPython says, where a project of zato-apitest has steps in Python and some step was undefined, that these are not run.
func tellPython(w io.Writer, root string) {
	files, err := filepath.Glob(filepath.Join(root, "steps", "*.py"))
	if err != nil {
		return // a root that is no pattern: there is nothing to add
	}
	var with []string
	for _, name := range files {
		if text, err := os.ReadFile(name); err == nil && pythonStep.Match(text) {
			with = append(with, name)
		}
	}
	if len(with) > 0 {
		_, _ = fmt.Fprintf(w, "Steps in Python are not run: those of %s. What takes their place: docs/from-zato-apitest.md, \"Steps of your own\"\n",
			strings.Join(with, ", "))
	}
}
