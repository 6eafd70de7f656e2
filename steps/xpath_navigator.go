package steps

import (
	"github.com/antchfx/xmlquery"
	"github.com/antchfx/xpath"
)

// navigator shows a document to the XPath engine as XPath 1.0 sees it: namespace declarations are no attributes.
// Processing instructions are not shown, because the engine has no such nodes.
type navigator struct {
	doc, at *xmlquery.Node
	attr    int  // -1: at the node itself
	left    *int // moves until the evaluation has taken too long
}

// mostMoves bounds the work of one XPath, a few seconds: the engine's grows with the square of the siblings for some.
const mostMoves = 50_000_000

func shown(n *xmlquery.Node) bool {
	return n.Type == xmlquery.ElementNode || n.Type == xmlquery.TextNode || n.Type == xmlquery.CommentNode
}

func (n *navigator) NodeType() xpath.NodeType {
	switch {
	case n.attr >= 0:
		return xpath.AttributeNode
	case n.at.Type == xmlquery.ElementNode:
		return xpath.ElementNode
	case n.at.Type == xmlquery.TextNode:
		return xpath.TextNode
	case n.at.Type == xmlquery.CommentNode:
		return xpath.CommentNode
	}
	return xpath.RootNode
}

func (n *navigator) LocalName() string {
	switch {
	case n.attr >= 0:
		return n.at.Attr[n.attr].Name.Local
	case n.at.Type == xmlquery.ElementNode:
		return n.at.Data
	}
	return ""
}

func (n *navigator) Prefix() string {
	if n.attr >= 0 {
		return n.at.Attr[n.attr].Name.Space
	}
	return n.at.Prefix
}

// NamespaceURL is what the engine asks for beside the methods of its interface.
func (n *navigator) NamespaceURL() string {
	if n.attr >= 0 {
		return n.at.Attr[n.attr].NamespaceURI
	}
	return n.at.NamespaceURI
}

func (n *navigator) Value() string {
	switch {
	case n.attr >= 0:
		return n.at.Attr[n.attr].Value
	case n.at.Type == xmlquery.TextNode || n.at.Type == xmlquery.CommentNode:
		return n.at.Data
	}
	return n.at.InnerText()
}

func (n *navigator) Copy() xpath.NodeNavigator {
	c := *n
	return &c
}

func (n *navigator) MoveToRoot() { n.at, n.attr = n.doc, -1 }

func (n *navigator) MoveToParent() bool {
	if n.attr >= 0 {
		n.attr = -1
		return true
	}
	return n.move(n.at.Parent, func(*xmlquery.Node) *xmlquery.Node { return nil })
}

func (n *navigator) MoveToNextAttribute() bool {
	for i := n.attr + 1; i < len(n.at.Attr); i++ {
		if _, binds := bindingOf(n.at.Attr[i].Name); !binds {
			n.attr = i
			return true
		}
	}
	return false
}

func (n *navigator) MoveToChild() bool { return n.attr < 0 && n.move(n.at.FirstChild, next) }

func (n *navigator) MoveToFirst() bool {
	return n.attr < 0 && n.at.Parent != nil && n.at.PrevSibling != nil && n.move(n.at.Parent.FirstChild, next)
}

func (n *navigator) MoveToNext() bool { return n.attr < 0 && n.move(n.at.NextSibling, next) }

func (n *navigator) MoveToPrevious() bool {
	return n.attr < 0 && n.move(n.at.PrevSibling, func(n *xmlquery.Node) *xmlquery.Node { return n.PrevSibling })
}

func next(n *xmlquery.Node) *xmlquery.Node { return n.NextSibling }

// move goes to a node, or the first one shown on the way from there.
func (n *navigator) move(to *xmlquery.Node, on func(*xmlquery.Node) *xmlquery.Node) bool {
	if *n.left--; *n.left < 0 {
		panic("it takes too long on a document of this size; name the way to the elements, such as /order/item in the place of //item")
	}
	for ; to != nil; to = on(to) {
		if shown(to) || to == n.doc {
			n.at = to
			return true
		}
	}
	return false
}

func (n *navigator) MoveTo(other xpath.NodeNavigator) bool {
	o, ok := other.(*navigator)
	if !ok || o.doc != n.doc {
		return false
	}
	n.at, n.attr = o.at, o.attr
	return true
}

// String is for the engine's own messages.
func (n *navigator) String() string { return n.Value() }
