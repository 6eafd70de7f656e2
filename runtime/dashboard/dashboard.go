// Package dashboard is the pages that operate a cluster, for people with a browser. It holds no state but who is logged in,
// and calls nothing but internal services, as the user who looks: what a role may not call, its user does not see.
//
// A page is one file: what it shows (page.show), what it does (page.act), its template, and the services that it calls.
// Pages are read without JavaScript; app.js only adds charts that move and an editor with line numbers.
package dashboard

import (
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// Backend is who may come in, and the internal services. It is used from many goroutines.
type Backend interface {
	// LogIn is the user of that name and password. A wrong one, and one that is tried too soon after others, is a
	// *service.Error whose text may be shown.
	LogIn(ctx context.Context, name, password, address string) (User, error)
	// User is the user of that name as of now; false: there is none any more.
	User(ctx context.Context, name string) (User, bool)
	// May says whether a role may call a service. One that is not there nobody may.
	May(role, service string) bool
	// Call invokes an internal service as that user. in is any value that has a JSON form; the result is in the neutral form.
	Call(ctx context.Context, user User, service string, in any) (any, error)
}

// User is who is logged in.
type User struct {
	Name string
	Role string // for people: what they may do is Backend.May's to say
	Mark string // changes with the password: who has logged in with an older one is logged out
}

// Config is what a Dashboard is made of.
type Config struct {
	Backend Backend
	Cluster string           // its name
	Log     *slog.Logger     // nil: silent
	Now     func() time.Time // nil: time.Now
}

// Dashboard is an http.Handler for all paths.
type Dashboard struct {
	Config
	sessions *sessions
	mux      *http.ServeMux
	pages    []page
	views    map[string]*template.Template // by the pattern of a page
	assets   map[string]asset              // by path
}

// New is a Dashboard. An error is a fault of its templates.
func New(c Config) (*Dashboard, error) {
	if c.Backend == nil {
		return nil, errors.New("dashboard: no backend")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	d := &Dashboard{Config: c, sessions: newSessions(c.Now), mux: http.NewServeMux(), views: map[string]*template.Template{}}
	var err error
	if d.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	d.mux.HandleFunc("GET /assets/{name}", d.serveAsset)
	d.mux.HandleFunc("GET /log-in", d.showLogIn)
	d.mux.HandleFunc("POST /log-in", d.logIn)
	d.mux.HandleFunc("POST /log-out", d.logOut)
	if err := d.addView("log-in", logInTemplate); err != nil {
		return nil, err
	}
	if err := d.addView("fault", faultTemplate); err != nil {
		return nil, err
	}
	d.pages = pages()
	for _, p := range d.pages {
		if err := d.addView(p.path, p.template); err != nil {
			return nil, err
		}
		d.mux.HandleFunc("GET "+exactly(p.path), d.signedIn(func(v *visit) { d.show(v, p) }))
		if p.act != nil {
			d.mux.HandleFunc("POST "+exactly(p.path), d.signedIn(func(v *visit) { d.act(v, p) }))
		}
		if p.file != nil {
			d.mux.HandleFunc("GET "+p.path+"/download", d.signedIn(func(v *visit) { d.keep(v, p) }))
		}
		if p.stream != nil {
			d.mux.HandleFunc("GET "+p.path+"/stream", d.signedIn(func(v *visit) { d.stream(v, p) }))
		}
	}
	d.mux.HandleFunc("/", d.signedIn(d.nothingHere))
	return d, nil
}

// exactly is the pattern of that path and of none below it.
func exactly(path string) string {
	if path == "/" {
		return "/{$}"
	}
	return path
}

// ServeHTTP answers a browser.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header(), r)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if foreign(r) {
			http.Error(w, "this form was sent from another site", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	}
	d.mux.ServeHTTP(w, r)
}

// pages are all pages, in the order of the navigation.
func pages() []page {
	return slices.Concat(
		[]page{homePage(), servicesPage(), servicePage(), filePage(), invokePage()},
		objectPages(),
		[]page{objectPage(), kvdbPage()},
		statisticsPages(),
		[]page{logsPage(), auditPage(), auditChangePage(), configPage()},
	)
}
