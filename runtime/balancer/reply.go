package balancer

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

var errNoServer = errors.New("no server is available")

// noServerDetails are the words of the reply.
const noServerDetails = "No server is available to handle the request"

// unknownError is a request that a server may or may not have handled.
type unknownError struct {
	server string
	err    error
}

func (e *unknownError) Error() string {
	return fmt.Sprintf("%s did not answer; it may or may not have handled the request", e.server)
}

func (e *unknownError) Unwrap() error { return e.err }

// clientError is a request that its client did not send as announced.
type clientError struct{ err error }

func (e *clientError) Error() string {
	if errors.Is(e.err, os.ErrDeadlineExceeded) {
		return "the request's body did not arrive: the client stopped sending"
	}
	return "the request's body broke off: " + e.err.Error()
}

func (e *clientError) Unwrap() error { return e.err }

// replyError answers a request that no server answered.
func (b *Balancer) replyError(w http.ResponseWriter, r *http.Request, err error) {
	b.refused.Add(1)
	callFrom(r.Context()).endBody(true)
	var unknown *unknownError
	var client *clientError
	switch {
	case errors.As(err, &unknown):
		w.Header().Set(OutcomeHeader, "unknown")
		w.Header().Set(ServerHeader, unknown.server)
		cid := b.reply(w, r, http.StatusBadGateway, unknown.Error())
		b.o.Log.Warn("outcome of a request is unknown", "cid", cid, "server", unknown.server, "err", unknown.err)
	case errors.As(err, &client):
		b.reply(w, r, http.StatusBadRequest, client.Error())
	case errors.Is(err, errNoServer):
		w.Header().Set("Retry-After", "1")
		cid := b.reply(w, r, http.StatusServiceUnavailable, noServerDetails)
		b.o.Log.Warn("no server is available", "cid", cid)
	default:
		// The client has gone.
		cid := b.reply(w, r, http.StatusBadGateway, "the request was not handed to a server")
		b.o.Log.Debug("request not forwarded", "cid", cid, "err", err)
	}
}

// reply writes the envelope of errors, as XML to who sent XML, and gives its CID.
func (b *Balancer) reply(w http.ResponseWriter, r *http.Request, status int, details string) string {
	cid, names := service.NewCID(), b.o.Names
	h := w.Header()
	h.Set(names.CIDHeader, cid)
	h.Set("Cache-Control", "no-store")
	var out []byte
	if strings.Contains(r.Header.Get("Content-Type"), "xml") {
		h.Set("Content-Type", "application/xml; charset=utf-8")
		var text strings.Builder
		_ = xml.EscapeText(&text, []byte(details)) // a Builder takes everything
		out = fmt.Appendf(nil, "<response><%[1]s><cid>%[2]s</cid><result>%[3]s</result><details>%[4]s</details></%[1]s></response>\n",
			names.Env, cid, names.Error, text.String())
	} else {
		h.Set("Content-Type", "application/json")
		out, _ = service.AppendJSON(nil, service.ObjectOf(names.Env,
			service.ObjectOf("cid", cid, "result", names.Error, "details", details))) // text always has a JSON form
		out = append(out, '\n')
	}
	w.WriteHeader(status)
	_, _ = w.Write(out)
	return cid
}
