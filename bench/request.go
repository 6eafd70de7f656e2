package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/parley-run/parley/yamlfile"
)

// Request is what is sent. In path, header values and body, {{id}} becomes the request's number: 1, 2, 3, ... in the order of
// sending, the warm-up included; {{column}} a column of a feeder; {{name}} what was captured under that name.
type Request struct {
	Name    string            `yaml:"name"`   // what reports call it; default: its method and path
	Method  string            `yaml:"method"` // default: POST
	Path    string            `yaml:"path"`   // begins with "/"
	Headers map[string]string `yaml:"headers"`
	Body    string            `yaml:"body"`
	Weight  int               `yaml:"weight"`  // how often it comes, against the others; default: 1
	Timeout Duration          `yaml:"timeout"` // default: the profile's
	Check   *Check            `yaml:"check"`
	// Capture keeps parts of a reply under names, for the requests that follow. With a rate that is what was captured last by
	// any request; a user of a closed loop has its own.
	Capture map[string]Capture `yaml:"capture"`
}

// Check is what a reply must be. A reply of success that is not so has the outcome Wrong.
type Check struct {
	Status  Statuses          `yaml:"status"`        // these are success, in place of 200 to 299
	Headers map[string]string `yaml:"headers"`       // each is there and holds the text
	Body    string            `yaml:"body_contains"` // the text is in the body
	JSON    map[string]any    `yaml:"json"`          // by JSON Pointer (RFC 6901), each equal to the value
}

// Capture is where in a reply a value is: one of the three.
type Capture struct {
	JSON   string `yaml:"json"` // a JSON Pointer, such as /token
	Header string `yaml:"header"`
	Regex  string `yaml:"regex"` // on the body; its first group, else all of it

	compiled *regexp.Regexp
}

// Statuses are HTTP statuses: one, or a list.
type Statuses []int

// UnmarshalYAML accepts both forms.
func (s *Statuses) UnmarshalYAML(node ast.Node) error {
	var one int
	if err := yaml.NodeToValue(node, &one); err == nil {
		*s = Statuses{one}
		return nil
	}
	var list []int
	if err := yaml.NodeToValue(node, &list); err != nil {
		return yamlfile.Errorf(node, "a status is a number such as 200, or a list of them")
	}
	*s = list
	return nil
}

// maxRead bounds how much of a body is looked at.
const maxRead = 10 << 20

// label is what reports call the request.
func (r *Request) label() string {
	if r.Name != "" {
		return r.Name
	}
	return r.Method + " " + r.Path
}

// reads says whether the body of a reply is needed.
func (r *Request) reads() bool {
	if r.Check != nil && (r.Check.Body != "" || len(r.Check.JSON) > 0) {
		return true
	}
	for _, c := range r.Capture {
		if c.Header == "" {
			return true
		}
	}
	return false
}

// names are what the request's texts ask for.
func (r *Request) names() []string {
	texts := append([]string{r.Path, r.Body}, slices.Collect(maps.Values(r.Headers))...)
	var out []string
	for _, text := range texts {
		out = append(out, newTemplate(text).names()...)
	}
	return out
}

// faults tells what is wrong with the request by itself; it has its defaults.
func (r *Request) faults(add func(field, format string, args ...any)) {
	if r.Path == "" {
		add("", "a request needs a path, such as path: /orders")
	} else if !strings.HasPrefix(r.Path, "/") {
		add(".path", "request path %q must begin with /", r.Path)
	} else if _, err := url.Parse(r.Path); err != nil && newTemplate(r.Path).plain() {
		var why *url.Error
		if errors.As(err, &why) {
			err = why.Err
		}
		add(".path", "request path %q: %v", r.Path, err)
	}
	if rest := mark.ReplaceAllString(r.Path, ""); strings.Contains(rest, "{{") {
		add(".path", "request path %q has a {{ that nothing fills: write {{name}} with a name of letters, digits, _, . and -", r.Path)
	}
	if r.Method != "" && strings.ContainsFunc(r.Method, notOfToken) {
		add(".method", "%q is not an HTTP method", r.Method)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		if name == "" || strings.ContainsFunc(name, notOfToken) {
			add(".headers", "%q cannot be the name of a header", name)
		}
		if !validHeader(strings.TrimSpace(r.Headers[name])) {
			add(".headers."+name, "the value of header %s has a line break or another control character", name)
		}
	}
	if r.Weight < 0 || r.Weight > 1000 {
		add(".weight", "weight must be 1 to 1000")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Capture)) {
		c := r.Capture[name]
		given := 0
		for _, text := range []string{c.JSON, c.Header, c.Regex} {
			if text != "" {
				given++
			}
		}
		if given != 1 {
			add(".capture."+name, "capture %q has one of: json, header, regex", name)
		}
		if c.JSON != "" && !strings.HasPrefix(c.JSON, "/") {
			add(".capture."+name+".json", "%q is not a JSON Pointer: it must begin with /", c.JSON)
		}
		if _, err := regexp.Compile(c.Regex); err != nil {
			add(".capture."+name+".regex", "%v", err)
		}
		if name == "id" {
			add(".capture."+name, "nothing may be captured as id: {{id}} is the request's number")
		}
	}
	if r.Check == nil {
		return
	}
	for _, status := range r.Check.Status {
		if status < 100 || status > 999 {
			add(".check.status", "%d is no HTTP status", status)
		}
	}
	if _, err := json.Marshal(r.Check.JSON); err != nil {
		add(".check.json", "JSON has no such value: %v", err)
	}
	for _, pointer := range slices.Sorted(maps.Keys(r.Check.JSON)) {
		if pointer != "" && !strings.HasPrefix(pointer, "/") {
			add(".check.json", "%q is not a JSON Pointer: it must begin with /", pointer)
		}
	}
}

// notOfToken says whether the character may not be in a header's name (RFC 9110, section 5.6.2).
func notOfToken(c rune) bool {
	return c <= ' ' || c >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", c)
}

// compiled is the request ready to be sent many times.
type compiled struct {
	Request
	path, body template
	target     string // what is asked for, where it is the same for each; empty: it is not
	fixed      []byte // the header's lines that are the same for each
	headers    []header
	varying    []header       // those of them that are not
	json       map[string]any // of the check, as a JSON decoder gives values
	readsBody  bool
	gives      bool // whether a reply is looked at beyond its status
}

type header struct {
	name  string
	value template
}

// compile makes the request ready for the wire.
func (s *sender) compile(r Request) (*compiled, error) {
	c, err := compile(r)
	if err != nil {
		return nil, err
	}
	if c.path.plain() {
		to, err := url.Parse(s.address + c.Path)
		if err != nil {
			return nil, err
		}
		c.target = to.RequestURI()
	}
	own := map[string]string{"Host": s.host, "User-Agent": "apitest"}
	for _, h := range c.headers {
		name := textproto.CanonicalMIMEHeaderKey(h.name)
		switch {
		case name == "Content-Length" || name == "Transfer-Encoding" || name == "Trailer": // the body says it
			continue
		case !h.value.plain():
			c.varying = append(c.varying, header{name, h.value})
			delete(own, name)
			continue
		}
		own[name] = strings.TrimSpace(h.value.parts[0])
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		c.fixed = append(c.fixed, name+": "+own[name]+"\r\n"...)
	}
	return c, nil
}

func compile(r Request) (*compiled, error) {
	c := &compiled{Request: r, path: newTemplate(r.Path), body: newTemplate(r.Body), readsBody: r.reads(), gives: r.Check != nil || len(r.Capture) > 0}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		c.headers = append(c.headers, header{name, newTemplate(r.Headers[name])})
	}
	c.Capture = maps.Clone(r.Capture)
	for name, one := range c.Capture {
		if one.Regex != "" {
			one.compiled = regexp.MustCompile(one.Regex)
			c.Capture[name] = one
		}
	}
	if r.Check != nil && len(r.Check.JSON) > 0 {
		raw, err := json.Marshal(r.Check.JSON)
		if err != nil {
			return nil, fmt.Errorf("request %s: check: %w", r.label(), err)
		}
		return c, json.Unmarshal(raw, &c.json)
	}
	return c, nil
}

// order is which of the requests come one after another, each as often as its weight says and spread evenly.
func order(requests []Request) []int {
	total := 0
	for _, r := range requests {
		total += max(1, r.Weight)
	}
	credit := make([]int, len(requests))
	out := make([]int, total)
	for i := range out {
		best := 0
		for j, r := range requests {
			credit[j] += max(1, r.Weight)
			if credit[j] > credit[best] {
				best = j
			}
		}
		credit[best] -= total
		out[i] = best
	}
	return out
}
