// Package enmasse is config-as-code: definitions of channels, outgoing connections and the like as YAML files.
//
// A file's top-level keys are kinds, each with a list of objects; an object has a name and the keys of its kind:
//
//	outgoing_rest:
//	  - name: CRM
//	    host: ${CRM_HOST}
//	    url_path: /get-customer
//	    timeout: 10
//
// Several files, and several documents in one file, are read as one. Scalars are those of YAML 1.2's core
// schema (yes and no are text); anchors, aliases and merge keys work within a document. Numbers are never
// rounded on their way to the kind.
//
// ${NAME} in a value stands for an environment variable, $${ for a literal ${. The result is text, with one
// exception: where a value is one variable as a whole and its kind refuses the text, the number or the true or
// false that the text spells is tried. A variable that is not set is a fault.
//
// A file reads others with it that it lists under include:, by paths relative to its own folder; and file://PATH in place
// of an object stands for what that file holds, an object or a list of them.
//
// Import is all or nothing and only adds and changes: what no file names stays as it is, unless the caller says that it is
// to be deleted.
package enmasse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/catalog"
)

// File is one YAML file.
type File struct {
	Name    string // for messages, as the user knows it
	Content string
	// Included says that the file is read where another one names it, and not by itself: see Gather.
	Included bool `json:",omitempty"`
}

// Kinds is what there is to define. Safe for concurrent use.
type Kinds interface {
	// Names are the kinds' keys in files, such as "channel_rest".
	Names() []string
	// Parse reads the config of an object of that kind: a JSON object without the name. canonical is what
	// the catalog keeps, defaults included. Errors are kind.Faults.
	Parse(kind string, raw []byte) (canonical []byte, err error)
	// Settle is spec, as Parse gave it, as the catalog keeps it: secrets sealed, and those that the file does not give taken
	// from have, the object that is there or nil. Errors are kind.Faults.
	Settle(key catalog.Key, spec []byte, have *catalog.Object) ([]byte, error)
	// Secrets are the places of that kind's configs that hold secrets, such as password or headers.*.value.
	Secrets(kind string) []string
}

// Position is a place in a file. Lines and columns count from 1, columns in characters.
type Position struct {
	File         string
	Line, Column int
}

func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Fault is one thing that is wrong, at the very key or value.
type Fault struct {
	Position
	Message string
}

func (f Fault) String() string { return f.Position.String() + ": " + f.Message }

// Faults is everything that is wrong with a set of files, sorted by place: an error of a line each.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// Err is f as an error, or nil where nothing is wrong.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

func (f *Faults) add(at Position, format string, args ...any) {
	*f = append(*f, Fault{Position: at, Message: fmt.Sprintf(format, args...)})
}

// sorted is f by place, without what an alias made appear twice.
func (f Faults) sorted() Faults {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(f)
}

// Definition is one object of a file, checked by its kind.
type Definition struct {
	catalog.Key
	Spec []byte   // canonical JSON
	At   Position // where its name stands
}

// Definitions are the objects of a set of files, in their order.
type Definitions []Definition

// settle makes d what the catalog would keep beside now.
func (d Definitions) settle(now *catalog.Snapshot, kinds Kinds) (Definitions, Faults) {
	var faults Faults
	out := make(Definitions, len(d))
	for i, def := range d {
		spec, err := kinds.Settle(def.Key, def.Spec, now.Get(def.Kind, def.Name))
		if err != nil {
			faults.add(def.At, "%s", titled(def.Key, err))
		}
		def.Spec = spec
		if have := now.Get(def.Kind, def.Name); have != nil && err == nil {
			// A kind may know more keys than when the object was saved: defaults make no difference.
			if old, err := kinds.Parse(def.Kind, have.Spec); err == nil && string(old) == string(spec) {
				def.Spec = have.Spec
			}
		}
		out[i] = def
	}
	return out, faults.sorted()
}

// Outcome is what a change does to a catalog.
type Outcome struct {
	Created, Updated []catalog.Key
	Unchanged        int
}

// Change is what makes now hold d. It never deletes, and leaves out what now holds already.
func (d Definitions) Change(now *catalog.Snapshot, by string) (catalog.Change, Outcome) {
	change := catalog.Change{By: by}
	var outcome Outcome
	for _, def := range d {
		have := now.Get(def.Kind, def.Name)
		switch {
		case have == nil:
			outcome.Created = append(outcome.Created, def.Key)
		case string(have.Spec) == string(def.Spec):
			outcome.Unchanged++
			continue
		default:
			outcome.Updated = append(outcome.Updated, def.Key)
		}
		change.Put = append(change.Put, catalog.Object{Kind: def.Kind, Name: def.Name, Spec: def.Spec})
	}
	return change, outcome
}
