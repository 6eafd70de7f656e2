package openapi

import (
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// input is how a request brings a service's input.
type input struct {
	params []any
	body   *service.Object // nil: none
}

// input puts each field where it comes from: the path, the body, or the query where the method has no body.
func (d *document) input(o Operation, shape *service.Shape, method string) input {
	var in input
	fields := d.info.Conventions.Describe(shape.Input)
	named := pathParams(o.Path)
	for _, name := range named {
		schema := service.ObjectOf("type", "string")
		var doc string
		if i := slices.IndexFunc(fields, func(f service.Field) bool { return f.Name == name }); i >= 0 {
			schema, doc = ofField(fields[i]), fields[i].Doc
		}
		in.params = append(in.params, parameter(name, "path", doc, true, schema))
	}
	rest := slices.DeleteFunc(slices.Clone(fields), func(f service.Field) bool { return slices.Contains(named, f.Name) })
	hasBody := method == "post" || method == "put" || method == "patch"
	if !hasBody || shape.ParamsOnly || o.Format == "" {
		for _, f := range rest {
			in.params = append(in.params, parameter(f.Name, "query", f.Doc, f.Required, ofField(f)))
		}
	}
	switch {
	case !hasBody || shape.ParamsOnly:
	case o.Format == "":
		in.body = service.ObjectOf("content", service.ObjectOf("*/*", &service.Object{}))
	case len(fields) == 0:
		in.body = service.ObjectOf("content", contentOf(o.Format, media(&service.Object{}, nil)))
	case len(rest) > 0:
		in.body = service.ObjectOf(
			"content", contentOf(o.Format, d.requestMedia(o.Format, shape, rest)),
			"required", slices.ContainsFunc(rest, func(f service.Field) bool { return f.Required }),
		)
	}
	return in
}

func parameter(name, in, doc string, required bool, schema *service.Object) *service.Object {
	p := service.ObjectOf("name", name, "in", in, "required", required, "schema", schema)
	if doc != "" {
		p.Set("description", doc)
	}
	return p
}

// pathParams are the names in braces of a path, in order.
func pathParams(path string) (names []string) {
	for segment := range strings.SplitSeq(path, "/") {
		if len(segment) > 2 && segment[0] == '{' && segment[len(segment)-1] == '}' {
			names = append(names, segment[1:len(segment)-1])
		}
	}
	return names
}

func (d *document) requestMedia(format string, shape *service.Shape, fields []service.Field) *service.Object {
	schema, example := ofFields(fields, true), exampleOf(fields)
	if format == sio.CSV {
		return media(csvSchema(fields), nil)
	}
	if shape.InputRepeated {
		schema = service.ObjectOf("type", "array", "items", schema)
		if example != nil {
			example = []any{example}
		}
	}
	if format == sio.XML {
		return media(xmlRequest(shape, schema), nil)
	}
	if shape.RequestElem != "" {
		schema = object(property{shape.RequestElem, schema, true})
		if example != nil {
			example = service.ObjectOf(shape.RequestElem, example)
		}
	}
	return media(schema, example)
}

func xmlRequest(shape *service.Shape, schema *service.Object) *service.Object {
	name := shape.RequestElem
	if name == "" {
		name = "request"
	}
	if shape.InputRepeated {
		item, _ := schema.Value("items").(*service.Object)
		item.Set("xml", service.ObjectOf("name", "item"))
		schema.Set("xml", service.ObjectOf("name", name, "wrapped", true))
		return schema
	}
	schema.Set("xml", service.ObjectOf("name", name))
	return schema
}

// output is the content of a reply; nil: nothing is known of it.
func (d *document) output(o Operation, shape *service.Shape) *service.Object {
	fields := d.info.Conventions.Describe(shape.Output)
	if len(fields) == 0 {
		if o.Format == "" {
			return nil
		}
		return contentOf(replyFormat(o.Format), media(&service.Object{}, nil))
	}
	for i := range fields {
		isSkipped := slices.Contains(shape.SkipEmpty, "*") || slices.Contains(shape.SkipEmpty, fields[i].Name)
		fields[i].Required = fields[i].Required || !isSkipped || slices.Contains(shape.ForceEmpty, fields[i].Name)
	}
	schema, example := ofFields(d.nullable(fields, shape.Output), false), exampleOf(fields)
	if o.Format == sio.CSV {
		return contentOf(sio.CSV, media(csvSchema(fields), nil))
	}
	var elem string
	if shape.Repeated {
		elem = "item_list"
		schema = service.ObjectOf("type", "array", "items", schema)
		if example != nil {
			example = []any{example}
		}
	} else {
		elem = "item"
	}
	if o.Format == sio.XML {
		return contentOf(sio.XML, media(d.xmlReply(shape, elem, schema), nil))
	}
	if shape.ResponseElem != "-" {
		name := shape.ResponseElem
		if name == "" {
			name = "response"
		}
		schema = object(property{name, schema, true})
		if example != nil {
			example = service.ObjectOf(name, example)
		}
	}
	return contentOf(sio.JSON, media(schema, example))
}

// nullable marks the fields that are null where the service says nothing.
func (d *document) nullable(fields, declared []service.Field) []service.Field {
	for i := range fields {
		isNumber := fields[i].Type == "int" || fields[i].Type == "float" || fields[i].Type == "bool"
		fields[i].Nullable = !declared[i].Required && fields[i].Default == nil && (isNumber || fields[i].Nullable)
	}
	return fields
}

func (d *document) xmlReply(shape *service.Shape, elem string, schema *service.Object) *service.Object {
	envelope := object(
		property{"cid", service.ObjectOf("type", "string"), true},
		property{"result", service.ObjectOf("type", "string", "const", d.info.Names.OK), true},
	)
	if items, ok := schema.Value("items").(*service.Object); ok {
		items.Set("xml", service.ObjectOf("name", "item"))
		schema.Set("xml", service.ObjectOf("wrapped", true))
	}
	reply := object(property{d.info.Names.Env, envelope, true}, property{elem, schema, true})
	xml := service.ObjectOf("name", "response")
	if shape.Namespace != "" {
		xml.Set("namespace", shape.Namespace)
	}
	reply.Set("xml", xml)
	return reply
}

func replyFormat(format string) string {
	if format == sio.Form {
		return sio.JSON
	}
	return format
}

// contentOf is a Content object: the media type of a format, or the two of a form.
func contentOf(format string, m *service.Object) *service.Object {
	switch format {
	case sio.XML:
		return service.ObjectOf("application/xml", m)
	case sio.CSV:
		return service.ObjectOf("text/csv", m)
	case sio.Form:
		return service.ObjectOf("application/x-www-form-urlencoded", m, "multipart/form-data", m)
	default:
		return service.ObjectOf("application/json", m)
	}
}

func media(schema *service.Object, example any) *service.Object {
	m := service.ObjectOf("schema", schema)
	if example != nil {
		m.Set("example", example)
	}
	return m
}

func csvSchema(fields []service.Field) *service.Object {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return service.ObjectOf("type", "string", "description", "a table whose first row is "+strings.Join(names, ","))
}
