package node

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/channel"
	channelrest "github.com/parley-run/parley/runtime/channel/rest"
	"github.com/parley-run/parley/runtime/service"
)

// routes finds the channel of an HTTP request: all mounted channels of a snapshot in one matcher, so that a
// request costs one look-up however many channels there are. It names channels and does not hold them: a
// deployed service changes no route.
type routes struct {
	mux    *http.ServeMux
	paths  map[string]*route // by pattern
	faults map[catalog.Key]error
}

// route is one path and the channels behind it, by method; "" is any method.
type route struct {
	pattern string
	methods map[string]catalog.Key
	actions actions // of channels that share a method
}

// newRoutes builds the matcher. Channels whose route clashes with another's are left out and named in faults.
func newRoutes(channels []*boundChannel) *routes {
	rs := &routes{mux: http.NewServeMux(), paths: map[string]*route{}, faults: map[catalog.Key]error{}}
	for _, c := range channels {
		if err := rs.add(c); err != nil {
			rs.faults[c.object.Key()] = err
		}
	}
	return rs
}

func (rs *routes) add(c *boundChannel) error {
	mounted, ok := c.built.(channel.HTTP)
	if !ok {
		return nil
	}
	at := mounted.Route()
	pattern := at.Path
	if strings.HasSuffix(pattern, "/") {
		pattern += "{$}" // without it, ServeMux serves all that is below
	}
	r := rs.paths[pattern]
	if r == nil {
		r = &route{pattern: pattern, methods: map[string]catalog.Key{}, actions: actions{}}
		if err := rs.handle(pattern, r); err != nil {
			return err
		}
		rs.paths[pattern] = r
	}
	methods := at.Methods
	if len(methods) == 0 {
		methods = []string{""}
	}
	for _, m := range methods {
		if other, taken := r.methods[m]; taken && !r.actions.share(m, at.Action, c.object.Key()) {
			return service.Errorf(service.Conflict, "channel %q: %s is served by channel %q already; change the url_path or the method of one of them",
				c.object.Name, strings.TrimSpace(m+" "+at.Path), other.Name)
		}
	}
	for _, m := range methods {
		if _, shared := r.methods[m]; shared {
			continue
		}
		r.methods[m] = c.object.Key()
		if at.Action != "" {
			r.actions[m+" "+at.Action] = c.object.Key()
		}
	}
	return nil
}

// handle registers a pattern. ServeMux panics on a bad one, and on two that match the same path with neither
// being the more specific.
func (rs *routes) handle(pattern string, r *route) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = service.Errorf(service.Conflict, "url_path %s cannot be served%s", pattern, beside(fmt.Sprint(p), pattern))
		}
	}()
	rs.mux.Handle(pattern, r)
	return nil
}

var patternName = regexp.MustCompile(`pattern "([^"]+)"`)

// beside names the other pattern that ServeMux's panic is about.
func beside(text, pattern string) string {
	for _, m := range patternName.FindAllStringSubmatch(text, -1) {
		if m[1] != pattern {
			return fmt.Sprintf(" beside %s: some paths match both, and neither is the more specific", m[1])
		}
	}
	return ": it is no valid pattern"
}

func (rs *routes) serve(w http.ResponseWriter, r *http.Request, s *state) {
	if found := rs.paths[r.URL.Path]; found != nil && !strings.Contains(found.pattern, "{") {
		found.ServeHTTP(w, r) // an exact path wins over every pattern: no need to ask ServeMux
		return
	}
	h, _ := rs.mux.Handler(r)
	found, ok := h.(*route) // anything else is ServeMux's own answer, such as a redirect to the clean path
	if !ok {
		cid := service.NewCID()
		text := service.Fill(s.node.names.NotFound, "path", r.URL.Path, "cid", cid)
		s.node.failAt(w, r, cid, r.URL.Path, service.Errorf(service.NotFound, "%s", text))
		return
	}
	if strings.Contains(found.pattern, "{") {
		rs.mux.ServeHTTP(w, r) // sets the path's values and comes back in route.ServeHTTP
		return
	}
	found.ServeHTTP(w, r)
}

// ServeHTTP picks the channel by the request's method.
func (rt *route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := stateFrom(r.Context())
	if c := rt.channel(s, r.Method); c != nil {
		if key, ok := rt.actions.find(r); ok {
			c = s.channels[key].built.(channel.HTTP)
		}
		c.ServeHTTP(w, r)
		return
	}
	allowed := rt.allowed(s)
	if r.Method == http.MethodOptions {
		rt.options(w, r, s, allowed)
		return
	}
	list := strings.Join(allowed, ", ")
	w.Header().Set("Allow", list)
	path := rt.path() // what stands for its names may be a secret
	text := service.Fill(s.node.names.NotAllowed, "method", r.Method, "path", path, "allowed", list)
	s.node.failAt(w, r, service.NewCID(), path, service.Errorf(service.NotAllowed, "%s", text))
}

// path is the route as its channels' configs have it.
func (rt *route) path() string {
	return strings.Replace(strings.TrimSuffix(rt.pattern, "{$}"), "...}", "}", 1)
}

// channel is who serves that method; nil: nobody does. OPTIONS is only for who names it.
func (rt *route) channel(s *state, method string) channel.HTTP {
	key, ok := rt.methods[method]
	if !ok && method == http.MethodHead {
		key, ok = rt.methods[http.MethodGet]
	}
	if ok {
		return s.channels[key].built.(channel.HTTP)
	}
	if key, ok = rt.methods[""]; !ok {
		return nil
	}
	c := s.channels[key].built.(channel.HTTP)
	if o, answers := c.(channel.Optional); answers && method == http.MethodOptions && !slices.Contains(o.Allowed(), method) {
		return nil
	}
	return c
}

// allowed are all methods that are served, in order.
func (rt *route) allowed(s *state) []string {
	methods := map[string]bool{http.MethodOptions: true}
	for method, key := range rt.methods {
		served := []string{method}
		o, ok := s.channels[key].built.(channel.Optional)
		switch {
		case method == "" && ok && len(o.Allowed()) > 0:
			served = o.Allowed()
		case method == "":
			served = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
		case ok && len(o.Allowed()) > 0 && !slices.Contains(o.Allowed(), method):
			served = nil
		}
		for _, one := range served {
			methods[one] = true
			if one == http.MethodGet {
				methods[http.MethodHead] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(methods))
}

// options answers OPTIONS where no channel does: the one that a browser asks about knows which pages may call it.
func (rt *route) options(w http.ResponseWriter, r *http.Request, s *state, allowed []string) {
	methods := slices.Concat([]string{r.Header.Get("Access-Control-Request-Method")}, slices.Sorted(maps.Keys(rt.methods)))
	for _, method := range methods {
		if method == http.MethodOptions {
			continue
		}
		if o, ok := rt.channel(s, method).(channel.Optional); ok {
			o.ServeOptions(w, r, allowed)
			return
		}
	}
	channelrest.SkipBody(w, r)
	w.Header().Set(s.node.names.CIDHeader, service.NewCID())
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	w.WriteHeader(http.StatusNoContent)
}
