package dashboard

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

const logInTemplate = `
<div class="door">
<h1>Log in</h1>
<p class="dim">Cluster <b>{{.Cluster}}</b></p>
<form method="post" action="/log-in">
<input type="hidden" name="token" value="{{.Token}}">
<input type="hidden" name="next" value="{{.Page.Next}}">
<label for="user">User</label>
<input id="user" name="user" value="{{.Page.User}}" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button class="primary">Log in</button>
</form>
<p class="hint dim">The administrator's password was printed when the cluster was made.</p>
</div>`

// doorCookie holds the token of the log-in form: there is no session yet that could.
const doorCookie = "parley_door"

type doorPage struct{ User, Next string }

func (d *Dashboard) showLogIn(w http.ResponseWriter, r *http.Request) {
	if d.sessions.of(r) != nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	d.door(w, r, http.StatusOK, doorPage{Next: r.URL.Query().Get("next")}, nil)
}

// door writes the log-in form.
func (d *Dashboard) door(w http.ResponseWriter, r *http.Request, status int, p doorPage, fault error) {
	token := ""
	if c, err := r.Cookie(doorCookie); err == nil && len(c.Value) == len(rand.Text()) {
		token = c.Value
	} else {
		token = rand.Text()
		http.SetCookie(w, &http.Cookie{Name: doorCookie, Value: token, Path: "/log-in", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode})
	}
	s := shell{Title: "Log in", Cluster: d.Cluster, Token: token, Page: p}
	if fault != nil {
		s.Fault = faultOf(fault)
	}
	d.render(w, status, "log-in", s)
}

func (d *Dashboard) logIn(w http.ResponseWriter, r *http.Request) {
	p := doorPage{r.PostFormValue("user"), r.PostFormValue("next")}
	c, err := r.Cookie(doorCookie)
	if err != nil || subtle.ConstantTimeCompare([]byte(c.Value), []byte(r.PostFormValue("token"))) != 1 {
		d.door(w, r, http.StatusForbidden, p, service.Errorf(service.Denied, "this form is too old, or cookies are switched off; try again"))
		return
	}
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	u, err := d.Backend.LogIn(r.Context(), p.User, r.PostFormValue("password"), address)
	if err != nil {
		e := service.AsError(err)
		if e.Code == service.Internal {
			d.Log.Error("log-in failed", "user", p.User, "err", err)
		}
		d.door(w, r, e.HTTPStatus(), p, err)
		return
	}
	d.sessions.end(d.sessions.of(r)) // whoever planted that id knows none that counts
	setCookie(w, r, d.sessions.begin(u).id)
	http.SetCookie(w, &http.Cookie{Name: doorCookie, Path: "/log-in", MaxAge: -1})
	d.Log.Info("logged in", "user", u.Name, "remote", address)
	http.Redirect(w, r, within(p.Next), http.StatusSeeOther)
}

func (d *Dashboard) logOut(w http.ResponseWriter, r *http.Request) {
	if s := d.sessions.of(r); s != nil && s.owns(r.PostFormValue("token")) {
		d.sessions.end(s)
		setCookie(w, r, "")
	}
	http.Redirect(w, r, "/log-in", http.StatusSeeOther)
}

// within is where to go after a log-in: a path of ours, and nothing else.
func within(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n") {
		return "/"
	}
	return next
}

// signedIn lets in whoever is logged in, and takes others to the form.
func (d *Dashboard) signedIn(do func(*visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := d.sessions.of(r)
		if s != nil {
			u, ok := d.Backend.User(r.Context(), s.user)
			if ok && u.Mark == s.mark {
				v := &visit{Request: r, w: w, d: d, user: u, session: s}
				if r.Method == http.MethodPost && !s.owns(r.PostFormValue("token")) {
					v.status, v.fault = http.StatusForbidden, service.Errorf(service.Denied, "this form is too old, or was not sent from here; try again")
					d.fault(v)
					return
				}
				do(v)
				return
			}
			d.sessions.end(s)
		}
		if _, err := r.Cookie(cookieOf(r)); err == nil { // else it may only be withheld: the link is on another site
			setCookie(w, r, "")
		}
		to := "/log-in"
		if r.Method == http.MethodGet && r.URL.Path != "/" {
			to += "?next=" + url.QueryEscape(r.URL.RequestURI())
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}
