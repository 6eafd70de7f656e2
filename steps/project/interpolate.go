package project

import (
	"regexp"
	"slices"
)

var interpolation = regexp.MustCompile(`%\(([^)]*)\)s`)

const (
	defaultSection = "DEFAULT" // has values for %(name)s only
	maxReferences  = 1000      // in one value, with those that they lead to
)

// interpolate fills in %(name)s in all values below s.
func (s *section) interpolate(f *faults) {
	for _, apply := range s.interpolated(f, nil) {
		apply()
	}
}

// interpolated gives what writes the filled in values: not yet, since others refer to the values as they were written.
func (s *section) interpolated(f *faults, writes []func()) []func() {
	for i, e := range s.entries {
		r := &references{section: s, line: e.line, faults: f}
		var filled any
		switch v := e.value.(type) {
		case string:
			filled = r.fill(v, []string{e.key})
		case []string:
			out := []string{}
			for _, element := range v {
				out = append(out, r.fill(element, []string{e.key}))
			}
			filled = out
		}
		writes = append(writes, func() { s.entries[i].value = filled })
	}
	for _, inner := range s.sections {
		writes = inner.interpolated(f, writes)
	}
	return writes
}

// references are those of one value.
type references struct {
	section *section
	line    int
	faults  *faults
	count   int
}

// fill fills in a text; path are the names that led to it.
func (r *references) fill(text string, path []string) string {
	return interpolation.ReplaceAllStringFunc(text, func(found string) string {
		name := found[2 : len(found)-2]
		v, there := r.section.lookUp(name)
		inner, isText := v.(string)
		r.count++
		switch {
		case r.count == maxReferences+1:
			r.faults.add(r.line, 0, "the value refers to others more than %d times", maxReferences)
		case r.count > maxReferences:
		case !there:
			r.faults.add(r.line, 0, "%s stands for the value %q, which is not there", found, name)
		case !isText:
			r.faults.add(r.line, 0, "%s stands for a list, which is no part of a text", found)
		case slices.Contains(path, name):
			r.faults.add(r.line, 0, "%s stands for itself in the end", found)
		default:
			return r.fill(inner, append(slices.Clone(path), name))
		}
		return found
	})
}

// lookUp finds a value in the section, in its [DEFAULT], and in those above.
func (s *section) lookUp(name string) (any, bool) {
	for ; s != nil; s = s.parent {
		if e, there := s.entry(name); there {
			return e.value, true
		}
		if d := s.section(defaultSection); d != nil {
			if e, there := d.entry(name); there {
				return e.value, true
			}
		}
	}
	return nil, false
}
