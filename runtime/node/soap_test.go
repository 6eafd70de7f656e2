package node_test

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/locked"
	"github.com/parley-run/parley/runtime/folder"
)

const bankStar = `
def get_client(self):
    """Everything that is known of a client."""
    i = self.request.input
    if i.cust_id == 404:
        self.response.status_code = 404
    self.response.payload = {
        "name": i.name, "born": i.born, "seen": i.seen, "balance": i.balance, "is_vip": i.is_vip, "rate": i.rate,
        "address": {"street": "Main Street", "zip": 1234}, "lines": i.lines, "tags": i.tags, "labels": i.labels, "score": None,
    }

lines = DictList("-lines", "product", Int("count", min = 1), Date("-due"))
service("bank.get-client", get_client, simple_io = SimpleIO(
    input = ["cust_id", "name", Date("-born"), DateTime("-seen"), Decimal("-balance"), "-is_vip", Float("-rate"), lines, List("-tags", of = Text), Dict("-labels")],
    output = ["name", Date("-born"), DateTime("-seen"), Decimal("-balance"), "-is_vip", Float("-rate"), Dict("address", "street", Int("zip")), lines,
        List("-tags", of = Text), Dict("-labels"), Int("score")],
))

def note(self):
    self.logger.info("noted %s", self.request.input)

service("bank.note", note, simple_io = SimpleIO(input = ["text"]))

def list_clients(self):
    self.response.payload = [{"cust_id": 1, "name": "Ana"}, {"cust_id": 2, "name": "Ben"}]

def odd(self):
    i = self.request.input
    self.response.payload = {"id": i.id, "at": "2026-11-21 09:30:00", "values": i.values, "more": i.more, "list": i.list, "labels": {"a": 1}, "day": "2026-11-21", "nested": [{"deep": [{"x": 1}]}]}

fields = [UUID("id"), CSV("values"), Opaque("-more"), List("-list"), Dict("-labels"), Date("-day", format = "%d.%m.%Y")]
service("bank.odd", odd, simple_io = SimpleIO(input = fields, output = fields + [UTC("at"), DictList("nested", DictList("deep", Int("x")))], request_elem = "request"))

def free(self):
    self.response.payload = self.request.input

service("bank.free", free)

service("bank.list-clients", list_clients, simple_io = SimpleIO(output = ["cust_id", "name"], output_repeated = True))
`

const bankYAML = `
security_wss:
  - {name: Text, username: joe, password: s3cret & more}
  - {name: Digest, username: joe, password: s3cret & more, password_type: digest}
channel_soap:
  - name: Bank
    url_path: /soap/bank
    namespace: urn:example:bank
    operations: {GetClient: bank.get-client, Note: bank.note, ListClients: bank.list-clients, Log: bank.note, Odd: bank.odd, Free: bank.free}
    one_way: [Log]
  - {name: Text, url_path: /soap/text, service: bank.note, security: Text}
  - {name: Digest, url_path: /soap/digest, service: bank.note, security: Digest}
`

// python runs a program that needs zeep, which Debian has as python3-zeep.
func python(t *testing.T, args ...string) string {
	t.Helper()
	const python3 = "/usr/bin/python3"
	if err := exec.CommandContext(t.Context(), python3, "-c", "import zeep").Run(); err != nil {
		require.False(t, slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "zeep"), "PARLEY_REQUIRE asks for zeep: %v", err)
		t.Skip("zeep is not installed (apt-get install python3-zeep): ", err)
	}
	out, err := exec.CommandContext(t.Context(), python3, args...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

func TestSOAPByZeep(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "bank.star", bankStar))
	require.NoError(t, g.define(bankYAML))
	out := python(t, "testdata/soap_client.py", g.url("server1"))
	var want []string
	for _, v := range []struct{ name, client, code string }{{"Soap11", "Client", "soap:"}, {"Soap12", "Sender", "soap:"}} {
		want = append(want,
			`["`+v.name+` everything", {"address": {"street": "Main Street", "zip": 1234}, "balance": "decimal 12345678901234567890.12", "born": "1980-01-02", "is_vip": true, `+
				`"labels": {"item": [{"key": "k k", "value": "v"}]}, "lines": [{"count": 2, "due": "2026-01-01", "product": "A"}, {"count": 3, "due": null, "product": "B"}], `+
				`"name": "Ana & <Co> \u00e9", "rate": 0.25, "score": null, "seen": "2026-11-21T09:30:00", "tags": ["x", "y"]}]`,
			`["`+v.name+` the least", {"address": {"street": "Main Street", "zip": 1234}, "balance": null, "born": null, "is_vip": null, "labels": null, "lines": [], `+
				`"name": null, "rate": null, "score": null, "seen": null, "tags": []}]`,
			`["`+v.name+` not found", {"fault": "`+v.code+v.client+`", "message": "service \"bank.get-client\" answered with the status 404"}]`,
			`["`+v.name+` wrong", {"fault": "`+v.code+v.client+`", "message": "input is not valid: lines[0].count: expected an integer of at least 1, not \"0\""}]`,
			`["`+v.name+` no output", null]`,
			`["`+v.name+` a list", [{"cust_id": 1, "name": "Ana"}, {"cust_id": 2, "name": "Ben"}]]`,
			`["`+v.name+` one way", null]`,
			`["`+v.name+` odd", {"at": "2026-11-21T09:30:00+00:00", "day": "21.11.2026", "id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "labels": {"item": [{"key": "a", "value": "1"}]}, `+
				`"list": ["1", "2"], "more": "m", "nested": [{"deep": [{"x": 1}]}], "values": "a,b"}]`,
			`["`+v.name+` free", ["a", "b"]]`,
		)
	}
	const refused = `"message": "you are not allowed to access this resource without valid credentials"}]`
	for _, kind := range []string{"Text", "Digest"} {
		want = append(want, `["`+kind+` Soap11 s3cret & more", null]`, `["`+kind+` Soap12 s3cret & more", null]`)
		want = append(want, `["`+kind+` Soap11 wrong", {"fault": "soap:Client", `+refused, `["`+kind+` Soap12 wrong", {"fault": "soap:Sender", `+refused)
	}
	want = append(want, `["Nothing Soap11", {"fault": "soap:Client", `+refused, `["Nothing Soap12", {"fault": "soap:Sender", `+refused)
	assert.Equal(t, strings.Join(want, "\n"), strings.TrimSpace(out))
	assert.NotContains(t, g.logs.String(), "s3cret")
}

// soap sends a message with the header in it, SOAPAction too where there is one.
func (g *ground) soap(server, path, header, body, action string) (status int, answer string) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.url(server)+path, strings.NewReader(
		`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>`+header+`</s:Header><s:Body>`+body+`</s:Body></s:Envelope>`))
	require.NoError(g.t, err)
	req.Header.Set("Content-Type", "text/xml")
	req.Header.Set("SOAPAction", `"`+action+`"`)
	res, err := http.DefaultClient.Do(req)
	require.NoError(g.t, err)
	defer func() { _ = res.Body.Close() }()
	var b strings.Builder
	require.NoError(g.t, res.Write(&b))
	return res.StatusCode, b.String()
}

func TestSOAPChannelsShareAPath(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "a.star", `
def one(self):
    self.response.payload = {"which": "one"}
def two(self):
    self.response.payload = {"which": "two"}
service("a.one", one, simple_io = SimpleIO(output = ["which"]))
service("a.two", two, simple_io = SimpleIO(output = ["which"]))
`))
	require.NoError(t, g.define(`
channel_soap:
  - {name: One, service: a.one, url_path: /soap, soap_action: "urn:one"}
  - {name: Two, service: a.two, url_path: /soap, soap_action: "urn:two"}
`))
	for _, row := range []struct{ action, want string }{
		{"urn:one", "<which>one</which>"}, {"urn:two", "<which>two</which>"}, {"urn:three", "the SOAPAction &quot;urn:three&quot; is not served at /soap; there is &quot;urn:one&quot;"},
	} {
		_, answer := g.soap("server1", "/soap", "", "<x/>", row.action)
		assert.Contains(t, answer, row.want)
	}
	_, _, wsdl := g.request("GET", g.url("server1")+"/soap?wsdl", "")
	assert.Contains(t, wsdl, `soapAction="urn:one"`)
	_, _, wsdl = g.request("GET", g.url("server1")+"/soap?wsdl&soap_action=urn:two", "")
	assert.Contains(t, wsdl, `soapAction="urn:two"`)
	status, header, _ := g.request("DELETE", g.url("server1")+"/soap", "")
	assert.Equal(t, 405, status)
	assert.Equal(t, "GET, HEAD, OPTIONS, POST", header.Get("Allow"))
	for _, clash := range []string{
		"channel_soap:\n  - {name: Three, service: a.one, url_path: /soap, soap_action: 'urn:two'}\n",
		"channel_soap:\n  - {name: Three, service: a.one, url_path: /soap}\n",
		"channel_rest:\n  - {name: Three, service: a.one, url_path: /soap, method: POST}\n",
	} {
		assert.ErrorContains(t, g.define(clash), "is served by channel", clash)
	}
}

// token is a WS-Security header with a digest of the password.
func token(user, password, nonce string) string {
	const oasis = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
	created := time.Now().UTC().Format(time.RFC3339)
	sum := sha1.Sum([]byte(nonce + created + password))
	return `<w:Security xmlns:w="` + oasis + `wssecurity-secext-1.0.xsd" s:mustUnderstand="1"><w:UsernameToken><w:Username>` + user + `</w:Username><w:Password Type="` + oasis +
		`username-token-profile-1.0#PasswordDigest">` + base64.StdEncoding.EncodeToString(sum[:]) + `</w:Password><w:Nonce>` + base64.StdEncoding.EncodeToString([]byte(nonce)) +
		`</w:Nonce><u:Created xmlns:u="` + oasis + `wssecurity-utility-1.0.xsd">` + created + `</u:Created></w:UsernameToken></w:Security>`
}

func TestNoncesAreTheClusters(t *testing.T) {
	redis := miniredis.RunT(t)
	f, _, err := folder.Create(filepath.Join(t.TempDir(), "c"), folder.Options{Servers: 2, FreePorts: true, RedisURL: "redis://" + redis.Addr() + "/0"})
	require.NoError(t, err)
	g := &ground{t: t, folder: f, logs: &locked.Buffer{}}
	g.run("server1")
	g.run("server2")
	require.NoError(t, g.deploy("server1", "bank.star", bankStar))
	require.NoError(t, g.define(bankYAML))
	send := func(server, header string) (int, string) {
		return g.soap(server, "/soap/digest", header, "<Note><text>x</text></Note>", "")
	}
	first := token("joe", "s3cret & more", "one")
	status, answer := send("server1", first)
	require.Equal(t, 200, status, answer)
	for _, server := range []string{"server1", "server2"} {
		status, answer = send(server, first)
		assert.Equal(t, 401, status, server)
		assert.Contains(t, answer, "Www-Authenticate: parley-wss")
		assert.Contains(t, answer, "Nonce was used before")
	}
	var keys []string
	for _, key := range redis.Keys() {
		if strings.HasPrefix(key, "parley:c:once:wss:") {
			keys = append(keys, key)
			assert.Greater(t, redis.TTL(key), 2*time.Minute)
		}
	}
	assert.Len(t, keys, 1)

	redis.Close()
	second := token("joe", "s3cret & more", "two")
	status, answer = send("server2", second)
	require.Equal(t, 200, status, "without Redis a server goes by what itself has seen: %s", answer)
	status, _ = send("server2", second)
	assert.Equal(t, 401, status)
	status, _ = send("server1", first)
	assert.Equal(t, 401, status, "seen while Redis was there")
}

func TestOutgoingWSSecurity(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "bank.star", bankStar, "out.star", `
def handle(self):
    body = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Note><text>x</text></Note></s:Body></s:Envelope>'
    conn = self.outgoing.plain_http.get("Bank").conn
    self.response.payload = [conn.post(self.cid, body, headers = {"Content-Type": "text/xml"}).status_code for _ in range(2)]
`))
	require.NoError(t, g.define(bankYAML))
	for _, kind := range []string{"text", "digest"} {
		require.NoError(t, g.define(fmt.Sprintf(`
security_wss:
  - {name: Out, username: joe, password: s3cret & more, password_type: %s, outgoing: true}
outgoing_rest:
  - {name: Bank, host: "%s", url_path: /soap/%s, security: Out, data_format: ""}
channel_rest:
  - {name: Out, service: out, url_path: /out}
`, kind, g.url("server1"), kind)))
		_, _, body := g.request("GET", g.url("server1")+"/out", "")
		assert.Equal(t, "[200,200]", body)
	}
	require.NoError(t, g.define("security_wss:\n  - {name: Out, username: joe, password: other, outgoing: true}\n"))
	_, _, body := g.request("GET", g.url("server1")+"/out", "")
	assert.Equal(t, "[401,401]", body)
	assert.ErrorContains(t, g.define("security_wss:\n  - {name: Text, username: joe, password_type: digest}\n"), "only its hash is kept; give it again")
}
