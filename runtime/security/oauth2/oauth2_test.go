package oauth2_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/security/oauth2"
	"github.com/parley-run/parley/runtime/service"
)

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

type ground struct{ clock *clock }

func newGround() *ground {
	return &ground{&clock{at: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}}
}

func (g *ground) try(config map[string]any) (security.Definition, error) {
	raw, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	c, err := oauth2.Kind().Parse(raw)
	if err != nil {
		return nil, err
	}
	return oauth2.Kind().New(c, security.Deps{
		Name: "Partners", Now: g.clock.now, Log: slog.New(slog.DiscardHandler),
		Reveal: func(_ string, s kind.Secret) (string, error) { return s.Form(), nil },
	})
}

func (g *ground) make(t *testing.T, config map[string]any) security.Definition {
	t.Helper()
	d, err := g.try(config)
	require.NoError(t, err)
	return d
}

func ask(d security.Definition, token string) (*service.Principal, error) {
	return d.(security.Guard).Check(context.Background(), &service.Request{Header: map[string][]string{"Authorization": {"Bearer " + token}}})
}

func newRequest(t *testing.T) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/", http.NoBody)
	require.NoError(t, err)
	return req
}

func show(t *testing.T, d security.Definition) string {
	t.Helper()
	req := newRequest(t)
	require.NoError(t, d.(security.Signer).Sign(t.Context(), req, nil))
	return strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
}

// authority is an authorization server that does what a test says, for what a real one does not do on demand.
type authority struct {
	*httptest.Server
	asked  atomic.Int64
	answer atomic.Pointer[http.HandlerFunc]
}

func newAuthority(t *testing.T, answer http.HandlerFunc) *authority {
	t.Helper()
	a := &authority{}
	a.answer.Store(&answer)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.asked.Add(1)
		_ = r.ParseForm()
		(*a.answer.Load())(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func saying(format string, args ...any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, format, args...) }
}

func (a *authority) says(answer http.HandlerFunc) { a.answer.Store(&answer) }

func TestAnswersCountForTheirTime(t *testing.T) {
	g := newGround()
	exp := g.clock.now().Add(90 * time.Second).Unix()
	a := newAuthority(t, saying(`{"active": true, "username": "joe", "sub": "1", "scope": "read write", "exp": %d, "aud": ["x", "us"], "iss": "they"}`, exp))
	d := g.make(t, map[string]any{
		"client_id": "me", "client_secret": "c4nary", "introspection_url": a.URL, "scopes": []string{"write"}, "audience": []string{"us"}, "issuer": "they",
	})
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			who, err := ask(d, "token")
			if assert.NoError(t, err) {
				assert.Equal(t, "joe", who.Name)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, a.asked.Load(), "one question for all")
	g.clock.move(61 * time.Second)
	_, err := ask(d, "token")
	require.NoError(t, err)
	assert.EqualValues(t, 2, a.asked.Load())
	g.clock.move(29 * time.Second)
	_, err = ask(d, "token")
	assert.Equal(t, service.Unauthenticated, service.AsError(err).Code, "its end ends the cache")
	assert.EqualValues(t, 3, a.asked.Load())
	for range 10 {
		_, err = ask(d, "token")
		assert.Error(t, err)
	}
	assert.EqualValues(t, 3, a.asked.Load(), "what is worth nothing counts too")
	g.clock.move(5 * time.Second)
	_, _ = ask(d, "token")
	assert.EqualValues(t, 4, a.asked.Load())
}

func TestWhatTheServerSaysIsChecked(t *testing.T) {
	g := newGround()
	now := g.clock.now().Unix()
	for _, row := range []struct {
		name, answer string
		code         service.Code
	}{
		{"inactive", `{"active": false}`, service.Unauthenticated},
		{"nothing", `{}`, service.Unauthenticated},
		{"expired", fmt.Sprintf(`{"active": true, "iss": "they", "aud": "us", "exp": %d}`, now), service.Unauthenticated},
		{"not yet", fmt.Sprintf(`{"active": true, "iss": "they", "aud": "us", "nbf": %d}`, now+1), service.Unauthenticated},
		{"of another", `{"active": true, "iss": "thief", "aud": "us"}`, service.Unauthenticated},
		{"for another", `{"active": true, "iss": "they", "aud": "them"}`, service.Unauthenticated},
		{"for no scope", `{"active": true, "iss": "they", "aud": "us"}`, service.Denied},
		{"for a longer scope", `{"active": true, "iss": "they", "aud": "us", "scope": "reader"}`, service.Denied},
		{"text for active", `{"active": "true"}`, service.Unavailable},
		{"no JSON", `<html>c4nary</html>`, service.Unavailable},
		{"empty", ``, service.Unavailable},
		{"endless", `{"active": true, "x": "` + strings.Repeat("x", 2<<20) + `"}`, service.Unavailable},
	} {
		a := newAuthority(t, saying("%s", row.answer))
		d := g.make(t, map[string]any{
			"client_id": "me", "client_secret": "c4nary", "introspection_url": a.URL, "scopes": []string{"read"}, "audience": []string{"us"}, "issuer": "they",
		})
		_, err := ask(d, "c4nary-token")
		e := service.AsError(err)
		assert.Equal(t, row.code, e.Code, row.name)
		assert.NotContains(t, fmt.Sprint(e.Error(), e.Err), "c4nary", row.name)
	}
}

func TestAServerThatCannotBeAskedLetsNobodyIn(t *testing.T) {
	slow := newAuthority(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	failing := newAuthority(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	moved := newAuthority(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	for name, url := range map[string]string{"slow": slow.URL, "failing": failing.URL, "moved": moved.URL, "down": "http://127.0.0.1:1/"} {
		g := newGround()
		d := g.make(t, map[string]any{"client_id": "me", "client_secret": "c4nary", "introspection_url": url, "timeout": "50ms"})
		_, err := ask(d, "token")
		assert.Equal(t, service.Unavailable, service.AsError(err).Code, name)
		assert.Contains(t, err.Error(), `the security definition "Partners" cannot check tokens now`, name)
	}
}

func TestTokensAreUsedUntilShortlyBeforeTheirEnd(t *testing.T) {
	g := newGround()
	made := 0
	a := newAuthority(t, func(w http.ResponseWriter, r *http.Request) {
		made++
		id, secret, _ := r.BasicAuth()
		assert.Equal(t, []string{"me", "c4nary%3A+1", "client_credentials", "a b", "api"},
			[]string{id, secret, r.Form.Get("grant_type"), r.Form.Get("scope"), r.Form.Get("audience")})
		_, _ = fmt.Fprintf(w, `{"access_token": "t%d", "token_type": "bearer", "expires_in": 100}`, made)
	})
	d := g.make(t, map[string]any{
		"client_id": "me", "client_secret": "c4nary: 1", "token_url": a.URL, "request_scopes": []string{"a", "b"}, "parameters": map[string]string{"audience": "api"},
	})
	_, isGuard := d.(security.Guard)
	assert.False(t, isGuard)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { assert.Equal(t, "t1", show(t, d)) })
	}
	wg.Wait()
	g.clock.move(79 * time.Second)
	assert.Equal(t, "t1", show(t, d))
	g.clock.move(time.Second)
	assert.Equal(t, "t2", show(t, d))

	a.says(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error": "invalid_scope", "error_description": "c4nary"}`))
	})
	g.clock.move(81 * time.Second)
	assert.Equal(t, "t2", show(t, d), "while no other can be had and it still counts")
	g.clock.move(20 * time.Second)
	for range 5 {
		err := d.(security.Signer).Sign(t.Context(), newRequest(t), nil)
		e := service.AsError(err)
		assert.Equal(t, service.Upstream, e.Code)
		assert.EqualError(t, e.Err, a.URL+" answered 400, invalid_scope")
	}
	assert.EqualValues(t, 4, a.asked.Load(), "who comes within a second is told the same")
	a.says(saying(`{"access_token": "t9", "token_type": "mac"}`))
	g.clock.move(time.Second)
	assert.ErrorContains(t, service.AsError(d.(security.Signer).Sign(t.Context(), newRequest(t), nil)).Err, "is no token of the type Bearer")
	a.says(saying(`{"access_token": "t3", "token_type": "Bearer"}`))
	g.clock.move(time.Second)
	assert.Equal(t, "t3", show(t, d))
}

func TestATokenThatARemoteRefusesIsGivenUp(t *testing.T) {
	g := newGround()
	made := 0
	a := newAuthority(t, func(w http.ResponseWriter, _ *http.Request) {
		made++
		_, _ = fmt.Fprintf(w, `{"access_token": "t%d", "token_type": "Bearer", "expires_in": 3600}`, made)
	})
	d := g.make(t, map[string]any{"client_id": "me", "client_secret": "c4nary", "token_url": a.URL})
	renew := func(token string) bool {
		req := newRequest(t)
		req.Header.Set("Authorization", "Bearer "+token)
		return d.(interface{ Renew(*http.Request) bool }).Renew(req)
	}
	assert.Equal(t, "t1", show(t, d))
	assert.True(t, renew("t1"))
	assert.Equal(t, "t2", show(t, d))
	assert.True(t, renew("t1"), "a request that was under way with the old one")
	assert.Equal(t, "t2", show(t, d))
	assert.False(t, renew("t2"), "tokens are refused for another reason")
	assert.Equal(t, "t2", show(t, d))
	g.clock.move(time.Second)
	assert.True(t, renew("t2"))
	assert.Equal(t, "t3", show(t, d))
}

func TestDefinitionsThatCannotBeUsedAreRefused(t *testing.T) {
	g := newGround()
	for _, row := range []struct {
		name   string
		config map[string]any
		want   string
	}{
		{"no client", map[string]any{"token_url": "http://h/"}, "client_id: missing"},
		{"no secret", map[string]any{"client_id": "me", "token_url": "http://h/"}, "client_secret: missing"},
		{"no URL", map[string]any{"client_id": "me", "client_secret": "x"}, "introspection_url: missing; give it for channels, token_url for outgoing connections, or both"},
		{"no URL at all", map[string]any{"client_id": "me", "client_secret": "x", "token_url": "h"}, "token_url: expected http://host:port/path"},
		{"another way", map[string]any{"client_id": "me", "client_secret": "x", "token_url": "http://h/", "client_auth": "jwt"}, `client_auth: expected basic or post, not "jwt"`},
		{"a scope with spaces", map[string]any{"client_id": "me", "client_secret": "x", "token_url": "http://h/", "scopes": []string{"a b"}}, "scopes: expected a list of scopes"},
		{"a field of ours", map[string]any{"client_id": "me", "client_secret": "x", "token_url": "http://h/", "parameters": map[string]string{"scope": "x"}}, "parameters: scope is set by the definition itself"},
		{"no time", map[string]any{"client_id": "me", "client_secret": "x", "token_url": "http://h/", "timeout": 0}, "timeout: expected more than 0 seconds"},
	} {
		_, err := g.try(row.config)
		assert.ErrorContains(t, err, row.want, row.name)
	}
}
