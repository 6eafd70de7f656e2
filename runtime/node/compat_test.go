package node_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// zatoWorld is what the rows of TestWhatClientsOfZatoSee call.
const zatoWorld = `
security_basic_auth:
  - {name: Partners, username: sean, password: right, realm: My Realm}
security_api_key:
  - {name: Keys, key: right}
channel_rest:
  - {name: Typed, service: typed, url_path: /typed}
  - {name: Typed XML, service: typed, url_path: /typed/xml, data_format: xml}
  - {name: List, service: listed, url_path: /list}
  - {name: Plain, service: plain, url_path: /plain, method: POST}
  - {name: Text, service: text, url_path: /text}
  - {name: Empty, service: empty, url_path: /empty}
  - {name: Broken, service: broken, url_path: /broken}
  - {name: Broken XML, service: broken, url_path: /broken/xml, data_format: xml}
  - {name: Bad, service: bad, url_path: /bad}
  - {name: Picky, service: picky, url_path: /picky}
  - {name: Verbs, service: verbs, url_path: /verbs}
  - {name: Basic, service: plain, url_path: /basic, security: Partners}
  - {name: Key, service: plain, url_path: /key, security: Keys}
  - {name: Gzip, service: plain, url_path: /gzip, content_encoding: gzip}
  - {name: Off, service: plain, url_path: /off, is_active: false}
`

const zatoServices = `
def one(self): self.response.payload = {"name": "Sean", "is_vip": True, "extra": 1}
def many(self): self.response.payload = [{"name": "Sean"}, {"name": "Eve"}]
def plain(self): self.response.payload = {"a": 1}
def text(self): self.response.payload = "hello"
def empty(self): pass
def broken(self): fail("a secret of the house")
def bad(self): error(400, "no such account")
def accept(self): return False
def got(self): self.response.payload = "got"
service("typed", one, simple_io = SimpleIO(input_optional = ["cust_id"], output_required = ["name", "is_vip"]))
service("listed", many, simple_io = SimpleIO(output_required = ["name"], output_repeated = True, response_elem = "customers"))
service("plain", plain)
service("text", text)
service("empty", empty)
service("broken", broken)
service("bad", bad)
service("picky", plain, accept = accept)
service("verbs", handle_GET = got)
`

// TestWhatClientsOfZatoSee has the rows of what Zato answers, and what the same server answers under its own names.
func TestWhatClientsOfZatoSee(t *testing.T) {
	type answer struct {
		status int
		body   string // CID stands for the one of the reply's header
		header map[string]string
	}
	for _, world := range []struct {
		compat, cid, server string
		rows                map[string]answer
	}{
		{"zato", "X-Zato-CID", "Zato", map[string]answer{
			"GET /zato/ping":       {200, `{"zato_env":{"details":"","result":"ZATO_OK","cid":"CID"},"zato_ping_response":{"pong":"zato"}}`, map[string]string{"Content-Type": "application/json"}},
			"POST /zato/ping":      {200, `{"zato_env":{"details":"","result":"ZATO_OK","cid":"CID"},"zato_ping_response":{"pong":"zato"}}`, nil},
			"GET /zato/ping2":      {200, `{"zato_env":{"details":"","result":"ZATO_OK","cid":"CID"},"zato_ping2_response":{"pong":"zato"}}`, nil},
			"GET /typed":           {200, `{"response":{"name":"Sean","is_vip":true}}`, map[string]string{"Content-Type": "application/json"}},
			"GET /list":            {200, `{"customers":[{"name":"Sean"},{"name":"Eve"}]}`, nil},
			"POST /plain":          {200, `{"a":1}`, map[string]string{"Content-Type": "application/json"}},
			"GET /text":            {200, `hello`, nil},
			"GET /empty":           {200, ``, nil},
			"GET /typed/xml":       {200, `<response><zato_env><cid>CID</cid><result>ZATO_OK</result></zato_env><item><name>Sean</name><is_vip>true</is_vip></item></response>`, map[string]string{"Content-Type": "application/xml"}},
			"GET /nowhere":         {404, `{"zato_env":{"cid":"CID","result":"ZATO_ERROR","details":"URL not found (CID:CID)"}}`, nil},
			"GET /off":             {404, `{"zato_env":{"cid":"CID","result":"ZATO_ERROR","details":"URL not found (CID:CID)"}}`, nil},
			"GET /plain":           {405, "{\"zato_env\":{\"cid\":\"CID\",\"result\":\"ZATO_ERROR\",\"details\":\"Method `GET` is not allowed here\"}}", map[string]string{"Allow": "OPTIONS, POST"}},
			"PUT /verbs":           {405, ``, map[string]string{"Allow": "GET, HEAD, OPTIONS"}},
			"GET /basic":           {401, `{"zato_env":{"cid":"CID","result":"ZATO_ERROR","details":"you are not allowed to access this resource without valid credentials"}}`, map[string]string{"WWW-Authenticate": `Basic realm="My Realm"`}},
			"GET /key":             {401, `{"zato_env":{"cid":"CID","result":"ZATO_ERROR","details":"you are not allowed to access this resource without valid credentials"}}`, map[string]string{"WWW-Authenticate": "zato-apikey"}},
			"GET /bad":             {400, `{"zato_env":{"cid":"CID","result":"ZATO_ERROR","details":"no such account"}}`, nil},
			"GET /typed?cust_id=x": {400, `{"zato_env":{"cid":"CID","result":"ZATO_ERROR","details":"input is not valid: cust_id: expected an integer, not \"x\""}}`, nil},
			"GET /picky":           {400, ``, nil},
			"GET /broken":          {500, `{"zato_env":{"cid":"CID","result":"ZATO_ERROR","details":"An error has occurred"}}`, nil},
			"GET /broken/xml":      {500, `<response><zato_env><cid>CID</cid><result>ZATO_ERROR</result><details>An error has occurred</details></zato_env></response>`, nil},
			"GET /gzip":            {200, `{"a":1}`, map[string]string{"Content-Encoding": "gzip", "Vary": ""}},
			"GET /parley/ping":     {404, `{"zato_env":{"cid":"CID","result":"ZATO_ERROR","details":"URL not found (CID:CID)"}}`, nil},
			"GET /verbs":           {200, "got", nil},
		}},
		{"", "X-Parley-CID", "", map[string]answer{
			"GET /parley/ping":     {200, `{"parley_env":{"details":"","result":"PARLEY_OK","cid":"CID"},"parley_ping_response":{"pong":"parley"}}`, map[string]string{"Content-Type": "application/json"}},
			"GET /parley/ping2":    {200, `{"parley_env":{"details":"","result":"PARLEY_OK","cid":"CID"},"parley_ping2_response":{"pong":"parley"}}`, nil},
			"GET /zato/ping":       {404, `{"parley_env":{"cid":"CID","result":"PARLEY_ERROR","details":"nothing is served at /zato/ping"}}`, nil},
			"GET /typed":           {200, `{"response":{"name":"Sean","is_vip":true}}`, nil},
			"GET /typed/xml":       {200, `<response><parley_env><cid>CID</cid><result>PARLEY_OK</result></parley_env><item><name>Sean</name><is_vip>true</is_vip></item></response>`, nil},
			"GET /off":             {404, `{"parley_env":{"cid":"CID","result":"PARLEY_ERROR","details":"nothing is served at /off"}}`, nil},
			"GET /plain":           {405, `{"parley_env":{"cid":"CID","result":"PARLEY_ERROR","details":"the method GET is not allowed at /plain; allowed: OPTIONS, POST"}}`, map[string]string{"Allow": "OPTIONS, POST"}},
			"PUT /verbs":           {405, `{"parley_env":{"cid":"CID","result":"PARLEY_ERROR","details":"the method PUT is not allowed at /verbs; allowed: GET, HEAD, OPTIONS"}}`, map[string]string{"Allow": "GET, HEAD, OPTIONS"}},
			"GET /basic":           {401, `{"parley_env":{"cid":"CID","result":"PARLEY_ERROR","details":"you are not allowed to access this resource without valid credentials"}}`, map[string]string{"WWW-Authenticate": `Basic realm="My Realm", charset="UTF-8"`}},
			"GET /key":             {401, `{"parley_env":{"cid":"CID","result":"PARLEY_ERROR","details":"you are not allowed to access this resource without valid credentials"}}`, map[string]string{"WWW-Authenticate": "parley-apikey"}},
			"GET /picky":           {400, ``, nil},
			"GET /broken":          {500, `{"parley_env":{"cid":"CID","result":"PARLEY_ERROR","details":"internal error"}}`, nil},
			"GET /gzip":            {200, `{"a":1}`, map[string]string{"Content-Encoding": "", "Vary": "Accept-Encoding"}},
			"GET /typed?cust_id=x": {400, `{"parley_env":{"cid":"CID","result":"PARLEY_ERROR","details":"input is not valid: cust_id: expected an integer, not \"x\""}}`, nil},
		}},
	} {
		t.Run("compat "+world.compat, func(t *testing.T) {
			g := newGround(t)
			g.folder.Cluster.Compat = world.compat
			g.run("server1")
			require.NoError(t, g.deploy("server1", "zato_world.star", zatoServices))
			require.NoError(t, g.define(zatoWorld))
			for call, want := range world.rows {
				method, path, _ := strings.Cut(call, " ")
				req, err := http.NewRequestWithContext(t.Context(), method, g.url("server1")+path, http.NoBody)
				require.NoError(t, err)
				req.Header.Set("Accept-Encoding", "identity")
				res, err := http.DefaultClient.Do(req)
				require.NoError(t, err)
				raw, err := io.ReadAll(res.Body)
				require.NoError(t, err)
				require.NoError(t, res.Body.Close())
				if res.Header.Get("Content-Encoding") == "gzip" {
					r, err := gzip.NewReader(bytes.NewReader(raw))
					require.NoError(t, err, call)
					raw, err = io.ReadAll(bufio.NewReader(r))
					require.NoError(t, err, call)
				}
				cid := res.Header.Get(world.cid)
				assert.Regexp(t, regexp.MustCompile("^[0-9a-f]{24}$"), cid, call)
				assert.Equal(t, world.server, res.Header.Get("Server"), call)
				assert.Equal(t, want.status, res.StatusCode, call)
				assert.Equal(t, want.body, strings.ReplaceAll(string(raw), cid, "CID"), call)
				for name, value := range want.header {
					assert.Equal(t, value, res.Header.Get(name), "%s: %s", call, name)
				}
			}
			assert.Contains(t, g.logs.String(), "a secret of the house", "what callers are not told is in the log")
		})
	}
}
