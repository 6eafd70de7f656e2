// Package folder is a cluster's folder on disk: the file that says what the cluster is made of, the secrets
// beside it, and where each part keeps its data.
//
//	DIR/cluster.yaml          servers, ports and addresses; people edit it
//	DIR/admin.token           0600; the bearer token of the admin APIs
//	DIR/secrets.key           0600; what the catalog's secrets are encrypted by
//	DIR/catalog.db            definitions and deployed services, unless they are in PostgreSQL
//	DIR/stats.db              statistics, likewise
//	DIR/redis.json            the embedded Redis, saved
//	DIR/weights.json          the weights of servers that have another one than 100
//	DIR/tls/                  the cluster's own certificate authority and the certificates of it, where there is one
//	DIR/haproxy.password      0600; the password of HAProxy's statistics page
//	DIR/run/supervisor.json   the process that runs the cluster, while it runs
//	DIR/bin/                  programs that servers were upgraded to, and which server runs which
//	DIR/logs/                 supervisor.log and a file for each server
//	DIR/server1/              what belongs to one server, its pickup folder first of all
//
// The folder is its owner's alone (0700): it holds the password's hash, tokens and users' data.
package folder

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parley-run/parley/redisurl"
	"github.com/parley-run/parley/runtime/certificate"
)

const (
	clusterFile = "cluster.yaml"
	tokenFile   = "admin.token"
)

// Cluster is what cluster.yaml says.
type Cluster struct {
	Name   string `yaml:"name"`
	Compat string `yaml:"compat"` // whose names clients see: "" for Parley's own, or "zato"
	// ServerCommand is a program that runs the servers, with services of its own compiled in (node.Main); empty: parley
	// itself. A relative path begins at the cluster's folder.
	ServerCommand string `yaml:"server_command"`

	// TrustedProxies are addresses and networks of load-balancers: what one of them says in X-Forwarded-For about who calls
	// is believed. None: those of this machine.
	TrustedProxies []string `yaml:"trusted_proxies"`

	Balancer   Balancer   `yaml:"balancer"`
	Redis      Redis      `yaml:"redis"`
	Database   Database   `yaml:"database"`
	Statistics Statistics `yaml:"statistics"`
	Export     Export     `yaml:"export"`
	Areas      Areas      `yaml:"areas"`
	Supervisor Supervisor `yaml:"supervisor"`
	Servers    []Server   `yaml:"servers"`
	Admin      Admin      `yaml:"admin"`
	Vault      Vault      `yaml:"vault"`
}

// Vault is where references such as vault:secret/crm#password are looked up. What is empty goes by the servers'
// environment: VAULT_ADDR, VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID, VAULT_NAMESPACE and VAULT_CACERT.
type Vault struct {
	Address   string `yaml:"address"`   // such as https://vault:8200
	Token     string `yaml:"token"`     // shown with each request
	RoleID    string `yaml:"role_id"`   // of AppRole, in place of a token
	SecretID  string `yaml:"secret_id"` // of AppRole
	Namespace string `yaml:"namespace"`
	CA        string `yaml:"ca"`   // PEM file of the authorities that its certificate is checked by; empty: the system's
	Keep      int    `yaml:"keep"` // seconds that what was read is used for without asking again; 0: 300
}

// Supervised says whether a supervisor runs the cluster's servers on this machine. A cluster.yaml without a supervisor,
// and with no balancer but an external one, only says where servers are that were started one by one, such as those of
// containers.
func (c *Cluster) Supervised() bool {
	return c.Supervisor.Admin != "" || c.Balancer.Address != "" && c.Balancer.Kind != ExternalBalancer
}

// Proxies are the networks of TrustedProxies.
func (c *Cluster) Proxies() []netip.Prefix {
	if len(c.TrustedProxies) == 0 {
		return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	out := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, text := range c.TrustedProxies {
		if p, err := parseNetwork(text); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// parseNetwork reads a network, or an address as the network of it alone.
func parseNetwork(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		return p.Masked(), err
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

func checkNetwork(text string) string {
	if _, err := parseNetwork(text); err != nil {
		return fmt.Sprintf("expected an address or a network such as 10.0.0.0/8, not %q", text)
	}
	return ""
}

// Balancer is the load-balancer that clients call.
type Balancer struct {
	Address string  `yaml:"address"` // host:port
	Kind    string  `yaml:"kind"`    // Embedded, which "" means too, HAProxy or External
	TLS     TLS     `yaml:"tls"`     // empty: clients call http
	HAProxy HAProxy `yaml:"haproxy"`
	// ServersTLS is how it calls servers that have TLS.
	ServersTLS ServersTLS `yaml:"servers_tls"`
}

// TLS is how a listener serves https. Paths begin at the cluster's folder. What changes in the files is taken in while the
// listener serves.
type TLS struct {
	Certificate string `yaml:"certificate"` // PEM file, with those of the authorities between it and the root behind it
	Key         string `yaml:"key"`         // PEM file; empty: it is in that of the certificate
	ClientCA    string `yaml:"client_ca"`   // PEM file of the authorities that clients' certificates are of
	ClientAuth  string `yaml:"client_auth"` // none, request or require; empty: request where client_ca is given, else none
	MinVersion  string `yaml:"min_version"` // 1.2, which "" means too, or 1.3
}

// IsSet says whether the listener serves https.
func (t TLS) IsSet() bool { return t != TLS{} }

// ServersTLS is how the load-balancer calls servers that serve https. Paths begin at the cluster's folder.
type ServersTLS struct {
	CA          string `yaml:"ca"`          // PEM file of the authorities that the servers' certificates are of; empty: those that the system trusts
	Certificate string `yaml:"certificate"` // PEM file of what it shows to servers that ask for a certificate
	Key         string `yaml:"key"`         // PEM file; empty: it is in that of the certificate
	ServerName  string `yaml:"server_name"` // the name that the servers' certificates must have; empty: the host of each one's address
}

// The kinds of load-balancers.
const (
	EmbeddedBalancer = "embedded" // part of the supervisor
	HAProxyBalancer  = "haproxy"  // HAProxy, which the supervisor runs
	ExternalBalancer = "external" // HAProxy, which somebody else runs, and the supervisor steers
)

// HAProxy is what only a balancer of the kinds haproxy and external has.
type HAProxy struct {
	Binary      string `yaml:"binary"`      // the program; empty: haproxy on PATH
	Certificate string `yaml:"certificate"` // PEM file with certificate and key, from the cluster's folder on: clients call https; empty: http
	Stats       string `yaml:"stats"`       // host:port of the statistics page; empty: none
	Resolver    string `yaml:"resolver"`    // host:port of a name server that is asked for the servers' names again and again; empty: once, at the start
	Socket      string `yaml:"socket"`      // of an external HAProxy: its runtime socket
	Master      string `yaml:"master"`      // and its master's socket; empty: it is loaded anew by whoever runs it
}

// Redis is the key/value database of the services: an external one, or the one that the supervisor holds.
type Redis struct {
	URL      string `yaml:"url"`      // of an external one, in a form of the package redisurl; empty for the embedded
	Embedded string `yaml:"embedded"` // host:port of the embedded one; not used where URL is set
}

// Name is the Redis for people: its URL without passwords, or the address of the embedded one.
func (r Redis) Name() string {
	if r.URL == "" {
		return r.Embedded
	}
	target, err := redisurl.Parse(r.URL)
	if err != nil {
		return "" // it was checked when it was read
	}
	return target.String()
}

// Database is where the catalog, the servers' table and the statistics are: a PostgreSQL that any number of machines may
// share, or files in the cluster's folder.
type Database struct {
	URL string `yaml:"url"` // of PostgreSQL, such as postgres://user:password@host:5432/name; empty: files
	// Connections is how many a server makes to PostgreSQL at most; 0: 8.
	Connections int `yaml:"connections"`
}

// The connections of a server: by default, and the least that its parts can work with.
const (
	usualConnections = 8
	leastConnections = 6
)

// Pool is how many connections a server makes at most.
func (d Database) Pool() int { return cmp.Or(d.Connections, usualConnections) }

// Name is the database for people: its URL without the password, or empty.
func (d Database) Name() string {
	u, err := url.Parse(d.URL)
	if err != nil {
		return "" // it was checked when it was read
	}
	return u.Redacted()
}

// Statistics say what is counted, and how long that is kept.
type Statistics struct {
	Off     bool `yaml:"off"`     // nothing is counted
	Minutes int  `yaml:"minutes"` // how many days those of minutes are kept; 0: 7
	Hours   int  `yaml:"hours"`   // how many days those of hours are; 0: 90. Those of days are kept for ever
	// Database is a PostgreSQL of their own, such as postgres://user:password@host:5432/name; empty: that of the catalog, or a file
	// of their own.
	Database string `yaml:"database"`
}

// Supervisor is the process that starts and stops the others.
type Supervisor struct {
	Admin string `yaml:"admin"` // host:port of its admin API
}

// Server is one server of the cluster.
type Server struct {
	Name    string `yaml:"name"`    // also the name of its folder
	Address string `yaml:"address"` // host:port of its channels
	Admin   string `yaml:"admin"`   // host:port of its admin API
	TLS     TLS    `yaml:"tls"`     // of its channels; empty: they are served by http
}

// URL is where its channels are, such as http://127.0.0.1:17010.
func (s Server) URL() string { return scheme(s.TLS.IsSet()) + s.Address }

func scheme(encrypted bool) string {
	if encrypted {
		return "https://"
	}
	return "http://"
}

// Admin is the cluster's own administrator, and how the admin APIs are served.
type Admin struct {
	User         string `yaml:"user"`
	PasswordHash string `yaml:"password_hash"` // argon2id, PHC string form
	// TLS is of the admin APIs of this machine, of supervisor and servers; empty: they are served by http, on the loopback
	// interface alone.
	TLS TLS `yaml:"tls"`
	// CA is the PEM file of the authorities that the certificates of admin APIs are of, for whoever calls them here; empty:
	// those that the system trusts. The certificate of tls itself is always believed.
	CA string `yaml:"ca"`
}

// Folder is a cluster's folder, its cluster.yaml read and checked.
type Folder struct {
	Dir     string // absolute
	Cluster Cluster
}

// Open reads the cluster's folder dir. Faults of cluster.yaml come back together, each as
// file:line:column: message.
func Open(dir string) (*Folder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(abs, clusterFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no cluster (it has no %s); make one with: parley quickstart create %s", dir, clusterFile, dir)
	}
	if err != nil {
		return nil, err
	}
	cluster, err := decode(path, raw)
	if err != nil {
		return nil, err
	}
	return &Folder{Dir: abs, Cluster: cluster}, nil
}

// Find is the folder of the cluster that a command is about: flag, else the environment variable PARLEY_DIR,
// else the current folder where it holds a cluster.yaml.
func Find(flag string) (string, error) {
	if flag != "" {
		return filepath.Abs(flag)
	}
	if env := os.Getenv("PARLEY_DIR"); env != "" {
		return filepath.Abs(env)
	}
	cwd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(cwd, clusterFile)); err != nil {
		return "", fmt.Errorf("which cluster? %s holds no %s; give the cluster's folder with --dir or PARLEY_DIR, or make one with: parley quickstart create DIR", cwd, clusterFile)
	}
	return cwd, nil
}

// Token is the bearer token of the admin APIs.
func (f *Folder) Token() (string, error) {
	path := filepath.Join(f.Dir, tokenFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("admin token: %s is missing; end the process that %s names, where there is one, and write a new token: (umask 077 && openssl rand -hex 32 > '%s')",
			path, f.SupervisorFile(), path)
	}
	if err != nil {
		return "", fmt.Errorf("admin token: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	if len(token) < 32 {
		return "", fmt.Errorf("admin token: %s holds %d characters, expected 32 or more; write a new one, such as of: openssl rand -hex 32", path, len(token))
	}
	return token, nil
}

// RedisURL is where services find their Redis, such as redis://127.0.0.1:16379/0.
func (f *Folder) RedisURL() string {
	if f.Cluster.Redis.URL != "" {
		return f.Cluster.Redis.URL
	}
	return "redis://" + f.Cluster.Redis.Embedded + "/0"
}

// Server is the server of that name. The error for an unknown name lists those that there are.
func (f *Folder) Server(name string) (Server, error) {
	known := make([]string, len(f.Cluster.Servers))
	for i, s := range f.Cluster.Servers {
		if s.Name == name {
			return s, nil
		}
		known[i] = s.Name
	}
	return Server{}, fmt.Errorf("cluster %q has no server %q; its servers are %s", f.Cluster.Name, name, strings.Join(known, ", "))
}

// CatalogDB is the file of definitions and deployed services.
func (f *Folder) CatalogDB() string { return filepath.Join(f.Dir, "catalog.db") }

// SecretsFile holds the keys that the catalog's secrets are encrypted by. It is of the whole cluster: each machine has it.
func (f *Folder) SecretsFile() string { return filepath.Join(f.Dir, "secrets.key") }

// MembersDB is the file that says which servers there are and how far each has followed.
func (f *Folder) MembersDB() string { return filepath.Join(f.Dir, "servers.db") }

// StatsDB is the file of statistics.
func (f *Folder) StatsDB() string { return filepath.Join(f.Dir, "stats.db") }

// RedisFile is where the embedded Redis is saved.
func (f *Folder) RedisFile() string { return filepath.Join(f.Dir, "redis.json") }

// WeightsFile holds the weights of servers that have another one than the default.
func (f *Folder) WeightsFile() string { return filepath.Join(f.Dir, "weights.json") }

// HAProxyPassword is the file of the password of HAProxy's statistics page.
func (f *Folder) HAProxyPassword() string { return filepath.Join(f.Dir, "haproxy.password") }

// RunDir is where files are that are worthless once the cluster has stopped.
func (f *Folder) RunDir() string { return filepath.Join(f.Dir, "run") }

// FrontTLS is the TLS of the balancer, with absolute paths; of a HAProxy also where only its certificate is given.
func (f *Folder) FrontTLS() TLS {
	t := f.Cluster.Balancer.TLS
	if old := f.Cluster.Balancer.HAProxy.Certificate; old != "" {
		t.Certificate = old
	}
	return f.absolute(t)
}

// Listener is the TLS of a server, or nil where it serves http.
func (f *Folder) Listener(t TLS) *certificate.Listener {
	if !t.IsSet() {
		return nil
	}
	l := f.absolute(t).listener()
	return &l
}

func (t TLS) listener() certificate.Listener {
	return certificate.Listener{
		Files:      certificate.Files{Certificate: t.Certificate, Key: t.Key, CA: t.ClientCA},
		ClientAuth: certificate.ClientAuth(t.ClientAuth), MinVersion: t.MinVersion,
	}
}

// AdminTLS is how to call the admin API at address; nil: by http.
func (f *Folder) AdminTLS(address string) *tls.Config {
	a := f.Cluster.Admin
	if !a.TLS.IsSet() && a.CA == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	return certificate.Ours(host, f.path(a.TLS.Certificate), f.path(a.CA))
}

// ServersTLS are the files by which the balancer calls servers, with absolute paths.
func (f *Folder) ServersTLS() certificate.Files {
	t := f.Cluster.Balancer.ServersTLS
	return certificate.Files{Certificate: f.path(t.Certificate), Key: f.path(t.Key), CA: f.path(t.CA)}
}

// HasTLS says whether any server serves https.
func (c *Cluster) HasTLS() bool {
	return slices.ContainsFunc(c.Servers, func(s Server) bool { return s.TLS.IsSet() })
}

func (f *Folder) absolute(t TLS) TLS {
	t.Certificate, t.Key, t.ClientCA = f.path(t.Certificate), f.path(t.Key), f.path(t.ClientCA)
	return t
}

// path is one of cluster.yaml, which begins at the cluster's folder.
func (f *Folder) path(given string) string {
	if given == "" || filepath.IsAbs(given) {
		return given
	}
	return filepath.Join(f.Dir, given)
}

// TLSDir is where quickstart keeps the cluster's own authority and the certificates of it.
func (f *Folder) TLSDir() string { return filepath.Join(f.Dir, "tls") }

// BalancerURL is where clients call, such as http://127.0.0.1:11223.
func (f *Folder) BalancerURL() string {
	return scheme(f.FrontTLS().IsSet()) + f.Cluster.Balancer.Address
}

// ServerDir is what belongs to one server.
func (f *Folder) ServerDir(name string) string { return filepath.Join(f.Dir, name) }

// SnapshotFile is where a server keeps the catalog that it serves, for when PostgreSQL is away.
func (f *Folder) SnapshotFile(name string) string {
	return filepath.Join(f.ServerDir(name), "catalog.snapshot")
}

// Incoming is a server's pickup folder of services.
func (f *Folder) Incoming(name string) string {
	return filepath.Join(f.ServerDir(name), "pickup", "incoming", "services")
}

// BroughtFile is where a server remembers which definitions and services it brought into the catalog when it started.
func (f *Folder) BroughtFile(name string) string {
	return filepath.Join(f.ServerDir(name), "brought.json")
}

// HandledFile is where a server remembers which files of its pickup folder it has handled.
func (f *Folder) HandledFile(name string) string {
	return filepath.Join(f.ServerDir(name), "pickup", "handled.json")
}

// LogFile is the log of a server, or of "supervisor".
func (f *Folder) LogFile(name string) string { return filepath.Join(f.Dir, "logs", name+".log") }

// SupervisorFile says which process runs the cluster. It is there while the cluster is up.
func (f *Folder) SupervisorFile() string { return filepath.Join(f.Dir, "run", "supervisor.json") }

// ProgramsDir holds the programs that servers were upgraded to.
func (f *Folder) ProgramsDir() string { return filepath.Join(f.Dir, "bin") }

// ProgramsFile says which server runs which of them.
func (f *Folder) ProgramsFile() string { return filepath.Join(f.ProgramsDir(), "servers.json") }

// LockFile is locked by the process that runs the cluster, for as long as it lives.
func (f *Folder) LockFile() string { return filepath.Join(f.Dir, "run", "supervisor.lock") }
