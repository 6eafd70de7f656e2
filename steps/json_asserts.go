package steps

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

func isInteger(v any) bool {
	n, ok := v.(json.Number)
	return ok && !strings.ContainsAny(n.String(), ".eE") || isBool(v)
}

func isFloat(v any) bool {
	n, ok := v.(json.Number)
	return ok && strings.ContainsAny(n.String(), ".eE")
}

func isBool(v any) bool {
	_, ok := v.(bool)
	return ok
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

var uuid = regexp.MustCompile(`(?i)^[0-9a-f]{8}(?:[0-9a-f]{24}|(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)

func isUUID(v any) bool {
	text, ok := v.(string)
	return ok && uuid.MatchString(text)
}

func ofType(name string, is func(any) bool) func(context.Context, *World, Args) error {
	return func(_ context.Context, w *World, a Args) error {
		got, err := w.reply.lookUp(a.Text(0))
		if err != nil {
			return err
		}
		if !is(got) {
			return differs(fmt.Sprintf("JSON Pointer %q is of another type", a.Text(0)), plain(name), got)
		}
		return nil
	}
}

func assertExists(_ context.Context, w *World, a Args) error {
	_, err := w.reply.lookUp(a.Text(0))
	return err
}

func assertNoValue(_ context.Context, w *World, a Args) error {
	got, err := w.reply.lookUp(a.Text(0))
	switch {
	case err == nil:
		return differs(fmt.Sprintf("JSON Pointer %q leads to a value", a.Text(0)), plain(nothing), got)
	case errors.Is(err, errNoValue):
		return nil
	}
	return err
}

func assertFullList(_ context.Context, w *World, a Args) error {
	got, err := w.reply.lookUp(a.Text(0))
	if err != nil {
		return err
	}
	if list, ok := got.([]any); !ok || len(list) == 0 {
		return differs(fmt.Sprintf("JSON Pointer %q has nothing in it", a.Text(0)), plain("a list with something in it"), got)
	}
	return nil
}

func assertNotText(_ context.Context, w *World, a Args) error {
	got, err := w.reply.lookUp(a.Text(0))
	if err != nil {
		return err
	}
	if equal(a.Value(1), got) {
		return failf("JSON Pointer %q is %s", a.Text(0), show(got))
	}
	return nil
}

func (w *World) oneOf(a Args) (got, list any, found bool, err error) {
	if got, err = w.reply.lookUp(a.Text(0)); err != nil {
		return nil, nil, false, err
	}
	if list, err = asList(a.Value(1)); err != nil {
		return nil, nil, false, err
	}
	all, _ := list.([]any)
	return got, list, slices.ContainsFunc(all, func(v any) bool { return equal(v, got) }), nil
}

func assertOneOf(_ context.Context, w *World, a Args) error {
	got, list, found, err := w.oneOf(a)
	if err == nil && !found {
		return differs(fmt.Sprintf("JSON Pointer %q is none of these", a.Text(0)), list, got)
	}
	return err
}

func assertNotOneOf(_ context.Context, w *World, a Args) error {
	got, list, found, err := w.oneOf(a)
	if err == nil && found {
		return differs(fmt.Sprintf("JSON Pointer %q is one of these", a.Text(0)), plain("none of "+show(list)), got)
	}
	return err
}

func assertCrockford(_ context.Context, w *World, a Args) error {
	checksum, err := asBool(a.Value(1))
	if err != nil {
		return err
	}
	got, err := w.text(a.Text(0))
	if err != nil {
		return err
	}
	if err := checkCrockford(got, checksum); err != nil {
		return differs(fmt.Sprintf("JSON Pointer %q is no Base32 of Crockford's: %v", a.Text(0), err), plain("Base32, checksum "+a.Text(1)), got)
	}
	return nil
}

// asBool reads what people write for yes and no.
func asBool(v any) (bool, error) {
	switch strings.ToLower(textOf(v)) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", textOf(v))
}

// text is the text at a pointer of the reply; another value is a Failure.
func (w *World) text(pointer string) (string, error) {
	got, err := w.reply.lookUp(pointer)
	if err != nil {
		return "", err
	}
	text, isText := got.(string)
	if !isText {
		return "", differs(fmt.Sprintf("JSON Pointer %q is no text", pointer), plain("a text"), got)
	}
	return text, nil
}

func onText(fault string, holds func(got, want string) bool) func(context.Context, *World, Args) error {
	return func(_ context.Context, w *World, a Args) error {
		got, err := w.text(a.Text(0))
		if err == nil && !holds(got, a.Text(1)) {
			return differs(fmt.Sprintf("JSON Pointer %q %s", a.Text(0), fault), a.Text(1), got)
		}
		return err
	}
}

func assertStartsWithAny(_ context.Context, w *World, a Args) error {
	list, err := asList(a.Value(1))
	if err != nil {
		return err
	}
	got, err := w.text(a.Text(0))
	if err != nil {
		return err
	}
	all, _ := list.([]any)
	if !slices.ContainsFunc(all, func(v any) bool { return strings.HasPrefix(got, textOf(v)) }) {
		return differs(fmt.Sprintf("JSON Pointer %q starts with none of these", a.Text(0)), list, got)
	}
	return nil
}

func assertElement(_ context.Context, w *World, a Args) error {
	return w.reply.hasElement(a.Text(0), []byte(a.Text(1)))
}

func assertElementFile(_ context.Context, w *World, a Args) error {
	text, _, err := w.read(path.Join("json", "response", a.Text(1)))
	if err != nil {
		return err
	}
	return w.reply.hasElement(a.Text(0), text)
}

// hasElement looks for a document of JSON among the elements of a list, the keys of a dict, or the characters of a text.
func (r *Reply) hasElement(pointer string, document []byte) error {
	want, err := decodeOwn(document)
	if err != nil {
		return fmt.Errorf("the expected value is %w", err)
	}
	got, err := r.lookUp(pointer)
	if err != nil {
		return err
	}
	var elements []any
	hint := ""
	switch v := got.(type) {
	case []any:
		elements = v
	case *object:
		elements = texts(v.keys)
	case string: // the characters of a text are its elements, in Python
		if c, isText := want.(string); isText && utf8.RuneCountInString(c) == 1 && strings.Contains(v, c) {
			return nil
		}
		hint = fmt.Sprintf(`it is a text; write: JSON Pointer %q contains the text "..."`, pointer)
	}
	if slices.ContainsFunc(elements, func(v any) bool { return equalInPython(want, v) }) {
		return nil
	}
	return &Failure{What: fmt.Sprintf("JSON Pointer %q does not contain the value", pointer), Expected: show(want), Got: show(got), Hint: hint}
}

// assertPacked looks into JSON that stands in the reply as Base64.
func assertPacked(_ context.Context, w *World, a Args) error {
	packed, err := w.text(a.Text(0))
	if err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(packed)
	if err != nil {
		return differs(fmt.Sprintf("JSON Pointer %q is no Base64: %v", a.Text(0), err), plain("JSON in Base64"), packed)
	}
	tree, err := decodeJSON(raw)
	if err != nil {
		return fmt.Errorf("in the Base64 of JSON Pointer %q: %w", a.Text(0), err)
	}
	got, err := lookUp(tree, a.Text(1))
	if err != nil {
		return fmt.Errorf("in the Base64 of JSON Pointer %q: %w", a.Text(0), err)
	}
	what := fmt.Sprintf("in the Base64 of JSON Pointer %q, JSON Pointer %q is not what was expected", a.Text(0), a.Text(1))
	return unequal(what, sameInPython, a.Value(2), got, a.Text(1))
}

// isNothing says whether a document counts as no response: null, false, 0, and empty texts, lists and dicts.
func isNothing(v any) bool {
	switch v := v.(type) {
	case *object:
		return len(v.keys) == 0
	case []any:
		return len(v) == 0
	case json.Number:
		return equalNumbers(v.String(), "0")
	}
	return v == nil || v == false || v == ""
}

func assertSomeJSON(_ context.Context, w *World, _ Args) error {
	v, err := w.reply.lookUp("")
	if err == nil && isNothing(v) {
		return failf("the JSON of the reply is empty: %s", show(v))
	}
	return err
}

func assertNoJSON(_ context.Context, w *World, _ Args) error {
	if len(w.reply.Body) == 0 {
		return nil
	}
	v, err := w.reply.lookUp("")
	if err == nil && !isNothing(v) {
		return differs("the reply has JSON", plain(nothing), v)
	}
	return err
}
