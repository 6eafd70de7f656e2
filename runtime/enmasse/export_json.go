package enmasse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/kind"
)

// ExportJSON is Export as a JSON file: an object of kinds, each a list of objects, a line each.
func ExportJSON(now *catalog.Snapshot, kinds Kinds) (string, error) {
	known := kinds.Names()
	var b bytes.Buffer
	b.WriteByte('{')
	last := ""
	for _, o := range now.Objects {
		if !slices.Contains(known, o.Kind) {
			continue
		}
		switch {
		case last == "":
			fmt.Fprintf(&b, "\n  %s: [\n    ", inJSON(o.Kind))
		case o.Kind != last:
			fmt.Fprintf(&b, "\n  ],\n  %s: [\n    ", inJSON(o.Kind))
		default:
			b.WriteString(",\n    ")
		}
		last = o.Kind
		spec, err := exported(o.Spec, kinds.Secrets(o.Kind))
		if err != nil {
			return "", fmt.Errorf("export %s %q: %w", o.Kind, o.Name, err)
		}
		fmt.Fprintf(&b, `{"name": %s`, inJSON(escape(o.Name)))
		for _, m := range spec {
			fmt.Fprintf(&b, ", %s: %s", inJSON(m.key), inJSON(m.value))
		}
		b.WriteByte('}')
	}
	if last != "" {
		b.WriteString("\n  ]\n")
	}
	b.WriteString("}\n")
	return b.String(), nil
}

// keyed is a key of a spec and its value, numbers as json.Number.
type keyed struct {
	key   string
	value any
}

// exported is a spec as files have it: variables escaped, secrets that are no references left where they are. secrets are
// the places of them.
func exported(spec []byte, secrets []string) ([]keyed, error) {
	all, err := shown(spec, secrets)
	for i := range all {
		all[i].value = escaped(all[i].value)
	}
	return all, err
}

// shown is a spec's keys in their order, for whoever may not see its secrets.
func shown(spec []byte, secrets []string) ([]keyed, error) {
	dec := json.NewDecoder(bytes.NewReader(spec))
	dec.UseNumber()
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil, fmt.Errorf("its spec is no JSON object: %.40q", spec)
	}
	var out []keyed
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value any
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		out = append(out, keyed{key.(string), masked(value, inside(secrets, key.(string)))})
	}
	return out, nil
}

// inside are the places of secrets within what stands under key; one that is empty is that itself. A * is any key.
func inside(places []string, key string) []string {
	var out []string
	for _, place := range places {
		if first, rest, _ := strings.Cut(place, "."); first == key || first == "*" {
			out = append(out, rest)
		}
	}
	return out
}

// masked is v with the secrets at those places as files have them: references, or that there is one.
func masked(v any, places []string) any {
	if len(places) == 0 {
		return v
	}
	switch v := v.(type) {
	case string:
		if s := kind.NewSecret(v); slices.Contains(places, "") && s.IsSet() && !s.IsReference() {
			return kind.Kept
		}
	case []any:
		for i := range v {
			v[i] = masked(v[i], inside(places, "*"))
		}
	case map[string]any:
		for key := range v {
			v[key] = masked(v[key], inside(places, key))
		}
	}
	return v
}

// escaped is v with the text within it such that expand gives it back. Keys are never expanded.
func escaped(v any) any {
	switch v := v.(type) {
	case string:
		return escape(v)
	case []any:
		for i := range v {
			v[i] = escaped(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = escaped(v[key])
		}
	}
	return v
}

// inJSON is the JSON of v, which can always be written.
func inJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
