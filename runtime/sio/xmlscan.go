package sio

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// xmlEvent is what a scanner found.
type xmlEvent int

const (
	xmlEnd   xmlEvent = iota // of an element
	xmlStart                 // of an element: name is its local name
	xmlText                  // chars is the text, entities resolved
	xmlOver                  // of the document
)

// What a document may hold.
const (
	maxAttributes = 256 // of one element
	maxXMLName    = 1000
)

// xmlScanner takes a document (XML 1.0, UTF-8) apart without copying what holds no entity. It knows no DTD, so that no
// entity of a document's own exists. Attributes are checked and, unless keeps is true, passed over.
type xmlScanner struct {
	text  string
	at    int
	open  []string // names of the elements that are open, as written
	empty bool     // the last start was <x/>: its end comes next
	again bool     // the last event comes once more
	keeps bool     // attributes are kept
	last  xmlEvent

	name    string // local
	chars   string
	attrs   []xmlAttribute // of the last start, where they are kept
	started int            // where the last markup began
}

// xmlAttribute is an attribute as it is written.
type xmlAttribute struct{ name, value string }

// fault is a problem in words for a person; where it stands is added once, on the way out.
func fault(format string, args ...any) error {
	return &placedError{at: -1, message: fmt.Sprintf(format, args...)}
}

func faultAt(at int, format string, args ...any) error {
	return &placedError{at: int64(at), message: fmt.Sprintf(format, args...)}
}

// newXMLScanner checks what holds for the whole document: its characters and its declaration.
func newXMLScanner(text string) (*xmlScanner, error) {
	x := &xmlScanner{text: text}
	if !utf8.ValidString(text) {
		return x, faultAt(firstInvalid(text), "invalid UTF-8")
	}
	if rest, ok := strings.CutPrefix(text, "<?xml"); ok && rest != "" && isXMLSpace(rest[0]) {
		declaration, _, closed := strings.Cut(rest, "?>")
		if !closed {
			return x, faultAt(len(text), "the text ends too early")
		}
		x.at = len("<?xml") + len(declaration) + len("?>")
		return x, checkDeclaration(declaration)
	}
	return x, nil
}

// firstInvalid is where a text stops being UTF-8.
func firstInvalid(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return len(s)
}

func checkDeclaration(text string) error {
	x := &xmlScanner{text: text + "?"}
	for {
		x.space()
		if x.text[x.at] == '?' {
			return nil
		}
		name, value, err := x.attribute()
		if err != nil {
			return faultAt(0, "the XML declaration is not valid")
		}
		switch {
		case name == "version" && value != "1.0":
			return faultAt(0, "version %q of XML is not supported", shorten(value))
		case name == "encoding" && !strings.EqualFold(value, "utf-8") && !strings.EqualFold(value, "us-ascii"):
			return faultAt(0, "encoding %q is not supported; send UTF-8", shorten(value))
		}
	}
}

func isXMLSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (x *xmlScanner) space() {
	for x.at < len(x.text) && isXMLSpace(x.text[x.at]) {
		x.at++
	}
}

// next is the next event. Comments and processing instructions are none.
func (x *xmlScanner) next() (xmlEvent, error) {
	if x.again {
		x.again = false
		return x.last, nil
	}
	var err error
	x.last, err = x.scan()
	return x.last, err
}

// back makes next give the last event once more.
func (x *xmlScanner) back() { x.again = true }

func (x *xmlScanner) scan() (xmlEvent, error) {
	if x.empty {
		x.empty = false
		x.open = x.open[:len(x.open)-1]
		return xmlEnd, nil
	}
	for {
		x.started = x.at
		rest := x.text[x.at:]
		switch {
		case rest == "":
			if len(x.open) > 0 {
				return xmlOver, faultAt(x.at, "the text ends too early")
			}
			return xmlOver, nil
		case rest[0] != '<':
			return xmlText, x.characters()
		case strings.HasPrefix(rest, "<!--"):
			if err := x.comment(); err != nil {
				return xmlOver, err
			}
		case strings.HasPrefix(rest, "<![CDATA["):
			return xmlText, x.cdata()
		case strings.HasPrefix(rest, "<!"):
			return xmlOver, faultAt(x.at, "a DOCTYPE or other declaration is not accepted")
		case strings.HasPrefix(rest, "<?"):
			if err := x.instruction(); err != nil {
				return xmlOver, err
			}
		case strings.HasPrefix(rest, "</"):
			return xmlEnd, x.end()
		default:
			return xmlStart, x.start()
		}
	}
}

func (x *xmlScanner) comment() error {
	body, _, closed := strings.Cut(x.text[x.at+4:], "--")
	end := x.at + 4 + len(body) + 2
	if !closed || end >= len(x.text) {
		return faultAt(len(x.text), "the text ends too early")
	}
	if x.text[end] != '>' {
		return faultAt(end-2, "-- within a comment")
	}
	x.at = end + 1
	return x.checkCharacters(body, x.started+4)
}

func (x *xmlScanner) instruction() error {
	body, _, closed := strings.Cut(x.text[x.at+2:], "?>")
	if !closed {
		return faultAt(len(x.text), "the text ends too early")
	}
	target := body[:nameLength(body)]
	if target == "" || strings.EqualFold(target, "xml") {
		return faultAt(x.at, "a processing instruction that is called %q", shorten(target))
	}
	x.at += len(body) + 4
	return x.checkCharacters(body, x.started+2)
}

func (x *xmlScanner) cdata() error {
	body, _, closed := strings.Cut(x.text[x.at+9:], "]]>")
	if !closed {
		return faultAt(len(x.text), "the text ends too early")
	}
	x.at += len(body) + 12
	if x.chars = body; strings.Contains(body, "\r") {
		x.chars = strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n")
	}
	return x.checkCharacters(body, x.started+9)
}

// checkCharacters finds what XML cannot hold.
func (x *xmlScanner) checkCharacters(s string, at int) error {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && !isXMLSpace(c) || c == 0xef && isNonCharacter(s[i:]) {
			return illegal(s, i, at+i)
		}
	}
	return nil
}

// isNonCharacter finds U+FFFE and U+FFFF, which XML cannot hold.
func isNonCharacter(s string) bool {
	return strings.HasPrefix(s, "\ufffe") || strings.HasPrefix(s, "\uffff")
}

func illegal(s string, i, at int) error {
	r, _ := utf8.DecodeRuneInString(s[i:])
	return faultAt(at, "illegal character code %U", r)
}

// characters reads the text up to the next markup.
func (x *xmlScanner) characters() error {
	s := x.text[x.at:]
	var plain []byte // what is there so far, once it differs from the text
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x80 && c != 0xef || isPlain(c) {
			continue
		}
		switch {
		case c == '<':
			return x.gotText(s, plain, from, i)
		case c == '&':
			text, size, err := entity(s[i:])
			if err != nil {
				return faultAt(x.at+i, "%s", err)
			}
			plain = append(append(plain, s[from:i]...), text...)
			from = i + size
			i = from - 1
		case c == '\r':
			plain = append(append(plain, s[from:i]...), '\n')
			if from = i + 1; from < len(s) && s[from] == '\n' {
				from++
			}
			i = from - 1
		case c == '>':
			if i >= 2 && s[i-2:i] == "]]" {
				return faultAt(x.at+i-2, "]]> in a text, where it must be written ]]&gt;")
			}
		case c < ' ' && !isXMLSpace(c), c == 0xef && isNonCharacter(s[i:]):
			return illegal(s, i, x.at+i)
		}
	}
	return x.gotText(s, plain, from, len(s))
}

// isPlain says whether an ASCII character of a text needs no second look.
func isPlain(c byte) bool {
	return c > '>' && c < 0x80 || c >= ' ' && c != '&' && c < '<' || c == '=' || c == '\n' || c == '\t'
}

func (x *xmlScanner) gotText(s string, plain []byte, from, end int) error {
	x.at += end
	if plain == nil {
		x.chars = s[:end]
		return nil
	}
	x.chars = string(append(plain, s[from:end]...))
	return nil
}

// entity is what a reference at the beginning of s stands for, and its length.
func entity(s string) (text string, size int, err error) {
	const most = 12 // &#x0010FFFF;
	end := strings.IndexByte(s[:min(len(s), most)], ';')
	if end < 0 {
		return "", 0, badEntity()
	}
	name := s[1:end]
	switch name {
	case "amp":
		return "&", end + 1, nil
	case "lt":
		return "<", end + 1, nil
	case "gt":
		return ">", end + 1, nil
	case "quot":
		return `"`, end + 1, nil
	case "apos":
		return "'", end + 1, nil
	}
	digits, isNumber := strings.CutPrefix(name, "#")
	hex, isHex := strings.CutPrefix(digits, "x")
	base := 10
	if isHex {
		digits, base = hex, 16
	}
	if n, err := strconv.ParseUint(digits, base, 32); isNumber && err == nil && isXMLChar(rune(n)) && n <= utf8.MaxRune {
		return string(rune(n)), end + 1, nil
	}
	return "", 0, badEntity()
}

// badEntity does not show the text: it may be a secret, such as a password with a bare &.
func badEntity() error {
	return fault("a & that begins none of &amp; &lt; &gt; &quot; &apos; and numbers such as &#233;")
}

// start reads a start tag.
func (x *xmlScanner) start() error {
	x.at++
	name := x.text[x.at : x.at+nameLength(x.text[x.at:])]
	x.at += len(name)
	local, err := localName(name)
	if err != nil {
		return faultAt(x.started, "%s", err)
	}
	if len(x.open) == MaxDepth {
		return faultAt(x.started, "elements stand more than %d levels deep", MaxDepth)
	}
	var seen seenKeys
	x.attrs = x.attrs[:0]
	for n := 0; ; n++ {
		before := x.at
		x.space()
		rest := x.text[x.at:]
		switch {
		case rest == "" || rest == "/":
			return faultAt(len(x.text), "the text ends too early")
		case rest[0] == '>':
			x.at++
			x.name, x.open = local, append(x.open, name)
			return nil
		case strings.HasPrefix(rest, "/>"):
			x.at += 2
			x.name, x.open, x.empty = local, append(x.open, name), true
			return nil
		case x.at == before:
			return faultAt(x.at, "%s in the tag <%s>", found(x.text, int64(x.at)), shorten(name))
		case n == maxAttributes:
			return faultAt(x.at, "<%s> has more than %d attributes", shorten(name), maxAttributes)
		}
		at := x.at
		attribute, value, err := x.attribute()
		if err != nil {
			return err
		}
		if x.keeps {
			x.attrs = append(x.attrs, xmlAttribute{attribute, value})
		}
		if !seen.add(attribute) {
			return faultAt(at, "the attribute %s stands twice in <%s>", shorten(attribute), shorten(name))
		}
	}
}

// attribute reads name="value".
func (x *xmlScanner) attribute() (name, value string, err error) {
	name = x.text[x.at : x.at+nameLength(x.text[x.at:])]
	if name == "" {
		return "", "", faultAt(x.at, "%s where an attribute's name should be", found(x.text, int64(x.at)))
	}
	x.at += len(name)
	x.space()
	if x.at < len(x.text) && x.text[x.at] == '=' {
		x.at++
		x.space()
	} else {
		return "", "", faultAt(x.at, "unquoted or missing attribute value of %s", shorten(name))
	}
	if x.at == len(x.text) || x.text[x.at] != '"' && x.text[x.at] != '\'' {
		return "", "", faultAt(x.at, "unquoted or missing attribute value of %s", shorten(name))
	}
	quote := x.text[x.at]
	x.at++
	value, _, closed := strings.Cut(x.text[x.at:], string(quote))
	if !closed {
		return "", "", faultAt(len(x.text), "the text ends too early")
	}
	from := x.at
	x.at += len(value) + 1
	if i := strings.IndexByte(value, '<'); i >= 0 {
		return "", "", faultAt(from+i, "< in the value of the attribute %s", shorten(name))
	}
	for i := strings.IndexByte(value, '&'); i >= 0 && i < len(value); {
		_, size, err := entity(value[i:])
		if err != nil {
			return "", "", faultAt(from+i, "%s", err)
		}
		next := strings.IndexByte(value[i+size:], '&')
		if next < 0 {
			break
		}
		i += size + next
	}
	return name, value, x.checkCharacters(value, from)
}

// end reads an end tag.
func (x *xmlScanner) end() error {
	x.at += 2
	name := x.text[x.at : x.at+nameLength(x.text[x.at:])]
	x.at += len(name)
	x.space()
	switch {
	case len(x.open) == 0:
		return faultAt(x.started, "</%s> closes no element", shorten(name))
	case name != x.open[len(x.open)-1]:
		return faultAt(x.started, "element <%s> closed by </%s>", shorten(x.open[len(x.open)-1]), shorten(name))
	case x.at == len(x.text):
		return faultAt(x.at, "the text ends too early")
	case x.text[x.at] != '>':
		return faultAt(x.at, "%s in the tag </%s>", found(x.text, int64(x.at)), shorten(name))
	}
	x.at++
	x.open = x.open[:len(x.open)-1]
	return nil
}

// nameLength is how many bytes at the beginning of s are a name, with its prefix.
func nameLength(s string) int {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == ':' || i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '.') {
				i++
				continue
			}
			return i
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if !isNameStart(r) && (i == 0 || !isNameRest(r)) {
			return i
		}
		i += size
	}
	return len(s)
}

// localName is a name without its prefix.
func localName(name string) (string, error) {
	if len(name) > maxXMLName {
		return "", fault("a name of %d characters; it may have %d", len(name), maxXMLName)
	}
	prefix, local, prefixed := strings.Cut(name, ":")
	if !prefixed {
		local = name
	}
	if local == "" || prefixed && prefix == "" || strings.Contains(local, ":") || prefixed && !isXMLName(local) {
		return "", fault("<%s> is not a name", name)
	}
	return local, nil
}
