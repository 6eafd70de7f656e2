package steps

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

// csvHeader is what the first lines of a CSV file are.
type csvHeader int

const (
	csvPlain csvHeader = iota // data: columns are col0, col1 and so on
	csvNames                  // names
	csvTyped                  // names with types behind them: id:integer, name-varchar-30
	csvBelow                  // names, and in the next line types: integer, varchar(30)
	csvLists                  // names; values may be lists with commas in them
)

// csvFile is a CSV file that was read. Values are without the blanks around them.
type csvFile struct {
	name    string
	columns []string
	types   []string // of csvTyped and csvBelow
	lines   []csvLine
}

type csvLine struct {
	number int // in the file, from 1
	values []any
}

var (
	csvWord   = regexp.MustCompile(`\w+`)
	csvDigits = regexp.MustCompile(`^\d+$`)
)

// readCSV reads a file that a step names. What stands between values is what the first line has most of: a comma, a
// semicolon, a tab or a bar.
func (w *World) readCSV(name string, h csvHeader) (*csvFile, error) {
	raw, err := w.readData(name)
	if err != nil {
		return nil, err
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	r := csv.NewReader(bytes.NewReader(raw))
	r.Comma, r.TrimLeadingSpace, r.FieldsPerRecord = csvSeparator(raw), true, -1
	f := &csvFile{name: name}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := r.FieldPos(0)
		for i := range record {
			record[i] = strings.TrimSpace(record[i])
		}
		if err := f.add(line, record, h); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", name, line, err)
		}
	}
	switch {
	case len(f.columns) == 0:
		return nil, fmt.Errorf("%s is empty", name)
	case h == csvBelow && f.types == nil:
		return nil, fmt.Errorf("%s has no line with types below its header", name)
	}
	return f, nil
}

// readData reads a file as w.read does, and one at an absolute path or below the working directory, too.
func (w *World) readData(name string) ([]byte, error) {
	if filepath.IsAbs(name) {
		return w.readFile(name)
	}
	raw, _, err := w.read(name)
	if err != nil && w.suite.options.FS == nil {
		if here, hereErr := w.readFile(name); !errors.Is(hereErr, fs.ErrNotExist) {
			return here, hereErr
		}
	}
	return raw, err
}

func csvSeparator(raw []byte) rune {
	first, _, _ := bytes.Cut(raw, []byte("\n"))
	separator, most := ',', 0
	for _, candidate := range ",;\t|" {
		if n := bytes.Count(first, []byte(string(candidate))); n > most {
			separator, most = candidate, n
		}
	}
	return separator
}

func (f *csvFile) add(line int, record []string, h csvHeader) error {
	switch {
	case f.columns == nil && h == csvPlain:
		for i := range record {
			f.columns = append(f.columns, fmt.Sprintf("col%d", i))
		}
	case f.columns == nil:
		return f.header(record, h)
	case h == csvBelow && f.types == nil:
		if len(record) != len(f.columns) {
			return fmt.Errorf("%d types for %d columns", len(record), len(f.columns))
		}
		for _, text := range record {
			if err := f.addType(csvWord.FindAllString(text, -1), text); err != nil {
				return err
			}
		}
		return nil
	}
	if h == csvLists && len(record) > len(f.columns) {
		record = partsOf(strings.Join(record, ","))
	}
	if len(record) > len(f.columns) {
		return fmt.Errorf("%d values for %d columns", len(record), len(f.columns))
	}
	values := make([]any, len(f.columns)) // a line that ends early leaves the rest without a value
	for i, text := range record {
		values[i] = text
		if f.types != nil && text == "" && !isTextType(f.types[i]) {
			values[i] = nil
		}
	}
	f.lines = append(f.lines, csvLine{line, values})
	return nil
}

// header takes the names of columns: of each field the first word.
func (f *csvFile) header(record []string, h csvHeader) error {
	for _, text := range record {
		words := csvWord.FindAllString(text, -1)
		if len(words) == 0 {
			return fmt.Errorf("%q is no name of a column", text)
		}
		f.columns = append(f.columns, words[0])
		if h == csvTyped {
			if err := f.addType(words[1:], text); err != nil {
				return err
			}
		}
	}
	return nil
}

// addType takes a type, such as varchar, and how many characters or digits it has.
func (f *csvFile) addType(words []string, text string) error {
	if len(words) == 0 || csvDigits.MatchString(words[0]) {
		return fmt.Errorf("%q has no type; write for instance id:integer, or name-varchar-30", text)
	}
	kind := words[0]
	if sizes := words[1:]; len(sizes) > 0 {
		for _, size := range sizes {
			if !csvDigits.MatchString(size) {
				return fmt.Errorf("%q: behind the type %s come only numbers", text, kind)
			}
		}
		kind += "(" + strings.Join(sizes, ",") + ")"
	}
	f.types = append(f.types, kind)
	return nil
}

func isTextType(kind string) bool {
	kind, _, _ = strings.Cut(strings.ToLower(kind), "(")
	switch kind {
	case "text", "char", "varchar":
		return true
	}
	return false
}
