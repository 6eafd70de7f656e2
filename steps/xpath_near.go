package steps

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/antchfx/xmlquery"
)

const (
	nearElements = 5   // how many are listed
	likeName     = 0.5 // up to which distance a name may be meant by another
)

// notOne is the failure of an XPath that must find one element and finds none or several in a document.
func (p prefixes) notOne(doc *xmlquery.Node, where, path string, found *xpathFound) error {
	f := &Failure{
		What:     fmt.Sprintf("XPath %q finds %d elements in the %s", path, len(found.hits), where),
		Expected: "exactly one", Got: fmt.Sprint(len(found.hits)),
	}
	if len(found.hits) > 0 {
		f.Hint = "it finds " + p.list(found.hits) + "; name one of them, or put [1] behind it in brackets"
	} else {
		f.Hint = p.near(doc, path, found)
	}
	return f
}

// prefixes are those that steps bound to namespaces.
type prefixes map[string]string

// list is the paths of nodes, the first few.
func (p prefixes) list(hits []hit) string {
	var paths []string
	for _, h := range hits[:min(len(hits), nearElements)] {
		paths = append(paths, p.pathOf(h))
	}
	if more := len(hits) - nearElements; more > 0 {
		paths = append(paths, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(paths, ", ")
}

// near says what there is, where an XPath finds nothing: elements that are called alike, else those under the
// longest beginning of the path that finds something.
func (p prefixes) near(doc *xmlquery.Node, path string, found *xpathFound) string {
	near := alike(doc, found.last)
	if len(near) == 0 {
		near = p.under(doc, path)
	}
	if len(near) == 0 {
		return ""
	}
	hint := "there is " + p.list(near)
	unbound := map[string]string{} // namespace to the prefix that the document gives it
	for _, h := range near {
		if uri := h.node.NamespaceURI; uri != "" && p.of(uri) == "" && unbound[uri] == "" {
			unbound[uri] = cmp.Or(h.node.Prefix, "x")
		}
	}
	for _, uri := range slices.Sorted(maps.Keys(unbound)) {
		hint += fmt.Sprintf("\nwhich is in a namespace; bind a prefix and use it, with: Given namespace prefix %q of %q", unbound[uri], uri)
	}
	return hint
}

// alike are the elements whose names are near another, the nearest first.
func alike(doc *xmlquery.Node, name string) []hit {
	type candidate struct {
		hit
		distance float64
	}
	if name == "" {
		return nil
	}
	var all []candidate
	var walk func(*xmlquery.Node)
	walk = func(n *xmlquery.Node) {
		for _, c := range children(n) {
			if d := wordDistance(strings.ToLower(name), strings.ToLower(c.Data)); d < likeName {
				all = append(all, candidate{hit{c, -1}, d})
			}
			walk(c)
		}
	}
	walk(doc)
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	var list []hit
	for _, c := range all {
		list = append(list, c.hit)
	}
	return list
}

// under are the elements inside the last step of a path that still finds something, else the root.
func (p prefixes) under(doc *xmlquery.Node, path string) []hit {
	for {
		at := strings.LastIndexByte(path, '/')
		if at <= 0 {
			return []hit{{rootOf(doc), -1}}
		}
		path = strings.TrimRight(path[:at], "/")
		found, err := query(doc, path, p)
		if path == "" || err != nil || found.scalar || len(found.hits) == 0 {
			continue
		}
		var list []hit
		for _, c := range children(found.hits[0].node) {
			list = append(list, hit{c, -1})
		}
		if len(list) > 0 {
			return list
		}
		return found.hits[:1]
	}
}

// of is the prefix that steps bound to a namespace; empty: none.
func (p prefixes) of(uri string) string {
	for _, prefix := range slices.Sorted(maps.Keys(p)) {
		if p[prefix] == uri {
			return prefix
		}
	}
	return ""
}

// nameOf is an element's name for people: with the prefix that steps bound, else the document's, else {namespace}name.
func (p prefixes) nameOf(n *xmlquery.Node) string {
	return p.nameIn(n.NamespaceURI, n.Prefix, n.Data)
}

func (p prefixes) nameIn(uri, prefix, local string) string {
	bound := ""
	if uri != "" {
		bound = p.of(uri)
	}
	switch {
	case bound != "":
		return bound + ":" + local
	case uri == "":
		return local
	case prefix != "":
		return prefix + ":" + local
	}
	return "{" + uri + "}" + local
}

// pathOf is the path of a node for people: with the place of each element among those of its name, where there are more.
func (p prefixes) pathOf(h hit) string {
	var path string
	for n := h.node; n != nil && n.Type != xmlquery.DocumentNode; n = n.Parent {
		if n.Type == xmlquery.ElementNode {
			path = "/" + p.placed(n) + path
		} else {
			path = "/" + map[xmlquery.NodeType]string{xmlquery.TextNode: "text()", xmlquery.CommentNode: "comment()"}[n.Type] + path
		}
	}
	if h.attr >= 0 {
		a := h.node.Attr[h.attr]
		path += "/@" + p.nameIn(a.NamespaceURI, a.Name.Space, a.Name.Local)
	}
	return cmp.Or(path, "/")
}

// placed is an element's name, and its place where its parent has several of the name.
func (p prefixes) placed(n *xmlquery.Node) string {
	place, count := 0, 0
	for _, c := range siblings(n) {
		if c.Data == n.Data && c.NamespaceURI == n.NamespaceURI {
			count++
			if c == n {
				place = count
			}
		}
	}
	if count < 2 {
		return p.nameOf(n)
	}
	return fmt.Sprintf("%s[%d]", p.nameOf(n), place)
}

func siblings(n *xmlquery.Node) []*xmlquery.Node {
	if n.Parent == nil {
		return []*xmlquery.Node{n}
	}
	return children(n.Parent)
}
