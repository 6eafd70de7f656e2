package steps

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pythonNesting is how deep brackets may stand in each other, as in CPython.
const pythonNesting = 200

// pythonLiteral reads what Python's ast.literal_eval reads: numbers, texts in all their quotes, prefixes and escapes,
// lists, tuples, sets, dicts, True, False and None. Bytes and complex numbers are errors, as JSON has no such thing;
// an error says the line and column. The value is a JSON tree: tuples and sets are lists, a dict's keys are texts, as
// json.dumps writes them, and a float is written as Python writes it, so that 1 and 1.0 can be told apart.
func pythonLiteral(text string) (any, error) {
	p := &pythonReader{text: text}
	v, err := p.document()
	if err != nil {
		line, column := place(text, p.at)
		return nil, fmt.Errorf("not a Python value: line %d, column %d: %w", line, column, err)
	}
	return v, nil
}

// pythonReader stands at the byte that is read next, and where reading fails at what is wrong.
type pythonReader struct {
	text   string
	at     int
	depth  int  // of brackets
	signed bool // the value read last has a sign, and so takes no other
}

func (p *pythonReader) document() (any, error) {
	p.lines()
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	p.blanks()
	if p.next(',') {
		if v, err = p.items([]any{v}, 0); err != nil {
			return nil, err
		}
	}
	p.lines()
	if p.at < len(p.text) {
		return nil, fmt.Errorf("%s is not expected here", p.found())
	}
	return v, nil
}

// lines goes over blanks and the ends of lines.
func (p *pythonReader) lines() {
	for p.blanks(); p.next('\n') || p.next('\r'); {
	}
}

// blanks goes over white space, comments, and inside brackets over the ends of lines.
func (p *pythonReader) blanks() {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == ' ', c == '\t', c == '\f', p.depth > 0 && (c == '\n' || c == '\r'):
			p.at++
		case strings.HasPrefix(p.text[p.at:], "\\\n"):
			p.at += 2
		case strings.HasPrefix(p.text[p.at:], "\\\r\n"):
			p.at += 3
		case c == '#':
			length := strings.IndexByte(p.text[p.at:], '\n')
			if length < 0 {
				length = len(p.text) - p.at
			}
			p.at += length
		default:
			return
		}
	}
}

// next goes over a character where it comes next, and over the blanks behind it.
func (p *pythonReader) next(c byte) bool {
	if p.at == len(p.text) || p.text[p.at] != c {
		return false
	}
	p.at++
	p.blanks()
	return true
}

// closes goes over a closing bracket; the blanks behind it belong to what stands around. 0 is the end of the line.
func (p *pythonReader) closes(end byte) bool {
	if end == 0 {
		return p.at == len(p.text) || p.text[p.at] == '\n' || p.text[p.at] == '\r'
	}
	if p.at < len(p.text) && p.text[p.at] == end {
		p.at++
		return true
	}
	return false
}

// found is what stands next, for messages.
func (p *pythonReader) found() string {
	if p.at >= len(p.text) {
		return "the end"
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return strconv.QuoteRune(r)
}

func (p *pythonReader) value() (any, error) {
	p.signed = false
	if p.at == len(p.text) {
		return nil, errors.New("it ends where a value is expected")
	}
	switch c := p.text[p.at]; {
	case c == '[':
		return p.bracket(func() (any, error) { return p.items([]any{}, ']') })
	case c == '(':
		return p.bracket(p.parenthesis)
	case c == '{':
		return p.bracket(p.brace)
	case c == '+', c == '-':
		return p.withSign()
	case c >= '0' && c <= '9', c == '.':
		return p.number()
	case pythonQuote.MatchString(p.text[p.at:]):
		return p.texts()
	}
	return p.name()
}

func (p *pythonReader) bracket(read func() (any, error)) (any, error) {
	if p.depth == pythonNesting {
		return nil, fmt.Errorf("more than %d brackets stand in each other", pythonNesting)
	}
	p.depth++
	p.next(p.text[p.at])
	v, err := read()
	p.depth--
	return v, err
}

// items reads values with commas between them, up to a closing bracket, or with 0 up to the end of the line.
func (p *pythonReader) items(list []any, end byte) (any, error) {
	for !p.closes(end) {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if p.blanks(); p.closes(end) {
			break
		}
		if !p.next(',') {
			return nil, p.missing(end)
		}
	}
	p.signed = false
	return list, nil
}

func (p *pythonReader) missing(end byte) error {
	if end == 0 {
		return fmt.Errorf("%s stands where a comma is expected", p.found())
	}
	return fmt.Errorf("%s stands where a comma or %q is expected", p.found(), end)
}

// parenthesis reads what is in ( ): a tuple where there is a comma or nothing, else the value itself.
func (p *pythonReader) parenthesis() (any, error) {
	if p.closes(')') {
		return []any{}, nil
	}
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	if p.blanks(); p.closes(')') {
		return v, nil
	}
	if !p.next(',') {
		return nil, p.missing(')')
	}
	return p.items([]any{v}, ')')
}

// brace reads what is in { }: a dict, or a set.
func (p *pythonReader) brace() (any, error) {
	if p.closes('}') {
		return newObject(), nil
	}
	began := p.at
	first, err := p.value()
	if err != nil {
		return nil, err
	}
	p.blanks()
	if p.next(':') {
		return p.dict(first, began)
	}
	list := []any{first}
	if !p.closes('}') {
		if !p.next(',') {
			return nil, fmt.Errorf("%s stands where a colon, a comma or '}' is expected", p.found())
		}
		more, err := p.items(list, '}')
		if err != nil {
			return nil, err
		}
		list, _ = more.([]any)
	}
	return unique(list), nil
}

// dict reads a dict from behind the colon of its first key.
func (p *pythonReader) dict(key any, keyAt int) (any, error) {
	o := newObject()
	for {
		name, err := pythonKey(key)
		if err != nil {
			p.at = keyAt
			return nil, err
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		o.set(name, v)
		if p.blanks(); p.closes('}') {
			return o, nil
		}
		if !p.next(',') {
			return nil, p.missing('}')
		}
		if p.closes('}') {
			return o, nil
		}
		keyAt = p.at
		if key, err = p.value(); err != nil {
			return nil, err
		}
		if p.blanks(); !p.next(':') {
			return nil, fmt.Errorf("%s stands where a colon is expected", p.found())
		}
	}
}

// pythonKey is a dict's key as json.dumps writes it.
func pythonKey(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case []any, *object:
		return "", errors.New("a key of a dict must be a text or a number here, as in JSON")
	default:
		return textOf(v), nil
	}
}

// unique is a set's elements without those that are there twice.
func unique(list []any) []any {
	seen, out := map[string]bool{}, []any{}
	for _, v := range list {
		key := string(encodeJSON(v, ""))
		if n, isNumber := asNumber(v); isNumber {
			key = n.String()
			if r, ok := rational(key); ok {
				key = r.RatString()
			}
		}
		if !seen[key] {
			seen[key] = true
			out = append(out, v)
		}
	}
	return out
}
