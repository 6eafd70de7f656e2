package node_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const ruled = `
security_basic_auth:
  - {name: Staff, username: sue, password: sue-pass}
  - {name: Bosses, username: bob, password: bob-pass}
  - {name: Strangers, username: jim, password: jim-pass}
rbac_role:
  - name: Employee
    members: [Staff]
    grants:
      - services: ["who*"]
        permissions: [read]
  - name: Manager
    parent: Employee
    members: [Bosses]
    grants:
      - {services: [who], permissions: [create]}
channel_rest:
  - {name: Any, service: who, url_path: /any, sec_use_rbac: true}
  - {name: Staff, service: who, url_path: /staff, security: Staff, has_rbac: true}
  - {name: Strangers, service: who, url_path: /strangers, security: Strangers, has_rbac: true}
`

const whoStar = "def handle(self):\n    self.response.payload = {\"hello\": \"world\"}\n"

// post is ask by POST.
func (g *ground) post(server, path string, headers ...string) (status int, header http.Header, body string) {
	return g.askBy(http.MethodPost, server, path, headers...)
}

// revision is that of the catalog that a server serves.
func (g *ground) revision(server string) (revision int64) {
	g.t.Helper()
	var info struct{ Revision int64 }
	require.NoError(g.t, g.call(server, "parley.server.info", struct{}{}, &info))
	return info.Revision
}

func TestRolesSayWhoMay(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	g.run("server2")
	require.NoError(t, g.deploy("server1", "who.star", whoStar))
	require.NoError(t, g.define(ruled))
	for _, row := range []struct {
		name, method, path, user string
		status                   int
	}{
		{"a role's read", "GET", "/staff", "sue:sue-pass", 200},
		{"what it does not grant", "POST", "/staff", "sue:sue-pass", 403},
		{"bad credentials come first", "POST", "/staff", "sue:x", 401},
		{"no role at all", "GET", "/strangers", "jim:jim-pass", 403},
		{"any definition that a role lets in", "GET", "/any", "sue:sue-pass", 200},
		{"another one", "GET", "/any", "bob:bob-pass", 200},
		{"by a parent's role alone", "POST", "/any", "sue:sue-pass", 403},
		{"the other one's role", "POST", "/any", "bob:bob-pass", 200},
		{"no role lets it in", "GET", "/any", "jim:jim-pass", 401},
		{"a wrong password", "GET", "/any", "bob:sue-pass", 401},
	} {
		for _, server := range []string{"server1", "server2"} {
			status, header, body := g.askBy(row.method, server, row.path, "Basic", row.user)
			assert.Equal(t, row.status, status, "%s: %s", row.name, body)
			if status == 401 && row.path == "/any" {
				assert.Equal(t, "parley", header.Get("WWW-Authenticate"), row.name)
			}
		}
	}
	_, _, body := g.post("server1", "/staff", "Basic", "sue:sue-pass")
	assert.Contains(t, body, "you are not allowed to access this resource")
	assert.Contains(t, g.logs.String(), `no role of sue (definition \"Staff\") grants create on the service \"who\"`)

	require.NoError(t, g.define("rbac_role:\n  - {name: Employee, members: [Strangers], grants: [{services: [who], permissions: [read]}]}\n"))
	for _, server := range []string{"server1", "server2"} {
		status, _, _ := g.ask(server, "/staff", "Basic", "sue:sue-pass")
		assert.Equal(t, 403, status, "a changed role counts at once")
		status, _, _ = g.ask(server, "/any", "Basic", "jim:jim-pass")
		assert.Equal(t, 200, status, "and who has it now may")
		status, _, _ = g.ask(server, "/any", "Basic", "bob:bob-pass")
		assert.Equal(t, 200, status, "roles below it have its grants")
	}

	var exported struct{ Content string }
	require.NoError(t, g.call("server1", "parley.enmasse.export", struct{}{}, &exported))
	before := g.revision("server1")
	require.NoError(t, g.define(exported.Content))
	assert.Equal(t, before, g.revision("server1"), "export then import changes nothing:\n%s", exported.Content)
}

func TestBadRules(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "who.star", whoStar))
	require.NoError(t, g.define(ruled))
	for _, row := range []struct{ name, text, want string }{
		{"a channel with roles and nobody known", "channel_rest:\n  - {name: N, service: who, url_path: /n, has_rbac: true}\n", "has_rbac: roles are of callers with credentials"},
		{"two ways at once", "channel_rest:\n  - {name: N, service: who, url_path: /n, security: Staff, sec_use_rbac: true}\n", "sec_use_rbac: roles say whose credentials hold"},
		{"a parent that is not there", "rbac_role:\n  - {name: N, parent: Manger}\n", `there is no role "Manger"; did you mean "Manager"?`},
		{"a member that is not there", "rbac_role:\n  - {name: N, members: [Stuff]}\n", `there is no security definition "Stuff"; did you mean "Staff"?`},
		{"a limit of no channel", "rate_limit:\n  - {name: N, channels: [Staf], limits: [1/s]}\n", `there is no channel "Staf"; did you mean "Staff"?`},
		{"a limit that is none", "rate_limit:\n  - {name: N, limits: [fast]}\n", "expected a number of requests"},
	} {
		err := g.define(row.text)
		require.Error(t, err, row.name)
		assert.ErrorContains(t, err, row.want, row.name)
	}
}

func TestRateLimitsHoldOverTheCluster(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	g.run("server2")
	require.NoError(t, g.deploy("server1", "who.star", whoStar))
	require.NoError(t, g.define(ruled+`
  - {name: Open, service: who, url_path: /open}
  - {name: Each, service: who, url_path: /each}
rate_limit:
  - {name: Open, channels: [Open], limits: ["4/d"]}
  - {name: Each, channels: [Each], limits: ["10.0.0.0/8 = 2/d", "127.0.0.1 = *"], per: address}
  - {name: Staff, security: [Staff], limits: ["3/d"]}
`))
	count := func(path string, headers ...string) (passed int, last http.Header) {
		for i := range 10 {
			status, header, body := g.ask([]string{"server1", "server2"}[i%2], path, headers...)
			if last = header; status == 200 {
				passed++
				continue
			}
			require.Equal(t, 429, status, body)
		}
		return passed, last
	}
	passed, header := count("/open")
	assert.Equal(t, 4, passed, "both servers together")
	assert.Regexp(t, "^8(6400|63[0-9][0-9])$", header.Get("Retry-After"), "seconds until the day has passed")

	passed, _ = count("/each", "X-Forwarded-For", "10.1.2.3")
	assert.Equal(t, 2, passed, "the address that the load-balancer names")
	passed, _ = count("/each", "X-Forwarded-For", "10.1.2.3, 10.9.9.9")
	assert.Equal(t, 2, passed, "the last one, which no caller can write")
	passed, _ = count("/each")
	assert.Equal(t, 10, passed, "its own rule")
	status, _, body := g.ask("server1", "/each", "X-Forwarded-For", "192.0.2.7")
	assert.Equal(t, 403, status, "no rule: %s", body)

	passed, _ = count("/staff", "Basic", "sue:sue-pass")
	assert.Equal(t, 3, passed, "of a definition")
	status, _, _ = g.ask("server1", "/staff", "Basic", "sue:wrong")
	assert.Equal(t, 401, status, "who is not known is not counted as who is")

	require.NoError(t, g.define("rate_limit:\n  - {name: Open, channels: [Open], limits: [\"5/d\"]}\n"))
	passed, _ = count("/open")
	assert.Equal(t, 5, passed, "a changed limit begins anew")
}
