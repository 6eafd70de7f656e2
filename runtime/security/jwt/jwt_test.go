package jwt_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	golang "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/password"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/security/jwt"
	"github.com/parley-run/parley/runtime/service"
)

const shared = "a-shared-secret-of-more-than-32-bytes"

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// memory remembers tokens that were given up, or is away.
type memory struct {
	mu   sync.Mutex
	up   map[string]time.Time
	away bool
}

func (m *memory) Revoke(_ context.Context, id string, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return errors.New("away")
	}
	m.up[id] = until
	return nil
}

func (m *memory) IsRevoked(_ context.Context, id string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return false, errors.New("away")
	}
	_, up := m.up[id]
	return up, nil
}

type ground struct {
	clock  *clock
	memory *memory
	logs   *strings.Builder
}

func newGround() *ground {
	return &ground{
		clock: &clock{at: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}, memory: &memory{up: map[string]time.Time{}}, logs: &strings.Builder{},
	}
}

func (g *ground) make(config string) (security.Definition, error) {
	c, err := jwt.Kind().Parse([]byte(config))
	if err != nil {
		return nil, err
	}
	return jwt.Kind().New(c, security.Deps{
		Name: "Tokens", Checks: &password.Checks{}, Revoked: g.memory, Now: g.clock.now, Log: slog.New(slog.NewTextHandler(g.logs, nil)),
		Reveal: func(_ string, s kind.Secret) (string, error) { return s.Form(), nil },
	})
}

func (g *ground) guard(t testing.TB, config any) security.Guard {
	t.Helper()
	raw, err := json.Marshal(config)
	require.NoError(t, err)
	d, err := g.make(string(raw))
	require.NoError(t, err)
	return d.(security.Guard)
}

func (g *ground) claims(more golang.MapClaims) golang.MapClaims {
	c := golang.MapClaims{"sub": "joe", "iss": "bank", "aud": "parley", "exp": g.clock.now().Add(time.Hour).Unix()}
	for key, value := range more {
		if c[key] = value; value == nil {
			delete(c, key)
		}
	}
	return c
}

func signed(t testing.TB, method golang.SigningMethod, key any, claims golang.MapClaims, header ...string) string {
	t.Helper()
	token := golang.NewWithClaims(method, claims)
	for i := 0; i < len(header); i += 2 {
		token.Header[header[i]] = header[i+1]
	}
	text, err := token.SignedString(key)
	require.NoError(t, err)
	return text
}

func ask(guard security.Guard, token string) (*service.Principal, error) {
	req := &service.Request{Header: map[string][]string{}}
	if token != "" {
		req.Header["Authorization"] = []string{"Bearer " + token}
	}
	return guard.Check(context.Background(), req)
}

func pemOf(t testing.TB, key any) string {
	t.Helper()
	if private, ok := key.(crypto.Signer); ok {
		raw, err := x509.MarshalPKCS8PrivateKey(private)
		require.NoError(t, err)
		return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	}
	raw, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: raw}))
}

func keys(t testing.TB) (*rsa.PrivateKey, *ecdsa.PrivateKey) {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return r, e
}

func TestTokensAreChecked(t *testing.T) {
	g := newGround()
	guard := g.guard(t, map[string]any{
		"secret": shared, "issuer": "bank", "audience": []string{"parley", "other"}, "required_claims": []string{"role", "branch=7"},
	})
	more := golang.MapClaims{"role": "clerk", "branch": 7}
	with := func(changes golang.MapClaims) string {
		all := g.claims(more)
		for key, value := range changes {
			if all[key] = value; value == nil {
				delete(all, key)
			}
		}
		return signed(t, golang.SigningMethodHS256, []byte(shared), all)
	}
	now := g.clock.now().Unix()
	for _, row := range []struct{ name, token, why string }{
		{"right", with(nil), ""},
		{"for several", with(golang.MapClaims{"aud": []string{"x", "other"}}), ""},
		{"expired within the leeway", with(golang.MapClaims{"exp": now - 9}), ""},
		{"from our clock's future within the leeway", with(golang.MapClaims{"nbf": now + 9}), ""},
		{"nothing", "", "-"},
		{"no token", "abc", "it is no token"},
		{"expired", with(golang.MapClaims{"exp": now - 11}), "it has expired"},
		{"never expires", with(golang.MapClaims{"exp": nil}), "a claim that is required is missing"},
		{"not yet", with(golang.MapClaims{"nbf": now + 11}), "it does not count yet"},
		{"another issuer", with(golang.MapClaims{"iss": "thief"}), "it was made by somebody else"},
		{"no issuer", with(golang.MapClaims{"iss": nil}), "a claim that is required is missing"},
		{"for another", with(golang.MapClaims{"aud": "elsewhere"}), "it is for somebody else"},
		{"for nobody", with(golang.MapClaims{"aud": nil}), "a claim that is required is missing"},
		{"without a claim", with(golang.MapClaims{"role": nil}), "a claim that is required is missing or has another value"},
		{"another value", with(golang.MapClaims{"branch": 8}), "a claim that is required is missing or has another value"},
		{"nobody's", with(golang.MapClaims{"sub": nil}), "it does not say who calls"},
		{"a number's", with(golang.MapClaims{"sub": 7}), "it does not say who calls"},
		{"another secret", signed(t, golang.SigningMethodHS256, []byte(shared+"x"), g.claims(more)), "its signature does not count here"},
		{"another algorithm", signed(t, golang.SigningMethodHS512, []byte(shared), g.claims(more)), "its signature does not count here"},
		{"unsigned", signed(t, golang.SigningMethodNone, golang.UnsafeAllowNoneSignatureType, g.claims(more)), "its signature does not count here"},
		{"changed", strings.Replace(with(nil), ".", ".e", 1), "it is no token"},
		{"critical", signed(t, golang.SigningMethodHS256, []byte(shared), g.claims(more), "crit", "exp"), "its signature does not count here"},
		{"too long", with(golang.MapClaims{"x": strings.Repeat("x", 17<<10)}), "it is too long"},
	} {
		who, err := ask(guard, row.token)
		if row.why == "" {
			require.NoError(t, err, row.name)
			assert.Equal(t, "joe", who.Name, row.name)
			assert.Equal(t, "Tokens", who.Definition, row.name)
			role, _ := who.Claims.(*service.Object).Get("role")
			assert.Equal(t, "clerk", role, row.name)
			continue
		}
		e := service.AsError(err)
		assert.Equal(t, service.Unauthenticated, e.Code, row.name)
		want := `Bearer realm="Tokens"`
		if row.why != "-" {
			want += `, error="invalid_token", error_description="` + row.why + `"`
		}
		assert.Equal(t, []string{want}, e.Header["Www-Authenticate"], row.name)
	}
}

func TestAPublicKeyIsNoSharedSecret(t *testing.T) {
	g := newGround()
	r, e := keys(t)
	for _, one := range []struct {
		algorithm string
		method    golang.SigningMethod
		key       crypto.Signer
	}{{"RS256", golang.SigningMethodRS256, r}, {"ES256", golang.SigningMethodES256, e}} {
		public := pemOf(t, one.key.Public())
		guard := g.guard(t, map[string]any{"algorithm": one.algorithm, "public_key": public})
		_, err := ask(guard, signed(t, one.method, one.key, g.claims(nil)))
		require.NoError(t, err, one.algorithm)
		for name, token := range map[string]string{
			"signed by the public key's text": signed(t, golang.SigningMethodHS256, []byte(public), g.claims(nil)),
			"unsigned":                        signed(t, golang.SigningMethodNone, golang.UnsafeAllowNoneSignatureType, g.claims(nil)),
			"unsigned, of the algorithm": base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"`+one.algorithm+`"}`)) + "." +
				strings.Split(signed(t, one.method, one.key, g.claims(nil)), ".")[1] + ".",
		} {
			_, err = ask(guard, token)
			require.Error(t, err, name)
			assert.Equal(t, service.Unauthenticated, service.AsError(err).Code, name)
		}
		_, err = g.make(string(must(json.Marshal(map[string]any{"secret": public}))))
		assert.ErrorContains(t, err, "secret: this is a key in PEM, which HS256 does not use")
	}
}

func must(raw []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return raw
}

func TestKeysThatCannotBeUsedAreRefused(t *testing.T) {
	g := newGround()
	r, e := keys(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	for _, row := range []struct {
		name   string
		config map[string]any
		want   string
	}{
		{"nothing", map[string]any{}, "secret: missing"},
		{"too short", map[string]any{"secret": "short"}, "secret: it has 5 bytes, HS256 needs 32 or more; make one with: openssl rand -base64 48"},
		{"no algorithm", map[string]any{"algorithm": "none", "secret": shared}, `algorithm: expected HS256, RS256 or ES256, not "none"`},
		{"a secret of RS256", map[string]any{"algorithm": "RS256", "secret": shared}, "secret: RS256 has no shared secret"},
		{"a public key of HS256", map[string]any{"secret": shared, "public_key": "x"}, "public_key: HS256 has no such key"},
		{"no key of RS256", map[string]any{"algorithm": "RS256"}, "public_key: missing; give it, jwks_url or private_key"},
		{"two sources", map[string]any{"algorithm": "RS256", "public_key": "x", "jwks_url": "http://h/k"}, "jwks_url: public_key is given too; keep one"},
		{"a weak key", map[string]any{"algorithm": "RS256", "public_key": pemOf(t, weak.Public())}, "public_key: the RSA key has 1024 bits, RS256 needs 2048 or more"},
		{"of another algorithm", map[string]any{"algorithm": "RS256", "public_key": pemOf(t, e.Public())}, "public_key: the key is of the curve P-256, RS256 needs an RSA key"},
		{"of another curve", map[string]any{"algorithm": "ES256", "public_key": pemOf(t, curve.Public())}, "public_key: the key is of the curve P-384"},
		{"RSA for ES256", map[string]any{"algorithm": "ES256", "public_key": pemOf(t, r.Public())}, "public_key: the key is of another algorithm, ES256 needs"},
		{"a private one in its place", map[string]any{"algorithm": "RS256", "public_key": pemOf(t, r)}, "public_key: this is a private key, which belongs into private_key"},
		{"no key", map[string]any{"algorithm": "RS256", "public_key": "hello"}, "public_key: expected a public key in PEM"},
		{"a file that is not there", map[string]any{"algorithm": "RS256", "public_key": "file:/nowhere/key.pem"}, "/nowhere/key.pem: no such file"},
		{"a password in the URL", map[string]any{"algorithm": "RS256", "jwks_url": "http://u:p@h/k"}, "jwks_url: it may hold no user name or password"},
		{"a user and no key to sign by", map[string]any{"algorithm": "RS256", "public_key": pemOf(t, r.Public()), "username": "joe", "password": "x"}, "private_key: missing"},
		{"a user and no password", map[string]any{"secret": shared, "username": "joe"}, "password: missing"},
		{"a password and no user", map[string]any{"secret": shared, "password": "x"}, "username: missing"},
		{"a claim of the definition's", map[string]any{"secret": shared, "claims": map[string]any{"exp": 1}}, "claims: exp is set by the definition itself"},
		{"a claim without a name", map[string]any{"secret": shared, "required_claims": []string{"=x"}}, `required_claims: "=x" names no claim`},
		{"no ttl", map[string]any{"secret": shared, "ttl": 0}, "ttl: expected more than 0 seconds"},
	} {
		_, err := g.make(string(must(json.Marshal(row.config))))
		assert.ErrorContains(t, err, row.want, row.name)
	}
}

func TestLogInAndLogOut(t *testing.T) {
	g := newGround()
	d := g.guard(t, map[string]any{"secret": shared, "username": "joe", "password": "pa55", "ttl": 60, "issuer": "parley", "claims": map[string]any{"role": "clerk"}})
	issuer := d.(security.Issuer)
	ctx := context.Background()
	token, err := issuer.LogIn(ctx, "joe", "pa55")
	require.NoError(t, err)
	assert.Equal(t, g.clock.now().Add(time.Minute), token.Expires)
	for _, wrong := range [][2]string{{"joe", "pa56"}, {"jim", "pa55"}, {"", ""}} {
		_, err = issuer.LogIn(ctx, wrong[0], wrong[1])
		assert.Equal(t, service.Unauthenticated, service.AsError(err).Code)
	}
	who, err := ask(d, token.Text)
	require.NoError(t, err)
	assert.Equal(t, "joe", who.Name)
	role, _ := who.Claims.(*service.Object).Get("role")
	assert.Equal(t, "clerk", role)

	other, err := issuer.LogIn(ctx, "joe", "pa55")
	require.NoError(t, err)
	require.NoError(t, issuer.LogOut(ctx, token.Text))
	for _, until := range g.memory.up {
		assert.WithinDuration(t, token.Expires.Add(10*time.Second), until, 0, "as long as the token would count")
	}
	_, err = ask(d, token.Text)
	assert.Contains(t, service.AsError(err).Header["Www-Authenticate"][0], "it was given up")
	assert.Equal(t, service.Unauthenticated, service.AsError(issuer.LogOut(ctx, token.Text)).Code, "once is enough")
	_, err = ask(d, other.Text)
	require.NoError(t, err, "the user's other tokens count")

	g.memory.away = true
	_, err = ask(d, other.Text)
	assert.Equal(t, service.Unavailable, service.AsError(err).Code, "what cannot be known lets nobody in")
	assert.Equal(t, service.Unavailable, service.AsError(issuer.LogOut(ctx, other.Text)).Code)
	g.memory.away = false
	g.clock.move(71 * time.Second)
	_, err = ask(d, other.Text)
	assert.Contains(t, service.AsError(err).Header["Www-Authenticate"][0], "it has expired")

	d = g.guard(t, map[string]any{"secret": shared, "username": "joe", "password": "pa55", "revocable": false})
	g.memory.away = true
	token, err = d.(security.Issuer).LogIn(ctx, "joe", "pa55")
	require.NoError(t, err)
	_, err = ask(d, token.Text)
	require.NoError(t, err, "nobody is asked")
	assert.Equal(t, service.Conflict, service.AsError(d.(security.Issuer).LogOut(ctx, token.Text)).Code)
}

func TestOutgoingRequestsShowAToken(t *testing.T) {
	r, e := keys(t)
	for algorithm, key := range map[string]any{"HS256": shared, "RS256": r, "ES256": e} {
		g := newGround()
		field := map[string]any{"algorithm": algorithm, "key_id": "k1", "issuer": "us", "subject": "parley", "audience": []string{"them"}, "ttl": 100, "claims": map[string]any{"n": 7}}
		if text, ok := key.(string); ok {
			field["secret"] = text
		} else {
			field["private_key"] = pemOf(t, key)
		}
		d := g.guard(t, field)
		show := func() string {
			req := newRequest(t)
			require.NoError(t, d.(security.Signer).Sign(context.Background(), req, nil))
			return strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
		}
		first := show()
		parsed, _, err := golang.NewParser().ParseUnverified(first, golang.MapClaims{})
		require.NoError(t, err)
		assert.Equal(t, "k1", parsed.Header["kid"])
		claims := parsed.Claims.(golang.MapClaims)
		assert.Equal(t, []any{"us", "parley", "them", float64(7), float64(g.clock.now().Unix() + 100)},
			[]any{claims["iss"], claims["sub"], claims["aud"], claims["n"], claims["exp"]})
		who, err := ask(d, first)
		require.NoError(t, err, algorithm)
		assert.Equal(t, "parley", who.Name)
		g.clock.move(79 * time.Second)
		assert.Equal(t, first, show(), "it is used again")
		g.clock.move(time.Second)
		assert.NotEqual(t, first, show(), "until shortly before it ends")
	}
}

func newRequest(t *testing.T) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/", http.NoBody)
	require.NoError(t, err)
	return req
}
