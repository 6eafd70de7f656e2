package node

import (
	"fmt"
	"net/http"
	"regexp"
	"sort"
	"strings"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/channel"
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
		s.node.fail(w, r, service.Errorf(service.NotFound, "nothing is served at %s", r.URL.Path))
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
	key, ok := rt.methods[r.Method]
	if !ok && r.Method == http.MethodHead {
		key, ok = rt.methods[http.MethodGet]
	}
	if !ok {
		key, ok = rt.methods[""]
	}
	if !ok {
		allowed := make([]string, 0, len(rt.methods))
		for m := range rt.methods {
			allowed = append(allowed, m)
		}
		sort.Strings(allowed)
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		path := strings.TrimSuffix(rt.pattern, "{$}") // what stands for its names may be a secret
		s.node.failAt(w, r, path, service.Errorf(service.NotAllowed, "the method %s is not allowed at %s; allowed: %s", r.Method, path, strings.Join(allowed, ", ")))
		return
	}
	if of, ok := rt.actions.find(r); ok {
		key = of
	}
	s.channels[key].built.(channel.HTTP).ServeHTTP(w, r)
}
