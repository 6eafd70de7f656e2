package steps

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

func variableSteps() []Step {
	variable := func(rest, doc, example string, do func(context.Context, *World, Args) error) Step {
		return then(`variable "{variable}" `+rest, doc, `variable `+example, do)
	}
	return []Step{
		variable(`is a string "{value}"`, "A stored value, as #name, is that text.", `"#first" is a string "Sean"`,
			func(_ context.Context, _ *World, a Args) error { return sameVariable(a.Value(1), a.Value(0)) }),
		variable(`is an integer "{value}"`, "A stored value, as #name, is that number, and no text.", `"#code" is an integer "0"`, assertVariable),
		variable(`is a float "{value}"`, "A stored value, as #name, is that number, and no text.", `"#amount" is a float "3.57"`, assertVariable),
		variable(`is a list "{value}"`, "A stored value, as #name, is that list, written as in Python.", `"#flow" is a list "['Ack', 1]"`, assertVariable),
		variable(`is an empty list`, "A stored value, as #name, is a list with nothing in it.", `"#errors" is an empty list`, assertVariableFixed([]any{})),
		variable(`is True`, "A stored value, as #name, is true, and no text.", `"#ok" is True`, assertVariableFixed(true)),
		variable(`is any string`, "A stored value, as #name, is a text.", `"#name" is any string`, variableOf("a text", isText)),
		variable(`is any integer`, "A stored value, as #name, is a number without fraction, or true or false.", `"#code" is any integer`,
			variableOf("a whole number", isInteger)),
		variable(`is any float`, "A stored value, as #name, is a number with a fraction or an exponent.", `"#amount" is any float`,
			variableOf("a number with a fraction", isFloat)),
		variable(`is any Boolean`, "A stored value, as #name, is true or false.", `"#ok" is any Boolean`, variableOf("true or false", isBool)),
		variable(`is any list`, "A stored value, as #name, is a list.", `"#flow" is any list`, variableOf("a list", isList)),
		variable(`is any dict`, "A stored value, as #name, is a dict.", `"#customer" is any dict`, variableOf("a dict", isDict)),
		variable(`is any UUID4`, "A stored value, as #name, is a random UUID (version 4), with dashes or without.", `"#id" is any UUID4`,
			variableOf("a UUID of version 4", isUUID4)),
		then(`context is logged`, "Tells all stored values in the log, secrets masked.", `context is logged`, logStored),
		variable(`is False`, "A stored value, as #name, is false, and no text.", `"#ok" is False`, assertVariableFixed(false)),
	}
}

func isList(v any) bool {
	_, is := v.([]any)
	return is
}

func isDict(v any) bool {
	_, is := v.(*object)
	return is
}

// isUUID4 looks at version and variant (RFC 9562).
func isUUID4(v any) bool {
	const version, variant = 12, 16
	text, _ := v.(string)
	bare := strings.ReplaceAll(text, "-", "")
	return isUUID(v) && bare[version] == '4' && strings.IndexByte("89abAB", bare[variant]) >= 0
}

func variableOf(name string, is func(any) bool) func(context.Context, *World, Args) error {
	return func(_ context.Context, _ *World, a Args) error {
		if !is(a.Value(0)) {
			return differs("the variable is of another type", plain(name), a.Value(0))
		}
		return nil
	}
}

func logStored(_ context.Context, w *World, _ Args) error {
	for _, name := range slices.Sorted(maps.Keys(w.vars)) {
		shown := show(w.vars[name])
		if connection, is := w.vars[name].(interface{ Close() error }); is {
			shown = fmt.Sprint(connection)
		}
		w.suite.options.Log("%s", w.suite.mask.Text("stored "+name+": "+shown))
	}
	return nil
}

// assertVariable compares with a Python literal by value, as in Python: the step's words name no type that is checked.
func assertVariable(_ context.Context, _ *World, a Args) error {
	want := a.Value(1)
	if text, isText := want.(string); isText {
		var err error
		if want, err = pythonLiteral(text); err != nil {
			return fmt.Errorf("the expected value: %w", err)
		}
	}
	return sameVariable(want, a.Value(0))
}

func assertVariableFixed(want any) func(context.Context, *World, Args) error {
	return func(_ context.Context, _ *World, a Args) error { return sameVariable(want, a.Value(0)) }
}

func sameVariable(want, got any) error {
	const what = "the variable is something else"
	if holds(want) && holds(got) {
		return unequal(what, sameInPython, want, got, "")
	}
	if !equalInPython(want, got) {
		return differs(what, want, got)
	}
	return nil
}
