// Package headers is the security_headers kind: conditions on the headers of a request, such as those that a proxy sets which
// checked a client's certificate.
//
// Whoever reaches a channel can set headers: such a definition is for servers that only a proxy can reach, which removes
// these headers from what comes from outside.
package headers

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
)

// Config is what a definition holds.
type Config struct {
	security.Base
	All  map[string]Condition `json:"all" doc:"conditions by the name of the header, all of which must hold; a text is what the header must equal"`
	Any  map[string]Condition `json:"any" doc:"conditions of which one must hold; none: no matter"`
	User string               `json:"user" doc:"the header that says who calls; empty: the definition's name"`
}

// Condition is what one header must be. One of its fields is given.
type Condition struct {
	Equals  string      `json:"equals,omitempty"`
	Secret  kind.Secret `json:"secret,omitzero"`   // as Equals, and nobody sees it
	Matches string      `json:"matches,omitempty"` // a regular expression of the whole value
	Present *bool       `json:"present,omitempty"` // whether the header is there at all
}

// TypeName says what a Condition accepts.
func (c *Condition) TypeName() string {
	return "text, or one of equals, secret, matches and present"
}

// UnmarshalJSON also takes a text, as Equals.
func (c *Condition) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		c.Equals = text
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return fmt.Errorf("a condition is a text, or an object")
	}
	for key := range members {
		if !slices.Contains([]string{"equals", "secret", "matches", "present"}, key) {
			return fmt.Errorf("unknown key %q", key)
		}
	}
	type plain Condition
	if json.Unmarshal(raw, (*plain)(c)) != nil {
		return fmt.Errorf("equals, secret and matches are texts, present is true or false")
	}
	return nil
}

const name = "security_headers"

// Kind is the row for the node's table of kinds.
func Kind() security.Kind {
	def := Config{Base: security.Base{IsActive: true}}
	return security.Define(name, "conditions on headers, such as those of a proxy that checked a certificate", def, build)
}

// Check finds everything that is wrong with the values.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	if len(c.All)+len(c.Any) == 0 {
		faults.Add("all", "there is no condition: anybody would be let in")
	}
	for key, conditions := range map[string]map[string]Condition{"all": c.All, "any": c.Any} {
		for _, header := range slices.Sorted(maps.Keys(conditions)) {
			if problem := conditions[header].check(header); problem != "" {
				faults.Add(key+"."+header, "%s", problem)
			}
		}
	}
	if c.User != "" && !isToken(c.User) {
		faults.Add("user", "%q is no name of a header", c.User)
	}
	return faults
}

func (c Condition) check(header string) string {
	given := 0
	for _, one := range []bool{c.Equals != "", c.Secret.Form() != "", c.Matches != "", c.Present != nil} {
		if one {
			given++
		}
	}
	switch {
	case !isToken(header):
		return "this is no name of a header"
	case given != 1:
		return "expected one of equals, secret, matches and present"
	}
	if _, err := whole(c.Matches); err != nil {
		return fmt.Sprintf("matches is no regular expression: %v", err)
	}
	return ""
}

// whole is an expression that the whole of a text must match, line breaks included.
func whole(expression string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(expression); err != nil { // by itself: brackets must not reach out of it
		return nil, err
	}
	return regexp.Compile(`\A(?:` + expression + `)\z`)
}

func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	})
}

// condition is a Condition that is ready to be checked.
type condition struct {
	header  string
	sum     *[sha256.Size]byte // of what it must equal
	matches *regexp.Regexp
	present *bool
}

type definition struct {
	name, user string
	all, any   []condition
}

func build(c Config, d security.Deps) (security.Definition, error) {
	def := &definition{name: d.Name, user: http.CanonicalHeaderKey(c.User)}
	var faults kind.Faults
	prepare := func(key string, from map[string]Condition) (out []condition) {
		for _, header := range slices.Sorted(maps.Keys(from)) {
			one := from[header]
			ready := condition{header: http.CanonicalHeaderKey(header), present: one.Present}
			at := key + "." + header
			text := one.Equals
			var err error
			switch {
			case one.Matches != "":
				ready.matches, err = whole(one.Matches)
			case one.Secret.IsSet():
				text, err = d.Reveal(at+".secret", one.Secret)
			}
			if err != nil {
				faults.Add(at, "%v", err)
				continue
			}
			if text != "" {
				sum := sha256.Sum256([]byte(text))
				ready.sum = &sum
			}
			if ready.sum == nil && ready.matches == nil && ready.present == nil {
				faults.Add(at, "its secret is missing; give it, or a reference such as env:NAME")
				continue
			}
			out = append(out, ready)
		}
		return out
	}
	def.all, def.any = prepare("all", c.All), prepare("any", c.Any)
	if len(faults) > 0 {
		return nil, faults
	}
	return def, nil
}

// holds looks at all of a header's values, of which there is one: with several, nobody knows which one the proxy set.
func (c condition) holds(header http.Header) bool {
	values := header[c.header]
	if c.present != nil {
		return *c.present == (len(values) == 1 && values[0] != "") && (*c.present || len(values) == 0)
	}
	if len(values) != 1 {
		return false
	}
	if c.matches != nil {
		return c.matches.MatchString(values[0])
	}
	given := sha256.Sum256([]byte(values[0])) // of equal length, so that the comparison tells nothing of it
	return subtle.ConstantTimeCompare(given[:], c.sum[:]) == 1
}

// Check looks at the headers.
func (d *definition) Check(_ context.Context, req *service.Request) (*service.Principal, error) {
	right := true
	for _, c := range d.all {
		right = c.holds(req.Header) && right // all of them, whatever the first say: the time tells nothing
	}
	one := len(d.any) == 0
	for _, c := range d.any {
		one = c.holds(req.Header) || one
	}
	if !right || !one {
		return nil, security.Refused("parley-headers")
	}
	who := d.name
	if d.user != "" {
		values := req.Header[d.user]
		if len(values) != 1 || values[0] == "" {
			return nil, security.Refused("parley-headers")
		}
		who = values[0]
	}
	return &service.Principal{Definition: d.name, Kind: name, Name: who}, nil
}

// Scheme describes the credentials for OpenAPI: one header that must be there, where there is such.
func (d *definition) Scheme() *service.Object {
	for _, c := range append(slices.Clone(d.all), d.any...) {
		if c.present == nil || *c.present {
			return service.ObjectOf("type", "apiKey", "in", "header", "name", c.header)
		}
	}
	return nil
}
