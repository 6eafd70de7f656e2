package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/antchfx/xmlquery"
)

func xmlSteps() []Step { return slices.Concat(xmlRequestSteps(), xmlReplySteps()) }

func xmlReplySteps() []Step {
	return []Step{
		reply(`XPath "{xpath}" is "{value}"`, "The XPath finds one element or attribute, and that is its text.",
			`XPath "//item/first_name" is "Sean"`, assertXPath(asIs)),
		reply(`XPath "{xpath}" is an integer "{value}"`, "The XPath finds one element or attribute, and its text is that whole number.", `XPath "//code" is an integer "0"`, assertXPath(asInteger)),
		reply(`XPath "{xpath}" is a float "{value}"`, "The XPath finds one element or attribute, and its text is that number; 357 is 357.0.", `XPath "//amount" is a float "357.0"`, assertXPath(asFloat)),
		reply(`XPath "{xpath}" is empty`, "The XPath finds one element or attribute, with no text.", `XPath "//details" is empty`, assertXPathEmpty),
		reply(`XPath "{xpath}" is not empty`, "The XPath finds one element; as in zato-apitest it may be one with no text. Say: has text, where it must have some.",
			`XPath "//cid" is not empty`, assertXPathThere),
		reply(`XPath "{xpath}" has text`, "The XPath finds one element or attribute, with some text.", `XPath "//cid" has text`, assertXPathText),
		reply(`XPath "{xpath}" is one of "{value}"`, "Its text is one of these, written with commas.", `XPath "//type" is one of "A,B"`, assertXPathOneOf),
		reply(`XPath "{xpath}" is not one of "{value}"`, "Its text is none of these.", `XPath "//type" is not one of "A,B"`, assertXPathNotOneOf),
		reply(`XPath "{xpath}" contains the text "{value}"`, "That occurs in its text, or in that of an element inside.",
			`XPath "//details" contains the text "cust_id"`, assertXPathContains),
		reply(`XPath "{xpath}" exists`, "The XPath finds something.", `XPath "//item" exists`, assertSomeXPath),
		reply(`XPath "{xpath}" does not exist`, "The XPath finds nothing.", `XPath "//password" does not exist`, assertNoXPath),
		reply(`XPath "{xpath}" finds {count} element(s)`, "The XPath finds so many elements.", `XPath "//item" finds 3 elements`, assertXPathCount),
	}
}

// document is the reply as XML, whatever the response format is.
func (r *Reply) document() (*xmlquery.Node, error) {
	if r.xml != nil {
		return r.xml, nil
	}
	doc, err := parseXML(r.Body)
	if err != nil {
		return nil, fmt.Errorf("the reply is %w", err)
	}
	r.xml = doc
	return doc, nil
}

// all is what an XPath finds in the reply.
func (w *World) all(path string) (*xpathFound, error) {
	doc, err := w.reply.document()
	if err != nil {
		return nil, err
	}
	return query(doc, path, w.namespaces)
}

// one is the only node that an XPath finds in the reply. Where it computes a value, that is a text without an element.
func (w *World) one(path string) (hit, error) {
	found, err := w.all(path)
	if err != nil {
		return hit{}, err
	}
	if found.scalar {
		return hit{node: &xmlquery.Node{Type: xmlquery.TextNode, Data: found.value}, attr: -1}, nil
	}
	if len(found.hits) != 1 {
		return hit{}, prefixes(w.namespaces).notOne(w.reply.xml, "reply", path, found)
	}
	return found.hits[0], nil
}

// xpathAt is what a step stores of a reply: the text of the one node that an XPath finds, or a list of several.
func (r *Reply) xpathAt(path string, namespaces map[string]string) (any, error) {
	doc, err := r.document()
	if err != nil {
		return nil, err
	}
	found, err := query(doc, path, namespaces)
	switch {
	case err != nil:
		return nil, err
	case found.scalar:
		return found.value, nil
	case len(found.hits) == 0:
		return nil, fmt.Errorf("XPath %q: %w", path, errNoValue)
	case len(found.hits) == 1:
		return found.hits[0].text(), nil
	}
	var list []any
	for _, h := range found.hits {
		list = append(list, h.text())
	}
	return list, nil
}

// assertXPath compares an element's text with what a step expects, both converted.
func assertXPath(convert func(any) (any, error)) func(context.Context, *World, Args) error {
	return func(_ context.Context, w *World, a Args) error {
		want, err := convert(a.Text(1))
		if err != nil {
			return err
		}
		h, err := w.one(a.Text(0))
		if err != nil {
			return err
		}
		if got, err := convert(h.text()); err != nil || !equal(want, got) {
			return differs(fmt.Sprintf("XPath %q is not what was expected", a.Text(0)), want, h.text())
		}
		return nil
	}
}

func assertXPathEmpty(_ context.Context, w *World, a Args) error {
	h, err := w.one(a.Text(0))
	if err == nil && h.text() != "" {
		return differs(fmt.Sprintf("XPath %q is not empty", a.Text(0)), "", h.text())
	}
	return err
}

// assertXPathThere is as lenient as zato-apitest: it compares an element's text, which is null in <e/>, with "".
func assertXPathThere(_ context.Context, w *World, a Args) error {
	h, err := w.one(a.Text(0))
	if err == nil && (h.attr >= 0 || h.node.Type != xmlquery.ElementNode) && h.text() == "" {
		return failf("XPath %q is empty", a.Text(0))
	}
	return err
}

func assertXPathText(_ context.Context, w *World, a Args) error {
	h, err := w.one(a.Text(0))
	if err == nil && h.text() == "" {
		return failf("XPath %q has no text", a.Text(0))
	}
	return err
}

func (w *World) xpathOneOf(a Args) (got string, list any, found bool, err error) {
	h, err := w.one(a.Text(0))
	if err != nil {
		return "", nil, false, err
	}
	list, err = asList(a.Value(1))
	all, _ := list.([]any)
	return h.text(), list, slices.ContainsFunc(all, func(v any) bool { return textOf(v) == h.text() }), err
}

func assertXPathOneOf(_ context.Context, w *World, a Args) error {
	got, list, found, err := w.xpathOneOf(a)
	if err == nil && !found {
		return differs(fmt.Sprintf("XPath %q is none of these", a.Text(0)), list, got)
	}
	return err
}

func assertXPathNotOneOf(_ context.Context, w *World, a Args) error {
	got, list, found, err := w.xpathOneOf(a)
	if err == nil && found {
		return differs(fmt.Sprintf("XPath %q is one of these", a.Text(0)), plain("none of "+show(list)), got)
	}
	return err
}

func assertXPathContains(_ context.Context, w *World, a Args) error {
	h, err := w.one(a.Text(0))
	if err != nil {
		return err
	}
	got := h.text()
	if h.node.Type == xmlquery.ElementNode && h.attr < 0 {
		got = h.node.InnerText()
	}
	if !strings.Contains(got, a.Text(1)) {
		return differs(fmt.Sprintf("XPath %q does not contain the text", a.Text(0)), a.Text(1), got)
	}
	return nil
}

// nodes is what an XPath finds where it must find nodes and compute nothing.
func (w *World) nodes(path string) (*xpathFound, error) {
	found, err := w.all(path)
	if err == nil && found.scalar {
		return nil, fmt.Errorf("XPath %q finds no elements, it computes the value %s", path, show(found.value))
	}
	return found, err
}

func assertSomeXPath(_ context.Context, w *World, a Args) error {
	found, err := w.nodes(a.Text(0))
	if err == nil && len(found.hits) == 0 {
		return &Failure{What: fmt.Sprintf("XPath %q finds nothing in the reply", a.Text(0)), Hint: prefixes(w.namespaces).near(w.reply.xml, a.Text(0), found)}
	}
	return err
}

func assertNoXPath(_ context.Context, w *World, a Args) error {
	found, err := w.nodes(a.Text(0))
	if err == nil && len(found.hits) > 0 {
		return differs(fmt.Sprintf("XPath %q finds something", a.Text(0)), plain(nothing), plain(prefixes(w.namespaces).list(found.hits)))
	}
	return err
}

func assertXPathCount(_ context.Context, w *World, a Args) error {
	want, err := a.Int(1)
	if err != nil {
		return err
	}
	found, err := w.nodes(a.Text(0))
	if err == nil && len(found.hits) != want {
		f := &Failure{What: fmt.Sprintf("XPath %q finds another number of elements", a.Text(0)), Expected: show(want), Got: show(len(found.hits))}
		if len(found.hits) > 0 {
			f.Hint = "it finds " + prefixes(w.namespaces).list(found.hits)
		} else {
			f.Hint = prefixes(w.namespaces).near(w.reply.xml, a.Text(0), found)
		}
		return f
	}
	return err
}
