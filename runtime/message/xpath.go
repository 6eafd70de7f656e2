package message

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/antchfx/xpath"

	"github.com/parley-run/parley/xpathnames"
)

// XPath is a compiled XPath 1.0. It is safe for concurrent use.
type XPath struct {
	text  string
	path  string // as the engine gets it
	bound map[string]string
	idle  sync.Pool // of *xpath.Expr: one is for one evaluation at a time
}

// CompileXPath reads an XPath. Its prefixes mean what namespaces says and nothing else: those of a document mean nothing to
// it, and a name without prefix is in no namespace.
func CompileXPath(text string, namespaces map[string]string) (*XPath, error) {
	x := &XPath{text: text, bound: maps.Clone(namespaces)}
	if x.bound == nil {
		x.bound = map[string]string{}
	}
	delete(x.bound, "") // XPath 1.0 has no default namespace
	x.bound["xml"] = xmlNamespace
	q, err := qualify(text, x.bound)
	if err != nil {
		return nil, fmt.Errorf("XPath %q: %w", shortened(text), err)
	}
	x.path, x.bound[q.None] = q.Text, ""
	first, err := x.compile()
	if err != nil {
		return nil, fmt.Errorf("XPath %q: %w", text, err)
	}
	x.idle.Put(first)
	return x, nil
}

// qualify prepares a path for the engine, and says of what is wrong what a service can do about it.
func qualify(path string, bound map[string]string) (*xpathnames.Path, error) {
	if len(path) > maxPath {
		return nil, fmt.Errorf("it is longer than %d characters", maxPath)
	}
	q, err := xpathnames.Qualify(path, bound)
	var unbound *xpathnames.UnboundError
	switch {
	case errors.As(err, &unbound):
		return nil, fmt.Errorf("%w; bind it with namespaces={%q: \"...\"}; bound are: %s", err, unbound.Prefix, strings.Join(unbound.Bound, ", "))
	case errors.Is(err, xpathnames.ErrVariable):
		return nil, fmt.Errorf("%w; put the value into the path", err)
	}
	return q, err
}

func shortened(text string) string { return text[:min(len(text), 200)] }

// compile makes an error of a panic: the engine panics on some wrong expressions.
func (x *XPath) compile() (expr *xpath.Expr, err error) {
	defer func() {
		if p := recover(); p != nil {
			expr, err = nil, fmt.Errorf("it cannot be read: %v", p)
		}
	}()
	return xpath.CompileWithNS(x.path, x.bound)
}

// String is the path as it was given.
func (x *XPath) String() string { return x.text }

// Find is all that the path gives, in the order of the document: an *Element for each element, text for attributes, texts
// and comments; or the one value that it computes, such as count(//item): text, bool or float64. A relative path begins at
// e, one with / in front at e's document. Nothing is no error.
func (x *XPath) Find(e *Element) (found []any, err error) {
	expr, ok := x.idle.Get().(*xpath.Expr)
	if !ok {
		if expr, err = x.compile(); err != nil {
			return nil, fmt.Errorf("XPath %q: %w", x.text, err)
		}
	}
	if found, err = evaluate(expr, e); err != nil {
		return nil, fmt.Errorf("XPath %q: %w", x.text, err) // the engine may be in any state: it is not kept
	}
	x.idle.Put(expr)
	return found, nil
}

// Get is the text of the first that the path gives, and whether there is one.
func (x *XPath) Get(e *Element) (text string, found bool, err error) {
	all, err := x.Find(e)
	if err != nil || len(all) == 0 {
		return "", false, err
	}
	switch v := all[0].(type) {
	case *Element:
		return v.Text(), true, nil
	case string:
		return v, true, nil
	case bool:
		return strconv.FormatBool(v), true, nil
	case float64:
		return numberText(v), true, nil
	}
	return "", false, nil
}

// numberText is a number as XPath's string() writes it.
func numberText(f float64) string {
	if math.IsInf(f, 0) {
		return map[bool]string{true: "Infinity", false: "-Infinity"}[f > 0]
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func evaluate(expr *xpath.Expr, e *Element) (found []any, err error) {
	defer func() {
		if p := recover(); p != nil {
			found, err = nil, fmt.Errorf("it cannot be evaluated: %v", p)
		}
	}()
	root := e
	for root.parent != nil {
		root = root.parent
	}
	moves := maxMoves
	switch v := expr.Evaluate(&navigator{root: root, element: e, child: -1, attr: -1, left: &moves}).(type) {
	case *xpath.NodeIterator:
		return nodes(v), nil
	case string, bool, float64:
		return []any{v}, nil
	}
	return nil, errors.New("it gives neither elements nor a value")
}

// nodes are what an iterator gives, in the order of the document, each once; the document itself is none.
func nodes(found *xpath.NodeIterator) []any {
	type id struct {
		element     *Element
		child, attr int
	}
	var list []*navigator
	seen := map[id]bool{}
	for found.MoveNext() {
		n, ok := found.Current().(*navigator)
		if !ok || n.element == nil || seen[id{n.element, n.child, n.attr}] {
			continue
		}
		seen[id{n.element, n.child, n.attr}] = true
		own := *n
		list = append(list, &own)
	}
	slices.SortStableFunc(list, (*navigator).before)
	out := make([]any, len(list))
	for i, n := range list {
		if out[i] = n.element; n.attr >= 0 || n.child >= 0 {
			out[i] = n.Value()
		}
	}
	return out
}

// keyOf tells compiled paths apart.
func keyOf(text string, namespaces map[string]string) string {
	if len(namespaces) == 0 {
		return text
	}
	var b strings.Builder
	b.WriteString(text)
	for _, prefix := range slices.Sorted(maps.Keys(namespaces)) {
		fmt.Fprintf(&b, "\x00%s\x00%s", prefix, namespaces[prefix])
	}
	return b.String()
}
