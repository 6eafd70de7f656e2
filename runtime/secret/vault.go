package secret

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// VaultConfig says where a vault is, and who asks it. One of Token and RoleID is given.
type VaultConfig struct {
	Address   string        // such as https://vault:8200
	Token     string        // shown with each request
	RoleID    string        // of AppRole, which gives tokens
	SecretID  string        // of AppRole
	Namespace string        // empty: none
	CA        string        // PEM file of the authorities that its certificate is checked by; empty: the system's
	Timeout   time.Duration // of one request; 0: 5 s
	Keep      time.Duration // how long what was read is used without asking again; 0: 5 minutes
	Now       func() time.Time
}

const (
	vaultTimeout = 5 * time.Second
	vaultKeep    = 5 * time.Minute
	vaultRest    = 2 * time.Second // after it was not there: nobody waits for it again so soon
	vaultAnswer  = 1 << 20         // bytes
)

// Vault reads secrets of a key/value engine, version 2, over the HTTP API of HashiCorp Vault. What was read is kept for a
// while, and, while the vault cannot be asked, for longer. Its errors name the path and never a value. It is safe for
// concurrent use, and asks nobody before it must.
type Vault struct {
	config VaultConfig
	client *http.Client

	mu      sync.Mutex // held while one path is read: the others wait for the token, or the time-out, in any case
	token   string
	until   time.Time // when the token must be renewed; zero: not known yet
	ends    time.Time // when it ends; zero: never
	renews  bool
	away    error // why it could not be asked
	awayAt  time.Time
	secrets map[string]*vaultSecret // by path
}

// vaultSecret is what a path held when it was last read.
type vaultSecret struct {
	data    map[string]any
	version int // rises with each change
	at      time.Time
}

// NewVault checks c. It does not ask the vault.
func NewVault(c VaultConfig) (*Vault, error) {
	u, err := url.Parse(c.Address)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil:
		return nil, errors.New("vault: the address is no http://host:port or https://host:port")
	case c.Token == "" && c.RoleID == "":
		return nil, errors.New("vault: there is neither a token nor a role; give VAULT_TOKEN, or vault.token or vault.role_id in cluster.yaml")
	}
	if c.Timeout <= 0 {
		c.Timeout = vaultTimeout
	}
	if c.Keep <= 0 {
		c.Keep = vaultKeep
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Address = strings.TrimRight(c.Address, "/")
	transport := &http.Transport{
		DialContext: (&net.Dialer{Timeout: c.Timeout}).DialContext, TLSHandshakeTimeout: c.Timeout, ForceAttemptHTTP2: true,
		IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
	}
	if c.CA != "" {
		raw, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("vault: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(raw) {
			return nil, fmt.Errorf("vault: %s holds no certificate in PEM", c.CA)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &Vault{
		config: c, token: c.Token, secrets: map[string]*vaultSecret{},
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// Keep is how long what was read is used without asking again.
func (v *Vault) Keep() time.Duration { return v.config.Keep }

// parseVault splits "vault:secret/crm#password" into the engine, the path within it, and the key.
func parseVault(ref string) (engine, path, key string, err error) {
	whole, key, found := strings.Cut(strings.TrimPrefix(ref, "vault:"), "#")
	engine, path, below := strings.Cut(strings.Trim(whole, "/"), "/")
	if !found || !below || key == "" || path == "" || strings.Contains("/"+whole+"/", "/../") {
		return "", "", "", fmt.Errorf("%s is no reference to a vault; expected vault:ENGINE/PATH#KEY, such as vault:secret/crm#password", ref)
	}
	return engine, path, key, nil
}

// Read is what a reference stands for. The version rises when that changes.
func (v *Vault) Read(ctx context.Context, ref string) (value string, version int, err error) {
	engine, path, key, err := parseVault(ref)
	if err != nil {
		return "", 0, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	s, err := v.secret(ctx, engine, path)
	if err != nil {
		return "", 0, err
	}
	value, err = s.value(engine+"/"+path, key)
	return value, s.version, err
}

// Version is that of the last Read or Refresh; 0: nothing was read, or it is gone.
func (v *Vault) Version(ref string) int {
	engine, path, _, err := parseVault(ref)
	if err != nil {
		return 0
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.secrets[engine+"/"+path]; s != nil {
		return s.version
	}
	return 0
}

// Refresh reads again what has been kept for its time, renews the token where it is to be, and forgets what refs do not
// name. changed says that something is no longer what it was, or is there at last.
func (v *Vault) Refresh(ctx context.Context, refs []string) (changed bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var faults []error
	wanted := map[string]bool{}
	for _, ref := range refs {
		engine, path, _, err := parseVault(ref)
		whole := engine + "/" + path
		if err != nil || wanted[whole] {
			continue
		}
		wanted[whole] = true
		before := v.secrets[whole]
		after, err := v.secret(ctx, engine, path)
		if gone := new(goneError); errors.As(err, &gone) {
			faults = append(faults, err)
		}
		changed = changed || (before == nil) != (after == nil) || after != nil && before != nil && after.version != before.version
	}
	faults = append(faults, v.away)
	for whole := range v.secrets {
		if !wanted[whole] {
			delete(v.secrets, whole)
		}
	}
	if len(wanted) > 0 && v.away == nil {
		faults = append(faults, v.renew(ctx))
	}
	return changed, errors.Join(faults...)
}

// secret is what a path holds. While the vault cannot be asked it is what it held.
func (v *Vault) secret(ctx context.Context, engine, path string) (*vaultSecret, error) {
	whole := engine + "/" + path
	now := v.config.Now()
	have := v.secrets[whole]
	if have != nil && now.Sub(have.at) < v.config.Keep {
		return have, nil
	}
	if v.away != nil && now.Sub(v.awayAt) < vaultRest {
		if have != nil {
			return have, nil
		}
		return nil, v.away
	}
	data, err := v.fetch(ctx, engine, path)
	var gone *goneError
	switch {
	case errors.As(err, &gone):
		delete(v.secrets, whole)
		return nil, err
	case err != nil:
		v.away, v.awayAt = err, v.config.Now()
		if have != nil {
			return have, nil
		}
		return nil, err
	}
	v.away = nil
	next := &vaultSecret{data: data, at: v.config.Now(), version: 1}
	if have != nil {
		next.version = have.version
		if !same(have.data, data) {
			next.version++
		}
	}
	v.secrets[whole] = next
	return next, nil
}

func same(a, b map[string]any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func (s *vaultSecret) value(path, key string) (string, error) {
	switch value := s.data[key].(type) {
	case nil:
		return "", fmt.Errorf("the vault's %s has no key %q", path, key)
	case string:
		if value == "" {
			return "", fmt.Errorf("the vault's %s has nothing under the key %q", path, key)
		}
		return value, nil
	default:
		raw, err := json.Marshal(value)
		if err != nil {
			return "", fmt.Errorf("the vault's %s: the value of %q is no text", path, key)
		}
		return string(raw), nil
	}
}

// goneError says that a path holds nothing.
type goneError struct{ path string }

func (e *goneError) Error() string {
	return fmt.Sprintf("the vault has nothing at %s; name the engine and the path as in: vault kv get %s", e.path, e.path)
}

// fetch reads a path, with another token once where the one that there is does not count any more.
func (v *Vault) fetch(ctx context.Context, engine, path string) (map[string]any, error) {
	whole := engine + "/" + path
	for try := 0; ; try++ {
		if err := v.logIn(ctx, try > 0); err != nil {
			return nil, err
		}
		var out struct {
			Data struct{ Data map[string]any }
		}
		status, err := v.call(ctx, http.MethodGet, engine+"/data/"+path, nil, &out)
		switch {
		case err != nil:
			return nil, fmt.Errorf("the vault cannot be asked for %s: %w", whole, err)
		case status == http.StatusForbidden && try == 0 && v.config.RoleID != "":
			continue
		case status == http.StatusForbidden:
			return nil, fmt.Errorf("the vault does not let this server read %s: its token has ended, or no policy allows it", whole)
		case status == http.StatusNotFound || status == http.StatusOK && out.Data.Data == nil:
			return nil, &goneError{whole}
		case status != http.StatusOK:
			return nil, fmt.Errorf("the vault cannot be asked for %s: it answered %d", whole, status)
		}
		return out.Data.Data, nil
	}
}

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
		return fmt.Errorf("the vault gave no token to the role: it answered %d", status)
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
	return fmt.Errorf("the vault's token was not renewed: it answered %d", status)
}

// call asks the vault. Nothing that was sent or came back is in its errors.
func (v *Vault) call(ctx context.Context, method, path string, in, out any) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, v.config.Timeout)
	defer cancel()
	var body io.Reader = http.NoBody
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(raw)
	}
	target, err := url.Parse(v.config.Address)
	if err != nil {
		return 0, errors.New("its address is no URL")
	}
	req, err := http.NewRequestWithContext(ctx, method, target.JoinPath("v1", path).String(), body)
	if err != nil {
		return 0, errors.New("the path is no path of a URL")
	}
	req.Header.Set("X-Vault-Request", "true")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if v.config.Namespace != "" {
		req.Header.Set("X-Vault-Namespace", v.config.Namespace)
	}
	if v.token != "" && path != "auth/approle/login" {
		req.Header.Set("X-Vault-Token", v.token)
	}
	res, err := v.client.Do(req)
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err
		}
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer within %s", v.config.Timeout)
		}
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, vaultAnswer))
	if err != nil {
		return 0, errors.New("its answer was cut off")
	}
	if res.StatusCode == http.StatusOK {
		if json.Unmarshal(raw, out) != nil {
			return 0, errors.New("it answered something else than JSON")
		}
	}
	return res.StatusCode, nil
}
