package folder

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/parley-run/parley/redisurl"
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
