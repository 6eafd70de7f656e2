package steps

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// JSON is read into nil, bool, string, json.Number, []any and *object, so that numbers stay as they were written
// and keys keep their order.
type object struct {
	keys   []string
	values map[string]any
}

func newObject() *object { return &object{values: map[string]any{}} }

func (o *object) set(key string, v any) {
	if _, there := o.values[key]; !there {
		o.keys = append(o.keys, key)
	}
	o.values[key] = v
}

// place is the line and column of a byte, counted in characters from 1.
func place(text string, at int) (line, column int) {
	read := text[:min(at, len(text))]
	return strings.Count(read, "\n") + 1, utf8.RuneCountInString(read[strings.LastIndexByte(read, '\n')+1:]) + 1
}

// encodeJSON writes a tree; with an indent on several lines.
func encodeJSON(v any, step string) []byte {
	raw := appendJSON(nil, v)
	if step == "" {
		return raw
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", step); err != nil {
		return raw
	}
	return b.Bytes()
}

func appendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case json.Number:
		if v != "" {
			return append(dst, v...)
		}
	case string:
		if needsNoEscape(v) {
			return append(append(append(dst, '"'), v...), '"')
		}
	case *object:
		dst = append(dst, '{')
		for i, key := range v.keys {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(appendJSON(dst, key), ": "...)
			dst = appendJSON(dst, v.values[key])
		}
		return append(dst, '}')
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendJSON(dst, e)
		}
		return append(dst, ']')
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return append(dst, strconv.Quote(fmt.Sprint(v))...)
	}
	return append(dst, bytes.TrimRight(b.Bytes(), "\n")...)
}

// needsNoEscape says whether a text stands in JSON as it is. Most do, and are written without an encoder.
func needsNoEscape(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// asciiJSON writes what is no ASCII as \u and four hexadecimal digits, as requests are sent.
func asciiJSON(raw []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(raw) {
		switch {
		case r < utf8.RuneSelf:
			b.WriteByte(byte(r))
		case r > 0xFFFF:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xD800+(r>>10), 0xDC00+(r&0x3FF))
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// equal compares two trees: keys in any order, numbers by their value.
func equal(a, b any) bool { return equalBy(sameScalar, a, b) }

// equalInPython is equal, and true counts as 1 and false as 0, as Python's == has it.
func equalInPython(a, b any) bool { return equalBy(sameInPython, a, b) }

// equalBy compares two trees, the values that hold no others by same.
func equalBy(same func(a, b any) bool, a, b any) bool {
	alike := func(a, b any) bool { return equalBy(same, a, b) }
	switch a := a.(type) {
	case *object:
		b, ok := b.(*object)
		return ok && maps.EqualFunc(a.values, b.values, alike)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, alike)
	}
	return !holds(b) && same(a, b)
}

// holds says whether a value is a list or a dict.
func holds(v any) bool {
	switch v.(type) {
	case *object, []any:
		return true
	}
	return false
}

func sameScalar(a, b any) bool {
	x, isNumber := a.(json.Number)
	y, bothNumbers := b.(json.Number)
	if isNumber && bothNumbers {
		return equalNumbers(x.String(), y.String())
	}
	return a == b
}

func sameInPython(a, b any) bool {
	x, isNumber := asNumber(a)
	y, bothNumbers := asNumber(b)
	if isNumber && bothNumbers {
		return equalNumbers(x.String(), y.String())
	}
	return a == b
}

// sameFloat compares numbers by the float that is nearest to them.
func sameFloat(a, b any) bool {
	x, isNumber := asNumber(a)
	y, bothNumbers := asNumber(b)
	if !isNumber || !bothNumbers {
		return a == b
	}
	f, errX := strconv.ParseFloat(x.String(), 64)
	g, errY := strconv.ParseFloat(y.String(), 64)
	return errX == nil && errY == nil && f == g
}

// asNumber is a value as the number that it is in Python, where true is 1 and false is 0.
func asNumber(v any) (n json.Number, isNumber bool) {
	switch v := v.(type) {
	case json.Number:
		return v, true
	case bool:
		if v {
			return "1", true
		}
		return "0", true
	}
	return "", false
}

// longNumber is the length up to which numbers are compared by their value: beyond it that could take all memory.
const longNumber = 64

func equalNumbers(a, b string) bool {
	if a == b {
		return true
	}
	if isPlain(a) && isPlain(b) {
		return false
	}
	x, okX := rational(a)
	y, okY := rational(b)
	return okX && okY && x.Cmp(y) == 0
}

// isPlain says whether a number is whole and above 0, and so is written in one way.
func isPlain(s string) bool { return s != "" && s[0] != '0' && strings.Trim(s, "0123456789") == "" }

func rational(s string) (*big.Rat, bool) {
	if len(s) > longNumber {
		return nil, false
	}
	if _, exponent, there := strings.Cut(strings.ToLower(s), "e"); there {
		if n, err := strconv.Atoi(exponent); err != nil || n > 400 || n < -400 {
			return nil, false
		}
	}
	return new(big.Rat).SetString(s)
}

// clone is a tree of its own, so that a change of one leaves the other as it is.
func clone(v any) any {
	switch v := v.(type) {
	case *object:
		o := &object{keys: slices.Clone(v.keys), values: make(map[string]any, len(v.values))}
		for key, value := range v.values {
			o.values[key] = clone(value)
		}
		return o
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = clone(e)
		}
		return list
	}
	return v
}

// missing is shown where there is no value.
type missing struct{}

// MarshalText is what people see.
func (missing) MarshalText() ([]byte, error) { return []byte("(nothing)"), nil }
