package steps

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/antchfx/xmlquery"
	"golang.org/x/net/html/charset"
)

// Limits of an XML document, against replies that are made to take all memory. A DTD is never read: neither its files
// nor its entities can do anything.
const (
	deepestXML = 1000      // elements inside each other
	largestXML = 1_000_000 // elements, attributes and texts together
)

const (
	xmlNamespace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsNamespace = "http://www.w3.org/2000/xmlns/"
)

// parseXML reads a document that is well-formed and whose prefixes are all bound. Texts that touch are one, as in XPath's
// model of a document, and prefixes stay as they were written.
func parseXML(raw []byte) (*xmlquery.Node, error) {
	r := &xmlReader{bound: map[string][]string{}}
	if text, ok := fromUTF16(raw); ok {
		r.dec = xml.NewDecoder(strings.NewReader(text))
		r.dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is done
	} else {
		r.dec = xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte(byteOrderMark))))
		r.dec.CharsetReader = charset.NewReaderLabel
	}
	r.doc = &xmlquery.Node{Type: xmlquery.DocumentNode}
	r.at = r.doc
	r.bound["xml"] = []string{xmlNamespace}
	for {
		token, err := r.dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = r.take(token)
		}
		if err != nil {
			return nil, r.wrong(err)
		}
	}
	switch {
	case len(r.open) > 0:
		return nil, r.wrong(fmt.Errorf("it ends inside <%s>", r.open[len(r.open)-1].name))
	case rootOf(r.doc) == nil:
		return nil, errors.New("not XML: it has no element")
	}
	return r.doc, nil
}

type xmlReader struct {
	dec   *xml.Decoder
	doc   *xmlquery.Node
	at    *xmlquery.Node // the innermost element that is open, else doc
	open  []openElement
	bound map[string][]string // what each prefix means, the innermost last; "" is the default namespace
	texts strings.Builder     // of texts that touch, until something else comes
	nodes int
	dtd   bool
}

type openElement struct {
	name  string   // as written
	binds []string // prefixes
}

func (r *xmlReader) wrong(err error) error {
	var syntax *xml.SyntaxError
	said := err.Error()
	if errors.As(err, &syntax) {
		said = syntax.Msg
	}
	if r.dtd && strings.Contains(said, "entity") {
		said += "; entities of a DTD are not read"
	}
	line, column := r.dec.InputPos()
	return fmt.Errorf("not XML: line %d, column %d: %s", line, column, said)
}

func (r *xmlReader) take(token xml.Token) error {
	if text, is := token.(xml.CharData); is {
		return r.text(text)
	}
	if r.texts.Len() > 0 {
		n := &xmlquery.Node{Type: xmlquery.TextNode, Data: r.texts.String()}
		r.texts.Reset()
		if err := r.add(n, 1); err != nil {
			return err
		}
	}
	switch t := token.(type) {
	case xml.StartElement:
		return r.start(t)
	case xml.EndElement:
		return r.end(asWritten(t.Name))
	case xml.Comment:
		return r.add(&xmlquery.Node{Type: xmlquery.CommentNode, Data: string(t)}, 1)
	case xml.ProcInst:
		if t.Target == "xml" {
			return r.add(&xmlquery.Node{Type: xmlquery.DeclarationNode, Data: "xml"}, 1)
		}
		inst := &xmlquery.ProcInstData{Target: t.Target, Inst: string(t.Inst)}
		return r.add(&xmlquery.Node{Type: xmlquery.ProcessingInstruction, Data: t.Target, ProcInst: inst}, 1)
	case xml.Directive:
		r.dtd = true
		return r.add(&xmlquery.Node{Type: xmlquery.NotationNode, Data: string(t)}, 1)
	}
	return nil
}

func (r *xmlReader) add(n *xmlquery.Node, count int) error {
	if r.nodes += count; r.nodes > largestXML {
		return fmt.Errorf("it has more than %d elements, attributes and texts, which is the limit", largestXML)
	}
	xmlquery.AddChild(r.at, n)
	return nil
}

func (r *xmlReader) start(t xml.StartElement) error {
	if len(r.open) == deepestXML {
		return fmt.Errorf("it has more than %d elements inside each other, which is the limit", deepestXML)
	}
	if len(r.open) == 0 && rootOf(r.doc) != nil {
		return fmt.Errorf("there is a second root element, <%s>", asWritten(t.Name))
	}
	e := openElement{name: asWritten(t.Name)}
	for _, a := range t.Attr {
		if prefix, binds := bindingOf(a.Name); binds {
			r.bound[prefix] = append(r.bound[prefix], a.Value)
			e.binds = append(e.binds, prefix)
		}
	}
	uri, err := r.namespace(t.Name.Space)
	if err != nil {
		return err
	}
	n := &xmlquery.Node{Type: xmlquery.ElementNode, Data: t.Name.Local, Prefix: t.Name.Space, NamespaceURI: uri}
	if n.Attr, err = r.attributes(t.Attr); err != nil {
		return fmt.Errorf("<%s>: %w", e.name, err)
	}
	if err := r.add(n, 1+len(n.Attr)); err != nil {
		return err
	}
	r.open, r.at = append(r.open, e), n
	return nil
}

func (r *xmlReader) attributes(list []xml.Attr) ([]xmlquery.Attr, error) {
	out := make([]xmlquery.Attr, 0, len(list))
	seen := make(map[xml.Name]bool, len(list))
	for _, a := range list {
		uri := xmlnsNamespace
		if _, binds := bindingOf(a.Name); !binds {
			uri = "" // an attribute without prefix is in no namespace
			if a.Name.Space != "" {
				var err error
				if uri, err = r.namespace(a.Name.Space); err != nil {
					return nil, err
				}
			}
		}
		name := xml.Name{Space: uri, Local: a.Name.Local}
		if seen[name] {
			return nil, fmt.Errorf("it has the attribute %s twice", asWritten(a.Name))
		}
		seen[name] = true
		out = append(out, xmlquery.Attr{Name: a.Name, Value: a.Value, NamespaceURI: uri})
	}
	return out, nil
}

// namespace is what a prefix means where the reader stands.
func (r *xmlReader) namespace(prefix string) (string, error) {
	uris := r.bound[prefix]
	if len(uris) > 0 && (uris[len(uris)-1] != "" || prefix == "") {
		return uris[len(uris)-1], nil
	}
	if prefix != "" {
		return "", fmt.Errorf("the prefix %q is bound to no namespace", prefix)
	}
	return "", nil
}

func (r *xmlReader) end(name string) error {
	if len(r.open) == 0 {
		return fmt.Errorf("</%s> closes nothing", name)
	}
	last := len(r.open) - 1
	e := r.open[last]
	if e.name != name {
		return fmt.Errorf("</%s> stands where </%s> must", name, e.name)
	}
	for _, prefix := range e.binds {
		r.bound[prefix] = r.bound[prefix][:len(r.bound[prefix])-1]
	}
	r.open, r.at = r.open[:last], r.at.Parent
	return nil
}

func (r *xmlReader) text(data xml.CharData) error {
	if r.at != r.doc {
		r.texts.Write(data)
		return nil
	}
	if len(bytes.TrimSpace(data)) > 0 {
		return errors.New("there is text outside of the root element")
	}
	return nil
}

// bindingOf is the prefix that an attribute binds, where it is such an attribute.
func bindingOf(name xml.Name) (prefix string, binds bool) {
	switch {
	case name.Space == "xmlns":
		return name.Local, true
	case name.Space == "" && name.Local == "xmlns":
		return "", true
	}
	return "", false
}

func asWritten(name xml.Name) string {
	if name.Space == "" {
		return name.Local
	}
	return name.Space + ":" + name.Local
}

func rootOf(doc *xmlquery.Node) *xmlquery.Node {
	for n := doc.FirstChild; n != nil; n = n.NextSibling {
		if n.Type == xmlquery.ElementNode {
			return n
		}
	}
	return nil
}

// children are the elements right inside n.
func children(n *xmlquery.Node) []*xmlquery.Node {
	var list []*xmlquery.Node
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == xmlquery.ElementNode {
			list = append(list, c)
		}
	}
	return list
}

// fitsXML is an error where text has a character that no XML document can have.
func fitsXML(text string) error {
	if at := strings.IndexFunc(text, func(c rune) bool { return !validXML(c) }); at >= 0 {
		return fmt.Errorf("the value %q has the character %U, which XML cannot have", text, []rune(text[at:])[0])
	}
	return nil
}

// validXML is the production Char of XML 1.0.
func validXML(c rune) bool {
	return slices.Contains([]rune{'\t', '\n', '\r'}, c) || (c >= ' ' && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) || (c >= 0x10000 && c <= 0x10FFFF)
}
