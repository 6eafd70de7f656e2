package secret

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// auth is what the vault says of a token.
type auth struct {
	Token     string `json:"client_token"`
	Seconds   int64  `json:"lease_duration"`
	Renewable bool   `json:"renewable"`
}

// logIn takes a token by AppRole, where there is none that counts, or anew says so.
func (v *Vault) logIn(ctx context.Context, anew bool) error {
	if v.config.RoleID == "" || v.token != "" && !anew && (v.ends.IsZero() || v.config.Now().Before(v.ends)) {
		return nil
	}
	var out struct{ Auth auth }
	status, err := v.call(ctx, http.MethodPost, "auth/approle/login", map[string]string{"role_id": v.config.RoleID, "secret_id": v.config.SecretID}, &out)
	switch {
	case err != nil:
		return fmt.Errorf("the vault cannot be asked for a token: %w", err)
	case status != http.StatusOK || out.Auth.Token == "":
		return fmt.Errorf("the vault gave no token to the role: it answered %s", told(status))
	}
	v.token = out.Auth.Token
	v.lives(out.Auth.Seconds, out.Auth.Renewable)
	return nil
}

// lives notes how long the token lives.
func (v *Vault) lives(seconds int64, renewable bool) {
	v.renews = renewable
	v.until, v.ends = time.Time{}, time.Time{}
	now, ttl := v.config.Now(), time.Duration(seconds)*time.Second
	if ttl > 0 {
		v.ends, v.until = now.Add(ttl), now.Add(ttl/2)
	} else {
		v.until = now.Add(vaultKeep) // it never ends
	}
}

// renew makes the token live on, from half of its life on.
func (v *Vault) renew(ctx context.Context) error {
	if v.token == "" || !v.until.IsZero() && v.config.Now().Before(v.until) {
		return nil
	}
	if v.until.IsZero() { // a token that was given: how long it lives only the vault knows
		var out struct {
			Data struct {
				TTL       int64
				Renewable bool
			}
		}
		status, err := v.call(ctx, http.MethodGet, "auth/token/lookup-self", nil, &out)
		if err != nil || status != http.StatusOK {
			return v.notRenewed(status, err)
		}
		v.lives(out.Data.TTL, out.Data.Renewable)
		return nil
	}
	if !v.renews || v.ends.IsZero() {
		return nil
	}
	var out struct{ Auth auth }
	status, err := v.call(ctx, http.MethodPost, "auth/token/renew-self", struct{}{}, &out)
	if err == nil && status == http.StatusForbidden && v.config.RoleID != "" { // it has just ended, or was revoked
		return v.logIn(ctx, true)
	}
	if err != nil || status != http.StatusOK {
		return v.notRenewed(status, err)
	}
	v.lives(out.Auth.Seconds, out.Auth.Renewable)
	return nil
}

func (v *Vault) notRenewed(status int, err error) error {
	if err != nil {
		return fmt.Errorf("the vault's token was not renewed: %w", err)
	}
	return fmt.Errorf("the vault's token was not renewed: it answered %s", told(status))
}
