package secret

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
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

// Vault reads secrets of key/value engines over the HTTP API of HashiCorp Vault, which OpenBao has, too. What was read is
// kept for a while, and, while the vault cannot be asked, for longer. Its errors name the path and never a value. It is safe for
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
	places  map[string]place        // by path, of those that are not where most are
	denied  map[string]denial       // by path
}

// denial is what the vault said of a path that this token may not read.
type denial struct {
	err error
	at  time.Time
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
		config: c, token: c.Token, secrets: map[string]*vaultSecret{}, places: map[string]place{}, denied: map[string]denial{},
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
		} else if no, is := v.denied[whole]; is {
			faults = append(faults, no.err)
		}
		changed = changed || (before == nil) != (after == nil) || after != nil && before != nil && after.version != before.version
	}
	faults = append(faults, v.away)
	for whole := range v.secrets {
		if !wanted[whole] {
			delete(v.secrets, whole)
			delete(v.places, whole)
			delete(v.denied, whole)
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
	no, is := v.denied[whole]
	switch {
	case v.away != nil && now.Sub(v.awayAt) < vaultRest:
		return have, unless(have, v.away)
	case is && now.Sub(no.at) < vaultRest:
		return have, unless(have, no.err)
	}
	data, err := v.fetch(ctx, engine, path)
	delete(v.denied, whole)
	var gone *goneError
	var not *deniedError
	switch {
	case errors.As(err, &gone):
		v.away = nil
		delete(v.secrets, whole)
		return nil, err
	case errors.As(err, &not): // of this path; the others can be read
		v.away = nil
		v.denied[whole] = denial{err, v.config.Now()}
		return have, unless(have, err)
	case err != nil:
		v.away, v.awayAt = err, v.config.Now()
		return have, unless(have, err)
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

// unless is err where there is nothing to use in its stead.
func unless(have *vaultSecret, err error) error {
	if have != nil {
		return nil
	}
	return err
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

// deniedError says that a token counts, and that no policy of it lets it read a path.
type deniedError struct{ path string }

func (e *deniedError) Error() string {
	return fmt.Sprintf("the vault does not let this server read %s: no policy of its token allows it", e.path)
}
