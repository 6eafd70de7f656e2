package node

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/dashboard"
)

// WithDashboard is an API with the dashboard beside it: the pages of the cluster of that name.
func WithDashboard(api *admin.API, cluster string, log *slog.Logger) (http.Handler, error) {
	pages, err := dashboard.New(dashboard.Config{Backend: backend{api}, Cluster: cluster, Log: log})
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

// backend is an API as the dashboard sees it.
type backend struct{ api *admin.API }

func shownUser(u admin.User) dashboard.User {
	return dashboard.User{Name: u.Name, Role: string(u.Role), Mark: u.Mark}
}

// LogIn implements dashboard.Backend.
func (b backend) LogIn(ctx context.Context, name, password, address string) (dashboard.User, error) {
	u, err := b.api.LogIn(ctx, name, password, address)
	return shownUser(u), err
}

// User implements dashboard.Backend.
func (b backend) User(ctx context.Context, name string) (dashboard.User, bool) {
	u, ok := b.api.User(ctx, name)
	return shownUser(u), ok
}

// May implements dashboard.Backend.
func (b backend) May(role, service string) bool { return b.api.May(admin.Role(role), service) }

// Call implements dashboard.Backend.
func (b backend) Call(ctx context.Context, u dashboard.User, service string, in any) (any, error) {
	return b.api.Call(ctx, admin.User{Name: u.Name, Role: admin.Role(u.Role), Mark: u.Mark}, service, in)
}
