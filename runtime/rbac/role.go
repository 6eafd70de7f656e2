// Package rbac says who may do what with which service: roles in a tree, to which security definitions belong, and which
// grant permissions on services. Channels that ask for it let through only whom a role allows.
package rbac

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/spelling"
)

// The permissions, and the HTTP methods that need them.
const (
	Create = "create" // POST, and all that has no method
	Read   = "read"   // GET, HEAD, OPTIONS
	Update = "update" // PUT, PATCH
	Delete = "delete" // DELETE
)

// Permissions are all that there are.
func Permissions() []string { return []string{Create, Read, Update, Delete} }

// Needed is the permission that a method needs; "" is none that can be given.
func Needed(method string) string {
	switch method {
	case "POST", "":
		return Create
	case "GET", "HEAD", "OPTIONS":
		return Read
	case "PUT", "PATCH":
		return Update
	case "DELETE":
		return Delete
	}
	return ""
}

// Role is one role's config. It has the grants of its parent, of its parent's parent and so on, beside its own.
type Role struct {
	IsActive bool     `json:"is_active" doc:"an inactive role, and every role below it, grants nothing"`
	Parent   string   `json:"parent" names:"rbac_role" doc:"name of the role whose grants this one has, too; empty: the role stands at the root, which grants nothing"`
	Members  []string `json:"members" names:"security" doc:"names of the security definitions whose callers have the role; a * stands for any characters"`
	Users    []string `json:"users" doc:"of the members' callers, those of these names alone, as user names, tokens and certificates have them; empty: all"`
	Claims   []string `json:"claims" doc:"of the members' callers, those alone whose token says one of these, each as NAME=VALUE such as scope=write; empty: all"`
	Grants   []Grant  `json:"grants" doc:"what the role may do"`
}

// Grant gives permissions on services.
type Grant struct {
	Services    []string `json:"services" names:"services" doc:"names, in which a * stands for any characters"`
	Permissions []string `json:"permissions" choices:"create,read,update,delete,all"`
}

// All as a permission stands for all of them.
const All = "all"

// KindName is the key of config files under which roles stand.
const KindName = "rbac_role"

// Kind describes roles as objects of the catalog.
func Kind() kind.Info {
	return kind.Info{Name: KindName, Doc: "who may do what with which services, through channels that have has_rbac or sec_use_rbac", Fields: kind.Describe(defaults())}
}

func defaults() Role { return Role{IsActive: true} }

// Parse reads a role's config. Its errors are kind.Faults.
func Parse(raw []byte) (Role, error) { return kind.Decode(raw, defaults()) }

// Check finds all that is wrong with the values.
func (r Role) Check() kind.Faults {
	var faults kind.Faults
	for _, one := range []struct {
		key   string
		names []string
	}{{"members", r.Members}, {"users", r.Users}} {
		if slices.Contains(one.names, "") {
			faults.Add(one.key, "holds an empty name")
		}
	}
	for _, claim := range r.Claims {
		if name, value, ok := strings.Cut(claim, "="); !ok || name == "" || value == "" {
			faults.Add("claims", "expected NAME=VALUE such as scope=write, not %q", claim)
		}
	}
	for i, g := range r.Grants {
		if len(g.Services) == 0 || slices.Contains(g.Services, "") {
			faults.Add(fmt.Sprintf("grants[%d].services", i), "expected names of services, such as crm.*")
		}
		if len(g.Permissions) == 0 {
			faults.Add(fmt.Sprintf("grants[%d].permissions", i), "missing; expected some of %s, or %s", strings.Join(Permissions(), ", "), All)
		}
		for _, p := range g.Permissions {
			if p != All && !slices.Contains(Permissions(), p) {
				faults.Add(fmt.Sprintf("grants[%d].permissions", i), "unknown permission %q%s; expected some of %s, or %s", p, meant(p), strings.Join(Permissions(), ", "), All)
			}
		}
	}
	return faults
}

func meant(p string) string {
	if near := spelling.Nearest(strings.ToLower(p), append(Permissions(), All)); near != "" {
		return fmt.Sprintf(" (did you mean %s?)", near)
	}
	return ""
}

// allows says whether the grant covers the permission on the service.
func (g Grant) allows(permission, service string) bool {
	return (slices.Contains(g.Permissions, All) || slices.Contains(g.Permissions, permission)) &&
		slices.ContainsFunc(g.Services, func(pattern string) bool { return kind.Matches(pattern, service) })
}
