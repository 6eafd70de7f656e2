package node_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const whoIs = "def handle(self):\n    self.response.payload = {\"hello\": \"world\"}\n"

const tokens = `
security_jwt:
  - {name: Tokens, secret: c4nary-secret-of-more-than-32-bytes, username: joe, password: c4nary-pa55, ttl: 600}
  - {name: Others, secret: c4nary-other-of-more-than-32-bytes, username: ann, password: c4nary-0ther}
channel_rest:
  - {name: Log in, service: parley.security.jwt.log-in, url_path: /log-in, method: POST}
  - {name: Log out, service: parley.security.jwt.log-out, url_path: /log-out, method: POST}
  - {name: Who, service: who, url_path: /who, security: Tokens}
`

// logIn asks for a token.
func (g *ground) logIn(server, body string) (status int, token string, header http.Header) {
	g.t.Helper()
	status, header, raw := g.request(http.MethodPost, g.url(server)+"/log-in", body)
	var out struct {
		Token     string
		TokenType string `json:"token_type"`
		ExpiresIn int    `json:"expires_in"`
	}
	if status == http.StatusOK {
		require.NoError(g.t, json.Unmarshal([]byte(raw), &out), raw)
		assert.Equal(g.t, "Bearer", out.TokenType)
		assert.Equal(g.t, 600, out.ExpiresIn)
		assert.Equal(g.t, "no-store", header.Get("Cache-Control"))
	}
	return status, out.Token, header
}

func TestUsersLogInForTokensAndOut(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	g.run("server2")
	require.NoError(t, g.deploy("server1", "who.star", whoIs))
	require.NoError(t, g.define(tokens))
	status, token, _ := g.logIn("server1", `{"username": "joe", "password": "c4nary-pa55"}`)
	require.Equal(t, 200, status)
	_, second, _ := g.logIn("server2", `{"definition": "Tokens", "username": "joe", "password": "c4nary-pa55"}`)
	for _, body := range []string{
		`{"username": "joe", "password": "c4nary-wrong"}`, `{"username": "jim", "password": "c4nary-pa55"}`,
		`{"definition": "Others", "username": "joe", "password": "c4nary-pa55"}`, `{"definition": "Nobody", "username": "joe", "password": "c4nary-pa55"}`,
	} {
		status, _, header := g.logIn("server1", body)
		assert.Equal(t, 401, status, body)
		assert.True(t, strings.HasPrefix(header.Get("WWW-Authenticate"), "Bearer"), body)
	}
	both := []string{"server1", "server2"}
	for _, server := range both {
		status, _, body := g.ask(server, "/who", "Authorization", "Bearer "+token)
		assert.Equal(t, 200, status, body)
		status, header, _ := g.ask(server, "/who", "Authorization", "Bearer "+token+"x")
		assert.Equal(t, 401, status)
		assert.Contains(t, header.Get("WWW-Authenticate"), `error="invalid_token"`)
		status, header, _ = g.ask(server, "/who")
		assert.Equal(t, 401, status)
		assert.Equal(t, `Bearer realm="Tokens"`, header.Get("WWW-Authenticate"))
	}
	status, _, body := g.request(http.MethodPost, g.url("server2")+"/log-out", `{"token": "`+token+`"}`)
	assert.Equal(t, 200, status, body)
	status, _, _ = g.request(http.MethodPost, g.url("server2")+"/log-out", `{}`)
	assert.Equal(t, 401, status, "which token?")
	for _, server := range both {
		status, _, _ = g.ask(server, "/who", "Authorization", "Bearer "+token)
		assert.Equal(t, 401, status, "%s: it was given up", server)
		status, _, _ = g.ask(server, "/who", "Authorization", "Bearer "+second)
		assert.Equal(t, 200, status, "%s: the other was not", server)
	}
	g.redis.Close()
	status, _, body = g.ask("server1", "/who", "Authorization", "Bearer "+second)
	assert.Equal(t, 503, status, "what was given up cannot be known")
	assert.Contains(t, body, `cannot know now which tokens were given up; try again`)
	require.NoError(t, g.define("security_jwt:\n  - {name: Tokens, username: joe, revocable: false}\n"))
	status, _, body = g.ask("server1", "/who", "Authorization", "Bearer "+second)
	assert.Equal(t, 200, status, body)

	var listed []struct{ Name string }
	require.NoError(t, g.call("server1", "parley.service.list", struct{}{}, &listed))
	assert.Len(t, listed, 1, "the user's own")
	_, _, document := g.request(http.MethodGet, g.url("server1")+"/parley/openapi.json", "")
	assert.Contains(t, document, `{"type":"http","scheme":"bearer","bearerFormat":"JWT"}`)
	assert.NotContains(t, g.logs.String(), "c4nary")
	assert.NotContains(t, g.logs.String(), second[:20])
}

func TestWrongPasswordsSlowDownThatUserAlone(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "who.star", whoIs))
	require.NoError(t, g.define(tokens))
	var statuses []int
	var header http.Header
	for range 8 {
		var status int
		status, _, header = g.logIn("server1", `{"username": "joe", "password": "wrong"}`)
		statuses = append(statuses, status)
	}
	assert.Equal(t, []int{401, 401, 401, 401, 401, 401, 429, 429}, statuses)
	assert.Equal(t, "1", header.Get("Retry-After"))
	status, _, _ := g.logIn("server1", `{"username": "joe", "password": "c4nary-pa55"}`)
	assert.Equal(t, 429, status, "a guess may be right")
	status, _, body := g.request(http.MethodPost, g.url("server1")+"/log-in", `{"username": "ann", "password": "c4nary-0ther"}`)
	assert.Equal(t, 200, status, "%s: another user logs in", body)
	require.Eventually(t, func() bool {
		status, _, _ := g.logIn("server1", `{"username": "joe", "password": "c4nary-pa55"}`)
		return status == 200
	}, 10e9, 50e6, "the wait ends")
	status, _, _ = g.logIn("server1", `{"username": "joe", "password": "wrong"}`)
	assert.Equal(t, 401, status, "and what was wrong is forgotten")
}

// lines are those of the log that hold text.
func (g *ground) lines(text string) []string {
	var out []string
	for line := range strings.Lines(g.logs.String()) {
		if strings.Contains(line, text) {
			out = append(out, line)
		}
	}
	return out
}
