package node

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/dashboard"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/password"
	"github.com/parley-run/parley/runtime/service"
)

// Door lets the administrator, whom cluster.yaml names, to the dashboard.
type Door struct {
	Folder   *folder.Folder
	Services []service.Service // that this process answers
	// Elsewhere asks another process for a service that is not here; nil: there is none.
	Elsewhere func(ctx context.Context, user, name string, in any) (any, error)
	Log       *slog.Logger

	checks password.Checks
	here   map[string]service.Service
}

// Handler is the dashboard beside an API.
func (d *Door) Handler(api http.Handler) (http.Handler, error) {
	d.here = map[string]service.Service{}
	for _, s := range d.Services {
		d.here[s.Name] = s
	}
	pages, err := dashboard.New(dashboard.Config{Backend: d, Cluster: d.Folder.Cluster.Name, Log: d.Log})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, admin.Path) || r.URL.Path == "/metrics" {
			api.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	}), nil
}

// LogIn implements dashboard.Backend.
func (d *Door) LogIn(ctx context.Context, name, given, address string) (dashboard.User, error) {
	right, err := d.checks.DoFor(ctx, []string{name, address}, func() bool { return d.Folder.CheckPassword(name, given) },
		name, given, d.Folder.Cluster.Admin.PasswordHash)
	var soon *password.TooSoonError
	switch {
	case errors.As(err, &soon), errors.Is(err, password.ErrBusy):
		return dashboard.User{}, &service.Error{Code: service.TooMany, Message: err.Error(), Err: err}
	case err != nil:
		return dashboard.User{}, err
	case !right:
		d.Log.Warn("log-in refused", "user", name, "remote", address)
		return dashboard.User{}, service.Errorf(service.Unauthenticated, "the user or the password is wrong")
	}
	u, _ := d.User(ctx, name)
	return u, nil
}

// User implements dashboard.Backend.
func (d *Door) User(_ context.Context, name string) (dashboard.User, bool) {
	a := d.Folder.Cluster.Admin
	return dashboard.User{Name: name, Role: "admin", Mark: a.PasswordHash}, name == a.User
}

// May implements dashboard.Backend.
func (d *Door) May(_, name string) bool {
	_, here := d.here[name]
	return here || d.Elsewhere != nil
}

// Call implements dashboard.Backend.
func (d *Door) Call(ctx context.Context, user dashboard.User, name string, in any) (any, error) {
	s, here := d.here[name]
	if !here {
		if d.Elsewhere == nil {
			return nil, service.Errorf(service.NotFound, "there is no internal service %q", name)
		}
		return d.Elsewhere(ctx, user.Name, name, in)
	}
	payload, err := service.FromGo(in)
	if err != nil {
		return nil, err
	}
	call := *service.CallFrom(ctx)
	call.Who, call.Service, call.Log = "user "+user.Name, name, d.Log
	res, err := s.Handler.Handle(service.WithCall(ctx, &call), &service.Request{CID: call.CID, Channel: "admin", Payload: payload, Input: payload})
	if err != nil {
		return nil, err
	}
	return res.Payload, nil
}
