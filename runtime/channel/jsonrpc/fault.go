package jsonrpc

import (
	"errors"
	"net/http"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// The codes of the standard, section 5.1.
const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeMethodNotFound = -32601
	codeInvalidParams  = -32602
	codeInternal       = -32603
)

// fault is an error object.
type fault struct {
	code    int64
	message string
	data    *service.Object // nil: none
}

func parseError() *fault     { return &fault{code: codeParse, message: "Parse error"} }
func invalidRequest() *fault { return &fault{code: codeInvalidRequest, message: "Invalid Request"} }
func methodNotFound() *fault { return &fault{code: codeMethodNotFound, message: "Method not found"} }

// codeOf is the code of a status that HTTP would have. Of -32000 to -32099, which the standard leaves to servers, 401 to
// 449 have -32001 to -32049 and 501 to 549 have -32051 to -32099; all others go by their class.
func codeOf(status int) int64 {
	switch {
	case status > 400 && status < 450:
		return int64(-32000 - (status - 400))
	case status > 500 && status < 550:
		return int64(-32050 - (status - 500))
	case status < 500:
		return codeInvalidParams
	}
	return codeInternal
}

// faultOf is what a caller sees of err. What is no *service.Error says no more than "internal error".
func faultOf(cid string, err error) *fault {
	e := service.AsError(err)
	status := e.HTTPStatus()
	f := &fault{code: codeOf(status), message: e.Error(), data: service.ObjectOf("cid", cid)}
	switch f.code {
	case codeInvalidParams:
		f.message = "Invalid params"
		f.data.Set("errors", []any{e.Error()})
		var each sio.Faults
		if errors.As(err, &each) {
			list := make([]any, len(each))
			for i, one := range each {
				list[i] = one
			}
			f.data.Set("errors", list)
		}
	case codeInternal:
		f.message = "Internal error"
		f.data.Set("details", e.Error())
	default:
		f.data.Set("status", int64(status))
	}
	return f
}

// faultOfStatus is the answer of a service that set an error's status itself, with what it answered.
func faultOfStatus(cid string, status int, payload any) *fault {
	f := &fault{code: codeOf(status), message: http.StatusText(status), data: service.ObjectOf("cid", cid, "status", int64(status))}
	if f.message == "" {
		f.message = "the service answered with an error"
	}
	if payload != nil {
		f.data.Set("payload", payload)
	}
	return f
}

// append writes the error object.
func (f *fault) append(dst []byte) ([]byte, error) {
	o := service.ObjectOf("code", f.code, "message", f.message)
	if f.data != nil {
		o.Set("data", f.data)
	}
	return service.AppendJSON(dst, o)
}
