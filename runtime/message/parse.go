package message

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"golang.org/x/net/html/charset"

	"github.com/parley-run/parley/runtime/service"
)

// What a document may hold, against those that are made to take all memory.
const (
	maxDepth = 200
	maxNodes = 1_000_000 // elements, attributes and texts together
)

// ParseXML reads a document that is well-formed and whose prefixes are all bound, in UTF-8, UTF-16 or what its declaration
// says, and gives its root. A DOCTYPE is not accepted, so that there are no entities of the document's own. Its errors are
// *service.Error of code Invalid and say line and column.
func ParseXML(raw []byte) (*Element, error) {
	r := &reader{bound: map[string][]string{"xml": {xmlNamespace}}}
	if text, ok := fromUTF16(raw); ok {
		r.dec = xml.NewDecoder(strings.NewReader(text))
		r.dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is done
	} else {
		r.dec = xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
		r.dec.CharsetReader = charset.NewReaderLabel
	}
	for {
		token, err := r.dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = r.take(token)
		}
		if err != nil {
			return nil, r.malformed(err)
		}
	}
	switch {
	case r.at != nil:
		return nil, r.malformed(fmt.Errorf("the text ends inside <%s>", written(r.at.Prefix, r.at.Name)))
	case r.root == nil:
		return nil, r.malformed(errors.New("there is no element"))
	}
	return r.root, nil
}

// fromUTF16 is a text that begins with UTF-16's byte order mark as UTF-8.
func fromUTF16(raw []byte) (string, bool) {
	if len(raw) < 2 || len(raw)%2 != 0 {
		return "", false
	}
	var order binary.ByteOrder
	switch {
	case raw[0] == 0xfe && raw[1] == 0xff:
		order = binary.BigEndian
	case raw[0] == 0xff && raw[1] == 0xfe:
		order = binary.LittleEndian
	default:
		return "", false
	}
	units := make([]uint16, 0, len(raw)/2-1)
	for i := 2; i < len(raw); i += 2 {
		units = append(units, order.Uint16(raw[i:]))
	}
	return string(utf16.Decode(units)), true
}

type reader struct {
	dec   *xml.Decoder
	root  *Element
	at    *Element            // the innermost element that is open
	depth int                 // of at
	bound map[string][]string // what each prefix means, the innermost last; "" is the default namespace
	texts strings.Builder     // of texts that touch, until something else comes
	nodes int
}

func (r *reader) malformed(err error) error {
	said := err.Error()
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		said = syntax.Msg
	}
	line, column := r.dec.InputPos()
	return &service.Error{Code: service.Invalid, Message: fmt.Sprintf("malformed XML at line %d, column %d: %s", line, column, said), Err: err}
}

func (r *reader) take(token xml.Token) error {
	if text, is := token.(xml.CharData); is {
		if r.at == nil && len(bytes.TrimSpace(text)) > 0 {
			return errors.New("text outside of the root element")
		}
		if r.at != nil {
			r.texts.Write(text)
		}
		return nil
	}
	if r.texts.Len() > 0 {
		text := r.texts.String()
		r.texts.Reset()
		if err := r.add(node{text: text}, 1); err != nil {
			return err
		}
	}
	switch t := token.(type) {
	case xml.StartElement:
		return r.start(t)
	case xml.EndElement:
		return r.end(t)
	case xml.Comment:
		return r.add(node{text: string(t), comment: true}, 1)
	case xml.Directive:
		return errors.New("a DOCTYPE or other declaration is not accepted")
	}
	return nil
}

func (r *reader) add(n node, count int) error {
	if r.nodes += count; r.nodes > maxNodes {
		return fmt.Errorf("more than %d elements, attributes and texts", maxNodes)
	}
	if r.at != nil {
		r.at.content = append(r.at.content, n)
	}
	return nil
}

func (r *reader) start(t xml.StartElement) error {
	name := written(t.Name.Space, t.Name.Local)
	switch {
	case r.depth == maxDepth:
		return fmt.Errorf("more than %d elements inside each other", maxDepth)
	case r.at == nil && r.root != nil:
		return fmt.Errorf("<%s> after the end of the document", name)
	}
	for _, a := range t.Attr {
		if prefix, declares := declared(a.Name); declares {
			r.bound[prefix] = append(r.bound[prefix], a.Value)
		}
	}
	e := &Element{Name: t.Name.Local, Prefix: t.Name.Space, parent: r.at}
	var err error
	if e.Namespace, err = r.namespace(t.Name.Space); err != nil {
		return err
	}
	if e.Attributes, err = r.attributes(t.Attr); err != nil {
		return fmt.Errorf("<%s>: %w", name, err)
	}
	if r.at != nil {
		e.at = len(r.at.content)
	}
	if err := r.add(node{element: e}, 1+len(e.Attributes)); err != nil {
		return err
	}
	if r.root == nil {
		r.root = e
	}
	r.at = e
	r.depth++
	return nil
}

func (r *reader) attributes(list []xml.Attr) ([]Attribute, error) {
	if len(list) == 0 {
		return nil, nil
	}
	out := make([]Attribute, 0, len(list))
	seen := make(map[xml.Name]bool, len(list))
	for _, a := range list {
		uri := ""
		if _, declares := declared(a.Name); declares {
			uri = xmlnsNamespace
		} else if a.Name.Space != "" { // one without prefix is in no namespace
			var err error
			if uri, err = r.namespace(a.Name.Space); err != nil {
				return nil, err
			}
		}
		if name := (xml.Name{Space: uri, Local: a.Name.Local}); seen[name] {
			return nil, fmt.Errorf("the attribute %s stands twice", written(a.Name.Space, a.Name.Local))
		} else {
			seen[name] = true
		}
		out = append(out, Attribute{Name: a.Name.Local, Prefix: a.Name.Space, Namespace: uri, Value: a.Value})
	}
	return out, nil
}

// namespace is what a prefix means where the reader stands.
func (r *reader) namespace(prefix string) (string, error) {
	uris := r.bound[prefix]
	if len(uris) > 0 && (uris[len(uris)-1] != "" || prefix == "") {
		return uris[len(uris)-1], nil
	}
	if prefix != "" {
		return "", fmt.Errorf("the prefix %q is bound to no namespace", prefix)
	}
	return "", nil
}

func (r *reader) end(t xml.EndElement) error {
	name := written(t.Name.Space, t.Name.Local)
	if r.at == nil {
		return fmt.Errorf("</%s> closes nothing", name)
	}
	if open := written(r.at.Prefix, r.at.Name); open != name {
		return fmt.Errorf("</%s> stands where </%s> should", name, open)
	}
	for _, a := range r.at.Attributes {
		if !a.declares() {
			continue
		}
		prefix := a.Name
		if a.Prefix == "" {
			prefix = ""
		}
		r.bound[prefix] = r.bound[prefix][:len(r.bound[prefix])-1]
	}
	r.at = r.at.parent
	r.depth--
	return nil
}

// declared is the prefix that an attribute binds, where it is such an attribute.
func declared(name xml.Name) (prefix string, declares bool) {
	switch {
	case name.Space == "xmlns":
		return name.Local, true
	case name.Space == "" && name.Local == "xmlns":
		return "", true
	}
	return "", false
}
