package folder

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-run/parley/internal/freeport"
	"github.com/parley-run/parley/redisurl"
	"github.com/parley-run/parley/runtime/certificate"
	"github.com/parley-run/parley/runtime/password"
)

// Options say what cluster to create. The zero value is two servers on the default ports of 127.0.0.1.
type Options struct {
	Name         string   // the folder's
	Compat       string   // whose names clients see: "" for Parley's own, or "zato"
	Servers      int      // 2
	ServerNames  []string // server1, server2, ...; where servers of several machines share a database, each needs one of its own
	BalancerPort int      // 11223
	ServerPort   int      // 17010 for the first server; each next server takes the next port
	AdminPort    int      // 8183 for the supervisor, whose dashboard people use, and 18010 for the first server; where given, the servers take the ports that follow
	RedisPort    int      // 16379, of the embedded Redis
	Balancer     string   // EmbeddedBalancer; or HAProxyBalancer
	StatsPort    int      // 11224, of HAProxy's statistics page
	RedisURL     string   // of an external Redis; none is embedded then
	DatabaseURL  string   // of a PostgreSQL; files hold the catalog otherwise
	FreePorts    bool     // ports that nobody uses, in place of all the above
	Host         string   // 127.0.0.1; the address that the balancer listens on. All else stays on 127.0.0.1
	TLS          bool     // the balancer serves https, by an authority of the cluster's own, and takes clients' certificates of it
	TLSHosts     []string // further names and addresses that clients call it by
}

// Create makes the folder of a new cluster in dir, which must be missing or empty, and the administrator's
// password: it is returned here and kept nowhere, but for its hash. No port may be in use. Where it fails,
// dir is left as it was.
func Create(dir string, o Options) (made *Folder, adminPassword string, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, "", err
	}
	o.Servers = cmp.Or(len(o.ServerNames), o.Servers, 2)
	o.Host = cmp.Or(o.Host, loopback)
	if o.Servers < 1 {
		return nil, "", fmt.Errorf("%d servers: a cluster needs one at least; give --servers 1 or more", o.Servers)
	}
	missing, err := checkEmpty(abs)
	if err != nil {
		return nil, "", err
	}
	cluster, err := plan(context.Background(), o)
	if err != nil {
		return nil, "", err
	}
	cluster.Name = cmp.Or(o.Name, nameFor(abs))
	adminPassword = NewPassword()
	cluster.Admin = Admin{User: "admin", PasswordHash: password.New(adminPassword).String()}

	f := &Folder{Dir: abs, Cluster: *cluster}
	err = f.write()
	if err == nil && o.TLS {
		err = f.makeTLS(o)
	}
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("create %s: %w", dir, err), takeBack(abs, missing))
	}
	f, err = Open(abs)
	if err != nil {
		return nil, "", errors.Join(err, takeBack(abs, missing))
	}
	return f, adminPassword, nil
}

func checkEmpty(dir string) (missing bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, err
	case len(entries) > 0:
		return false, fmt.Errorf("%s is not empty (it holds %s); give a new folder", dir, entries[0].Name())
	}
	return false, nil
}

// takeBack removes what write made.
func takeBack(dir string, whole bool) error {
	if whole {
		return os.RemoveAll(dir)
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// plan gives each part its address and checks that it can have it.
func plan(ctx context.Context, o Options) (*Cluster, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	ports, err := numbers(ctx, o)
	if err != nil {
		return nil, err
	}
	at := func(i int) string { return net.JoinHostPort(loopback, strconv.Itoa(ports[i])) }
	front := net.JoinHostPort(o.Host, strconv.Itoa(ports[0]))
	c := &Cluster{
		Compat:   o.Compat,
		Balancer: Balancer{Address: front, Kind: cmp.Or(o.Balancer, EmbeddedBalancer)}, Supervisor: Supervisor{at(1)},
		Redis: Redis{URL: o.RedisURL, Embedded: at(2)}, Database: Database{URL: o.DatabaseURL},
	}
	if o.RedisURL != "" {
		c.Redis.Embedded = ""
	}
	if o.TLS {
		c.Balancer.TLS = TLS{Certificate: "tls/balancer.pem", Key: "tls/balancer.key", ClientCA: "tls/" + certificate.CAFile, ClientAuth: string(certificate.RequestClientAuth)}
	}
	if c.Balancer.Kind == HAProxyBalancer {
		c.Balancer.HAProxy.Stats = at(len(ports) - 1)
	}
	for i := range o.Servers {
		name := "server" + strconv.Itoa(i+1)
		if len(o.ServerNames) > 0 {
			name = o.ServerNames[i]
		}
		c.Servers = append(c.Servers, Server{Name: name, Address: at(3 + 2*i), Admin: at(4 + 2*i)})
	}
	owners := map[string]string{}
	for _, p := range c.Ports() {
		if checkAddress(p.Address) != "" {
			return nil, fmt.Errorf("%s for %s is no port: expected 1 to 65535; change %s", p.Address, p.Owner, p.Option)
		}
		_, port, _ := net.SplitHostPort(p.Address)
		if owner, taken := owners[port]; taken {
			return nil, fmt.Errorf("%s would serve both %s and %s; change %s", p.Address, owner, p.Owner, p.Option)
		}
		owners[port] = p.Owner
		if err := p.CheckFree(ctx); err != nil {
			return nil, fmt.Errorf("%w; give another with %s, or --free-ports for all", err, p.Option)
		}
	}
	return c, nil
}

// check finds options that no cluster.yaml could hold.
func (o Options) check() error {
	problems := []struct{ option, problem string }{
		{"--redis", ""}, {"--database", ""}, {"--name", ""}, {"--server-names", ""}, {"--balancer", ""}, {"--compat", ""},
	}
	if !slices.Contains([]string{"", "zato"}, o.Compat) {
		problems[5].problem = fmt.Sprintf(`expected "" or "zato", not %q`, o.Compat)
	}
	if !slices.Contains([]string{"", EmbeddedBalancer, HAProxyBalancer}, o.Balancer) {
		problems[4].problem = fmt.Sprintf("expected embedded or haproxy, not %q", o.Balancer)
	}
	if o.RedisURL != "" {
		problems[0].problem = checkNewRedisURL(o.RedisURL)
	}
	if o.DatabaseURL != "" {
		problems[1].problem = checkDatabaseURL(o.DatabaseURL)
	}
	if o.Name != "" {
		problems[2].problem = checkName(o.Name)
	}
	for i, name := range o.ServerNames {
		problem := checkServerName(name)
		if slices.Contains(o.ServerNames[:i], name) {
			problem = fmt.Sprintf("%q is given twice", name)
		}
		problems[3].problem = cmp.Or(problems[3].problem, problem)
	}
	for _, one := range problems {
		if one.problem != "" {
			return fmt.Errorf("%s: %s", one.option, one.problem)
		}
	}
	return nil
}

// checkNewRedisURL also looks at the files of TLS that the URL names.
func checkNewRedisURL(text string) string {
	target, err := redisurl.Parse(text)
	if err == nil {
		_, err = target.TLS()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// loopback is where everything listens that only this machine may call.
const loopback = "127.0.0.1"

// nameFor is the name of a cluster in dir: the folder's own, what no name can hold replaced.
func nameFor(dir string) string {
	name := []rune(strings.TrimLeft(notInName.ReplaceAllString(filepath.Base(dir), "-"), ".-"))
	return cmp.Or(string(name[:min(len(name), longestName)]), "cluster")
}

// numbers are the ports of balancer, supervisor and Redis, then a pair for each server: channels, admin. The last is
// HAProxy's statistics page's.
func numbers(ctx context.Context, o Options) ([]int, error) {
	if o.FreePorts {
		return freeport.Find(ctx, o.Host, 4+2*o.Servers)
	}
	server, admin, first := cmp.Or(o.ServerPort, 17010), o.AdminPort, o.AdminPort+1
	if admin == 0 {
		admin, first = 8183, 18010
	}
	ports := []int{cmp.Or(o.BalancerPort, 11223), admin, cmp.Or(o.RedisPort, 16379)}
	for i := range o.Servers {
		ports = append(ports, server+i, first+i)
	}
	return append(ports, cmp.Or(o.StatsPort, 11224)), nil
}

// write makes everything, with a new token.
func (f *Folder) write() error { return f.writeWith(newToken()) }

// writeWith makes everything; cluster.yaml, which makes it a cluster, comes last.
func (f *Folder) writeWith(token string) error {
	dirs := []string{f.Dir, filepath.Dir(f.LogFile("supervisor")), filepath.Dir(f.SupervisorFile())}
	for _, s := range f.Cluster.Servers {
		dirs = append(dirs, f.Incoming(s.Name))
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(f.Dir, tokenFile), []byte(token+"\n"), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(f.Dir, clusterFile), []byte(f.Cluster.text()), 0o600)
}

// text is cluster.yaml, with what a reader needs to change it.
func (c *Cluster) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# The cluster. Changes take effect when it is started the next time.")
	line("name: %s", quote(c.Name))
	line(`compat: %s # "zato" answers clients with the names they know from Zato`, quote(c.Compat))
	if len(c.TrustedProxies) > 0 {
		line("trusted_proxies: # of load-balancers, whose X-Forwarded-For is believed")
		for _, text := range c.TrustedProxies {
			line("  - %s", quote(text))
		}
	}
	if len(c.Areas.Off) > 0 {
		line("areas:")
		line("  off: # neither loaded nor listed")
		for _, name := range c.Areas.Off {
			line("    - %s", quote(name))
		}
	}
	if c.Supervised() {
		line("balancer:")
		line("  address: %s # where clients call", quote(c.Balancer.Address))
		c.Balancer.TLS.write(line, "  ")
	}
	if h := c.Balancer.HAProxy; c.Balancer.Kind == HAProxyBalancer {
		line("  kind: %s # or embedded, or external: an HAProxy that you run yourself", quote(c.Balancer.Kind))
		line("  haproxy:")
		line("    binary: %s # the program; empty: haproxy on PATH", quote(h.Binary))
		line("    certificate: %s # PEM file with certificate and key: clients call https; empty: http", quote(h.Certificate))
		line("    stats: %s # the statistics page; its password: parley haproxy password", quote(h.Stats))
	}
	line("redis:")
	line("  url: %s # of an external Redis, such as redis://user:password@host:6379/0, rediss:// for TLS, "+
		"redis+sentinel://h1,h2,h3/master/0 or redis+cluster://h1,h2,h3 (docs/redis.md); empty: the embedded one", quote(c.Redis.URL))
	line("  embedded: %s", quote(c.Redis.Embedded))
	line("database:")
	line("  url: %s # of PostgreSQL, such as postgres://user:password@127.0.0.1:5432/name; empty: files in this folder", quote(c.Database.URL))
	if c.Database.URL != "" {
		line("  connections: %d # of each server to PostgreSQL, at most", c.Database.Pool())
	}
	if c.Supervised() {
		line("supervisor:")
		line("  admin: %s # on another than the loopback interface only with admin.tls", quote(c.Supervisor.Admin))
	}
	line("servers:")
	for _, s := range c.Servers {
		line("  - name: %s", quote(s.Name))
		line("    address: %s", quote(s.Address))
		line("    admin: %s", quote(s.Admin))
		s.TLS.write(line, "    ")
	}
	line("admin:")
	line("  user: %s", quote(c.Admin.User))
	line("  password_hash: %s", quote(c.Admin.PasswordHash))
	c.Admin.TLS.write(line, "  ")
	if c.Admin.CA != "" {
		line("  ca: %s # of the admin APIs' certificates", quote(c.Admin.CA))
	}
	line("server_command: %s # a program of your own that runs the servers; empty: parley", quote(c.ServerCommand))
	return b.String()
}

// write writes the key tls, where there is one.
func (t TLS) write(line func(string, ...any), indent string) {
	if !t.IsSet() {
		return
	}
	line(indent + "tls:")
	line(indent+"  certificate: %s # PEM file", quote(t.Certificate))
	line(indent+"  key: %s # empty: it is in the certificate's file", quote(t.Key))
	if t.ClientCA != "" || t.ClientAuth != "" {
		line(indent+"  client_ca: %s # of the certificates that clients show", quote(t.ClientCA))
		line(indent+"  client_auth: %s # none, request or require", quote(t.ClientAuth))
	}
	line(indent+"  min_version: %s # 1.2 or 1.3", quote(cmp.Or(t.MinVersion, "1.2")))
}

// makeTLS makes an authority of the cluster's own, the balancer's certificate and one of a client.
func (f *Folder) makeTLS(o Options) error {
	a, _, err := certificate.OpenAuthority(f.TLSDir(), "Parley cluster "+f.Cluster.Name)
	if err != nil {
		return err
	}
	hosts := []string{"localhost", loopback, "::1"}
	if ip := net.ParseIP(o.Host); ip == nil || !ip.IsUnspecified() && !ip.IsLoopback() {
		hosts = append(hosts, o.Host)
	}
	for _, host := range o.TLSHosts {
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	if _, err := a.Server("balancer", hosts); err != nil {
		return err
	}
	_, err = a.Client("client")
	return err
}

// quote is s between double quotes: JSON's text is YAML's too.
func quote(s string) string {
	raw, _ := json.Marshal(s) // text always has a JSON form
	return string(raw)
}
