package balancer

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Route is where a channel is served.
type Route struct {
	Methods    []string `json:"methods" sio:"methods,optional"` // empty: all
	Path       string   `json:"path"`                           // such as /customers/{id}; a name in braces takes one segment, a last {name...} all that is left
	Idempotent bool     `json:"idempotent"`                     // a request may be handled twice without harm
}

// Repeats are the rules by which a request that a server has seen may be sent to another one: the last that matches
// decides, and none means that it may not. The order is from paths that match more to those that match less, as servers
// choose. Routes without which all would stay the same are not among them. Two of the same routes, in any order, are equal.
func Repeats(routes []Route) []Route {
	var out []Route
	for _, r := range routes {
		if r.Idempotent || slices.ContainsFunc(routes, func(o Route) bool { return o.Idempotent && within(r.Path, o.Path) }) {
			r.Methods = slices.Sorted(slices.Values(r.Methods))
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Route) int {
		return cmp.Or(
			cmp.Compare(openness(b.Path), openness(a.Path)),
			cmp.Compare(strings.Count(b.Path, "{"), strings.Count(a.Path, "{")),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(min(len(a.Methods), 1), min(len(b.Methods), 1)), // a method of its own wins over any method
			slices.Compare(a.Methods, b.Methods),
		)
	})
	return out
}

// openness orders paths: those that take all that is left before others, and of those the shorter first.
func openness(path string) int {
	segments := strings.Split(path, "/")
	if !IsRest(segments[len(segments)-1]) {
		return 0
	}
	return 1<<16 - len(segments)
}

// SameRoutes says whether two lists of Repeats are equal.
func SameRoutes(a, b []Route) bool {
	return slices.EqualFunc(a, b, func(x, y Route) bool {
		return x.Path == y.Path && x.Idempotent == y.Idempotent && slices.Equal(x.Methods, y.Methods)
	})
}

// within says whether all that path matches is matched by wider, too.
func within(path, wider string) bool {
	a, b := strings.Split(path, "/"), strings.Split(wider, "/")
	if IsRest(b[len(b)-1]) {
		b = b[:len(b)-1]
		if len(a) <= len(b) {
			return false
		}
		a = a[:len(b)]
	}
	if len(a) != len(b) || len(a) > 0 && IsRest(a[len(a)-1]) {
		return false
	}
	for i := range a {
		if !IsName(b[i]) && a[i] != b[i] {
			return false
		}
	}
	return true
}

// IsName says whether a segment of a Route's path is a name in braces, which takes any segment.
func IsName(segment string) bool {
	return len(segment) > 2 && segment[0] == '{' && segment[len(segment)-1] == '}'
}

// IsRest says whether a segment is a name that takes all that is left of a path.
func IsRest(segment string) bool { return IsName(segment) && strings.HasSuffix(segment, "...}") }

// SetRoutes says where channels are served, from the next request on.
func (b *Balancer) SetRoutes(routes []Route) {
	repeats := Repeats(routes)
	b.repeats.Store(&repeats)
}

// mayRepeat says whether a request that a server has seen may be sent to another one.
func (b *Balancer) mayRepeat(req *http.Request) bool {
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return true
	}
	rules := b.repeats.Load()
	if rules == nil {
		return false
	}
	segments := strings.Split(req.URL.EscapedPath(), "/")
	for _, r := range slices.Backward(*rules) {
		if (len(r.Methods) == 0 || slices.Contains(r.Methods, req.Method)) && matches(r.Path, segments) {
			return r.Idempotent
		}
	}
	return false
}

// matches compares segment by segment, as servers do: an escaped slash ends none.
func matches(path string, segments []string) bool {
	i := 0
	for want := range strings.SplitSeq(path, "/") {
		if i == len(segments) {
			return false
		}
		if IsRest(want) {
			return strings.Join(segments[i:], "/") != ""
		}
		if IsName(want) && segments[i] == "" || !IsName(want) && Unescaped(want) != Unescaped(segments[i]) {
			return false
		}
		i++
	}
	return i == len(segments)
}

// Unescaped is a segment of a path as servers compare it.
func Unescaped(segment string) string {
	if plain, err := url.PathUnescape(segment); err == nil {
		return plain
	}
	return segment
}
