// Package apikey is the security_api_key kind: a header with a key, of callers and towards those we call.
package apikey

import (
	"context"
	"net/http"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
)

// Config is what a definition holds.
type Config struct {
	security.Base
	Header   string      `json:"header" doc:"the header that carries the key"`
	Key      kind.Secret `json:"key" doc:"the key; the catalog keeps its hash, or where outgoing is true its encrypted form"`
	Outgoing bool        `json:"outgoing" doc:"whether outgoing connections show the key, for which a hash is not enough"`
}

const name = "security_api_key"

// Kind is the row for the node's table of kinds.
func Kind() security.Kind {
	return security.Define(name, "a key in a header", Config{Base: security.Base{IsActive: true}, Header: "X-Api-Key"}, build)
}

// Hashed says that the secret is only ever checked.
func (c Config) Hashed(string) bool { return !c.Outgoing }

// Check finds everything that is wrong with the values.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	switch key := http.CanonicalHeaderKey(c.Header); {
	case c.Header == "" || strings.ContainsFunc(c.Header, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) }):
		faults.Add("header", "%q is no name of a header", c.Header)
	case key == "Host" || key == "Content-Length" || key == "Connection" || key == "Transfer-Encoding":
		faults.Add("header", "%s belongs to the protocol; choose one such as X-Api-Key", key)
	}
	return faults
}

type definition struct {
	name, header, challenge string
	key                     *security.Hashed
	plain                   string
	outgoing                bool
}

func build(c Config, d security.Deps) (security.Definition, error) {
	hashed, err := security.NewHashed(d, "key", c.Key)
	if err != nil {
		return nil, err
	}
	def := &definition{name: d.Name, challenge: d.Names.System() + "-apikey", header: http.CanonicalHeaderKey(c.Header), key: hashed, outgoing: c.Outgoing}
	if c.Outgoing {
		if c.Key.IsHashed() {
			return nil, kind.Faults{{Path: "key", Message: "only its hash is kept; give it again, for outgoing connections show it"}}
		}
		if def.plain, err = d.Reveal("key", c.Key); err != nil {
			return nil, kind.Faults{{Path: "key", Message: err.Error()}}
		}
	}
	return def, nil
}

// Check looks at the header, of which there must be one.
func (d *definition) Check(ctx context.Context, req *service.Request) (*service.Principal, error) {
	values := req.Header[d.header]
	if len(values) != 1 || values[0] == "" {
		return nil, security.Refused(d.challenge)
	}
	right, err := d.key.Matches(ctx, true, "", values[0])
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, security.Refused(d.challenge)
	}
	return &service.Principal{Definition: d.name, Kind: name, Name: d.name}, nil
}

// Sign sets the header.
func (d *definition) Sign(_ context.Context, req *http.Request, _ []byte) error {
	if !d.outgoing {
		return service.Errorf(service.Internal, "the security definition %q keeps only a hash; set outgoing: true and give its key again", d.name)
	}
	req.Header[d.header] = []string{d.plain}
	return nil
}

// Scheme describes the credentials for OpenAPI.
func (d *definition) Scheme() *service.Object {
	return service.ObjectOf("type", "apiKey", "in", "header", "name", d.header)
}
