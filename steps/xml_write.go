package steps

import (
	"encoding/xml"
	"slices"
	"strings"

	"github.com/antchfx/xmlquery"
)

// writeXML writes a document or a part of it in UTF-8. All inside the root element is as it was read.
func writeXML(b *strings.Builder, n *xmlquery.Node) {
	switch n.Type {
	case xmlquery.TextNode:
		b.WriteString(escapeText(n.Data))
		return
	case xmlquery.CommentNode:
		b.WriteString("<!--" + n.Data + "-->")
		return
	case xmlquery.DeclarationNode:
		b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>`)
		return
	case xmlquery.NotationNode:
		b.WriteString("<!" + n.Data + ">")
		return
	case xmlquery.ProcessingInstruction:
		b.WriteString("<?" + strings.TrimSpace(n.ProcInst.Target+" "+n.ProcInst.Inst) + "?>")
		return
	}
	if n.Type == xmlquery.ElementNode {
		writeStart(b, n)
		if n.FirstChild == nil {
			b.WriteString("/>")
			return
		}
		b.WriteString(">")
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		writeXML(b, c)
		if n.Type == xmlquery.DocumentNode {
			b.WriteString("\n")
		}
	}
	if n.Type == xmlquery.ElementNode {
		b.WriteString("</" + asWritten(xml.Name{Space: n.Prefix, Local: n.Data}) + ">")
	}
}

func textOfXML(n *xmlquery.Node) string {
	var b strings.Builder
	writeXML(&b, n)
	return b.String()
}

// indentedXML is a document for people, with an element a line where no text stands beside elements.
func indentedXML(doc *xmlquery.Node) string {
	var b strings.Builder
	for c := doc.FirstChild; c != nil; c = c.NextSibling {
		writeIndented(&b, c, "\n")
	}
	return strings.TrimSpace(b.String())
}

func writeIndented(b *strings.Builder, n *xmlquery.Node, line string) {
	b.WriteString(line)
	inside := content(n)
	if n.Type != xmlquery.ElementNode || len(inside) == 0 || slices.ContainsFunc(inside, func(i item) bool { return i.node == nil }) {
		writeXML(b, n)
		return
	}
	writeStart(b, n)
	b.WriteString(">")
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type != xmlquery.TextNode {
			writeIndented(b, c, line+"  ")
		}
	}
	b.WriteString(line + "</" + asWritten(xml.Name{Space: n.Prefix, Local: n.Data}) + ">")
}

// writeStart writes an element's tag, but for its end.
func writeStart(b *strings.Builder, n *xmlquery.Node) {
	b.WriteString("<" + asWritten(xml.Name{Space: n.Prefix, Local: n.Data}))
	for _, a := range n.Attr {
		b.WriteString(" " + asWritten(a.Name) + `="` + escapeAttribute(a.Value) + `"`)
	}
}

func escapeText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;").Replace(s)
}

func escapeAttribute(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\t", "&#9;", "\n", "&#10;", "\r", "&#13;").Replace(s)
}
