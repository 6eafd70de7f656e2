package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

func jsonRequestSteps() []Step {
	pointer := func(rest, doc, example string, do func(context.Context, *World, Args) error) Step {
		return given(`JSON Pointer "{path}" in request is `+rest, doc, `JSON Pointer `+example, do)
	}
	return []Step{
		pointer(`"{value}"`, "Sets a text in the request; a stored value keeps its type.", `"/cust_type" in request is "B"`, setInRequest(asIs)),
		pointer(`"{value}" (with literal_eval)`, "Sets a value as Python writes it: a number, text, list, dict, True, False or None.",
			`"/tags" in request is "['a', 1, None]" (with literal_eval)`, setInRequest(asPython)),
		pointer(`JSON "{value}"`, "Sets any JSON.", `"/tags" in request is JSON "["a", 1]"`, setInRequest(asJSON)),
		pointer(`a UUID`, "Sets a random UUID, 32 hexadecimal digits without dashes.", `"/id" in request is a UUID`,
			setMade(func(w *World) any { return w.randomUUID() })),
		pointer(`a UUID4`, "A random UUID of version 4, in the words of zato-apitest 24.10.", `"/id" in request is a UUID4`, setMade(func(w *World) any { return w.randomUUID() })),
		pointer(`an integer "{value}"`, "Sets a whole number.", `"/cust_id" in request is an integer "7"`, setInRequest(asInteger)),
		pointer(`a float "{value}"`, "Sets a number with a fraction.", `"/amount" in request is a float "7.50"`, setInRequest(asFloat)),
		pointer(`a list "{value}"`, "Sets a list of texts, written with commas.", `"/tags" in request is a list "a,b"`, setInRequest(asList)),
		pointer(`a random string`, "Sets the letter a and 32 random hexadecimal digits.", `"/name" in request is a random string`,
			setMade(func(w *World) any { return w.randomText() })),
		pointer(`a random integer`, "Sets a random number from 0 to 99.", `"/count" in request is a random integer`,
			setMade(func(w *World) any { return w.randomInteger() })),
		pointer(`a random float`, "Sets a random number from 0 to 99 with a fraction.", `"/amount" in request is a random float`,
			setMade(func(w *World) any { return w.randomFloat() })),
		pointer(`one of "{value}"`, "Sets one of these texts, written with commas, by chance.", `"/type" in request is one of "A,B,C"`, setOneOf),
		pointer(`True`, "Sets true.", `"/urgent" in request is True`, setMade(func(*World) any { return true })),
		pointer(`False`, "Sets false.", `"/urgent" in request is False`, setMade(func(*World) any { return false })),
	}
}

func asIs(v any) (any, error) { return v, nil }

func asJSON(v any) (any, error) { return decodeJSON([]byte(textOf(v))) }

// asPython reads a text as Python does; a stored value that is no text is taken as it is.
func asPython(v any) (any, error) {
	if text, isText := v.(string); isText {
		return pythonLiteral(text)
	}
	return v, nil
}

var (
	wholeNumber = regexp.MustCompile(`^[+-]?\d+(?:_\d+)*$`)
	anyNumber   = regexp.MustCompile(`^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+)?$`)
)

// asInteger reads a whole number of any size, as Python's int does: of a stored number it is the part before the point, and
// true is 1.
func asInteger(v any) (any, error) {
	text := strings.TrimSpace(textOf(v))
	if n, isNumber := asNumber(v); isNumber {
		if r, ok := rational(n.String()); ok {
			return json.Number(new(big.Int).Quo(r.Num(), r.Denom()).String()), nil
		}
	}
	if !wholeNumber.MatchString(text) || len(text) > pythonDigits {
		return nil, fmt.Errorf("%q is not a whole number; write it like 42", text)
	}
	n, ok := new(big.Int).SetString(strings.ReplaceAll(text, "_", ""), 10)
	if !ok {
		return nil, fmt.Errorf("%q is not a whole number; write it like 42", text)
	}
	return json.Number(n.String()), nil
}

// asFloat reads a number, and gives it with a fraction or an exponent. What is written like that already keeps its digits.
func asFloat(v any) (any, error) {
	text := strings.TrimSpace(textOf(v))
	f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	if !anyNumber.MatchString(text) || err != nil || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%q is not a number; write it like 7.5", text)
	}
	if json.Valid([]byte(text)) && strings.ContainsAny(text, ".eE") {
		return json.Number(text), nil
	}
	return json.Number(pythonFloat(f)), nil
}

// asList reads one line of comma separated texts; each is trimmed. A stored list is taken as it is.
func asList(v any) (any, error) {
	if list, isList := v.([]any); isList {
		return list, nil
	}
	return commaList(textOf(v)), nil
}

func setInRequest(convert func(any) (any, error)) func(context.Context, *World, Args) error {
	return func(_ context.Context, w *World, a Args) error {
		v, err := convert(a.Value(1))
		if err != nil {
			return err
		}
		return w.setInRequest(a.Text(0), v)
	}
}

// setMade sets a value that is made anew each time.
func setMade(value func(*World) any) func(context.Context, *World, Args) error {
	return func(_ context.Context, w *World, a Args) error { return w.setInRequest(a.Text(0), value(w)) }
}

func setOneOf(_ context.Context, w *World, a Args) error {
	v, err := w.randomOf(a.Value(1))
	if err != nil {
		return err
	}
	return w.setInRequest(a.Text(0), v)
}

// setInRequest sets a value at a JSON Pointer. The request has its own copy of it: what is set in that later does not
// change a stored value.
func (w *World) setInRequest(pointer string, v any) error {
	switch {
	case !w.payload.given:
		return &Failure{
			What: fmt.Sprintf("there is no request in which JSON Pointer %q could be set", pointer),
			Hint: `begin with: Given format "JSON", and: Given request is "{}"`,
		}
	case w.payload.xml != nil || w.payload.raw != nil:
		return &Failure{
			What: fmt.Sprintf("the request is no JSON, so JSON Pointer %q cannot be set in it", pointer),
			Hint: `say Given format "JSON" before: Given request is "{}"`,
		}
	}
	tree, err := put(w.payload.json, pointer, clone(v))
	if err != nil {
		return fmt.Errorf("in the request: %w", err)
	}
	w.payload.json = tree
	path, err := segments(pointer)
	if err == nil && len(path) > 0 {
		w.suite.mask.tree(path[len(path)-1], v)
	}
	return err
}
