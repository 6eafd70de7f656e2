package rest

import (
	"context"
	"fmt"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/message"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/service"
)

// SOAPConfig is what a definition of a SOAP connection holds.
type SOAPConfig struct {
	Config
	SOAPVersion string `json:"soap_version" choices:"1.1,1.2" doc:"1.1 or 1.2"`
	SOAPAction  string `json:"soap_action" doc:"SOAPAction of requests, unless a call gives its own; {operation} in it is the operation's name"`
	Namespace   string `json:"namespace" doc:"namespace of operations; its prefix is ns"`
	Qualified   bool   `json:"qualified" doc:"whether elements within an operation are in the namespace too, as elementFormDefault says in a WSDL"`
}

// SOAPKind is the row for the node's table of kinds.
func SOAPKind() outconn.Kind {
	def := SOAPConfig{Config: Defaults(), SOAPVersion: message.SOAP11, Qualified: true}
	def.DataFormat = formatSOAP
	return outconn.Define("outgoing_soap", "an outgoing HTTP connection to a SOAP service", []string{"soap"}, def, buildSOAP)
}

// Choices are of kind.Chooser.
func (SOAPConfig) Choices() map[string][]string {
	return map[string][]string{"data_format": {formatSOAP}}
}

// Check finds everything that is wrong with the values.
func (c SOAPConfig) Check() kind.Faults {
	faults := c.check()
	if c.DataFormat != formatSOAP {
		faults.Add("data_format", "expected soap, not %q; other formats are those of outgoing_rest", c.DataFormat)
	}
	if message.SOAPNamespace(c.SOAPVersion) == "" {
		faults.Add("soap_version", "expected 1.1 or 1.2, not %q", c.SOAPVersion)
	}
	if !isHeaderText(c.SOAPAction) || strings.Contains(c.SOAPAction, `"`) {
		faults.Add("soap_action", "expected text without quotes and line breaks")
	}
	return faults
}

func buildSOAP(cfg SOAPConfig, d outconn.Deps) (outconn.Conn, error) {
	over, err := build(cfg.Config, d)
	if err != nil {
		return nil, err
	}
	return &soapConn{conn: over.(*conn), soap: cfg}, nil
}

// soapConn is a connection whose bodies are envelopes.
type soapConn struct {
	*conn
	soap SOAPConfig
}

// soapCall is one request to make.
type soapCall struct {
	operation string // "" where body holds all that is to be sent
	payload   any
	header    any
	action    *string
	over      call
}

// Call invokes an operation:
//
//	invoke(operation, payload)    send, post (cid, data)
//
// with soap_header, soap_action, cid, params and headers by name. The payload is what stands within the operation's element;
// data is the whole content of the body: a dict whose keys are elements, or XML. The result is that of a REST connection;
// its data is what stands within the first element of the reply's body, None where that is empty, and its soap_header the
// header's elements. A fault is an error of code Upstream, and so is an answer that is no envelope.
func (c *soapConn) Call(ctx context.Context, method string, args []any, kwargs map[string]any) (any, error) {
	if method == "ping" {
		return c.Ping(ctx)
	}
	if method != "invoke" && method != "send" && method != "post" {
		return nil, outconn.UnknownMethod(c.name, method, []string{"invoke", "send", "post", "ping"})
	}
	req, err := c.request(method, args, kwargs)
	if err != nil {
		return nil, err
	}
	if req.over.cid == "" {
		req.over.cid = service.CallFrom(ctx).CID
	}
	if req.over.data, err = c.envelope(req); err != nil {
		return nil, c.misuse("the request cannot be written as SOAP: %w", err)
	}
	c.head(req)
	target, err := c.target(req.over.params)
	if err != nil {
		return nil, err
	}
	r, err := c.do(ctx, &req.over, target)
	if err != nil {
		return nil, err
	}
	where := fmt.Sprintf("outconn %q: %s %s answered %d", c.name, req.over.verb, address(target), r.status)
	return c.opened(r, where)
}

// request takes the arguments apart: those that are SOAP's own here, all others as those of a POST.
func (c *soapConn) request(method string, args []any, kwargs map[string]any) (*soapCall, error) {
	req := &soapCall{over: call{verb: "POST"}}
	named := make(map[string]any, len(kwargs))
	for name, v := range kwargs {
		action, isText := v.(string)
		switch {
		case name == "soap_header":
			req.header = v
		case name == "soap_action" && isText && isHeaderText(action) && !strings.Contains(action, `"`):
			req.action = &action
		case name == "soap_action":
			return nil, c.misuse("%s: soap_action is text without quotes and line breaks, not %s", method, typeOf(v))
		default:
			named[name] = v
		}
	}
	if method != "invoke" {
		if err := c.arguments(&req.over, method, true, args, named); err != nil {
			return nil, err
		}
		req.payload = req.over.data
		return req, nil
	}
	const takes = "invoke takes (operation, payload, soap_header=..., soap_action=..., cid=..., params=..., headers=...)"
	for i, name := range [...]string{"operation", "payload"} {
		v, isNamed := named[name]
		switch {
		case isNamed && i < len(args):
			return nil, c.misuse("invoke: %s is given twice", name)
		case i < len(args):
			v = args[i]
		}
		delete(named, name)
		if i == 1 {
			req.payload = v
			continue
		}
		var ok bool
		if req.operation, ok = v.(string); !ok || req.operation == "" {
			return nil, c.misuse("%s; the operation is its name, not %s", takes, typeOf(v))
		}
	}
	if len(args) > 2 {
		return nil, c.misuse(takes)
	}
	if _, wrong := named["data"]; wrong {
		return nil, c.misuse(takes)
	}
	return req, c.arguments(&req.over, method, true, nil, named)
}

// envelope is the request's body.
func (c *soapConn) envelope(req *soapCall) ([]byte, error) {
	s := message.SOAP{Version: c.soap.SOAPVersion, Body: req.payload, Header: req.header}
	if c.soap.Namespace != "" {
		s.Namespaces = map[string]string{"ns": c.soap.Namespace}
	}
	if req.operation != "" {
		s.Body = c.operation(req.operation, req.payload)
	}
	raw, err := s.Build()
	if err != nil {
		return nil, err
	}
	return append([]byte(xmlDeclaration), raw...), nil
}

// operation is a body with one element, that of the operation.
func (c *soapConn) operation(name string, payload any) *service.Object {
	switch {
	case c.soap.Namespace == "":
		return service.ObjectOf(name, payload)
	case !c.soap.Qualified:
		return service.ObjectOf("ns:"+name, payload)
	}
	content := service.ObjectOf("@xmlns", c.soap.Namespace)
	if o, ok := payload.(*service.Object); ok {
		for key, v := range o.All() {
			content.Set(key, v)
		}
	} else if payload != nil {
		content.Set("#text", payload)
	}
	return service.ObjectOf(name, content)
}

// head sets the headers of SOAP over HTTP; those that the call gives win.
func (c *soapConn) head(req *soapCall) {
	action := strings.ReplaceAll(c.soap.SOAPAction, "{operation}", req.operation)
	if req.action != nil {
		action = *req.action
	}
	h := service.NewObject(2)
	contentType := c.soap.ContentType
	if c.soap.SOAPVersion == message.SOAP12 {
		if contentType == "" {
			if contentType = "application/soap+xml; charset=utf-8"; action != "" {
				contentType += `; action="` + action + `"`
			}
		}
	} else {
		h.Set("SOAPAction", `"`+action+`"`)
		if contentType == "" {
			contentType = "text/xml; charset=utf-8"
		}
	}
	h.Set("Content-Type", contentType)
	for name, v := range req.over.headers.All() {
		h.Set(name, v)
	}
	req.over.headers = h
}

// opened takes the reply's envelope apart.
func (c *soapConn) opened(r *reply, where string) (any, error) {
	ok := r.status >= 200 && r.status < 300
	if len(r.body) == 0 && ok {
		return &soapReply{reply: r}, nil // of an operation that answers nothing
	}
	env, err := message.ParseSOAP(r.body)
	switch {
	case err != nil:
		return nil, &service.Error{
			Code: service.Upstream, Err: err, Message: fmt.Sprintf("%s with a body that is no SOAP envelope: %s", where, err),
			Fix: "see what it answered; is the address right?",
		}
	case env.Fault != nil:
		e := &service.Error{Code: service.Upstream, Err: env.Fault, Message: where + ": " + env.Fault.Error()}
		if env.Fault.Detail != nil {
			if detail, err := service.AppendJSON(nil, env.Fault.Detail); err == nil {
				e.Err = fmt.Errorf("%w, detail %s", env.Fault, detail)
			}
		}
		return nil, e
	case !ok:
		return nil, &service.Error{Code: service.Upstream, Message: where + " with an envelope that holds no fault"}
	}
	if payload := env.Payload(); payload != nil {
		r.data = payload.Data()
	}
	out := &soapReply{reply: r}
	if env.Header != nil {
		out.header = env.Header.Data()
	}
	return out, nil
}

// soapReply is a reply with what its envelope's header holds.
type soapReply struct {
	*reply
	header any
}

// Attr is one part of the reply.
func (r *soapReply) Attr(name string) (any, bool) {
	if name == "soap_header" {
		return r.header, true
	}
	return r.reply.Attr(name)
}

// AttrNames are the parts there are.
func (r *soapReply) AttrNames() []string { return append(r.reply.AttrNames(), "soap_header") }
