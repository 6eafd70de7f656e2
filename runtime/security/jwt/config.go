// Package jwt is the security_jwt kind: JSON Web Tokens (RFC 7519), of callers and towards those we call.
//
// One algorithm is pinned by the definition: a token that names another one is refused before any key is looked at. Keys are
// a shared secret, a public key, or those that a URL lists (JWKS, RFC 7517). A definition with a user logs in: it then
// gives tokens of its own.
package jwt

import (
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
)

// Config is what a definition holds.
type Config struct {
	security.Base
	Algorithm  string      `json:"algorithm" choices:"HS256,RS256,ES256" doc:"HS256, RS256 or ES256: what tokens are signed by; any other is refused"`
	Secret     kind.Secret `json:"secret" doc:"of HS256: the key that both sides share, 32 bytes or more"`
	PublicKey  string      `json:"public_key" doc:"of RS256 and ES256: the key that tokens are checked by, in PEM, or file:/path of each server"`
	JWKSURL    string      `json:"jwks_url" doc:"of RS256 and ES256: where the keys are listed that tokens are checked by; those of a key are found by its kid"`
	PrivateKey kind.Secret `json:"private_key" doc:"of RS256 and ES256: the key that our own tokens are signed by, in PEM"`
	KeyID      string      `json:"key_id" doc:"the kid of our own tokens; empty: none"`

	Issuer         string        `json:"issuer" doc:"the iss that tokens must have, and our own have; empty: any"`
	Audience       []string      `json:"audience" doc:"tokens must be for one of these (aud), our own are for all of them; empty: any"`
	Subject        string        `json:"subject" doc:"the sub of the tokens that outgoing connections show"`
	RequiredClaims []string      `json:"required_claims" doc:"what tokens must hold beside exp: names of claims, or name=value"`
	UsernameClaim  string        `json:"username_claim" doc:"the claim that says who calls"`
	Leeway         kind.Duration `json:"leeway" doc:"how far the clocks of those who make tokens may be off"`
	Timeout        kind.Duration `json:"timeout" doc:"of asking jwks_url for its keys"`
	Refresh        kind.Duration `json:"refresh" doc:"how long the keys of jwks_url are used before it is asked again"`

	Username  string         `json:"username" doc:"who may log in for a token, by the service parley.security.jwt.log-in; empty: nobody"`
	Password  kind.Secret    `json:"password" doc:"the user's password; the catalog keeps its hash"`
	TTL       kind.Duration  `json:"ttl" doc:"how long our own tokens live"`
	Revocable bool           `json:"revocable" doc:"whether a log-out ends a token before its time, for which each request of a definition with a user asks Redis"`
	Claims    map[string]any `json:"claims" doc:"claims that our own tokens have beside the usual ones"`
}

const name = "security_jwt"

// The algorithms of RFC 7518 that definitions can pin.
const (
	hs256 = "HS256"
	rs256 = "RS256"
	es256 = "ES256"
)

// Kind is the row for the node's table of kinds.
func Kind() security.Kind {
	def := Config{
		Base: security.Base{IsActive: true}, Algorithm: hs256, UsernameClaim: "sub", Leeway: kind.Seconds(10), Timeout: kind.Seconds(5),
		Refresh: kind.Seconds(300), TTL: kind.Seconds(3600), Revocable: true,
	}
	return security.Define(name, "JSON Web Tokens: Bearer tokens of callers, and those that outgoing connections show", def, build)
}

// Hashed says that the password is only ever checked.
func (c Config) Hashed(key string) bool { return key == "password" }

// Check finds everything that is wrong with the values.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	c.checkKeys(&faults)
	for _, claim := range c.RequiredClaims {
		if key, _, _ := strings.Cut(claim, "="); key == "" {
			faults.Add("required_claims", "%q names no claim; expected name or name=value", claim)
		}
	}
	if c.UsernameClaim == "" {
		faults.Add("username_claim", "missing; sub is the usual one")
	}
	if c.TTL <= 0 {
		faults.Add("ttl", "expected more than 0 seconds")
	}
	if c.Timeout <= 0 {
		faults.Add("timeout", "expected more than 0 seconds")
	}
	for key := range c.Claims {
		if slices.Contains([]string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}, key) {
			faults.Add("claims", "%s is set by the definition itself: see issuer, subject, audience and ttl", key)
		}
	}
	if c.Username == "" && c.Password.IsSet() {
		faults.Add("username", "missing; a password alone lets nobody in")
	}
	return faults
}

func (c Config) checkKeys(faults *kind.Faults) {
	switch c.Algorithm {
	case hs256:
		for _, one := range []struct {
			key string
			set bool
		}{{"public_key", c.PublicKey != ""}, {"jwks_url", c.JWKSURL != ""}, {"private_key", c.PrivateKey.IsSet()}} {
			if one.set {
				faults.Add(one.key, "HS256 has no such key; give secret, or make algorithm RS256 or ES256")
			}
		}
	case rs256, es256:
		switch {
		case c.Secret.IsSet():
			faults.Add("secret", "%s has no shared secret; give public_key, jwks_url or private_key", c.Algorithm)
		case c.PublicKey != "" && c.JWKSURL != "":
			faults.Add("jwks_url", "public_key is given too; keep one")
		case c.Username != "" && c.JWKSURL != "":
			faults.Add("jwks_url", "tokens of those who log in are checked by our own key; make a second definition for the others")
		}
	default:
		faults.Add("algorithm", "expected HS256, RS256 or ES256, not %q", c.Algorithm)
	}
	if c.JWKSURL != "" {
		if problem := security.CheckURL(c.JWKSURL); problem != "" {
			faults.Add("jwks_url", "%s", problem)
		}
	}
}
