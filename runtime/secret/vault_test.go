package secret_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/secret"
)

// fakeVault speaks as much of the HTTP API of HashiCorp Vault 1.x as a reader of KV version 2 uses: paths, status codes and
// bodies are those of its documentation.
type fakeVault struct {
	*httptest.Server
	mu      sync.Mutex
	data    map[string]map[string]any // by path of the API
	tokens  map[string]bool
	made    int
	asked   map[string]int
	down    bool
	denied  string // a path of the API that no policy lets anybody read
	mounts  map[string]any
	renewed int
}

func newFakeVault(t *testing.T) *fakeVault {
	t.Helper()
	f := &fakeVault{data: map[string]map[string]any{}, tokens: map[string]bool{"root": true}, asked: map[string]int{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[r.URL.Path]++
	answer := func(status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	if f.down {
		answer(http.StatusServiceUnavailable, map[string]any{"errors": []string{"Vault is sealed"}})
		return
	}
	if r.URL.Path == "/v1/auth/approle/login" {
		var in struct {
			RoleID   string `json:"role_id"`
			SecretID string `json:"secret_id"`
		}
		raw, _ := io.ReadAll(r.Body)
		if json.Unmarshal(raw, &in) != nil || in.RoleID != "role" || in.SecretID != "c4nary-id" {
			answer(http.StatusBadRequest, map[string]any{"errors": []string{"invalid role or secret ID"}})
			return
		}
		f.made++
		token := fmt.Sprint("made", f.made)
		f.tokens[token] = true
		answer(http.StatusOK, map[string]any{"auth": map[string]any{"client_token": token, "lease_duration": 600, "renewable": true}})
		return
	}
	if !f.tokens[r.Header.Get("X-Vault-Token")] {
		answer(http.StatusForbidden, map[string]any{"errors": []string{"permission denied"}})
		return
	}
	switch r.URL.Path {
	case "/v1/auth/token/lookup-self":
		answer(http.StatusOK, map[string]any{"data": map[string]any{"ttl": 600, "renewable": true}})
		return
	case "/v1/auth/token/renew-self":
		f.renewed++
		answer(http.StatusOK, map[string]any{"auth": map[string]any{"client_token": r.Header.Get("X-Vault-Token"), "lease_duration": 600, "renewable": true}})
		return
	}
	if r.URL.Path == f.denied {
		answer(http.StatusForbidden, map[string]any{"errors": []string{"permission denied"}})
		return
	}
	if mount, ok := f.mounts[r.URL.Path]; ok {
		answer(http.StatusOK, map[string]any{"data": mount})
		return
	}
	data, ok := f.data[r.URL.Path]
	if !ok {
		answer(http.StatusNotFound, map[string]any{"errors": []string{}})
		return
	}
	answer(http.StatusOK, map[string]any{"data": map[string]any{"data": data, "metadata": map[string]any{"version": 1}}})
}

func (f *fakeVault) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func (f *fakeVault) open(t *testing.T, c secret.VaultConfig) (v *secret.Vault, move func(time.Duration)) {
	t.Helper()
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	c.Address, c.Now = f.URL, func() time.Time { return at }
	v, err := secret.NewVault(c)
	require.NoError(t, err)
	return v, func(d time.Duration) { at = at.Add(d) }
}

const ref = "vault:secret/team/crm#password"

func TestSecretsOfAVault(t *testing.T) {
	f := newFakeVault(t)
	f.data["/v1/secret/data/team/crm"] = map[string]any{"password": "c4nary", "port": 5432, "empty": ""}
	v, move := f.open(t, secret.VaultConfig{Token: "root"})
	ctx := context.Background()
	for range 3 {
		value, version, err := v.Read(ctx, ref)
		require.NoError(t, err)
		assert.Equal(t, "c4nary", value)
		assert.Equal(t, 1, version)
	}
	port, _, err := v.Read(ctx, "vault:secret/team/crm#port")
	require.NoError(t, err)
	assert.Equal(t, "5432", port)
	assert.Equal(t, 1, f.asked["/v1/secret/data/team/crm"], "it is kept")
	for _, row := range []struct{ ref, want string }{
		{"vault:secret/team/crm#user", `the vault's secret/team/crm has no key "user"`},
		{"vault:secret/team/crm#empty", `the vault's secret/team/crm has nothing under the key "empty"`},
		{"vault:secret/nothing#x", "the vault has nothing at secret/nothing; name the engine and the path as in: vault kv get secret/nothing"},
		{"vault:secret#x", "vault:secret#x is no reference to a vault; expected vault:ENGINE/PATH#KEY, such as vault:secret/crm#password"},
		{"vault:secret/crm", "is no reference to a vault"},
		{"vault:secret/../../sys/seal#x", "is no reference to a vault"},
	} {
		_, _, err := v.Read(ctx, row.ref)
		require.Error(t, err)
		assert.Contains(t, err.Error(), row.want)
		assert.NotContains(t, err.Error(), "c4nary")
	}

	f.change(func() { f.data["/v1/secret/data/team/crm"] = map[string]any{"password": "c4nary-2"} })
	value, _, err := v.Read(ctx, ref)
	require.NoError(t, err)
	assert.Equal(t, "c4nary", value, "within its time")
	changed, err := v.Refresh(ctx, []string{ref})
	require.NoError(t, err)
	assert.False(t, changed)
	move(5 * time.Minute)
	changed, err = v.Refresh(ctx, []string{ref, "vault:secret/team/crm#port"})
	require.NoError(t, err)
	assert.True(t, changed)
	value, version, err := v.Read(ctx, ref)
	require.NoError(t, err)
	assert.Equal(t, "c4nary-2", value)
	assert.Equal(t, []int{2, 2}, []int{version, v.Version(ref)})

	f.change(func() { f.down = true })
	move(time.Hour)
	value, _, err = v.Read(ctx, ref)
	require.NoError(t, err)
	assert.Equal(t, "c4nary-2", value, "while the vault is away it counts")
	changed, err = v.Refresh(ctx, []string{ref})
	assert.False(t, changed)
	assert.ErrorContains(t, err, "the vault cannot be asked for secret/team/crm: it answered 503")
	_, _, err = v.Read(ctx, "vault:secret/other#x")
	assert.ErrorContains(t, err, "it answered 503")

	f.change(func() {
		f.down = false
		delete(f.data, "/v1/secret/data/team/crm")
	})
	move(3 * time.Second)
	changed, err = v.Refresh(ctx, []string{ref})
	assert.True(t, changed, "what was taken away is gone")
	assert.ErrorContains(t, err, "the vault has nothing at secret/team/crm")
	_, _, err = v.Read(ctx, ref)
	assert.Error(t, err)
	f.change(func() { f.data["/v1/secret/data/team/crm"] = map[string]any{"password": "c4nary-3"} })
	changed, err = v.Refresh(ctx, []string{ref})
	require.NoError(t, err)
	assert.True(t, changed)
}

func TestTokensOfAVault(t *testing.T) {
	f := newFakeVault(t)
	f.data["/v1/secret/data/team/crm"] = map[string]any{"password": "c4nary"}
	ctx := context.Background()

	v, move := f.open(t, secret.VaultConfig{Token: "root"})
	for range 4 {
		_, err := v.Refresh(ctx, []string{ref})
		require.NoError(t, err)
		move(299 * time.Second)
	}
	assert.Equal(t, 1, f.renewed, "from half of its life on")

	v, move = f.open(t, secret.VaultConfig{RoleID: "role", SecretID: "c4nary-id"})
	_, _, err := v.Read(ctx, ref)
	require.NoError(t, err)
	move(11 * time.Minute)
	_, _, err = v.Read(ctx, ref)
	require.NoError(t, err)
	assert.Equal(t, 2, f.made, "a token that has ended")
	f.change(func() { clear(f.tokens) })
	move(6 * time.Minute)
	_, _, err = v.Read(ctx, ref)
	require.NoError(t, err)
	assert.Equal(t, 3, f.made, "a token that was taken away")

	v, _ = f.open(t, secret.VaultConfig{RoleID: "role", SecretID: "c4nary-wrong"})
	_, _, err = v.Read(ctx, ref)
	assert.EqualError(t, err, "the vault gave no token to the role: it answered 400")
	v, _ = f.open(t, secret.VaultConfig{Token: "c4nary-token"})
	_, _, err = v.Read(ctx, ref)
	assert.EqualError(t, err, "the vault cannot be asked for secret/team/crm: the token of this server has ended, or is none of its tokens")
}

// What no policy allows is no matter of the token, and of nothing else that is read.
func TestWhatAVaultDoesNotLetBeRead(t *testing.T) {
	f := newFakeVault(t)
	f.data["/v1/secret/data/team/crm"] = map[string]any{"password": "c4nary"}
	f.denied = "/v1/secret/data/other"
	v, move := f.open(t, secret.VaultConfig{RoleID: "role", SecretID: "c4nary-id"})
	ctx := context.Background()
	for range 3 {
		_, _, err := v.Read(ctx, "vault:secret/other#x")
		assert.EqualError(t, err, "the vault does not let this server read secret/other: no policy of its token allows it")
	}
	assert.Equal(t, 1, f.asked[f.denied], "nobody is asked the same again so soon")
	value, _, err := v.Read(ctx, ref)
	require.NoError(t, err)
	assert.Equal(t, "c4nary", value)
	move(time.Hour)
	changed, err := v.Refresh(ctx, []string{"vault:secret/other#x", ref})
	assert.False(t, changed)
	assert.ErrorContains(t, err, "the vault does not let this server read secret/other")
	assert.Equal(t, 2, f.made, "the token had ended, as our clock has it")

	f.change(func() { f.denied = "/v1/secret/data/team/crm" })
	move(5 * time.Minute)
	value, _, err = v.Read(ctx, ref)
	require.NoError(t, err)
	assert.Equal(t, "c4nary", value, "what was read is used")
	assert.Equal(t, 2, f.made)
	f.change(func() { f.denied = "" })
	move(5 * time.Second)
	_, _, err = v.Read(ctx, "vault:secret/other#x")
	assert.ErrorContains(t, err, "the vault has nothing at secret/other")
}

// An engine's name may hold slashes, and an engine of version 1 has its secrets elsewhere.
func TestEnginesOfAVault(t *testing.T) {
	f := newFakeVault(t)
	f.data["/v1/team/kv/data/a/crm"] = map[string]any{"password": "c4nary-deep"}
	f.mounts = map[string]any{
		"/v1/sys/internal/ui/mounts/team/kv/a/crm": map[string]any{"path": "team/kv/", "type": "kv", "options": map[string]string{"version": "2"}},
		"/v1/sys/internal/ui/mounts/old/crm":       map[string]any{"path": "old/", "type": "kv", "options": nil},
		"/v1/old/crm":                              map[string]any{"password": "c4nary-old"}, // what is in data is not wrapped
		"/v1/sys/internal/ui/mounts/pki/crm":       map[string]any{"path": "pki/", "type": "pki"},
	}
	v, move := f.open(t, secret.VaultConfig{Token: "root"})
	for range 2 {
		for ref, want := range map[string]string{"vault:team/kv/a/crm#password": "c4nary-deep", "vault:old/crm#password": "c4nary-old"} {
			value, _, err := v.Read(context.Background(), ref)
			require.NoError(t, err)
			assert.Equal(t, want, value)
		}
		move(time.Hour)
	}
	assert.Equal(t, 1, f.asked["/v1/sys/internal/ui/mounts/old/crm"], "where it is is asked once")
	_, _, err := v.Read(context.Background(), "vault:pki/crm#x")
	assert.ErrorContains(t, err, "the vault has nothing at pki/crm")
}

func TestAVaultThatIsAwayIsWaitedForOnce(t *testing.T) {
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(slow.Close)
	now := time.Now() // it stands still: a busy machine does not make it rest long enough to be asked again
	v, err := secret.NewVault(secret.VaultConfig{Address: slow.URL, Token: "c4nary", Timeout: time.Second, Now: func() time.Time { return now }})
	require.NoError(t, err)
	start := time.Now()
	for i := range 100 {
		_, _, err := v.Read(context.Background(), fmt.Sprintf("vault:secret/%d#x", i))
		require.Error(t, err)
		assert.True(t, strings.HasPrefix(err.Error(), "the vault cannot be asked for secret/0: no answer within 1s"), err)
	}
	assert.Less(t, time.Since(start), 40*time.Second, "not a second for each")
	for _, row := range []struct {
		c    secret.VaultConfig
		want string
	}{
		{secret.VaultConfig{Address: "vault:8200", Token: "x"}, "the address is no http://host:port"},
		{secret.VaultConfig{Address: "http://u:c4nary@vault", Token: "x"}, "the address is no http://host:port"},
		{secret.VaultConfig{Address: "http://vault:8200"}, "neither a token nor a role"},
		{secret.VaultConfig{Address: "http://vault:8200", Token: "x", CA: "/nowhere.pem"}, "/nowhere.pem"},
	} {
		_, err := secret.NewVault(row.c)
		require.Error(t, err)
		assert.Contains(t, err.Error(), row.want)
		assert.NotContains(t, err.Error(), "c4nary")
	}
}
