package admin_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/password"
	"github.com/parley-run/parley/runtime/security"
)

// accounts are the administrator, whose password is right, and a user of each role, whose password is the role's name.
func accounts(t *testing.T) admin.Accounts {
	t.Helper()
	var checks password.Checks
	account := func(name, plain string, role admin.Role, active bool) *admin.Account {
		a, err := admin.NewAccount(name, admin.UserConfig{
			IsActive: active, Role: role, Password: kind.NewSecret("hashed:" + password.New(plain).String()),
		}, security.Deps{Checks: &checks})
		require.NoError(t, err)
		return a
	}
	all := map[string]*admin.Account{"gone": account("gone", "gone", admin.Viewer, false)}
	for _, r := range admin.Roles() {
		all["the "+string(r)] = account("the "+string(r), string(r), r, true)
	}
	return admin.Accounts{Own: account("admin", "right", admin.Administrator, true), Find: func(name string) *admin.Account { return all[name] }}
}
