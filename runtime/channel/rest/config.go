package rest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// Config is a REST channel in the catalog.
type Config struct {
	channel.Base
	URLPath      string        `json:"url_path" kind:"required" doc:"path of the channel, such as /customers/{id}; a name in braces takes one segment and becomes a parameter"`
	Method       Methods       `json:"method" doc:"HTTP methods that the channel takes, one or a list; empty for all"`
	URLParamsPri string        `json:"url_params_pri" doc:"which wins where the query string and the path have a parameter of one name: qs-over-path or path-over-qs"`
	ParamsPri    string        `json:"params_pri" doc:"which wins where parameters and body have a field of one name: channel-params-over-msg or msg-over-channel-params"`
	Timeout      kind.Duration `json:"timeout" doc:"how long a request may take"`
	MaxBody      int64         `json:"max_body" doc:"size that a request's body may have, in bytes"`
	Idempotent   bool          `json:"idempotent,omitempty" doc:"handling a request twice does no more than handling it once: the load-balancer sends it to another server where the one that had it died, whatever its method"`
}

// Defaults are the values of keys that a config leaves out.
func Defaults() Config {
	return Config{
		Base:         channel.Base{IsActive: true, DataFormat: sio.JSON},
		URLParamsPri: queryFirst,
		ParamsPri:    paramsFirst,
		Timeout:      kind.Seconds(30),
		MaxBody:      1 << 20,
	}
}

// Which of two values of one name wins.
const (
	queryFirst   = "qs-over-path"
	pathFirst    = "path-over-qs"
	paramsFirst  = "channel-params-over-msg"
	payloadFirst = "msg-over-channel-params"
)

// Methods are HTTP methods in capitals. In a config they are one text or a list; empty means all.
type Methods []string

// TypeName says what Methods accept.
func (m *Methods) TypeName() string { return "text or a list of text" }

// UnmarshalJSON accepts both forms, in any case.
func (m *Methods) UnmarshalJSON(raw []byte) error {
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		var one string
		if err := json.Unmarshal(raw, &one); err != nil {
			return err
		}
		if list = nil; one != "" {
			list = []string{one}
		}
	}
	*m = nil
	for _, method := range list {
		if method = strings.ToUpper(strings.TrimSpace(method)); !slices.Contains(*m, method) {
			*m = append(*m, method)
		}
	}
	return nil
}

// MarshalJSON writes a list, so that equal configs have one form.
func (m Methods) MarshalJSON() ([]byte, error) {
	if m == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]string(m))
}

// Check finds all that is wrong with the values.
func (c Config) Check() kind.Faults {
	faults := c.CheckBase(sio.Formats()...)
	for _, problem := range pathProblems(c.URLPath) {
		faults.Add("url_path", "%s", problem)
	}
	for _, method := range c.Method {
		if !isToken(method) {
			faults.Add("method", "%q is no HTTP method; expected one such as GET or POST", method)
		}
	}
	if c.URLParamsPri != queryFirst && c.URLParamsPri != pathFirst {
		faults.Add("url_params_pri", "expected %s or %s, not %q", queryFirst, pathFirst, c.URLParamsPri)
	}
	if c.ParamsPri != paramsFirst && c.ParamsPri != payloadFirst {
		faults.Add("params_pri", "expected %s or %s, not %q", paramsFirst, payloadFirst, c.ParamsPri)
	}
	if c.Timeout <= 0 {
		faults.Add("timeout", "it must be more than 0")
	}
	if c.MaxBody <= 0 {
		faults.Add("max_body", "it must be more than 0 bytes, not %d", c.MaxBody)
	}
	return faults
}

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
	} else if reserved := reservedPrefix(plain); reserved != "" {
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

// reservedPrefix is the prefix of the system's own paths that path is under, or "".
func reservedPrefix(path string) string {
	for _, names := range [...]service.Names{service.ParleyNames(), service.ZatoNames()} {
		if path == names.Prefix || strings.HasPrefix(path, names.Prefix+"/") {
			return names.Prefix + "/"
		}
		if path == names.LBAlive {
			return names.LBAlive
		}
	}
	return ""
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

// isToken is what RFC 9110, section 5.6.2, calls so.
func isToken(s string) bool {
	for _, r := range s {
		isAlphanumeric := (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9')
		if !isAlphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", r) {
			return false
		}
	}
	return s != ""
}
