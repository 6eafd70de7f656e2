package node_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const mounted = `
security_basic_auth:
  - {name: Staff, username: joe, password: right}
security_wss:
  - {name: Message, username: joe, password: right, password_type: digest}
channel_rest:
  - {name: Stats, service: parley.stats.get, url_path: /ops/stats, security: Staff}
  - {name: Edit, service: parley.object.edit, url_path: /ops/edit, security: Staff}
channel_soap:
  - name: SOAP
    url_path: /ops/soap
    namespace: urn:ops
    security: Message
    operations: {GetStats: parley.stats.get, Members: parley.cluster.members, Deploy: parley.service.deploy}
channel_json_rpc:
  - name: RPC
    url_path: /ops/rpc
    security: Staff
    methods: {stats: parley.stats.get, deploy: parley.service.deploy}
`

func TestInternalServicesOnChannels(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "hello.star", "def handle(self):\n    self.response.payload = 'hello'\n"))
	require.NoError(t, g.define(mounted))
	require.NoError(t, g.define("channel_rest:\n  - {name: Hello, service: hello, url_path: /hello}\n"))
	status, _, _ := g.ask("server1", "/hello")
	require.Equal(t, 200, status)

	const right = "joe:right"
	status, _, body := g.askBy(http.MethodPost, "server1", "/ops/stats", "Basic", right)
	assert.Equal(t, 200, status, body)
	assert.Contains(t, body, `{"service":"hello","count":1`)
	status, _, body = g.askBy(http.MethodPost, "server1", "/ops/stats")
	assert.Equal(t, 401, status, body)

	rpc := func(body string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.url("server1")+"/ops/rpc", strings.NewReader(body))
		require.NoError(t, err)
		req.SetBasicAuth("joe", "right")
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		var b strings.Builder
		require.NoError(t, res.Write(&b))
		return b.String()
	}
	assert.Contains(t, rpc(`{"jsonrpc":"2.0","id":1,"method":"stats","params":{"service":"hello"}}`), `"result":[{"service":"hello","count":1`)
	assert.Contains(t, rpc(`{"jsonrpc":"2.0","id":2,"method":"deploy","params":{"files":[{"name":"x.star","source":"def handle(self):\n    pass\n"}]}}`), `"services":["x"]`)

	message := func(body string) (int, string) {
		return g.soap("server1", "/ops/soap", token("joe", "right", t.Name()+body), body, "")
	}
	status, body = message(`<GetStats xmlns="urn:ops"><service>hello</service></GetStats>`)
	assert.Equal(t, 200, status, body)
	assert.Contains(t, body, "<service>hello</service><count>1</count>")
	status, body = message(`<Members xmlns="urn:ops"/>`)
	assert.Equal(t, 200, status, body)
	assert.Contains(t, body, "<name>server1</name>")
	status, body = message(`<Deploy xmlns="urn:ops"><files><name>y.star</name><source>def handle(self):
    pass
</source></files></Deploy>`)
	assert.Equal(t, 200, status, body)
	status, body = g.soap("server1", "/ops/soap", "", `<GetStats xmlns="urn:ops"/>`, "")
	assert.Equal(t, 401, status, body)
	assert.Contains(t, body, "without valid credentials")
	_, _, wsdl := g.request("GET", g.url("server1")+"/ops/soap?wsdl", "")
	assert.Contains(t, wsdl, `name="p99_ms"`)

	var audit []struct{ Who, What string }
	require.NoError(t, g.call("server1", "parley.audit.list", map[string]any{"kind": "service_file"}, &audit))
	assert.Equal(t, "joe of Message through channel SOAP through admin server1", audit[0].Who)
	assert.Equal(t, "joe of Staff through channel RPC through admin server1", audit[1].Who)
}

func TestInternalServicesAreOpenToNobody(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	for _, row := range []struct{ name, yaml string }{
		{"REST", "channel_rest:\n  - {name: A, service: parley.stats.get, url_path: /a}\n"},
		{"SOAP", "channel_soap:\n  - {name: A, operations: {X: parley.stats.get}, url_path: /a}\n"},
		{"JSON-RPC", "channel_json_rpc:\n  - {name: A, methods: {x: parley.stats.get}, url_path: /a}\n"},
		{"ZeroMQ", "channel_zmq:\n  - {name: A, service: parley.stats.get, address: 'tcp://127.0.0.1:1', data_format: json}\n"},
		{"files", "channel_file:\n  - {name: A, service: parley.stats.get, pickup_from: " + t.TempDir() + "}\n"},
	} {
		assert.ErrorContains(t, g.define(row.yaml), "security: missing; parley.stats.get is an internal service", row.name)
	}
	require.NoError(t, g.define("security_basic_auth:\n  - {name: S, username: joe, password: right}\nchannel_rest:\n  - {name: A, service: parley.stats.get, url_path: /a, security: S}\n"))
	assert.ErrorContains(t, g.define("channel_rest:\n  - {name: A, service: parley.stats.get, url_path: /a}\n"), "security: missing", "an edit opens it neither")

	// Who deploys could do everything else.
	require.NoError(t, g.deploy("server1", "evil.star", "def handle(self):\n    self.response.payload = self.invoke('parley.secrets.rotate', {})\n"))
	err := g.call("server1", "parley.service.invoke", map[string]any{"name": "evil"}, nil)
	assert.Error(t, err)
	assert.Contains(t, g.logs.String(), `there is no service \"parley.secrets.rotate\"`)
	err = g.call("server1", "parley.service.invoke", map[string]any{"name": "parley.secrets.rotate"}, nil)
	assert.Error(t, err, "an operator neither")
	assert.ErrorContains(t, g.deploy("server1", "take.star", "def handle(self):\n    pass\nservice('parley.stats.get', handle)\n"),
		"begins with parley., which is kept for internal services")
}

// TestInternalServicesByZeep calls them by a SOAP client that is not ours, which reads the WSDL.
func TestInternalServicesByZeep(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "hello.star", "def handle(self):\n    self.response.payload = 'hello'\n"))
	require.NoError(t, g.define(mounted))
	require.NoError(t, g.define("channel_rest:\n  - {name: Hello, service: hello, url_path: /hello}\n"))
	status, _, _ := g.ask("server1", "/hello")
	require.Equal(t, 200, status)
	out := python(t, "-c", `
import sys, zeep
from zeep.wsse.username import UsernameToken
ops = zeep.Client(sys.argv[1] + "/ops/soap?wsdl", wsse=UsernameToken("joe", "right", use_digest=True)).service
print(ops.Members()[0]["name"])
one = ops.GetStats(service="hello")[0]
print(one["service"], one["count"], one["errors"])
print(ops.Deploy(files=[{"name": "z.star", "source": "def handle(self):\n    pass\n"}])["services"])
`, g.url("server1"))
	assert.Equal(t, "server1\nhello 1 0\n['z']\n", out)
}
