package sio

import (
	"math"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// What a number may be: nobody computes with more, and some take long to be computed with at all.
const (
	maxNumber   = 1000 // characters
	maxExponent = 9999
)

// computable says what is wrong with a valid JSON number that is too much to compute with, or "".
func computable(literal string) string {
	if len(literal) > maxNumber {
		return "a number of " + strconv.Itoa(len(literal)) + " characters; it may have " + strconv.Itoa(maxNumber)
	}
	if i := strings.IndexAny(literal, "eE"); i >= 0 {
		if n, err := strconv.Atoi(literal[i+1:]); err != nil || n > maxExponent || n < -maxExponent {
			return "a number with an exponent beyond " + strconv.Itoa(maxExponent)
		}
	}
	return ""
}

// number is the neutral form of a JSON number literal: integers are int64 while they fit, other numbers
// float64 while its shortest form says the same number. What fits neither stays as it was written.
func number(literal string) any {
	if !strings.ContainsAny(literal, ".eE") {
		if n, err := strconv.ParseInt(literal, 10, 64); err == nil {
			return n
		}
		return service.Number(literal)
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil || !saysSame(f, literal) {
		return service.Number(literal)
	}
	return f
}

// saysSame reports whether f, written in its shortest form, is the number that literal says, digit by digit.
func saysSame(f float64, literal string) bool {
	if math.IsInf(f, 0) {
		return false
	}
	var wantBuf, gotBuf, floatBuf [40]byte
	want, wantExp, ok := significant(wantBuf[:0], literal)
	if !ok {
		return false
	}
	got, gotExp, ok := significant(gotBuf[:0], string(strconv.AppendFloat(floatBuf[:0], f, 'e', -1, 64)))
	return ok && string(got) == string(want) && (gotExp == wantExp || len(want) == 0)
}

// significant appends the digits of a number literal to dst, without zeros at either end, and gives the power
// of ten of the last one. It reports false where there are more digits than any float64 has, or an exponent
// beyond every float64.
func significant(dst []byte, literal string) ([]byte, int, bool) {
	const mostDigits = 17
	exponent, zeros, point := 0, 0, false
	for i := range len(literal) {
		switch c := literal[i]; {
		case c == '.':
			point = true
		case c == 'e' || c == 'E':
			written, err := strconv.Atoi(literal[i+1:])
			if err != nil || written > maxExponent || written < -maxExponent {
				return dst, 0, false
			}
			return dst, exponent + zeros + written, true
		case c >= '0' && c <= '9':
			if point {
				exponent--
			}
			if c == '0' {
				zeros++
				continue
			}
			if len(dst) > 0 {
				for ; zeros > 0; zeros-- {
					dst = append(dst, '0')
				}
			}
			zeros = 0
			if dst = append(dst, c); len(dst) > mostDigits {
				return dst, 0, false
			}
		}
	}
	return dst, exponent + zeros, true
}
