package message

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/parley-run/parley/runtime/service"
)

// BuildXML writes data, in the neutral form, as the element called root, in the way that Element.Data reads it: of an object,
// @name is an attribute, #text the text, and each other key a child element; a list is one element for each of its
// values; nil and "" are an empty element. A name may have a prefix of namespaces, whose key "" is the default namespace.
// What XML cannot hold is an error that names it.
func BuildXML(root string, data any, namespaces map[string]string) ([]byte, error) {
	b := &builder{}
	if _, isList := data.([]any); isList {
		return nil, fmt.Errorf("XML of a list: a document has one root; put the list under a key of an object")
	}
	if err := b.bind(namespaces); err != nil {
		return nil, err
	}
	if err := b.element(root, data, b.declarations(namespaces), 0); err != nil {
		return nil, err
	}
	return b.dst, nil
}

type builder struct {
	dst   []byte
	bound []string // prefixes
}

func (b *builder) bind(namespaces map[string]string) error {
	for prefix, uri := range namespaces {
		switch {
		case prefix != "" && !isName(prefix) || prefix == "xml" || prefix == "xmlns":
			return fmt.Errorf("namespaces: %q cannot be a prefix", prefix)
		case prefix != "" && uri == "":
			return fmt.Errorf("namespaces: the prefix %q stands for no namespace", prefix)
		}
		if err := fits("namespaces", uri); err != nil {
			return err
		}
		b.bound = append(b.bound, prefix)
	}
	return nil
}

// declarations are the attributes that bind prefixes, in their order.
func (b *builder) declarations(namespaces map[string]string) string {
	var out strings.Builder
	for _, prefix := range slices.Sorted(maps.Keys(namespaces)) {
		out.WriteString(" xmlns")
		if prefix != "" {
			out.WriteString(":" + prefix)
		}
		out.WriteString(`="` + escapeAttribute(namespaces[prefix]) + `"`)
	}
	return out.String()
}

func (b *builder) element(name string, data any, declarations string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("XML: more than %d elements inside each other", maxDepth)
	}
	o, isObject := data.(*service.Object)
	outer := len(b.bound)
	defer func() { b.bound = b.bound[:outer] }()
	for key := range o.All() {
		if prefix, declares := strings.CutPrefix(key, "@xmlns:"); declares && isObject {
			b.bound = append(b.bound, prefix)
		}
	}
	if err := b.name("element", name); err != nil {
		return err
	}
	b.dst = append(append(append(b.dst, '<'), name...), declarations...)
	text, err := "", error(nil)
	if isObject {
		text, err = b.attributes(name, o)
	} else if text, err = textOf(name, data); err == nil {
		err = fits(name, text)
	}
	if err != nil {
		return err
	}
	start := len(b.dst)
	b.dst = append(append(b.dst, '>'), escapeText(text)...)
	for key, v := range o.All() {
		if key[:min(len(key), 1)] == "@" || key == "#text" {
			continue
		}
		if err := b.child(key, v, depth+1); err != nil {
			return err
		}
	}
	if len(b.dst) == start+1 {
		b.dst = append(b.dst[:start], "/>"...)
		return nil
	}
	b.dst = append(append(append(b.dst, "</"...), name...), '>')
	return nil
}

func (b *builder) child(name string, v any, depth int) error {
	list, isList := v.([]any)
	if !isList {
		return b.element(name, v, "", depth)
	}
	for _, one := range list {
		if _, nested := one.([]any); nested {
			return fmt.Errorf("XML: %s: a list within a list has no form", name)
		}
		if err := b.element(name, one, "", depth); err != nil {
			return err
		}
	}
	return nil
}

// attributes writes those of an object, and gives its text.
func (b *builder) attributes(name string, o *service.Object) (text string, err error) {
	for key, v := range o.All() {
		attribute, is := strings.CutPrefix(key, "@")
		if !is && key != "#text" {
			continue
		}
		value, err := textOf(name+"/"+key, v)
		if err == nil {
			err = fits(name+"/"+key, value)
		}
		if err != nil {
			return "", err
		}
		if !is {
			text = value
			continue
		}
		if attribute != "xmlns" && !strings.HasPrefix(attribute, "xmlns:") {
			err = b.name("attribute", attribute)
		} else if _, prefix, _ := strings.Cut(attribute, ":"); attribute != "xmlns" && !isName(prefix) {
			err = fmt.Errorf("XML: %q is no name of an attribute", attribute)
		}
		if err != nil {
			return "", err
		}
		b.dst = append(b.dst, " "+attribute+`="`+escapeAttribute(value)+`"`...)
	}
	return text, nil
}

// name holds a name of an element or an attribute against the rules and the prefixes that are bound.
func (b *builder) name(what, name string) error {
	prefix, local, prefixed := strings.Cut(name, ":")
	if !prefixed {
		prefix, local = "", name
	}
	if !isName(local) || prefixed && !isName(prefix) {
		return fmt.Errorf("XML: %q is no name of an %s", name, what)
	}
	if prefixed && prefix != "xml" && !slices.Contains(b.bound, prefix) {
		return fmt.Errorf("XML: the prefix %q of %q is bound to no namespace; bind it in namespaces", prefix, name)
	}
	return nil
}

func textOf(where string, v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64, float64, service.Number:
		raw, err := service.AppendJSON(nil, v)
		return string(raw), err
	}
	return "", fmt.Errorf("XML: %s: a value of type %T has no form as text", where, v)
}

// fits is an error where text has a character that no XML document can have.
func fits(where, text string) error {
	for i, r := range text {
		valid := r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000
		if _, size := utf8.DecodeRuneInString(text[i:]); !valid || r == utf8.RuneError && size == 1 {
			return fmt.Errorf("XML: %s: the text has a character that XML cannot hold, at byte %d", where, i)
		}
	}
	return nil
}

// isName is production 5, Name, of XML 1.0 (fifth edition), without the colon, which belongs to namespaces.
func isName(s string) bool {
	for i, r := range s {
		if !isNameStart(r) && (i == 0 || !isNameRest(r)) {
			return false
		}
	}
	return s != ""
}

func isNameStart(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	return r >= 0xc0 && r <= 0x2ff && r != 0xd7 && r != 0xf7 || r >= 0x370 && r <= 0x1fff && r != 0x37e ||
		r == 0x200c || r == 0x200d || r >= 0x2070 && r <= 0x218f || r >= 0x2c00 && r <= 0x2fef ||
		r >= 0x3001 && r <= 0xd7ff || r >= 0xf900 && r <= 0xfdcf || r >= 0xfdf0 && r <= 0xfffc || r >= 0x10000 && r <= 0xeffff
}

func isNameRest(r rune) bool {
	return r == '-' || r == '.' || r >= '0' && r <= '9' || r == 0xb7 || r >= 0x300 && r <= 0x36f || r == 0x203f || r == 0x2040
}
