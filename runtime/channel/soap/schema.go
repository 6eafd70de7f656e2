package soap

import (
	"strconv"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

const xsdNamespace = "http://www.w3.org/2001/XMLSchema"

// dictionary is the type of an object with keys of its own.
const dictionary = "Dictionary"

// schema writes the XML Schema of all operations: an element for each request and reply, and a type for each object in one.
func (s *soap) schema(x *document) error {
	x.open("xsd:schema", "targetNamespace", s.namespace, "elementFormDefault", "qualified")
	t := &types{document: x, taken: map[string]bool{}}
	for _, name := range s.config.names() {
		op := s.operations[name]
		var shape service.Shape
		if op.Shape != nil {
			shape = *op.Shape
		}
		var input, output []service.Field
		if op.Fields != nil {
			input, output = op.Fields()
		}
		t.request(name, input, shape)
		if op.oneWay {
			continue
		}
		if shape.AllowEmptyRequired {
			for i := range output {
				output[i].Required = false
			}
		}
		t.payload(name+"Response", output, shape.Repeated, true)
	}
	t.rest()
	if t.problem != "" {
		return service.Errorf(service.Internal, "channel %q has no WSDL: %s", s.deps.Name, t.problem)
	}
	x.open("xsd:element", "name", s.deps.Names.Env)
	x.open("xsd:complexType")
	x.open("xsd:sequence")
	for _, name := range []string{"cid", "result", "details"} {
		x.empty("xsd:element", "name", name, "type", "xsd:string")
	}
	x.close()
	x.close()
	x.close()
	x.close()
	return nil
}

// types writes elements, and remembers the types that they name.
type types struct {
	*document
	taken map[string]bool
	owed  []owed
	dicts bool // some object has keys of its own

	problem string // the first field that no schema can have
}

// owed is a type that was named and is still to be written.
type owed struct {
	name   string
	fields []service.Field
	output bool
}

// request is the element of an operation's input, which may stand under an element of its own.
func (t *types) request(name string, input []service.Field, shape service.Shape) {
	if shape.RequestElem == "" || shape.RequestElem == name || len(input) == 0 || !isOperation(shape.RequestElem) {
		t.payload(name, input, shape.InputRepeated, false)
		return
	}
	t.element(name, func() {
		t.open("xsd:element", "name", shape.RequestElem)
		t.open("xsd:complexType")
		t.sequence(name, input, shape.InputRepeated, false)
		t.close()
		t.close()
	})
}

func (t *types) element(name string, inside func()) {
	t.open("xsd:element", "name", name)
	t.open("xsd:complexType")
	t.open("xsd:sequence")
	inside()
	t.close()
	t.close()
	t.close()
}

// payload is the element of a request or a reply; without declared fields it holds anything.
func (t *types) payload(name string, fields []service.Field, repeated, output bool) {
	t.open("xsd:element", "name", name)
	t.open("xsd:complexType")
	t.sequence(name, fields, repeated, output)
	t.close()
	t.close()
}

func (t *types) sequence(name string, fields []service.Field, repeated, output bool) {
	t.open("xsd:sequence")
	switch {
	case len(fields) == 0:
		t.empty("xsd:any", "minOccurs", "0", "maxOccurs", "unbounded", "processContents", "lax")
	case repeated:
		t.empty("xsd:element", "name", "item", "type", t.object(name+"_item", fields, output), "minOccurs", "0", "maxOccurs", "unbounded")
	default:
		t.fields(name, fields, output)
	}
	t.close()
}

func (t *types) fields(name string, fields []service.Field, output bool) {
	for _, f := range fields {
		if !sio.IsXMLName(f.Name) && t.problem == "" {
			t.problem = strconv.Quote(f.Name) + " of " + name + " is no name that an element can have"
		}
		attributes := []string{"name", f.Name}
		isList := f.Type == "list" || f.Type == "dictlist"
		attributes = append(attributes, "type", t.of(name, f, output))
		switch {
		case isList:
			attributes = append(attributes, "minOccurs", "0", "maxOccurs", "unbounded")
		case !f.Required:
			attributes = append(attributes, "minOccurs", "0")
		}
		if output && (isList || f.Required) {
			attributes = append(attributes, "nillable", "true")
		}
		doc := f.Doc
		if f.Format != "" {
			doc = join(doc, "written as "+f.Format)
		}
		if f.Default != nil {
			if text, err := service.AppendJSON(nil, f.Default); err == nil {
				doc = join(doc, "where it is missing: "+string(text))
			}
		}
		if doc == "" {
			t.empty("xsd:element", attributes...)
			continue
		}
		t.open("xsd:element", attributes...)
		t.open("xsd:annotation")
		t.text("xsd:documentation", doc)
		t.close()
		t.close()
	}
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// of is the type of a field, or of one element of a list.
func (t *types) of(name string, f service.Field, output bool) string {
	kind := f.Type
	if kind == "list" {
		if kind = f.Of; kind == "list" {
			kind = "any"
		}
	}
	switch kind {
	case "dict", "dictlist":
		return t.object(name+"_"+f.Name, f.Fields, output)
	case "date":
		if f.Format == "" {
			return "xsd:date"
		}
	case "datetime", "utc":
		if f.Format == "" {
			return "xsd:dateTime"
		}
	case "bool":
		return "xsd:boolean"
	case "int":
		return "xsd:long"
	case "float":
		return "xsd:double"
	case "decimal":
		return "xsd:decimal"
	case "any", "":
		return "xsd:anyType"
	}
	return "xsd:string"
}

// object names the type of an object with those fields, to be written later.
func (t *types) object(name string, fields []service.Field, output bool) string {
	if len(fields) == 0 {
		t.dicts = true
		return "tns:" + dictionary
	}
	free := name
	for i := 2; t.taken[free] || free == dictionary || free == dictionary+"_item"; i++ {
		free = name + "_" + strconv.Itoa(i)
	}
	t.taken[free] = true
	t.owed = append(t.owed, owed{free, fields, output})
	return "tns:" + free
}

// rest writes the types that were named.
func (t *types) rest() {
	for len(t.owed) > 0 {
		next := t.owed[0]
		t.owed = t.owed[1:]
		t.open("xsd:complexType", "name", next.name)
		t.open("xsd:sequence")
		t.fields(next.name, next.fields, next.output)
		t.close()
		t.close()
	}
	if !t.dicts {
		return
	}
	t.open("xsd:complexType", "name", dictionary)
	t.open("xsd:sequence")
	t.empty("xsd:element", "name", "item", "type", "tns:"+dictionary+"_item", "minOccurs", "0", "maxOccurs", "unbounded")
	t.close()
	t.close()
	t.open("xsd:complexType", "name", dictionary+"_item")
	t.open("xsd:sequence")
	t.empty("xsd:element", "name", "key", "type", "xsd:string")
	t.empty("xsd:element", "name", "value", "type", "xsd:anyType", "nillable", "true")
	t.close()
	t.close()
}
