package rest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// WriteError answers with err as the envelope of errors in that format, and gives the status. The CID stands
// in the header that names say and in the envelope. What is not a *service.Error says no more than "internal
// error": log the cause. Headers of w that are set already, such as Allow, stay.
func WriteError(w http.ResponseWriter, names service.Names, format, cid string, err error) int {
	e := service.AsError(err)
	status := e.HTTPStatus()
	details := e.Error()
	if e.Code == service.Internal && details == service.InternalMessage && names.Internal != "" {
		details = names.Internal
	}
	body, contentType := sio.EncodeError(format, names, cid, details)
	h := w.Header()
	for name, values := range e.Header {
		h[name] = values
	}
	h.Set(names.CIDHeader, cid)
	if e.Bare {
		h["Content-Length"] = []string{"0"}
		w.WriteHeader(status)
		return status
	}
	h["Content-Type"] = []string{contentType}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails where the client has gone, and there is nobody to tell
	return status
}

// writeResponse answers with what the service said, and gives the status.
func (c *rest) writeResponse(w http.ResponseWriter, r *http.Request, cid string, resp *service.Response) int {
	h := w.Header()
	for name, values := range resp.Header {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Connection", "Content-Length", "Transfer-Encoding": // the server's own business
		case "Vary":
			h[name] = append(h[name], values...)
		default:
			h[name] = values
		}
	}
	h[c.cidHeader] = []string{cid}
	if resp.ContentType != "" {
		h["Content-Type"] = []string{resp.ContentType}
	}
	status := resp.Status
	if status == 0 {
		status = http.StatusOK
	}
	if status == http.StatusNoContent || status == http.StatusNotModified {
		delete(h, "Content-Type")
		w.WriteHeader(status)
		return status
	}
	raw := c.encoded(h, r, status, resp.Raw)
	if status == http.StatusOK && isKnown(h.Get("Etag"), r) {
		delete(h, "Content-Type")
		delete(h, "Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return http.StatusNotModified
	}
	h["Content-Length"] = []string{strconv.Itoa(len(raw))}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(raw) // fails where the client has gone, and there is nobody to tell
	}
	return status
}

// isKnown says whether the caller has the reply of that tag already: RFC 9110, section 13.1.2.
func isKnown(tag string, r *http.Request) bool {
	asked := r.Header["If-None-Match"]
	if tag == "" || asked == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	for _, one := range splitList(asked) {
		if one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// canSend reports whether a service's status can end a request: 0 is success, 1xx are not final.
func canSend(status int) bool { return status == 0 || (status >= 200 && status <= 999) }

// causeOf is err for the log, with the cause that a *service.Error keeps from callers.
func causeOf(err error) string {
	text := err.Error()
	if e := service.AsError(err); e.Err != nil && !strings.Contains(text, e.Err.Error()) {
		return text + ": " + causeOf(e.Err)
	}
	return text
}

func bytesText(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}
