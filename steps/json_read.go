package steps

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// deepestJSON is how many lists and dicts may stand inside each other, about as many as in Python: beyond it a document is
// made to break its reader.
const deepestJSON = 1000

var errEndsEarly = errors.New("it ends too early")

// decodeJSON reads one JSON document (RFC 8259, in UTF-8). An error says line and column. Of a key that is there twice the
// last value counts, as in Python.
func decodeJSON(raw []byte) (any, error) { return readJSON(string(raw)) }

// readJSON is decodeJSON of a text.
func readJSON(text string) (any, error) {
	r := &jsonReader{text: text}
	v, err := r.document()
	if err != nil {
		line, column := place(r.text, r.at)
		return nil, fmt.Errorf("not JSON: line %d, column %d: %w", line, column, err)
	}
	return v, nil
}

// decodeOwn is decodeJSON of what the tests' author wrote, in a step or a file: editors that begin it with a byte order mark
// are forgiven.
func decodeOwn(raw []byte) (any, error) {
	return decodeJSON(bytes.TrimPrefix(raw, []byte(byteOrderMark)))
}

// byteOrderMark is what some editors write before a text.
const byteOrderMark = "\ufeff"

// jsonReader stands at the byte that is read next, and where reading fails at what is wrong. Texts and numbers are parts
// of the document's text where they can be: a large reply is there once.
type jsonReader struct {
	text  string
	at    int
	depth int
}

func (r *jsonReader) document() (any, error) {
	if strings.HasPrefix(r.text, byteOrderMark) {
		return nil, errors.New("it begins with a byte order mark (BOM), which JSON must not have; save it as UTF-8 without BOM")
	}
	if strings.HasPrefix(r.text, "\xff\xfe") || strings.HasPrefix(r.text, "\xfe\xff") {
		return nil, errors.New("it is UTF-16, and JSON is UTF-8")
	}
	if !utf8.ValidString(r.text) {
		for r.at < len(r.text) {
			c, size := utf8.DecodeRuneInString(r.text[r.at:])
			if c == utf8.RuneError && size == 1 {
				break
			}
			r.at += size
		}
		return nil, fmt.Errorf("the byte 0x%02X is no UTF-8", r.text[r.at])
	}
	r.blanks()
	v, err := r.value()
	if err != nil {
		return nil, err
	}
	if r.blanks(); r.at < len(r.text) {
		return nil, errors.New("there is more after the end of the document")
	}
	return v, nil
}

func (r *jsonReader) blanks() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

// next goes over blanks, and over a character where it comes next.
func (r *jsonReader) next(c byte) bool {
	r.blanks()
	if r.at == len(r.text) || r.text[r.at] != c {
		return false
	}
	r.at++
	return true
}

// missing is the fault where something else stands than what must.
func (r *jsonReader) missing(what string) error {
	if r.at >= len(r.text) {
		return errEndsEarly
	}
	c, _ := utf8.DecodeRuneInString(r.text[r.at:])
	return fmt.Errorf("%q stands where %s is expected", c, what)
}

func (r *jsonReader) value() (any, error) {
	if r.at == len(r.text) {
		return nil, errEndsEarly
	}
	switch c := r.text[r.at]; {
	case c == '"':
		return r.string()
	case c == '{':
		return r.nested(r.object)
	case c == '[':
		return r.nested(r.list)
	case c == '-', c >= '0' && c <= '9':
		return r.number()
	}
	return r.word()
}

func (r *jsonReader) nested(read func() (any, error)) (any, error) {
	if r.depth == deepestJSON {
		return nil, fmt.Errorf("it has more than %d lists and dicts inside each other, which is the limit", deepestJSON)
	}
	r.depth++
	r.at++
	v, err := read()
	r.depth--
	return v, err
}

func (r *jsonReader) list() (any, error) {
	list := []any{}
	if r.next(']') {
		return list, nil
	}
	for {
		r.blanks()
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if r.next(']') {
			return list, nil
		}
		if !r.next(',') {
			return nil, r.missing("a comma or ]")
		}
	}
}

func (r *jsonReader) object() (any, error) {
	o := newObject()
	if r.next('}') {
		return o, nil
	}
	for {
		if r.blanks(); r.at == len(r.text) || r.text[r.at] != '"' {
			return nil, r.missing("a key in double quotes")
		}
		key, err := r.string()
		if err != nil {
			return nil, err
		}
		if !r.next(':') {
			return nil, r.missing("a colon")
		}
		r.blanks()
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		o.set(key, v)
		if r.next('}') {
			return o, nil
		}
		if !r.next(',') {
			return nil, r.missing("a comma or }")
		}
	}
}

func (r *jsonReader) digits() bool {
	began := r.at
	for r.at < len(r.text) && r.text[r.at] >= '0' && r.text[r.at] <= '9' {
		r.at++
	}
	return r.at > began
}

func (r *jsonReader) is(signs string) bool {
	return r.at < len(r.text) && strings.IndexByte(signs, r.text[r.at]) >= 0
}

func (r *jsonReader) number() (any, error) {
	began := r.at
	if r.is("-") {
		r.at++
	}
	if r.is("0") {
		r.at++
		if r.is("0123456789") {
			return nil, errors.New("a number does not begin with 0")
		}
	} else if !r.digits() {
		return nil, r.missing("a digit")
	}
	if r.is(".") {
		r.at++
		if !r.digits() {
			return nil, r.missing("a digit")
		}
	}
	if r.is("eE") {
		r.at++
		if r.is("+-") {
			r.at++
		}
		if !r.digits() {
			return nil, r.missing("a digit")
		}
	}
	return json.Number(r.text[began:r.at]), nil
}

// word reads true, false and null, and says of what else stands there how it is written in JSON.
func (r *jsonReader) word() (any, error) {
	rest := r.text[r.at:]
	switch {
	case strings.HasPrefix(rest, "true"):
		r.at += len("true")
		return true, nil
	case strings.HasPrefix(rest, "false"):
		r.at += len("false")
		return false, nil
	case strings.HasPrefix(rest, "null"):
		r.at += len("null")
		return nil, nil
	case strings.HasPrefix(rest, "NaN"), strings.HasPrefix(rest, "Infinity"):
		return nil, errors.New("JSON has no NaN and no Infinity")
	case rest[0] == '\'':
		return nil, errors.New("a text stands in double quotes")
	}
	for python, meant := range map[string]string{"True": "true", "False": "false", "None": "null"} {
		if strings.HasPrefix(rest, python) {
			return nil, fmt.Errorf("%s is Python; in JSON it is %s", python, meant)
		}
	}
	return nil, r.missing("a value")
}

// string reads a text. A pair of surrogates is one character, half of one is U+FFFD.
func (r *jsonReader) string() (string, error) {
	began := r.at + 1
	for r.at = began; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == '"':
			r.at++
			return r.text[began : r.at-1], nil
		case c == '\\':
			return r.escaped(began)
		case c < ' ':
			return "", r.control(c)
		}
	}
	return "", errEndsEarly
}

func (r *jsonReader) control(c byte) error {
	if c == '\n' || c == '\r' {
		return errors.New(`a line ends inside a text; in JSON that is written \n`)
	}
	return fmt.Errorf(`the control character 0x%02X stands inside a text; in JSON it is written \u%04x`, c, c)
}

// escaped goes on with a text that began there, from its first escape.
func (r *jsonReader) escaped(began int) (string, error) {
	var b strings.Builder
	b.WriteString(r.text[began:r.at])
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '"':
			r.at++
			return b.String(), nil
		case c == '\\':
			if err := r.escape(&b); err != nil {
				return "", err
			}
		case c < ' ':
			return "", r.control(c)
		default:
			b.WriteByte(c)
			r.at++
		}
	}
	return "", errEndsEarly
}

func (r *jsonReader) escape(b *strings.Builder) error {
	const simple, meant = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if r.at+1 == len(r.text) {
		r.at++
		return errEndsEarly
	}
	c := r.text[r.at+1]
	if at := strings.IndexByte(simple, c); at >= 0 {
		b.WriteByte(meant[at])
		r.at += 2
		return nil
	}
	if c != 'u' {
		return fmt.Errorf(`\%c means nothing in JSON; a backslash is written \\`, []rune(r.text[r.at+1 : min(len(r.text), r.at+1+utf8.UTFMax)])[0])
	}
	high, ok := r.hex(r.at)
	if !ok {
		return errors.New(`\u takes four hexadecimal digits`)
	}
	r.at += 6
	if utf16.IsSurrogate(high) {
		if low, ok := r.hex(r.at); ok && utf16.DecodeRune(high, low) != utf8.RuneError {
			high = utf16.DecodeRune(high, low)
			r.at += 6
		}
	}
	b.WriteRune(high) // half a pair becomes U+FFFD
	return nil
}

// hex is the number of an escape such as \u00fc that begins at a place.
func (r *jsonReader) hex(at int) (n rune, ok bool) {
	if at+6 > len(r.text) || r.text[at:at+2] != `\u` {
		return 0, false
	}
	code, err := strconv.ParseUint(r.text[at+2:at+6], 16, 16)
	return rune(code), err == nil
}
