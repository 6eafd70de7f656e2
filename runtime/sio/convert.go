package sio

import (
	"cmp"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// convert turns v, in the neutral form, into a value of the field's type as services see it; false: v is none. What
// objects and lists hold is not looked at.
func (f *field) convert(v any) (any, bool) {
	if f.asGiven {
		return v, true
	}
	switch f.kind {
	case typeBool:
		return toBool(v)
	case typeInt:
		n, ok := toInt(v)
		return n, ok && f.within(n)
	case typeFloat:
		n, ok := toFloat(v)
		return n, ok && f.within(n)
	case typeText:
		return toText(v)
	case typeCSV:
		return fromCSV(v)
	case typeList:
		return toList(v), true
	case typeDict:
		return toDict(v)
	case typeDictList:
		return toDictList(v)
	case typeDate, typeDateTime, typeUTC:
		return f.timeIn(v)
	case typeDecimal:
		n, ok := toDecimal(v)
		return n, ok && (f.min == nil && f.max == nil || f.within(service.Number(n.(string))))
	case typeUUID:
		return toUUID(v)
	default:
		return v, true
	}
}

// convertOut is convert for what a service says, on its way out.
func (f *field) convertOut(v any) (any, bool) {
	switch {
	case f.asGiven:
		return v, true
	case f.kind == typeCSV:
		return toCSV(v)
	case f.kind == typeDate || f.kind == typeDateTime || f.kind == typeUTC:
		return f.timeOut(v)
	}
	if converted, ok := f.convert(v); ok {
		return converted, true
	}
	return v, !f.declared && f.kind == typeText // lists and objects pass where the name alone says text
}

// within reports whether a number is in the field's bounds; null is.
func (f *field) within(v any) bool {
	if v == nil {
		return true
	}
	return (f.min == nil || compare(v, f.min) >= 0) && (f.max == nil || compare(v, f.max) <= 0)
}

// compare orders two numbers of the neutral form, of any size.
func compare(a, b any) int {
	x, aInt := a.(int64)
	y, bInt := b.(int64)
	if aInt && bInt {
		return cmp.Compare(x, y)
	}
	return rational(a).Cmp(rational(b))
}

func rational(v any) *big.Rat {
	r := new(big.Rat)
	switch v := v.(type) {
	case int64:
		return r.SetInt64(v)
	case int:
		return r.SetInt64(int64(v))
	case float64:
		if r.SetFloat64(v) == nil { // infinite, which no decoder gives
			return new(big.Rat)
		}
		return r
	case service.Number:
		if r, ok := r.SetString(string(v)); ok {
			return r
		}
	}
	return new(big.Rat)
}

func toBool(v any) (any, bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case int64:
		return v == 1, v == 0 || v == 1
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "true", "yes", "on", "y", "t", "1":
			return true, true
		case "false", "no", "off", "n", "f", "0":
			return false, true
		}
	}
	return nil, false
}

// toInt takes "" for null, as Zato does, and integers of any size: those beyond int64 stay a service.Number.
func toInt(v any) (any, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			return nil, false
		}
		return int64(v), true
	case service.Number:
		return v, !strings.ContainsAny(string(v), ".eE")
	case string:
		s := strings.TrimSpace(v)
		if s == "" {
			return nil, true
		}
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n, true
		}
		if len(s) > maxNumber {
			return nil, false
		}
		digits := strings.TrimLeft(strings.TrimLeft(s, "+-"), "0")
		if len(s)-len(strings.TrimLeft(s, "+-")) > 1 || digits == "" || strings.Trim(digits, "0123456789") != "" {
			return nil, false
		}
		if s[0] == '-' {
			digits = "-" + digits
		}
		return service.Number(digits), true
	}
	return nil, false
}

func toFloat(v any) (any, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case service.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		return f, err == nil
	case string:
		s := strings.TrimSpace(v)
		if !isDecimal(s) {
			return nil, false
		}
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil
	}
	return nil, false
}

func toText(given any) (any, bool) {
	switch v := given.(type) {
	case string:
		return given, true // and not v, of which an interface would have to be made again
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case service.Number:
		return string(v), true
	case float64:
		text, err := service.AppendJSON(nil, v)
		return string(text), err == nil
	}
	return nil, false
}

// toList takes a single value for a list of one, and "", an empty XML element or parameter, for an empty list.
func toList(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case string:
		if v == "" {
			return []any{}
		}
	}
	return []any{v}
}

// maxValues is how many values a line of CSV in a field may have.
const maxValues = 100_000

// fromCSV is a line of CSV as a list, or a list of what can be text.
func fromCSV(v any) (any, bool) {
	text, isText := v.(string)
	if !isText {
		list, ok := v.([]any)
		return list, ok
	}
	if strings.TrimSpace(text) == "" {
		return []any{}, true
	}
	in := csvScanner{text: strings.TrimSpace(text), line: 1, trim: true}
	list, err := in.row(maxValues)
	if err != nil || in.at < len(in.text) {
		return nil, false
	}
	return list, true
}

// toCSV is a list as a line of CSV.
func toCSV(v any) (any, bool) {
	if text, ok := v.(string); ok {
		return text, true
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return "", ok
	}
	dst, err := appendRow(nil, list)
	return string(dst), err == nil
}

func toDict(v any) (any, bool) {
	switch v := v.(type) {
	case *service.Object:
		return v, v != nil
	case string:
		return service.NewObject(0), v == ""
	}
	return nil, false
}

func toDictList(v any) (any, bool) {
	list := toList(v)
	for _, e := range list {
		if o, ok := e.(*service.Object); !ok || o == nil {
			return nil, false
		}
	}
	return list, true
}

// toDecimal keeps a decimal number as text, the one form that no reader rounds.
func toDecimal(given any) (any, bool) {
	switch v := given.(type) {
	case string:
		s := strings.TrimSpace(v)
		return same(given, v, s), isDecimal(s)
	case int64, float64, service.Number:
		return toText(given)
	}
	return "", false
}

// same is given where its text did not change, and costs no new interface then.
func same(given any, before, after string) any {
	if before == after {
		return given
	}
	return after
}

// isDecimal reports whether s is digits with an optional sign, point and exponent: what ParseFloat accepts
// without infinities, NaN, hexadecimal and underscores.
func isDecimal(s string) bool {
	mantissa, exponent, hasExponent := s, "", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent, hasExponent = s[:i], s[i+1:], true
	}
	if len(s) > maxNumber || hasExponent && !isPower(exponent) {
		return false
	}
	whole, fraction, _ := strings.Cut(unsigned(mantissa), ".")
	return whole+fraction != "" && isDigits(whole) && isDigits(fraction)
}

func isPower(exponent string) bool {
	n, err := strconv.Atoi(exponent)
	return err == nil && n <= maxExponent && n >= -maxExponent
}

func unsigned(s string) string {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[1:]
	}
	return s
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func toUUID(v any) (any, bool) {
	s, ok := v.(string)
	if !ok {
		return nil, false
	}
	s = strings.ToLower(strings.TrimSpace(s))
	if len(s) != 36 {
		return nil, false
	}
	for i := range len(s) {
		isDash := i == 8 || i == 13 || i == 18 || i == 23
		if isDash != (s[i] == '-') || (!isDash && strings.IndexByte("0123456789abcdef", s[i]) < 0) {
			return nil, false
		}
	}
	return s, true
}
