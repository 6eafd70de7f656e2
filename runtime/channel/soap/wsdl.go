package soap

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// serveWSDL answers ?wsdl, in any case of its letters.
func (s *soap) serveWSDL(w http.ResponseWriter, r *http.Request, m *message) {
	asked := false
	for name := range r.URL.Query() {
		asked = asked || strings.EqualFold(name, "wsdl")
	}
	if !asked {
		w.Header().Set("Allow", http.MethodPost)
		err := service.Errorf(service.NotAllowed, "%s is for SOAP messages, by POST; its WSDL is at %s?wsdl", s.config.URLPath, s.config.URLPath)
		s.logged(r.Context(), r, m, s.fault(w, m, err), err)
		return
	}
	text, err := s.wsdl(address(r))
	if err != nil {
		s.logged(r.Context(), r, m, s.fault(w, m, err), err)
		return
	}
	h := w.Header()
	h[s.cidHeader] = []string{m.cid}
	h["Content-Type"] = []string{contentType11}
	h["Content-Length"] = []string{strconv.Itoa(len(text))}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write([]byte(text)) // fails where the client has gone, and there is nobody to tell
	}
	s.logged(r.Context(), r, m, http.StatusOK, nil)
}

// address is where who asks has reached the channel. A balancer that ends TLS says so in X-Forwarded-Proto: what a client
// says there itself misleads itself alone.
func address(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "https"
	}
	return scheme + "://" + r.Host + r.URL.EscapedPath()
}

// wsdl is the WSDL 1.1 of the channel: document/literal wrapped, with a binding for each version of SOAP that is served.
func (s *soap) wsdl(address string) (string, error) {
	x := &document{}
	name := words(s.deps.Name)
	ns := s.namespace
	x.open("wsdl:definitions", "name", name, "targetNamespace", ns, "xmlns:wsdl", "http://schemas.xmlsoap.org/wsdl/",
		"xmlns:soap", "http://schemas.xmlsoap.org/wsdl/soap/", "xmlns:soap12", "http://schemas.xmlsoap.org/wsdl/soap12/", "xmlns:xsd", xsdNamespace, "xmlns:tns", ns)
	x.open("wsdl:types")
	if err := s.schema(x); err != nil {
		return "", err
	}
	x.close()
	operations := s.config.names()
	for _, op := range operations {
		x.message(op+"Request", op)
		if !s.operations[op].oneWay {
			x.message(op+"Response", op+"Response")
		}
	}
	x.message("Failure", s.deps.Names.Env)
	x.open("wsdl:portType", "name", name+"PortType")
	for _, op := range operations {
		x.open("wsdl:operation", "name", op)
		if doc := s.operations[op].Doc; doc != "" {
			x.text("wsdl:documentation", doc)
		}
		x.empty("wsdl:input", "message", "tns:"+op+"Request")
		if !s.operations[op].oneWay { // which cannot have a fault in WSDL 1.1
			x.empty("wsdl:output", "message", "tns:"+op+"Response")
			x.empty("wsdl:fault", "name", "Failure", "message", "tns:Failure")
		}
		x.close()
	}
	x.close()
	for _, b := range s.bindings() {
		x.open("wsdl:binding", "name", name+b.suffix, "type", "tns:"+name+"PortType")
		x.empty(b.prefix+":binding", "style", "document", "transport", "http://schemas.xmlsoap.org/soap/http")
		for _, op := range operations {
			x.open("wsdl:operation", "name", op)
			x.empty(b.prefix+":operation", "soapAction", s.operations[op].action, "style", "document")
			x.inner("wsdl:input", b.prefix+":body", "use", "literal")
			if !s.operations[op].oneWay {
				x.inner("wsdl:output", b.prefix+":body", "use", "literal")
				x.open("wsdl:fault", "name", "Failure")
				x.empty(b.prefix+":fault", "name", "Failure", "use", "literal")
				x.close()
			}
			x.close()
		}
		x.close()
	}
	x.open("wsdl:service", "name", name)
	for _, b := range s.bindings() {
		x.open("wsdl:port", "name", name+b.suffix, "binding", "tns:"+name+b.suffix)
		x.empty(b.prefix+":address", "location", address)
		x.close()
	}
	x.close()
	x.close()
	return x.String(), nil
}

type binding struct{ suffix, prefix string }

func (s *soap) bindings() (all []binding) {
	if s.config.SOAPVersion != v12 {
		all = append(all, binding{"Soap11", "soap"})
	}
	if s.config.SOAPVersion != v11 {
		all = append(all, binding{"Soap12", "soap12"})
	}
	return all
}

// document is XML that is being written, indented.
type document struct {
	strings.Builder
	names []string
}

func (x *document) tag(name, end string, attributes []string) {
	if x.Len() == 0 {
		x.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	}
	x.WriteString(strings.Repeat("  ", len(x.names)) + "<" + name)
	for i := 0; i < len(attributes); i += 2 {
		x.WriteString(" " + attributes[i] + `="` + escape(attributes[i+1]) + `"`)
	}
	x.WriteString(end)
}

func (x *document) open(name string, attributes ...string) {
	x.tag(name, ">\n", attributes)
	x.names = append(x.names, name)
}

func (x *document) close() {
	name := x.names[len(x.names)-1]
	x.names = x.names[:len(x.names)-1]
	x.WriteString(strings.Repeat("  ", len(x.names)) + "</" + name + ">\n")
}

func (x *document) empty(name string, attributes ...string) { x.tag(name, "/>\n", attributes) }

func (x *document) text(name, text string) {
	x.tag(name, ">"+escape(text)+"</"+name+">\n", nil)
}

// inner is an element around one that is empty.
func (x *document) inner(name, child string, attributes ...string) {
	x.open(name)
	x.empty(child, attributes...)
	x.close()
}

func (x *document) message(name, element string) {
	x.open("wsdl:message", "name", name)
	x.empty("wsdl:part", "name", "parameters", "element", "tns:"+element)
	x.close()
}
