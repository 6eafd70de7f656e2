// Package sio is SimpleIO: it turns a channel's bytes into a service's declared input and its output back into
// bytes, so that services know no format.
//
// Where a field declares no type, its name says it: see Conventions. All else is text, and numbers and booleans given for
// it are turned into text.
package sio

import (
	"bytes"
	"context"
	"sort"

	"github.com/parley-run/parley/runtime/service"
)

// The formats. A channel without a format passes bytes as they are.
const (
	JSON = "json"
	XML  = "xml"
	CSV  = "csv"  // a table: its first row names the columns
	Form = "form" // application/x-www-form-urlencoded or multipart/form-data, by the request's Content-Type; replies are JSON

	SOAP = "soap" // of Body's first element; replies are what stands in one, for the channel to put its envelope around: see SOAPFields

	Decoded = "decoded" // the channel itself puts its format on: requests come with a Payload, responses leave with one, both in the neutral form
)

// Formats are all that the data_format of a channel that leaves formats to SimpleIO may be.
func Formats() []string { return []string{JSON, XML, CSV, Form, ""} }

// Options say how Wrap reads and writes.
type Options struct {
	Format      string // one of Formats
	Names       service.Names
	Service     string       // for messages
	Conventions *Conventions // nil: the usual ones
}

// Wrap puts SimpleIO around a service on its way from a channel:
//
//   - req.Input becomes the shape's input fields, checked and in declared order, taken from req.Payload, or else from
//     req.Raw in the channel's format, and from the parameters, of which the latter win unless req.PayloadFirst; without
//     declared input, req.Raw is decoded into req.Payload, and the input is payload and parameters together;
//   - next is called;
//   - the response's payload is checked against the shape's output, and written into Raw and ContentType in
//     the format, unless the service set Raw itself.
//
// Bad requests are a *service.Error of code Invalid that names every bad field; bad answers of the service are
// one of code Internal.
func Wrap(next service.Handler, shape *service.Shape, o Options) service.Handler {
	conventions := o.Conventions
	if conventions == nil {
		usual := DefaultConventions()
		conventions = &usual
	}
	w := &wrapper{next: next, options: o, checker: conventions.NewChecker(o.Service, shape), elem: responseElem, openXML: "<response>"}
	if shape == nil {
		return w
	}
	switch shape.ResponseElem {
	case "":
	case "-":
		w.elem = ""
	default:
		w.elem = shape.ResponseElem
	}
	if shape.Namespace != "" {
		w.openXML = `<response xmlns="` + string(appendXMLAttribute(nil, shape.Namespace)) + `">`
	}
	for _, f := range shape.Output {
		w.columns = append(w.columns, f.Name)
	}
	return w
}

type wrapper struct {
	next    service.Handler
	options Options
	checker *Checker
	elem    string   // JSON key around declared output; "" for none
	openXML string   // tag that begins an XML reply
	columns []string // of a CSV reply; nil: those of the first object
}

func (w *wrapper) Handle(ctx context.Context, req *service.Request) (*service.Response, error) {
	if err := w.read(req); err != nil {
		return nil, err
	}
	resp, err := w.next.Handle(ctx, req)
	if err != nil {
		return nil, err
	}
	if resp == nil {
		resp = &service.Response{}
	}
	if resp.Raw != nil {
		if resp.ContentType == "" {
			resp.ContentType = w.contentType()
		}
		return resp, nil
	}
	if resp.Payload, err = w.checker.Output(resp.Payload); err != nil || w.options.Format == Decoded {
		return resp, err
	}
	return resp, w.encode(req, resp)
}

// read makes req.Input.
func (w *wrapper) read(req *service.Request) (err error) {
	c := w.checker
	if c.input == nil {
		if req.Payload == nil && w.options.Format != Decoded {
			if req.Payload, err = w.decode(req); err != nil {
				return err
			}
		}
		req.Input = w.merged(req)
		return nil
	}
	req.Secrets = c.secrets
	p := &params{values: req.Params, payloadFirst: req.PayloadFirst}
	if req.ParamsApart {
		p.values = nil
	}
	if req.Payload != nil || w.options.Format == Decoded {
		req.Input, err = c.fromTree(req.Payload, p)
		return err
	}
	raw := bytes.TrimPrefix(req.Raw, []byte("\ufeff"))
	blank := isBlankBytes(raw)
	if !blank {
		req.Decode = func() (any, error) { return w.decode(req) }
	}
	switch {
	case blank || c.paramsOnly:
		req.Input, err = c.fromTree(nil, p)
	case w.options.Format == JSON:
		req.Input, err = c.fromJSON(raw, p)
	case w.options.Format == XML:
		req.Input, err = c.fromXML(raw, p)
	case w.options.Format == SOAP:
		req.Input, err = c.fromSOAP(raw, p)
	case w.options.Format == "":
		req.Input, err = c.fromTree(nil, p)
		if err != nil {
			service.AsError(err).Fix = "the channel has no data format, so only parameters were read, not the body; give it data_format json, xml, csv or form"
		}
	default:
		if req.Payload, err = w.decode(req); err == nil {
			req.Input, err = c.fromTree(w.row(req.Payload), p)
		}
	}
	return err
}

func isBlankBytes(raw []byte) bool { return len(bytes.TrimLeft(raw, " \t\r\n")) == 0 }

// row is the only row of a table where the input is one object.
func (w *wrapper) row(payload any) any {
	rows, ok := payload.([]any)
	if ok && len(rows) == 1 && !w.checker.inputRepeated {
		return rows[0]
	}
	return payload
}

// decode is req.Raw in the neutral form.
func (w *wrapper) decode(req *service.Request) (any, error) {
	if len(req.Raw) == 0 {
		return nil, nil
	}
	switch w.options.Format {
	case JSON:
		return DecodeJSON(req.Raw)
	case XML:
		return DecodeXML(req.Raw)
	case SOAP:
		return DecodeSOAP(req.Raw)
	case CSV:
		rows, err := DecodeCSV(req.Raw)
		if rows == nil {
			return nil, err
		}
		return rows, err
	case Form:
		o, err := DecodeForm(req.Raw, contentTypeHeader(req.Header))
		if o == nil {
			return nil, err
		}
		return o, err
	default:
		return string(req.Raw), nil
	}
}

func contentTypeHeader(header map[string][]string) string {
	if values := header["Content-Type"]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// merged is the input of a service without declared input: an object payload with the parameters over it, or beneath it,
// or the parameters alone where there is no payload. Any other payload stays as it is.
func (w *wrapper) merged(req *service.Request) any {
	if req.ParamsApart {
		return req.Payload
	}
	object, isObject := req.Payload.(*service.Object)
	if isObject && req.PayloadFirst {
		out := object.Clone()
		for name, v := range paramsObject(req.Params).All() {
			if _, has := object.Get(name); !has {
				out.Set(name, v)
			}
		}
		return out
	}
	return merge(req.Payload, req.Params)
}

// merge is the input of a service without declared input: an object payload with the parameters over it, or
// the parameters alone where there is no payload. Any other payload stays as it is.
func merge(payload any, params map[string][]string) any {
	object, isObject := payload.(*service.Object)
	if len(params) == 0 || (!isObject && payload != nil) {
		return payload
	}
	var out *service.Object
	if isObject {
		out = object.Clone()
	} else {
		out = service.NewObject(len(params))
	}
	for name, v := range paramsObject(params).All() {
		out.Set(name, v)
	}
	return out
}

// paramsObject is parameters as an object, in the order of their names.
func paramsObject(params map[string][]string) *service.Object {
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	sort.Strings(names)
	out := service.NewObject(len(names))
	for _, name := range names {
		out.Set(name, paramValue(params[name]))
	}
	return out
}
