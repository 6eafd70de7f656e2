package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
)

func jsonReplySteps() []Step {
	pointer := func(rest, doc, example string, do func(context.Context, *World, Args) error) Step {
		return reply(`JSON Pointer "{path}" `+rest, doc, `JSON Pointer `+example, do)
	}
	return []Step{
		pointer(`is "{value}"`, "It is that text; a stored value is compared with its type.", `"/response/first_name" is "Sean"`, compareTo(asIs)),
		pointer(`is "{value}" (with literal_eval)`, "It is that value, as Python writes it.", `"/flow" is "['Ack', 'Done']" (with literal_eval)`,
			compareTo(asPython)),
		pointer(`is JSON "{value}"`, "It is that JSON, keys in any order.", `"/response" is JSON "{"ok": true}"`, assertJSON),
		pointer(`is JSON equal to that from "{file}"`, "It is the JSON of a file in the folder json/response beside the feature file or above it, keys in any order.",
			`"/response" is JSON equal to that from "details.json"`, assertJSONFile),
		pointer(`is an integer "{value}"`, "It is a number of that value; 1.0 and true are 1 too.", `"/code" is an integer "0"`, compareTo(asInteger)),
		pointer(`is a float "{value}"`, "It is a number of that value; 1 is 1.0 too.", `"/amount" is a float "3.57"`, compareFloat),
		pointer(`is a list "{value}"`, "It is that list of texts, written with commas.", `"/flow" is a list "Ack,Done"`, compareTo(asList)),
		pointer(`is any integer`, "It is a number without fraction, or true or false.", `"/code" is any integer`, ofType("a whole number", isInteger)),
		pointer(`is any float`, "It is a number with a fraction or an exponent.", `"/amount" is any float`, ofType("a number with a fraction", isFloat)),
		pointer(`is any bool`, "It is true or false.", `"/ok" is any bool`, ofType("true or false", isBool)),
		pointer(`is any string`, "It is a text.", `"/name" is any string`, ofType("a text", isText)),
		pointer(`is a UUID`, "It is a UUID, with dashes or without.", `"/id" is a UUID`, ofType("a UUID", isUUID)),
		pointer(`is a BASE32 Crockford, checksum "{checksum}"`, "It is Crockford's Base32, dashes left out; with checksum true its last symbol is the check.",
			`"/id" is a BASE32 Crockford, checksum "true"`, assertCrockford),
		pointer(`is True`, "It is true, or 1.", `"/ok" is True`, assertFixed(true)),
		pointer(`is False`, "It is false, or 0.", `"/ok" is False`, assertFixed(false)),
		pointer(`is null`, "It is there, and null.", `"/error" is null`, assertFixed(nil)),
		pointer(`is empty`, "It is the empty text.", `"/error" is empty`, assertFixed("")),
		pointer(`is not empty`, "It is there, whatever it is.", `"/parley_env/cid" is not empty`, assertExists),
		pointer(`is an empty list`, "It is a list with nothing in it.", `"/errors" is an empty list`, assertFixed([]any{})),
		pointer(`is not an empty list`, "It is a list with something in it.", `"/errors" is not an empty list`, assertFullList),
		pointer(`is an empty dict`, "It is a dict with nothing in it.", `"/errors" is an empty dict`, assertFixed(newObject())),
		pointer(`is not a string "{value}"`, "It is there, and not that text.", `"/name" is not a string "Joe"`, assertNotText),
		pointer(`is one of "{value}"`, "It is one of these texts, written with commas.", `"/type" is one of "A,B"`, assertOneOf),
		pointer(`is not one of "{value}"`, "It is there, and none of these texts.", `"/type" is not one of "A,B"`, assertNotOneOf),
		pointer(`exists`, "There is such a value, null included.", `"/response" exists`, assertExists),
		pointer(`does not exist`, "There is no such value.", `"/response/password" does not exist`, assertNoValue),
		pointer(`starts with "{value}"`, "It is a text that starts so.", `"/date" starts with "2013-"`, onText("does not start with the text", strings.HasPrefix)),
		pointer(`starts with any of "{value}"`, "It is a text that starts with one of these texts, written with commas.", `"/date" starts with any of "2013-,2014-"`,
			assertStartsWithAny),
		pointer(`ends with "{value}"`, "It is a text that ends so.", `"/date" ends with "Z"`, onText("does not end with the text", strings.HasSuffix)),
		pointer(`contains the text "{value}"`, "It is a text in which that occurs.", `"/parley_env/details" contains the text "cust_id"`,
			onText("does not contain the text", strings.Contains)),
		pointer(`does not contain the text "{value}"`, "It is a text in which that does not occur.", `"/parley_env/details" does not contain the text "secret"`,
			onText("contains the text", func(got, want string) bool { return !strings.Contains(got, want) })),
		pointer(`contains "{value}"`, "It is a list one of whose elements, or a dict one of whose keys, is that JSON.", `"/flow" contains ""Done""`, assertElement),
		pointer(`contains data from "{file}"`, "It is a list one of whose elements, or a dict one of whose keys, is the JSON of a file in the folder json/response.", `"/customers" contains data from "sean.json"`,
			assertElementFile),
		pointer(`is base64 JSON which pointer "{pointer}" has "{value}"`, "It is JSON in Base64, and in that a JSON Pointer leads to that text.",
			`"/sample_req" is base64 JSON which pointer "/test" has "hello"`, assertPacked),
		reply(`JSON response is equal to "{expected}"`, "The whole reply is that JSON, keys in any order.", `JSON response is equal to "{"ok": true}"`,
			func(_ context.Context, w *World, a Args) error { return w.reply.equalJSON("", []byte(a.Text(0))) }),
		reply(`JSON response exists`, "The reply is JSON that is not empty.", `JSON response exists`, assertSomeJSON),
		reply(`JSON response does not exist`, "The reply is empty, or empty JSON.", `JSON response does not exist`, assertNoJSON),
	}
}

// lookUp is the value of a JSON Pointer in the reply.
func (r *Reply) lookUp(pointer string) (any, error) {
	tree := r.json
	if !r.isJSON {
		var err error
		if tree, err = readJSON(r.text(formatJSON)); err != nil {
			return nil, r.unreadable(formatJSON, err)
		}
	}
	return lookUp(tree, pointer)
}

// equalJSON compares the value at a pointer with a document of JSON; true counts as 1, as it always did in these steps.
func (r *Reply) equalJSON(pointer string, document []byte) error {
	want, err := decodeOwn(document)
	if err != nil {
		return fmt.Errorf("the expected value is %w", err)
	}
	got, err := r.lookUp(pointer)
	if err != nil {
		return err
	}
	return unequal("the JSON is not what was expected", sameInPython, want, got, pointer)
}

// same compares the value at a pointer with another as Python does.
func (r *Reply) same(pointer string, want any) error {
	got, err := r.lookUp(pointer)
	if err != nil {
		return err
	}
	err = unequal(fmt.Sprintf("JSON Pointer %q is not what was expected", pointer), sameInPython, want, got, pointer)
	var f *Failure
	if errors.As(err, &f) {
		f.Hint = typeHint(pointer, want, got)
	}
	return err
}

// typeHint is the step that was meant, where a value is compared with the text that it is written as.
func typeHint(pointer string, want, got any) string {
	text, isText := want.(string)
	if !isText || text != textOf(got) {
		return ""
	}
	switch got := got.(type) {
	case json.Number:
		if isInteger(got) {
			return fmt.Sprintf("it is a number and no text; write: JSON Pointer %q is an integer %q", pointer, text)
		}
		return fmt.Sprintf("it is a number and no text; write: JSON Pointer %q is a float %q", pointer, text)
	case bool:
		return fmt.Sprintf("it is no text; write: JSON Pointer %q is %s", pointer, strings.ToUpper(text[:1])+text[1:])
	case nil:
		return fmt.Sprintf("it is no text; write: JSON Pointer %q is null", pointer)
	}
	return ""
}

// compareTo is a step whose value at a pointer equals a parameter, once that is converted.
func compareTo(convert func(any) (any, error)) func(context.Context, *World, Args) error {
	return func(_ context.Context, w *World, a Args) error {
		want, err := convert(a.Value(1))
		if err != nil {
			return err
		}
		return w.reply.same(a.Text(0), want)
	}
}

// compareFloat compares as floats are compared: two numbers that a float cannot tell apart are the same.
func compareFloat(_ context.Context, w *World, a Args) error {
	want, err := asFloat(a.Value(1))
	if err != nil {
		return err
	}
	got, err := w.reply.lookUp(a.Text(0))
	if err != nil {
		return err
	}
	return unequal(fmt.Sprintf("JSON Pointer %q is not what was expected", a.Text(0)), sameFloat, want, got, a.Text(0))
}

func assertFixed(want any) func(context.Context, *World, Args) error {
	return func(_ context.Context, w *World, a Args) error { return w.reply.same(a.Text(0), want) }
}

func assertJSON(_ context.Context, w *World, a Args) error {
	return w.reply.equalJSON(a.Text(0), []byte(a.Text(1)))
}

func assertJSONFile(_ context.Context, w *World, a Args) error {
	text, _, err := w.read(path.Join("json", "response", a.Text(1)))
	if err != nil {
		return err
	}
	return w.reply.equalJSON(a.Text(0), text)
}
