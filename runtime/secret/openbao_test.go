package secret_test

import (
	"context"
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
	"github.com/parley-run/parley/runtime/secret"
)

// bao is a real vault, and what an operator does with it.
type bao struct {
	*testing.T
	*fixtures.OpenBao
}

func startBao(t *testing.T, https bool) bao {
	t.Helper()
	server, err := fixtures.StartOpenBao(t.Context(), t.TempDir(), https)
	if errors.Is(err, fixtures.ErrNoOpenBao) {
		require.False(t, slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "openbao"), "PARLEY_REQUIRE asks for openbao: %v", err)
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	return bao{t, server}
}

type o = map[string]any

func (b bao) in(namespace, method, path string, in any) (out struct {
	Data, Auth o
},
) {
	b.Helper()
	require.NoError(b, b.Call(b.Context(), namespace, method, path, in, &out))
	return out
}

func (b bao) post(path string, in any) (data, auth o) {
	b.Helper()
	out := b.in("", http.MethodPost, path, in)
	return out.Data, out.Auth
}

// open is our reader of it; now is moved by the test.
func (b bao) open(c secret.VaultConfig) (*secret.Vault, func(time.Duration)) {
	b.Helper()
	at := time.Now()
	c.Address, c.CA, c.Now = b.Address(), b.CA(), func() time.Time { return at }
	v, err := secret.NewVault(c)
	require.NoError(b, err)
	return v, func(d time.Duration) { at = at.Add(d) }
}

func (b bao) reads(v *secret.Vault, ref, want string) {
	b.Helper()
	value, _, err := v.Read(context.Background(), ref)
	require.NoError(b, err)
	assert.Equal(b, want, value)
}

func (b bao) refuses(v *secret.Vault, ref, want string) {
	b.Helper()
	_, _, err := v.Read(context.Background(), ref)
	require.Error(b, err)
	assert.Contains(b, err.Error(), want)
	assert.NotContains(b, err.Error(), "c4nary")
}

func TestOpenBao(t *testing.T) {
	b := startBao(t, false)
	ctx := context.Background()
	b.post("secret/data/team/crm", o{"data": o{"password": "c4nary", "port": 5432}})
	v, move := b.open(secret.VaultConfig{Token: fixtures.OpenBaoToken})
	b.reads(v, ref, "c4nary")
	b.reads(v, "vault:secret/team/crm#port", "5432")
	b.refuses(v, "vault:secret/team/crm#user", `the vault's secret/team/crm has no key "user"`)
	b.refuses(v, "vault:secret/nothing#x", "the vault has nothing at secret/nothing")
	b.refuses(v, "vault:nowhere/crm#x", "the vault has nothing at nowhere/crm")

	b.post("secret/data/team/crm", o{"data": o{"password": "c4nary-2"}})
	b.reads(v, ref, "c4nary")
	move(5 * time.Minute)
	changed, err := v.Refresh(ctx, []string{ref})
	require.NoError(t, err)
	assert.True(t, changed, "a secret that was rotated")
	b.reads(v, ref, "c4nary-2")

	require.NoError(t, b.Seal(ctx))
	move(5 * time.Minute)
	changed, err = v.Refresh(ctx, []string{ref})
	assert.False(t, changed)
	assert.ErrorContains(t, err, "the vault cannot be asked for secret/team/crm: it answered 503: it is sealed")
	b.reads(v, ref, "c4nary-2")
	b.refuses(v, "vault:secret/other#x", "it is sealed")
	require.NoError(t, b.Unseal(ctx))
	move(5 * time.Second)
	require.Eventually(t, func() bool { // it wakes up
		move(5 * time.Second)
		_, err = v.Refresh(ctx, []string{ref})
		return err == nil
	}, time.Minute, 20*time.Millisecond)

	b.in("", http.MethodDelete, "secret/data/team/crm", nil) // the latest version, which can be had back
	move(5 * time.Minute)
	changed, err = v.Refresh(ctx, []string{ref})
	assert.True(t, changed)
	assert.ErrorContains(t, err, "the vault has nothing at secret/team/crm")
	b.post("secret/undelete/team/crm", o{"versions": []int{2}})
	b.reads(v, ref, "c4nary-2")
}

// Engines stand where an operator put them, in namespaces or not, and are of either version.
func TestOpenBaosEngines(t *testing.T) {
	b := startBao(t, true)
	b.post("sys/mounts/team/kv", o{"type": "kv", "options": o{"version": "2"}})
	b.post("sys/mounts/old", o{"type": "kv", "options": o{"version": "1"}})
	b.post("team/kv/data/a/crm", o{"data": o{"password": "c4nary-deep"}})
	b.post("old/a/crm", o{"password": "c4nary-old"})
	v, move := b.open(secret.VaultConfig{Token: fixtures.OpenBaoToken})
	for range 2 {
		b.reads(v, "vault:team/kv/a/crm#password", "c4nary-deep")
		b.reads(v, "vault:old/a/crm#password", "c4nary-old")
		b.refuses(v, "vault:old/b#password", "the vault has nothing at old/b")
		move(time.Hour)
	}
	_, err := secret.NewVault(secret.VaultConfig{Address: b.Address(), Token: "x", CA: "/nowhere.pem"})
	require.Error(t, err)
	stranger, err := secret.NewVault(secret.VaultConfig{Address: b.Address(), Token: fixtures.OpenBaoToken})
	require.NoError(t, err)
	b.refuses(stranger, "vault:old/a/crm#password", "certificate signed by unknown authority")

	if err := b.Call(t.Context(), "", http.MethodPost, "sys/namespaces/team2", o{}, nil); err != nil {
		t.Skip("namespaces: ", err) // of HashiCorp's they are Enterprise's alone
	}
	b.in("team2", http.MethodPost, "sys/mounts/secret", o{"type": "kv", "options": o{"version": "2"}})
	b.in("team2", http.MethodPost, "secret/data/crm", o{"data": o{"password": "c4nary-theirs"}})
	b.post("secret/data/crm", o{"data": o{"password": "c4nary-ours"}})
	theirs, _ := b.open(secret.VaultConfig{Token: fixtures.OpenBaoToken, Namespace: "team2"})
	b.reads(theirs, "vault:secret/crm#password", "c4nary-theirs")
	b.reads(v, "vault:secret/crm#password", "c4nary-ours")
}

func TestOpenBaosTokens(t *testing.T) {
	b := startBao(t, false)
	ctx := context.Background()
	b.post("secret/data/team/crm", o{"data": o{"password": "c4nary"}})
	b.post("secret/data/other", o{"data": o{"password": "c4nary-other"}})
	b.in("", http.MethodPut, "sys/policies/acl/crm", o{"policy": `path "secret/data/team/*" { capabilities = ["read"] }`})

	v, _ := b.open(secret.VaultConfig{Token: "c4nary-wrong"})
	b.refuses(v, ref, "the vault cannot be asked for secret/team/crm: the token of this server has ended, or is none of its tokens")

	// One that was given: renewed from half of its life on, by the vault's own clock, and dead once it is revoked.
	_, given := b.post("auth/token/create", o{"policies": []string{"crm"}, "ttl": "1h"})
	token, _ := given["client_token"].(string)
	v, move := b.open(secret.VaultConfig{Token: token})
	b.reads(v, ref, "c4nary")
	ends := func() time.Time {
		data, _ := b.post("auth/token/lookup", o{"token": token})
		at, err := time.Parse(time.RFC3339Nano, data["expire_time"].(string))
		require.NoError(t, err)
		return at
	}
	before := ends()
	for _, d := range []time.Duration{0, 20 * time.Minute} {
		move(d)
		_, err := v.Refresh(ctx, []string{ref})
		require.NoError(t, err)
		assert.Equal(t, before, ends(), "not before half of its life")
	}
	move(11 * time.Minute)
	require.Eventually(t, func() bool { // a renewal is as exact as the vault's second
		_, err := v.Refresh(ctx, []string{ref})
		require.NoError(t, err)
		move(31 * time.Minute)
		return ends().After(before)
	}, time.Minute, 100*time.Millisecond)
	// What no policy lets it read keeps nothing else from being read.
	b.refuses(v, "vault:secret/other#password", "the vault does not let this server read secret/other: no policy of its token allows it")
	b.reads(v, ref, "c4nary")
	b.post("auth/token/revoke", o{"token": token})
	b.reads(v, ref, "c4nary")
	move(time.Hour)
	_, err := v.Refresh(ctx, []string{ref})
	assert.ErrorContains(t, err, "the token of this server has ended")
	b.reads(v, ref, "c4nary")

	// AppRole gives one, and another when that has ended or was revoked.
	b.post("sys/auth/approle", o{"type": "approle"})
	b.post("auth/approle/role/parley", o{"token_policies": []string{"crm"}, "token_ttl": "10m", "token_max_ttl": "1h"})
	role := b.in("", http.MethodGet, "auth/approle/role/parley/role-id", nil).Data["role_id"].(string)
	made, _ := b.post("auth/approle/role/parley/secret-id", o{})
	id := made["secret_id"].(string)
	tokens := func() int {
		return len(b.in("", "LIST", "auth/token/accessors", nil).Data["keys"].([]any))
	}
	v, move = b.open(secret.VaultConfig{RoleID: role, SecretID: id})
	had := tokens()
	b.reads(v, ref, "c4nary")
	for range 3 { // a token that counts is not given back for what it may not read
		b.refuses(v, "vault:secret/other#password", "the vault does not let this server read secret/other")
		move(3 * time.Second)
	}
	_, err = v.Refresh(ctx, []string{"vault:secret/other#password", ref})
	assert.ErrorContains(t, err, "the vault does not let this server read secret/other")
	b.reads(v, ref, "c4nary")
	assert.Equal(t, had+1, tokens())
	for _, accessor := range b.in("", "LIST", "auth/token/accessors", nil).Data["keys"].([]any) {
		if data, _ := b.post("auth/token/lookup-accessor", o{"accessor": accessor}); data["path"] == "auth/approle/login" {
			b.post("auth/token/revoke-accessor", o{"accessor": accessor})
		}
	}
	b.post("secret/data/team/crm", o{"data": o{"password": "c4nary-2"}})
	move(5 * time.Minute)
	b.reads(v, ref, "c4nary-2")
	assert.Equal(t, had+1, tokens(), "a new one for the one that was revoked")
	move(time.Hour) // as our clock has it
	b.reads(v, ref, "c4nary-2")
	assert.Equal(t, had+2, tokens(), "a new one for the one that has ended")

	v, _ = b.open(secret.VaultConfig{RoleID: role, SecretID: "c4nary-wrong"})
	b.refuses(v, ref, "the vault gave no token to the role: it answered 400")
}
