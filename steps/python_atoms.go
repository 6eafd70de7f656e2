package steps

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// pythonDigits is how long a whole number may be, as in CPython.
const pythonDigits = 4300

var (
	pythonQuote  = regexp.MustCompile(`^[A-Za-z]{0,2}['"]`)
	pythonNumber = regexp.MustCompile(`^(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|` +
		`(?:(?:\d(?:_?\d)*)?\.\d(?:_?\d)*|\d(?:_?\d)*\.?)(?:[eE][+-]?\d(?:_?\d)*)?)`)
)

func (p *pythonReader) withSign() (any, error) {
	began, minus := p.at, p.text[p.at] == '-'
	p.next(p.text[p.at])
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	n, isNumber := v.(json.Number)
	if !isNumber || p.signed {
		p.at = began
		return nil, errors.New("a sign may only stand before a number")
	}
	p.signed = true
	if minus && n != "0" {
		n = "-" + n
	}
	return n, nil
}

func (p *pythonReader) number() (any, error) {
	found := pythonNumber.FindString(p.text[p.at:])
	end := p.at + len(found)
	if behind, _ := utf8.DecodeRuneInString(p.text[end:]); found == "" || isPythonName(behind) {
		if found != "" && strings.ContainsRune("jJ", behind) {
			return nil, errors.New("complex numbers are not understood")
		}
		return nil, errors.New("no number is written like this")
	}
	digits := strings.ReplaceAll(found, "_", "")
	base := 10
	if len(digits) > 1 && digits[0] == '0' {
		base = map[byte]int{'x': 16, 'X': 16, 'o': 8, 'O': 8, 'b': 2, 'B': 2}[digits[1]]
	}
	var n json.Number
	switch {
	case base != 16 && strings.ContainsAny(digits, ".eE"):
		f, err := strconv.ParseFloat(digits, 64)
		if err != nil || math.IsInf(f, 0) {
			return nil, errors.New("the number is too large")
		}
		n = json.Number(pythonFloat(f))
	case len(digits) > pythonDigits:
		return nil, fmt.Errorf("the number has more than %d digits", pythonDigits)
	case base == 0 && strings.Trim(digits, "0") != "":
		return nil, errors.New("a whole number does not begin with 0; for base 8 write 0o17")
	default:
		if base != 10 && base != 0 {
			digits = digits[2:]
		}
		whole, ok := new(big.Int).SetString(digits, max(base, 2))
		if !ok {
			return nil, errors.New("no number is written like this")
		}
		n = json.Number(whole.String())
	}
	p.at = end
	return n, nil
}

// pythonFloat is a float as Python writes it: with a point or an exponent, and no more digits than needed.
func pythonFloat(f float64) string {
	text := strconv.FormatFloat(f, 'e', -1, 64)
	_, exponent, _ := strings.Cut(text, "e")
	if n, err := strconv.Atoi(exponent); err != nil || n < -4 || n >= 16 {
		return text
	}
	text = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

func isPythonName(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func (p *pythonReader) name() (any, error) {
	rest := p.text[p.at:]
	name := rest
	if length := strings.IndexFunc(rest, func(r rune) bool { return !isPythonName(r) }); length >= 0 {
		name = rest[:length]
	}
	switch name {
	case "":
		return nil, fmt.Errorf("%s stands where a value is expected", p.found())
	case "True", "False":
		p.at += len(name)
		return name == "True", nil
	case "None":
		p.at += len(name)
		return nil, nil
	case "set":
		if empty := pythonEmptySet.FindString(rest); empty != "" {
			p.at += len(empty)
			return []any{}, nil
		}
	case "true", "false", "null":
		return nil, fmt.Errorf("%s is JSON; in Python it is %s", name, map[string]string{"true": "True", "false": "False", "null": "None"}[name])
	}
	return nil, fmt.Errorf("%q is neither a number nor True, False or None; a text stands in quotes", name)
}

var pythonEmptySet = regexp.MustCompile(`^set\([ \t]*\)`)

// texts reads a text, and those that follow it with nothing between, which Python makes one.
func (p *pythonReader) texts() (any, error) {
	var b strings.Builder
	for {
		if err := p.oneText(&b); err != nil {
			return nil, err
		}
		p.blanks()
		if !pythonQuote.MatchString(p.text[p.at:]) {
			return b.String(), nil
		}
	}
}

func (p *pythonReader) oneText(b *strings.Builder) error {
	began := p.at
	quote := strings.IndexAny(p.text[p.at:], `'"`)
	prefix := strings.ToLower(p.text[p.at : p.at+quote])
	switch prefix {
	case "", "r", "u":
	case "b", "br", "rb":
		return errors.New("bytes are not understood; write a text without b")
	case "f", "fr", "rf":
		return errors.New("an f-string is no literal; write a text without f")
	default:
		return fmt.Errorf("no text begins with %s", p.text[p.at:p.at+quote+1])
	}
	p.at += quote
	mark := p.text[p.at : p.at+1]
	if strings.HasPrefix(p.text[p.at:], strings.Repeat(mark, 3)) {
		mark = strings.Repeat(mark, 3)
	}
	p.at += len(mark)
	for {
		rest := p.text[p.at:]
		switch {
		case rest == "", len(mark) == 1 && (rest[0] == '\n' || rest[0] == '\r'):
			p.at = began
			return errors.New("the text that begins here has no end")
		case strings.HasPrefix(rest, mark):
			p.at += len(mark)
			return nil
		case rest[0] != '\\':
			r, size := utf8.DecodeRuneInString(rest)
			b.WriteRune(r)
			p.at += size
		case len(rest) == 1:
			p.at = began
			return errors.New("the text that begins here has no end")
		case prefix == "r":
			r, size := utf8.DecodeRuneInString(rest[1:])
			b.WriteByte('\\')
			b.WriteRune(r)
			p.at += 1 + size
		default:
			if err := p.escape(b, rest); err != nil {
				return err
			}
		}
	}
}

// escape reads what follows a backslash. One that means nothing in Python stays as it is.
func (p *pythonReader) escape(b *strings.Builder, rest string) error {
	const simple, meant = "\\'\"abfnrtv", "\\'\"\a\b\f\n\r\t\v"
	c := rest[1]
	if at := strings.IndexByte(simple, c); at >= 0 {
		b.WriteByte(meant[at])
		p.at += 2
		return nil
	}
	switch c {
	case '\n':
		p.at += 2
	case '\r':
		p.at += 2
		if strings.HasPrefix(p.text[p.at:], "\n") {
			p.at++
		}
	case '0', '1', '2', '3', '4', '5', '6', '7':
		end := 2
		for end < 4 && end < len(rest) && rest[end] >= '0' && rest[end] <= '7' {
			end++
		}
		return p.codePoint(b, rest[1:end], 8, end)
	case 'x':
		return p.hexEscape(b, rest, 2)
	case 'u':
		return p.hexEscape(b, rest, 4)
	case 'U':
		return p.hexEscape(b, rest, 8)
	case 'N':
		return errors.New(`characters by their name are not understood; write \u and four hexadecimal digits`)
	default:
		b.WriteByte('\\')
		p.at++
	}
	return nil
}

func (p *pythonReader) hexEscape(b *strings.Builder, rest string, digits int) error {
	end := 2 + digits
	if len(rest) < end {
		return fmt.Errorf(`\%c takes %d hexadecimal digits`, rest[1], digits)
	}
	return p.codePoint(b, rest[2:end], 16, end)
}

// codePoint writes the character of an escape that takes length bytes. A pair of surrogates is one character.
func (p *pythonReader) codePoint(b *strings.Builder, number string, base, length int) error {
	n, err := strconv.ParseUint(number, base, 32)
	if err != nil || n > unicode.MaxRune {
		return fmt.Errorf("%s is no character", p.text[p.at:p.at+length])
	}
	r := rune(n)
	if utf16.IsSurrogate(r) {
		var low uint64
		second := p.text[p.at+length:]
		if strings.HasPrefix(second, `\u`) && len(second) >= 6 {
			low, _ = strconv.ParseUint(second[2:6], 16, 32) // 0 is no surrogate
		}
		if r = utf16.DecodeRune(r, rune(low)); r == unicode.ReplacementChar {
			return errors.New("half a pair of surrogates is no character")
		}
		length += 6
	}
	b.WriteRune(r)
	p.at += length
	return nil
}
