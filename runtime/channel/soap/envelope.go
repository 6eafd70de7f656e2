package soap

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// Versions of SOAP, as configs name them.
const (
	v11 = "1.1"
	v12 = "1.2"
)

const (
	xsiNamespace  = "http://www.w3.org/2001/XMLSchema-instance"
	contentType11 = "text/xml; charset=utf-8"
	contentType12 = "application/soap+xml; charset=utf-8"
)

func namespaceOf(version string) string {
	if version == v12 {
		return sio.SOAP12
	}
	return sio.SOAP11
}

func contentTypeOf(version string) string {
	if version == v12 {
		return contentType12
	}
	return contentType11
}

// accept takes in the envelope's version and its headers.
func (s *soap) accept(m *message, e *sio.Envelope) error {
	version := map[string]string{sio.SOAP11: v11, sio.SOAP12: v12}[e.Namespace]
	if want := s.config.SOAPVersion; version == "" || want != "" && version != want {
		if want != "" {
			m.version = want
		}
		return s.mismatch(e.Namespace)
	}
	m.version = version
	for i := range e.Headers {
		if b := &e.Headers[i]; mustUnderstand(b, e.Namespace) && (s.deps.Understood == nil || !s.deps.Understood(b.Namespace, b.Name)) {
			return notUnderstood(b, version)
		}
	}
	return nil
}

// mustUnderstand says whether a header is for us, and must not be passed over.
func mustUnderstand(b *sio.Element, namespace string) bool {
	if v := strings.TrimSpace(b.Attribute(namespace, "mustUnderstand")); v != "1" && v != "true" {
		return false
	}
	if namespace == sio.SOAP11 {
		actor := b.Attribute(namespace, "actor")
		return actor == "" || actor == "http://schemas.xmlsoap.org/soap/actor/next"
	}
	role := b.Attribute(namespace, "role")
	return role == "" || role == sio.SOAP12+"/role/next" || role == sio.SOAP12+"/role/ultimateReceiver"
}

// mismatch is the fault of an envelope in a version that is not served; the reply names those that are.
func (s *soap) mismatch(namespace string) error {
	var b strings.Builder
	b.WriteString(`<up:Upgrade xmlns:up="` + sio.SOAP12 + `">`)
	served := []string{v12, v11}
	if s.config.SOAPVersion != "" {
		served = []string{s.config.SOAPVersion}
	}
	for i, v := range served {
		fmt.Fprintf(&b, `<up:SupportedEnvelope qname="v%d:Envelope" xmlns:v%d="%s"/>`, i, i, namespaceOf(v))
	}
	b.WriteString(`</up:Upgrade>`)
	return &fault{code: "VersionMismatch", header: b.String(), cause: service.Errorf(service.Invalid,
		"an Envelope in the namespace %.200q; SOAP %s is served here", namespace, strings.Join(served, " and "))}
}

func notUnderstood(b *sio.Element, version string) error {
	f := &fault{code: "MustUnderstand", cause: service.Errorf(service.Invalid, "the header {%.200s}%.200s must be understood, and is not", b.Namespace, b.Name)}
	if version == v12 {
		name := b.Name
		if b.Namespace != "" {
			name = "h:" + name
		}
		f.header = `<s:NotUnderstood xmlns:s="` + sio.SOAP12 + `" qname="` + escape(name) + `"`
		if b.Namespace != "" {
			f.header += ` xmlns:h="` + escape(b.Namespace) + `"`
		}
		f.header += "/>"
	}
	return f
}

// prefix is that of the envelopes' own elements.
func (s *soap) prefix() string {
	if s.isZato() {
		return "SOAP-ENV"
	}
	return "soap"
}

func (s *soap) isZato() bool { return s.deps.Names == service.ZatoNames() }

// around is what stands before and behind what is in Body.
func (s *soap) around(version, header string) (before, after string) {
	p := s.prefix()
	before = `<?xml version="1.0" encoding="UTF-8"?>` + "\n<" + p + `:Envelope xmlns:` + p + `="` + namespaceOf(version) + `" xmlns:xsi="` + xsiNamespace + `">`
	if header != "" {
		before += "<" + p + ":Header>" + header + "</" + p + ":Header>"
	}
	return before + "<" + p + ":Body>", "</" + p + ":Body></" + p + ":Envelope>"
}

// response is what stands around the fields of a reply.
func (s *soap) response(operation string) (before, after string) {
	name := operation + "Response"
	return "<" + name + ` xmlns="` + escape(s.namespace) + `">`, "</" + name + ">"
}

// reply answers with what the service said, and gives the status.
func (s *soap) reply(w http.ResponseWriter, m *message, resp *service.Response) int {
	h := w.Header()
	for name, values := range resp.Header {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Connection", "Content-Length", "Transfer-Encoding": // the server's own business
		default:
			h[name] = values
		}
	}
	h[s.cidHeader] = []string{m.cid}
	status := resp.Status
	if status == 0 {
		status = http.StatusOK
	}
	if m.operation.oneWay {
		if resp.Status == 0 {
			status = http.StatusAccepted
		}
		h["Content-Length"] = []string{"0"}
		w.WriteHeader(status)
		return status
	}
	var parts [5]string
	if isPart(resp) {
		parts[0], parts[4] = s.around(m.version, "")
	}
	contentType := contentTypeOf(m.version)
	switch resp.ContentType {
	case sio.SOAPFields:
		parts[1], parts[3] = m.operation.before, m.operation.after
	case sio.SOAPBody:
	default:
		contentType = resp.ContentType
	}
	h["Content-Type"] = []string{contentType}
	h["Content-Length"] = []string{strconv.Itoa(len(parts[0]) + len(parts[1]) + len(resp.Raw) + len(parts[3]) + len(parts[4]))}
	w.WriteHeader(status)
	for i, part := range parts { // fails where the client has gone, and there is nobody to tell
		if i == 2 {
			_, _ = w.Write(resp.Raw)
		} else if part != "" {
			_, _ = w.Write([]byte(part))
		}
	}
	return status
}

// isPart says whether an answer is a part of a SOAP message, and not one that the service has built as a whole.
func isPart(resp *service.Response) bool {
	if resp.ContentType != sio.SOAPBody {
		return resp.ContentType == sio.SOAPFields
	}
	e, err := sio.ReadEnvelope(resp.Raw)
	return err != nil || e.Namespace != sio.SOAP11 && e.Namespace != sio.SOAP12
}
