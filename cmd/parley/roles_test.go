package main_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/folder"
)

const users = `
admin_user:
  - {name: victor, password: victor-pw, role: viewer}
  - {name: dora, password: dora-pw, role: deployer}
  - {name: otto, password: otto-pw, role: operator}
  - {name: anna, password: anna-pw, role: admin}
  - {name: gone, password: gone-pw, role: admin, is_active: false}
`

// callers are who calls, by name and password, and the role that they have.
func callers() []struct{ name, password, role string } {
	return []struct{ name, password, role string }{
		{"victor", "victor-pw", "viewer"},
		{"dora", "dora-pw", "deployer"},
		{"otto", "otto-pw", "operator"},
		{"anna", "anna-pw", "admin"},
		{"", "", ""},
	}
}

// asUser calls an internal service by HTTP. An empty name shows nothing.
func asUser(t *testing.T, address, name, password, service, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/parley/api/"+service, strings.NewReader(body))
	require.NoError(t, err)
	if name != "" {
		req.SetBasicAuth(name, password)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(raw)
}

// documented are the roles that may call each service, as docs/admin-api.md says.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/admin-api.md")
	require.NoError(t, err)
	out := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(parley\\.[a-z.-]+)` \\| .*? \\| (?:read|deploy|operate|manage) \\| ([a-z, ]+) \\| ").FindAllStringSubmatch(string(page), -1) {
		out[m[1]] = strings.Split(m[2], ", ")
	}
	return out
}

// TestEveryServiceWithEveryRole asks for each internal service that a running server and its supervisor offer, as each role
// and as nobody. No service runs: what a caller may not is refused before its input is read, and the input is broken.
func TestEveryServiceWithEveryRole(t *testing.T) {
	s := newShell(t)
	s.write("users.yaml", users)
	s.must("enmasse", "import", "users.yaml")
	f, err := folder.Open(filepath.Join(s.dir, "c"))
	require.NoError(t, err)
	known := documented(t)
	for _, at := range []struct{ name, address string }{{"a server", f.Cluster.Servers[0].Admin}, {"the supervisor", f.Cluster.Supervisor.Admin}} {
		var offered struct {
			Response []struct{ Name, Permission string }
		}
		_, body := asUser(t, at.address, "anna", "anna-pw", "parley.api.services", "{}")
		require.NoError(t, json.Unmarshal([]byte(body), &offered), body)
		names := []string{}
		for _, one := range offered.Response {
			names = append(names, one.Name)
		}
		for name := range known {
			if !slices.Contains(names, name) {
				names = append(names, name) // a peer's
			}
		}
		require.Greater(t, len(names), 40)
		for _, name := range names {
			may, ok := known[name]
			if !ok {
				may = []string{"admin"} // whoever adds a service and says nothing of it opens it to nobody else
			}
			for _, c := range callers() {
				status, body := asUser(t, at.address, c.name, c.password, name, "{")
				switch {
				case c.role == "":
					assert.Equal(t, 401, status, "%s: %s by %q: %s", at.name, name, c.name, body)
				case slices.Contains(may, c.role):
					assert.Equal(t, 400, status, "%s: %s by %q: %s", at.name, name, c.role, body)
					assert.Contains(t, body, "malformed JSON", name)
				default:
					assert.Equal(t, 403, status, "%s: %s by %q: %s", at.name, name, c.role, body)
					assert.Contains(t, body, "the role "+c.role+" may not call "+name+": it needs the role "+strings.Join(may, " or "), name)
				}
			}
		}
	}
}

// TestUsersOfTheAdminAPI goes through a user's life: made, used, named by the audit log, given another password, deleted.
func TestUsersOfTheAdminAPI(t *testing.T) {
	s := newShell(t)
	s.write("users.yaml", users)
	s.must("enmasse", "import", "users.yaml")
	f, err := folder.Open(filepath.Join(s.dir, "c"))
	require.NoError(t, err)
	server, supervisor := f.Cluster.Servers[0].Admin, f.Cluster.Supervisor.Admin

	for _, address := range []string{server, supervisor} {
		status, body := asUser(t, address, "dora", "dora-pw", "parley.service.deploy",
			`{"files":[{"name":"d.star","source":"def handle(self):\n    self.response.payload = '`+address+`'\n"}]}`)
		require.Equal(t, 200, status, body)
		status, body = asUser(t, address, "otto", "otto-pw", "parley.service.invoke", `{"name":"d"}`)
		assert.Equal(t, 200, status, body)
		assert.Contains(t, body, address)
		status, body = asUser(t, address, "otto", "otto-pw", "parley.balancer.drain", `{"server":"server1"}`)
		assert.Equal(t, 200, status, body)
		assert.Contains(t, body, `"draining"`)
		status, body = asUser(t, address, "otto", "otto-pw", "parley.balancer.ready", `{"server":"server1"}`)
		assert.Equal(t, 200, status, body)
		status, body = asUser(t, address, "otto", "otto-pw", "parley.balancer.drain", `{"server":"nobody"}`)
		assert.Equal(t, 404, status, "what a peer refuses is refused: %s", body)
	}
	printed := s.must("audit", "list", "--name", "d.star")
	assert.Equal(t, 2, strings.Count(printed, "user dora through admin server1"), printed)

	exported := s.must("enmasse", "export")
	assert.NotContains(t, exported, "-pw")
	assert.NotContains(t, exported, "argon2")
	code, printed, said := s.run(exported, "enmasse", "diff", "-")
	assert.Zero(t, code, printed+said)
	got := s.must("objects", "get", "victor", "--kind", "admin_user", "-o", "json")
	assert.Contains(t, got, `"role": "viewer"`)
	assert.Contains(t, got, "(kept)")

	s.must("objects", "edit", "victor", "--kind", "admin_user", "password=an0ther")
	status, _ := asUser(t, server, "victor", "victor-pw", "parley.server.info", "{}")
	assert.Equal(t, 401, status)
	status, body := asUser(t, server, "victor", "an0ther", "parley.server.info", "{}")
	assert.Equal(t, 200, status, body)
	s.must("objects", "edit", "victor", "--kind", "admin_user", "role=deployer")
	status, body = asUser(t, server, "victor", "an0ther", "parley.service.deploy", "{}")
	assert.Equal(t, 400, status, body)
	s.must("objects", "delete", "victor", "--kind", "admin_user")
	status, _ = asUser(t, server, "victor", "an0ther", "parley.server.info", "{}")
	assert.Equal(t, 401, status)

	status, body = asUser(t, server, "gone", "gone-pw", "parley.server.info", "{}")
	assert.Equal(t, 401, status, body)
	for range 20 { // on a slow machine the first pauses are over before the next guess
		if status, body = asUser(t, server, "otto", "guess", "parley.server.info", "{}"); status == 429 {
			break
		}
	}
	assert.Equal(t, 429, status, "guessing gets slower: %s", body)
	status, body = asUser(t, supervisor, "dora", "guess", "parley.server.info", "{}")
	assert.Equal(t, 401, status, "nobody else is slowed down: %s", body)

	for _, row := range []struct{ yaml, want string }{
		{"admin_user:\n  - {name: x, password: p, role: vewer}\n", `role: expected one of viewer, deployer, operator, admin, not \"vewer\"; did you mean viewer?`},
		{"admin_user:\n  - {name: x, password: p}\n", `role: expected one of`},
		{"admin_user:\n  - {name: x, role: viewer}\n", `password: missing`},
		{"admin_user:\n  - {name: 'a:b', password: p, role: viewer}\n", `a user's name holds no colon`},
		{"admin_user:\n  - {name: admin, password: p, role: viewer}\n", `that is the cluster's own administrator`},
	} {
		s.write("bad.yaml", row.yaml)
		code, _, said := s.run("", "enmasse", "import", "bad.yaml")
		assert.NotZero(t, code)
		assert.Contains(t, said, strings.ReplaceAll(row.want, `\"`, `"`))
	}
}

// TestOpenAPIOfTheAdminAPI holds the documents of a server and of the supervisor against a public validator, and what
// services answer against what the documents say.
func TestOpenAPIOfTheAdminAPI(t *testing.T) {
	s := newShell(t)
	s.write("users.yaml", users+"outgoing_rest:\n  - {name: CRM, host: 'http://127.0.0.1:1'}\n")
	s.must("enmasse", "import", "users.yaml")
	s.write("d.star", "def handle(self):\n    self.response.payload = {'a': 1}\n")
	var first struct {
		Revision int64 `json:"revision"`
	}
	require.NoError(t, json.Unmarshal([]byte(s.must("deploy", "d.star", "--output", "json")), &first))
	s.write("d.star", "def handle(self):\n    self.response.payload = {'a': 2}\n")
	s.must("deploy", "d.star")
	s.must("invoke", "d")
	f, err := folder.Open(filepath.Join(s.dir, "c"))
	require.NoError(t, err)
	inputs := map[string]string{
		"parley.object.get": `{"kind":"admin_user","name":"dora"}`, "parley.stats.watch": `{"service":"d","slow_ms":1}`, "parley.outconn.ping": `{}`,
		"parley.service.invoke": `{"name":"d"}`, "parley.kvdb.execute": `{"command":"ping"}`, "parley.admin.user": `{"name":"dora"}`,
		"parley.enmasse.diff": `{"files":[{"name":"a.yaml","content":"admin_user: []"}]}`, "parley.balancer.weigh": `{"server":"server1","weight":100}`,
		"parley.balancer.drain": `{"server":"server1"}`, "parley.balancer.ready": `{"server":"server1"}`,
		"parley.service.deploy": `{"files":[{"name":"e.star","source":"def handle(self):\n    pass\n"}]}`, "parley.service.undeploy": `{"names":["e.star"]}`,
		"parley.object.create": `{"kind":"rbac_role","name":"R"}`, "parley.object.edit": `{"kind":"rbac_role","name":"R","config":{"users":["x"]}}`,
		"parley.object.delete": `{"kind":"rbac_role","name":"R"}`, "parley.admin.log-in": `{"name":"dora","password":"dora-pw"}`,
		"parley.enmasse.import": `{"files":[{"name":"a.yaml","content":"rbac_role:\n  - {name: Q}"}]}`,
		"parley.service.get":    `{"name":"d"}`, "parley.service.history": `{"name":"d"}`, "parley.service.source": `{"name":"d"}`,
		"parley.service.roll-back": fmt.Sprintf(`{"name":"d.star","revision":%d}`, first.Revision),
		"parley.stats.compare":     `{"last":"hour"}`, "parley.server.record-weight": `{"server":"server1","weight":100}`,
	}
	skipped := []string{"parley.catalog.accept-restore", "parley.supervisor.stop", "parley.server.stop", "parley.server.start", "parley.server.replace", "parley.balancer.reload"}
	for area, config := range map[string]string{
		"channel": `"kind":"channel_rest","config":{"service":"d","url_path":"/z"}`, "outconn": `"kind":"outgoing_rest","config":{"host":"http://127.0.0.1:1"}`,
		"security": `"kind":"security_basic_auth","config":{"username":"z","password":"z"}`, "adapter": `"config":{"outconn":"CRM"}`,
		"rule": `"kind":"rbac_role","config":{"users":["x"]}`, "user": `"config":{"password":"z","role":"viewer"}`,
	} {
		inputs["parley."+area+".create"] = `{"name":"zed",` + config + `}`
		inputs["parley."+area+".edit"] = `{"name":"zed","config":{"is_active":true}}`
		inputs["parley."+area+".get"] = `{"name":"zed"}`
		inputs["parley."+area+".delete"] = `{"name":"zed"}`
	}
	order := func(name string) int {
		return slices.Index([]string{"create", "edit", "get", "delete"}, name[strings.LastIndex(name, ".")+1:]) + 1
	}
	for _, address := range []string{f.Cluster.Servers[0].Admin, f.Cluster.Supervisor.Admin} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/parley/api/openapi.json", http.NoBody)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		_ = res.Body.Close()
		assert.Equal(t, 401, res.StatusCode)
		req.SetBasicAuth("victor", "victor-pw")
		res, err = http.DefaultClient.Do(req)
		require.NoError(t, err)
		raw, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		_ = res.Body.Close()
		loader := openapi3.NewLoader()
		doc, err := loader.LoadFromData(raw)
		require.NoError(t, err)
		require.NoError(t, doc.Validate(loader.Context))
		paths := doc.Paths.InMatchingOrder()
		slices.SortFunc(paths, func(a, b string) int {
			name := func(path string) string { return strings.TrimPrefix(path, "/parley/api/") }
			return cmp.Or(cmp.Compare(order(name(a)), order(name(b))), cmp.Compare(a, b))
		})
		require.NotEmpty(t, paths)
		for _, path := range paths {
			name := strings.TrimPrefix(path, "/parley/api/")
			if slices.Contains(skipped, name) {
				continue
			}
			input := cmp.Or(inputs[name], "{}")
			operation := doc.Paths.Value(path).Post
			require.NotNil(t, operation, name)
			if schema := operation.RequestBody.Value.Content.Get("application/json").Schema; schema != nil {
				var value any
				require.NoError(t, json.Unmarshal([]byte(input), &value))
				assert.NoError(t, schema.Value.VisitJSON(value), "%s: %s", name, input)
			}
			status, body := asUser(t, address, "anna", "anna-pw", name, input)
			require.Equal(t, 200, status, "%s: %s", name, body)
			var value any
			require.NoError(t, json.Unmarshal([]byte(body), &value))
			schema := operation.Responses.Status(200).Value.Content.Get("application/json").Schema
			assert.NoError(t, schema.Value.VisitJSON(value), "%s: %s", name, body)
			if name != "parley.service.invoke" && name != "parley.kvdb.execute" {
				assert.Error(t, schema.Value.VisitJSON(map[string]any{"response": map[string]any{"nonsense": 1}}), "%s says too little of its answer", name)
			}
		}
	}
}

// TestEveryWriteIsAudited: who, what, the content before and after, and the CID of the request, of each way to write.
func TestEveryWriteIsAudited(t *testing.T) {
	s := newShell(t)
	s.write("users.yaml", users+"security_api_key:\n  - {name: K, key: c4nary, outgoing: true}\n")
	s.must("enmasse", "import", "users.yaml")
	f, err := folder.Open(filepath.Join(s.dir, "c"))
	require.NoError(t, err)
	server, supervisor := f.Cluster.Servers[0].Admin, f.Cluster.Supervisor.Admin
	type change struct {
		Kind, Name, Action string
		HashBefore         string `json:"hash_before"`
		HashAfter          string `json:"hash_after"`
	}
	type row struct {
		Who, What, CID string
		Changes        []change
	}
	newest := func() row {
		var out struct{ Response []row }
		status, body := asUser(t, server, "victor", "victor-pw", "parley.audit.list", `{"limit":1}`)
		require.Equal(t, 200, status, body)
		require.NoError(t, json.Unmarshal([]byte(body), &out))
		require.Len(t, out.Response, 1)
		return out.Response[0]
	}
	file := func(text string) string {
		return `{"files":[{"name":"d.star","source":"def handle(self):\n    self.response.payload = ` + text + `\n"}]}`
	}
	const made, changed, gone = "made", "changed", "gone"
	for _, one := range []struct {
		address, user, service, input string
		kind, name, how               string
	}{
		{server, "dora", "parley.service.deploy", file("1"), "service_file", "d.star", made},
		{supervisor, "dora", "parley.service.deploy", file("2"), "service_file", "d.star", changed},
		{server, "dora", "parley.service.undeploy", `{"names":["d.star"]}`, "service_file", "d.star", gone},
		{server, "anna", "parley.enmasse.import", `{"files":[{"name":"a.yaml","content":"rbac_role:\n  - {name: R}"}]}`, "rbac_role", "R", made},
		{server, "anna", "parley.object.create", `{"kind":"rbac_role","name":"Q"}`, "rbac_role", "Q", made},
		{server, "anna", "parley.object.edit", `{"kind":"rbac_role","name":"Q","config":{"users":["x"]}}`, "rbac_role", "Q", changed},
		{server, "anna", "parley.object.edit", `{"kind":"admin_user","name":"victor","config":{"role":"operator"}}`, "admin_user", "victor", changed},
		{server, "anna", "parley.object.delete", `{"kind":"rbac_role","name":"Q"}`, "rbac_role", "Q", gone},
		{supervisor, "anna", "parley.secrets.rotate", `{}`, "security_api_key", "K", changed},
		{supervisor, "otto", "parley.balancer.weigh", `{"server":"server1","weight":50}`, "server_weight", "server1", made},
		{server, "otto", "parley.balancer.weigh", `{"server":"server1","weight":100}`, "server_weight", "server1", changed},
	} {
		before := newest()
		status, body := asUser(t, one.address, one.user, one.user+"-pw", one.service, one.input)
		require.Equal(t, 200, status, "%s: %s", one.service, body)
		after := newest()
		assert.NotEqual(t, before, after, one.service)
		assert.Regexp(t, "^user "+one.user+" through (admin|secrets) server1$", after.Who, one.service)
		assert.Regexp(t, "^[0-9a-f]{24}$", after.CID, one.service)
		assert.Contains(t, after.What, one.name, one.service)
		i := slices.IndexFunc(after.Changes, func(c change) bool { return c.Kind == one.kind && c.Name == one.name })
		require.GreaterOrEqual(t, i, 0, "%s: %+v", one.service, after)
		c := after.Changes[i]
		assert.Equal(t, one.how == made, c.HashBefore == "", one.service)
		assert.Equal(t, one.how == gone, c.HashAfter == "", one.service)
		assert.NotEqual(t, c.HashBefore, c.HashAfter, one.service)
	}
	s.must("audit", "verify")
	assert.NotContains(t, s.must("enmasse", "export"), "server_weight", "nothing to define")
}
