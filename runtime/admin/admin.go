// Package admin is the HTTP listener over the internal services: POST /parley/api/<service> with the cluster's token, or a
// user's name and password. Beside saying who may call what, it adds nothing of its own to what the services do.
package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/certificate"
	"github.com/parley-run/parley/runtime/framing"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/spelling"
)

// Path is where the services are mounted.
const Path = "/parley/api/"

// Config is what an API is made of.
type Config struct {
	Services []service.Service
	Token    string    // of the cluster: whoever has it may do everything
	Users    Directory // nil: only the token lets in
	Runtime  service.Runtime
	Peers    []Peer   // whose services it offers beside its own
	Off      []string // areas of services that are switched off
	// NoOpenAPI leaves out the description of the services.
	NoOpenAPI bool
	Metrics   http.Handler // what is at GET /metrics, for whoever may look; nil: nothing is
	Log       *slog.Logger
}

// API is the internal services for those who may call them, over HTTP (it is an http.Handler) and for the dashboard. It is
// used from many goroutines.
type API struct {
	Config
	byName map[string]service.Service
	offers []*offers // of the peers

	once        sync.Once
	document    []byte // OpenAPI, made when somebody first asks for it
	undescribed error
}

// New is an API. Two services of one name are an error.
func New(c Config) (*API, error) {
	a := &API{Config: c, byName: make(map[string]service.Service, len(c.Services))}
	for _, p := range c.Peers {
		a.offers = append(a.offers, &offers{peer: p})
	}
	a.Services = append(slices.Clone(c.Services), service.New(ListService, a.list).WithDoc("the internal services of this process, and which roles may call them").Needs(service.Read))
	for _, s := range a.Services {
		if _, twice := a.byName[s.Name]; twice {
			return nil, errors.New("internal service " + s.Name + " is registered twice")
		}
		a.byName[s.Name] = s
	}
	slices.SortFunc(a.Services, func(a, b service.Service) int { return cmp.Compare(a.Name, b.Name) })
	return a, nil
}

// LogIn is the user of that name and password, who calls from that address. See Directory.
func (a *API) LogIn(ctx context.Context, name, password, address string) (User, error) {
	if a.Users == nil {
		return User{}, wrong()
	}
	u, err := a.Users.LogIn(ctx, name, password, address)
	if err != nil {
		a.Log.Warn("log-in refused", "user", name, "remote", address, "err", err)
	}
	return u, err
}

// User is the user of that name as of now, with the role and the mark of now; false: there is none any more.
func (a *API) User(ctx context.Context, name string) (User, bool) {
	if a.Users == nil {
		return User{}, false
	}
	return a.Users.User(ctx, name)
}

// May says whether the role may call that service. One that is not there nobody may.
func (a *API) May(role Role, service string) bool {
	s, _, ok := a.find(context.Background(), service)
	return ok && role.Has(s.Needed())
}

// Service is the internal service of that name, with its documentation; its shape only where it is of this process.
func (a *API) Service(name string) (service.Service, bool) {
	s, _, ok := a.find(context.Background(), name)
	return s, ok
}

// Call invokes an internal service as that user. in is the input, any value that has a JSON form; nil is an empty one. The
// result is in the neutral form (see service.Object). What the service refuses, and what the user's role may not, is a
// *service.Error. The CID is that of ctx's Call, or a new one.
func (a *API) Call(ctx context.Context, user User, name string, in any) (any, error) {
	payload, err := service.FromGo(in)
	if err != nil {
		return nil, service.Errorf(service.Invalid, "the input of %s: %w", name, err)
	}
	cid := cmp.Or(service.CallFrom(ctx).CID, service.NewCID())
	return a.invoke(ctx, caller{user.Name, user.Role}, name, &service.Request{CID: cid, Channel: "admin", Payload: payload})
}

// caller is who calls, and what that one may do.
type caller struct {
	user string // empty: whoever has the cluster's token
	role Role
}

// who is the caller as the audit log names it.
func (c caller) who() string {
	if c.user == "" {
		return "token"
	}
	return "user " + c.user
}

// invoke is the one way to an internal service.
func (a *API) invoke(ctx context.Context, by caller, name string, req *service.Request) (any, error) {
	s, peer, ok := a.find(ctx, name)
	if !ok {
		return nil, a.unknown(name)
	}
	if !by.role.Has(s.Needed()) {
		a.Log.Warn("internal service denied", "cid", req.CID, "service", name, "who", by.who(), "role", string(by.role))
		return nil, denied(by.role, s)
	}
	if req.Payload == nil {
		req.Payload = service.NewObject(0)
	}
	req.Input = req.Payload
	ctx = service.WithCall(ctx, &service.Call{CID: req.CID, Service: name, Runtime: a.Runtime, Log: a.Log, Who: by.who()})
	if peer != nil {
		return askPeer(ctx, peer, by, name, req.Payload)
	}
	res, err := s.Handler.Handle(ctx, req)
	if err != nil {
		return nil, err
	}
	return res.Payload, nil
}

func (a *API) unknown(name string) error {
	_, rest, _ := strings.Cut(name, ".")
	if area, _, _ := strings.Cut(rest, "."); slices.Contains(a.Off, area) {
		return &service.Error{
			Code: service.NotFound, Message: fmt.Sprintf("there is no internal service %q: the area %s is switched off", name, area),
			Fix: "take it out of areas.off of cluster.yaml",
		}
	}
	known := make([]string, 0, len(a.byName))
	for n := range a.byName {
		known = append(known, n)
	}
	e := service.Errorf(service.NotFound, "there is no internal service %q", name)
	if near := spelling.Nearest(name, known); near != "" {
		e.Fix = fmt.Sprintf("did you mean %s?", near)
	}
	return e
}

// Serve answers on listener until ctx ends; requests in flight then have 10 s to finish. It is by TLS as secured says, or in
// plain where that is nil.
func Serve(ctx context.Context, listener net.Listener, h http.Handler, secured *certificate.Served) error {
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
	if secured != nil {
		watching, stop := context.WithCancel(ctx)
		var watch sync.WaitGroup
		watch.Go(func() { secured.Run(watching) })
		defer watch.Wait()
		defer stop()
	}
	secured.Prepare(server)
	if err := framing.Serve(server, listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-done
}
