package soap

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// fault is an error that SOAP itself has a code for.
type fault struct {
	code   string // such as VersionMismatch
	header string // of the reply
	detail string // beside our own
	cause  *service.Error
}

func (f *fault) Error() string { return f.cause.Error() }
func (f *fault) Unwrap() error { return f.cause }

// failed is the fault of a service that has set a status which is no success: what it answered is the detail.
func (m *message) failed(resp *service.Response) error {
	f := &fault{cause: &service.Error{
		Code: service.CodeOfHTTPStatus(resp.Status), Status: resp.Status, Header: resp.Header,
		Message: fmt.Sprintf("service %q answered with the status %d", m.operation.Name, resp.Status),
	}}
	switch resp.ContentType {
	case sio.SOAPFields:
		f.detail = m.operation.before + string(resp.Raw) + m.operation.after
	case sio.SOAPBody:
		f.detail = string(resp.Raw)
	}
	return f
}

// isOurs says whether an error is the receiver's fault, and not the sender's.
func isOurs(err error) bool {
	return service.AsError(err).HTTPStatus() >= http.StatusInternalServerError
}

// statusOf is the HTTP status of a fault: SOAP 1.1 has 500 for all, and SOAP 1.2 400 where the sender is at fault. What
// HTTP's own means need, such as a challenge or a time to try again, keeps its status.
func statusOf(version, code string, e *service.Error) int {
	switch status := e.HTTPStatus(); status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusTooManyRequests:
		return status
	}
	if version == v12 && code == "Sender" {
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

// fault answers with err as a fault, and gives the status. What is no *service.Error says no more than "internal error".
func (s *soap) fault(w http.ResponseWriter, m *message, err error) int {
	e := service.AsError(err)
	own := &fault{}
	errors.As(err, &own)
	code := own.code
	switch isOurs := isOurs(err); {
	case code != "":
	case m.version == v12 && isOurs:
		code = "Receiver"
	case m.version == v12:
		code = "Sender"
	case isOurs:
		code = "Server"
	default:
		code = "Client"
	}
	text := e.Error()
	if s.isZato() {
		text = "cid [" + m.cid + "], faultstring [" + text + "]"
	}
	status := statusOf(m.version, code, e)
	own.code = code
	body := s.faultBody(m, own, text, e.Error())
	h := w.Header()
	for name, values := range e.Header {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Connection", "Content-Length", "Transfer-Encoding": // the server's own business
		default:
			h[name] = values
		}
	}
	h[s.cidHeader] = []string{m.cid}
	h["Content-Type"] = []string{contentTypeOf(m.version)}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // fails where the client has gone, and there is nobody to tell
	return status
}

func (s *soap) faultBody(m *message, f *fault, text, details string) string {
	p, env := s.prefix(), s.deps.Names.Env
	var b strings.Builder
	before, after := s.around(m.version, f.header)
	b.WriteString(before + "<" + p + ":Fault>")
	detail := "<" + env + ` xmlns="` + escape(s.namespace) + `"><cid>` + m.cid + "</cid><result>" + s.deps.Names.Error + "</result>"
	detail += "<details>" + escape(details) + "</details></" + env + ">" + f.detail
	if m.version == v12 {
		b.WriteString("<" + p + ":Code><" + p + ":Value>" + p + ":" + f.code + "</" + p + ":Value></" + p + ":Code>")
		b.WriteString("<" + p + ":Reason><" + p + `:Text xml:lang="en">` + escape(text) + "</" + p + ":Text></" + p + ":Reason>")
		b.WriteString("<" + p + ":Detail>" + detail + "</" + p + ":Detail>")
	} else {
		b.WriteString("<faultcode>" + p + ":" + f.code + "</faultcode><faultstring>" + escape(text) + "</faultstring><detail>" + detail + "</detail>")
	}
	b.WriteString("</" + p + ":Fault>" + after)
	return b.String()
}

// escape is a text as it stands in XML, between tags or in an attribute's quotes.
func escape(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\r", "&#xD;").Replace(s)
}
