package sio

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/parley-run/parley/runtime/service"
)

// The namespaces of SOAP's envelopes.
const (
	SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
	SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
)

// maxEnvelope is within how many bytes of a SOAP message Body's first element must begin: that much is read before it is
// known who sends it.
const maxEnvelope = 64 << 10

// maxElements is how many elements Header may hold.
const maxElements = 2000

// maxNamespaces is how many declarations of namespaces may count at one place.
const maxNamespaces = 128

// Envelope is a SOAP message up to where Body's first element begins.
type Envelope struct {
	Namespace string    // SOAP11, SOAP12 or, with nothing else read, that of no version that is known
	Headers   []Element // the blocks of Header
	Operation string    // local name of Body's first element; empty: there is none

	prefix   string // of the envelope's elements, with its colon
	header   int    // behind Header's start tag; 0: there is none
	noHeader bool   // Header is <Header/>
	body     int    // where Body's start tag begins
}

// Element is an XML element with names in their namespaces.
type Element struct {
	Namespace, Name string
	Attributes      []Attribute
	Text            string // between its tags, beside its children
	Children        []Element
}

// Attribute is one of an Element.
type Attribute struct{ Namespace, Name, Value string }

// Attribute is the value of the attribute of that name, or "".
func (e *Element) Attribute(namespace, name string) string {
	for _, a := range e.Attributes {
		if a.Namespace == namespace && a.Name == name {
			return a.Value
		}
	}
	return ""
}

// ReadEnvelope reads a SOAP message as far as it says what to do with it, which is 64 KiB at most, however long raw is. Its
// errors are *service.Error of code Invalid that say line and column.
func ReadEnvelope(raw []byte) (*Envelope, error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	head, isCut := raw, len(raw) > maxEnvelope
	if isCut {
		head = cut(raw[:maxEnvelope])
	}
	d, err := newXMLDecoder(head)
	r := envelopeReader{xmlDecoder: d}
	r.keeps = true
	if err == nil {
		err = r.read()
	}
	if err == nil {
		return &r.envelope, nil
	}
	var placed *placedError
	if isCut && errors.As(err, &placed) && placed.at >= int64(len(head)) {
		return nil, service.Errorf(service.Invalid, "the first element of the SOAP message's Body does not begin within its first %d KiB", maxEnvelope>>10)
	}
	return nil, d.malformed(err)
}

// cut is the beginning of a longer text without what is not whole at its end: a tag, a comment, a character.
func cut(head []byte) []byte {
	if n := bytes.LastIndexByte(head, '<'); n >= 0 && bytes.IndexByte(head[n:], '>') < 0 {
		return head[:n]
	}
	for n := len(head) - 1; n >= 0 && n >= len(head)-utf8.UTFMax; n-- {
		if utf8.RuneStart(head[n]) && utf8.FullRune(head[n:]) {
			break
		} else if utf8.RuneStart(head[n]) {
			return head[:n]
		}
	}
	return head
}

// envelopeReader reads with namespaces.
type envelopeReader struct {
	xmlDecoder
	scope    []declared
	count    int
	envelope Envelope
}

// declared is the namespace of a prefix, within elements of that depth.
type declared struct {
	prefix, namespace string
	depth             int
}

func (r *envelopeReader) read() error {
	e := &r.envelope
	for {
		event, err := r.next()
		if err != nil {
			return err
		}
		if event == xmlText && isBlank(r.chars) {
			continue
		}
		if event != xmlStart || r.name != "Envelope" {
			return faultAt(r.started, "this is no SOAP message: its root is no Envelope")
		}
		break
	}
	root, err := r.begin()
	if err != nil {
		return err
	}
	e.prefix = prefixOf(r.open[0])
	if e.Namespace = root.Namespace; e.Namespace != SOAP11 && e.Namespace != SOAP12 {
		return nil
	}
	for {
		found, err := r.child("Envelope")
		if err != nil {
			return err
		}
		if found == nil {
			return faultAt(r.started, "the Envelope has no Body")
		}
		at, isEmpty := r.started, r.empty
		switch {
		case found.Namespace == e.Namespace && found.Name == "Header" && e.header == 0:
			e.header, e.noHeader = r.at, isEmpty
			if err := r.headers(); err != nil {
				return err
			}
		case found.Namespace == e.Namespace && found.Name == "Body":
			e.body = at
			first, err := r.child("Body")
			if first != nil {
				e.Operation = first.Name
			}
			return err
		default:
			return faultAt(at, "<%s> in the Envelope, which holds one Header and then one Body", shorten(found.Name))
		}
	}
}

func (r *envelopeReader) headers() error {
	for {
		block, err := r.child("Header")
		if err != nil || block == nil {
			return err
		}
		if err := r.whole(block); err != nil {
			return err
		}
		r.envelope.Headers = append(r.envelope.Headers, *block)
	}
}

// child begins the next child of the element that is open, or reads that one's end: nil.
func (r *envelopeReader) child(parent string) (*Element, error) {
	for {
		event, err := r.next()
		switch {
		case err != nil:
			return nil, err
		case event == xmlStart:
			return r.begin()
		case event != xmlText:
			return nil, nil
		case !isBlank(r.chars):
			return nil, faultAt(r.started, "text in <%s>, where elements should be", parent)
		}
	}
}

// whole reads what stands in an element.
func (r *envelopeReader) whole(e *Element) error {
	text := content{at: -1}
	for {
		event, err := r.next()
		switch {
		case err != nil:
			return err
		case event == xmlText:
			text.add(&r.xmlDecoder)
		case event != xmlStart:
			e.Text = text.String()
			return nil
		default:
			child, err := r.begin()
			if err == nil {
				err = r.whole(child)
			}
			if err != nil {
				return err
			}
			e.Children = append(e.Children, *child)
		}
	}
}

// begin is the element that has just begun.
func (r *envelopeReader) begin() (*Element, error) {
	if r.count++; r.count > maxElements {
		return nil, faultAt(r.started, "more than %d elements before the Body's", maxElements)
	}
	depth := len(r.open)
	for n := len(r.scope); n > 0 && r.scope[n-1].depth >= depth; n-- {
		r.scope = r.scope[:n-1]
	}
	for _, a := range r.attrs {
		prefix, isPrefix := strings.CutPrefix(a.name, "xmlns:")
		if a.name != "xmlns" && !isPrefix {
			continue
		}
		if a.name == "xmlns" {
			prefix = ""
		}
		if len(r.scope) == maxNamespaces {
			return nil, faultAt(r.started, "more than %d declarations of namespaces", maxNamespaces)
		}
		r.scope = append(r.scope, declared{prefix, attributeText(a.value), depth})
	}
	e := &Element{Name: r.name}
	var err error
	if e.Namespace, err = r.namespace(prefixOf(r.open[depth-1])); err != nil {
		return nil, err
	}
	for _, a := range r.attrs {
		if a.name == "xmlns" || strings.HasPrefix(a.name, "xmlns:") {
			continue
		}
		one := Attribute{Name: a.name, Value: attributeText(a.value)}
		if prefix := prefixOf(a.name); prefix != "" {
			one.Name = a.name[len(prefix):]
			if one.Namespace, err = r.namespace(prefix); err != nil {
				return nil, err
			}
		}
		e.Attributes = append(e.Attributes, one)
	}
	return e, nil
}

// prefixOf is a name's prefix with its colon, or "".
func prefixOf(name string) string { return name[:strings.IndexByte(name, ':')+1] }

func (r *envelopeReader) namespace(prefix string) (string, error) {
	bare := strings.TrimSuffix(prefix, ":")
	for i := len(r.scope) - 1; i >= 0; i-- {
		if r.scope[i].prefix == bare {
			return r.scope[i].namespace, nil
		}
	}
	switch bare {
	case "":
		return "", nil
	case "xml":
		return "http://www.w3.org/XML/1998/namespace", nil
	}
	return "", faultAt(r.started, "the prefix %s stands for no namespace", shorten(bare))
}

// attributeText is an attribute's value with its entities resolved, which the scanner has checked.
func attributeText(value string) string {
	if !strings.Contains(value, "&") {
		return value
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '&' {
			b.WriteByte(value[i])
			continue
		}
		text, size, err := entity(value[i:])
		if err != nil {
			return value
		}
		b.WriteString(text)
		i += size - 1
	}
	return b.String()
}

// WithHeader is raw, which was read, with one more block in its Header.
func (e *Envelope) WithHeader(raw, block []byte) []byte {
	mark := len(raw) - len(bytes.TrimPrefix(raw, []byte("\ufeff")))
	name := e.prefix + "Header"
	at, rest, around := mark+e.header, mark+e.header, [2]string{}
	switch {
	case e.header == 0:
		at, rest = mark+e.body, mark+e.body
		around = [2]string{"<" + name + ">", "</" + name + ">"}
	case e.noHeader: // ends in />
		at = bytes.LastIndexByte(raw[:at], '/')
		around = [2]string{">", "</" + name + ">"}
	}
	out := make([]byte, 0, len(raw)+len(block)+2*len(name)+5)
	out = append(append(out, raw[:at]...), around[0]...)
	out = append(append(out, block...), around[1]...)
	return append(out, raw[rest:]...)
}
