package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/spelling"
)

// User is somebody who may call internal services.
type User struct {
	Name string
	Role Role
	// Mark changes with the user's password: who logged in before it did has to do so again.
	Mark string
}

// Directory knows who may log in. Its methods are called from many goroutines.
type Directory interface {
	// LogIn is the user of that name and password, who calls from that address (host:port, or a host alone). Its errors are
	// *service.Error: of code Unauthenticated where the two do not fit, and of TooMany, with Retry-After, for a name at an
	// address whose last passwords were wrong. A name that nobody has takes the same work.
	LogIn(ctx context.Context, name, password, address string) (User, error)
	// User is the user of that name as of now; false: there is none, or none that is active.
	User(ctx context.Context, name string) (User, bool)
}

// UserKindName is the key of config files under which users stand.
const UserKindName = "admin_user"

// UserConfig is what the catalog holds of a user. The object's name is the user's.
type UserConfig struct {
	IsActive bool        `json:"is_active" doc:"an inactive user cannot log in"`
	Password kind.Secret `json:"password" doc:"what the user logs in with; the catalog keeps its hash"`
	Role     Role        `json:"role" kind:"required" choices:"viewer,deployer,operator,admin" doc:"viewer (looks), deployer (looks, and deploys services), operator (looks; pings, invokes, drains, starts and stops) or admin (everything)"`
}

func defaults() UserConfig { return UserConfig{IsActive: true} }

// UserKind describes users as objects of the catalog.
func UserKind() kind.Info {
	return kind.Info{Name: UserKindName, Doc: "somebody who may use the admin API and the dashboard, and the role that says for what", Fields: kind.Describe(defaults())}
}

// ParseUser reads a user's config. Its errors are kind.Faults.
func ParseUser(raw []byte) (UserConfig, error) { return kind.Decode(raw, defaults()) }

// Hashed says that the password is only ever checked.
func (c UserConfig) Hashed(string) bool { return true }

// Check finds everything that is wrong with the values.
func (c UserConfig) Check() kind.Faults {
	var faults kind.Faults
	if c.Role.IsKnown() {
		return nil
	}
	names := make([]string, 0, len(Roles()))
	for _, r := range Roles() {
		names = append(names, string(r))
	}
	near := ""
	if n := spelling.Nearest(string(c.Role), names); n != "" {
		near = "; did you mean " + n + "?"
	}
	faults.Add("role", "expected one of %s, not %q%s", strings.Join(names, ", "), c.Role, near)
	return faults
}

// Account is a user and the password that is asked for.
type Account struct {
	User
	active   bool
	password *security.Hashed
}

// NewAccount is the account of a user of that name. d's Name is not used.
func NewAccount(name string, c UserConfig, d security.Deps) (*Account, error) {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r == ':' || unicode.IsControl(r) }) {
		return nil, kind.Faults{{Path: "name", Message: "a user's name holds no colon and no control characters, which a log-in cannot carry"}}
	}
	d.Name = "user " + name
	hashed, err := security.NewHashed(d, "password", c.Password)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(c.Password.Form()))
	return &Account{User: User{Name: name, Role: c.Role, Mark: hex.EncodeToString(sum[:8])}, active: c.IsActive, password: hashed}, nil
}

// Accounts is a Directory of accounts.
type Accounts struct {
	Own  *Account                             // of the cluster itself, which no object of the catalog can take away
	Find func(name string) (account *Account) // of the catalog; nil: there is none
}

// LogIn is of Directory.
func (a Accounts) LogIn(ctx context.Context, name, password, address string) (User, error) {
	account, known := a.named(name)
	right, err := account.password.Matches(security.From(ctx, address), known, name, password)
	switch {
	case err != nil:
		return User{}, err
	case !right:
		return User{}, wrong()
	}
	return account.User, nil
}

// User is of Directory.
func (a Accounts) User(_ context.Context, name string) (User, bool) {
	account, known := a.named(name)
	if !known {
		return User{}, false
	}
	return account.User, true
}

// named is the account of that name. Where nobody has it, it is another one: a log-in takes the same work.
func (a Accounts) named(name string) (*Account, bool) {
	if name == a.Own.Name {
		return a.Own, a.Own.active
	}
	if a.Find != nil {
		if found := a.Find(name); found != nil {
			return found, found.active
		}
	}
	return a.Own, false
}

// wrong says the same of a name that nobody has and of a wrong password.
func wrong() error {
	return &service.Error{
		Code: service.Unauthenticated, Message: "the token or the password is missing or wrong", Fix: "send the cluster's token as Authorization: Bearer",
	}
}
