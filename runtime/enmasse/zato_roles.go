package enmasse

import (
	"slices"
	"strings"
)

// zatoRole is a role of Zato, with what other objects of its files say of it.
type zatoRole struct {
	name    string
	item    *node
	parent  *node
	members []*node // names of security definitions
	grants  []*node
}

// rbac takes in a role, or what is said of one.
func (z *zato) rbac(r *reader, typeName string, item *node) {
	given := func(names ...string) *node {
		for _, name := range names {
			if m := item.get(name); m != nil && m.value.form == text && m.value.text != "" {
				return m.value
			}
		}
		return nil
	}
	role := given("role", "role_name")
	switch typeName {
	case "rbac_permission":
		if name := given("name"); name == nil || permission(name.text) == "" {
			z.leave(item, typeName, "", "permissions are create, read, update and delete here")
		}
	case "rbac_role":
		if !slices.Contains(r.kinds.Names(), typeName) {
			z.leave(item, typeName, "", "this server does not know "+typeName)
			return
		}
		if name := given("name"); name != nil && name.text == "Root" {
			return // the root, which grants nothing
		}
		one := &zatoRole{item: item, parent: given("parent", "parent_name")}
		if name := given("name"); name != nil {
			one.name = name.text
		}
		z.roles = append(z.roles, one)
	case "rbac_client_role":
		client := given("client_def", "client_name")
		if client == nil || role == nil {
			r.faults.add(item.at, "rbac_client_role: expected client_def and role")
			return
		}
		name := client.text
		if parts := strings.SplitN(name, ":::", 3); len(parts) == 3 {
			name = parts[2]
		}
		z.roles = append(z.roles, &zatoRole{name: role.text, members: []*node{{at: client.at, form: text, text: name}}, parent: item})
	case "rbac_role_permission":
		what, on := given("permission", "perm", "permission_name", "perm_name"), given("service", "service_name")
		if what == nil || on == nil || role == nil {
			r.faults.add(item.at, "rbac_role_permission: expected role, permission and service")
			return
		}
		if permission(what.text) == "" {
			z.leave(item, typeName, "", "there is no permission "+what.text+"; permissions are create, read, update and delete")
			return
		}
		z.roles = append(z.roles, &zatoRole{name: role.text, parent: item, grants: []*node{{at: item.at, form: object, members: []member{
			{"services", on.at, &node{at: on.at, form: list, items: []*node{on}}},
			{"permissions", what.at, &node{at: what.at, form: list, items: []*node{{at: what.at, form: text, text: permission(what.text)}}}},
		}}}})
	default:
		r.faults.add(item.at, "unknown type %q: neither Zato's nor ours", typeName)
	}
}

func permission(zatos string) string {
	name := strings.ToLower(zatos)
	if slices.Contains([]string{"create", "read", "update", "delete"}, name) {
		return name
	}
	return ""
}

// finish defines what other objects have a say in, once all were read.
func (z *zato) finish(r *reader) {
	z.finishSecurity(r)
	byName := map[string]*zatoRole{}
	for _, one := range z.roles {
		if one.item != nil {
			byName[one.name] = one
		}
	}
	for _, one := range z.roles {
		if one.item != nil {
			continue
		}
		if role := byName[one.name]; role != nil {
			role.members, role.grants = append(role.members, one.members...), append(role.grants, one.grants...)
			continue
		}
		typeName := "rbac_client_role"
		if len(one.grants) > 0 {
			typeName = "rbac_role_permission"
		}
		z.leave(one.parent, typeName, "", "no file defines the role "+one.name)
	}
	for _, one := range z.roles {
		if one.item == nil {
			continue
		}
		out := &node{at: one.item.at, form: object}
		for _, m := range one.item.members {
			if m.name == "name" || m.name == "is_active" {
				out.members = append(out.members, m)
			}
		}
		if one.parent != nil && one.parent.text != "Root" {
			out.members = append(out.members, member{"parent", one.parent.at, one.parent})
		}
		if len(one.members) > 0 {
			out.members = append(out.members, member{"members", one.item.at, &node{at: one.item.at, form: list, items: one.members}})
		}
		if len(one.grants) > 0 {
			out.members = append(out.members, member{"grants", one.item.at, &node{at: one.item.at, form: list, items: one.grants}})
		}
		r.object("rbac_role", out)
	}
}
