package message

import (
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// Element is an element of an XML document. It is never changed after it was read.
type Element struct {
	Name       string // local
	Prefix     string // as written
	Namespace  string // "" is none
	Attributes []Attribute

	parent  *Element
	content []node
	at      int // its place in the parent's content
}

// Attribute is one of an element. Declarations of namespaces are among them.
type Attribute struct {
	Name      string // local
	Prefix    string // as written
	Namespace string // "" is none
	Value     string
}

// node is what stands in an element: another element, a text or a comment.
type node struct {
	element *Element
	text    string
	comment bool
}

const (
	xmlNamespace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsNamespace = "http://www.w3.org/2000/xmlns/"
	xsiNamespace   = "http://www.w3.org/2001/XMLSchema-instance"
)

func (a Attribute) declares() bool { return a.Namespace == xmlnsNamespace }

func (n node) isText() bool { return n.element == nil && !n.comment }

// Children are the elements right within e.
func (e *Element) Children() []*Element {
	var out []*Element
	for _, n := range e.content {
		if n.element != nil {
			out = append(out, n.element)
		}
	}
	return out
}

// Child is the first element right within e of that local name and namespace; "*" is any namespace. nil: there is none.
func (e *Element) Child(namespace, name string) *Element {
	for _, n := range e.content {
		if c := n.element; c != nil && c.Name == name && (namespace == "*" || c.Namespace == namespace) {
			return c
		}
	}
	return nil
}

// Attribute is the value of the attribute of that local name in no namespace, and whether there is one.
func (e *Element) Attribute(name string) (string, bool) {
	for _, a := range e.Attributes {
		if a.Name == name && a.Namespace == "" {
			return a.Value, true
		}
	}
	return "", false
}

// Text is all text within e, that of elements within it too, as XPath's string() has it.
func (e *Element) Text() string {
	if len(e.content) == 1 && e.content[0].isText() {
		return e.content[0].text
	}
	var b strings.Builder
	e.appendText(&b)
	return b.String()
}

func (e *Element) appendText(b *strings.Builder) {
	for _, n := range e.content {
		switch {
		case n.element != nil:
			n.element.appendText(b)
		case !n.comment:
			b.WriteString(n.text)
		}
	}
}

// Data is e in the neutral form, without its own name:
//
//   - an element that holds text alone is that text, an empty one is "", and one that says xsi:nil is nil;
//   - any other is an *service.Object of its attributes, as @name, its children in order, and its text, as #text;
//   - children of one name are a []any where the first of them stood.
//
// Names lose their prefixes. Declarations of namespaces, attributes of XML Schema's own (xsi:type) and comments are left out.
func (e *Element) Data() any {
	o := service.NewObject(4)
	for _, a := range e.Attributes {
		switch {
		case a.declares():
		case a.Namespace == xsiNamespace:
			if a.Name == "nil" && (a.Value == "true" || a.Value == "1") {
				return nil
			}
		default:
			o.Set("@"+a.Name, a.Value)
		}
	}
	var text strings.Builder
	repeated := map[string]bool{}
	elements := 0
	for _, n := range e.content {
		c := n.element
		if c == nil {
			if !n.comment {
				text.WriteString(n.text)
			}
			continue
		}
		elements++
		first, known := o.Get(c.Name)
		switch {
		case !known:
			o.Set(c.Name, c.Data())
		case repeated[c.Name]:
			o.Set(c.Name, append(first.([]any), c.Data()))
		default:
			repeated[c.Name] = true
			o.Set(c.Name, []any{first, c.Data()})
		}
	}
	if o.Len() == 0 {
		return text.String()
	}
	said := text.String()
	if elements > 0 {
		said = strings.TrimSpace(said)
	}
	if said != "" {
		o.Set("#text", said)
	}
	return o
}

// XML is e as it was written, a document of its own: it declares the namespaces that are declared around it.
func (e *Element) XML() string {
	var b strings.Builder
	e.write(&b, e.inherited())
	return b.String()
}

// inherited are the declarations around e that e does not make itself.
func (e *Element) inherited() []Attribute {
	made := map[string]bool{}
	for _, a := range e.Attributes {
		if a.declares() {
			made[a.Prefix+":"+a.Name] = true
		}
	}
	var out []Attribute
	for p := e.parent; p != nil; p = p.parent {
		for _, a := range p.Attributes {
			if key := a.Prefix + ":" + a.Name; a.declares() && !made[key] {
				made[key] = true
				out = append(out, a)
			}
		}
	}
	return out
}

func (e *Element) write(b *strings.Builder, more []Attribute) {
	b.WriteString("<" + written(e.Prefix, e.Name))
	for _, list := range [...][]Attribute{e.Attributes, more} {
		for _, a := range list {
			b.WriteString(" " + written(a.Prefix, a.Name) + `="` + escapeAttribute(a.Value) + `"`)
		}
	}
	if len(e.content) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteString(">")
	for _, n := range e.content {
		switch {
		case n.element != nil:
			n.element.write(b, nil)
		case n.comment:
			b.WriteString("<!--" + n.text + "-->")
		default:
			b.WriteString(escapeText(n.text))
		}
	}
	b.WriteString("</" + written(e.Prefix, e.Name) + ">")
}

func written(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + ":" + name
}

func escapeText(s string) string {
	if !strings.ContainsAny(s, "&<>\r") {
		return s
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;").Replace(s)
}

func escapeAttribute(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\t", "&#9;", "\n", "&#10;", "\r", "&#13;").Replace(s)
}
