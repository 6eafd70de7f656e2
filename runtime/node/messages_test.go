package node_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const rpcYAML = `
security_basic_auth:
  - {name: Partners, username: sean, password: "a long password"}
channel_json_rpc:
  - name: RPC
    url_path: /rpc
    security: Partners
    methods: {hello: hello, other: not-there}
`

func (g *ground) rpc(user, password, body string) (int, string) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.url("server1")+"/rpc", strings.NewReader(body))
	require.NoError(g.t, err)
	req.SetBasicAuth(user, password)
	res, err := http.DefaultClient.Do(req)
	require.NoError(g.t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(g.t, err)
	return res.StatusCode, docCID.ReplaceAllString(string(raw), "...")
}

func TestJSONRPC(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "hello.star", strings.ReplaceAll(hello, "%q", `"one"`)))
	require.NoError(t, g.define(rpcYAML))
	call := `{"jsonrpc":"2.0","method":"hello","params":{"a":1},"id":1}`
	status, body := g.rpc("sean", "a long password", call)
	assert.Equal(t, `{"jsonrpc":"2.0","result":{"hello":"one","input":{"a":1}},"id":1}`, body)
	assert.Equal(t, http.StatusOK, status)
	status, body = g.rpc("sean", "wrong", "["+call+","+call+"]")
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Equal(t, 2, strings.Count(body, `"code":-32001`))
	_, body = g.rpc("sean", "a long password", `{"jsonrpc":"2.0","method":"other","id":1}`)
	assert.Contains(t, body, `{"code":-32004,"message":"channel \"RPC\": its service \"not-there\" is not deployed; deploy the file that declares it"`)
	require.NoError(t, g.deploy("server1", "hello.star", strings.ReplaceAll(hello, "%q", `"two"`)))
	_, body = g.rpc("sean", "a long password", call)
	assert.Contains(t, body, `"hello":"two"`, "a deployed service is there at once")
	status, _, _ = g.request("GET", g.url("server1")+"/rpc", "")
	assert.Equal(t, http.StatusMethodNotAllowed, status)
	assert.ErrorContains(t, g.define("channel_rest:\n  - {name: Clash, service: hello, url_path: /rpc, method: POST}\n"), `POST /rpc is served by channel "RPC" already`)
	assert.ErrorContains(t, g.define("channel_json_rpc:\n  - {name: X, url_path: /x, method: {a: b}}\n"), `method: unknown key; did you mean "methods"?`)
}

func TestAdapters(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	crm := docCRM(t)
	yaml := strings.ReplaceAll(`
outgoing_rest:
  - {name: CRM, host: HOST, url_path: "/customers/{id}"}
adapter_json:
  - name: crm.rename
    outconn: CRM
    method: PUT
    params: {id: /id}
    request: {/name: /name}
    set: {/source: parley}
    response: {"": /log}
channel_rest:
  - {name: Rename, service: crm.rename, url_path: /rename}
`, "HOST", crm)
	require.NoError(t, g.define(yaml))
	send := func() (int, string) {
		status, _, body := g.request("POST", g.url("server1")+"/rename", `{"id":7,"name":{"first":"Sean","last":"O'Brien"}}`)
		return status, body
	}
	status, body := send()
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, `{"count":3}`, body)

	var exported struct{ Content string }
	require.NoError(t, g.call("server1", "parley.enmasse.export", struct{}{}, &exported))
	assert.Contains(t, exported.Content, "adapter_json:")
	var imported struct {
		Unchanged        int
		Created, Updated []any
	}
	in := map[string]any{"files": []map[string]string{{"name": "again.yaml", "content": exported.Content}}}
	require.NoError(t, g.call("server1", "parley.enmasse.import", in, &imported))
	assert.Empty(t, imported.Created)
	assert.Empty(t, imported.Updated)
	assert.Equal(t, 3, imported.Unchanged)

	assert.ErrorContains(t, g.deploy("server1", "x.star", "def handle(self):\n    pass\nservice(name = \"crm.rename\", handle = handle)\n"),
		`adapter_json "crm.rename": the service "crm.rename" is declared by x.star:3:8 already; choose another name`)
	assert.ErrorContains(t, g.define("adapter_json:\n  - {name: a, outconn: CRN}\n"), `adapter_json "a": outconn: there is no outgoing_rest connection "CRN"; did you mean "CRM"?`)
	assert.ErrorContains(t, g.define("adapter_json:\n  - {name: parley.mine, outconn: CRM}\n"), `its name begins with parley.`)
	assert.ErrorContains(t, g.define("adapter_json:\n  - {name: a, outconn: CRM, metod: GET}\n"), `metod: unknown key; did you mean "method"?`)

	require.NoError(t, g.define("adapter_json:\n  - {name: crm.rename, outconn: CRM, is_active: false}\n"))
	status, body = send()
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Equal(t, `adapter "crm.rename" is inactive; set its is_active to true`, details(body))
	require.NoError(t, g.define(yaml))
	status, _ = send()
	assert.Equal(t, http.StatusOK, status)
}
