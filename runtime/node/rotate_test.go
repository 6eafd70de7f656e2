package node_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/secret"
)

const sealedOnes = `
security_basic_auth:
  - {name: Out, username: joe, password: c4nary-out, outgoing: true}
security_api_key:
  - {name: Key, key: c4nary-key, outgoing: true}
security_jwt:
  - {name: Tokens, secret: c4nary-secret-of-more-than-32-bytes, username: joe, password: c4nary-pa55}
channel_rest:
  - {name: Basic, service: who, url_path: /basic, security: Out}
  - {name: Key, service: who, url_path: /key, security: Key}
`

// rotated is the output of parley.secrets.rotate.
type rotated struct {
	Key          string
	Revision     int64
	Sealed       int
	Lost, Behind []string
}

type keysSeen struct {
	Keys []struct {
		ID     string
		Seals  bool
		Sealed int
	}
	Lost int
}

func (g *ground) secrets(server string) (out keysSeen) {
	g.t.Helper()
	require.NoError(g.t, g.call(server, "parley.secrets.status", struct{}{}, &out))
	return out
}

func (g *ground) opens(server string) {
	g.t.Helper()
	status, _, body := g.ask(server, "/basic", "Basic", "joe:c4nary-out")
	assert.Equal(g.t, 200, status, body)
	status, _, body = g.ask(server, "/key", "X-Api-Key", "c4nary-key")
	assert.Equal(g.t, 200, status, body)
}

func TestSecretsAreSealedByANewKey(t *testing.T) {
	g := newGround(t)
	stop1 := g.run("server1")
	g.run("server2")
	require.NoError(t, g.deploy("server1", "who.star", whoIs))
	require.NoError(t, g.define(sealedOnes))
	before := g.secrets("server1")
	require.Len(t, before.Keys, 1)
	assert.True(t, before.Keys[0].Seals)
	assert.Equal(t, 3, before.Keys[0].Sealed)

	var wg sync.WaitGroup
	var stop atomic.Bool
	asked := 0
	wg.Go(func() {
		for ; !stop.Load(); asked++ {
			g.opens("server1")
			g.opens("server2")
		}
	})
	var out rotated
	require.NoError(t, g.call("server2", "parley.secrets.rotate", struct{}{}, &out))
	stop.Store(true)
	wg.Wait()
	assert.Positive(t, asked)
	assert.Equal(t, 3, out.Sealed)
	assert.Empty(t, out.Behind)
	assert.Empty(t, out.Lost)
	assert.NotEqual(t, before.Keys[0].ID, out.Key)
	for _, server := range []string{"server1", "server2"} {
		after := g.secrets(server)
		require.Len(t, after.Keys, 2)
		assert.Equal(t, out.Key, after.Keys[0].ID)
		assert.Equal(t, 3, after.Keys[0].Sealed)
		assert.True(t, after.Keys[0].Seals)
		assert.False(t, after.Keys[1].Seals)
		assert.Zero(t, after.Keys[1].Sealed)
		g.opens(server)
	}
	var now rotated
	require.NoError(t, g.call("server1", "parley.secrets.rotate", struct{}{}, &now))
	assert.NotEqual(t, out.Key, now.Key, "and once more, by another")
	require.NoError(t, g.define(sealedOnes))
	assert.Equal(t, 3, g.secrets("server1").Keys[0].Sealed, "what is imported is sealed by it")
	stop1()
	g.run("server1")
	g.opens("server1")
	assert.NotContains(t, g.logs.String(), "c4nary")
}

// A rotation that is cut off anywhere leaves a catalog that every server reads, and the next one goes on with it.
func TestARotationThatIsCutOff(t *testing.T) {
	g := newGround(t)
	stop1, stop2 := g.run("server1"), g.run("server2")
	require.NoError(t, g.deploy("server1", "who.star", whoIs))
	require.NoError(t, g.define(sealedOnes))
	old := g.secrets("server1").Keys[0].ID

	ring, err := secret.AddKey(g.folder.SecretsFile()) // that far, and killed
	require.NoError(t, err)
	added := ring.IDs()[0]
	stop1()
	stop1 = g.run("server1")
	g.opens("server1")
	require.NoError(t, g.define("security_api_key:\n  - {name: Key, key: c4nary-key, outgoing: true}\n  - {name: More, key: c4nary-more, outgoing: true}\n"))
	seen := g.secrets("server1")
	assert.Equal(t, 4, seen.Keys[1].Sealed, "a key that not all servers are known to have seals nothing")
	assert.Equal(t, old, seen.Keys[1].ID)
	var out rotated
	require.NoError(t, g.call("server1", "parley.secrets.rotate", struct{}{}, &out))
	assert.Equal(t, added, out.Key, "the key that is there already")
	assert.Equal(t, 4, out.Sealed)
	g.opens("server2")

	// A server of another machine has not got the new key yet.
	other := t.TempDir() + "/keys"
	raw, err := os.ReadFile(g.folder.SecretsFile())
	require.NoError(t, err)
	stop2()
	t.Setenv("PARLEY_SECRETS_KEY", string(raw))
	stop2 = g.run("server2")
	require.NoError(t, os.Unsetenv("PARLEY_SECRETS_KEY"))
	err = g.call("server1", "parley.secrets.rotate", struct{}{}, &out)
	assert.ErrorContains(t, err, "nothing was sealed anew: not every server has the new key")
	assert.ErrorContains(t, err, "server2: quarantined: secrets_key")
	assert.ErrorContains(t, err, "and rotate again: the same key is used then")
	seen = g.secrets("server1")
	require.Len(t, seen.Keys, 3)
	assert.Equal(t, []int{0, 4, 0}, []int{seen.Keys[0].Sealed, seen.Keys[1].Sealed, seen.Keys[2].Sealed})
	g.opens("server1")
	g.opens("server2")
	var info struct{ Quarantined []string }
	require.NoError(t, g.call("server2", "parley.server.info", struct{}{}, &info))
	assert.Empty(t, info.Quarantined, "nothing is left of it")
	err = g.call("server2", "parley.secrets.rotate", struct{}{}, &out)
	assert.ErrorContains(t, err, "the keys are in PARLEY_SECRETS_KEY, which a server cannot change")

	raw, err = os.ReadFile(g.folder.SecretsFile()) // it is copied there
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(other, raw, 0o600))
	stop2()
	t.Setenv("PARLEY_SECRETS_KEY", string(raw))
	stop2 = g.run("server2")
	require.NoError(t, os.Unsetenv("PARLEY_SECRETS_KEY"))
	require.NoError(t, g.call("server1", "parley.secrets.rotate", struct{}{}, &out))
	assert.Equal(t, seen.Keys[0].ID, out.Key)
	assert.Equal(t, 4, out.Sealed)
	assert.Empty(t, out.Behind)
	g.opens("server2")
	stop1()
	stop2()
	assert.FileExists(t, filepath.Join(g.folder.Dir, "secrets.key"))
}

func TestSecretsOfAVaultAreRenewed(t *testing.T) {
	g := newGround(t)
	var mu sync.Mutex
	password, down := "c4nary-one", false
	vault := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case down:
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.Header.Get("X-Vault-Token") != "c4nary-token":
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/v1/secret/data/partners":
			_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"data": map[string]any{"joe": password}}})
		case r.URL.Path == "/v1/auth/token/lookup-self":
			_, _ = w.Write([]byte(`{"data": {"ttl": 0}}`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(vault.Close)
	change := func(now string, away bool) {
		mu.Lock()
		defer mu.Unlock()
		password, down = now, away
	}
	g.folder.Cluster.Vault.Address, g.folder.Cluster.Vault.Token, g.folder.Cluster.Vault.Keep = vault.URL, "c4nary-token", 1
	stop := g.run("server1")
	require.NoError(t, g.deploy("server1", "who.star", whoIs))
	require.NoError(t, g.define(`
security_basic_auth:
  - {name: Partners, username: joe, password: "vault:secret/partners#joe"}
channel_rest:
  - {name: Basic, service: who, url_path: /basic, security: Partners}
`))
	status := func(password string) int {
		status, _, _ := g.ask("server1", "/basic", "Basic", "joe:"+password)
		return status
	}
	assert.Equal(t, 200, status("c4nary-one"))
	change("c4nary-two", false)
	require.Eventually(t, func() bool { return status("c4nary-two") == 200 }, time.Minute, 50*time.Millisecond, "a secret that was changed")
	assert.Equal(t, 401, status("c4nary-one"))
	change("c4nary-two", true)
	require.Eventually(t, func() bool { return len(g.lines("the vault cannot be asked")) > 0 }, time.Minute, 50*time.Millisecond)
	assert.Equal(t, 200, status("c4nary-two"), "while the vault is away")
	assert.ErrorContains(t, g.define("security_api_key:\n  - {name: Key, key: 'vault:secret/key#x'}\n"), "the vault cannot be asked for secret/")

	stop() // and a server starts without it: what needs it does not serve, and does when it is back
	g.run("server1")
	assert.Equal(t, 404, status("c4nary-two"))
	change("c4nary-three", false)
	require.Eventually(t, func() bool { return status("c4nary-three") == 200 }, time.Minute, 50*time.Millisecond)
	assert.ErrorContains(t, g.define("security_api_key:\n  - {name: Key, key: 'vault:secret/key#x'}\n"), "the vault has nothing at secret/key")
	assert.NotContains(t, g.logs.String(), "c4nary")
}
