package openapi

import (
	"github.com/parley-run/parley/runtime/service"
)

// property is one of an object's.
type property struct {
	name     string
	schema   *service.Object
	required bool
}

func object(properties ...property) *service.Object {
	all, required := service.NewObject(len(properties)), []any{}
	for _, p := range properties {
		all.Set(p.name, p.schema)
		if p.required {
			required = append(required, p.name)
		}
	}
	out := service.ObjectOf("type", "object", "properties", all)
	if len(required) > 0 {
		out.Set("required", required)
	}
	return out
}

// ofFields is the schema of an object with those fields. What is read may hold others too, which are passed over; what is
// written holds no others.
func ofFields(fields []service.Field, read bool) *service.Object {
	properties := make([]property, len(fields))
	for i, f := range fields {
		properties[i] = property{f.Name, ofField(f), f.Required}
	}
	out := object(properties...)
	if !read {
		out.Set("additionalProperties", false)
	}
	return out
}

// ofField is the schema of a field's values as they are best sent.
func ofField(f service.Field) *service.Object {
	out := ofType(f.Type, f)
	if f.Nullable {
		if kind, ok := out.Value("type").(string); ok {
			out.Set("type", []any{kind, "null"})
		}
	}
	if f.Doc != "" {
		out.Set("description", f.Doc)
	}
	if f.Secret {
		out.Set("format", "password")
		return out
	}
	if f.Default != nil {
		out.Set("default", f.Default)
	}
	if f.Example != nil {
		out.Set("examples", []any{f.Example})
	}
	return out
}

func ofType(name string, f service.Field) *service.Object {
	text := func(pairs ...any) *service.Object {
		return service.ObjectOf(append([]any{"type", "string"}, pairs...)...)
	}
	dated := func(format string) *service.Object {
		if f.Format != "" {
			return text("description", "written as "+f.Format)
		}
		return text("format", format)
	}
	switch name {
	case "bool":
		return service.ObjectOf("type", "boolean")
	case "int":
		return bounded(service.ObjectOf("type", "integer"), f)
	case "float":
		return bounded(service.ObjectOf("type", "number"), f)
	case "text":
		return text()
	case "csv":
		return text("description", "values with commas between them")
	case "date":
		return dated("date")
	case "datetime", "utc":
		return dated("date-time")
	case "decimal":
		return text("format", "decimal")
	case "uuid":
		return text("format", "uuid")
	case "list":
		items := &service.Object{}
		if f.Of != "" {
			items = ofType(f.Of, f)
		}
		return service.ObjectOf("type", "array", "items", items)
	case "dict":
		return ofObject(f)
	case "dictlist":
		return service.ObjectOf("type", "array", "items", ofObject(f))
	default:
		return &service.Object{}
	}
}

func ofObject(f service.Field) *service.Object {
	if len(f.Fields) == 0 {
		return service.ObjectOf("type", "object")
	}
	return ofFields(f.Fields, true)
}

func bounded(schema *service.Object, f service.Field) *service.Object {
	if f.Min != nil {
		schema.Set("minimum", f.Min)
	}
	if f.Max != nil {
		schema.Set("maximum", f.Max)
	}
	return schema
}

// exampleOf is an object of the fields' examples, or nil where a required field has none.
func exampleOf(fields []service.Field) any {
	out := &service.Object{}
	for _, f := range fields {
		v := f.Example
		if v == nil && len(f.Fields) > 0 {
			v = exampleOf(f.Fields)
			if v != nil && f.Type == "dictlist" {
				v = []any{v}
			}
		}
		switch {
		case v != nil:
			out.Set(f.Name, v)
		case f.Required:
			return nil
		}
	}
	if out.Len() == 0 {
		return nil
	}
	return out
}
