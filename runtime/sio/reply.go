package sio

import (
	"github.com/parley-run/parley/runtime/service"
)

const (
	contentJSON = "application/json"
	contentXML  = "application/xml"
	contentCSV  = "text/csv; charset=utf-8"
	contentText = "text/plain; charset=utf-8"
)

func (w *wrapper) contentType() string { return contentTypeOf(w.options.Format) }

func contentTypeOf(format string) string {
	switch format {
	case JSON, Form:
		return contentJSON
	case XML, SOAP:
		return contentXML
	case CSV:
		return contentCSV
	default:
		return contentText
	}
}

// encode writes resp.Payload, which is in the neutral form, into resp.Raw.
func (w *wrapper) encode(req *service.Request, resp *service.Response) error {
	contentType := w.contentType()
	var err error
	if w.options.Format == SOAP {
		if resp.Raw, resp.ContentType, err = w.soap(resp.Payload); err != nil {
			return w.checker.fault("output cannot be written as XML: %w", err)
		}
		return nil
	}
	text, isText := resp.Payload.(string)
	switch {
	case resp.Payload == nil:
	case isText && w.checker.output == nil:
		resp.Raw = []byte(text)
	case w.options.Format == CSV:
		resp.Raw, err = EncodeCSV(w.columns, resp.Payload)
	case w.options.Format == XML:
		resp.Raw, err = w.xml(req.CID, resp.Payload)
	default:
		contentType = contentJSON
		resp.Raw, err = w.json(resp.Payload)
	}
	if err != nil {
		return w.checker.fault("output cannot be written as %s: %w", formatName(w.options.Format), err)
	}
	if resp.ContentType == "" {
		resp.ContentType = contentType
	}
	return nil
}

func formatName(format string) string {
	switch format {
	case XML:
		return "XML"
	case CSV:
		return "CSV"
	default:
		return "JSON"
	}
}

func (w *wrapper) json(payload any) ([]byte, error) {
	dst := make([]byte, 0, 256)
	if w.checker.output == nil || w.elem == "" {
		return service.AppendJSON(dst, payload)
	}
	dst, err := service.AppendJSON(append(dst, '{'), w.elem)
	if err != nil {
		return nil, err
	}
	if dst, err = service.AppendJSON(append(dst, ':'), payload); err != nil {
		return nil, err
	}
	return append(dst, '}'), nil
}

// xml writes the envelope and, within it, one <item> or an <item_list> of them.
func (w *wrapper) xml(cid string, payload any) ([]byte, error) {
	dst := append(make([]byte, 0, 512), w.openXML...)
	dst, err := appendEnvelope(dst, w.options.Names.Env, cid, w.options.Names.OK, nil)
	if err != nil {
		return nil, err
	}
	if dst, err = w.items(dst, payload); err != nil {
		return nil, err
	}
	return append(dst, "</response>"...), nil
}

func (w *wrapper) items(dst []byte, payload any) ([]byte, error) {
	list, isList := payload.([]any)
	s := w.checker.output
	switch {
	case s != nil && !isList:
		return s.appendShaped(dst, itemElem, payload)
	case !isList:
		return appendElement(dst, itemElem, payload)
	case s == nil || len(list) == 0:
		return appendElement(dst, itemListElem, payload)
	}
	dst = append(append(append(dst, '<'), itemListElem...), '>')
	for _, one := range list {
		var err error
		if dst, err = s.appendShaped(dst, itemElem, one); err != nil {
			return dst, err
		}
	}
	return append(append(append(dst, "</"...), itemListElem...), '>'), nil
}

// appendEnvelope appends the element of that name with CID and result and, where they are given, details.
func appendEnvelope(dst []byte, name, cid, result string, details *string) ([]byte, error) {
	o := service.ObjectOf("cid", cid, "result", result)
	if details != nil {
		o.Set("details", *details)
	}
	return appendElement(dst, name, o)
}

// EncodeError is the envelope of every error reply and its content type, as XML where the format is XML and as
// JSON otherwise:
//
//	{"parley_env":{"cid":"..","result":"PARLEY_ERROR","details":".."}}
func EncodeError(format string, names service.Names, cid, details string) (body []byte, contentType string) {
	if format == XML {
		body, err := appendEnvelope([]byte("<response>"), names.Env, cid, names.Error, &details)
		if err == nil {
			return append(body, "</response>"...), contentXML
		}
	}
	envelope := service.ObjectOf(names.Env, service.ObjectOf("cid", cid, "result", names.Error, "details", details))
	body, err := EncodeJSON(envelope)
	if err != nil { // text alone cannot fail
		return nil, contentJSON
	}
	return body, contentJSON
}
