package node_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const canary = "c4nary-pa55word"

const guarded = `
security_basic_auth:
  - name: Partners
    username: joe
    password: %s
security_api_key:
  - name: Key
    header: X-Key
    key: c4nary-key
channel_rest:
  - name: Basic
    service: who
    url_path: /basic
    security: Partners
  - name: Key
    service: who
    url_path: /key
    security: Key
`

// ask makes a request with headers, names and values in turn.
func (g *ground) ask(server, path string, headers ...string) (status int, header http.Header, body string) {
	g.t.Helper()
	return g.askBy(http.MethodGet, server, path, headers...)
}

func (g *ground) askBy(method, server, path string, headers ...string) (status int, header http.Header, body string) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.url(server)+path, http.NoBody)
	require.NoError(g.t, err)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Basic" {
			user, password, _ := strings.Cut(headers[i+1], ":")
			req.SetBasicAuth(user, password)
			continue
		}
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(g.t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(g.t, err)
	return res.StatusCode, res.Header, string(raw)
}

func TestChannelsAskForCredentials(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	g.run("server2")
	require.NoError(t, g.deploy("server1", "who.star", "def handle(self):\n    self.response.payload = {\"hello\": \"world\"}\n"))
	require.NoError(t, g.define(fmt.Sprintf(guarded, canary)))
	for _, row := range []struct {
		name, path string
		headers    []string
		status     int
		challenge  string
	}{
		{"right", "/basic", []string{"Basic", "joe:" + canary}, 200, ""},
		{"nothing", "/basic", nil, 401, `Basic realm="parley", charset="UTF-8"`},
		{"a wrong password", "/basic", []string{"Basic", "joe:" + canary + "x"}, 401, `Basic realm="parley", charset="UTF-8"`},
		{"a wrong user", "/basic", []string{"Basic", "jim:" + canary}, 401, `Basic realm="parley", charset="UTF-8"`},
		{"another scheme", "/basic", []string{"Authorization", "Bearer " + canary}, 401, `Basic realm="parley", charset="UTF-8"`},
		{"a right key", "/key", []string{"X-Key", "c4nary-key"}, 200, ""},
		{"no key", "/key", nil, 401, "parley-apikey"},
		{"a wrong key", "/key", []string{"X-Key", "c4nary-ke"}, 401, "parley-apikey"},
		{"two keys", "/key", []string{"X-Key", "c4nary-key", "X-Key", "c4nary-key"}, 401, "parley-apikey"},
		{"the credentials of another", "/key", []string{"Basic", "joe:" + canary}, 401, "parley-apikey"},
	} {
		for _, server := range []string{"server1", "server2"} {
			status, header, body := g.ask(server, row.path, row.headers...)
			assert.Equal(t, row.status, status, "%s: %s", row.name, body)
			assert.Equal(t, row.challenge, header.Get("WWW-Authenticate"), row.name)
			assert.NotEmpty(t, header.Get("X-Parley-CID"), row.name)
		}
	}
}

func TestAChangedDefinitionCountsAtOnce(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	g.run("server2")
	require.NoError(t, g.deploy("server1", "who.star", "def handle(self):\n    self.response.payload = {\"hello\": \"world\"}\n"))
	require.NoError(t, g.define(fmt.Sprintf(guarded, canary)))
	status, _, body := g.ask("server2", "/basic", "Basic", "joe:"+canary)
	require.Equal(t, 200, status, body)
	require.NoError(t, g.define("security_basic_auth:\n  - {name: Partners, username: joe, password: an0ther}\n"))
	for _, server := range []string{"server1", "server2"} {
		status, _, _ = g.ask(server, "/basic", "Basic", "joe:"+canary)
		assert.Equal(t, 401, status, "%s: what was right a moment ago", server)
		status, _, body = g.ask(server, "/basic", "Basic", "joe:an0ther")
		assert.Equal(t, 200, status, "%s: %s", server, body)
	}
	require.NoError(t, g.define("security_basic_auth:\n  - {name: Partners, username: joe, is_active: false}\n"))
	status, _, body = g.ask("server2", "/basic", "Basic", "joe:an0ther")
	assert.Equal(t, 403, status)
	assert.Contains(t, body, `\"Partners\" is inactive`)
	require.NoError(t, g.define("security_basic_auth:\n  - {name: Partners, username: joe}\n"))
	status, _, body = g.ask("server2", "/basic", "Basic", "joe:an0ther")
	assert.Equal(t, 200, status, "a password that a file leaves out stays: %s", body)
}

func TestNoSecretIsSeen(t *testing.T) {
	g := newGround(t)
	stop := g.run("server1")
	t.Setenv("OUT_KEY", "c4nary-env")
	definitions := fmt.Sprintf(guarded, canary) + `
outgoing_rest:
  - {name: Self, host: "` + g.url("server1") + `", url_path: /basic, security: Out}
`
	more := "security_basic_auth:\n  - {name: Out, username: joe, password: " + canary + ", outgoing: true}\nsecurity_api_key:\n  - {name: Env, key: 'env:OUT_KEY', outgoing: true}\n"
	require.NoError(t, g.deploy("server1", "who.star", "def handle(self):\n    self.response.payload = {\"hello\": \"world\"}\n"))
	require.NoError(t, g.define(more))
	require.NoError(t, g.define(definitions))
	require.NoError(t, g.deploy("server1", "out.star", "def handle(self):\n    self.response.payload = {\"got\": self.outgoing.plain_http.get(\"Self\").conn.get(self.cid).data}\n"))
	require.NoError(t, g.define("channel_rest:\n  - {name: Out, service: out, url_path: /out}\n"))
	status, _, body := g.ask("server1", "/out")
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"got": {"hello": "world"}}`, body, "the connection logs in")

	var exported struct{ Content string }
	require.NoError(t, g.call("server1", "parley.enmasse.export", struct{}{}, &exported))
	assert.Contains(t, exported.Content, `password: "(kept)"`)
	assert.Contains(t, exported.Content, "env:OUT_KEY")
	var before, after struct{ Revision int64 }
	require.NoError(t, g.call("server1", "parley.enmasse.export", struct{}{}, &before))
	require.NoError(t, g.define(exported.Content))
	require.NoError(t, g.define(definitions))
	require.NoError(t, g.call("server1", "parley.enmasse.export", struct{}{}, &after))
	assert.Equal(t, before.Revision, after.Revision, "import of what was exported, and again of what was imported, changes nothing")
	for _, wrong := range []string{"joe:c4nary", "joe:" + canary + "-wrong"} {
		g.ask("server1", "/basic", "Basic", wrong)
	}
	assert.ErrorContains(t, g.define("security_api_key:\n  - {name: Key, key: ["+canary+"]}\n"), "key: expected text")
	stop()

	assert.NotContains(t, exported.Content, "c4nary")
	assert.NotContains(t, exported.Content, "argon2id")
	assert.NotContains(t, g.logs.String(), "c4nary")
	var files []string
	require.NoError(t, filepath.WalkDir(g.folder.Dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.NotContains(t, string(raw), "c4nary", path)
		}
		return err
	}))
	assert.Contains(t, files, g.folder.SecretsFile())
	assert.Contains(t, files, g.folder.CatalogDB())
}

func TestDefinitionsThatCannotBeUsedAreRefused(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "who.star", "def handle(self):\n    pass\n"))
	require.NoError(t, g.define(fmt.Sprintf(guarded, canary)))
	for _, row := range []struct{ name, yaml, want string }{
		{"unknown", "channel_rest:\n  - {name: A, service: who, url_path: /a, security: Partner}\n", `defs.yaml:2:12: channel_rest "A": security: there is no security definition "Partner"; did you mean "Partners"?`},
		{"a missing secret", "security_api_key:\n  - {name: B}\n", `security_api_key "B": key: missing; give it, or a reference such as env:NAME`},
		{"kept, and there is none", "security_api_key:\n  - {name: B, key: (kept)}\n", `key: (kept) means the one that is there, and there is none`},
		{"a variable that is not set", "security_api_key:\n  - {name: B, key: 'env:NOT_SET_ANYWHERE'}\n", `the environment variable NOT_SET_ANYWHERE of this server is not set`},
		{"two of one name", "security_api_key:\n  - {name: Partners, key: k}\n", `has the same name`},
		{"a hash for outgoing", "security_basic_auth:\n  - {name: Partners, username: joe, outgoing: true}\n", `only its hash is kept; give it again`},
		{"a colon", "security_basic_auth:\n  - {name: C, username: 'a:b', password: x}\n", `holds a colon`},
		{"a header of the protocol", "security_api_key:\n  - {name: C, header: content-length, key: x}\n", `belongs to the protocol`},
	} {
		err := g.define(row.yaml)
		assert.ErrorContains(t, err, row.want, row.name)
	}
	status, _, _ := g.ask("server1", "/basic", "Basic", "joe:"+canary)
	assert.Equal(t, 200, status, "what was refused changed nothing")
}
