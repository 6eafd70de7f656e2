package enmasse

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/spelling"
)

// Parse reads files and checks every object by its kind. Either all is well, or Faults says everything that
// is wrong with any of the files and there are no Definitions. env looks up a variable.
func Parse(files []File, kinds Kinds, env func(string) (string, bool)) (Definitions, Faults) {
	r := newReader(files, kinds, env)
	r.all(files)
	if len(r.faults) > 0 {
		return nil, r.faults.sorted()
	}
	return r.out, nil
}

// reader collects definitions and faults.
type reader struct {
	kinds    Kinds
	env      func(string) (string, bool)
	seen     map[catalog.Key]Position
	included map[string]File // by name
	read     map[string]bool // of them, those that include: named
	zato     *zato           // nil: the files are our own
	out      Definitions
	faults   Faults
}

func newReader(files []File, kinds Kinds, env func(string) (string, bool)) *reader {
	r := &reader{kinds: kinds, env: env, seen: map[catalog.Key]Position{}, included: map[string]File{}, read: map[string]bool{}}
	for _, f := range files {
		r.included[filepath.Clean(f.Name)] = f // also one that was named by itself: another may include it
	}
	return r
}

func (r *reader) all(files []File) {
	for _, file := range files {
		if !file.Included && !r.read[file.Name] {
			r.file(file)
		}
	}
	if r.zato != nil {
		r.zato.finish(r)
	}
}

func (r *reader) file(file File) {
	r.read[file.Name] = true
	for _, doc := range documents(file, &r.faults) {
		r.document(file.Name, doc)
	}
}

func (r *reader) document(from string, doc *node) {
	if doc.form != object {
		if doc.form != null {
			r.faults.add(doc.at, "expected kinds with lists of objects, such as %s:, not %s", strings.Join(r.kinds.Names(), ": or "), doc.form)
		}
		return
	}
	for _, m := range doc.members {
		if m.name == includeKey {
			r.include(from, m.value)
			continue
		}
		if r.zato == nil && !slices.Contains(r.kinds.Names(), m.name) {
			r.faults.add(m.at, "unknown kind %q%s", m.name, r.suggest(m.name))
			continue
		}
		switch {
		case m.value.form == null:
		case m.value.form != list:
			r.faults.add(m.value.at, "%s: expected a list of objects, each with a name, not %s", m.name, m.value.form)
		default:
			for _, item := range m.value.items {
				for _, one := range r.objectsOf(from, item, 0) {
					if r.zato != nil {
						r.zato.object(r, m, one.node)
						continue
					}
					r.object(m.name, one.node)
				}
			}
		}
	}
}

func (r *reader) suggest(name string) string {
	if isZato(name) {
		return " is one of Zato's enmasse; its files are imported with --zato"
	}
	if near := spelling.Nearest(name, r.kinds.Names()); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return "; known kinds are " + strings.Join(r.kinds.Names(), ", ")
}

func (r *reader) object(kindName string, item *node) {
	if item.bad {
		return
	}
	if item.form != object {
		r.faults.add(item.at, "%s: expected an object with a name, not %s", kindName, item.form)
		return
	}
	name, at, ok := r.name(kindName, item)
	title := kindName
	if ok {
		title = fmt.Sprintf("%s %q", kindName, name)
		key := catalog.Key{Kind: kindName, Name: name}
		if before, twice := r.seen[key]; twice {
			r.faults.add(at, "%s: defined before, at %s", title, before)
		} else {
			r.seen[key] = at
		}
	}
	before := len(r.faults)
	spec := r.spec(kindName, title, item)
	if ok && len(r.faults) == before {
		r.out = append(r.out, Definition{Key: catalog.Key{Kind: kindName, Name: name}, Spec: spec, At: at})
	}
}

// name is an object's, and where it stands.
func (r *reader) name(kindName string, item *node) (string, Position, bool) {
	m := item.get("name")
	switch {
	case m == nil || m.value.form == null && !m.value.bad:
		r.faults.add(item.at, "%s: an object without a name; add name: and what to call it", kindName)
		return "", item.at, false
	case m.value.bad:
		return "", m.at, false
	case m.value.form != text:
		r.faults.add(m.value.at, "%s: name: expected text, not %s; put it in quotes", kindName, m.value.form)
		return "", m.at, false
	}
	name, problems := expand(m.value.text, r.env)
	for _, problem := range problems {
		r.faults.add(m.value.at, "%s", problem)
	}
	if len(problems) == 0 && (name == "" || name != strings.TrimSpace(name) || strings.ContainsFunc(name, unicode.IsControl)) {
		r.faults.add(m.value.at, "%s: name: expected text without spaces around it or control characters, not %q", kindName, name)
		return "", m.value.at, false
	}
	return name, m.value.at, len(problems) == 0
}

// spec has the kind check an object. Values that are one variable each are given as text first; those that the
// kind refuses, as what the text spells.
func (r *reader) spec(kindName, title string, item *node) []byte {
	spelled := map[string]bool{}
	spec, faults := r.try(kindName, item, spelled, nil)
	for _, f := range faults {
		if m := item.get(top(f.Path)); m != nil && r.spells(m.value) {
			spelled[m.name] = true
		}
	}
	if len(spelled) > 0 {
		_, again := r.try(kindName, item, spelled, nil)
		for _, f := range again {
			delete(spelled, top(f.Path))
		}
		spec, faults = r.try(kindName, item, spelled, nil)
	}
	faults = append(faults, r.behind(kindName, item, spelled, faults)...)
	for _, f := range faults {
		at, ok := r.place(item, f)
		if !ok {
			continue
		}
		message := f.Message
		if f.Path != "" {
			message = f.Path + ": " + message
		}
		r.faults.add(at, "%s: %s", title, message)
	}
	r.variables(item, map[*node]bool{})
	return spec
}

// behind are the faults that a kind finds once faults are mended: it may check values only when all have their
// types. A key that is not there is no fault where one that is not known may have been meant to be it.
func (r *reader) behind(kindName string, item *node, spelled map[string]bool, faults kind.Faults) kind.Faults {
	without, misspelled := map[string]bool{}, false
	for _, f := range faults {
		if item.get(top(f.Path)) != nil {
			without[top(f.Path)] = true
			misspelled = misspelled || unknownKey(f)
		}
	}
	if len(without) == 0 {
		return nil
	}
	var out kind.Faults
	_, more := r.try(kindName, item, spelled, without)
	for _, f := range more {
		missing := item.get(top(f.Path)) == nil
		if !without[top(f.Path)] && !(missing && misspelled) && !slices.Contains(faults, f) {
			out = append(out, f)
		}
	}
	return out
}

// unknownKey tells the fault that stands at a key from those that stand at its value.
func unknownKey(f kind.Fault) bool { return strings.HasPrefix(f.Message, "unknown key") }

// try has the kind parse item, but for the keys in without.
func (r *reader) try(kindName string, item *node, spelled, without map[string]bool) ([]byte, kind.Faults) {
	w := &writer{env: r.env, without: without}
	raw, problem := w.object(item, spelled)
	if problem != "" {
		return nil, kind.Faults{{Message: problem}}
	}
	spec, err := r.kinds.Parse(kindName, raw)
	if err == nil {
		return spec, nil
	}
	var faults kind.Faults
	if !errors.As(err, &faults) {
		faults = kind.Faults{{Message: err.Error()}}
	}
	return nil, faults
}

// variables reports what is wrong with the variables of n, apart from those of its name.
func (r *reader) variables(n *node, done map[*node]bool) {
	if done[n] {
		return
	}
	done[n] = true
	if n.form == text {
		_, problems := expand(n.text, r.env)
		for _, problem := range problems {
			r.faults.add(n.at, "%s", problem)
		}
	}
	for _, item := range n.items {
		r.variables(item, done)
	}
	for _, m := range n.members {
		r.variables(m.value, done)
	}
}

// top is the key of the object that a fault's path begins with.
func top(path string) string {
	if i := strings.IndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return path
}
