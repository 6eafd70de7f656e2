package folder

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/parley-run/parley/runtime/password"
)

// Alone is one server that no supervisor starts, such as the one of a container. It makes a cluster with all servers
// that have the same name of cluster, database and Redis, wherever they run.
type Alone struct {
	Cluster     string // name of the cluster
	Server      string // name of the server; no two of a cluster have the same
	Compat      string
	Off         string // areas that are switched off, with commas: see Optional
	Proxies     string // addresses and networks, with commas: see Cluster.TrustedProxies
	Address     string // host:port to listen on for channels, such as 0.0.0.0:17010
	Admin       string // host:port to listen on for the admin API
	DatabaseURL string // of the PostgreSQL that the servers share; empty: files, for a cluster of this one server
	RedisURL    string // of the Redis that they share; empty: the embedded one, likewise
	Embedded    string // host:port of the embedded one
	Token       string // of the admin API, 32 characters or more; empty: the folder's, which is made where it is missing
	TLS         TLS    // of the channels; empty: they are served by http
	Password    string // of the user admin; empty: there is none, and the token alone lets in
	// AdminTLS are paths of PEM files, or PEM itself, which the folder then keeps; empty: the admin API is served by http, on the
	// loopback interface alone.
	AdminTLS TLS
}

// minToken is how long a token must be.
const minToken = 32

// OpenAlone is the folder dir of a server alone, made where it is missing, and otherwise brought up to date: a says what
// holds. Its cluster.yaml has no supervisor and no balancer, and is for the commands that run on the same machine.
func OpenAlone(dir string, a Alone) (*Folder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	if err := a.keepPEM(abs); err != nil {
		return nil, fmt.Errorf("the folder of server %q: %w", a.Server, err)
	}
	c := Cluster{
		Name: a.Cluster, Compat: a.Compat,
		Redis:    Redis{URL: a.RedisURL, Embedded: a.Embedded},
		Database: Database{URL: a.DatabaseURL},
		Servers:  []Server{{Name: a.Server, Address: reached(a.Address), Admin: reached(a.Admin), TLS: a.TLS}},
		Admin:    Admin{User: "admin", PasswordHash: password.New(cmp.Or(a.Password, NewPassword())).String(), TLS: a.AdminTLS},
	}
	c.TrustedProxies, c.Areas.Off = a.proxies(), listed(a.Off)
	if a.RedisURL != "" {
		c.Redis.Embedded = ""
	}
	f := &Folder{Dir: abs, Cluster: c}
	token, err := f.aloneToken(a.Token)
	if err == nil {
		err = f.writeWith(token)
	}
	if err != nil {
		return nil, fmt.Errorf("the folder of server %q: %w", a.Server, err)
	}
	if f, err = Open(abs); err != nil { // the commands will read what was written
		return nil, err
	}
	f.Cluster.Servers[0].Address, f.Cluster.Servers[0].Admin = a.Address, a.Admin
	return f, nil
}

func (a Alone) check() error {
	var faults []error
	fault := func(what, problem string) {
		if problem != "" {
			faults = append(faults, fmt.Errorf("%s: %s", what, problem))
		}
	}
	fault("the cluster's name", checkName(a.Cluster))
	fault("the server's name", checkServerName(a.Server))
	fault("the address", checkAddress(a.Address))
	fault("the admin address", checkAddress(a.Admin))
	if checkAddress(a.Admin) == "" && !isLoopback(a.Admin) && (!a.AdminTLS.IsSet() || a.Password == "") {
		_, port, _ := net.SplitHostPort(a.Admin)
		fault("the admin address", fmt.Sprintf("%s can be called from other machines, which takes TLS and a password: "+
			"give --admin-tls-certificate (PARLEY_ADMIN_TLS_CERTIFICATE) and --admin-password (PARLEY_ADMIN_PASSWORD), or listen on %s",
			a.Admin, net.JoinHostPort(loopback, port)))
	}
	if a.AdminTLS.IsSet() && a.AdminTLS.Certificate == "" {
		fault("TLS of the admin API", "the certificate is missing")
	}
	if a.RedisURL == "" {
		fault("the embedded Redis", checkAddress(a.Embedded))
	}
	if a.Compat != "" && a.Compat != "zato" {
		fault("compat", fmt.Sprintf(`expected "" or "zato", not %q`, a.Compat))
	}
	if a.Token != "" && len(a.Token) < minToken {
		fault("the admin token", fmt.Sprintf("it has %d characters, expected %d or more; make one with: openssl rand -hex 32", len(a.Token), minToken))
	}
	for _, problem := range (Areas{listed(a.Off)}).check() {
		fault("the areas that are off", problem)
	}
	for _, text := range a.proxies() {
		fault("the trusted proxies", checkNetwork(text))
	}
	if a.TLS.IsSet() {
		for key, problem := range a.TLS.listener().Check() {
			fault("TLS: "+key, problem)
		}
	}
	if a.DatabaseURL != "" {
		fault("the database", checkDatabaseURL(a.DatabaseURL))
	}
	if a.RedisURL != "" {
		fault("the Redis", checkRedisURL(a.RedisURL))
	}
	if a.DatabaseURL != "" && a.RedisURL == "" {
		fault("the Redis", "servers that share a database share a Redis too; name it")
	}
	return errors.Join(faults...)
}

func (a Alone) proxies() []string { return listed(a.Proxies) }

// listed is text with commas as a list.
func listed(text string) (out []string) {
	for text := range strings.SplitSeq(text, ",") {
		if text = strings.TrimSpace(text); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// reached is where those on the same machine call what listens on address.
func reached(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address // it was checked
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		return net.JoinHostPort(loopback, port)
	}
	return address
}

// aloneToken is given, or what the folder has, or a new one.
func (f *Folder) aloneToken(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	raw, err := os.ReadFile(filepath.Join(f.Dir, tokenFile))
	if errors.Is(err, fs.ErrNotExist) {
		return newToken(), nil
	}
	return strings.TrimSpace(string(raw)), err
}

func newToken() string {
	token := make([]byte, 32)
	_, _ = rand.Read(token)
	return hex.EncodeToString(token)
}

// keepPEM writes PEM that was given itself into files of the folder, as certificates of containers come.
func (a *Alone) keepPEM(dir string) error {
	for _, one := range []struct {
		text *string
		name string
	}{{&a.AdminTLS.Certificate, "admin.pem"}, {&a.AdminTLS.Key, "admin.key"}} {
		if !strings.Contains(*one.text, "-----BEGIN ") {
			continue
		}
		path := filepath.Join(dir, "tls", one.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(strings.TrimRight(*one.text, "\n")+"\n"), 0o600); err != nil {
			return err
		}
		*one.text = path
	}
	return nil
}
