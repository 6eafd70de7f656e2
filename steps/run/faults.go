package run

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	gherkin "github.com/cucumber/gherkin/go/v26"
	messages "github.com/cucumber/messages/go/v21"
)

// unreadable is the fault of a file that could not be read.
func unreadable(path string, err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Sprintf("%s: it cannot be read: %v", path, err)
}

// textOf is a feature file's text, less the mark that editors of Windows begin a file with. The error of one that is not
// UTF-8 begins with line:column.
func textOf(raw []byte) ([]byte, error) {
	text := bytes.TrimPrefix(raw, []byte("\ufeff"))
	if utf8.Valid(text) {
		return text, nil
	}
	line, column := 1, 1
	for rest := text; ; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			return nil, fmt.Errorf("%d:%d: the byte 0x%02X is no UTF-8; save the file in UTF-8", line, column, rest[0])
		case r == '\n':
			line, column = line+1, 0
		}
		rest, column = rest[size:], column+1
	}
}

// noSteps is the fault of a scenario that has none.
func noSteps(s *Scenario) string {
	text := fmt.Sprintf("%s:%d: scenario %q has no steps, so it proves nothing", s.known.Path, s.known.Line, s.known.Name)
	if first, _, _ := strings.Cut(s.known.Description, "\n"); first != "" {
		text += fmt.Sprintf("; %q is a description: steps begin with Given, When, Then, And, But or *", first)
	}
	return text
}

// noRows are the faults of outlines that have no row of examples, and so would run nothing, with their ids.
func noRows(path string, f *messages.Feature) (faults []string, ids map[string]bool) {
	ids = map[string]bool{}
	outline := func(keyword string) bool {
		d := gherkin.DialectsBuiltin().GetDialect(f.Language)
		return d != nil && slices.Contains(d.ScenarioOutlineKeywords(), keyword) && !slices.Contains(d.ScenarioKeywords(), keyword)
	}
	look := func(s *messages.Scenario) {
		rows := 0
		for _, e := range s.Examples {
			rows += len(e.TableBody)
		}
		if rows == 0 && (len(s.Examples) > 0 || outline(s.Keyword)) {
			ids[s.Id] = true
			faults = append(faults, fmt.Sprintf("%s:%d:%d: %s %q has no row of examples, so it proves nothing",
				path, s.Location.Line, s.Location.Column, strings.ToLower(s.Keyword), s.Name))
		}
	}
	for _, child := range f.Children {
		if child.Scenario != nil {
			look(child.Scenario)
		}
		if child.Rule == nil {
			continue
		}
		for _, inner := range child.Rule.Children {
			if inner.Scenario != nil {
				look(inner.Scenario)
			}
		}
	}
	return faults, ids
}

var syntaxError = regexp.MustCompile(`(?m)^\((\d+):(\d+)\): (.*)$`)

// syntaxFaults makes path:line:column: message of what the parser says.
func syntaxFaults(path string, err error) []string {
	var faults []string
	for _, m := range syntaxError.FindAllStringSubmatch(err.Error(), -1) {
		if got, unbegun := strings.CutPrefix(m[3], "expected: #EOF, #Language, #TagLine, #FeatureLine, #Comment, #Empty, got "); unbegun {
			return []string{fmt.Sprintf(`%s:%s:%s: a feature file begins with "Feature:" and its name, not with %s`, path, m[1], m[2], strings.TrimSpace(got))}
		}
		column := m[2]
		if column == "0" { // the end of the file
			column = "1"
		}
		faults = append(faults, fmt.Sprintf("%s:%s:%s: %s", path, m[1], column, expectation(m[3])))
	}
	if len(faults) == 0 {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it ends too early")
		}
		faults = append(faults, fmt.Sprintf("%s: %v", path, err))
	}
	return faults
}

// expectation puts the parser's names of tokens into words.
func expectation(text string) string {
	switch rest, isEnd := strings.CutPrefix(text, "unexpected end of file, expected: "); {
	case isEnd:
		return "the file ends, expected " + inWords(rest)
	case text == "inconsistent cell count within the table":
		return "the row has another number of cells than the first of its table"
	case strings.HasPrefix(text, "Language not supported: "):
		return "there is no language " + strings.TrimPrefix(text, "Language not supported: ") + "; write its code, such as: # language: pl"
	}
	expected, got, found := strings.Cut(strings.TrimPrefix(text, "expected: "), ", got ")
	if !found {
		return text
	}
	return fmt.Sprintf("expected %s, got '%s'", inWords(expected), strings.TrimSpace(strings.Trim(got, "'")))
}

// inWords are names of tokens in words.
func inWords(expected string) string {
	var words []string
	for _, token := range strings.Split(expected, ", ") {
		if word, known := tokens()[token]; known && word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

func tokens() map[string]string {
	return map[string]string{
		"#EOF": "the end of the file", "#Language": "# language", "#TagLine": "tags", "#FeatureLine": "Feature:", "#RuleLine": "Rule:",
		"#BackgroundLine": "Background:", "#ScenarioLine": "Scenario:", "#ExamplesLine": "Examples:", "#StepLine": "a step (Given, When, Then, And, But, *)",
		"#DocStringSeparator": `"""`, "#TableRow": "a table row", "#Other": "text", "#Comment": "", "#Empty": "",
	}
}
