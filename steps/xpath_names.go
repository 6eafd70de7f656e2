package steps

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// qualified is an XPath as the engine must get it. By itself the engine lets a name without prefix match elements of a
// default namespace, finds nothing with prefix:*, takes not("") for false, and passes over what it does not understand at
// the end.
type qualified struct {
	path string
	none string // the prefix that stands for no namespace in path
	last string // name of the last element or attribute named outside of predicates
}

// longestXPath bounds how deep the engine's reader goes into brackets and signs: a stack that is used up ends the program.
const longestXPath = 10_000

// qualify checks an XPath 1.0 word by word and gives every name of an element its prefix.
func qualify(path string, namespaces map[string]string) (*qualified, error) {
	if len(path) > longestXPath {
		return nil, fmt.Errorf("it has %d characters; the limit is %d", len(path), longestXPath)
	}
	s := &xpathScanner{rest: path, namespaces: namespaces, none: "none"}
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
	return &qualified{path: s.out.String(), none: s.none, last: s.last}, nil
}

type xpathScanner struct {
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

func (s *xpathScanner) take(n int) string {
	word := s.rest[:n]
	s.rest = s.rest[n:]
	return word
}

func (s *xpathScanner) word() error {
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

func (s *xpathScanner) bracket(c rune) error {
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

func (s *xpathScanner) close(c rune) error {
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
func (s *xpathScanner) begin(c rune) error {
	if s.operand {
		return fmt.Errorf("%q stands where an operator, such as / or =, must", c)
	}
	switch {
	case c == '@':
		s.attribute = true
		s.out.WriteString(s.take(1))
		return nil
	case c == '$':
		return errors.New("variables are not known; put the value into the step, such as #{name}")
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

func (s *xpathScanner) name() error {
	name := s.take(nameLength(s.rest))
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
		n := nameLength(s.rest[1:])
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
func (s *xpathScanner) test(prefix, name string) error {
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
		f := &Failure{What: fmt.Sprintf("the prefix %q is bound to no namespace", prefix)}
		f.Hint = fmt.Sprintf(`bind it with: Given namespace prefix "%s" of "..."; bound are: %s`,
			prefix, strings.Join(slices.Sorted(maps.Keys(s.namespaces)), ", "))
		return f
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

// nameLength is how much of text is one name without prefix, in bytes.
func nameLength(text string) int {
	for i, c := range text {
		if !isNameStart(c) && (i == 0 || (!unicode.IsDigit(c) && !unicode.IsMark(c) && !strings.ContainsRune("-.·", c))) {
			return i
		}
	}
	return len(text)
}
