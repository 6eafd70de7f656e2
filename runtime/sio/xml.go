package sio

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// DecodeXML reads one XML document (UTF-8) into the neutral form of data. The root's children become an
// *service.Object, whatever the root is called:
//
//   - an element that holds text alone is that text, and <x/> is "";
//   - an element with children is an *service.Object of them, in order;
//   - children of one name become a []any where the first of them stood;
//   - an element below the root whose children are all called item is a []any of them, also of a single one,
//     which is how EncodeXML writes lists.
//
// Names lose their namespace prefix; attributes, comments and processing instructions are ignored. Text beside
// elements, a DOCTYPE, more than MaxDepth levels and whatever is not well-formed are errors: each a
// *service.Error of code Invalid that says line and column. An empty or blank document is nil. The result shares no
// memory with raw.
func DecodeXML(raw []byte) (any, error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if isBlank(string(raw)) {
		return nil, nil
	}
	d, err := newXMLDecoder(raw)
	var root any
	if err == nil {
		root, err = d.document(d.element)
	}
	if err != nil {
		return nil, d.malformed(err)
	}
	return root, nil
}

type xmlDecoder struct {
	*xmlScanner
	top int // how deep the element stands that is the whole payload: 1 is the root
}

func newXMLDecoder(raw []byte) (xmlDecoder, error) {
	x, err := newXMLScanner(string(raw))
	return xmlDecoder{x, 1}, err
}

// document reads a document whose root element root reads.
func (d *xmlDecoder) document(root func() (any, error)) (any, error) {
	var v any
	found := false
	for {
		event, err := d.next()
		if err != nil {
			return nil, err
		}
		switch event {
		case xmlOver:
			if !found {
				return nil, faultAt(d.at, "there is no element")
			}
			return v, nil
		case xmlStart:
			if found {
				return nil, faultAt(d.started, "<%s> after the end of the document", shorten(d.name))
			}
			found = true
			if v, err = root(); err != nil {
				return nil, err
			}
		case xmlText:
			if !isBlank(d.chars) {
				return nil, faultAt(d.started, "text outside of the root element")
			}
		}
	}
}

// content is what was found between an element's tags beside its children.
type content struct {
	first string // text
	more  []byte // text, where comments or entities cut it in pieces
	at    int    // of the first text that is not blank
}

func (c *content) add(d *xmlDecoder) {
	if c.at < 0 && !isBlank(d.chars) {
		c.at = d.started
	}
	switch {
	case c.more != nil:
		c.more = append(c.more, d.chars...)
	case c.first == "":
		c.first = d.chars
	case d.chars != "":
		c.more = append([]byte(c.first), d.chars...)
	}
}

func (c *content) String() string {
	if c.more != nil {
		return string(c.more)
	}
	return c.first
}

func mixed(at int, name string) error {
	return faultAt(at, "<%s> holds both text and elements", shorten(name))
}

// element reads what stands up to the end of the element that has just begun.
func (d *xmlDecoder) element() (any, error) {
	name, isRoot := d.name, len(d.open) == d.top
	text := content{at: -1}
	var c children
	for {
		event, err := d.next()
		if err != nil {
			return nil, err
		}
		switch event {
		case xmlStart:
			child := d.name
			v, err := d.element()
			if err != nil {
				return nil, err
			}
			c.add(child, v)
		case xmlText:
			text.add(d)
		default:
			if c.count == 0 {
				if isRoot && text.at < 0 {
					return service.NewObject(0), nil
				}
				return text.String(), nil
			}
			if text.at >= 0 {
				return nil, mixed(text.at, name)
			}
			return c.value(isRoot), nil
		}
	}
}

// skip passes over the rest of an element that nobody wants.
func (d *xmlDecoder) skip() error {
	for depth := len(d.open); len(d.open) >= depth; {
		if _, err := d.next(); err != nil {
			return err
		}
	}
	return nil
}

// children collects the children of one element.
type children struct {
	object   *service.Object
	count    int
	repeated map[string]bool // names that stand more than once
}

func (c *children) add(name string, v any) {
	if c.object == nil {
		c.object = service.NewObject(4)
	}
	c.count++
	first, known := c.object.Get(name)
	switch {
	case !known:
		c.object.Set(name, v)
	case c.repeated[name]:
		c.object.Set(name, append(first.([]any), v))
	default:
		if c.repeated == nil {
			c.repeated = map[string]bool{}
		}
		c.repeated[name] = true
		c.object.Set(name, []any{first, v})
	}
}

func (c *children) value(isRoot bool) any {
	if only, isList := c.object.Get(itemElem); isList && c.object.Len() == 1 && !isRoot {
		if c.count > 1 {
			return only
		}
		return []any{only}
	}
	return c.object
}

// malformed adds line and column to err.
func (d *xmlDecoder) malformed(err error) error {
	at := int64(d.at)
	var ours *placedError
	if errors.As(err, &ours) && ours.at >= 0 {
		at = ours.at
	}
	line, column := place(d.text, at)
	return &service.Error{
		Code:    service.Invalid,
		Message: fmt.Sprintf("malformed XML at line %d, column %d: %s", line, column, strings.TrimSpace(err.Error())),
		Err:     err,
	}
}
