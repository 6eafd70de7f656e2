package sio

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/parley-run/parley/runtime/service"
)

const (
	itemElem     = "item"      // one object of a reply, or one element of a list
	itemListElem = "item_list" // around the objects of a repeated output
	responseElem = "response"
)

// EncodeJSON is v as JSON: service.AppendJSON into a slice of its own.
func EncodeJSON(v any) ([]byte, error) {
	return service.AppendJSON(make([]byte, 0, 256), v)
}

// EncodeXML is v as the element called root: an object's values become child elements in their order, a list
// becomes <item> elements, null and "" an empty element, everything else text. Characters that XML cannot
// hold become U+FFFD. A key that is no name in XML is an error that names it. What DecodeXML reads and
// EncodeXML writes, DecodeXML reads as the same again.
func EncodeXML(root string, v any) ([]byte, error) {
	return appendElement(make([]byte, 0, 256), root, v)
}

func appendElement(dst []byte, name string, v any) ([]byte, error) {
	if !isXMLName(name) {
		return dst, fmt.Errorf("%q is not a name that an XML element can have", name)
	}
	start := len(dst)
	dst = append(append(append(dst, '<'), name...), '>')
	content := len(dst)
	dst, err := appendContent(dst, v)
	if err != nil {
		return dst, err
	}
	if len(dst) == content {
		return append(append(append(dst[:start], '<'), name...), "/>"...), nil
	}
	return append(append(append(dst, "</"...), name...), '>'), nil
}

// appendContent appends what stands between the tags of v's element.
func appendContent(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return dst, nil
	case string:
		return appendXMLText(dst, v), nil
	case bool, int64, float64, service.Number:
		return service.AppendJSON(dst, v)
	case []any:
		for _, e := range v {
			var err error
			if dst, err = appendElement(dst, itemElem, e); err != nil {
				return dst, err
			}
		}
		return dst, nil
	case *service.Object:
		for k, e := range v.All() {
			var err error
			if dst, err = appendElement(dst, k, e); err != nil {
				return dst, err
			}
		}
		return dst, nil
	default:
		neutral, err := Neutral(v)
		if err != nil {
			return dst, err
		}
		return appendContent(dst, neutral)
	}
}

// appendShaped appends the element of a declared object: what is declared to be a dictionary with keys of its own stands as
// <item><key>..</key><value>..</value></item>, since keys may be no names in XML.
func (s *structure) appendShaped(dst []byte, name string, v any) ([]byte, error) {
	o, ok := v.(*service.Object)
	if !ok || o == nil {
		return appendElement(dst, name, v)
	}
	dst = append(append(append(dst, '<'), name...), '>')
	for key, e := range o.All() {
		var err error
		if i := s.layout.Find(key); i >= 0 {
			dst, err = s.fields[i].appendField(dst, e)
		} else {
			dst, err = appendElement(dst, key, e)
		}
		if err != nil {
			return dst, err
		}
	}
	return append(append(append(dst, "</"...), name...), '>'), nil
}

func (f *field) appendField(dst []byte, v any) ([]byte, error) {
	if f.kind != typeDict && f.kind != typeDictList || v == nil {
		return appendElement(dst, f.name, v)
	}
	if !isXMLName(f.name) {
		return dst, fmt.Errorf("%q is not a name that an XML element can have", f.name)
	}
	if f.kind == typeDict {
		return f.appendObject(dst, f.name, v)
	}
	list, _ := v.([]any)
	if len(list) == 0 {
		return appendElement(dst, f.name, nil)
	}
	dst = append(append(append(dst, '<'), f.name...), '>')
	for _, one := range list {
		var err error
		if dst, err = f.appendObject(dst, itemElem, one); err != nil {
			return dst, err
		}
	}
	return append(append(append(dst, "</"...), f.name...), '>'), nil
}

func (f *field) appendObject(dst []byte, name string, v any) ([]byte, error) {
	o, ok := v.(*service.Object)
	if f.inner != nil && ok && o.Len() > 0 {
		return f.inner.appendShaped(dst, name, o)
	}
	entries := make([]any, 0, o.Len())
	for key, e := range o.All() {
		entries = append(entries, service.ObjectOf("key", key, "value", e))
	}
	return appendElement(dst, name, entries)
}

// appendXMLText escapes what would end the text or not come back as it was: a reader turns a bare carriage
// return into a line feed. Quotes and apostrophes need nothing in text, and read better as they are.
func appendXMLText(dst []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		var escaped string
		switch {
		case r == '&':
			escaped = "&amp;"
		case r == '<':
			escaped = "&lt;"
		case r == '>':
			escaped = "&gt;"
		case r == '\r':
			escaped = "&#xD;"
		case !isXMLChar(r) || (r == utf8.RuneError && size == 1):
			escaped = "\ufffd"
		}
		if escaped != "" {
			dst = append(append(dst, s[start:i]...), escaped...)
			start = i + size
		}
		i += size
	}
	return append(dst, s[start:]...)
}

// appendXMLAttribute escapes what would end an attribute's value in double quotes.
func appendXMLAttribute(dst []byte, s string) []byte {
	return append(dst, strings.ReplaceAll(string(appendXMLText(nil, s)), `"`, "&quot;")...)
}

// isXMLChar is production 2, Char, of XML 1.0.
func isXMLChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || (r >= 0x20 && r <= 0xd7ff) || (r >= 0xe000 && r <= 0xfffd) || r >= 0x10000
}

// isXMLName is production 5, Name, of XML 1.0 (fifth edition), without the colon, which belongs to namespaces.
func isXMLName(s string) bool {
	for i, r := range s {
		if !isNameStart(r) && (i == 0 || !isNameRest(r)) {
			return false
		}
	}
	return s != ""
}

func isNameStart(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z')
	}
	return (r >= 0xc0 && r <= 0x2ff && r != 0xd7 && r != 0xf7) || (r >= 0x370 && r <= 0x1fff && r != 0x37e) ||
		r == 0x200c || r == 0x200d || (r >= 0x2070 && r <= 0x218f) || (r >= 0x2c00 && r <= 0x2fef) ||
		(r >= 0x3001 && r <= 0xd7ff) || (r >= 0xf900 && r <= 0xfdcf) || (r >= 0xfdf0 && r <= 0xfffc) || (r >= 0x10000 && r <= 0xeffff)
}

func isNameRest(r rune) bool {
	return r == '-' || r == '.' || (r >= '0' && r <= '9') || r == 0xb7 || (r >= 0x300 && r <= 0x36f) || r == 0x203f || r == 0x2040
}
