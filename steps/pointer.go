package steps

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// errNoValue says that a JSON Pointer (RFC 6901) leads nowhere.
var errNoValue = errors.New("there is no such value")

// segments are the names on the way that a pointer describes.
func segments(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	if !strings.HasPrefix(pointer, "/") {
		return nil, fmt.Errorf("JSON Pointer %q does not begin with /; write it like /response/0/name", pointer)
	}
	list := strings.Split(pointer[1:], "/")
	for i, name := range list {
		rest := strings.NewReplacer("~0", "", "~1", "").Replace(name)
		if strings.Contains(rest, "~") {
			return nil, fmt.Errorf("JSON Pointer %q: in %q there is a ~ that is followed by neither 0 nor 1; write ~0 for ~ and ~1 for /", pointer, name)
		}
		list[i] = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
	}
	return list, nil
}

// escaped is a name as it stands in a pointer.
func escaped(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// pointerTo is the pointer of a way, for people.
func pointerTo(path []string) string {
	var b strings.Builder
	for _, name := range path {
		b.WriteString("/" + escaped(name))
	}
	if b.Len() == 0 {
		return wholeDocument
	}
	return b.String()
}

// placeIn is the place in a list that a name means, or -1: digits without sign and without a leading 0.
func placeIn(list []any, name string) int {
	n, err := strconv.Atoi(name)
	if err != nil || n < 0 || n >= len(list) || strconv.Itoa(n) != name {
		return -1
	}
	return n
}

// lookUp gives the value at a pointer. Where there is none the error is errNoValue, with what is there.
func lookUp(tree any, pointer string) (any, error) {
	path, err := segments(pointer)
	if err != nil {
		return nil, err
	}
	here := tree
	for i, name := range path {
		nowhere := &noValueError{pointer: pointer, parent: path[:i], name: name, here: here}
		switch v := here.(type) {
		case *object:
			next, there := v.values[name]
			if !there {
				return nil, nowhere
			}
			here = next
		case []any:
			n := placeIn(v, name)
			if n < 0 {
				return nil, nowhere
			}
			here = v[n]
		default:
			return nil, nowhere
		}
	}
	return here, nil
}

// noValueError is errNoValue for one pointer. Its text is made when it is asked for: a step that is tried again and
// again has no use for it.
type noValueError struct {
	pointer string
	parent  []string // the last on the way that is there
	name    string   // what it does not have
	here    any      // what it is
}

func (e *noValueError) Is(target error) bool { return target == errNoValue }

// Error names what is there instead.
func (e *noValueError) Error() string {
	parent := pointerTo(e.parent)
	text := fmt.Sprintf("JSON Pointer %q: %v: %s ", e.pointer, errNoValue, parent)
	switch v := e.here.(type) {
	case *object:
		if len(v.keys) == 0 {
			return text + "is an empty dict"
		}
		text += "has the keys " + someOf(v.keys)
		if near := nearest(e.name, v.keys); near != "" {
			text += "; did you mean " + pointerTo(append(slices.Clone(e.parent), near)) + "?"
		}
		return text
	case []any:
		switch {
		case len(v) == 0:
			return text + "is an empty list"
		case strings.Trim(e.name, "0123456789") != "" || e.name == "" || e.name != "0" && e.name[0] == '0':
			return text + fmt.Sprintf("is a list of %d, whose elements are called %s and so on, and not %q", len(v), pointerTo(append(slices.Clone(e.parent), "0")), e.name)
		}
		return text + fmt.Sprintf("is a list of %d, the last of which is %s", len(v), pointerTo(append(slices.Clone(e.parent), strconv.Itoa(len(v)-1))))
	}
	return text + "is " + show(e.here) + ", and has nothing in it"
}

// someOf shows names, and how many more there are where they are too many to be read.
func someOf(names []string) string {
	const readable = 50
	var quoted []string
	for _, name := range names[:min(len(names), readable)] {
		quoted = append(quoted, strconv.Quote(name))
	}
	text := strings.Join(quoted, ", ")
	if more := len(names) - readable; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// nearest is the name that is most like another, where one is like it at all.
func nearest(name string, names []string) string {
	const alike = 0.4 // of its letters differ
	best, distance := "", alike
	for _, other := range names {
		if d := wordDistance(strings.ToLower(name), strings.ToLower(other)); d <= distance && max(len(name), len(other)) > 1 {
			best, distance = other, d
		}
	}
	return best
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// put sets the value at a pointer in a tree, whose parent must be there, and gives the tree. A "-" appends to a list.
func put(tree any, pointer string, value any) (any, error) {
	path, err := segments(pointer)
	if err != nil {
		return nil, err
	}
	return putAt(tree, path, 0, value, pointer)
}

func putAt(here any, path []string, done int, value any, pointer string) (any, error) {
	if done == len(path) {
		return value, nil
	}
	name, last := path[done], done == len(path)-1
	nowhere := &noValueError{pointer: pointer, parent: path[:done], name: name, here: here}
	switch v := here.(type) {
	case *object:
		next, there := v.values[name]
		if !there && !last {
			return nil, fmt.Errorf("%w; set %s first, nothing can be set in what is not there", nowhere, pointerTo(path[:done+1]))
		}
		changed, err := putAt(next, path, done+1, value, pointer)
		if err != nil {
			return nil, err
		}
		v.set(name, changed)
		return v, nil
	case []any:
		if name == "-" && last {
			return append(v, value), nil
		}
		n := placeIn(v, name)
		if n < 0 {
			return nil, fmt.Errorf("%w; to append an element write %s", nowhere, pointerTo(append(slices.Clone(path[:done]), "-")))
		}
		changed, err := putAt(v[n], path, done+1, value, pointer)
		if err != nil {
			return nil, err
		}
		v[n] = changed
		return v, nil
	}
	return nil, nowhere
}
