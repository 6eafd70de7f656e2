package admin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// Role is what a user of the admin API may do.
type Role string

// The roles. Deploying is a permission of its own, for a service can do whatever the server can: an operator has it not.
const (
	Viewer        Role = "viewer"   // looks
	Deployer      Role = "deployer" // looks, and deploys services
	Operator      Role = "operator" // looks, and works with what there is
	Administrator Role = "admin"    // everything
)

// Roles are all that there are.
func Roles() []Role { return []Role{Viewer, Deployer, Operator, Administrator} }

// IsKnown says whether there is such a role.
func (r Role) IsKnown() bool { return slices.Contains(Roles(), r) }

// Has says whether the role grants p. A role that is not known grants nothing.
func (r Role) Has(p service.Permission) bool {
	switch r {
	case Administrator:
		return true
	case Operator:
		return p == service.Read || p == service.Operate
	case Deployer:
		return p == service.Read || p == service.Deploy
	case Viewer:
		return p == service.Read
	}
	return false
}

// RolesWith are the roles that grant p, the least first.
func RolesWith(p service.Permission) []Role {
	return slices.DeleteFunc(Roles(), func(r Role) bool { return !r.Has(p) })
}

// denied is the error of a role that does not grant what a service needs.
func denied(r Role, s service.Service) error {
	var names []string
	for _, one := range RolesWith(s.Needed()) {
		names = append(names, string(one))
	}
	return &service.Error{
		Code: service.Denied, Message: fmt.Sprintf("the role %s may not call %s: it needs the role %s", r, s.Name, strings.Join(names, " or ")),
		Fix: "ask an administrator for it",
	}
}
