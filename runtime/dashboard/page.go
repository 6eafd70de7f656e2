package dashboard

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"strconv"

	"github.com/parley-run/parley/runtime/service"
)

// page is one page.
type page struct {
	path     string // such as /services
	nav      string // in the navigation, in place of the title
	title    string
	section  string   // the navigation's word that it belongs to; one whose title it is stands there
	calls    []string // services; whoever may not call the first one does not see the page
	template string   // of what is in main
	// show is what the template gets as .Page.
	show func(*visit) (any, error)
	// act does what a form of the page asks for, and says where to go then; empty: the page is shown again, with what act left in
	// visit.outcome. Where it fails the page is shown again, with the fault above it. nil: the page has no forms.
	act func(*visit) (next string, err error)
	// stream gives what is new, as often as it is asked. nil: nothing moves.
	stream func(*visit) (any, error)
	// file is what is at the page's path with /download behind it. nil: there is none.
	file func(*visit) (download, error)
}

// download is a file for the browser to keep.
type download struct {
	name, contentType string
	body              []byte
}

// visit is one request of somebody who is logged in.
type visit struct {
	*http.Request
	w       http.ResponseWriter
	d       *Dashboard
	user    User
	session *session
	title   string // in place of the page's
	section string // likewise
	status  int    // in place of 200
	fault   error  // of act
	outcome any    // of act, for show
}

// may says whether the user may call a service.
func (v *visit) may(service string) bool { return v.d.Backend.May(v.user.Role, service) }

// query is a parameter of the address.
func (v *visit) query(name string) string { return v.URL.Query().Get(name) }

// sent is a field of the form, or, where none was sent, of the address.
func (v *visit) sent(name string) string { return v.FormValue(name) }

// number is a whole parameter of the address, within bounds.
func (v *visit) number(name string, usual, most int) int {
	n, err := strconv.Atoi(v.query(name))
	if err != nil || n < 1 {
		return usual
	}
	return min(n, most)
}

// ask calls an internal service and reads its answer.
func ask[Out any](v *visit, name string, in any) (out Out, err error) {
	if in == nil {
		in = struct{}{}
	}
	ctx := service.WithCall(v.Context(), &service.Call{CID: service.NewCID(), Service: name, Log: v.d.Log})
	raw, err := v.d.Backend.Call(ctx, v.user, name, in)
	if err != nil {
		return out, err
	}
	if err := service.ToGo(raw, &out); err != nil {
		return out, fmt.Errorf("the answer of %s: %w", name, err)
	}
	return out, nil
}

// shell is what every template gets.
type shell struct {
	Title   string
	Cluster string
	User    User
	Token   string // of forms
	Nav     []navItem
	Notes   []string
	Fault   *fault
	Page    any
}

type navItem struct {
	Path, Title string
	Here        bool
}

// fault is an error as a page tells it.
type fault struct {
	Message string
	Fix     string
	CID     string
}

func faultOf(err error) *fault {
	e := service.AsError(err)
	return &fault{Message: e.Message, Fix: e.Fix}
}

func (d *Dashboard) shellOf(v *visit, p page) shell {
	s := shell{Title: p.title, Cluster: d.Cluster, User: v.user, Token: v.session.token, Notes: v.session.said()}
	if v.title != "" {
		s.Title = v.title
	}
	section := cmp.Or(v.section, p.section)
	for _, one := range d.pages {
		if one.section == one.title && (len(one.calls) == 0 || v.may(one.calls[0])) {
			s.Nav = append(s.Nav, navItem{one.path, cmp.Or(one.nav, one.title), one.section == section})
		}
	}
	if v.fault != nil {
		s.Fault = d.told(v, v.fault)
	}
	return s
}

// told is an error for the page; what nobody but the log may know goes there.
func (d *Dashboard) told(v *visit, err error) *fault {
	out := faultOf(err)
	if service.AsError(err).Code == service.Internal {
		out.CID = service.NewCID()
		d.Log.Error("page failed", "cid", out.CID, "path", v.URL.Path, "user", v.user.Name, "err", err)
	}
	return out
}

func (d *Dashboard) show(v *visit, p page) {
	data, err := p.show(v)
	if err != nil {
		if v.fault == nil {
			v.fault, v.status = err, service.AsError(err).HTTPStatus()
		}
		d.fault(v)
		return
	}
	s := d.shellOf(v, p)
	s.Page = data
	status := http.StatusOK
	if v.fault != nil {
		status = service.AsError(v.fault).HTTPStatus()
	}
	d.render(v.w, status, p.path, s)
}

func (d *Dashboard) act(v *visit, p page) {
	next, err := p.act(v)
	if err != nil {
		v.fault = err
		d.show(v, p)
		return
	}
	if next == "" {
		d.show(v, p)
		return
	}
	http.Redirect(v.w, v.Request, next, http.StatusSeeOther)
}

// keep sends a file.
func (d *Dashboard) keep(v *visit, p page) {
	f, err := p.file(v)
	if err == nil {
		err = v.fault // of what the address asks for
	}
	if err != nil {
		v.fault, v.status = err, service.AsError(err).HTTPStatus()
		d.fault(v)
		return
	}
	v.w.Header().Set("Content-Type", f.contentType)
	v.w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.name}))
	v.w.Header().Set("Content-Length", strconv.Itoa(len(f.body)))
	_, _ = v.w.Write(f.body) // the browser may have gone
}

const faultTemplate = `<h1>{{.Title}}</h1><p><a href="/">To the first page</a></p>`

// fault writes a page that says why there is none.
func (d *Dashboard) fault(v *visit) {
	s := d.shellOf(v, page{title: "Nothing to show"})
	status := v.status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	d.render(v.w, status, "fault", s)
}

func (d *Dashboard) nothingHere(v *visit) {
	v.status, v.fault = http.StatusNotFound, service.Errorf(service.NotFound, "there is no page at %s", v.URL.Path)
	d.fault(v)
}

// addView parses a page's template within the layout.
func (d *Dashboard) addView(name, text string) error {
	t, err := template.New("layout").Funcs(funcs(d)).Parse(layoutTemplate)
	if err == nil {
		_, err = t.New("main").Parse(text)
	}
	if err != nil {
		return fmt.Errorf("dashboard: page %s: %w", name, err)
	}
	d.views[name] = t
	return nil
}

// render writes a whole page, or, where its template fails, none of it.
func (d *Dashboard) render(w http.ResponseWriter, status int, view string, s shell) {
	var b bytes.Buffer
	if err := d.views[view].Execute(&b, s); err != nil {
		d.Log.Error("page cannot be written", "page", view, "err", err)
		http.Error(w, "this page cannot be shown; the log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser may have gone
}
