package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
)

const anyone = "*"

// checkCORS finds what is wrong with the keys of cross-origin requests.
func (c Config) checkCORS(faults *kind.Faults) {
	for _, origin := range c.CORSOrigins {
		u, err := url.Parse(origin)
		switch {
		case origin == anyone && c.CORSCredentials:
			faults.Add("cors_credentials", "with it, cors_origins cannot be *: every website could act for its visitors; name the websites that may")
		case origin == anyone:
		case err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != origin || origin != strings.ToLower(origin):
			faults.Add("cors_origins", "%q is no origin; expected one such as https://app.example.com, in lower case, without a path, or *", origin)
		}
	}
	if c.CORSCredentials && len(c.CORSOrigins) == 0 {
		faults.Add("cors_credentials", "it does nothing without cors_origins; name the websites that may send credentials")
	}
	c.CORSMethods.check("cors_methods", faults)
	for key, names := range map[string][]string{"cors_headers": c.CORSHeaders, "cors_expose": c.CORSExpose} {
		for _, name := range names {
			if !isToken(name) || name == anyone && key == "cors_expose" && c.CORSCredentials {
				faults.Add(key, "%q is no name of a header", name)
			}
		}
	}
}

// cors answers for cross-origin requests, by the Fetch standard. nil: there are no keys for them.
type cors struct {
	anyone      bool
	origins     map[string]bool
	methods     []string // empty: those that the channel takes
	headers     []string // in lower case
	anyHeader   bool
	credentials bool
	expose      []string // header values, as net/http keeps them
	maxAge      []string
}

func newCORS(c Config, names service.Names) *cors {
	if len(c.CORSOrigins) == 0 {
		return nil
	}
	out := &cors{
		origins: map[string]bool{}, methods: c.CORSMethods, credentials: c.CORSCredentials,
		expose: []string{strings.Join(append([]string{names.CIDHeader}, c.CORSExpose...), ", ")},
		maxAge: []string{strconv.FormatInt(int64(c.CORSMaxAge.Std()/time.Second), 10)},
	}
	for _, origin := range c.CORSOrigins {
		out.anyone = out.anyone || origin == anyone
		out.origins[origin] = true
	}
	for _, name := range c.CORSHeaders {
		out.anyHeader = out.anyHeader || name == anyone
		out.headers = append(out.headers, strings.ToLower(name))
	}
	return out
}

// allow sets the headers by which a browser lets the page read the reply, whatever the reply is, and says whether it does.
func (c *cors) allow(h http.Header, r *http.Request) bool {
	if !c.anyone {
		h.Add("Vary", "Origin")
	}
	origin := r.Header.Get("Origin")
	switch {
	case origin == "":
		return false
	case c.anyone:
		h["Access-Control-Allow-Origin"] = []string{anyone}
		return true
	case !c.origins[origin]:
		return false
	}
	h["Access-Control-Allow-Origin"] = []string{origin}
	if c.credentials {
		h["Access-Control-Allow-Credentials"] = []string{"true"}
	}
	return true
}

// isPreflight says whether a browser asks if a page may send a request.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight sets the headers of the answer to a browser that asks. allowed are the methods that the channel takes. One that
// may not gets none of them.
func (c *cors) preflight(h http.Header, r *http.Request, allowed []string) {
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	methods := c.methods
	if len(methods) == 0 {
		methods = allowed
	}
	method := r.Header.Get("Access-Control-Request-Method")
	asked := splitList(r.Header["Access-Control-Request-Headers"])
	refused := slices.ContainsFunc(asked, func(name string) bool {
		return !c.anyHeader && !slices.Contains(c.headers, strings.ToLower(name)) || !isToken(name)
	})
	if !slices.Contains(methods, method) && !slices.Contains(allMethods(methods), method) || refused {
		return
	}
	if !c.allow(h, r) {
		return
	}
	h["Access-Control-Allow-Methods"] = []string{strings.Join(allMethods(methods), ", ")}
	if len(asked) > 0 {
		h["Access-Control-Allow-Headers"] = []string{strings.Join(asked, ", ")}
	}
	h["Access-Control-Max-Age"] = c.maxAge
}

// splitList is the elements of a header that is a list.
func splitList(values []string) (out []string) {
	for _, value := range values {
		for one := range strings.SplitSeq(value, ",") {
			if one = strings.TrimSpace(one); one != "" {
				out = append(out, one)
			}
		}
	}
	return out
}
