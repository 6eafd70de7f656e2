package folder

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"github.com/parley-run/parley/redisurl"
	"github.com/parley-run/parley/runtime/password"
)

// serverName keeps names fit to be folders, and apart from options. How long they may be stands beside: a bound in an
// expression is as many copies of what it bounds, and each server would compile them at its start.
var serverName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

const longestServerName = 64

// clusterName keeps names fit for file names, messages and metrics. notInName is what they cannot hold.
var (
	clusterName = regexp.MustCompile(`^[\p{L}\p{N}_][\p{L}\p{N}._-]*$`)
	notInName   = regexp.MustCompile(`[^\p{L}\p{N}._-]+`)
)

const longestName = 128 // characters

// check finds values that cannot work, each at its place in the file.
func check(c *Cluster, body ast.Node, found *faults) {
	if c.Name == "" {
		found.add(tokenAt(body, "name"), "name: the cluster needs one, such as name: bank")
	} else if problem := checkName(c.Name); problem != "" {
		found.add(tokenAt(body, "name"), "name: %s", problem)
	}
	if c.Compat != "" && c.Compat != "zato" {
		found.add(tokenAt(body, "compat"), `compat: expected "" or "zato", not %q`, c.Compat)
	}
	for i, text := range c.TrustedProxies {
		if problem := checkNetwork(text); problem != "" {
			found.add(tokenAt(body, "trusted_proxies", i), "trusted_proxies[%d]: %s", i, problem)
		}
	}
	checkAreas(c.Areas, body, found)
	checkBalancer(c.Balancer, body, found)
	checkTLS(c.Balancer.TLS, body, found, "balancer", "tls")
	if t := c.Balancer.ServersTLS; t.Key != "" && t.Certificate == "" {
		found.add(tokenAt(body, "balancer", "servers_tls", "key"), "balancer.servers_tls.key: the certificate of it is missing")
	}
	for i, s := range c.Servers {
		checkTLS(s.TLS, body, found, "servers", i, "tls")
	}
	if c.Redis.URL != "" {
		if problem := checkRedisURL(c.Redis.URL); problem != "" {
			found.add(tokenAt(body, "redis", "url"), "redis.url: %s", problem)
		}
	}
	if c.Database.URL != "" {
		if problem := checkDatabaseURL(c.Database.URL); problem != "" {
			found.add(tokenAt(body, "database", "url"), "database.url: %s", problem)
		}
	}
	if n := c.Database.Connections; n != 0 && n < leastConnections {
		found.add(tokenAt(body, "database", "connections"), "database.connections: a server needs %d at least, not %d; 0 is %d", leastConnections, n, usualConnections)
	}
	for _, one := range []struct {
		key  string
		days int
	}{{"minutes", c.Statistics.Minutes}, {"hours", c.Statistics.Hours}} {
		if one.days < 0 || one.days > 36500 {
			found.add(tokenAt(body, "statistics", one.key), "statistics.%s: expected a number of days, 1 to 36500, not %d", one.key, one.days)
		}
	}
	if text := c.Statistics.Database; text != "" {
		if problem := checkDatabaseURL(text); problem != "" {
			found.add(tokenAt(body, "statistics", "database"), "statistics.database: %s", problem)
		}
	}
	checkExport(c.Export, body, found)
	if len(c.Servers) == 0 {
		found.add(tokenAt(body, "servers"), "servers: the cluster needs one at least, with name, address and admin")
	}
	seen := map[string]bool{}
	for i, s := range c.Servers {
		place := tokenAt(body, "servers", i, "name")
		if problem := checkServerName(s.Name); problem != "" {
			found.add(place, "servers[%d].name: %s", i, problem)
		} else if seen[s.Name] {
			found.add(place, "servers[%d].name: a second server %q; choose another name", i, s.Name)
		}
		seen[s.Name] = true
	}
	checkAddresses(c, body, found)
	if t := c.Admin.TLS; t.ClientCA != "" || t.ClientAuth != "" {
		found.add(tokenAt(body, "admin", "tls"), "admin.tls: users of the admin API show passwords, not certificates; leave out client_ca and client_auth")
	} else {
		checkTLS(t, body, found, "admin", "tls")
	}
	if !c.Supervised() && c.Admin.User == "" && c.Admin.PasswordHash == "" {
		return // nobody signs in where no server keeps its data
	}
	if c.Admin.User == "" {
		found.add(tokenAt(body, "admin", "user"), "admin.user: expected a name, such as admin")
	}
	if _, err := password.Parse(c.Admin.PasswordHash); err != nil {
		found.add(tokenAt(body, "admin", "password_hash"), "admin.password_hash: %v", err)
	}
}

// checkBalancer holds that a balancer's keys fit its kind: one that does nothing is a mistake.
func checkBalancer(b Balancer, body ast.Node, found *faults) {
	add := func(key, format string, args ...any) {
		found.add(tokenAt(body, "balancer", "haproxy", key), "balancer.haproxy."+key+": "+format, args...)
	}
	kind := cmp.Or(b.Kind, EmbeddedBalancer)
	if !slices.Contains([]string{EmbeddedBalancer, HAProxyBalancer, ExternalBalancer}, kind) {
		found.add(tokenAt(body, "balancer", "kind"), "balancer.kind: expected embedded, haproxy or external, not %q", b.Kind)
		return
	}
	for _, one := range []struct{ key, value, kinds string }{
		{"binary", b.HAProxy.Binary, "haproxy or external"},
		{"certificate", b.HAProxy.Certificate, "haproxy or external"},
		{"stats", b.HAProxy.Stats, "haproxy or external"},
		{"resolver", b.HAProxy.Resolver, "haproxy or external"},
		{"socket", b.HAProxy.Socket, "external"},
		{"master", b.HAProxy.Master, "external"},
	} {
		if one.value != "" && !strings.Contains(one.kinds, kind) {
			add(one.key, "it is for a balancer of the kind %s, and this one is %s", one.kinds, kind)
		}
	}
	if b.HAProxy.Certificate != "" && b.TLS.Certificate != "" {
		add("certificate", "balancer.tls names the certificate already; keep balancer.tls")
	}
	if kind == ExternalBalancer && b.TLS.Key != "" {
		found.add(tokenAt(body, "balancer", "tls", "key"), "balancer.tls.key: HAProxy takes certificate and key from one file, and you run it yourself: "+
			"put both into the certificate's")
	}
	if kind == ExternalBalancer && b.HAProxy.Socket == "" {
		add("socket", "an external HAProxy is steered over its runtime socket: give its path, such as /run/haproxy/parley.sock")
	}
	for _, one := range []struct{ key, address string }{{"stats", b.HAProxy.Stats}, {"resolver", b.HAProxy.Resolver}} {
		if one.address == "" {
			continue
		}
		if problem := checkAddress(one.address); problem != "" {
			add(one.key, "%s", problem)
		}
	}
}

// checkTLS holds that a listener's keys fit together. The files are not looked at: a cluster can be stopped without them.
func checkTLS(t TLS, body ast.Node, found *faults, path ...any) {
	if !t.IsSet() {
		return
	}
	for key, problem := range t.listener().Check() {
		found.add(tokenAt(body, append(slices.Clone(path), key)...), "%s.%s: %s", dotted(path), key, problem)
	}
}

// dotted is a path as messages show it: servers[0].tls.
func dotted(path []any) string {
	var b strings.Builder
	for _, step := range path {
		if n, ok := step.(int); ok {
			fmt.Fprintf(&b, "[%d]", n)
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		fmt.Fprint(&b, step)
	}
	return b.String()
}

func checkName(name string) string {
	if utf8.RuneCountInString(name) > longestName || !clusterName.MatchString(name) {
		return fmt.Sprintf("expected up to %d letters, digits, ., - and _, the first no . or -, not %q", longestName, name)
	}
	return ""
}

// CheckServerName is an error where no server can have that name.
func CheckServerName(name string) error {
	if problem := checkServerName(name); problem != "" {
		return errors.New(problem)
	}
	return nil
}

func checkServerName(name string) string {
	switch {
	case len(name) > longestServerName:
		return fmt.Sprintf("expected %d characters at most, not %d", longestServerName, len(name))
	case !serverName.MatchString(name):
		return fmt.Sprintf("expected letters, digits, - and _, not %q", name)
	case slices.Contains([]string{"logs", "run", "supervisor", "haproxy", "tls"}, name):
		return fmt.Sprintf("%q is taken by a part of the cluster's folder; choose another", name)
	}
	return ""
}

// checkAddresses holds that each part has an address of its own.
func checkAddresses(c *Cluster, body ast.Node, found *faults) {
	owners := map[string]string{}
	for _, p := range c.Ports() {
		place := tokenAt(body, p.path...)
		if problem := checkAddress(p.Address); problem != "" {
			found.add(place, "%s: %s", p.Key, problem)
			continue
		}
		_, port, _ := net.SplitHostPort(p.Address)
		switch {
		case !p.private || isLoopback(p.Address):
		case !p.admin:
			found.add(place, "%s: %s can be called from other machines; only this one may call %s: write %s",
				p.Key, p.Address, p.Owner, net.JoinHostPort(loopback, port))
		case !c.Admin.TLS.IsSet() || c.Admin.PasswordHash == "":
			found.add(place, "%s: %s can be called from other machines, which %s may be only with TLS and a password: "+
				"give admin.tls a certificate and admin.password_hash a hash, or write %s", p.Key, p.Address, p.Owner, net.JoinHostPort(loopback, port))
		}
		if owner, taken := owners[p.Address]; taken {
			found.add(place, "%s: %s is wanted for %s already; give %s another port", p.Key, p.Address, owner, p.Owner)
			continue
		}
		owners[p.Address] = p.Owner
	}
}

func checkAddress(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		if n, convErr := strconv.Atoi(port); convErr == nil && n > 0 && n <= 65535 {
			return ""
		}
	}
	return fmt.Sprintf("expected host:port such as 127.0.0.1:17010, not %q", address)
}

// isLoopback says whether only this machine can call address, a valid host:port.
func isLoopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// checkRedisURL shows no password. The files that the URL may name are not looked at: a cluster can be stopped without
// them.
func checkRedisURL(text string) string {
	if _, err := redisurl.Parse(text); err != nil {
		return err.Error()
	}
	return ""
}

// checkDatabaseURL shows nothing of what is wrong: it may hold a password.
func checkDatabaseURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || !slices.Contains([]string{"postgres", "postgresql"}, u.Scheme) || u.Host == "" && u.Query().Get("host") == "" {
		return "expected postgres://user:password@host:5432/name"
	}
	if strings.Trim(u.Path, "/") == "" && u.Query().Get("dbname") == "" {
		return "the name of the database is missing; expected postgres://user:password@host:5432/name"
	}
	return ""
}
