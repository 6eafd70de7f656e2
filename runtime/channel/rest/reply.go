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
	body, contentType := sio.EncodeError(format, names, cid, e.Error())
	h := w.Header()
	for name, values := range e.Header {
		h[name] = values
	}
	h.Set(names.CIDHeader, cid)
	h["Content-Type"] = []string{contentType}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails where the client has gone, and there is nobody to tell
	return status
}

// writeResponse answers with what the service said, and gives the status. cidHeader is in canonical form.
func writeResponse(w http.ResponseWriter, method, cidHeader, cid string, resp *service.Response) int {
	h := w.Header()
	for name, values := range resp.Header {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Connection", "Content-Length", "Transfer-Encoding": // the server's own business
		default:
			h[name] = values
		}
	}
	h[cidHeader] = []string{cid}
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
	h["Content-Length"] = []string{strconv.Itoa(len(resp.Raw))}
	w.WriteHeader(status)
	if method != http.MethodHead {
		_, _ = w.Write(resp.Raw) // fails where the client has gone, and there is nobody to tell
	}
	return status
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
