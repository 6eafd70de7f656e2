package node

import (
	"mime"
	"net/http"
	"strings"

	"github.com/parley-run/parley/runtime/catalog"
)

// actions are the channels of one path and method that differ by the SOAPAction of their callers: by method and action.
type actions map[string]catalog.Key

// share takes a channel beside those that serve a method already, where their actions differ.
func (a actions) share(method, action string, key catalog.Key) bool {
	at := method + " " + action
	if _, taken := a[at]; taken || action == "" || len(a) == 0 {
		return false
	}
	a[at] = key
	return true
}

// find is the channel of a request's action. One that is not known goes to whichever channel came first, which refuses it.
// Who asks for a WSDL names the action in the query, as soap_action.
func (a actions) find(r *http.Request) (catalog.Key, bool) {
	if len(a) < 2 {
		return catalog.Key{}, false
	}
	action := strings.Trim(strings.TrimSpace(r.Header.Get("SOAPAction")), `"`)
	if action == "" {
		_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		action = params["action"]
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		action = r.URL.Query().Get("soap_action")
	}
	key, ok := a[strings.Replace(r.Method, http.MethodHead, http.MethodGet, 1)+" "+action]
	return key, ok
}
