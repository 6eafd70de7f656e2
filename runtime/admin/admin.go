// Package admin is the HTTP listener over the internal services: POST /parley/api/<service> with the cluster's
// token, or the administrator's name and password. It adds nothing of its own to what the services do.
package admin

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// Path is where the services are mounted.
const Path = "/parley/api/"

// userHeader names the user for whom a process of the cluster, which has the token, calls another.
const userHeader = "X-Parley-User"

// maxBody bounds a request: a deployment of many files fits.
const maxBody = 64 << 20

// API serves internal services over HTTP.
type API struct {
	Services []service.Service
	Token    string
	// Password checks the administrator's name and password; nil: only the token counts.
	Password func(user, password string) bool
	Runtime  service.Runtime // what the services see; may be nil
	Metrics  http.Handler    // what is at GET /metrics, for whoever may call services; nil: nothing is
	Log      *slog.Logger
}

// Handler is the API as an http.Handler. Two services of one name are an error.
func (a API) Handler() (http.Handler, error) {
	byName := make(map[string]service.Service, len(a.Services))
	for _, s := range a.Services {
		if _, twice := byName[s.Name]; twice {
			return nil, errors.New("internal service " + s.Name + " is registered twice")
		}
		byName[s.Name] = s
	}
	return &handler{API: a, byName: byName}, nil
}

// Serve answers on listener until ctx ends; requests in flight then have 10 s to finish.
func Serve(ctx context.Context, listener net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	done := make(chan error, 1)
	go func() {
		<-ctx.Done()
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		done <- server.Shutdown(stopping)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-done
}

type handler struct {
	API
	byName map[string]service.Service
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/metrics" && r.Method == http.MethodGet && h.Metrics != nil && h.caller(r) != "" {
		h.Metrics.ServeHTTP(w, r)
		return
	}
	cid := service.NewCID()
	w.Header().Set(service.ParleyNames().CIDHeader, cid)
	res, err := h.answer(w, r, cid)
	var body []byte
	if err == nil {
		body, err = service.AppendJSON(nil, service.ObjectOf("response", res))
	}
	if err != nil {
		h.fail(w, r, cid, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n')) // the client may have gone
}

func (h *handler) answer(w http.ResponseWriter, r *http.Request, cid string) (any, error) {
	who := h.caller(r)
	if who == "" {
		w.Header().Set("WWW-Authenticate", `Bearer realm="parley", Basic realm="parley"`)
		return nil, &service.Error{Code: service.Unauthenticated, Message: "the token or the password is missing or wrong", Fix: "send the cluster's token as Authorization: Bearer"}
	}
	name, ok := strings.CutPrefix(r.URL.Path, Path)
	if !ok {
		return nil, service.Errorf(service.NotFound, "nothing is served at %s; internal services are at %s<service>", r.URL.Path, Path)
	}
	s, ok := h.byName[name]
	if !ok {
		return nil, h.unknown(name)
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, service.Errorf(service.NotAllowed, "internal services are called by POST, not %s", r.Method)
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, service.Errorf(service.TooLarge, "the request's body is over %d bytes or was cut off: %w", maxBody, err)
	}
	req := &service.Request{CID: cid, Channel: "admin", Method: r.Method, Path: r.URL.Path, Raw: raw}
	if req.Payload, err = sio.DecodeJSON(raw); err != nil {
		return nil, err
	}
	if req.Payload == nil {
		req.Payload = service.NewObject(0)
	}
	req.Input = req.Payload
	ctx := service.WithCall(r.Context(), &service.Call{CID: cid, Service: name, Runtime: h.Runtime, Log: h.Log, Who: who})
	res, err := s.Handler.Handle(ctx, req)
	if err != nil {
		return nil, err
	}
	return res.Payload, nil
}

func (h *handler) unknown(name string) error {
	known := make([]string, 0, len(h.byName))
	for n := range h.byName {
		known = append(known, n)
	}
	e := service.Errorf(service.NotFound, "there is no internal service %q", name)
	if near := kind.Nearest(name, known); near != "" {
		e.Fix = "did you mean " + near + "?"
	}
	return e
}

func (h *handler) fail(w http.ResponseWriter, r *http.Request, cid string, err error) {
	e := service.AsError(err)
	if e.Code == service.Internal {
		h.Log.Error("internal service failed", "cid", cid, "path", r.URL.Path, "err", err)
	}
	body, contentType := sio.EncodeError(sio.JSON, service.ParleyNames(), cid, e.Error())
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(e.HTTPStatus())
	_, _ = w.Write(body) // the client may have gone
}

// caller is who calls: a user, or "token"; empty: nobody who may.
func (h *handler) caller(r *http.Request) string {
	if user, password, ok := r.BasicAuth(); ok {
		if h.Password != nil && h.Password(user, password) {
			return "user " + user
		}
		return ""
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if ok && h.Token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(h.Token)) == 1 {
		if user := r.Header.Get(userHeader); user != "" {
			return "user " + user
		}
		return "token"
	}
	return ""
}
