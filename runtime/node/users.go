package node

import (
	"context"
	"crypto/tls"
	"fmt"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/password"
	"github.com/parley-run/parley/runtime/security"
)

// boundUser is a user of the admin API.
type boundUser struct {
	object  *catalog.Object
	account *admin.Account
	used    *vaulted
}

// addUser takes in a user. One that cannot be taken in cannot log in.
func (b *builder) addUser(o *catalog.Object) {
	old := b.prev.admins[o.Name]
	if old != nil && string(old.object.Spec) == string(o.Spec) && old.used.same(b.node.vault) {
		b.state.admins[o.Name] = old
		return
	}
	if o.Name == b.node.own.Name {
		b.fault(o, fmt.Errorf("%s %q: that is the cluster's own administrator, whom cluster.yaml names; choose another name", o.Kind, o.Name))
		return
	}
	bound := &boundUser{object: o, used: &vaulted{}}
	config, err := admin.ParseUser(o.Spec)
	if err == nil {
		bound.account, err = admin.NewAccount(o.Name, config, security.Deps{Checks: &b.node.passwords, Reveal: b.node.reveal(o.Key(), bound.used)})
	}
	if err != nil {
		b.fault(o, fmt.Errorf("%s %q: %w", o.Kind, o.Name, err))
		return
	}
	b.state.admins[o.Name] = bound
}

// accounts are the users of the catalog that serves, and the cluster's own administrator.
func (n *Node) accounts() admin.Accounts {
	return admin.Accounts{Own: n.own, Find: func(name string) *admin.Account {
		if u := n.current.Load().admins[name]; u != nil {
			return u.account
		}
		return nil
	}}
}

// OwnAccount is the administrator whom cluster.yaml names. Where it names none, nobody knows the password.
func OwnAccount(f *folder.Folder, checks *password.Checks) (*admin.Account, error) {
	user, hash := f.Cluster.Admin.User, f.Cluster.Admin.PasswordHash
	if hash == "" {
		hash = password.New(folder.NewPassword()).String()
	}
	config := admin.UserConfig{IsActive: f.Cluster.Admin.PasswordHash != "", Password: kind.NewSecret("hashed:" + hash), Role: admin.Administrator}
	if user == "" {
		user = "admin"
	}
	return admin.NewAccount(user, config, security.Deps{Checks: checks})
}

// supervised is the supervisor as a server asks it.
type supervised struct {
	address, token string
	tls            *tls.Config // nil: by http
}

// Ask is of admin.Peer.
func (s supervised) Ask(ctx context.Context, user, name string, in, out any) error {
	client := admin.NewClient(s.address, s.token).Secured(s.tls).As(user)
	defer client.CloseIdle()
	return client.Call(ctx, name, in, out)
}

// peers are the processes whose internal services this server offers beside its own: those that drain, start and stop.
func (n *Node) peers() []admin.Peer {
	if address := n.folder.Cluster.Supervisor.Admin; address != "" {
		return []admin.Peer{supervised{address, n.token, n.folder.AdminTLS(address)}}
	}
	return nil
}
