// Package haproxy runs a cluster behind HAProxy: it writes HAProxy's configuration, has HAProxy judge it, starts
// HAProxy and loads it anew without closing a socket, drains servers and reads the statistics.
//
// What it promises of a request that fails is what the embedded load-balancer promises (package balancer), but for
// two differences: where no server can take a request it is answered 503 at once, and a body of more than 16 KB is
// not sent a second time.
package haproxy

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/certificate"
	"github.com/parley-run/parley/runtime/service"
)

// Config is all that HAProxy's configuration depends on.
type Config struct {
	Cluster     string        // its name, for people
	Names       service.Names // service.ParleyNames()
	Front       string        // where clients call: host:port, or fd@N of a socket that is handed over
	Certificate string        // absolute path of a PEM file with certificate and key: clients call https; empty: http
	Key         string        // absolute path of its key, where another file has it: see Join
	ClientCA    string        // absolute path of a PEM file with the authorities of clients' certificates; empty: clients are asked for none
	ClientMust  bool          // who shows no certificate is not talked to
	MinVersion  string        // of TLS with clients: 1.2, which "" means too, or 1.3
	Proof       string        // shown to servers beside a client's certificate (certificate.Proof); needed where there is a ClientCA
	Servers     []Server
	ServersTLS  ServersTLS       // how servers with TLS are called
	Routes      []balancer.Route // where channels are served
	Resolver    string           // host:port of a name server that is asked for the servers' names again and again; empty: once, at the start

	Stats    string // host:port of the statistics page; empty: none
	User     string // who may see it: parley
	Password string // of User, as Hash gives it; needed where there is a page

	Sockets        Sockets
	StateFile      string // where the states of servers are kept while HAProxy is loaded anew; empty: nowhere
	MaxConnections int    // 8000; each request in flight takes two
}

// Server is one server of the backend.
type Server struct {
	Name    string
	Address string // host:port
	Weight  int    // 0 to 256; 0: no requests
	TLS     bool   // it serves https
}

// ServersTLS says how servers that serve https are called.
type ServersTLS struct {
	CA          string // absolute path of a PEM file with the authorities of the servers' certificates; needed
	Certificate string // absolute path of a PEM file with the certificate to show and its key; empty: none
	Key         string // as Config's
	ServerName  string // the name that the servers' certificates must have; empty: the host of each one's address
}

// Sockets are the paths of HAProxy's Unix sockets. They must be plain: see SocketDir.
type Sockets struct {
	Runtime string // for commands to the process that serves
	Relay   string // between the two halves of the configuration
	Master  string // for commands to the process that holds it, given on the command line; empty: none
}

// In gives the sockets their names in dir.
func In(dir string) Sockets {
	return Sockets{
		Runtime: filepath.Join(dir, "haproxy.sock"),
		Relay:   filepath.Join(dir, "haproxy-relay.sock"),
		Master:  filepath.Join(dir, "haproxy-master.sock"),
	}
}

const defaultConnections = 8000

// DefaultUser may see the statistics page where Config names nobody.
const DefaultUser = "parley"

// Render is the text of haproxy.cfg. All that is wrong with c comes back together.
func (c Config) Render() ([]byte, error) {
	c.User = cmp.Or(c.User, DefaultUser)
	c.MaxConnections = cmp.Or(c.MaxConnections, defaultConnections)
	if c.Names == (service.Names{}) {
		c.Names = service.ParleyNames()
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c.text()
}

// Repeats are rules: of those that match a request, the last says whether it may be sent to another
// server once one has seen it.
func (c Config) Repeats() (out []Repeat) {
	for _, r := range balancer.Repeats(c.Routes) {
		var b strings.Builder
		odd := false
		for segment := range strings.SplitSeq(strings.TrimPrefix(r.Path, "/"), "/") {
			b.WriteByte('/')
			if balancer.IsRest(segment) {
				b.WriteString(".+")
				continue
			}
			if balancer.IsName(segment) {
				b.WriteString("[^/]+")
				continue
			}
			for _, char := range []byte(balancer.Unescaped(segment)) {
				if char < ' ' || char > '~' || char == '/' {
					odd = true
					b.WriteByte('.') // in doubt more paths are matched, none of which is repeated
					continue
				}
				b.WriteString(regexp.QuoteMeta(string(char)))
			}
		}
		out = append(out, Repeat{Methods: r.Methods, Path: "^" + b.String() + "$", Allowed: r.Idempotent && !odd})
	}
	return out
}

// Repeat is one of Repeats.
type Repeat struct {
	Methods []string // empty: all
	Path    string   // a regular expression of paths without escapes
	Allowed bool
}

// envelope is the body of an error's reply, as a format of HAProxy: %ID is the request's CID there, %s its server.
func (c Config) envelope(details string) (string, error) {
	raw, err := service.AppendJSON(nil, service.ObjectOf(c.Names.Env,
		service.ObjectOf("cid", "%ID", "result", c.Names.Error, "details", details)))
	return string(raw), err
}

// plainName is what HAProxy takes without quotes.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:-]*$`)

func isName(text string) bool { return len(text) <= 128 && plainName.MatchString(text) }

func (c Config) check() error {
	var all []error
	bad := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	if control(c.Cluster) {
		bad("the cluster's name %q holds a line break or another control character", c.Cluster)
	}
	if !isFD(c.Front) {
		if problem := badAddress(c.Front); problem != "" {
			bad("the balancer's address: %s", problem)
		}
	}
	for _, one := range []struct{ what, path string }{
		{"certificate", c.Certificate}, {"clients' authority", c.ClientCA}, {"servers' authority", c.ServersTLS.CA}, {"certificate for servers", c.ServersTLS.Certificate},
	} {
		if control(one.path) || one.path != "" && !filepath.IsAbs(one.path) {
			bad("the %s %q: expected an absolute path without control characters", one.what, one.path)
		}
	}
	if c.Key != "" || c.ServersTLS.Key != "" {
		bad("HAProxy takes a certificate and its key from one file: put both into the certificate's")
	}
	if _, err := certificate.ParseVersion(c.MinVersion); err != nil {
		bad("min_version: %w", err)
	}
	if c.ClientCA != "" && (c.Certificate == "" || !proofForm.MatchString(c.Proof)) {
		bad("clients' certificates need a certificate of the load-balancer's own, and the proof that it shows to servers")
	}
	if len(c.Servers) == 0 {
		bad("there is no server to balance over")
	}
	seen := map[string]bool{}
	for _, s := range c.Servers {
		if !isName(s.Name) {
			bad("server %q: expected a name of letters, digits, -, _, . and :", s.Name)
		}
		if seen[s.Name] {
			bad("two servers are named %q", s.Name)
		}
		seen[s.Name] = true
		if problem := badAddress(s.Address); problem != "" {
			bad("server %q: %s", s.Name, problem)
		}
		if s.TLS {
			c.checkTLS(s, bad)
		}
		if s.Weight < 0 || s.Weight > balancer.MaxWeight {
			bad("server %q: its weight is %d; expected 0 to %d", s.Name, s.Weight, balancer.MaxWeight)
		}
	}
	if c.Stats != "" {
		if problem := badAddress(c.Stats); problem != "" {
			bad("the statistics page's address: %s", problem)
		}
		if c.Password == "" || control(c.Password) || c.User == "" || !isName(c.User) {
			bad("the statistics page needs a user and the hash of a password")
		}
	}
	if c.Resolver != "" {
		if problem := badAddress(c.Resolver); problem != "" {
			bad("the name server's address: %s", problem)
		}
	}
	for _, path := range []string{c.Sockets.Runtime, c.Sockets.Relay} {
		if problem := badSocket(path); problem != "" {
			bad("socket: %s", problem)
		}
	}
	if control(c.StateFile) {
		bad("the state file's path %q holds a control character", c.StateFile)
	}
	return errors.Join(all...)
}

// checkTLS finds what HAProxy needs beyond what others do: it verifies no addresses.
func (c Config) checkTLS(s Server, bad func(string, ...any)) {
	if c.ServersTLS.CA == "" {
		bad("server %q serves https: give the authority of its certificate as balancer.servers_tls.ca", s.Name)
	}
	if name := c.nameOf(s); net.ParseIP(name) != nil || !hostName.MatchString(name) {
		bad("server %q serves https at %s, and HAProxy verifies names alone: give that of the servers' certificates as balancer.servers_tls.server_name",
			s.Name, s.Address)
	}
}

// nameOf is the name that a server's certificate must have.
func (c Config) nameOf(s Server) string {
	if c.ServersTLS.ServerName != "" {
		return c.ServersTLS.ServerName
	}
	host, _, _ := net.SplitHostPort(s.Address)
	return host
}

// proofForm needs no quotes.
var proofForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

func isFD(address string) bool {
	number, ok := strings.CutPrefix(address, "fd@")
	_, err := strconv.ParseUint(number, 10, 16)
	return ok && err == nil
}

// hostName is a name or IPv4 address; IPv6 is looked at by net.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

func badAddress(address string) string {
	host, port, err := net.SplitHostPort(address)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || n == 0 || host != "" && net.ParseIP(host) == nil && !hostName.MatchString(host) {
		return fmt.Sprintf("expected host:port such as 127.0.0.1:17010, not %q", address)
	}
	return ""
}

// listenAddress is how HAProxy writes a place to listen at.
func listenAddress(address string) string {
	if isFD(address) {
		return address
	}
	return dialAddress(address)
}

// dialAddress is how HAProxy writes host:port. Without a word before it, an IPv6 address is hard to tell from a
// name with a port.
func dialAddress(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address // it was checked
	}
	ip := net.ParseIP(host)
	switch {
	case host == "":
		return "*:" + port
	case ip != nil && ip.To4() == nil:
		return "ipv6@" + host + ":" + port
	}
	return host + ":" + port
}

// plainPath has nothing that HAProxy's addresses give a meaning: no space, quote, comma, colon, dollar sign.
var plainPath = regexp.MustCompile(`^/[A-Za-z0-9_./+=~-]*$`)

// maxSocket is the longest path of a socket (104 bytes on macOS, 108 on Linux), less what HAProxy adds while it
// makes one.
const maxSocket = 90

func badSocket(path string) string {
	switch {
	case !plainPath.MatchString(path):
		return fmt.Sprintf("expected an absolute path of letters, digits and ._+=~-, not %q", path)
	case len(path) > maxSocket:
		return fmt.Sprintf("the path %s has %d bytes; sockets may have %d", path, len(path), maxSocket)
	}
	return ""
}

func control(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' })
}

// quote makes text one word of a configuration. Between single quotes HAProxy takes all as it is, but the quote.
func quote(text string) (string, error) {
	if control(text) {
		return "", fmt.Errorf("%q holds a control character", text)
	}
	return "'" + strings.ReplaceAll(text, "'", `'"'"'`) + "'", nil
}
