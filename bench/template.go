package bench

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// template is a text with {{name}} in it.
type template struct {
	parts []string // literal, name, literal, name, ..., literal
	size  int
}

var mark = regexp.MustCompile(`\{\{ *([A-Za-z_][A-Za-z0-9_.-]*) *\}\}`)

func newTemplate(text string) template {
	t := template{size: len(text) + 16}
	at := 0
	for _, m := range mark.FindAllStringSubmatchIndex(text, -1) {
		t.parts = append(t.parts, text[at:m[0]], text[m[2]:m[3]])
		at = m[1]
	}
	t.parts = append(t.parts, text[at:])
	return t
}

// plain says whether the text is the same for each request.
func (t template) plain() bool { return len(t.parts) == 1 }

// names are those that the text asks for.
func (t template) names() []string {
	var out []string
	for i := 1; i < len(t.parts); i += 2 {
		out = append(out, t.parts[i])
	}
	return out
}

// fill gives the text for one request.
func (t template) fill(v values) (string, error) {
	if t.plain() {
		return t.parts[0], nil
	}
	var b strings.Builder
	b.Grow(t.size)
	for i, part := range t.parts {
		if i%2 == 0 {
			b.WriteString(part)
			continue
		}
		text, there := v.value(part)
		if !there {
			return "", fmt.Errorf("nothing has been captured yet for {{%s}}", part)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// values are what one request's texts are filled with.
type values struct {
	number  int // of the request, from 1
	feeders []Feeder
	kept    *captured
}

func (v values) value(name string) (string, bool) {
	if name == "id" {
		return strconv.Itoa(v.number), true
	}
	for i := range v.feeders {
		if text, there := v.feeders[i].value(name, v.number-1); there {
			return text, true
		}
	}
	return v.kept.get(name)
}

// Feeder is a CSV file, the first line of which names the columns. Request n has row n; behind the last row comes the first.
type Feeder struct {
	CSV string `yaml:"csv"` // the file; beside the profile, where the profile is a file

	columns []string
	rows    [][]string
}

func (f *Feeder) load() error {
	if f.rows != nil || f.CSV == "" {
		return nil
	}
	file, err := os.Open(f.CSV)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was read only
	in := bufio.NewReader(file)
	if mark, err := in.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = in.Discard(len(mark)) // they have been read
	}
	all, err := csv.NewReader(in).ReadAll()
	var placed *csv.ParseError
	switch {
	case errors.As(err, &placed):
		return fmt.Errorf("%s:%d:%d: %w", f.CSV, placed.Line, placed.Column, placed.Err)
	case err != nil:
		return fmt.Errorf("%s: %w", f.CSV, err)
	}
	if len(all) < 2 {
		return fmt.Errorf("%s: it needs a line with the names of columns, and at least one row", f.CSV)
	}
	f.columns, f.rows = all[0], all[1:]
	for i, name := range f.columns {
		f.columns[i] = strings.TrimSpace(name)
		if name := f.columns[i]; name != "" && slices.Index(f.columns, name) < i {
			return fmt.Errorf("%s:1: two columns are called %q", f.CSV, name)
		}
		if f.columns[i] == "id" {
			return fmt.Errorf("%s:1: no column may be called id: {{id}} is the request's number", f.CSV)
		}
	}
	return nil
}

func (f *Feeder) value(name string, n int) (string, bool) {
	i := slices.Index(f.columns, name)
	if i < 0 {
		return "", false
	}
	return f.rows[max(0, n)%len(f.rows)][i], true
}
