package enmasse

import (
	"context"
	"maps"
	"slices"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/service"
)

// DiffIn is the input of parley.enmasse.diff; see ImportIn.
type DiffIn struct {
	Files   []ImportFile
	Env     map[string]string `sio:",optional"`
	Dialect string            `sio:",optional"`
}

// DiffOut is the output of parley.enmasse.diff.
type DiffOut struct {
	Revision    int64 // that the files were compared with
	Differences []Difference
	LeftOut     []string
}

// Difference is what becomes of one object.
type Difference struct {
	Kind, Name string
	Action     string          // add, change, or delete: what an import does that prunes
	Keys       []KeyDifference // of a change
}

// KeyDifference is a key of an object whose value changes.
type KeyDifference struct {
	Key    string
	Before string // JSON; secrets as in an export; empty: the key was not there
	After  string // where a secret becomes another one, "(kept)" (another)
}

func (d Deps) diff(_ context.Context, _ service.Runtime, in DiffIn) (DiffOut, error) {
	definitions, leftOut, now, err := d.read(in.Files, in.Env, in.Dialect)
	if err != nil {
		return DiffOut{}, err
	}
	out := DiffOut{Revision: now.Revision, Differences: []Difference{}, LeftOut: leftOut}
	for _, def := range definitions {
		have := now.Get(def.Kind, def.Name)
		switch {
		case have == nil:
			out.Differences = append(out.Differences, Difference{Kind: def.Kind, Name: def.Name, Action: "add", Keys: []KeyDifference{}})
		case string(have.Spec) != string(def.Spec):
			keys, err := keyDifferences(d.Kinds, have, def.Spec)
			if err != nil {
				return DiffOut{}, err
			}
			out.Differences = append(out.Differences, Difference{Kind: def.Kind, Name: def.Name, Action: "change", Keys: keys})
		}
	}
	for _, key := range definitions.missing(now, d.Kinds) {
		out.Differences = append(out.Differences, Difference{Kind: key.Kind, Name: key.Name, Action: "delete", Keys: []KeyDifference{}})
	}
	slices.SortStableFunc(out.Differences, func(a, b Difference) int {
		return catalog.Key{Kind: a.Kind, Name: a.Name}.Compare(catalog.Key{Kind: b.Kind, Name: b.Name})
	})
	return out, nil
}

// keyDifferences are the keys of which have, its defaults filled in, and spec hold different values.
func keyDifferences(kinds Kinds, have *catalog.Object, spec []byte) ([]KeyDifference, error) {
	before := have.Spec
	if whole, err := kinds.Parse(have.Kind, have.Spec); err == nil {
		before = whole
	}
	secrets := kinds.Secrets(have.Kind)
	was, wasShown, err := values(before, secrets)
	if err != nil {
		return nil, err
	}
	is, isShown, err := values(spec, secrets)
	if err != nil {
		return nil, err
	}
	keys := slices.Sorted(maps.Keys(was))
	for key := range is {
		if _, had := was[key]; !had {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	out := []KeyDifference{}
	for _, key := range keys {
		if was[key] == is[key] {
			continue
		}
		d := KeyDifference{Key: key, Before: wasShown[key], After: isShown[key]}
		if d.Before == d.After {
			d.After += " (another)"
		}
		out = append(out, d)
	}
	return out, nil
}

// values are those of a spec's keys as JSON: as they are, and as whoever may not see its secrets sees them.
func values(spec []byte, secrets []string) (all, visible map[string]string, err error) {
	all, visible = map[string]string{}, map[string]string{}
	for into, places := range map[*map[string]string][]string{&all: nil, &visible: secrets} {
		keys, err := shown(spec, places)
		if err != nil {
			return nil, nil, err
		}
		for _, m := range keys {
			(*into)[m.key] = string(inJSON(m.value))
		}
	}
	return all, visible, nil
}
