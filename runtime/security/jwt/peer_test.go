package jwt_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
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

// peer is PyJWT of Debian (python3-jwt with python3-cryptography): it makes tokens and checks ours.
const peer = `
import json, sys, jwt
r = json.load(sys.stdin)
made = jwt.encode(r["claims"], r["private"], algorithm=r["algorithm"], headers={"kid": "p"})
read = jwt.decode(r["token"], r["public"], algorithms=[r["algorithm"]], audience="them", issuer="us", leeway=10, options={"require": ["exp", "iat", "jti"]})
json.dump({"made": made, "read": read, "kid": jwt.get_unverified_header(r["token"])["kid"]}, sys.stdout)
`

func TestPyJWTReadsOurTokensAndWeReadIts(t *testing.T) {
	const python = "/usr/bin/python3"
	if out, err := exec.CommandContext(t.Context(), python, "-c", "import jwt, cryptography").CombinedOutput(); err != nil {
		require.False(t, slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "pyjwt"), "PARLEY_REQUIRE asks for pyjwt: %v: %s", err, out)
		t.Skipf("PyJWT is not installed: %v", err)
	}
	r, e := keys(t)
	for _, row := range []struct {
		algorithm       string
		private, public string
	}{
		{"HS256", shared, shared},
		{"RS256", pemOf(t, r), pemOf(t, r.Public())},
		{"ES256", pemOf(t, e), pemOf(t, e.Public())},
	} {
		g := newGround()
		g.clock.at = time.Now()
		ours := map[string]any{"algorithm": row.algorithm, "issuer": "us", "audience": []string{"them"}, "subject": "parley", "key_id": "k1"}
		theirs := map[string]any{"algorithm": row.algorithm, "issuer": "they", "audience": []string{"parley"}}
		if row.algorithm == "HS256" {
			ours["secret"], theirs["secret"] = row.private, row.public
		} else {
			ours["private_key"], theirs["public_key"] = row.private, row.public
		}
		request := newRequest(t)
		require.NoError(t, g.guard(t, ours).(security.Signer).Sign(t.Context(), request, nil))
		in, err := json.Marshal(map[string]any{
			"algorithm": row.algorithm, "private": row.private, "public": row.public,
			"token":  strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer "),
			"claims": map[string]any{"sub": "ann", "iss": "they", "aud": []string{"x", "parley"}, "exp": time.Now().Unix() + 60},
		})
		require.NoError(t, err)
		command := exec.CommandContext(t.Context(), python, "-c", peer)
		command.Stdin = strings.NewReader(string(in))
		var problem strings.Builder
		command.Stderr = &problem
		raw, err := command.Output()
		require.NoError(t, err, problem.String())
		var out struct {
			Made, KID string
			Read      map[string]any
		}
		require.NoError(t, json.Unmarshal(raw, &out))
		assert.Equal(t, "k1", out.KID)
		assert.Equal(t, "parley", out.Read["sub"])
		who, err := ask(g.guard(t, theirs), out.Made)
		require.NoError(t, err, row.algorithm)
		assert.Equal(t, "ann", who.Name)
	}
}

// Against Glewlwyd of Debian: its tokens, and the keys that it lists.
func TestKeysOfARealServer(t *testing.T) {
	server, err := fixtures.StartGlewlwyd(t.Context(), t.TempDir())
	if errors.Is(err, fixtures.ErrNoGlewlwyd) {
		require.False(t, slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "glewlwyd"), "PARLEY_REQUIRE asks for glewlwyd: %v", err)
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	g := newGround()
	g.clock.at = time.Now()
	guard := g.guard(t, map[string]any{
		"algorithm": "RS256", "jwks_url": server.JWKSURL(), "issuer": server.Issuer(), "required_claims": []string{"scope=read", "type=access_token"},
	})
	token, err := server.Token(t.Context(), "read")
	require.NoError(t, err)
	who, err := ask(guard, token)
	require.NoError(t, err)
	assert.Equal(t, fixtures.GlewlwydClient, who.Name)
	token, err = server.Token(t.Context(), "write")
	require.NoError(t, err)
	_, err = ask(guard, token)
	assert.ErrorContains(t, service.AsError(err).Err, "a claim that is required is missing or has another value")
}
