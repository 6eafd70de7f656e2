package sio

import "github.com/parley-run/parley/runtime/service"

// Describe is declared fields with what the conventions add to them: each has a type, by one of TypeNames, and says whether
// it is a secret; defaults and examples are of their type. Secrets have neither.
func (c *Conventions) Describe(declared []service.Field) []service.Field {
	if len(declared) == 0 {
		return nil
	}
	s := (&compiler{conventions: c}).structure(declared)
	out := make([]service.Field, len(declared))
	for i, d := range declared {
		f := &s.fields[i]
		d.Type, d.Secret = f.kind.name(), f.secret
		if d.Default != nil {
			d.Default = f.empty
		}
		if d.Example != nil {
			d.Example = f.example(d.Example)
		}
		if f.secret {
			d.Default, d.Example = nil, nil
		}
		if f.of != nil {
			d.Of = f.of.kind.name()
		}
		d.Fields = c.Describe(d.Fields)
		out[i] = d
	}
	return out
}

// example is an example as it would stand in a document.
func (f *field) example(given any) any {
	v, err := Neutral(given)
	if err != nil {
		return nil
	}
	if converted, ok := f.convert(v); ok && f.format == nil && f.kind != typeCSV {
		return converted
	}
	return v
}

// name is the type's among TypeNames.
func (t fieldType) name() string {
	for _, name := range TypeNames() {
		if named, _ := typeOf(name); named == t {
			return name
		}
	}
	return "any"
}
