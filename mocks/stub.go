package mocks

import (
	"embed"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/parley-run/parley/yamlfile"
)

//go:embed stubs/*.yaml
var builtIn embed.FS

// Stub is one answer of an HTTP mock, and the calls that it is for.
type Stub struct {
	Name    string            `yaml:"name"`    // for reports; default: the methods and the path
	Method  Methods           `yaml:"method"`  // default: any
	Path    string            `yaml:"path"`    // begins with "/"; a segment "{name}" matches any one segment
	Query   map[string]string `yaml:"query"`   // parameters that must be there; "*" is any value
	Headers map[string]string `yaml:"headers"` // headers that must be there; "*" is any value
	Auth    *Auth             `yaml:"auth"`    // what callers must prove; nil: nothing
	Reply   Reply             `yaml:",inline"`
}

// Reply is what a stub answers.
type Reply struct {
	Delay        Duration          `yaml:"delay"`         // before the answer; default: none
	Status       int               `yaml:"status"`        // default: 200
	ReplyHeaders map[string]string `yaml:"reply_headers"` // Content-Type is application/json with json, text/plain with body
	Body         string            `yaml:"body"`          // text; not together with json
	JSON         JSONText          `yaml:"json"`          // any value; not together with body
}

// label is how reports call s.
func (s *Stub) label() string {
	if s.Name != "" {
		return s.Name
	}
	if len(s.Method) == 0 {
		return s.Path
	}
	return strings.Join(s.Method, "|") + " " + s.Path
}

// CRM is the tutorial's CRM: POST or GET /get-customer gives {"firstName":"Sean","lastName":"O'Brien"}.
func CRM() []Stub { return mustBuiltIn("crm.yaml") }

// Payments is the tutorial's payments system: POST or GET /get-last-payment gives
// {"DATE":"2013-05-14T10:42:14.401555","AMOUNT":"357"}.
func Payments() []Stub { return mustBuiltIn("payments.yaml") }

func mustBuiltIn(name string) []Stub {
	raw, err := builtIn.ReadFile("stubs/" + name)
	if err != nil {
		panic(err)
	}
	stubs, err := ParseStubs(name, raw)
	if err != nil {
		panic(err)
	}
	return stubs
}

// ReadStubs reads a file of stubs.
func ReadStubs(path string) ([]Stub, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ParseStubs(path, raw)
}

// ParseStubs reads YAML of the form "stubs: [{method, path, query, headers, auth, delay, status, reply_headers, body
// or json}, ...]". All its faults come in one error, each as "name:line:column: message".
func ParseStubs(name string, raw []byte) ([]Stub, error) {
	var file struct {
		Stubs []Stub `yaml:"stubs"`
	}
	doc, err := yamlfile.Read(name, raw, &file)
	if err != nil {
		return nil, err
	}
	if len(file.Stubs) == 0 {
		return nil, fmt.Errorf("%s: there is no stub in it; write a list under the key stubs", name)
	}
	var faults []error
	for i := range file.Stubs {
		faults = append(faults, file.Stubs[i].check(doc, fmt.Sprintf("$.stubs[%d]", i))...)
	}
	return file.Stubs, errors.Join(faults...)
}

func (s *Stub) check(doc *yamlfile.File, at string) []error {
	var faults []error
	switch {
	case s.Path == "":
		faults = append(faults, doc.Fault(at, "the stub has no path"))
	case !strings.HasPrefix(s.Path, "/"):
		faults = append(faults, doc.Fault(at+".path", "path %q must begin with /", s.Path))
	case strings.ContainsAny(s.Path, "?#"):
		faults = append(faults, doc.Fault(at+".path", "path %q holds a query: write it under query:", s.Path))
	}
	for segment := range strings.SplitSeq(s.Path, "/") {
		if strings.ContainsAny(segment, "{}") && !isParameter(segment) {
			faults = append(faults, doc.Fault(at+".path", "path segment %q must be {name} as a whole", segment))
		}
	}
	if s.Reply.Status != 0 && (s.Reply.Status < 200 || s.Reply.Status > 599) {
		faults = append(faults, doc.Fault(at+".status", "status %d is not from 200 to 599", s.Reply.Status))
	}
	if s.Auth != nil {
		faults = append(faults, s.Auth.check(doc, at+".auth")...)
	}
	if s.Reply.Body != "" && s.Reply.JSON != nil {
		faults = append(faults, doc.Fault(at+".json", "the stub has both body and json: keep one"))
	}
	return faults
}

func isParameter(segment string) bool {
	return len(segment) > 2 && segment[0] == '{' && segment[len(segment)-1] == '}' &&
		!strings.ContainsAny(segment[1:len(segment)-1], "{}")
}

func (s *Stub) allows(method string) bool {
	return len(s.Method) == 0 || slices.Contains(s.Method, method)
}

// answer is the reply's status, headers and body.
func (r *Reply) answer() (int, http.Header, []byte) {
	status, header, body := r.Status, http.Header{}, []byte(r.Body)
	if status == 0 {
		status = http.StatusOK
	}
	if r.JSON != nil {
		body = r.JSON
		header.Set("Content-Type", "application/json")
	} else if len(body) > 0 {
		header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	for k, v := range r.ReplyHeaders {
		header.Set(k, v)
	}
	return status, header, body
}
