package steps

import (
	"context"
	"fmt"
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
		variable(`is False`, "A stored value, as #name, is false, and no text.", `"#ok" is False`, assertVariableFixed(false)),
	}
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
