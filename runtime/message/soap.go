package message

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// The versions of SOAP.
const (
	SOAP11 = "1.1"
	SOAP12 = "1.2"
)

const (
	soap11Namespace = "http://schemas.xmlsoap.org/soap/envelope/"
	soap12Namespace = "http://www.w3.org/2003/05/soap-envelope"
	soapPrefix      = "soap"
)

// SOAPNamespace is the namespace of a version's envelopes; "" for a version that is not known.
func SOAPNamespace(version string) string {
	switch version {
	case SOAP11:
		return soap11Namespace
	case SOAP12:
		return soap12Namespace
	}
	return ""
}

// SOAP is an envelope to build.
type SOAP struct {
	Version    string            // SOAP11 or SOAP12; "" is SOAP11
	Body       any               // an object whose keys are the elements of the body; or XML, as text or *Element
	Header     any               // as Body; nil: there is none
	Namespaces map[string]string // prefixes that Body and Header may use; that of the envelope is soap
}

// Build writes the envelope.
func (s SOAP) Build() ([]byte, error) {
	uri := SOAPNamespace(s.Version)
	if s.Version == "" {
		uri = soap11Namespace
	}
	if uri == "" {
		return nil, fmt.Errorf("SOAP %s is not known; versions are %s and %s", s.Version, SOAP11, SOAP12)
	}
	bound := maps.Clone(s.Namespaces)
	if bound == nil {
		bound = map[string]string{}
	}
	if other, taken := bound[soapPrefix]; taken && other != uri {
		return nil, errors.New("the prefix soap is that of the envelope; choose another")
	}
	bound[soapPrefix] = uri
	b := &builder{}
	if err := b.bind(bound); err != nil {
		return nil, err
	}
	b.dst = append(b.dst, "<soap:Envelope"+b.declarations(bound)+">"...)
	if s.Header != nil {
		if err := b.part("soap:Header", s.Header); err != nil {
			return nil, fmt.Errorf("SOAP header: %w", err)
		}
	}
	if err := b.part("soap:Body", s.Body); err != nil {
		return nil, fmt.Errorf("SOAP body: %w", err)
	}
	return append(b.dst, "</soap:Envelope>"...), nil
}

// part writes the header or the body.
func (b *builder) part(name string, v any) error {
	text, isText := v.(string)
	switch v := v.(type) {
	case nil, *service.Object:
		return b.element(name, v, "", 1)
	case *Element:
		text, isText = v.XML(), true
	}
	if !isText {
		return fmt.Errorf("expected an object whose keys are elements, or XML, not %T", v)
	}
	if strings.TrimSpace(text) != "" {
		e, err := ParseXML([]byte(text))
		if err != nil {
			return err
		}
		text = e.XML() // without declaration and byte order mark
	}
	b.dst = append(b.dst, "<"+name+">"+text+"</"+name+">"...)
	return nil
}

// Envelope is a SOAP envelope that was read.
type Envelope struct {
	Version string
	Header  *Element // nil: there is none
	Body    *Element
	Fault   *Fault // nil: it holds none
}

// Fault is what a SOAP server says went wrong.
type Fault struct {
	Code    string // local name, such as Client or Sender
	Subcode string // of SOAP 1.2; "" is none
	Reason  string
	Actor   string // who says so; "" is none
	Detail  any    // in the neutral form, see Element.Data; nil is none
}

func (f *Fault) Error() string {
	code := f.Code
	if f.Subcode != "" {
		code += "/" + f.Subcode
	}
	return fmt.Sprintf("SOAP fault %s: %s", code, f.Reason)
}

// ParseSOAP reads an envelope of either version. Its errors are *service.Error of code Invalid.
func ParseSOAP(raw []byte) (*Envelope, error) {
	root, err := ParseXML(raw)
	if err != nil {
		return nil, err
	}
	return ReadSOAP(root)
}

// ReadSOAP reads an envelope that was parsed already.
func ReadSOAP(root *Element) (*Envelope, error) {
	e := &Envelope{}
	for _, version := range []string{SOAP11, SOAP12} {
		if root.Name == "Envelope" && root.Namespace == SOAPNamespace(version) {
			e.Version = version
		}
	}
	if e.Version == "" {
		return nil, service.Errorf(service.Invalid, "it is no SOAP envelope: the root element is {%s}%s", shortened(root.Namespace), shortened(root.Name))
	}
	e.Header, e.Body = root.Child(root.Namespace, "Header"), root.Child(root.Namespace, "Body")
	if e.Body == nil {
		return nil, service.Errorf(service.Invalid, "the SOAP envelope has no Body")
	}
	if fault := e.Body.Child(root.Namespace, "Fault"); fault != nil {
		if e.Fault = fault12(fault); e.Version == SOAP11 {
			e.Fault = fault11(fault)
		}
	}
	return e, nil
}

// Payload is the first element of the body; nil: the body is empty.
func (e *Envelope) Payload() *Element {
	if all := e.Body.Children(); len(all) > 0 {
		return all[0]
	}
	return nil
}

func fault11(e *Element) *Fault {
	f := &Fault{Code: local(textOfChild(e, "faultcode")), Reason: textOfChild(e, "faultstring"), Actor: textOfChild(e, "faultactor")}
	if detail := e.Child("*", "detail"); detail != nil {
		f.Detail = detail.Data()
	}
	return f
}

func fault12(e *Element) *Fault {
	f := &Fault{Actor: textOfChild(e, "Role")}
	if code := e.Child("*", "Code"); code != nil {
		f.Code = local(textOfChild(code, "Value"))
		if sub := code.Child("*", "Subcode"); sub != nil {
			f.Subcode = local(textOfChild(sub, "Value"))
		}
	}
	if reason := e.Child("*", "Reason"); reason != nil {
		f.Reason = textOfChild(reason, "Text")
		for _, text := range reason.Children() {
			for _, a := range text.Attributes {
				if a.Namespace == xmlNamespace && a.Name == "lang" && strings.HasPrefix(strings.ToLower(a.Value), "en") {
					f.Reason = strings.TrimSpace(text.Text())
				}
			}
		}
	}
	if detail := e.Child("*", "Detail"); detail != nil {
		f.Detail = detail.Data()
	}
	return f
}

func textOfChild(e *Element, name string) string {
	if c := e.Child("*", name); c != nil {
		return strings.TrimSpace(c.Text())
	}
	return ""
}

// local is a qualified name without its prefix.
func local(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }
