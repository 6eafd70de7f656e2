package message

import (
	"github.com/antchfx/xpath"
)

// navigator shows a document to the XPath engine as XPath 1.0 sees it: declarations of namespaces are no attributes. It
// stands at the document (element is nil), at an element, at an attribute of it, or at a text or comment in it.
type navigator struct {
	root    *Element
	element *Element
	child   int  // place of a text or comment in element; -1: none
	attr    int  // place of an attribute of element; -1: none
	left    *int // moves until the evaluation has taken too long
}

// maxMoves bounds the work of one XPath to some seconds: the engine's grows with the square of the siblings for some.
const maxMoves = 5_000_000

const tookTooLong = "it takes too long on a document of this size; name the way to the elements, such as /order/item in the place of //item"

func (n *navigator) NodeType() xpath.NodeType {
	switch {
	case n.element == nil:
		return xpath.RootNode
	case n.attr >= 0:
		return xpath.AttributeNode
	case n.child < 0:
		return xpath.ElementNode
	case n.element.content[n.child].comment:
		return xpath.CommentNode
	}
	return xpath.TextNode
}

func (n *navigator) LocalName() string {
	switch {
	case n.element == nil || n.child >= 0:
		return ""
	case n.attr >= 0:
		return n.element.Attributes[n.attr].Name
	}
	return n.element.Name
}

func (n *navigator) Prefix() string {
	switch {
	case n.element == nil || n.child >= 0:
		return ""
	case n.attr >= 0:
		return n.element.Attributes[n.attr].Prefix
	}
	return n.element.Prefix
}

// NamespaceURL is what the engine asks for beside the methods of its interface.
func (n *navigator) NamespaceURL() string {
	switch {
	case n.element == nil || n.child >= 0:
		return ""
	case n.attr >= 0:
		return n.element.Attributes[n.attr].Namespace
	}
	return n.element.Namespace
}

func (n *navigator) Value() string {
	switch {
	case n.element == nil:
		return n.root.Text()
	case n.attr >= 0:
		return n.element.Attributes[n.attr].Value
	case n.child >= 0:
		return n.element.content[n.child].text
	}
	return n.element.Text()
}

// String is for the engine's own messages.
func (n *navigator) String() string { return n.Value() }

func (n *navigator) Copy() xpath.NodeNavigator {
	c := *n
	return &c
}

func (n *navigator) MoveToRoot() { n.element, n.child, n.attr = nil, -1, -1 }

func (n *navigator) MoveToParent() bool {
	n.count()
	switch {
	case n.element == nil:
		return false
	case n.attr >= 0 || n.child >= 0:
		n.attr, n.child = -1, -1
	case n.element == n.root:
		n.element = nil
	default:
		n.element = n.element.parent
	}
	return true
}

func (n *navigator) MoveToNextAttribute() bool {
	if n.element == nil || n.child >= 0 {
		return false
	}
	for i := n.attr + 1; i < len(n.element.Attributes); i++ {
		if !n.element.Attributes[i].declares() {
			n.attr = i
			return true
		}
	}
	return false
}

func (n *navigator) MoveToChild() bool {
	switch {
	case n.attr >= 0 || n.child >= 0:
		return false
	case n.element == nil:
		n.count()
		n.element = n.root
		return true
	}
	return n.to(n.element, 0)
}

// place is where the navigator stands among its siblings. The root of a document has none.
func (n *navigator) place() (parent *Element, i int) {
	switch {
	case n.element == nil || n.attr >= 0:
		return nil, 0
	case n.child >= 0:
		return n.element, n.child
	case n.element == n.root:
		return nil, 0
	}
	return n.element.parent, n.element.at
}

func (n *navigator) MoveToFirst() bool {
	parent, i := n.place()
	return i > 0 && n.to(parent, 0)
}

func (n *navigator) MoveToNext() bool {
	parent, i := n.place()
	return parent != nil && n.to(parent, i+1)
}

func (n *navigator) MoveToPrevious() bool {
	parent, i := n.place()
	return i > 0 && n.to(parent, i-1)
}

// to goes to a node in an element's content.
func (n *navigator) to(parent *Element, i int) bool {
	n.count()
	if i >= len(parent.content) {
		return false
	}
	if inner := parent.content[i].element; inner != nil {
		n.element, n.child, n.attr = inner, -1, -1
	} else {
		n.element, n.child, n.attr = parent, i, -1
	}
	return true
}

func (n *navigator) count() {
	if *n.left--; *n.left < 0 {
		panic(tookTooLong)
	}
}

func (n *navigator) MoveTo(other xpath.NodeNavigator) bool {
	o, ok := other.(*navigator)
	if !ok || o.root != n.root {
		return false
	}
	n.element, n.child, n.attr = o.element, o.child, o.attr
	return true
}

// before orders nodes as they stand in the document.
func (n *navigator) before(o *navigator) int {
	a, b := n.way(), o.way()
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] - b[i]
		}
	}
	return len(a) - len(b)
}

// way is how a node is reached from the root: places in contents, attributes before all of them.
func (n *navigator) way() []int {
	var out []int
	switch {
	case n.element == nil:
		return nil
	case n.attr >= 0:
		out = append(out, n.attr-len(n.element.Attributes))
	case n.child >= 0:
		out = append(out, n.child)
	}
	for e := n.element; e != n.root; e = e.parent {
		out = append(out, e.at)
	}
	out = append(out, 0)
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}
