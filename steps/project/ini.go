package project

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// section is a part of a config.ini in the dialect of Python's ConfigObj: [name], below it [[name]] and so on. The root
// is a section without a name.
type section struct {
	name     string
	line     int
	parent   *section
	depth    int
	entries  []entry
	sections []*section
}

// entry is key = value.
type entry struct {
	key   string
	line  int
	value any // string, or []string where there was a comma outside quotes
}

func (s *section) entry(key string) (entry, bool) {
	for _, e := range s.entries {
		if e.key == key {
			return e, true
		}
	}
	return entry{}, false
}

func (s *section) section(name string) *section {
	for _, inner := range s.sections {
		if inner.name == name {
			return inner
		}
	}
	return nil
}

// parseINI reads the text of a config.ini, and puts into f what is wrong with it.
//
// The dialect: # begins a comment, on a line of its own or behind a value; a value may be quoted with ' or ", and with
// three of them go over several lines; a comma outside quotes makes a list, a single one an empty list, and behind one
// value a list of one; %(name)s is another value of the section, of [DEFAULT] or of those above.
func parseINI(text string, f *faults) *section {
	p := &iniParser{faults: f, root: &section{}}
	p.section = p.root
	text = strings.TrimPrefix(text, "\ufeff")
	if !utf8.ValidString(text) {
		f.add(1, 0, "the file is not UTF-8")
		return p.root
	}
	for line := range strings.SplitSeq(text, "\n") {
		p.lines = append(p.lines, strings.TrimRight(line, "\r"))
	}
	for p.next < len(p.lines) {
		p.next++
		p.read(p.lines[p.next-1])
	}
	p.root.interpolate(f)
	return p.root
}

type iniParser struct {
	faults  *faults
	lines   []string
	next    int // index of the next line, and the number of the one being read
	root    *section
	section *section // that the line stands in
	skip    bool     // it could not be understood, so neither are its keys
}

func (p *iniParser) fault(format string, values ...any) { p.faults.add(p.next, 0, format, values...) }

func (p *iniParser) read(line string) {
	bare := strings.TrimSpace(line)
	if bare == "" || bare[0] == '#' {
		return
	}
	if depth, name, closed, isSection := sectionLine(bare); isSection {
		p.skip = !p.open(depth, closed, name)
		return
	}
	key, raw, isEntry := keyLine(strings.TrimLeftFunc(line, unicode.IsSpace))
	if !isEntry {
		p.fault("neither [section] nor key = value: %s", bare)
		return
	}
	at := p.next
	value, ok := p.value(raw)
	if !ok || p.skip {
		return
	}
	if before, there := p.section.entry(key); there {
		p.faults.add(at, 0, "%s is there twice, first on line %d", key, before.line)
		return
	}
	if p.section.section(key) != nil {
		p.faults.add(at, 0, "%s is the name of a section", key)
		return
	}
	p.section.entries = append(p.section.entries, entry{key: key, line: at, value: value})
}

// open begins a section.
func (p *iniParser) open(depth, closed int, name string) bool {
	if depth != closed {
		p.fault("%d brackets open the section and %d close it", depth, closed)
		return false
	}
	if depth > p.section.depth+1 {
		p.fault("section %s has %d brackets, and stands in one that has %d", name, depth, p.section.depth)
		return false
	}
	parent := p.section
	for parent.depth >= depth {
		parent = parent.parent
	}
	if before := parent.section(name); before != nil {
		p.fault("section %s is there twice, first on line %d", name, before.line)
		return false
	}
	if before, there := parent.entry(name); there {
		p.fault("section %s has the name of a value, on line %d", name, before.line)
		return false
	}
	p.section = &section{name: name, line: p.next, parent: parent, depth: depth}
	parent.sections = append(parent.sections, p.section)
	return true
}

var sectionPattern = regexp.MustCompile(`^((?:\[\s*)+)("\s*\S.*?"|'\s*\S.*?'|[^'"\s].*?)((?:\s*\])+)\s*(?:#.*)?$`)

// sectionLine takes a line such as [[name]] apart; closed is how many brackets close it.
func sectionLine(line string) (depth int, name string, closed int, ok bool) {
	m := sectionPattern.FindStringSubmatch(line)
	if m == nil {
		return 0, "", 0, false
	}
	return strings.Count(m[1], "["), unquote(m[2]), strings.Count(m[3], "]"), true
}

// keyLine takes a line such as key = value apart. A key may be quoted; blanks behind the value may be a part of it.
func keyLine(line string) (key, value string, ok bool) {
	from := 0
	if q := line[0]; q == '"' || q == '\'' {
		// The key ends at the first quote with a = behind it.
		for {
			at := strings.IndexByte(line[from+1:], q)
			if at < 0 {
				return "", "", false
			}
			from += 1 + at
			if rest := skipBlanks(line[from+1:]); strings.HasPrefix(rest, "=") {
				return line[1:from], skipBlanks(rest[1:]), true
			}
		}
	}
	key, value, ok = strings.Cut(line, "=")
	if key = strings.TrimSpace(key); key == "" {
		return "", "", false
	}
	return key, skipBlanks(value), ok
}

// value is what stands behind the =, which may go on over the next lines.
func (p *iniParser) value(raw string) (any, bool) {
	if len(raw) >= 3 && (raw[:3] == `"""` || raw[:3] == `'''`) {
		return p.tripleQuoted(raw[3:], raw[:3])
	}
	raw = strings.TrimSpace(raw)
	v, ok := iniValue(raw)
	if !ok {
		p.fault("this is no value: %s; quote it as a whole, with %s", raw, map[bool]string{true: `'`, false: `"`}[strings.Contains(raw, `"`)])
	}
	return v, ok
}

func (p *iniParser) tripleQuoted(first, quote string) (any, bool) {
	began := p.next
	var text strings.Builder
	for line := first; ; {
		if at, ends := closing(line, quote); ends {
			text.WriteString(line[:at])
			return text.String(), true
		}
		if _, rest, broken := strings.Cut(line, quote); broken {
			p.fault("after %s only a comment may stand, not: %s", quote, strings.TrimSpace(rest))
			return nil, false
		}
		if p.next >= len(p.lines) {
			p.faults.add(began, 0, "%s opens a text that nothing closes", quote)
			return nil, false
		}
		text.WriteString(line + "\n")
		line = p.lines[p.next]
		p.next++
	}
}

// closing is where in a line the quote stands that closes a text: the first behind which only a comment is left.
func closing(line, quote string) (int, bool) {
	for at := range line {
		if rest, isQuote := strings.CutPrefix(line[at:], quote); isQuote && isTrailer(rest) {
			return at, true
		}
	}
	return 0, false
}

// isTrailer says whether only a comment is left.
func isTrailer(rest string) bool {
	rest = strings.TrimSpace(rest)
	return rest == "" || rest[0] == '#'
}

func skipBlanks(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) }

func unquote(s string) string {
	if s != "" && s[0] == s[len(s)-1] && (s[0] == '"' || s[0] == '\'') {
		return s[1:max(1, len(s)-1)]
	}
	return s
}
