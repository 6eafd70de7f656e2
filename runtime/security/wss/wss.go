// Package wss is the security_wss kind: WS-Security's UsernameToken (OASIS UsernameToken Profile 1.0) in the header of SOAP
// messages, of callers and towards those we call.
package wss

import (
	"context"
	"crypto/sha1" //nolint:gosec // the profile's digest is SHA-1
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
)

// Config is what a definition holds.
type Config struct {
	security.Base
	Username     string        `json:"username" kind:"required" doc:"name of the user"`
	Password     kind.Secret   `json:"password" doc:"the user's password; the catalog keeps its hash, or its encrypted form for a digest and where outgoing is true"`
	PasswordType string        `json:"password_type" choices:"text,digest" doc:"text: the token holds the password; digest: the token holds a digest of it, a nonce and a time"`
	RejectEmpty  bool          `json:"reject_empty_nonce_creat" doc:"whether a token without a nonce or a time of creation is refused; a digest always is"`
	RejectStale  bool          `json:"reject_stale_tokens" doc:"whether a token older than reject_expiry_limit, or of the future, is refused"`
	ExpiryLimit  kind.Duration `json:"reject_expiry_limit" doc:"age that a token may have"`
	NonceTime    kind.Duration `json:"nonce_freshness_time" doc:"how long the cluster remembers a nonce, which nobody may send again; no less than reject_expiry_limit"`
	Outgoing     bool          `json:"outgoing" doc:"whether outgoing connections log in with it, for which a hash is not enough"`
}

const (
	name   = "security_wss"
	text   = "text"
	digest = "digest"
)

// clockSkew is how far in the future a token may have been made: clocks differ.
const clockSkew = time.Minute

// Kind is the row for the node's table of kinds.
func Kind() security.Kind {
	return security.Define(name, "a user and a password in the header of SOAP messages: WS-Security's UsernameToken", Config{
		Base: security.Base{IsActive: true}, PasswordType: text, RejectStale: true, ExpiryLimit: kind.Seconds(180), NonceTime: kind.Seconds(180),
	}, build)
}

// Hashed says that the secret is only ever checked: a digest needs the password itself.
func (c Config) Hashed(string) bool { return c.PasswordType == text && !c.Outgoing }

// Check finds everything that is wrong with the values.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	if c.Username == "" {
		faults.Add("username", "missing")
	}
	if c.PasswordType != text && c.PasswordType != digest {
		faults.Add("password_type", "expected text or digest, not %q", c.PasswordType)
	}
	if c.ExpiryLimit <= 0 {
		faults.Add("reject_expiry_limit", "it must be more than 0")
	}
	if c.NonceTime <= 0 {
		faults.Add("nonce_freshness_time", "it must be more than 0")
	} else if c.RejectStale && c.NonceTime < c.ExpiryLimit {
		faults.Add("nonce_freshness_time", "it is less than reject_expiry_limit: a token would be good again once its nonce is forgotten")
	}
	return faults
}

type definition struct {
	config    Config
	name      string
	hashed    *security.Hashed // password_type text
	plain     string           // for digests and for Sign; empty where only the hash is kept
	challenge string
	shared    func(ctx context.Context, key string, during time.Duration) (bool, error)
}

func build(c Config, d security.Deps) (security.Definition, error) {
	def := &definition{config: c, name: d.Name, challenge: strings.TrimPrefix(d.Names.Prefix, "/") + "-wss", shared: d.Shared}
	var err error
	if c.PasswordType == text {
		if def.hashed, err = security.NewHashed(d, "password", c.Password); err != nil {
			return nil, err
		}
	}
	if c.Hashed("password") {
		return def, nil
	}
	switch {
	case !c.Password.IsSet():
		return nil, kind.Faults{{Path: "password", Message: "missing; give it, or a reference such as env:NAME"}}
	case c.Password.IsHashed():
		return nil, kind.Faults{{Path: "password", Message: "only its hash is kept; give it again, for a digest or an outgoing connection needs the password itself"}}
	}
	if def.plain, err = d.Reveal("password", c.Password); err != nil {
		return nil, kind.Faults{{Path: "password", Message: err.Error()}}
	}
	return def, nil
}

// Understands says which header of a message the definition reads.
func (d *definition) Understands(namespace, name string) bool {
	return namespace == wsse && name == "Security"
}

// Check looks at the UsernameToken in the Header of the envelope that the request's body is, and at no more of the body
// than that. What it says of a token's age and nonce it says to nobody who does not know the password.
func (d *definition) Check(ctx context.Context, req *service.Request) (*service.Principal, error) {
	t, why := readToken(req.Raw)
	known := subtle.ConstantTimeCompare([]byte(t.username), []byte(d.config.Username)) == 1
	if why != "" || t.kind != d.config.PasswordType {
		return nil, security.Refused(d.challenge)
	}
	right, err := d.matches(ctx, known, t)
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, security.Refused(d.challenge)
	}
	if err := d.isFresh(ctx, t); err != nil {
		return nil, err
	}
	return &service.Principal{Definition: d.name, Kind: name, Name: d.config.Username}, nil
}

func (d *definition) matches(ctx context.Context, known bool, t token) (bool, error) {
	if d.config.PasswordType == text {
		return d.hashed.Matches(ctx, known, t.username, t.password)
	}
	given, err := base64.StdEncoding.DecodeString(t.password)
	want := digestOf(t.nonce, t.created, d.plain)
	return subtle.ConstantTimeCompare(given, want) == 1 && known && err == nil, nil
}

// digestOf is SHA-1 of nonce, time and password, by section 3.1 of the profile.
func digestOf(nonce []byte, created, password string) []byte {
	sum := sha1.New() //nolint:gosec // as the profile has it
	_, _ = sum.Write(nonce)
	_, _ = sum.Write([]byte(created))
	_, _ = sum.Write([]byte(password))
	return sum.Sum(nil)
}

// isFresh refuses tokens that are too old, and those that somebody has used before.
func (d *definition) isFresh(ctx context.Context, t token) error {
	now := time.Now()
	if len(t.nonce) == 0 || t.created == "" {
		if d.config.RejectEmpty || d.config.PasswordType == digest {
			return d.refused("the UsernameToken has no Nonce or no Created")
		}
	}
	keep := d.config.NonceTime.Std()
	if t.created != "" {
		created, err := time.Parse(time.RFC3339Nano, t.created)
		if err != nil {
			if created, err = time.Parse("2006-01-02T15:04:05.999999999", t.created); err != nil { // UTC, by XML Schema's leave
				return d.refused("the UsernameToken's Created is no time such as 2026-11-21T09:30:00Z")
			}
		}
		limit := d.config.ExpiryLimit.Std()
		if d.config.RejectStale {
			switch age := now.Sub(created); {
			case age > limit:
				return d.refused("the UsernameToken is stale: it was made more than " + limit.String() + " ago")
			case age < -clockSkew:
				return d.refused("the UsernameToken was made in the future; compare the clocks")
			}
			keep = max(keep, limit-now.Sub(created)) // until it is stale
		}
	}
	if d.config.RejectStale && !t.expires.IsZero() && now.After(t.expires) {
		return d.refused("the message's Timestamp has expired")
	}
	if len(t.nonce) == 0 {
		return nil
	}
	if d.shared == nil {
		return service.Errorf(service.Internal, "the security definition %q has nobody to remember its nonces", d.name)
	}
	sum := sha256.Sum256(append([]byte(d.name+"\x00"), t.nonce...))
	fresh, err := d.shared(ctx, "wss:"+hex.EncodeToString(sum[:]), keep)
	if err == nil && !fresh {
		err = d.refused("the UsernameToken's Nonce was used before")
	}
	return err
}

func (d *definition) refused(why string) error {
	e := security.Refused(d.challenge)
	e.Message = why
	return e
}

// Sign cannot be: the credentials stand in the body.
func (d *definition) Sign(context.Context, *http.Request, []byte) error {
	return service.Errorf(service.Internal, "the security definition %q puts its credentials into SOAP messages, and this connection sends none", d.name)
}
