// Package openapi describes REST channels to people and programs, in an OpenAPI 3.1 document made of the same declarations
// that the channels check their requests against.
package openapi

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// Info is what a document says of itself.
type Info struct {
	Title   string
	Version string
	Names   service.Names
	// Conventions say what names of fields stand for; nil: the usual ones.
	Conventions *sio.Conventions
}

// Operation is one REST channel.
type Operation struct {
	Channel  string
	Service  string
	Doc      string   // of the service
	Path     string   // such as /customers/{id}
	Methods  []string // none: all
	Format   string   // the channel's data_format
	Shape    *service.Shape
	Security []Security // of one of which callers show the credentials; none: anybody may call
}

// Security is a security definition that a channel asks for.
type Security struct {
	Name   string
	Scheme *service.Object // as the Security Scheme Object of OpenAPI has it: type, scheme, in, name, ...; nil: OpenAPI has no word for it
}

// Document is the description of those channels as JSON.
func Document(info Info, operations []Operation) ([]byte, error) {
	if info.Conventions == nil {
		usual := sio.DefaultConventions()
		info.Conventions = &usual
	}
	d := document{info: info, paths: service.NewObject(len(operations)), schemes: &service.Object{}}
	operations = slices.Clone(operations)
	slices.SortFunc(operations, func(a, b Operation) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Channel, b.Channel))
	})
	for _, o := range operations {
		d.add(o)
	}
	out := service.ObjectOf(
		"openapi", "3.1.0",
		"info", service.ObjectOf("title", info.Title, "version", info.Version),
		"paths", d.paths,
		"components", d.components(),
	)
	return service.AppendJSON(nil, out)
}

type document struct {
	info    Info
	paths   *service.Object
	schemes *service.Object
}

// methods are those that a Path Item of OpenAPI 3.1 has.
func methods() []string { return []string{"get", "put", "post", "delete", "options", "head", "patch"} }

func (d *document) add(o Operation) {
	item, _ := d.paths.Value(o.Path).(*service.Object)
	if item == nil {
		item = &service.Object{}
		d.paths.Set(o.Path, item)
	}
	served := o.Methods
	if len(served) == 0 {
		served = []string{"get", "put", "post", "delete", "patch"}
	}
	for _, method := range served {
		method = strings.ToLower(method)
		if _, taken := item.Get(method); !taken && slices.Contains(methods(), method) {
			item.Set(method, d.operation(o, method, len(served) > 1))
		}
	}
}

func (d *document) operation(o Operation, method string, several bool) *service.Object {
	id := identifier(o.Channel)
	if several {
		id += "." + method
	}
	out := service.ObjectOf("operationId", id, "tags", []any{o.Service})
	summary, rest, _ := strings.Cut(strings.TrimSpace(o.Doc), "\n")
	if summary != "" {
		out.Set("summary", summary)
	}
	if rest = strings.TrimSpace(rest); rest != "" {
		out.Set("description", rest)
	}
	shape := o.Shape
	if shape == nil {
		shape = &service.Shape{}
	}
	in := d.input(o, shape, method)
	if len(in.params) > 0 {
		out.Set("parameters", in.params)
	}
	if in.body != nil {
		out.Set("requestBody", in.body)
	}
	out.Set("responses", d.responses(o, shape, in))
	var security []any
	for _, s := range o.Security {
		if s.Scheme != nil {
			name := identifier(s.Name)
			d.schemes.Set(name, s.Scheme)
			security = append(security, service.ObjectOf(name, []any{}))
		}
	}
	if security != nil {
		out.Set("security", security)
	}
	return out
}

// identifier is a name in the characters that keys of components may have.
func identifier(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, name)
}

func (d *document) components() *service.Object {
	envelope := object(
		property{"cid", service.ObjectOf("type", "string", "description", "the request's correlation ID, which is in every log line of it"), true},
		property{"result", service.ObjectOf("type", "string", "const", d.info.Names.Error), true},
		property{"details", service.ObjectOf("type", "string", "description", "what is wrong, and what to do about it"), true},
	)
	c := service.ObjectOf(
		"schemas", service.ObjectOf("Error", object(property{d.info.Names.Env, envelope, true})),
		"headers", service.ObjectOf("CID", service.ObjectOf("description", "the request's correlation ID", "schema", service.ObjectOf("type", "string"))),
	)
	if d.schemes.Len() > 0 {
		c.Set("securitySchemes", d.schemes)
	}
	return c
}

// responses are the reply and the errors that a caller can meet.
func (d *document) responses(o Operation, shape *service.Shape, in input) *service.Object {
	ok := service.ObjectOf("description", "the service's answer", "headers", d.headers())
	if content := d.output(o, shape); content != nil {
		ok.Set("content", content)
	}
	out := service.ObjectOf("200", ok)
	type failure struct {
		status int
		when   bool
		words  string
	}
	for _, f := range []failure{
		{400, in.body != nil || len(in.params) > 0, "the request is wrong; all fields that are, are named"},
		{401, len(o.Security) > 0, "no valid credentials"},
		{403, len(o.Security) > 0, "these credentials do not allow it"},
		{413, in.body != nil, "the body is over the channel's limit"},
		{500, true, "the service failed"},
		{504, true, "the service did not answer in time"},
	} {
		if f.when {
			out.Set(strconv.Itoa(f.status), d.failure(o.Format, f.words))
		}
	}
	return out
}

func (d *document) headers() *service.Object {
	return service.ObjectOf(d.info.Names.CIDHeader, service.ObjectOf("$ref", "#/components/headers/CID"))
}

func (d *document) failure(format, words string) *service.Object {
	contentType, schema := "application/json", service.ObjectOf("$ref", "#/components/schemas/Error")
	if format == sio.XML {
		contentType = "application/xml"
		schema = service.ObjectOf("allOf", []any{schema}, "xml", service.ObjectOf("name", "response"))
	}
	return service.ObjectOf("description", words, "headers", d.headers(), "content", service.ObjectOf(contentType, service.ObjectOf("schema", schema)))
}
