package node_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
)

// A service calls another cluster's channel, here its own, with a token of a real authorization server, and a token that
// is revoked meanwhile costs no call.
func TestServicesCallWithTokensOfAnAuthorizationServer(t *testing.T) {
	server, err := fixtures.StartGlewlwyd(t.Context(), t.TempDir())
	if errors.Is(err, fixtures.ErrNoGlewlwyd) {
		require.False(t, slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "glewlwyd"), "PARLEY_REQUIRE asks for glewlwyd: %v", err)
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "who.star", whoIs, "calls.star", `
def handle(self):
    reply = self.out.rest.get("Partner").conn.post(self.cid, {"a": 1})
    self.response.payload = {"status": reply.status_code, "data": reply.data}
`))
	require.NoError(t, g.define(fmt.Sprintf(`
security_oauth2:
  - {name: Partners, client_id: %[1]s, client_secret: %[2]s, introspection_url: '%[3]s', cache: 0, scopes: [read], token_url: '%[4]s', request_scopes: [read, write]}
channel_rest:
  - {name: Who, service: who, url_path: /who, security: Partners}
  - {name: Calls, service: calls, url_path: /calls}
outgoing_rest:
  - {name: Partner, host: '%[5]s', url_path: /who, security: Partners}
`, fixtures.GlewlwydClient, fixtures.GlewlwydSecret, server.IntrospectionURL(), server.TokenURL(), g.url("server1"))))
	called := func() string {
		status, _, body := g.ask("server1", "/calls")
		return fmt.Sprint(status, " ", body)
	}
	assert.Equal(t, `200 {"status":200,"data":{"hello":"world"}}`, called())
	status, _, _ := g.ask("server1", "/who")
	assert.Equal(t, 401, status)
	token, err := server.Token(t.Context(), "write")
	require.NoError(t, err)
	status, header, _ := g.ask("server1", "/who", "Authorization", "Bearer "+token)
	assert.Equal(t, 403, status)
	assert.Contains(t, header.Get("WWW-Authenticate"), `error="insufficient_scope", scope="read"`)

	_, _, document := g.request(http.MethodGet, g.url("server1")+"/parley/openapi.json", "")
	assert.Contains(t, document, `"clientCredentials":{"tokenUrl":"`+server.TokenURL())

	require.NoError(t, server.RevokeAll(t.Context()))
	assert.Equal(t, `200 {"status":200,"data":{"hello":"world"}}`, called(), "another token is shown")
	require.NoError(t, server.Stop())
	assert.Equal(t, `200 {"status":503,`, called()[:18], "nobody can be asked about")
	status, _, body := g.ask("server1", "/who", "Authorization", "Bearer "+token)
	assert.Equal(t, 503, status, body)
	require.NoError(t, server.Start(t.Context()))
	assert.Equal(t, `200 {"status":200,"data":{"hello":"world"}}`, called())
	assert.NotContains(t, g.logs.String(), token)
	assert.NotContains(t, g.logs.String(), fixtures.GlewlwydSecret)
}
