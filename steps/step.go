package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Kind is the keyword that a step follows. And and But take the kind of the step before.
type Kind int

// The kinds.
const (
	Given Kind = iota
	When
	Then
)

// String is the keyword.
func (k Kind) String() string { return [...]string{"Given", "When", "Then"}[k] }

// Step is one row of the vocabulary.
//
// Pattern is the sentence as people write it, matched as a whole and in any case. "{name}" in quotes takes one or
// more characters, as few as possible; a bare {name} takes a number, {mock} the name of a mock or of a part of a
// cluster, {parts} several with commas, {step} another step; (s) is optional.
// Where a pattern says JSON Pointer, is not or does not, path, isn't and doesn't are understood as well. Then
// steps may begin with "within 5 seconds, " or end with " within 5 seconds": they are tried again until they pass
// or the time is over. Those that look at a reply send the request again each time, and may also begin with
// "on every server, " or "on server 2, ", which sends it to these servers one by one.
//
// What the step does is Func for steps of your own: a function with a parameter for each of the pattern's, as string, bool,
// int, float64, time.Duration ("2 seconds", "500 ms") or any (a stored value as it is), that gives an error, best a
// [Failure]. A [context.Context] and a [*World] may stand before them. Do is the same with parameters by number.
type Step struct {
	Topic   string
	Kinds   []Kind
	Pattern string
	Doc     string
	Example string
	Reply   bool // it looks at the last reply
	Literal bool // its parameters are taken as they are, $, # and @ included
	Shares  bool // it uses what the scenarios of a file share, a cluster or mocks: they do not run side by side
	Holds   bool // it starts processes or containers, and ends them where the run is interrupted: it is given the time for that
	Do      func(ctx context.Context, w *World, a Args) error
	Func    any  // such as func(w *World, name string, count int) error; in the place of Do
	plans   bool // it declares a load or adds to one that is declared, which the next step that does not will run
}

// Table is the whole vocabulary, by topic.
func Table() []Step {
	var all []Step
	shared := []string{"mocks", "Redis", "cluster", "deploy", "channels", "statistics", "load"}
	holding := []string{"cluster", "deploy", "load"}
	for _, topic := range []struct {
		name string
		rows []Step
	}{
		{"requests", requestSteps()},
		{"forms", formSteps()},
		{"OAuth2", oauth2Steps()},
		{"TLS", tlsSteps()},
		{"replies", replySteps()},
		{"JSON", append(jsonRequestSteps(), jsonReplySteps()...)},
		{"XML", xmlSteps()},
		{"values", valueSteps()},
		{"dates", dateSteps()},
		{"SQL", sqlSteps()},
		{"Cassandra", cassandraSteps()},
		{"WebSocket", socketSteps()},
		{"Zato", zatoSteps()},
		{"HTTP mocks", httpMockSteps()},
		{"mocks", mockSteps()},
		{"Redis", kvdbSteps()},
		{"cluster", slices.Concat(clusterSteps(), clusterSourceSteps(), storeSteps(), clusterFaultSteps())},
		{"deploy", deploySteps()},
		{"channels", channelSteps()},
		{"statistics", statisticsSteps()},
		{loadTopic, append(append(loadSteps(), loadRunSteps()...), loadRunThens()...)},
	} {
		for _, row := range topic.rows {
			row.Topic = topic.name
			row.Shares = row.Shares || slices.Contains(shared, topic.name)
			row.Holds = row.Holds || slices.Contains(holding, topic.name)
			all = append(all, row)
		}
	}
	return all
}

func given(pattern, doc, example string, do func(context.Context, *World, Args) error) Step {
	return Step{Kinds: []Kind{Given}, Pattern: pattern, Doc: doc, Example: example, Do: do}
}

func when(pattern, doc, example string, do func(context.Context, *World, Args) error) Step {
	return Step{Kinds: []Kind{When}, Pattern: pattern, Doc: doc, Example: example, Do: do}
}

func then(pattern, doc, example string, do func(context.Context, *World, Args) error) Step {
	return Step{Kinds: []Kind{Then}, Pattern: pattern, Doc: doc, Example: example, Do: do}
}

// reply is a Then step that looks at the last reply.
func reply(pattern, doc, example string, do func(context.Context, *World, Args) error) Step {
	s := then(pattern, doc, example, do)
	s.Reply = true
	return s
}

// either is a step that sets something up or does something: after Given and When.
func either(pattern, doc, example string, do func(context.Context, *World, Args) error) Step {
	s := given(pattern, doc, example, do)
	s.Kinds = []Kind{Given, When}
	return s
}

// Args are a step's parameters, in the order of its pattern, with stored and environment values filled in.
type Args struct{ values []any }

// Value is parameter i: text, unless it was a stored value as a whole.
func (a Args) Value(i int) any { return a.values[i] }

// Text is parameter i as text.
func (a Args) Text(i int) string { return textOf(a.values[i]) }

// Int is parameter i as a whole number.
func (a Args) Int(i int) (int, error) {
	n, err := strconv.Atoi(a.Text(i))
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", a.Text(i))
	}
	return n, nil
}

// Float is parameter i as a number.
func (a Args) Float(i int) (float64, error) {
	f, err := strconv.ParseFloat(a.Text(i), 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", a.Text(i))
	}
	return f, nil
}

// longestWait is how long a step may be made to last.
const longestWait = 7 * 24 * time.Hour

// Duration is parameter i, a number of seconds. One that nobody waits for is an error, and so is one that is too large to be
// counted: it would be over at once.
func (a Args) Duration(i int) (time.Duration, error) {
	seconds, err := a.Float(i)
	if err != nil {
		return 0, err
	}
	if !(seconds >= 0 && seconds <= longestWait.Seconds()) { // NaN is neither
		return 0, fmt.Errorf("nobody can wait for %s seconds; write a number from 0 to %.0f", a.Text(i), longestWait.Seconds())
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// textOf is a value as it stands inside a sentence: text as it is, anything else as JSON.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return string(encodeJSON(v, ""))
}
