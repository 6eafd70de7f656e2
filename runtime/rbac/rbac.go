package rbac

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/spelling"
)

// Roles are all roles of a catalog, each with the grants of those above it. The zero value has none, and allows nothing.
type Roles struct{ roles []*resolved }

// resolved is a role with the grants of its line.
type resolved struct {
	Role
	grants []Grant
}

// New resolves the tree. faults names the roles that cannot be used and why: the parent of one is not there or cannot be
// used, or roles are each other's parents. definitions are the names that members may have.
func New(roles map[string]Role, definitions []string) (all *Roles, faults map[string]error) {
	all, faults = &Roles{}, map[string]error{}
	for _, name := range slices.Sorted(maps.Keys(roles)) {
		r, err := resolve(roles, name)
		if err == nil {
			err = members(r.Members, definitions)
		}
		if err != nil {
			faults[name] = err
			continue
		}
		if r.grants != nil && r.IsActive {
			all.roles = append(all.roles, r)
		}
	}
	return all, faults
}

func resolve(roles map[string]Role, name string) (*resolved, error) {
	out := &resolved{Role: roles[name]}
	line := []string{name}
	for at := roles[name]; ; {
		out.grants = append(out.grants, at.Grants...)
		if !at.IsActive {
			out.IsActive = false
		}
		if at.Parent == "" {
			return out, nil
		}
		if slices.Contains(line, at.Parent) {
			return nil, kind.Faults{{Path: "parent", Message: "roles are each other's parents: " + strings.Join(append(line, at.Parent), " < ")}}
		}
		parent, ok := roles[at.Parent]
		if !ok {
			message := fmt.Sprintf("there is no role %q", at.Parent)
			if near := spelling.Nearest(at.Parent, slices.Sorted(maps.Keys(roles))); near != "" {
				message += fmt.Sprintf("; did you mean %q?", near)
			}
			return nil, kind.Faults{{Path: "parent", Message: message}}
		}
		line, at = append(line, at.Parent), parent
	}
}

// members finds names that no definition has: a role that silently has no member helps nobody.
func members(names, definitions []string) error {
	var faults kind.Faults
	for _, name := range names {
		if kind.IsPattern(name) || slices.Contains(definitions, name) {
			continue
		}
		near := ""
		if n := spelling.Nearest(name, definitions); n != "" {
			near = fmt.Sprintf("; did you mean %q?", n)
		}
		faults.Add("members", "there is no security definition %q%s", name, near)
	}
	return faults.Err()
}

// Allows says whether a caller may call the service by that method.
func (r *Roles) Allows(who *service.Principal, method, serviceName string) bool {
	permission := Needed(method)
	return who != nil && permission != "" && slices.ContainsFunc(r.roles, func(one *resolved) bool {
		return one.has(who) && one.allows(permission, serviceName)
	})
}

// Reachable are those of the definitions of which some caller may call one of the services, by whatever method.
func (r *Roles) Reachable(definitions, services []string) []string {
	return slices.DeleteFunc(slices.Clone(definitions), func(definition string) bool {
		return !slices.ContainsFunc(r.roles, func(one *resolved) bool {
			return one.isMember(definition) && slices.ContainsFunc(services, func(name string) bool {
				return slices.ContainsFunc(Permissions(), func(p string) bool { return one.allows(p, name) })
			})
		})
	})
}

func (r *resolved) allows(permission, serviceName string) bool {
	return slices.ContainsFunc(r.grants, func(g Grant) bool { return g.allows(permission, serviceName) })
}

func (r *resolved) isMember(definition string) bool {
	return slices.ContainsFunc(r.Members, func(pattern string) bool { return kind.Matches(pattern, definition) })
}

func (r *resolved) has(who *service.Principal) bool {
	return r.isMember(who.Definition) &&
		(len(r.Users) == 0 || slices.Contains(r.Users, who.Name)) &&
		(len(r.Claims) == 0 || slices.ContainsFunc(r.Claims, func(claim string) bool {
			name, value, _ := strings.Cut(claim, "=")
			return claims(who.Claims, name, value)
		}))
}

// claims says whether a token's claim is value, or a list or words in one text, such as those of scope, of which one is.
func claims(all any, name, value string) bool {
	o, ok := all.(*service.Object)
	if !ok {
		return false
	}
	v, _ := o.Get(name)
	switch v := v.(type) {
	case string:
		return v == value || slices.Contains(strings.Fields(v), value)
	case []any:
		return slices.ContainsFunc(v, func(one any) bool { return one == any(value) })
	case nil:
		return false
	}
	return fmt.Sprint(v) == value
}

// Wrap is next for those alone whom a role allows. A channel's service has the name serviceName.
func (r *Roles) Wrap(next service.Handler, serviceName string) service.Handler {
	return service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
		if r.Allows(req.Principal, req.Method, serviceName) {
			return next.Handle(ctx, req)
		}
		e := service.Errorf(service.Denied, "you are not allowed to access this resource")
		by := "nobody known"
		if req.Principal != nil {
			by = fmt.Sprintf("%s (definition %q)", req.Principal.Name, req.Principal.Definition)
		}
		e.Err = fmt.Errorf("no role of %s grants %s on the service %q", by, orNothing(Needed(req.Method)), serviceName)
		return nil, e
	})
}

func orNothing(permission string) string {
	if permission == "" {
		return "what this method needs"
	}
	return permission
}
