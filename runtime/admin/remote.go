package admin

import (
	"context"

	"github.com/parley-run/parley/runtime/service"
)

// The internal services by which a process that has no catalog asks one that has.
const (
	logInService = "parley.admin.log-in"
	userService  = "parley.admin.user"
)

// LogInIn is the input of parley.admin.log-in.
type LogInIn struct {
	Name     string
	Password string `sio:",secret"`
	Address  string `sio:",optional" doc:"that the user logs in from: wrong passwords slow down that user there, and nobody else"`
}

// UserIn is the input of parley.admin.user.
type UserIn struct{ Name string }

// UserOut is what both give.
type UserOut struct {
	Name string
	Role string
	Mark string `doc:"changes with the user's password"`
}

// UserServices are parley.admin.log-in and parley.admin.user, of a process that has the catalog.
func UserServices(d Directory) []service.Service {
	return []service.Service{
		service.New(logInService, func(ctx context.Context, _ service.Runtime, in LogInIn) (UserOut, error) {
			u, err := d.LogIn(ctx, in.Name, in.Password, in.Address)
			return UserOut{u.Name, string(u.Role), u.Mark}, err
		}).WithDoc("checks a user's password and says what the user may do").Needs(service.Manage),
		service.New(userService, func(ctx context.Context, _ service.Runtime, in UserIn) (UserOut, error) {
			u, ok := d.User(ctx, in.Name)
			if !ok {
				return UserOut{}, service.Errorf(service.NotFound, "there is no active user %q", in.Name)
			}
			return UserOut{u.Name, string(u.Role), u.Mark}, nil
		}).WithDoc("what a user may do").Needs(service.Manage),
	}
}

// Remote is a Directory for a process that has no catalog. It knows the cluster's own administrator itself, who can log in
// while no server runs, and asks a server for all others.
type Remote struct {
	Own *Account
	// Ask calls an internal service on a server that answers, with the cluster's token.
	Ask func(ctx context.Context, service string, in, out any) error
}

// LogIn is of Directory.
func (r Remote) LogIn(ctx context.Context, name, password, address string) (User, error) {
	if name == r.Own.Name {
		return Accounts{Own: r.Own}.LogIn(ctx, name, password, address)
	}
	var out struct{ Name, Role, Mark string }
	err := r.Ask(ctx, logInService, map[string]string{"name": name, "password": password, "address": address}, &out)
	return User{out.Name, Role(out.Role), out.Mark}, err
}

// User is of Directory.
func (r Remote) User(ctx context.Context, name string) (User, bool) {
	if name == r.Own.Name {
		return Accounts{Own: r.Own}.User(ctx, name)
	}
	var out struct{ Name, Role, Mark string }
	if err := r.Ask(ctx, userService, map[string]string{"name": name}, &out); err != nil {
		return User{}, false
	}
	return User{out.Name, Role(out.Role), out.Mark}, true
}
