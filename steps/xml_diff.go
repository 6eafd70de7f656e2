package steps

import (
	"encoding/xml"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/antchfx/xmlquery"
)

// equalXML compares two documents: elements in their order, attributes in any, names by their namespaces. White space
// between elements, comments, processing instructions and the ways to write a text (CDATA, prefixes) do not count. The
// Failure has all differences.
func (r *Reply) equalXML(document []byte) error {
	want, err := parseXML(document)
	if err != nil {
		return fmt.Errorf("the expected document is %w", err)
	}
	got, err := r.document()
	if err != nil {
		return err
	}
	d := &xmlDiffer{seed: maphash.MakeSeed(), hashes: map[*xmlquery.Node]uint64{}, places: map[*xmlquery.Node]string{}}
	d.elements(rootOf(want), rootOf(got))
	if len(d.found) == 0 {
		return nil
	}
	what := "the XML is not what was expected"
	if len(d.found) > 1 {
		what = fmt.Sprintf("%s: %d differences", what, len(d.found))
	}
	return &Failure{What: what, Differences: d.found}
}

type xmlDiffer struct {
	found  []Difference
	names  prefixes
	seed   maphash.Seed
	hashes map[*xmlquery.Node]uint64
	places map[*xmlquery.Node]string // the last step of the path of each element whose siblings were looked at
}

func (d *xmlDiffer) add(path, want, got string) {
	d.found = append(d.found, Difference{Path: path, Expected: want, Got: got})
}

// path is that of an element in the reply.
func (d *xmlDiffer) path(n *xmlquery.Node) string {
	var path string
	for ; n != nil && n.Type == xmlquery.ElementNode; n = n.Parent {
		path = "/" + d.place(n) + path
	}
	return path
}

// place is the last step of an element's path. It is found for all siblings at once: there may be many.
func (d *xmlDiffer) place(n *xmlquery.Node) string {
	if place, known := d.places[n]; known {
		return place
	}
	counts, list := map[string]int{}, siblings(n)
	for _, c := range list {
		counts["{"+c.NamespaceURI+"}"+c.Data]++
	}
	next := map[string]int{}
	for _, c := range list {
		key := "{" + c.NamespaceURI + "}" + c.Data
		next[key]++
		d.places[c] = d.names.nameOf(c)
		if counts[key] > 1 {
			d.places[c] += fmt.Sprintf("[%d]", next[key])
		}
	}
	return d.places[n]
}

// item is an element, or a text between elements that counts.
type item struct {
	node *xmlquery.Node // nil: it is a text
	text string
}

func (d *xmlDiffer) elements(want, got *xmlquery.Node) {
	if !sameName(want, got) {
		d.add(d.path(got), textOfXML(want), textOfXML(got))
		return
	}
	d.attributes(want, got)
	for _, p := range d.pair(content(want), content(got)) {
		switch {
		case p.want == nil:
			d.add(d.pathIn(got, *p.got), nothing, written(*p.got))
		case p.got == nil:
			d.add(d.pathIn(got, *p.want), written(*p.want), nothing)
		case p.want.node != nil && p.got.node != nil:
			d.elements(p.want.node, p.got.node)
		case *p.want != *p.got:
			d.add(d.path(got), written(*p.want), written(*p.got))
		}
	}
}

// pathIn is the path of what stands in an element of the reply, or should.
func (d *xmlDiffer) pathIn(parent *xmlquery.Node, i item) string {
	if i.node == nil {
		return d.path(parent)
	}
	return d.path(parent) + "/" + d.place(i.node)
}

func written(i item) string {
	if i.node == nil {
		return show(i.text)
	}
	return textOfXML(i.node)
}

func sameName(a, b *xmlquery.Node) bool { return a.Data == b.Data && a.NamespaceURI == b.NamespaceURI }

func (d *xmlDiffer) attributes(want, got *xmlquery.Node) {
	w, g := attributesOf(want), attributesOf(got)
	for _, a := range want.Attr {
		name := xml.Name{Space: a.NamespaceURI, Local: a.Name.Local}
		value, there := g[name]
		switch {
		case a.NamespaceURI == xmlnsNamespace:
		case !there:
			d.add(d.pathAt(got, a), show(a.Value), nothing)
		case value != a.Value:
			d.add(d.pathAt(got, a), show(a.Value), show(value))
		}
	}
	for _, a := range got.Attr {
		if _, there := w[xml.Name{Space: a.NamespaceURI, Local: a.Name.Local}]; !there && a.NamespaceURI != xmlnsNamespace {
			d.add(d.pathAt(got, a), nothing, show(a.Value))
		}
	}
}

func (d *xmlDiffer) pathAt(n *xmlquery.Node, a xmlquery.Attr) string {
	return d.path(n) + "/@" + d.names.nameIn(a.NamespaceURI, a.Name.Space, a.Name.Local)
}

func attributesOf(n *xmlquery.Node) map[xml.Name]string {
	all := map[xml.Name]string{}
	for _, a := range n.Attr {
		if a.NamespaceURI != xmlnsNamespace {
			all[xml.Name{Space: a.NamespaceURI, Local: a.Name.Local}] = a.Value
		}
	}
	return all
}

// content is what stands in an element and counts: its elements, and its texts but for white space beside an element.
func content(n *xmlquery.Node) []item {
	var items []item
	var text strings.Builder
	elements := false
	flush := func() {
		if text.Len() > 0 {
			items = append(items, item{text: text.String()})
		}
		text.Reset()
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch c.Type {
		case xmlquery.TextNode:
			text.WriteString(c.Data)
		case xmlquery.ElementNode:
			flush()
			items, elements = append(items, item{node: c}), true
		}
	}
	flush()
	if elements {
		items = slices.DeleteFunc(items, func(i item) bool { return i.node == nil && strings.TrimSpace(i.text) == "" })
	}
	return items
}

// pairing is two items that are compared, or one that has no other.
type pairing struct{ want, got *item }

// mostPairs bounds the work of finding out which of two long lists' elements belong together.
const mostPairs = 4_000_000

// pair finds which items belong together, in order, so that one too many is one difference and not as many as follow it:
// as many as can be that are the same, then of the same name. Very long lists are compared place by place.
func (d *xmlDiffer) pair(want, got []item) []pairing {
	head := 0
	for head < min(len(want), len(got)) && d.worth(want[head], got[head]) == sameItem {
		head++
	}
	tail := 0
	for tail < min(len(want), len(got))-head && d.worth(want[len(want)-1-tail], got[len(got)-1-tail]) == sameItem {
		tail++
	}
	var out []pairing
	for i := range head {
		out = append(out, pairing{&want[i], &got[i]})
	}
	w, g := want[head:len(want)-tail], got[head:len(got)-tail]
	if len(w)*len(g) > mostPairs {
		out = append(out, byPlace(w, g)...)
	} else {
		out = append(out, d.align(w, g)...)
	}
	for i := range tail {
		out = append(out, pairing{&want[len(want)-tail+i], &got[len(got)-tail+i]})
	}
	return out
}

func byPlace(want, got []item) []pairing {
	var out []pairing
	for i := range max(len(want), len(got)) {
		var p pairing
		if i < len(want) {
			p.want = &want[i]
		}
		if i < len(got) {
			p.got = &got[i]
		}
		out = append(out, p)
	}
	return out
}

const (
	sameItem = 1000 // worth of pairing two that are the same: more than any number of the same name beside it
	sameKind = 1
)

func (d *xmlDiffer) worth(a, b item) int {
	switch {
	case a.node == nil && b.node == nil:
		if a.text == b.text {
			return sameItem
		}
		return sameKind
	case a.node == nil || b.node == nil || !sameName(a.node, b.node):
		return 0
	case d.hash(a.node) == d.hash(b.node):
		return sameItem
	}
	return sameKind
}

// align pairs by the greatest worth, as the longest common subsequence does.
func (d *xmlDiffer) align(want, got []item) []pairing {
	best := make([][]int, len(want)+1) // of what is left from i and j on
	for i := range best {
		best[i] = make([]int, len(got)+1)
	}
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(got) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if worth := d.worth(want[i], got[j]); worth > 0 {
				best[i][j] = max(best[i][j], best[i+1][j+1]+worth)
			}
		}
	}
	var out []pairing
	i, j := 0, 0
	for i < len(want) && j < len(got) {
		worth := d.worth(want[i], got[j])
		switch {
		case worth > 0 && best[i][j] == best[i+1][j+1]+worth:
			out = append(out, pairing{&want[i], &got[j]})
			i, j = i+1, j+1
		case best[i][j] == best[i+1][j]:
			out = append(out, pairing{want: &want[i]})
			i++
		default:
			out = append(out, pairing{got: &got[j]})
			j++
		}
	}
	return append(out, slices.Concat(byPlace(want[i:], nil), byPlace(nil, got[j:]))...)
}

// hash is the same for elements that are the same. It only tells what belongs together: the comparison itself looks at
// everything.
func (d *xmlDiffer) hash(n *xmlquery.Node) uint64 {
	if h, known := d.hashes[n]; known {
		return h
	}
	var h maphash.Hash
	h.SetSeed(d.seed)
	maphash.WriteComparable(&h, xml.Name{Space: n.NamespaceURI, Local: n.Data})
	var attributes uint64 // in any order
	for name, value := range attributesOf(n) {
		attributes += maphash.Comparable(d.seed, [3]string{name.Space, name.Local, value})
	}
	maphash.WriteComparable(&h, attributes)
	for _, i := range content(n) {
		if i.node != nil {
			maphash.WriteComparable(&h, d.hash(i.node))
		} else {
			maphash.WriteComparable(&h, i.text)
		}
	}
	d.hashes[n] = h.Sum64()
	return d.hashes[n]
}
