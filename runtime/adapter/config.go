package adapter

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/message"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
	"github.com/parley-run/parley/spelling"
)

// outconnKind is the name in services of the connections that an adapter calls.
const outconnKind = "rest"

// Config is a JSON adapter in the catalog. Its maps are from JSON Pointers of what is made to JSON Pointers of what is there.
type Config struct {
	IsActive   bool                       `json:"is_active" doc:"an inactive adapter refuses every call"`
	Outconn    string                     `json:"outconn" kind:"required" names:"outgoing_rest" doc:"name of the outgoing_rest connection that is called"`
	Method     string                     `json:"method" choices:"GET,POST,PUT,PATCH,DELETE" doc:"HTTP method: GET, POST, PUT, PATCH or DELETE"`
	Doc        string                     `json:"doc" doc:"what the service is for, as lists and OpenAPI show it"`
	Input      []string                   `json:"input" doc:"fields that the service takes, one that begins with - may be missing; empty: anything"`
	Output     []string                   `json:"output" doc:"fields that the service gives, one that begins with - may be missing; empty: anything"`
	Params     map[string]string          `json:"params" doc:"parameters of the connection's address by name, each from a JSON Pointer of the input; GET and DELETE with none send all of the input"`
	Request    map[string]string          `json:"request" doc:"the request's body: from each JSON Pointer of it to one of the input; empty: the input as it is"`
	Set        map[string]json.RawMessage `json:"set" doc:"values that each request has: JSON Pointers of its body, or /name of a parameter where there is no body"`
	Response   map[string]string          `json:"response" doc:"the output: from each JSON Pointer of it to one of the reply; empty: the reply as it is"`
	PassStatus []int                      `json:"pass_status" doc:"statuses of errors that the caller gets as they are, such as 404; all others are 502"`
	Timeout    kind.Duration              `json:"timeout" doc:"of a call, beside that of the connection"`
}

// Check finds everything that is wrong with the values.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	if c.Outconn == "" {
		faults.Add("outconn", "missing; name the outgoing_rest connection that is called")
	}
	methods := []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	if !slices.Contains(methods, c.Method) {
		faults.Add("method", "expected one of %s, not %q", strings.Join(methods, ", "), c.Method)
	} else if !c.hasBody() && len(c.Request) > 0 {
		faults.Add("request", "a %s has no body; map what it sends in params", c.Method)
	}
	for _, side := range []struct {
		key    string
		places map[string]string
	}{{"params", c.Params}, {"request", c.Request}, {"response", c.Response}} {
		for _, target := range slices.Sorted(maps.Keys(side.places)) {
			if side.key != "params" {
				checkPointer(&faults, side.key, target)
			} else if target == "" {
				faults.Add(side.key, "a parameter has no name")
			}
			checkPointer(&faults, side.key, side.places[target])
		}
	}
	for _, place := range slices.Sorted(maps.Keys(c.Set)) {
		checkPointer(&faults, "set", place)
		if _, err := sio.DecodeJSON(c.Set[place]); err != nil {
			faults.Add("set", "%s: %s", place, err)
		}
		if c.hasBody() {
			continue
		}
		if strings.Count(place, "/") != 1 {
			faults.Add("set", "%q: a %s has no body; name a parameter, such as /lang", place, c.Method)
		}
	}
	for _, status := range c.PassStatus {
		if status < 400 || status > 599 {
			faults.Add("pass_status", "a status of an error is 400 to 599, not %d", status)
		}
	}
	if c.Timeout <= 0 {
		faults.Add("timeout", "expected more than 0 seconds")
	}
	for _, side := range []struct {
		key  string
		list []string
	}{{"input", c.Input}, {"output", c.Output}} {
		if err := sio.Validate(&service.Shape{Input: fields(side.list)}); err != nil {
			faults.Add(side.key, "%s", strings.ReplaceAll(err.Error(), "the declared input and output are not valid: input", "a field"))
		}
	}
	return faults
}

func checkPointer(faults *kind.Faults, key, text string) {
	if _, err := message.ParsePointer(text); err != nil {
		faults.Add(key, "%s", err)
	}
}

func (c Config) hasBody() bool { return c.Method == "POST" || c.Method == "PUT" || c.Method == "PATCH" }

// verb is the connection's method.
func (c Config) verb() string { return strings.ToLower(c.Method) }

// shape is the declared input and output; nil: nothing is declared.
func (c Config) shape() *service.Shape {
	if len(c.Input) == 0 && len(c.Output) == 0 {
		return nil
	}
	return &service.Shape{Input: fields(c.Input), Output: fields(c.Output), AsGiven: true}
}

func fields(names []string) []service.Field {
	out := make([]service.Field, len(names))
	for i, name := range names {
		bare, optional := strings.CutPrefix(name, "-")
		out[i] = service.Field{Name: bare, Required: !optional, Nullable: optional}
	}
	return out
}

// Missing is what is said where there is no connection of the name that the config says.
func (c Config) Missing(known []string) error {
	text := fmt.Sprintf("there is no outgoing_rest connection %q", c.Outconn)
	if near := spelling.Nearest(c.Outconn, known); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return kind.Faults{{Path: "outconn", Message: text}}
}

// OutconnKind is the name in services of the connections that the config's Outconn is one of.
func (c Config) OutconnKind() string { return outconnKind }

// escape is a token of a JSON Pointer.
func escape(token string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(token) }
