package message

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// words reads an XPath 1.0 word by word and writes it as the engine must get it: by itself the engine lets a name without
// prefix match elements of a default namespace, finds nothing with prefix:*, takes not("") for false, and passes over
// what it does not understand at the end.
type words struct {
	rest      string
	out       strings.Builder
	bound     map[string]string
	none      string // the prefix that stands for no namespace
	open      []bracket
	negated   bool // the next bracket is that of not()
	operand   bool // an operand is complete: an operator, or a predicate, must follow
	attribute bool // the next name is an attribute's
}

// bracket is one that is open, and what closes it.
type bracket struct {
	sign   rune
	closes string
}

func qualify(path string, bound map[string]string) (*words, error) {
	if len(path) > maxPath {
		return nil, fmt.Errorf("it is longer than %d characters", maxPath)
	}
	w := &words{rest: path, bound: bound, none: "none"}
	for _, taken := bound[w.none]; taken; _, taken = bound[w.none] {
		w.none += "_"
	}
	for w.rest != "" {
		if err := w.word(); err != nil {
			return nil, err
		}
	}
	if len(w.open) > 0 {
		return nil, fmt.Errorf("%q is not closed", w.open[len(w.open)-1].sign)
	}
	return w, nil
}

func (w *words) take(n int) string {
	word := w.rest[:n]
	w.rest = w.rest[n:]
	return word
}

func (w *words) word() error {
	c, size := utf8.DecodeRuneInString(w.rest)
	switch {
	case unicode.IsSpace(c):
		w.out.WriteString(w.take(size))
	case c == '_' || unicode.IsLetter(c):
		return w.name()
	case c == '*' && !w.operand:
		w.out.WriteString(w.take(size))
		w.operand, w.attribute = true, false
	case strings.ContainsRune(`([)]`, c):
		return w.bracket(c)
	case strings.ContainsRune(`"'.@$0123456789`, c):
		return w.begin(c)
	case strings.ContainsRune("/|+-=!<>*,", c):
		w.out.WriteString(w.take(size))
		w.operand = false
	default:
		return fmt.Errorf("%q means nothing in an XPath", c)
	}
	return nil
}

func (w *words) bracket(c rune) error {
	switch {
	case c == '(' && w.operand:
		return errors.New(`"(" stands where an operator, such as / or =, must`)
	case c == '[' && !w.operand:
		return errors.New(`"[" stands where a name must`)
	case c == ')' || c == ']':
		last := len(w.open) - 1
		if last < 0 || w.open[last].closes[0] != byte(c) {
			return fmt.Errorf("%q closes nothing", c)
		}
		w.out.WriteString(w.open[last].closes)
		w.open, w.operand = w.open[:last], true
		w.take(1)
		return nil
	}
	w.operand = false
	switch {
	case c == '[':
		w.open = append(w.open, bracket{c, "]"})
		w.out.WriteString("[")
	case w.negated:
		w.open = append(w.open, bracket{c, "))"})
		w.out.WriteString("(boolean(")
	default:
		w.open = append(w.open, bracket{c, ")"})
		w.out.WriteString("(")
	}
	w.negated = false
	w.take(1)
	return nil
}

// begin takes what begins an operand and is no name: a text, a number, a variable, the steps . and .. and the sign of
// attributes.
func (w *words) begin(c rune) error {
	if w.operand {
		return fmt.Errorf("%q stands where an operator, such as / or =, must", c)
	}
	switch {
	case c == '@':
		w.attribute = true
		w.out.WriteString(w.take(1))
		return nil
	case c == '$':
		return errors.New("variables are not known; put the value into the path")
	case c == '"' || c == '\'':
		end := strings.IndexRune(w.rest[1:], c)
		if end < 0 {
			return fmt.Errorf("the text that begins with %s does not end", string(c))
		}
		w.out.WriteString(w.take(end + 2))
	default:
		w.out.WriteString(w.take(len(w.rest) - len(strings.TrimLeft(w.rest, "0123456789."))))
	}
	w.operand = true
	return nil
}

func (w *words) name() error {
	name := w.take(nameLength(w.rest))
	if w.operand {
		if !slices.Contains([]string{"and", "or", "div", "mod"}, name) {
			return fmt.Errorf("%q stands where an operator, such as / or =, must", name)
		}
		w.out.WriteString(name)
		w.operand = false
		return nil
	}
	after := strings.TrimLeftFunc(w.rest, unicode.IsSpace)
	if strings.HasPrefix(after, "::") {
		if name == "namespace" {
			return errors.New("the axis namespace is not known; use namespace-uri()")
		}
		w.attribute, w.rest = name == "attribute", after[2:]
		w.out.WriteString(name + "::")
		return nil
	}
	prefix := ""
	if strings.HasPrefix(w.rest, ":") {
		n := nameLength(w.rest[1:])
		if n == 0 && strings.HasPrefix(w.rest[1:], "*") {
			n = 1
		}
		if n == 0 {
			return fmt.Errorf("a name must follow %q", name+":")
		}
		prefix, name = name, w.rest[1:1+n]
		w.take(1 + n)
		after = strings.TrimLeftFunc(w.rest, unicode.IsSpace)
	}
	if strings.HasPrefix(after, "(") { // a function, or a test such as text()
		if name == "processing-instruction" {
			return errors.New("processing instructions are not known")
		}
		w.negated = name == "not"
		w.out.WriteString(written(prefix, name))
		return nil
	}
	return w.test(prefix, name)
}

// test writes the name of an element or an attribute.
func (w *words) test(prefix, name string) error {
	attribute := w.attribute
	w.operand, w.attribute = true, false
	if prefix == "" {
		if !attribute {
			name = w.none + ":" + name
		}
		w.out.WriteString(name)
		return nil
	}
	uri, known := w.bound[prefix]
	if !known {
		return fmt.Errorf(`the prefix %q is bound to no namespace; bind it with namespaces={%q: "..."}; bound are: %s`,
			prefix, prefix, strings.Join(slices.Sorted(maps.Keys(w.bound)), ", "))
	}
	if name != "*" {
		w.out.WriteString(prefix + ":" + name)
		return nil
	}
	quote := `"`
	if strings.Contains(uri, quote) {
		quote = "'"
	}
	w.out.WriteString("*[namespace-uri()=" + quote + uri + quote + "]")
	return nil
}

// nameLength is how much of text is one name without prefix, in bytes.
func nameLength(text string) int {
	for i, c := range text {
		isStart := c == '_' || unicode.IsLetter(c)
		if !isStart && (i == 0 || !unicode.IsDigit(c) && !unicode.IsMark(c) && !strings.ContainsRune("-.·", c)) {
			return i
		}
	}
	return len(text)
}
