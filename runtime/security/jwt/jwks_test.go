package jwt_test

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	golang "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
)

// listing is a server of keys.
type listing struct {
	*httptest.Server
	asked atomic.Int64
	down  atomic.Bool
	mu    sync.Mutex
	keys  []map[string]any
}

func newListing(t *testing.T) *listing {
	t.Helper()
	l := &listing{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		l.asked.Add(1)
		if l.down.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": l.keys})
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listing) list(keys ...map[string]any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys = keys
}

func rsaKey(kid string, k *rsa.PrivateKey) map[string]any {
	enc := base64.RawURLEncoding
	return map[string]any{
		"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": enc.EncodeToString(k.N.Bytes()), "e": enc.EncodeToString(big.NewInt(int64(k.E)).Bytes()),
	}
}

func ecKey(t *testing.T, kid string, k *ecdsa.PrivateKey) map[string]any {
	t.Helper()
	raw, err := k.PublicKey.Bytes()
	require.NoError(t, err)
	enc := base64.RawURLEncoding
	return map[string]any{"kty": "EC", "crv": "P-256", "kid": kid, "x": enc.EncodeToString(raw[1:33]), "y": enc.EncodeToString(raw[33:])}
}

func TestKeysOfAURL(t *testing.T) {
	g := newGround()
	r, e := keys(t)
	newer, _ := keys(t)
	l := newListing(t)
	l.list(rsaKey("a", r), ecKey(t, "e", e), map[string]any{"kty": "oct", "kid": "o", "k": "c2VjcmV0"})
	guard := g.guard(t, map[string]any{"algorithm": "RS256", "jwks_url": l.URL, "refresh": 300})
	of := func(kid string, key *rsa.PrivateKey) string {
		return signed(t, golang.SigningMethodRS256, key, g.claims(golang.MapClaims{"exp": g.clock.now().Add(time.Hour).Unix()}), "kid", kid)
	}
	code := func(token string) service.Code {
		_, err := ask(guard, token)
		if err == nil {
			return -1
		}
		return service.AsError(err).Code
	}
	assert.EqualValues(t, 0, l.asked.Load(), "nobody is asked before a token comes")
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { assert.EqualValues(t, -1, code(of("a", r))) })
	}
	wg.Wait()
	assert.EqualValues(t, 1, l.asked.Load(), "one asks for all")
	assert.EqualValues(t, -1, code(signed(t, golang.SigningMethodRS256, r, g.claims(nil))), "no kid, and one key of that algorithm")
	assert.Equal(t, service.Unauthenticated, code(signed(t, golang.SigningMethodES256, e, g.claims(nil), "kid", "e")), "a key of another algorithm")

	l.list(rsaKey("a", r), rsaKey("b", newer))
	for range 20 {
		assert.Equal(t, service.Unauthenticated, code(of("b", newer)))
	}
	assert.EqualValues(t, 1, l.asked.Load(), "kids that nobody knows do not make it ask more often")
	g.clock.move(5 * time.Second)
	assert.EqualValues(t, -1, code(of("b", newer)), "a new key")
	assert.Equal(t, service.Unauthenticated, code(of("b", r)), "its kid, signed by another")
	assert.EqualValues(t, 2, l.asked.Load())

	l.down.Store(true)
	g.clock.move(time.Hour)
	for range 5 {
		assert.EqualValues(t, -1, code(of("a", r)), "while the URL is down, old keys are used")
	}
	assert.EqualValues(t, 3, l.asked.Load())
	assert.Equal(t, service.Unavailable, code(of("c", r)), "whether that is a key cannot be known")
	l.down.Store(false)
	l.list(rsaKey("b", newer))
	g.clock.move(5 * time.Second)
	assert.Equal(t, service.Unauthenticated, code(of("a", r)), "a key that was withdrawn")
	assert.EqualValues(t, -1, code(of("b", newer)))
	assert.Contains(t, g.logs.String(), "the keys of tokens are had again")
}

func TestKeysThatWereNeverHad(t *testing.T) {
	r, _ := keys(t)
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(slow.Close)
	wrong := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`<html>`)) }))
	t.Cleanup(wrong.Close)
	moved := httptest.NewServer(http.RedirectHandler("http://localhost/", http.StatusFound))
	t.Cleanup(moved.Close)
	none := newListing(t)
	for name, url := range map[string]string{"nobody": "http://127.0.0.1:1/keys", "slow": slow.URL, "no JSON": wrong.URL, "moved": moved.URL, "none": none.URL} {
		g := newGround()
		guard := g.guard(t, map[string]any{"algorithm": "RS256", "jwks_url": url, "timeout": "50ms"})
		_, err := ask(guard, signed(t, golang.SigningMethodRS256, r, g.claims(nil)))
		e := service.AsError(err)
		assert.Equal(t, service.Unavailable, e.Code, name)
		assert.Contains(t, e.Message, `the security definition "Tokens" cannot check tokens now`, name)
		assert.Error(t, e.Err, name)
	}
}

func FuzzTokens(f *testing.F) {
	g := newGround()
	c, err := g.make(`{"secret": "` + shared + `"}`)
	require.NoError(f, err)
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("eyJhbGciOiJIUzI1NiJ9.e30.AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		_, err := ask(c.(security.Guard), token)
		require.Error(t, err)
		if code := service.AsError(err).Code; code != service.Unauthenticated {
			t.Fatal(code)
		}
	})
}
