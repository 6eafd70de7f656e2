package oauth2

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
)

// both is a definition for channels and outgoing connections.
type both struct {
	*introspector
	*tokens
}

func build(c Config, d security.Deps) (security.Definition, error) {
	if !c.ClientSecret.IsSet() {
		return nil, kind.Faults{{Path: "client_secret", Message: "missing; give it, or a reference such as env:NAME"}}
	}
	secret, err := d.Reveal("client_secret", c.ClientSecret)
	if err != nil {
		return nil, kind.Faults{{Path: "client_secret", Message: err.Error()}}
	}
	now := d.Now
	if now == nil {
		now = time.Now
	}
	server := &server{id: c.ClientID, secret: secret, auth: c.ClientAuth, client: security.NewClient(c.Timeout.Std())}
	switch {
	case c.TokenURL == "":
		return newIntrospector(c, d, server, now), nil
	case c.IntrospectionURL == "":
		return newTokens(c, d, server, now), nil
	}
	return both{newIntrospector(c, d, server, now), newTokens(c, d, server, now)}, nil
}

// server is the authorization server.
type server struct {
	id, secret, auth string
	client           *http.Client
}

// post sends a form with our own credentials, and reads the answer.
func (s *server) post(ctx context.Context, target string, form url.Values, out any) error {
	if s.auth == authPost {
		form.Set("client_id", s.id)
		form.Set("client_secret", s.secret)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if s.auth == authBasic {
		req.SetBasicAuth(url.QueryEscape(s.id), url.QueryEscape(s.secret)) // RFC 6749, section 2.3.1
	}
	return security.Ask(ctx, s.client, req, out)
}
