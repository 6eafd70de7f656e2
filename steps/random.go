package steps

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// All random values come from the scenario's own source, so that a seed gives them again.

// randomUUID is a UUID of version 4 (RFC 9562) as 32 hexadecimal digits.
func (w *World) randomUUID() string {
	const version, variant = 4 << 12, 2 << 62
	return fmt.Sprintf("%016x%016x", w.random.Uint64()&^(15<<12)|version, w.random.Uint64()>>2|variant)
}

// randomText is the letter a and 32 hexadecimal digits: it never begins with a digit, so that nobody takes it for a number.
func (w *World) randomText() string { return "a" + w.randomUUID() }

// randomInteger is a number from 0 to 99.
func (w *World) randomInteger() json.Number { return json.Number(strconv.Itoa(w.random.IntN(100))) }

// randomFloat is a number from 0 to 99 with a random fraction.
func (w *World) randomFloat() json.Number {
	return json.Number(pythonFloat(float64(w.random.IntN(100)) + w.random.Float64()))
}

// randomOf is one of the values of a list, of those that are not empty.
func (w *World) randomOf(value any) (any, error) {
	v, err := asList(value)
	if err != nil {
		return nil, err
	}
	list, _ := v.([]any)
	var full []any
	for _, e := range list {
		if text, isText := e.(string); !isText || strings.TrimSpace(text) != "" {
			full = append(full, e)
		}
	}
	if len(full) == 0 {
		return nil, errors.New("there is nothing to choose from; write texts with commas between them, such as A,B")
	}
	return full[w.random.IntN(len(full))], nil
}
