package node_test

import (
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
)

// A server's secrets are in a real vault, which it reaches by AppRole: what changes there is in force here, and what the vault does
// not give touches nothing else.
func TestServersReadSecretsOfOpenBao(t *testing.T) {
	vault, err := fixtures.StartOpenBao(t.Context(), t.TempDir(), true)
	if errors.Is(err, fixtures.ErrNoOpenBao) {
		require.False(t, slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "openbao"), "PARLEY_REQUIRE asks for openbao: %v", err)
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, vault.Close()) })
	type object = map[string]any
	do := func(method, path string, in any) object {
		var out struct{ Data object }
		require.NoError(t, vault.Call(t.Context(), "", method, path, in, &out))
		return out.Data
	}
	put := func(path string, data object) { do(http.MethodPost, "team/kv/data/"+path, object{"data": data}) }
	do(http.MethodPost, "sys/mounts/team/kv", object{"type": "kv", "options": object{"version": "2"}})
	do(http.MethodPut, "sys/policies/acl/parley", object{"policy": `path "team/kv/data/ours/*" { capabilities = ["read"] }`})
	do(http.MethodPost, "sys/auth/approle", object{"type": "approle"})
	do(http.MethodPost, "auth/approle/role/parley", object{"token_policies": []string{"parley"}, "token_ttl": "4s", "token_max_ttl": "8s"})
	put("ours/partners", object{"joe": "c4nary-one"})
	put("ours/late", object{"x": "c4nary-late"})

	g := newGround(t)
	c := &g.folder.Cluster.Vault
	c.Address, c.CA, c.Keep = vault.Address(), vault.CA(), 1
	c.RoleID, _ = do(http.MethodGet, "auth/approle/role/parley/role-id", nil)["role_id"].(string)
	c.SecretID, _ = do(http.MethodPost, "auth/approle/role/parley/secret-id", object{})["secret_id"].(string)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "who.star", whoIs))
	require.NoError(t, g.define(`
security_basic_auth:
  - {name: Partners, username: joe, password: "vault:team/kv/ours/partners#joe"}
channel_rest:
  - {name: Basic, service: who, url_path: /basic, security: Partners}
`))
	status := func(password string) int {
		status, _, _ := g.ask("server1", "/basic", "Basic", "joe:"+password)
		return status
	}
	assert.Equal(t, 200, status("c4nary-one"))
	assert.ErrorContains(t, g.define("security_api_key:\n  - {name: Key, key: 'vault:team/kv/theirs#x'}\n"), "the vault does not let this server read team/kv/theirs: no policy of its token allows it")
	assert.ErrorContains(t, g.define("security_api_key:\n  - {name: Key, key: 'vault:team/kv/ours/nothing#x'}\n"), "the vault has nothing at team/kv/ours/nothing")
	require.NoError(t, g.define("security_api_key:\n  - {name: Key, key: 'vault:team/kv/ours/late#x'}\n"))

	// Longer than a token lives, however often it is renewed.
	for begun, n := time.Now(), 1; time.Since(begun) < 10*time.Second; n++ {
		next := "c4nary-" + strings.Repeat("x", n)
		put("ours/partners", object{"joe": next})
		require.Eventually(t, func() bool { return status(next) == 200 }, time.Minute, 50*time.Millisecond, "a secret that was rotated")
		if n > 1 {
			assert.Equal(t, 401, status(next[:len(next)-1]))
		}
	}
	put("ours/partners", object{"joe": "c4nary-two"})
	require.Eventually(t, func() bool { return status("c4nary-two") == 200 }, time.Minute, 50*time.Millisecond)

	require.NoError(t, vault.Seal(t.Context()))
	require.Eventually(t, func() bool {
		err := g.define("security_api_key:\n  - {name: Other, key: 'vault:team/kv/ours/other#x'}\n")
		return err != nil && strings.Contains(err.Error(), "it is sealed")
	}, time.Minute, 50*time.Millisecond)
	assert.Equal(t, 200, status("c4nary-two"), "while the vault is sealed")
	require.NoError(t, vault.Unseal(t.Context()))
	require.Eventually(t, func() bool {
		return vault.Call(t.Context(), "", http.MethodGet, "team/kv/data/ours/late", nil, nil) == nil
	}, time.Minute, 50*time.Millisecond)
	put("ours/partners", object{"joe": "c4nary-three"})
	require.Eventually(t, func() bool { return status("c4nary-three") == 200 }, time.Minute, 50*time.Millisecond)
	assert.NotContains(t, g.logs.String(), "c4nary")
}
