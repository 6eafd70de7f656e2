package jwt

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// maxToken is how long a token may be, in bytes.
const maxToken = 16 << 10

// verifier lets those in who show a token.
type verifier struct {
	config   Config
	name     string
	parser   *jwt.Parser
	keys     keySource
	revoked  security.Revocations // nil: no token of this definition can be given up
	realm    string
	required map[string]string // claims that must be there; "" is any value
}

// signer makes tokens.
type signer struct {
	config Config
	name   string
	method jwt.SigningMethod
	key    any
	now    func() time.Time
	shown  shown
}

// both is a definition whose key checks and signs.
type both struct {
	*verifier
	*signer
}

// issuing is a definition that a user logs in to.
type issuing struct {
	both
	password *security.Hashed
}

func build(c Config, d security.Deps) (security.Definition, error) {
	now := d.Now
	if now == nil {
		now = time.Now
	}
	public, private, err := keysOf(c, d, now)
	if err != nil {
		return nil, err
	}
	v := newVerifier(c, d, public, now)
	if private == nil {
		if c.Username != "" {
			return nil, kind.Faults{{Path: "private_key", Message: "missing; those who log in are given tokens that are signed by it"}}
		}
		return v, nil
	}
	s := &signer{config: c, name: d.Name, method: method(c.Algorithm), key: private, now: now}
	switch {
	case public == nil:
		return s, nil
	case c.Username == "":
		return both{v, s}, nil
	}
	password, err := security.NewHashed(d, "password", c.Password)
	if err != nil {
		return nil, err
	}
	if c.Revocable {
		v.revoked = d.Revoked
	}
	return issuing{both{v, s}, password}, nil
}

// keysOf are what tokens are checked by and signed by; nil where there is no such.
func keysOf(c Config, d security.Deps, now func() time.Time) (public keySource, private any, err error) {
	fault := func(key string, err error) error { return kind.Faults{{Path: key, Message: err.Error()}} }
	if c.Algorithm == hs256 {
		if !c.Secret.IsSet() {
			return nil, nil, kind.Faults{{Path: "secret", Message: "missing; give it, or a reference such as env:NAME"}}
		}
		text, err := d.Reveal("secret", c.Secret)
		if err != nil {
			return nil, nil, fault("secret", err)
		}
		key, err := sharedSecret(text)
		if err != nil {
			return nil, nil, fault("secret", err)
		}
		return oneKey{key}, key, nil
	}
	if c.PrivateKey.IsSet() {
		text, err := d.Reveal("private_key", c.PrivateKey)
		if err != nil {
			return nil, nil, fault("private_key", err)
		}
		key, err := privateKey(c.Algorithm, text)
		if err != nil {
			return nil, nil, fault("private_key", err)
		}
		private, public = key, oneKey{key.Public()}
	}
	switch {
	case c.PublicKey != "":
		key, err := publicKey(c.Algorithm, c.PublicKey)
		if err != nil {
			return nil, nil, fault("public_key", err)
		}
		public = oneKey{key}
	case c.JWKSURL != "":
		public = &jwks{
			url: c.JWKSURL, algorithm: c.Algorithm, refresh: c.Refresh.Std(), client: security.NewClient(c.Timeout.Std()),
			log: d.Log.With("definition", d.Name), now: now, asking: make(chan struct{}, 1),
		}
	case private == nil:
		return nil, nil, kind.Faults{{Path: "public_key", Message: "missing; give it, jwks_url or private_key"}}
	}
	return public, private, nil
}

func newVerifier(c Config, d security.Deps, keys keySource, now func() time.Time) *verifier {
	options := []jwt.ParserOption{
		jwt.WithValidMethods([]string{c.Algorithm}), jwt.WithLeeway(c.Leeway.Std()), jwt.WithTimeFunc(now),
		jwt.WithExpirationRequired(), jwt.WithStrictDecoding(), jwt.WithJSONNumber(),
	}
	if c.Issuer != "" {
		options = append(options, jwt.WithIssuer(c.Issuer))
	}
	if len(c.Audience) > 0 {
		options = append(options, jwt.WithAudience(c.Audience...))
	}
	v := &verifier{config: c, name: d.Name, parser: jwt.NewParser(options...), keys: keys, realm: strconv.QuoteToASCII(d.Name), required: map[string]string{}}
	for _, claim := range c.RequiredClaims {
		key, value, _ := strings.Cut(claim, "=")
		v.required[key] = value
	}
	return v
}

// Check looks at the header Authorization.
func (v *verifier) Check(ctx context.Context, req *service.Request) (*service.Principal, error) {
	text, ok := Bearer(req.Header)
	if !ok {
		return nil, security.Refused("Bearer realm=" + v.realm)
	}
	token, err := v.parse(ctx, text)
	if err != nil {
		return nil, err
	}
	claims, _ := token.Claims.(jwt.MapClaims)
	who, _ := claims[v.config.UsernameClaim].(string)
	if who == "" {
		return nil, v.invalid("it does not say who calls")
	}
	if err := v.given(ctx, claims); err != nil {
		return nil, err
	}
	return &service.Principal{Definition: v.name, Kind: name, Name: who, Claims: neutral(text)}, nil
}

// Bearer is the token that a request shows, of which there must be one.
func Bearer(header http.Header) (string, bool) {
	values := header["Authorization"]
	if len(values) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	token = strings.TrimLeft(token, " ")
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

// parse is the token, its signature and its claims checked.
func (v *verifier) parse(ctx context.Context, text string) (*jwt.Token, error) {
	if len(text) > maxToken {
		return nil, v.invalid("it is too long")
	}
	var unknown error
	token, err := v.parser.Parse(text, func(t *jwt.Token) (any, error) {
		if _, ok := t.Header["crit"]; ok { // RFC 7515, section 4.1.11: we understand none of them
			return nil, errNoKey
		}
		kid, _ := t.Header["kid"].(string)
		key, err := v.keys.key(ctx, kid)
		if err != nil && !errors.Is(err, errNoKey) {
			unknown = err
		}
		return key, err
	})
	switch {
	case unknown != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case unknown != nil:
		return nil, &service.Error{
			Code: service.Unavailable, Message: fmt.Sprintf("the security definition %q cannot check tokens now: its keys cannot be had", v.name),
			Fix: "try again", Err: unknown,
		}
	case err != nil:
		return nil, v.invalid(why(err))
	}
	claims, _ := token.Claims.(jwt.MapClaims)
	for key, value := range v.required {
		if have, ok := claims[key]; !ok || value != "" && fmt.Sprint(have) != value {
			return nil, v.invalid("a claim that is required is missing or has another value")
		}
	}
	return token, nil
}

// why says in a few fixed words what is wrong with a token. Of its signature and its content it says nothing.
func why(err error) string {
	for _, one := range []struct {
		is   error
		says string
	}{
		{jwt.ErrTokenExpired, "it has expired"},
		{jwt.ErrTokenNotValidYet, "it does not count yet"},
		{jwt.ErrTokenRequiredClaimMissing, "a claim that is required is missing"},
		{jwt.ErrTokenInvalidAudience, "it is for somebody else"},
		{jwt.ErrTokenInvalidIssuer, "it was made by somebody else"},
		{jwt.ErrTokenMalformed, "it is no token"},
	} {
		if errors.Is(err, one.is) {
			return one.says
		}
	}
	return "its signature does not count here"
}

// invalid refuses a token, after RFC 6750, section 3.1.
func (v *verifier) invalid(why string) *service.Error {
	e := security.Refused("Bearer realm=" + v.realm + `, error="invalid_token", error_description="` + why + `"`)
	e.Err = errors.New("the token was refused: " + why)
	return e
}

// neutral is a token's claims in the neutral form. The token was parsed already.
func neutral(text string) any {
	parts := strings.Split(text, ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil
	}
	claims, err := sio.DecodeJSON(raw)
	if err != nil {
		return nil
	}
	return claims
}

// Scheme describes the credentials for OpenAPI.
func (v *verifier) Scheme() *service.Object {
	return service.ObjectOf("type", "http", "scheme", "bearer", "bearerFormat", "JWT")
}

// claims are those of a token of our own for sub.
func (s *signer) claims(sub string, now, expires time.Time) jwt.MapClaims {
	claims := jwt.MapClaims{"iat": now.Unix(), "exp": expires.Unix(), "jti": service.NewCID()}
	maps.Copy(claims, s.config.Claims)
	if s.config.Issuer != "" {
		claims["iss"] = s.config.Issuer
	}
	if sub != "" {
		claims["sub"] = sub
	}
	switch len(s.config.Audience) {
	case 0:
	case 1:
		claims["aud"] = s.config.Audience[0]
	default:
		claims["aud"] = s.config.Audience
	}
	return claims
}

func (s *signer) sign(claims jwt.MapClaims) (string, error) {
	token := jwt.NewWithClaims(s.method, claims)
	if s.config.KeyID != "" {
		token.Header["kid"] = s.config.KeyID
	}
	text, err := token.SignedString(s.key)
	if err != nil {
		return "", fmt.Errorf("the security definition %q: sign a token: %w", s.name, err)
	}
	return text, nil
}
