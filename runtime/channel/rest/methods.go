package rest

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

// Allowed are the methods that both the channel and its service take; empty for all.
func (c *rest) Allowed() []string {
	mine, services := c.config.Method, c.methods
	switch {
	case len(services) == 0:
		return mine
	case len(mine) == 0:
		return services
	}
	var both []string
	for _, method := range mine {
		if slices.Contains(services, method) {
			both = append(both, method)
		}
	}
	if both == nil { // which would say that there are all
		both = []string{http.MethodOptions}
	}
	return both
}

// allMethods is methods with HEAD, which comes with GET, and OPTIONS, which the runtime answers, in order.
func allMethods(methods []string) []string {
	if len(methods) == 0 {
		return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	}
	out := append(slices.Clone(methods), http.MethodOptions)
	if slices.Contains(out, http.MethodGet) {
		out = append(out, http.MethodHead)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// refusedMethod is the error for a method that the service has no function for, or nobody takes.
func (c *rest) refusedMethod(w http.ResponseWriter, r *http.Request) error {
	served := r.Method != http.MethodTrace && r.Method != http.MethodConnect
	if served && (len(c.methods) == 0 || service.Service{Methods: c.methods}.Takes(r.Method)) {
		return nil
	}
	SkipBody(w, r)
	allowed := strings.Join(allMethods(c.Allowed()), ", ")
	w.Header().Set("Allow", allowed)
	e := service.Errorf(service.NotAllowed, "the method %s is not served", r.Method)
	if served {
		e.Message = service.Fill(c.deps.Names.NotAllowed, "method", r.Method, "path", c.config.URLPath, "allowed", allowed)
		e.Bare = c.deps.Names.BareNotAllowed
	}
	return e
}

// ServeOptions answers a client that asks which methods there are, and a browser that asks whether a page may call.
func (c *rest) ServeOptions(w http.ResponseWriter, r *http.Request, allow []string) {
	start, cid := time.Now(), service.NewCID()
	SkipBody(w, r)
	h := w.Header()
	h[c.cidHeader] = []string{cid}
	h["Allow"] = []string{strings.Join(allow, ", ")}
	if c.cors != nil {
		if isPreflight(r) {
			c.cors.preflight(h, r, allMethods(c.Allowed()))
		} else {
			c.cors.allow(h, r)
		}
	}
	w.WriteHeader(http.StatusNoContent)
	c.logged(r.Context(), r, cid, http.StatusNoContent, start, nil)
}
