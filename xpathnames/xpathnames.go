// Package xpathnames prepares XPaths for an engine: it gives every name of an element its prefix, and refuses what the engine
// would pass over. What runs services and what tests them read XPaths alike, and neither may import the other.
package xpathnames

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Path is an XPath as the engine must get it. By itself the engine lets a name without prefix match elements of a default
// namespace, finds nothing with prefix:*, takes not("") for false, and passes over what it does not understand at the end.
type Path struct {
	Text string
	None string // the prefix that stands for no namespace in Text
	Last string // name of the last element or attribute named outside of predicates
}

// ErrVariable is of a path with a variable, such as $name.
var ErrVariable = errors.New("variables are not known")

// UnboundError is of a prefix that no namespace is bound to.
type UnboundError struct {
	Prefix string
	Bound  []string // those that are, in order
}

func (e *UnboundError) Error() string {
	return fmt.Sprintf("the prefix %q is bound to no namespace", e.Prefix)
}

// Qualify checks an XPath 1.0 word by word and gives every name of an element its prefix; namespaces are those that prefixes
// are bound to. The engine's reader recurses into brackets and signs, and a stack that is used up ends the program: whoever
// calls bounds the path's length.
func Qualify(path string, namespaces map[string]string) (*Path, error) {
	s := &scanner{rest: path, namespaces: namespaces, none: "none"}
	for _, taken := namespaces[s.none]; taken; _, taken = namespaces[s.none] {
		s.none += "_"
	}
	for s.rest != "" {
		if err := s.word(); err != nil {
			return nil, err
		}
	}
	if len(s.open) > 0 {
		return nil, fmt.Errorf("%q is not closed", s.open[len(s.open)-1].sign)
	}
	return &Path{Text: s.out.String(), None: s.none, Last: s.last}, nil
}

type scanner struct {
	rest       string
	out        strings.Builder
	namespaces map[string]string
	none, last string
	open       []bracket
	negated    bool // the next bracket is that of not()
	operand    bool // an operand is complete: an operator, or a predicate, must follow
	attribute  bool // the next name is an attribute's
}

// bracket is one that is open, and what closes it.
type bracket struct {
	sign   rune
	closes string
}

func (s *scanner) take(n int) string {
	word := s.rest[:n]
	s.rest = s.rest[n:]
	return word
}

func (s *scanner) word() error {
	c, size := utf8.DecodeRuneInString(s.rest)
	switch {
	case unicode.IsSpace(c):
		s.out.WriteString(s.take(size))
		return nil
	case isNameStart(c):
		return s.name()
	case c == '*' && !s.operand:
		s.out.WriteString(s.take(size))
		s.operand, s.attribute = true, false
		return nil
	case strings.ContainsRune(`([)]`, c):
		return s.bracket(c)
	case strings.ContainsRune(`"'.@$0123456789`, c):
		return s.begin(c)
	case strings.ContainsRune("/|+-=!<>*,", c):
		s.out.WriteString(s.take(size))
		s.operand = false
		return nil
	}
	return fmt.Errorf("%q means nothing in an XPath", c)
}

func (s *scanner) bracket(c rune) error {
	switch {
	case c == '(' && s.operand:
		return errors.New(`"(" stands where an operator, such as / or =, must`)
	case c == '[' && !s.operand:
		return errors.New(`"[" stands where a name must`)
	case c == ')' || c == ']':
		return s.close(c)
	}
	s.operand = false
	switch {
	case c == '[':
		s.open = append(s.open, bracket{c, "]"})
		s.out.WriteString("[")
	case s.negated:
		s.open = append(s.open, bracket{c, "))"})
		s.out.WriteString("(boolean(")
	default:
		s.open = append(s.open, bracket{c, ")"})
		s.out.WriteString("(")
	}
	s.negated = false
	s.take(1)
	return nil
}

func (s *scanner) close(c rune) error {
	last := len(s.open) - 1
	if last < 0 || s.open[last].closes[0] != byte(c) {
		return fmt.Errorf("%q closes nothing", c)
	}
	s.out.WriteString(s.open[last].closes)
	s.open, s.operand = s.open[:last], true
	s.take(1)
	return nil
}

// begin takes what begins an operand and is no name: a text, a number, a variable, the steps . and .. and the sign of
// attributes.
func (s *scanner) begin(c rune) error {
	if s.operand {
		return fmt.Errorf("%q stands where an operator, such as / or =, must", c)
	}
	switch {
	case c == '@':
		s.attribute = true
		s.out.WriteString(s.take(1))
		return nil
	case c == '$':
		return ErrVariable
	case c == '"' || c == '\'':
		end := strings.IndexRune(s.rest[1:], c)
		if end < 0 {
			return fmt.Errorf("the text that begins with %s does not end", string(c))
		}
		s.out.WriteString(s.take(end + 2))
	default:
		n := len(s.rest) - len(strings.TrimLeft(s.rest, "0123456789."))
		s.out.WriteString(s.take(n))
	}
	s.operand = true
	return nil
}

func (s *scanner) name() error {
	name := s.take(NameLength(s.rest))
	if s.operand {
		if !slices.Contains([]string{"and", "or", "div", "mod"}, name) {
			return fmt.Errorf("%q stands where an operator, such as / or =, must", name)
		}
		s.out.WriteString(name)
		s.operand = false
		return nil
	}
	after := strings.TrimLeftFunc(s.rest, unicode.IsSpace)
	if strings.HasPrefix(after, "::") {
		if name == "namespace" {
			return errors.New("the axis namespace is not known; use namespace-uri()")
		}
		s.attribute = name == "attribute"
		s.rest = after[2:]
		s.out.WriteString(name + "::")
		return nil
	}
	prefix := ""
	if strings.HasPrefix(s.rest, ":") {
		n := NameLength(s.rest[1:])
		if n == 0 && strings.HasPrefix(s.rest[1:], "*") {
			n = 1
		}
		if n == 0 {
			return fmt.Errorf("a name must follow %q", name+":")
		}
		prefix, name = name, s.rest[1:1+n]
		s.take(1 + n)
		after = strings.TrimLeftFunc(s.rest, unicode.IsSpace)
	}
	if strings.HasPrefix(after, "(") { // a function, or a test such as text()
		if name == "processing-instruction" {
			return errors.New("processing instructions are not known")
		}
		s.negated = name == "not"
		s.out.WriteString(strings.TrimPrefix(prefix+":"+name, ":"))
		return nil
	}
	return s.test(prefix, name)
}

// test writes the name of an element or an attribute.
func (s *scanner) test(prefix, name string) error {
	attribute := s.attribute
	s.operand, s.attribute = true, false
	if len(s.open) == 0 && name != "*" {
		s.last = name
	}
	if prefix == "" {
		if !attribute {
			name = s.none + ":" + name
		}
		s.out.WriteString(name)
		return nil
	}
	uri, bound := s.namespaces[prefix]
	if !bound {
		return &UnboundError{prefix, slices.Sorted(maps.Keys(s.namespaces))}
	}
	if name != "*" {
		s.out.WriteString(prefix + ":" + name)
		return nil
	}
	quote := `"`
	if strings.Contains(uri, quote) {
		quote = "'"
	}
	s.out.WriteString("*[namespace-uri()=" + quote + uri + quote + "]")
	return nil
}

func isNameStart(c rune) bool { return c == '_' || unicode.IsLetter(c) }

// NameLength is how much of text is one name without prefix, in bytes.
func NameLength(text string) int {
	for i, c := range text {
		if !isNameStart(c) && (i == 0 || (!unicode.IsDigit(c) && !unicode.IsMark(c) && !strings.ContainsRune("-.·", c))) {
			return i
		}
	}
	return len(text)
}
