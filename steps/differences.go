package steps

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	nothing       = "(nothing)"          // shown where a document has no value
	wholeDocument = "the whole document" // shown for the pointer "", which is no text
)

// unequal is nil where two trees are the same, else a Failure with all places where they differ: values, keys that are
// missing or too many, and the lengths of lists. The pointer is that of the two trees in the document.
func unequal(what string, same func(a, b any) bool, want, got any, pointer string) error {
	if equalBy(same, want, got) {
		return nil
	}
	if !holds(want) && !holds(got) {
		return differs(what, want, got)
	}
	found := differences(same, want, got, pointer)
	if len(found) > 1 {
		what = fmt.Sprintf("%s: %d differences", what, len(found))
	}
	return &Failure{What: what, Differences: found}
}

// sameTree is unequal for JSON that a step gives as a document.
func sameTree(want, got any, pointer string) error {
	return unequal("the JSON is not what was expected", sameScalar, want, got, pointer)
}

func differences(same func(a, b any) bool, want, got any, pointer string) []Difference {
	w := &differ{same: same, path: []string{pointer}}
	w.compare(want, got)
	return w.found
}

// differ walks two trees side by side.
type differ struct {
	same  func(a, b any) bool
	path  []string // the pointer of the place where it is, in parts
	found []Difference
}

func (d *differ) add(want, got string) {
	pointer := strings.Join(d.path, "/")
	if pointer == "" {
		pointer = wholeDocument
	}
	d.found = append(d.found, Difference{Path: pointer, Expected: want, Got: got})
}

// in does something one step further down.
func (d *differ) in(segment string, do func()) {
	d.path = append(d.path, segment)
	do()
	d.path = d.path[:len(d.path)-1]
}

func (d *differ) compare(want, got any) {
	switch want := want.(type) {
	case *object:
		if got, ok := got.(*object); ok {
			d.objects(want, got)
			return
		}
	case []any:
		if got, ok := got.([]any); ok {
			d.lists(want, got)
			return
		}
	}
	if !equalBy(d.same, want, got) {
		d.add(show(want), show(got))
	}
}

func (d *differ) objects(want, got *object) {
	for _, key := range want.keys {
		d.in(escaped(key), func() {
			if v, there := got.values[key]; there {
				d.compare(want.values[key], v)
			} else {
				d.add(show(want.values[key]), nothing)
			}
		})
	}
	for _, key := range got.keys {
		if _, there := want.values[key]; !there {
			d.in(escaped(key), func() { d.add(nothing, show(got.values[key])) })
		}
	}
}

// lists compares element by element. Where one list is longer, what both end with is left out first, so that one
// element too many at the front is one difference and not as many as there are elements.
func (d *differ) lists(want, got []any) {
	if len(want) != len(got) {
		d.add(lengthOf(want), lengthOf(got))
		tail := 0
		for shorter := min(len(want), len(got)); tail < shorter; tail++ {
			if !equalBy(d.same, want[len(want)-1-tail], got[len(got)-1-tail]) {
				break
			}
		}
		head := 0
		for shorter := min(len(want), len(got)); head < shorter && equalBy(d.same, want[head], got[head]); head++ {
		}
		tail = min(tail, min(len(want), len(got))-head)
		want, got = want[:len(want)-tail], got[:len(got)-tail]
	}
	both := min(len(want), len(got))
	for i := range both {
		d.in(strconv.Itoa(i), func() { d.compare(want[i], got[i]) })
	}
	for i, v := range slices.Concat(want[both:], got[both:]) {
		expected, came := show(v), nothing
		if len(got) > both {
			expected, came = came, expected
		}
		d.in(strconv.Itoa(both+i), func() { d.add(expected, came) })
	}
}

func lengthOf(list []any) string {
	if len(list) == 1 {
		return "a list of 1 element"
	}
	return fmt.Sprintf("a list of %d elements", len(list))
}
