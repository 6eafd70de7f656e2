package oauth2_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
)

// Against Glewlwyd of Debian, an authorization server that nobody of ours wrote.
func TestARealAuthorizationServer(t *testing.T) {
	server, err := fixtures.StartGlewlwyd(t.Context(), t.TempDir())
	if errors.Is(err, fixtures.ErrNoGlewlwyd) {
		require.False(t, slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "glewlwyd"), "PARLEY_REQUIRE asks for glewlwyd: %v", err)
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	for _, auth := range []string{"basic", "post"} {
		g := newGround()
		g.clock.at = time.Now()
		config := map[string]any{
			"client_id": fixtures.GlewlwydClient, "client_secret": fixtures.GlewlwydSecret, "client_auth": auth, "introspection_url": server.IntrospectionURL(),
			"token_url": server.TokenURL(), "request_scopes": []string{"read"}, "scopes": []string{"read"},
		}
		if auth == "post" {
			config["introspection_url"] = "" // which this server takes by Basic Auth alone
		}
		d := g.make(t, config)
		token := show(t, d)
		assert.Equal(t, token, show(t, d), "it is used again")
		if auth == "post" {
			continue
		}
		who, err := ask(d, token)
		require.NoError(t, err)
		assert.Equal(t, "parley", who.Name)
		scope, _ := who.Claims.(*service.Object).Get("scope")
		assert.Equal(t, "read", scope)
		other, err := server.Token(t.Context(), "write")
		require.NoError(t, err)
		_, err = ask(d, other)
		assert.Equal(t, service.Denied, service.AsError(err).Code, "not for that")
		assert.Equal(t, []string{`Bearer realm="Partners", error="insufficient_scope", scope="read"`}, service.AsError(err).Header["Www-Authenticate"])
		_, err = ask(d, token+"x")
		assert.Equal(t, service.Unauthenticated, service.AsError(err).Code)

		require.NoError(t, server.Revoke(t.Context(), token))
		_, err = ask(d, token)
		require.NoError(t, err, "what was said counts for its time")
		g.clock.move(60 * time.Second)
		_, err = ask(d, token)
		assert.Equal(t, service.Unauthenticated, service.AsError(err).Code, "revoked")

		require.NoError(t, server.Stop())
		_, err = ask(d, other)
		assert.Equal(t, service.Unavailable, service.AsError(err).Code, "nobody is let in who cannot be asked about")
		require.NoError(t, server.Start(t.Context()))
		_, err = ask(d, other)
		assert.Equal(t, service.Denied, service.AsError(err).Code)

		config["client_secret"] = "c4nary-wrong"
		d = g.make(t, config)
		_, err = ask(d, other)
		assert.Equal(t, service.Unavailable, service.AsError(err).Code)
		assert.ErrorContains(t, service.AsError(err).Err, "/api/oidc/introspect answered 401")
		err = d.(security.Signer).Sign(t.Context(), newRequest(t), nil)
		assert.Equal(t, service.Upstream, service.AsError(err).Code)
		assert.NotContains(t, err.Error()+service.AsError(err).Err.Error(), "c4nary")
	}
}
