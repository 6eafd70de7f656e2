package messages

import (
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/parley-run/parley/runtime/message"
	"github.com/parley-run/parley/runtime/service"
	parley "github.com/parley-run/parley/runtime/starlark"
)

// buildSOAP is soap.build(body, header=None, version="1.1", namespaces={}): an envelope as text. Body and header are dicts
// whose keys are elements, or XML.
func buildSOAP(c *call) (starlark.Value, error) {
	var body starlark.Value
	var header starlark.Value = starlark.None
	var bound *starlark.Dict
	s := message.SOAP{Version: message.SOAP11}
	if err := c.unpack("body", &body, "header?", &header, "version?", &s.Version, "namespaces?", &bound); err != nil {
		return nil, err
	}
	var err error
	if s.Namespaces, err = c.namespaces(bound); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		value  starlark.Value
		target *any
	}{{body, &s.Body}, {header, &s.Header}} {
		if x, ok := part.value.(element); ok {
			*part.target = x.e
		} else if *part.target, err = parley.FromValue(part.value); err != nil {
			return nil, c.failed(err)
		}
	}
	raw, err := s.Build()
	if err != nil {
		return nil, c.failed(err)
	}
	return starlark.String(raw), nil
}

func (c *call) envelope() (*message.Envelope, error) {
	var doc starlark.Value
	if err := c.unpack("text", &doc); err != nil {
		return nil, err
	}
	e, err := c.document(doc)
	if err != nil {
		return nil, err
	}
	env, err := message.ReadSOAP(e)
	if err != nil {
		return nil, c.failed(err)
	}
	return env, nil
}

// parseSOAP is soap.parse(text): .version, .header and .body, which are elements, and .fault, each None where it is missing.
func parseSOAP(c *call) (starlark.Value, error) {
	env, err := c.envelope()
	if err != nil {
		return nil, err
	}
	out := starlark.StringDict{
		"version": starlark.String(env.Version), "header": starlark.None, "body": element{env.Body}, "fault": starlark.None,
	}
	if env.Header != nil {
		out["header"] = element{env.Header}
	}
	if f := env.Fault; f != nil {
		out["fault"] = starlarkstruct.FromStringDict(starlark.String("fault"), starlark.StringDict{
			"code": starlark.String(f.Code), "subcode": starlark.String(f.Subcode), "reason": starlark.String(f.Reason),
			"actor": starlark.String(f.Actor), "detail": parley.ToValue(f.Detail),
		})
	}
	return starlarkstruct.FromStringDict(starlark.String("envelope"), out), nil
}

// bodySOAP is soap.body(text): the elements of the body as a dict. A fault ends the request as an error of a system that the
// service called.
func bodySOAP(c *call) (starlark.Value, error) {
	env, err := c.envelope()
	if err != nil {
		return nil, err
	}
	if env.Fault != nil {
		return nil, &service.Error{Code: service.Upstream, Message: env.Fault.Error(), Err: env.Fault}
	}
	data := env.Body.Data()
	if _, isText := data.(string); isText { // an empty body
		data = service.NewObject(0)
	}
	return parley.ToValue(data), nil
}
