package node_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/enmasse"
)

// zatoFile is what Zato's enmasse exports, in short.
const zatoFile = `
def_sec:
  - {name: Partners, type: basic_auth, username: joe, realm: bank, is_active: true, password: "${PASSWORD}"}
  - {name: Terminals, type: apikey, username: X-Key, is_active: true, password: "${PASSWORD}"}
  - {name: Messages, type: wss, username: joe, password: "${PASSWORD}", password_type: clear_text, reject_empty_nonce_creat: true, reject_stale_tokens: true, reject_expiry_limit: 60, nonce_freshness_time: 60}
  - {name: By path, type: xpath_sec, username: joe}
channel_plain_http:
  - name: Customers
    service: crm.get
    url_path: "/customers/{id}"
    sec_def: Partners
    method: GET
    data_format: json
    is_active: true
    is_internal: false
    connection: channel
    transport: plain_http
    cluster_id: 1
    merge_url_params_req: true
    url_params_pri: path-over-qs
    params_pri: channel-params-over-msg
    has_rbac: true
    cache_id: my-cache
    match_slash: true
  - {name: Open, service_name: crm.open, url_path: /open, sec_def: zato-no-security, data_format: null, method: ""}
channel_soap:
  - {name: SOAP, service: crm.soap, url_path: /soap, soap_action: "urn:get", soap_version: "1.1", data_format: xml, sec_def: zato-no-security}
outconn_plain_http:
  - {name: CRM, host: "http://127.0.0.1:1", url_path: /get, ping_method: HEAD, pool_size: 20, timeout: 10, sec_def: Partners, data_format: json, method: "", serialization_type: string}
outconn_soap:
  - {name: Billing, host: "http://127.0.0.1:1", url_path: /soap, soap_action: "urn:bill", soap_version: "1.1", sec_def: zato-no-security}
outconn_zmq:
  - {name: Frauds, address: "tcp://127.0.0.1:1", socket_type: PUSH, socket_method: connect, is_active: true}
outconn_sql:
  - {name: Ledger, engine: postgresql}
scheduler:
  - {name: Nightly, service: crm.night}
rbac_role:
  - {name: Readers, parent: Root}
  - {name: Writers, parent: Readers}
rbac_permission:
  - {name: Read}
  - {name: Approve}
rbac_client_role:
  - {name: one, client_def: "sec_def:::basic_auth:::Partners", role: Writers}
  - {name: two, client_def: "sec_def:::basic_auth:::Partners", role: Nobody}
rbac_role_permission:
  - {name: three, role: Readers, permission: Read, service: crm.get}
  - {name: four, role: Writers, permission: Approve, service: crm.get}
`

func TestZatosEnmasse(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	in := map[string]any{"files": []map[string]string{{"name": "zato.yml", "content": zatoFile}}, "dialect": "zato", "env": map[string]string{"PASSWORD": "c4nary"}}
	var out struct {
		Created, Updated []enmasse.Named
		LeftOut          []string `json:"left_out"`
	}
	require.NoError(t, g.call("server1", "parley.enmasse.import", in, &out))
	var created []string
	for _, one := range out.Created {
		created = append(created, one.Kind+" "+one.Name)
	}
	assert.ElementsMatch(t, []string{
		"security_basic_auth Partners", "security_api_key Terminals", "security_wss Messages", "channel_rest Customers", "channel_rest Open", "channel_soap SOAP",
		"outgoing_rest CRM", "outgoing_soap Billing", "outgoing_zmq Frauds", "rbac_role Readers", "rbac_role Writers",
	}, created)
	left := strings.Join(out.LeftOut, "\n")
	for _, want := range []string{
		`zato.yml:6:5: def_sec/xpath_sec "By path": left out: there is no such thing here`,
		`zato.yml:23:5: channel_plain_http "Customers": cache_id left out: it has no counterpart`,
		`outconn_sql "Ledger": left out: there is no such thing here`, `scheduler "Nightly": left out`, `rbac_permission "Approve": left out`,
		`rbac_client_role "two": left out: no file defines the role Nobody`, `rbac_role_permission "four": left out: there is no permission Approve`,
	} {
		assert.Contains(t, left, want)
	}
	assert.NotContains(t, left, "cluster_id", "nothing is lost without it")
	assert.NotContains(t, left, "merge_url_params_req")
	content := g.exported("yaml")
	for _, want := range []string{
		"url_params_pri: path-over-qs", "security: Partners", "soap_action: urn:get", "parent: Readers", "password: (kept)",
		`grants: [{"services": ["crm.get"], "permissions": [read]}]`, "members: [Partners]",
	} {
		assert.Contains(t, strings.ReplaceAll(content, `"(kept)"`, "(kept)"), want)
	}
	assert.Regexp(t, `(?s)name: Partners.*?outgoing: true`, content, "outgoing connections use it")
	assert.Contains(t, content, "header: X-Key", "Zato calls the header username")
	assert.Regexp(t, `(?s)name: Open.*?data_format: ""`, content, "Zato's channels without a format take bytes as they are")
	require.NoError(t, g.call("server1", "parley.enmasse.import", in, &out))
	assert.Empty(t, append(out.Created, out.Updated...), "the same file again changes nothing")

	for _, row := range []struct{ file, want string }{
		{"chanel_plain_http:\n  - {name: A}\n", `bad.yml:1:1: unknown type "chanel_plain_http": neither Zato's nor ours`},
		{"def_sec:\n  - {name: A}\n", `def_sec: a definition without a type`},
		{"rbac_client_role:\n  - {name: A}\n", `rbac_client_role: expected client_def and role`},
		{"channel_plain_http:\n  - {name: A, service: s}\n", `bad.yml:2:5: channel_rest "A": url_path: `},
	} {
		err := g.call("server1", "parley.enmasse.import", map[string]any{"files": []map[string]string{{"name": "bad.yml", "content": row.file}}, "dialect": "zato"}, nil)
		assert.ErrorContains(t, err, row.want)
	}
	assert.ErrorContains(t, g.call("server1", "parley.enmasse.diff", map[string]any{"files": []map[string]string{}, "dialect": "mule"}, nil), `unknown dialect "mule"`)
}

// newerZatoFile is what newer releases of Zato's enmasse read.
const newerZatoFile = `
security:
  - {name: Partners, type: basic_auth, username: joe, password: Zato_Enmasse_Env.Partners_Password}
  - {name: Tokens, type: bearer_token, username: joe}
channel_rest:
  - {name: Customers, service: crm.get, url_path: "/customers", security: Partners, data_format: json}
outgoing_rest:
  - {name: CRM, host: "http://127.0.0.1:1", url_path: /get, security: Partners, data_format: json}
sql:
  - {name: Ledger, type: mysql}
`

func TestNewerZatosEnmasse(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	in := map[string]any{"files": []map[string]string{{"name": "zato.yml", "content": newerZatoFile}}, "dialect": "zato"}
	err := g.call("server1", "parley.enmasse.import", in, nil)
	require.ErrorContains(t, err, "environment variable Partners_Password is not set", "the text itself is no password")
	in["env"] = map[string]string{"Partners_Password": "c4nary"}
	var out struct {
		Created []enmasse.Named
		LeftOut []string `json:"left_out"`
	}
	require.NoError(t, g.call("server1", "parley.enmasse.import", in, &out))
	assert.Len(t, out.Created, 3)
	assert.Equal(t, []string{
		`zato.yml:4:5: def_sec/bearer_token "Tokens": left out: there is no such thing here`, `zato.yml:10:5: sql "Ledger": left out: there is no such thing here`,
	}, out.LeftOut)
	assert.NotContains(t, g.exported("yaml"), "c4nary")

	delete(in, "dialect")
	in["files"] = []map[string]string{{"name": "zato.yml", "content": zatoFile}}
	assert.ErrorContains(t, g.call("server1", "parley.enmasse.import", in, nil), `unknown kind "def_sec" is one of Zato's enmasse; its files are imported with --zato`)
	assert.Equal(t, []string{"PASSWORD", "Partners_Password"}, enmasse.Variables(zatoFile+newerZatoFile))
}
