// Package basic is the security_basic_auth kind: HTTP Basic Auth, RFC 7617, of callers and towards those we call.
package basic

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
)

// Config is what a definition holds.
type Config struct {
	security.Base
	Username string      `json:"username" kind:"required" doc:"name of the user"`
	Password kind.Secret `json:"password" doc:"the user's password; the catalog keeps its hash, or where outgoing is true its encrypted form"`
	Realm    string      `json:"realm" doc:"what a browser shows to who logs in"`
	Outgoing bool        `json:"outgoing" doc:"whether outgoing connections log in with it, for which a hash is not enough"`
}

const name = "security_basic_auth"

// Kind is the row for the node's table of kinds.
func Kind() security.Kind {
	return security.Define(name, "a user and a password, by HTTP Basic Auth", Config{Base: security.Base{IsActive: true}, Realm: "parley"}, build)
}

// Hashed says that the secret is only ever checked.
func (c Config) Hashed(string) bool { return !c.Outgoing }

// Check finds everything that is wrong with the values.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	if c.Username == "" {
		faults.Add("username", "missing")
	}
	if strings.ContainsAny(c.Username, ":\r\n\x00") {
		faults.Add("username", "%q holds a colon or a line break, which Basic Auth cannot carry", c.Username)
	}
	if strings.ContainsAny(c.Realm, "\"\\\r\n\x00") {
		faults.Add("realm", "expected text without quotes, backslashes and line breaks")
	}
	return faults
}

type definition struct {
	config    Config
	name      string
	password  *security.Hashed
	plain     string // for Sign; empty where only the hash is kept
	challenge string
}

func build(c Config, d security.Deps) (security.Definition, error) {
	hashed, err := security.NewHashed(d, "password", c.Password)
	if err != nil {
		return nil, err
	}
	def := &definition{config: c, name: d.Name, password: hashed, challenge: "Basic realm=" + strconv.Quote(c.Realm) + d.Names.BasicParams}
	if c.Outgoing {
		if c.Password.IsHashed() {
			return nil, kind.Faults{{Path: "password", Message: "only its hash is kept; give it again, for outgoing connections log in with it"}}
		}
		if def.plain, err = d.Reveal("password", c.Password); err != nil {
			return nil, kind.Faults{{Path: "password", Message: err.Error()}}
		}
	}
	return def, nil
}

// Check looks at the header Authorization, of which there must be one: whoever stands in front may have read another.
func (d *definition) Check(ctx context.Context, req *service.Request) (*service.Principal, error) {
	r := http.Request{Header: req.Header}
	user, given, ok := r.BasicAuth()
	if !ok || len(req.Header["Authorization"]) != 1 {
		return nil, security.Refused(d.challenge)
	}
	known := subtle.ConstantTimeCompare([]byte(user), []byte(d.config.Username)) == 1
	right, err := d.password.Matches(ctx, known, user, given)
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, security.Refused(d.challenge)
	}
	return &service.Principal{Definition: d.name, Kind: name, Name: d.config.Username}, nil
}

// Sign sets the header Authorization.
func (d *definition) Sign(_ context.Context, req *http.Request, _ []byte) error {
	if !d.config.Outgoing {
		return service.Errorf(service.Internal, "the security definition %q keeps only a hash; set outgoing: true and give its password again", d.name)
	}
	req.SetBasicAuth(d.config.Username, d.plain)
	return nil
}

// Scheme describes the credentials for OpenAPI.
func (d *definition) Scheme() *service.Object {
	return service.ObjectOf("type", "http", "scheme", "basic")
}
