package rest

import (
	"fmt"

	"github.com/parley-run/parley/runtime/message"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// The formats that a connection may have beside none.
const (
	formatJSON = "json"
	formatXML  = "xml"
	formatSOAP = "soap"
)

const (
	xmlType        = "application/xml"
	xmlDeclaration = `<?xml version="1.0" encoding="UTF-8"?>`
)

// format is how data becomes a body and back.
type format struct {
	name        string // for messages
	contentType string
	encode      func(data any) ([]byte, error)
	decode      func(raw []byte) (any, error) // nil: the text as it is
}

func formatOf(dataFormat string) format {
	asJSON := func(data any) ([]byte, error) { return service.AppendJSON(make([]byte, 0, 256), data) }
	switch dataFormat {
	case formatJSON:
		return format{name: "JSON", contentType: jsonType, encode: asJSON, decode: sio.DecodeJSON}
	case formatXML:
		return format{name: "XML", contentType: xmlType, encode: encodeXML, decode: decodeXML}
	}
	return format{name: "JSON", contentType: jsonType, encode: asJSON}
}

// encodeXML writes an object of one key, which is the root element.
func encodeXML(data any) ([]byte, error) {
	o, ok := data.(*service.Object)
	if !ok || o.Len() != 1 {
		return nil, fmt.Errorf("XML has one root element: expected a dict of one key, such as {\"order\": {...}}, not %s", typeOf(data))
	}
	root, content := o.At(0)
	raw, err := message.BuildXML(root, content, nil)
	if err != nil {
		return nil, err
	}
	return append([]byte(xmlDeclaration), raw...), nil
}

// decodeXML reads what encodeXML writes: an object of one key, the root element.
func decodeXML(raw []byte) (any, error) {
	root, err := message.ParseXML(raw)
	if err != nil {
		return nil, err
	}
	return service.ObjectOf(root.Name, root.Data()), nil
}
