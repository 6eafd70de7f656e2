package sio

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// structure is the compiled form of an object's declared fields. It is never changed.
type structure struct {
	fields []field
	layout *service.Layout
	skips  bool // some field is left out where it is empty
}

type field struct {
	name     string
	kind     fieldType
	declared bool // a type is declared, not taken from the name
	required bool
	secret   bool
	skip     bool       // left out of the output where it is empty
	asGiven  bool       // stays what it is
	empty    any        // what stands where an optional one is missing
	inner    *structure // of an object, or of the objects of a list
	of       *field     // the elements of a list
	min, max any
	format   *dateFormat
	problem  string // why it can hold nothing: its declaration is wrong
}

// absent stands for a field that was not given.
type absent struct{}

// compiler makes structures of declared fields.
type compiler struct {
	conventions *Conventions
	asGiven     bool
	skip, force []string
}

func (c *compiler) structure(declared []service.Field) *structure {
	s := &structure{fields: make([]field, len(declared))}
	names := make([]string, len(declared))
	for i := range declared {
		s.fields[i] = c.field(&declared[i])
		names[i] = declared[i].Name
		s.skips = s.skips || s.fields[i].skip
	}
	s.layout = service.NewLayout(names)
	return s
}

func (c *compiler) field(d *service.Field) field {
	f := field{name: d.Name, kind: c.conventions.typeOf(d.Name), declared: d.Type != "", required: d.Required, min: d.Min, max: d.Max}
	f.secret = d.Secret || c.conventions.IsSecret(d.Name)
	f.skip = !d.Required && (slices.Contains(c.skip, "*") || slices.Contains(c.skip, d.Name)) && !slices.Contains(c.force, d.Name)
	f.asGiven = c.asGiven && !f.declared && f.kind == typeText
	if f.declared {
		var known bool
		if f.kind, known = typeOf(d.Type); !known {
			f.problem = "its declared type " + strconv.Quote(d.Type) + " does not exist; types are " + strings.Join(TypeNames(), ", ")
		}
	}
	if f.empty = f.kind.empty(); d.Nullable {
		f.empty = nil
	}
	switch {
	case len(d.Fields) > 0 && (f.kind == typeDict || f.kind == typeDictList):
		f.inner = c.structure(d.Fields)
	case len(d.Fields) > 0:
		f.problem = "it has fields of its own, and is no dict or dictlist"
	case f.kind == typeList && d.Of != "":
		of := c.field(&service.Field{Name: d.Name, Type: d.Of, Required: true, Secret: f.secret, Min: d.Min, Max: d.Max, Format: d.Format})
		f.of = &of
		f.problem = of.problem
	}
	if d.Format != "" && f.of == nil {
		var err error
		if f.format, err = parseDateFormat(d.Format); err != nil {
			f.problem = err.Error()
		} else if f.kind != typeDate && f.kind != typeDateTime && f.kind != typeUTC {
			f.problem = "it has the format of a date, and is none"
		}
	}
	f.setDefault(d)
	return f
}

// setDefault takes the default as the service shall see it, such as the integer 5 for the text "5".
func (f *field) setDefault(d *service.Field) {
	def, err := Neutral(d.Default)
	if err != nil || def == nil || f.problem != "" {
		return
	}
	f.empty = def
	if f.asGiven || !f.declared && f.kind == typeText {
		return
	}
	if v, ok := f.convert(def); ok {
		f.empty = v
	} else if _, ok := f.timeOut(def); f.format != nil && ok {
		f.empty = def // in ISO 8601, as services see it
	} else if d.Default != "" {
		f.problem = fmt.Sprintf("its default is %s; expected %s", f.describe(def), f.expected())
	}
}

// expected says what the field accepts, for messages.
func (f *field) expected() string {
	text := f.kind.expected()
	if f.format != nil {
		text = "a date or time such as " + f.format.example()
	}
	if f.of != nil {
		return text
	}
	switch {
	case f.min == any(int64(math.MinInt64)) && f.max == any(int64(math.MaxInt64)):
		return text
	case f.min != nil && f.max != nil:
		return fmt.Sprintf("%s from %v to %v", text, f.min, f.max)
	case f.min != nil:
		return fmt.Sprintf("%s of at least %v", text, f.min)
	case f.max != nil:
		return fmt.Sprintf("%s of at most %v", text, f.max)
	}
	return text
}

// describe says what a value is, for messages, unless nobody may see it.
func (f *field) describe(v any) string {
	if f.secret {
		switch v.(type) {
		case nil, *service.Object, []any:
		default:
			return "***"
		}
	}
	return describe(v)
}

// names are those of the fields, for messages.
func (s *structure) names() string {
	names := make([]string, len(s.fields))
	for i := range s.fields {
		names[i] = s.fields[i].name
	}
	return strings.Join(names, ", ")
}

// secrets are the names of fields that nobody may see, those of nested objects with the names around them.
func (s *structure) secrets(path string) (all []string) {
	for i := range s.fields {
		f := &s.fields[i]
		if f.secret {
			all = append(all, path+f.name)
		} else if f.inner != nil {
			all = append(all, f.inner.secrets(path+f.name+".")...)
		}
	}
	return all
}

// problems are what is wrong with the declaration.
func (s *structure) problems(side string) (faults []string) {
	seen := map[string]bool{}
	for i := range s.fields {
		switch f := &s.fields[i]; {
		case f.name == "":
			faults = append(faults, fmt.Sprintf("%s field %d has no name", side, i+1))
		case seen[f.name]:
			faults = append(faults, fmt.Sprintf("%s field %q is declared twice", side, f.name))
		case f.problem != "":
			faults = append(faults, fmt.Sprintf("%s field %q: %s", side, f.name, f.problem))
		case f.inner != nil:
			faults = append(faults, f.inner.problems(side+" field \""+f.name+"\":")...)
		}
		seen[s.fields[i].name] = true
	}
	return faults
}
