// Package oauth2 is the security_oauth2 kind: OAuth 2.0 tokens, of callers and towards those we call.
//
// What callers show is asked about at the authorization server (RFC 7662): only that server knows what a token is worth, so
// where it cannot be asked nobody is let in. Outgoing connections show a token that the definition is given for its own
// credentials (RFC 6749, section 4.4).
package oauth2

import (
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
)

// Config is what a definition holds.
type Config struct {
	security.Base
	ClientID     string      `json:"client_id" kind:"required" doc:"our own ID at the authorization server"`
	ClientSecret kind.Secret `json:"client_secret" doc:"our own secret there"`
	ClientAuth   string      `json:"client_auth" choices:"basic,post" doc:"how we show them: basic, or post for fields of the form"`

	IntrospectionURL string        `json:"introspection_url" doc:"where callers' tokens are asked about; empty: the definition is for outgoing connections alone"`
	Scopes           []string      `json:"scopes" doc:"what callers' tokens must be for, all of them"`
	Issuer           string        `json:"issuer" doc:"the iss that the server must name; empty: any"`
	Audience         []string      `json:"audience" doc:"callers' tokens must be for one of these (aud); empty: any"`
	Cache            kind.Duration `json:"cache" doc:"how long an answer counts for the same token, its own end at most: so long does a token live that was revoked; 0: not at all"`
	NegativeCache    kind.Duration `json:"negative_cache" doc:"how long it counts that a token is worth nothing"`

	TokenURL      string            `json:"token_url" doc:"where tokens for outgoing connections are had; empty: the definition is for channels alone"`
	RequestScopes []string          `json:"request_scopes" doc:"what tokens for outgoing connections are asked for"`
	Parameters    map[string]string `json:"parameters" doc:"further fields of the request for a token, such as audience or resource"`

	Timeout kind.Duration `json:"timeout" doc:"of asking the authorization server"`
}

const name = "security_oauth2"

const (
	authBasic = "basic"
	authPost  = "post"
)

// Kind is the row for the node's table of kinds.
func Kind() security.Kind {
	def := Config{
		Base: security.Base{IsActive: true}, ClientAuth: authBasic, Cache: kind.Seconds(60), NegativeCache: kind.Seconds(5), Timeout: kind.Seconds(5),
	}
	return security.Define(name, "OAuth 2.0: callers' tokens by introspection, those of outgoing connections by client credentials", def, build)
}

// Check finds everything that is wrong with the values.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	if c.ClientID == "" {
		faults.Add("client_id", "missing")
	}
	if c.ClientAuth != authBasic && c.ClientAuth != authPost {
		faults.Add("client_auth", "expected basic or post, not %q", c.ClientAuth)
	}
	if c.IntrospectionURL == "" && c.TokenURL == "" {
		faults.Add("introspection_url", "missing; give it for channels, token_url for outgoing connections, or both")
	}
	for _, one := range []struct{ key, url string }{{"introspection_url", c.IntrospectionURL}, {"token_url", c.TokenURL}} {
		if one.url == "" {
			continue
		}
		if problem := security.CheckURL(one.url); problem != "" {
			faults.Add(one.key, "%s", problem)
		}
	}
	for key, scopes := range map[string][]string{"scopes": c.Scopes, "request_scopes": c.RequestScopes} {
		if slices.ContainsFunc(scopes, func(s string) bool { return s == "" || strings.ContainsAny(s, " \"\\") }) {
			faults.Add(key, "expected a list of scopes, each without spaces, quotes and backslashes")
		}
	}
	for key := range c.Parameters {
		if slices.Contains([]string{"grant_type", "scope", "client_id", "client_secret"}, key) {
			faults.Add("parameters", "%s is set by the definition itself", key)
		}
	}
	if c.Timeout <= 0 {
		faults.Add("timeout", "expected more than 0 seconds")
	}
	return faults
}
