package rbac_test

import (
	"context"
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/rbac"
	"github.com/parley-run/parley/runtime/service"
)

func parse(t *testing.T, raw string) rbac.Role {
	t.Helper()
	r, err := rbac.Parse([]byte(raw))
	require.NoError(t, err)
	return r
}

func tree(t *testing.T) map[string]rbac.Role {
	t.Helper()
	return map[string]rbac.Role{
		"Employee": parse(t, `{"members": ["Staff"], "grants": [{"services": ["crm.*"], "permissions": ["read"]}]}`),
		"Manager":  parse(t, `{"parent": "Employee", "members": ["Bosses"], "grants": [{"services": ["crm.*", "billing.pay"], "permissions": ["create", "update"]}]}`),
		"Owner":    parse(t, `{"parent": "Manager", "members": ["Tokens"], "users": ["ann"], "grants": [{"services": ["*"], "permissions": ["all"]}]}`),
		"Scoped":   parse(t, `{"members": ["Tok*"], "claims": ["scope=write", "roles=admin", "level=7"], "grants": [{"services": ["crm.get"], "permissions": ["delete"]}]}`),
		"Retired":  parse(t, `{"is_active": false, "members": ["Staff"], "grants": [{"services": ["*"], "permissions": ["all"]}]}`),
		"Below":    parse(t, `{"parent": "Retired", "members": ["Staff"], "grants": [{"services": ["*"], "permissions": ["all"]}]}`),
	}
}

func definitions() []string { return []string{"Bosses", "Staff", "Strangers", "Tokens"} }

func TestAllows(t *testing.T) {
	roles, faults := rbac.New(tree(t), definitions())
	require.Empty(t, faults)
	for _, row := range []struct {
		name, definition, user string
		claims                 any
		method, service        string
		want                   bool
	}{
		{"what the role grants", "Staff", "sue", nil, "GET", "crm.get", true},
		{"HEAD reads", "Staff", "sue", nil, "HEAD", "crm.get", true},
		{"another permission", "Staff", "sue", nil, "POST", "crm.get", false},
		{"another service", "Staff", "sue", nil, "GET", "billing.pay", false},
		{"no role", "Strangers", "sue", nil, "GET", "crm.get", false},
		{"a parent's grant", "Bosses", "bob", nil, "GET", "crm.get", true},
		{"a role's own beside it", "Bosses", "bob", nil, "POST", "billing.pay", true},
		{"PUT and PATCH update", "Bosses", "bob", nil, "PATCH", "crm.set", true},
		{"none to delete", "Bosses", "bob", nil, "DELETE", "crm.get", false},
		{"no method creates", "Bosses", "bob", nil, "", "billing.pay", true},
		{"a method that nothing grants", "Tokens", "ann", nil, "PROPFIND", "crm.get", false},
		{"a user by name", "Tokens", "ann", nil, "DELETE", "any.thing", true},
		{"another user", "Tokens", "jim", nil, "DELETE", "any.thing", false},
		{"a word of a claim", "Tokens", "jim", service.ObjectOf("scope", "read write"), "DELETE", "crm.get", true},
		{"one of a claim's list", "Tokens", "jim", service.ObjectOf("roles", []any{"user", "admin"}), "DELETE", "crm.get", true},
		{"a number", "Tokens", "jim", service.ObjectOf("level", int64(7)), "DELETE", "crm.get", true},
		{"part of a word", "Tokens", "jim", service.ObjectOf("scope", "writer"), "DELETE", "crm.get", false},
		{"no claims", "Tokens", "jim", nil, "DELETE", "crm.get", false},
		{"another claim", "Tokens", "jim", service.ObjectOf("role", "write"), "DELETE", "crm.get", false},
	} {
		who := &service.Principal{Definition: row.definition, Name: row.user, Claims: row.claims}
		assert.Equal(t, row.want, roles.Allows(who, row.method, row.service), row.name)
	}
	assert.False(t, roles.Allows(nil, "GET", "crm.get"), "nobody")
	assert.False(t, new(rbac.Roles).Allows(&service.Principal{Definition: "Staff"}, "GET", "crm.get"), "no roles")
	assert.Equal(t, []string{"Bosses", "Tokens"}, roles.Reachable(definitions(), []string{"billing.pay"}))
	assert.Equal(t, []string{"Bosses", "Staff", "Tokens"}, roles.Reachable(definitions(), []string{"billing.pay", "crm.get"}))
}

func TestRolesThatCannotBeUsed(t *testing.T) {
	for _, row := range []struct{ name, role, want string }{
		{"no such parent", `{"parent": "Manger", "members": ["Staff"]}`, `parent: there is no role "Manger"; did you mean "Manager"?`},
		{"its own parent", `{"parent": "New", "members": ["Staff"]}`, `parent: roles are each other's parents: New < New`},
		{"a member that is not there", `{"members": ["Staf"]}`, `members: there is no security definition "Staf"; did you mean "Staff"?`},
	} {
		roles := tree(t)
		roles["New"] = parse(t, row.role)
		_, faults := rbac.New(roles, definitions())
		assert.Equal(t, []string{"New"}, sorted(faults), row.name)
		assert.EqualError(t, faults["New"], row.want, row.name)
	}
	roles := tree(t)
	roles["A"], roles["B"] = parse(t, `{"parent": "B"}`), parse(t, `{"parent": "A"}`)
	_, faults := rbac.New(roles, definitions())
	assert.EqualError(t, faults["A"], "parent: roles are each other's parents: A < B < A")
	assert.Len(t, faults, 2)
}

func sorted(faults map[string]error) (names []string) {
	for name := range maps.Keys(faults) {
		names = append(names, name)
	}
	return names
}

func TestBadRoles(t *testing.T) {
	for _, row := range []struct{ raw, want string }{
		{`{"parnt": "x"}`, `parnt: unknown key; did you mean "parent"?`},
		{`{"members": [""]}`, `members: holds an empty name`},
		{`{"claims": ["scope"]}`, `claims: expected NAME=VALUE such as scope=write, not "scope"`},
		{`{"grants": [{"services": ["*"]}]}`, `grants[0].permissions: missing; expected some of create, read, update, delete, or all`},
		{`{"grants": [{"permissions": ["all"]}]}`, `grants[0].services: expected names of services, such as crm.*`},
		{`{"grants": [{"services": ["*"], "permissions": ["Reed"]}]}`, `grants[0].permissions: unknown permission "Reed" (did you mean read?); expected some of create, read, update, delete, or all`},
	} {
		_, err := rbac.Parse([]byte(row.raw))
		assert.EqualError(t, err, row.want)
	}
}

func TestWrap(t *testing.T) {
	roles, _ := rbac.New(tree(t), definitions())
	called := false
	h := roles.Wrap(service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) {
		called = true
		return &service.Response{}, nil
	}), "crm.get")
	staff := &service.Principal{Definition: "Staff", Name: "sue"}
	_, err := h.Handle(t.Context(), &service.Request{Method: "GET", Principal: staff})
	require.NoError(t, err)
	assert.True(t, called)
	called = false
	_, err = h.Handle(t.Context(), &service.Request{Method: "POST", Principal: staff})
	assert.False(t, called)
	assert.Equal(t, 403, service.AsError(err).HTTPStatus())
	assert.EqualError(t, service.AsError(err).Err, `no role of sue (definition "Staff") grants create on the service "crm.get"`)
	_, err = h.Handle(t.Context(), &service.Request{Method: "GET"})
	assert.Equal(t, 403, service.AsError(err).HTTPStatus())
}

func TestWhatAFormOffersIsWhatARoleTakes(t *testing.T) {
	for _, f := range rbac.Kind().Fields {
		for _, part := range f.Parts {
			if part.Name != "permissions" {
				continue
			}
			assert.Equal(t, append(rbac.Permissions(), rbac.All), part.Choices)
			return
		}
	}
	t.Error("grants have no permissions")
}
