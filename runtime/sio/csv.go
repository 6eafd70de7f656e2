package sio

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/parley-run/parley/runtime/service"
)

const maxColumns = 1000

// DecodeCSV reads a table in CSV (RFC 4180, UTF-8) into a list with an *service.Object for each row. The first row names
// the columns; every other has as many. Values are text; empty lines are none. An empty document is nil. Its errors are a
// *service.Error of code Invalid that says the line.
func DecodeCSV(raw []byte) ([]any, error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	in := csvScanner{text: string(raw), line: 1}
	if isBlank(in.text) {
		return nil, nil
	}
	if !utf8.ValidString(in.text) {
		return nil, malformedCSV(1+strings.Count(in.text[:firstInvalid(in.text)], "\n"), "bytes that are not UTF-8")
	}
	layout, err := in.columns()
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for in.more() {
		line := in.line
		values, err := in.row(layout.Len())
		if err != nil {
			return nil, err
		}
		if len(values) != layout.Len() {
			return nil, malformedCSV(line, "a row with more or fewer values than the first")
		}
		rows = append(rows, layout.Object(values))
	}
	return rows, nil
}

// csvScanner takes a table apart without copying what holds no quotes.
type csvScanner struct {
	text string
	at   int
	line int
	trim bool // blanks before a value are none of it
}

func (x *csvScanner) columns() (*service.Layout, error) {
	x.more()
	line := x.line
	head, err := x.row(maxColumns)
	if err != nil {
		return nil, err
	}
	if len(head) > maxColumns {
		return nil, malformedCSV(line, fmt.Sprintf("more than %d columns", maxColumns))
	}
	names, seen := make([]string, len(head)), map[string]bool{}
	for i, name := range head {
		names[i] = strings.TrimSpace(name.(string))
		if seen[names[i]] || names[i] == "" {
			return nil, malformedCSV(line, fmt.Sprintf("the first row names the columns, and %q is the name of no column, or of two", shorten(names[i])))
		}
		seen[names[i]] = true
	}
	return service.NewLayout(names), nil
}

// more passes over empty lines, and says whether a row follows.
func (x *csvScanner) more() bool {
	for x.at < len(x.text) && (x.text[x.at] == '\n' || x.text[x.at] == '\r') {
		x.endOfLine()
	}
	return x.at < len(x.text)
}

// endOfLine passes over \n, \r\n or \r, and says whether one was there.
func (x *csvScanner) endOfLine() bool {
	switch rest := x.text[x.at:]; {
	case strings.HasPrefix(rest, "\r\n"):
		x.at += 2
	case rest != "" && (rest[0] == '\n' || rest[0] == '\r'):
		x.at++
	default:
		return false
	}
	x.line++
	return true
}

// row is the values of a line. It stops after one more than most.
func (x *csvScanner) row(most int) ([]any, error) {
	values := make([]any, 0, min(most, 16))
	for {
		value, err := x.value()
		if err != nil {
			return nil, err
		}
		values = append(values, value)
		switch {
		case len(values) > most, x.at == len(x.text), x.endOfLine():
			return values, nil
		}
		x.at++ // a comma: value ends at nothing else
	}
}

func (x *csvScanner) value() (string, error) {
	for x.trim && x.at < len(x.text) && x.text[x.at] == ' ' {
		x.at++
	}
	rest := x.text[x.at:]
	if rest == "" || rest[0] != '"' {
		end := strings.IndexAny(rest, ",\r\n")
		if end < 0 {
			end = len(rest)
		}
		if strings.IndexByte(rest[:end], '"') >= 0 {
			return "", malformedCSV(x.line, "a quote in a value that does not begin with one")
		}
		x.at += end
		return rest[:end], nil
	}
	begun := x.line
	for end := 1; ; end++ {
		next := strings.IndexByte(rest[end:], '"')
		if next < 0 {
			return "", malformedCSV(begun, "a quote that nothing closes")
		}
		if end += next; strings.HasPrefix(rest[end+1:], `"`) {
			end++
			continue
		}
		x.at += end + 1
		x.line += strings.Count(rest[:end], "\n")
		if after := x.text[x.at:]; after != "" && strings.IndexByte(",\r\n", after[0]) < 0 {
			return "", malformedCSV(x.line, "text after a closing quote")
		}
		return strings.ReplaceAll(rest[1:end], `""`, `"`), nil
	}
}

func malformedCSV(line int, message string) error {
	return &service.Error{Code: service.Invalid, Message: fmt.Sprintf("malformed CSV at line %d: %s", line, message)}
}

// EncodeCSV is a list of objects as a table in CSV, its first row the names: those given, or else the keys of the first
// object. Values that are lists or objects stand as JSON in their cells, null is empty.
func EncodeCSV(names []string, v any) ([]byte, error) {
	rows, isList := v.([]any)
	if !isList && v != nil {
		rows = []any{v}
	}
	if len(names) == 0 && len(rows) > 0 {
		if first, ok := rows[0].(*service.Object); ok {
			for name := range first.All() {
				names = append(names, name)
			}
		}
	}
	cells := make([]any, len(names))
	for i, name := range names {
		cells[i] = name
	}
	dst, err := appendRow(make([]byte, 0, 256), cells)
	if err != nil {
		return nil, err
	}
	dst = append(dst, "\r\n"...)
	for i, row := range rows {
		o, ok := row.(*service.Object)
		if !ok {
			return nil, fmt.Errorf("element %d is %s, and a row of a table is an object", i+1, describe(row))
		}
		for j, name := range names {
			cells[j] = o.Value(name)
		}
		if dst, err = appendRow(dst, cells); err != nil {
			return nil, err
		}
		dst = append(dst, "\r\n"...)
	}
	return dst, nil
}

// appendRow appends a line of CSV without its end.
func appendRow(dst []byte, cells []any) ([]byte, error) {
	for i, cell := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		text, isText := cell.(string)
		if !isText && cell != nil {
			raw, err := service.AppendJSON(nil, cell)
			if err != nil {
				return dst, err
			}
			text = string(raw)
		}
		if !strings.ContainsAny(text, "\",\r\n\ufeff") && text == strings.TrimSpace(text) && (text != "" || len(cells) > 1) {
			dst = append(dst, text...)
			continue
		}
		dst = append(dst, '"')
		dst = append(dst, strings.ReplaceAll(text, `"`, `""`)...)
		dst = append(dst, '"')
	}
	return dst, nil
}
