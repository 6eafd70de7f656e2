package enmasse

import (
	"context"
	"slices"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/kind"
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
	After  string
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
	old, err := exported(before, nil)
	if err != nil {
		return nil, err
	}
	next, err := exported(spec, nil)
	if err != nil {
		return nil, err
	}
	values := make(map[string][]byte, len(old))
	for _, m := range old {
		values[m.key] = m.value
	}
	out := []KeyDifference{}
	for _, m := range next {
		was, had := values[m.key]
		delete(values, m.key)
		if had && string(was) == string(m.value) {
			continue
		}
		d := KeyDifference{Key: m.key, Before: string(was), After: string(m.value)}
		if slices.Contains(secrets, m.key) {
			d.Before, d.After = hidden(have.Spec, m.key), hidden(spec, m.key)
			if d.After == string(inJSON(kind.Kept)) {
				d.After = `"(another)"`
			}
		}
		out = append(out, d)
	}
	for _, m := range old {
		if was, left := values[m.key]; left {
			out = append(out, KeyDifference{Key: m.key, Before: string(was)})
		}
	}
	return out, nil
}

// hidden is a secret of spec as an export shows it.
func hidden(spec []byte, key string) string {
	all, err := exported(spec, []string{key})
	if err != nil {
		return ""
	}
	for _, m := range all {
		if m.key == key {
			return string(m.value)
		}
	}
	return ""
}
