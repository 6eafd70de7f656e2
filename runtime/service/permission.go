package service

// Permission is what a caller of an internal service must be allowed to do. Roles, which grant permissions, are the admin
// API's own; a service that channels alone expose needs none.
type Permission string

// The permissions. A service that declares none needs Manage: what nobody thought of is open to nobody else.
const (
	Read    Permission = "read"    // looks at what there is; nothing that it gives is a secret or what users sent
	Deploy  Permission = "deploy"  // puts service files into the catalog and takes them out
	Operate Permission = "operate" // works with what there is, and sees what users sent: pings, invokes, drains, starts, stops
	Manage  Permission = "manage"  // everything else: definitions, users, secrets, programs
)

// Permissions are all that there are.
func Permissions() []Permission { return []Permission{Read, Deploy, Operate, Manage} }

// Needs is s for those alone who have that permission. See Needed.
func (s Service) Needs(p Permission) Service {
	s.Permission = p
	return s
}

// Needed is the permission that a caller of an internal service must have.
func (s Service) Needed() Permission {
	switch s.Permission {
	case Read, Deploy, Operate:
		return s.Permission
	}
	return Manage
}
