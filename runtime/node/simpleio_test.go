package node_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
)

const loginStar = `
def handle(self):
    self.logger.info("got %s", self.request.input)
    self.log_input()
    self.response.payload.user = self.request.input.user
    self.response.payload.length = len(self.request.input.password)

service(name = "login", handle = handle, simple_io = SimpleIO(input = ["user", "password", "-cust_no"], output = ["user", Int("length")]))
`

const loginYAML = `
channel_rest:
  - {name: Login, service: login, url_path: /login, method: POST}
  - {name: Login by path, service: login, url_path: "/login/{user}/{password}", method: GET}
`

func TestSecretsAreInNoLogAndNoError(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "login.star", loginStar))
	require.NoError(t, g.define(loginYAML))
	status, _, body := g.request("POST", g.url("server1")+"/login", `{"user":"sean","password":"canary-1"}`)
	assert.Equal(t, http.StatusOK, status, body)
	assert.JSONEq(t, `{"response":{"user":"sean","length":8}}`, body)
	status, _, body = g.request("GET", g.url("server1")+"/login/sean/canary-2", "")
	assert.Equal(t, http.StatusOK, status, body)
	status, _, body = g.request("POST", g.url("server1")+"/login", `{"user":["x"],"password":["canary-3"]}`)
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Equal(t, "input is not valid: user: expected text, not a list; password: expected text, not a list", details(body))
	status, _, body = g.request("DELETE", g.url("server1")+"/login/sean/canary-4", "")
	assert.Equal(t, http.StatusMethodNotAllowed, status)
	assert.Equal(t, "the method DELETE is not allowed at /login/{user}/{password}; allowed: GET, HEAD, OPTIONS", details(body))
	assert.NotContains(t, g.logs.String(), "canary")
	assert.Contains(t, g.logs.String(), `path=/login/{user}/{password}`)
	assert.Contains(t, g.logs.String(), `***`)
}

func TestConventionsOfTheCluster(t *testing.T) {
	g := newGround(t)
	double := service.New("go.no", func(_ context.Context, _ service.Runtime, in any) (any, error) { return in, nil })
	double.Shape = &service.Shape{Input: []service.Field{{Name: "cust_no", Required: true}}}
	g.run("server1", double)
	require.NoError(t, g.deploy("server1", "login.star", loginStar))
	require.NoError(t, g.define(loginYAML+"  - {name: No, service: go.no, url_path: /no}\n"))
	send := func() string {
		_, _, star := g.request("POST", g.url("server1")+"/login", `{"user":"sean","password":"p","cust_no":"x"}`)
		_, _, compiled := g.request("POST", g.url("server1")+"/no", `{"cust_no":"7"}`)
		return details(star) + compiled
	}
	assert.Equal(t, `{"cust_no":"7"}`, send())
	require.NoError(t, g.define("simple_io:\n  - {name: conventions, int_suffix: [_no]}\n"))
	assert.Equal(t, `input is not valid: cust_no: expected an integer, not "x"{"cust_no":7}`, send())
	require.NoError(t, g.define("simple_io:\n  - {name: conventions, int_suffix: [_nr], secret_exact: [user]}\n"))
	assert.Equal(t, `{"cust_no":"7"}`, send())
	assert.ErrorContains(t, g.define("simple_io:\n  - {name: mine, int_suffix: [_no]}\n"), `simple_io "mine": there is one such object, and its name is conventions`)
	assert.ErrorContains(t, g.define("simple_io:\n  - {name: conventions, int_suffix: ['']}\n"), "int_suffix: holds an empty name, which every field would match")
	err := g.deploy("server1", "bad.star", `
def handle(self):
    pass
service("bad", handle, simple_io = SimpleIO(input = [Int("age", default = "old"), Date("day", format = "%Q")]))
`)
	assert.ErrorContains(t, err, `bad.star:4:8: service "bad": the declared input and output are not valid: input field "age": its default is "old"; expected an integer`)
	assert.ErrorContains(t, err, `input field "day": the format "%Q" has %Q, which is not served`)
}

func TestOpenAPI(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	at := g.url("server1") + "/parley/openapi.json"
	read := func() (doc struct {
		OpenAPI string
		Info    struct{ Version string }
		Paths   map[string]map[string]struct{ OperationID, Summary string }
	},
	) {
		status, header, body := g.request("GET", at, "")
		require.Equal(t, http.StatusOK, status)
		assert.Equal(t, "application/json", header.Get("Content-Type"))
		assert.NotEmpty(t, header.Get("X-Parley-CID"))
		require.NoError(t, json.Unmarshal([]byte(body), &doc))
		return doc
	}
	assert.Empty(t, read().Paths)
	require.NoError(t, g.deploy("server1", "login.star", loginStar))
	require.NoError(t, g.define(loginYAML+"  - {name: Off, service: login, url_path: /off, is_active: false}\n  - {name: None, service: none, url_path: /none}\n"))
	doc := read()
	assert.Equal(t, "3.1.0", doc.OpenAPI)
	assert.Equal(t, "Login", doc.Paths["/login"]["post"].OperationID)
	assert.Contains(t, doc.Paths, "/login/{user}/{password}")
	assert.Len(t, doc.Paths, 2, "inactive channels, and those without a service, answer nothing")
	first := doc.Info.Version
	require.NoError(t, g.define(fmt.Sprintf(guarded, canary)))
	require.NoError(t, g.deploy("server1", "who.star", "def handle(self):\n    pass\n"))
	_, _, body := g.request("GET", at, "")
	assert.Contains(t, body, `"securitySchemes":{"Partners":{"type":"http","scheme":"basic"},"Key":{"type":"apiKey","in":"header","name":"X-Key"}}`)
	assert.NotContains(t, body, "c4nary")
	require.NoError(t, g.define("channel_rest:\n  - {name: More, service: login, url_path: /more}\n"))
	doc = read()
	assert.Contains(t, doc.Paths, "/more")
	assert.NotEqual(t, first, doc.Info.Version)
	status, header, body := g.request("POST", at, "{}")
	assert.Equal(t, http.StatusMethodNotAllowed, status)
	assert.Equal(t, "GET, HEAD", header.Get("Allow"))
	assert.Contains(t, details(body), "the method POST is not allowed")
	status, header, body = g.request("HEAD", at, "")
	assert.Equal(t, fmt.Sprint(http.StatusOK, true, ""), fmt.Sprint(status, header.Get("Content-Length") != "0", body))
}
