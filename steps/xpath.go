package steps

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/antchfx/xmlquery"
	"github.com/antchfx/xpath"

	"github.com/parley-run/parley/xpathnames"
)

// xpathFound is what an XPath gives: nodes, or a value where it computes one, such as count(//item).
type xpathFound struct {
	hits   []hit
	value  string
	scalar bool
	last   string // name of the last step, for suggestions; empty: it has none
}

// hit is a node that an XPath finds. attr is the place of an attribute in its element, -1 for the node itself.
type hit struct {
	node *xmlquery.Node
	attr int
}

// text is the value of an attribute, or what stands in an element before the first element inside it.
func (h hit) text() string {
	switch {
	case h.attr >= 0:
		return h.node.Attr[h.attr].Value
	case h.node.Type != xmlquery.ElementNode:
		return h.node.Data
	}
	var text strings.Builder
	for c := h.node.FirstChild; c != nil && c.Type != xmlquery.ElementNode; c = c.NextSibling {
		if c.Type == xmlquery.TextNode {
			text.WriteString(c.Data)
		}
	}
	return text.String()
}

// query evaluates an XPath on a document. Prefixes mean what namespaces says and nothing else: a name without prefix is
// in no namespace, whatever the document's default is.
func query(doc *xmlquery.Node, path string, namespaces map[string]string) (*xpathFound, error) {
	out, err := evaluate(doc, path, namespaces)
	if err != nil {
		return nil, fmt.Errorf("XPath %q: %w", path, err)
	}
	return out, nil
}

// longestXPath bounds how deep the engine's reader goes into brackets and signs: a stack that is used up ends the program.
const longestXPath = 10_000

// qualify prepares a path for the engine, and says of what is wrong what a step can do about it.
func qualify(path string, namespaces map[string]string) (*xpathnames.Path, error) {
	if len(path) > longestXPath {
		return nil, fmt.Errorf("it has %d characters; the limit is %d", len(path), longestXPath)
	}
	q, err := xpathnames.Qualify(path, namespaces)
	var unbound *xpathnames.UnboundError
	switch {
	case errors.As(err, &unbound):
		hint := fmt.Sprintf(`bind it with: Given namespace prefix "%s" of "..."; bound are: %s`, unbound.Prefix, strings.Join(unbound.Bound, ", "))
		return nil, &Failure{What: unbound.Error(), Hint: hint}
	case errors.Is(err, xpathnames.ErrVariable):
		return nil, fmt.Errorf("%w; put the value into the step, such as #{name}", err)
	}
	return q, err
}

// evaluate makes an error of a panic: the engine panics on some wrong expressions.
func evaluate(doc *xmlquery.Node, path string, namespaces map[string]string) (out *xpathFound, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, fmt.Errorf("it cannot be evaluated: %v", p)
		}
	}()
	bound := maps.Clone(namespaces)
	if bound == nil {
		bound = map[string]string{}
	}
	bound["xml"] = xmlNamespace
	q, err := qualify(path, bound)
	if err != nil {
		return nil, err
	}
	bound[q.None] = ""
	expr, err := xpath.CompileWithNS(q.Text, bound)
	if err != nil {
		return nil, err
	}
	out = &xpathFound{last: q.Last}
	moves := mostMoves
	switch v := expr.Evaluate(&navigator{doc: doc, at: rootOf(doc), attr: -1, left: &moves}).(type) {
	case *xpath.NodeIterator:
		out.hits = hits(v, doc)
		return out, nil
	case string:
		out.value = v
	case bool:
		out.value = strconv.FormatBool(v)
	case float64:
		out.value = numberText(v)
	default:
		return nil, errors.New("it gives neither elements nor a value")
	}
	out.scalar = true
	return out, nil
}

// numberText is a number as XPath's string() writes it.
func numberText(f float64) string {
	if math.IsInf(f, 0) {
		return map[bool]string{true: "Infinity", false: "-Infinity"}[f > 0]
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// hits are the nodes in the order of the document, each once; the document itself is none.
func hits(found *xpath.NodeIterator, doc *xmlquery.Node) []hit {
	var list []hit
	seen := map[hit]bool{}
	for found.MoveNext() {
		n, ok := found.Current().(*navigator)
		if h := (hit{n.at, n.attr}); ok && !seen[h] && n.at != doc {
			seen[h] = true
			list = append(list, h)
		}
	}
	if len(list) < 2 {
		return list
	}
	order, count := map[*xmlquery.Node]int{}, 0
	numberNodes(doc, order, &count)
	slices.SortFunc(list, func(a, b hit) int {
		if a.node != b.node {
			return order[a.node] - order[b.node]
		}
		return a.attr - b.attr
	})
	return list
}

func numberNodes(n *xmlquery.Node, order map[*xmlquery.Node]int, count *int) {
	order[n] = *count
	*count++
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		numberNodes(c, order, count)
	}
}
