package security

import (
	"context"
	"time"
)

// Issuer is a definition that gives tokens to those who log in, and takes them back.
type Issuer interface {
	// User is who may log in; empty: nobody.
	User() string
	// LogIn gives a token for the right user and password. Others are refused as Guard.Check refuses them.
	LogIn(ctx context.Context, user, password string) (Token, error)
	// LogOut makes a token that would be let in worthless, on all servers. Any other is refused.
	LogOut(ctx context.Context, token string) error
}

// Token is what an Issuer gave.
type Token struct {
	Text    string
	Type    string // as the header Authorization has it, such as Bearer
	Expires time.Time
}

// Revocations remember for a whole cluster which tokens were given up before their time. Safe for concurrent use.
type Revocations interface {
	// Revoke remembers the token of that id until then.
	Revoke(ctx context.Context, id string, until time.Time) error
	// IsRevoked says whether Revoke was called. An error says that it cannot be known now.
	IsRevoked(ctx context.Context, id string) (bool, error)
}
