package project

import (
	"slices"
	"strings"
)

// The sections and keys of zato-apitest's config.ini.
const (
	behaveName  = "behave"
	optionsName = "options"
	defaultName = "default" // the one connection to Vault that steps use
)

// decodeINI reads a config.ini of zato-apitest into s:
//
//	[behave]
//	options = --format pretty --no-source --no-timings
//
//	[user]
//	sample = Hello
//
//	[vault]
//	[[default]]
//	address = http://localhost:8200
//	token = invalid
//
// The error has all faults, one a line, as name:line: message.
func decodeINI(name, text string, s *Settings) error {
	d := &iniDecoder{faults: faults{file: name}, settings: s}
	root := parseINI(text, &d.faults)
	for _, e := range root.entries {
		d.add(e.line, 0, "%s stands in no section; those are %s", e.key, strings.Join(sectionNames(), ", "))
	}
	for _, part := range root.sections {
		switch part.name {
		case behaveName:
			d.behave(part)
		case userKey:
			d.user(part)
		case vaultKey:
			d.vault(part)
		case defaultSection:
		default:
			d.add(part.line, 0, "%v", unknownKey("section", part.name, sectionNames()))
		}
	}
	return d.err()
}

func sectionNames() []string { return []string{behaveName, userKey, vaultKey} }

type iniDecoder struct {
	faults
	settings *Settings
}

// keys adds a fault for each key of a section that is unknown, and each section in it that may not be there.
func (d *iniDecoder) keys(s *section, known []string, sections ...string) {
	for _, e := range s.entries {
		if known != nil && !slices.Contains(known, e.key) {
			d.add(e.line, 0, "%v", unknownKey("key", e.key, known))
		}
	}
	for _, inner := range s.sections {
		switch {
		case slices.Contains(sections, inner.name), inner.name == defaultSection:
		case len(sections) > 0:
			d.add(inner.line, 0, "%v", unknownKey("section", inner.name, sections))
		default:
			d.add(inner.line, 0, "section %s has values only, no sections such as %s", s.name, inner.name)
		}
	}
}

func (d *iniDecoder) behave(s *section) {
	d.keys(s, []string{optionsName})
	e, there := s.entry(optionsName)
	if !there {
		return
	}
	// Options with a comma outside quotes, such as --tags a,b, have been read as a list.
	text, isText := e.value.(string)
	if !isText {
		text = strings.Join(e.value.([]string), ",")
	}
	words, err := splitWords(text)
	if err != nil {
		d.add(e.line, 0, "options: %v", err)
		return
	}
	more, err := BehaveOptions(words)
	if err != nil {
		d.add(e.line, 0, "options: %v", err)
		return
	}
	d.settings.Merge(more)
}

func (d *iniDecoder) user(s *section) {
	d.keys(s, nil)
	values := map[string]any{}
	for _, e := range s.entries {
		list, isList := e.value.([]string)
		if !isList {
			values[e.key] = e.value
			continue
		}
		elements := []any{}
		for _, element := range list {
			elements = append(elements, element)
		}
		values[e.key] = elements
	}
	d.settings.addUser(values)
}

func (d *iniDecoder) vault(s *section) {
	d.keys(s, []string{}, defaultName)
	connection := s.section(defaultName)
	if connection == nil {
		return
	}
	d.keys(connection, []string{"address", "token"})
	for _, e := range connection.entries {
		text, isText := e.value.(string)
		if !isText {
			d.add(e.line, 0, "%s is a list, since it has a comma; quote it", e.key)
			continue
		}
		if e.key == "address" || e.key == "token" {
			_ = d.settings.Set(vaultKey+"."+e.key, text) // any text will do
		}
	}
}
