package admin

import (
	"crypto/subtle"
	"io"
	"net/http"
	"strings"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// maxBody bounds a request: a deployment of many files fits.
const maxBody = 64 << 20

// onBehalf names the user for whom another process of the cluster, which has the token, calls: for the audit log alone.
const onBehalf = "X-Parley-On-Behalf-Of"

// ServeHTTP answers POST /parley/api/<service>, GET /parley/api/openapi.json and GET /metrics.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cid := a.cid(r)
	w.Header().Set(service.ParleyNames().CIDHeader, cid)
	if err := http.NewCrossOriginProtection().Check(r); err != nil { // a browser shows the password it knows to whatever page asks
		a.fail(w, r, cid, service.Errorf(service.Denied, "a page of another site may not call internal services: %w", err))
		return
	}
	by, err := a.caller(r)
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="parley", Basic realm="parley"`)
		a.fail(w, r, cid, err)
		return
	}
	if r.URL.Path == "/metrics" && r.Method == http.MethodGet && a.Metrics != nil && by.role.Has(service.Read) {
		a.Metrics.ServeHTTP(w, r)
		return
	}
	if r.URL.Path == openAPIPath && !a.NoOpenAPI && (r.Method == http.MethodGet || r.Method == http.MethodHead) && by.role.Has(service.Read) {
		a.serveOpenAPI(w, r, cid)
		return
	}
	res, err := a.answer(w, r, by, cid)
	var body []byte
	if err == nil {
		body, err = service.AppendJSON(nil, service.ObjectOf("response", res))
	}
	if err != nil {
		a.fail(w, r, cid, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n')) // the client may have gone
}

func (a *API) answer(w http.ResponseWriter, r *http.Request, by caller, cid string) (any, error) {
	name, ok := strings.CutPrefix(r.URL.Path, Path)
	if !ok {
		return nil, service.Errorf(service.NotFound, "nothing is served at %s; internal services are at %s<service>", r.URL.Path, Path)
	}
	s, _, ok := a.find(r.Context(), name)
	switch {
	case !ok:
		return nil, a.unknown(name)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return nil, service.Errorf(service.NotAllowed, "internal services are called by POST, not %s", r.Method)
	case !by.role.Has(s.Needed()):
		return nil, denied(by.role, s) // before a body is read that may be large
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, service.Errorf(service.TooLarge, "the request's body is over %d bytes or was cut off: %w", maxBody, err)
	}
	req := &service.Request{CID: cid, Channel: "admin", Method: r.Method, Path: r.URL.Path, Raw: raw, Remote: r.RemoteAddr}
	if req.Payload, err = sio.DecodeJSON(raw); err != nil {
		return nil, err
	}
	return a.invoke(r.Context(), by, name, req)
}

func (a *API) fail(w http.ResponseWriter, r *http.Request, cid string, err error) {
	e := service.AsError(err)
	if e.Code == service.Internal {
		a.Log.Error("internal service failed", "cid", cid, "path", r.URL.Path, "err", err)
	}
	body, contentType := sio.EncodeError(sio.JSON, service.ParleyNames(), cid, e.Error())
	for key, values := range e.Header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(e.HTTPStatus())
	_, _ = w.Write(body) // the client may have gone
}

// caller is who calls. An error says why nobody who may.
func (a *API) caller(r *http.Request) (caller, error) {
	if name, password, ok := r.BasicAuth(); ok {
		u, err := a.LogIn(r.Context(), name, password, r.RemoteAddr)
		return caller{u.Name, u.Role}, err
	}
	if !a.hasToken(r) {
		return caller{}, wrong()
	}
	return caller{r.Header.Get(onBehalf), Administrator}, nil
}

func (a *API) hasToken(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && a.Token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(a.Token)) == 1
}

// cid is a new correlation ID, or that of the request for which another process of the cluster calls.
func (a *API) cid(r *http.Request) string {
	given := r.Header.Get(service.ParleyNames().CIDHeader)
	if len(given) == len(service.NewCID()) && strings.Trim(given, "0123456789abcdef") == "" && a.hasToken(r) {
		return given
	}
	return service.NewCID()
}
