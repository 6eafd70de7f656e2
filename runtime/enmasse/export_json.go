package enmasse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

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
			fmt.Fprintf(&b, ", %s: %s", inJSON(m.key), m.value)
		}
		b.WriteByte('}')
	}
	if last != "" {
		b.WriteString("\n  ]\n")
	}
	b.WriteString("}\n")
	return b.String(), nil
}

// key is a key of a spec and its value's JSON, as files have it.
type keyed struct {
	key   string
	value []byte
}

// exported is a spec as files have it: variables escaped, secrets that are no references left where they are.
func exported(spec []byte, secrets []string) ([]keyed, error) {
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
		if form, ok := value.(string); ok && slices.Contains(secrets, key.(string)) {
			value = shown(form)
		}
		out = append(out, keyed{key.(string), inJSON(escaped(value))})
	}
	return out, nil
}

// shown is a secret as files have it: a reference, or that there is one.
func shown(form string) string {
	if s := kind.NewSecret(form); s.IsSet() && !s.IsReference() {
		return kind.Kept
	}
	return form
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
