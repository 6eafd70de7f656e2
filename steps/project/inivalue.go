package project

import "strings"

// iniValue reads a value on one line, as ConfigObj does: a text, quoted or not, or a list of such; behind it a comment.
// A quoted one reaches to the first quote that leaves something sensible behind it. ok is false where nothing does.
func iniValue(raw string) (value any, ok bool) {
	m := &valueReader{text: raw, dead: map[int]bool{}}
	if items, isList, found := m.from(0, nil); found {
		if isList {
			return items, true
		}
		return items[0], true
	}
	if strings.HasPrefix(raw, ",") && isTrailer(raw[1:]) {
		return []string{}, true
	}
	return nil, false
}

// valueReader tries the ways to read a value, the longest list first; each place is tried once.
type valueReader struct {
	text string
	dead map[int]bool // places from which nothing leads to the end
}

// from reads what is left at a place, behind the items that were read before.
func (m *valueReader) from(at int, items []string) (all []string, isList, ok bool) {
	if m.dead[at] {
		return nil, false, false
	}
	for end := range m.ends(at, false) {
		next := m.past(end)
		if next == len(m.text) || m.text[next] != ',' {
			continue
		}
		if all, _, ok := m.from(m.past(next+1), append(items, unquote(m.text[at:end]))); ok {
			return all, true, true
		}
	}
	for end := range m.ends(at, true) {
		if isTrailer(m.text[end:]) {
			return append(items, unquote(m.text[at:end])), len(items) > 0, true
		}
	}
	if isTrailer(m.text[at:]) {
		if len(items) > 0 {
			return items, true, true
		}
		return []string{""}, false, true
	}
	m.dead[at] = true
	return nil, false, false
}

// past is the first place from at on that is no blank.
func (m *valueReader) past(at int) int { return len(m.text) - len(skipBlanks(m.text[at:])) }

// ends gives the places where an item that begins at a place may end, the first first. An unquoted one ends before a
// comma; # is a part of the last item of a line only.
func (m *valueReader) ends(at int, last bool) func(func(int) bool) {
	return func(yield func(int) bool) {
		if at >= len(m.text) {
			return
		}
		switch first := m.text[at]; first {
		case '"', '\'':
			for i := at + 1; i < len(m.text); i++ {
				if m.text[i] == first && !yield(i+1) {
					return
				}
			}
			// Behind a comma and a blank, a quote may be a letter like any other, but in the last item.
			if end := strings.IndexAny(m.text[at:], ",#"); !last && at > 0 && m.text[at-1] != ',' && end > 0 {
				yield(at + end)
			}
		case ',', '#':
		default:
			for i := at + 1; i <= len(m.text); i++ {
				if !yield(i) || i == len(m.text) || m.text[i] == ',' || !last && m.text[i] == '#' {
					return
				}
			}
		}
	}
}
