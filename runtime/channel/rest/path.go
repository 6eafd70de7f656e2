package rest

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// pathProblems is what is wrong with a url_path, in words.
func pathProblems(path string) (problems []string) {
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	switch {
	case path == "":
		return []string{"missing; it is a path such as /customers/{id}"}
	case path[0] != '/':
		add("%q must start with /", path)
	}
	if plain, err := url.PathUnescape(path); err != nil {
		add("%q holds a %% that begins no escape", path)
	} else if reserved := service.Reserved(plain); reserved != "" {
		add("%q is under %s, which belongs to the system", path, reserved)
	}
	if i := strings.IndexFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '?' || r == '#' }); i >= 0 {
		add("%q holds %q, which no path can hold as it is; write it with %%", path, path[i])
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	seen := map[string]bool{}
	for i, segment := range segments {
		name, isParam := paramOf(segment)
		switch {
		case segment == "." || segment == "..", segment == "" && i < len(segments)-1:
			add("%q has the segment %q, which clients and servers remove from paths", path, segment)
		case !isParam && strings.Count(segment, "{") != strings.Count(segment, "}"):
			add("the braces in %q are not balanced", segment)
		case !isParam && strings.ContainsAny(segment, "{}"):
			add("%q mixes a name in braces with other text; a name takes a whole segment", segment)
		case isParam && name == "":
			add("a pair of braces holds no name")
		case isParam && !isName(name):
			add("{%s} is not a name; names are letters, digits and _, and do not begin with a digit", name)
		case isParam && seen[name]:
			add("{%s} stands there twice", name)
		}
		seen[name] = isParam
	}
	return problems
}

// paramOf is the name in a segment's braces, and whether the segment is such a name.
func paramOf(segment string) (string, bool) {
	if len(segment) < 2 || segment[0] != '{' || segment[len(segment)-1] != '}' || strings.ContainsAny(segment[1:len(segment)-1], "{}") {
		return "", false
	}
	return segment[1 : len(segment)-1], true
}

// paramsOf are the names of a valid path, in order.
func paramsOf(path string) (names []string) {
	for segment := range strings.SplitSeq(path, "/") {
		if name, ok := paramOf(segment); ok {
			names = append(names, name)
		}
	}
	return names
}

// isName is what net/http's patterns take for a name, which is a Go identifier.
func isName(s string) bool {
	for i, r := range s {
		isLetter := r == '_' || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z')
		if !isLetter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// endsInName says whether a path's last segment is a name in braces.
func endsInName(path string) bool {
	name, ok := paramOf(path[strings.LastIndexByte(path, '/')+1:])
	return ok && name != ""
}
