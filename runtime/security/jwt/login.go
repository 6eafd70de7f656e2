package jwt

import (
	"context"
	"crypto/subtle"
	"fmt"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
)

// User is who may log in.
func (i issuing) User() string { return i.verifier.config.Username }

// LogIn gives a token of the definition's ttl.
func (i issuing) LogIn(ctx context.Context, user, password string) (security.Token, error) {
	known := subtle.ConstantTimeCompare([]byte(user), []byte(i.User())) == 1
	right, err := i.password.Matches(ctx, known, user, password)
	if err != nil {
		return security.Token{}, err
	}
	if !right {
		return security.Token{}, security.Refused("Bearer realm=" + i.realm)
	}
	now := i.now()
	expires := now.Add(i.signer.config.TTL.Std())
	claims := i.claims(user, now, expires)
	claims[i.verifier.config.UsernameClaim] = user
	text, err := i.sign(claims)
	return security.Token{Text: text, Type: "Bearer", Expires: expires}, err
}

// LogOut gives up a token.
func (i issuing) LogOut(ctx context.Context, text string) error {
	if i.revoked == nil {
		return service.Errorf(service.Conflict, "tokens of the security definition %q cannot be given up: they count until they expire; set revocable: true", i.verifier.name)
	}
	token, err := i.parse(ctx, text)
	if err != nil {
		return err
	}
	claims, _ := token.Claims.(jwt.MapClaims)
	if err := i.given(ctx, claims); err != nil {
		return err
	}
	expires, err := claims.GetExpirationTime()
	if err != nil {
		return i.invalid("it has no expiry")
	}
	if err := i.revoked.Revoke(ctx, i.id(claims), expires.Add(i.verifier.config.Leeway.Std())); err != nil {
		return i.unknown(err)
	}
	return nil
}

// id is a token's within the cluster; empty: it has none.
func (v *verifier) id(claims jwt.MapClaims) string {
	id, _ := claims["jti"].(string)
	if id == "" {
		return ""
	}
	return name + "/" + v.name + "/" + id
}

// given refuses a token that was given up. What cannot be known lets nobody in.
func (v *verifier) given(ctx context.Context, claims jwt.MapClaims) error {
	if v.revoked == nil {
		return nil
	}
	id := v.id(claims)
	if id == "" {
		return v.invalid("it has no jti")
	}
	up, err := v.revoked.IsRevoked(ctx, id)
	switch {
	case err != nil:
		return v.unknown(err)
	case up:
		return v.invalid("it was given up")
	}
	return nil
}

func (v *verifier) unknown(err error) error {
	return &service.Error{
		Code: service.Unavailable, Message: fmt.Sprintf("the security definition %q cannot know now which tokens were given up", v.name),
		Fix: "try again", Err: err,
	}
}
