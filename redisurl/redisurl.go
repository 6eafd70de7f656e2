// Package redisurl turns one URL into a client of Redis: one server, a primary that sentinels name, or a Redis Cluster,
// with TLS or without. The runtime, the steps and the commands read the same forms by it:
//
//	redis://user:password@host:6379/0
//	rediss://host:6379/0?ca=/etc/redis/ca.pem
//	unix://:password@/run/redis.sock?db=0
//	redis+sentinel://user:password@h1:26379,h2:26379,h3:26379/mymaster/0?sentinel_password=...
//	redis+cluster://user:password@h1:7000,h2:7001
//
// rediss+sentinel and rediss+cluster are the same with TLS. The form of the sentinels' URL is that of the Python world,
// host,host/master/database; options have the names that go-redis gives them. What a URL holds is never shown with its
// passwords: not in errors, not by String.
package redisurl

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
	"time"
)

// What holds where a URL says nothing else.
const (
	DefaultDialTimeout = time.Second
	DefaultReadTimeout = 3 * time.Second // of an answer; commands that wait for data are not bound by it
	DefaultPoolSize    = 20
)

// form is which kind of deployment a URL names.
type form int

const (
	single form = iota
	sentinel
	cluster
)

// Target is what a URL names. It is read-only.
type Target struct {
	scheme    string
	form      form
	tls       bool
	network   string   // tcp or unix
	addresses []string // host:port of the server, the sentinels or some of the cluster's nodes; the path of a socket
	master    string   // the name that sentinels know
	db        int
	user      string
	password  string
	options   options
	query     url.Values // as given, for String
}

// Parse reads a URL. Its error names each part that is wrong and what to write instead, and shows no password.
func Parse(text string) (*Target, error) {
	t, faults := parse(text)
	if len(faults) > 0 {
		return nil, errors.New(strings.Join(faults, "; "))
	}
	return t, nil
}

// hidden stands for a password.
const hidden = "xxxxx"

var (
	schemeName = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)
	hostName   = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?$`)
)

const forms = "redis://host:6379/0, rediss:// for TLS, redis+sentinel://host:26379,host:26379/master/0, " +
	"redis+cluster://host:6379,host:6379 or unix:///path/redis.sock"

func parse(text string) (*Target, []string) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || !schemeName.MatchString(scheme) {
		return nil, []string{"expected " + forms}
	}
	t := &Target{scheme: scheme, network: "tcp"}
	switch scheme {
	case "redis", "rediss":
	case "redis+sentinel", "rediss+sentinel":
		t.form = sentinel
	case "redis+cluster", "rediss+cluster":
		t.form = cluster
	case "unix":
		t.network = "unix"
	default:
		return nil, []string{fmt.Sprintf("unknown scheme %q: expected %s", scheme, forms)}
	}
	t.tls = strings.HasPrefix(scheme, "rediss")

	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, behind := rest[:end], rest[end:]
	// Without this check, what a message shows as host or option may be the half of a password.
	if strings.Contains(behind, "@") || strings.Contains(behind, "#") {
		return nil, []string{"an @ or # stands behind the host: in a user or password write / as %2F, ? as %3F, # as %23 and @ as %40; in an option write @ as %40"}
	}
	path, query, _ := strings.Cut(behind, "?")
	var faults []string
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		t.readUser(authority[:at], add)
		authority = authority[at+1:]
	}
	if t.network == "unix" {
		t.readSocket(authority, path, add)
	} else {
		t.readHosts(authority, add)
		t.readPath(path, add)
	}
	t.readOptions(query, add)
	if t.form == cluster && t.db != 0 {
		add("database %d: a Redis Cluster has database 0 alone", t.db)
	}
	return t, faults
}

type complain func(format string, args ...any)

func (t *Target) readUser(userinfo string, add complain) {
	user, password, both := strings.Cut(userinfo, ":")
	if !both || password == "" {
		add("the password is missing: write user:password@, or :password@ where there is no user")
		return
	}
	var err, err2 error
	t.user, err = url.PathUnescape(user)
	t.password, err2 = url.PathUnescape(password)
	if err != nil || err2 != nil {
		add("user or password: write a percent sign as %%25")
	}
}

func (t *Target) readSocket(authority, path string, add complain) {
	if authority != "" || len(path) < 2 {
		add("expected the path of a socket, such as unix:///run/redis/redis.sock")
		return
	}
	path, err := url.PathUnescape(path)
	if err != nil {
		add("path: write a percent sign as %%25")
	}
	t.addresses = []string{path}
}

func (t *Target) readHosts(authority string, add complain) {
	port := "6379"
	if t.form == sentinel {
		port = "26379"
	}
	if authority == "" {
		add("the host is missing: expected %s://%s", t.scheme, t.example())
		return
	}
	hosts := strings.Split(authority, ",")
	if t.form == single && len(hosts) > 1 {
		add("%d hosts: %s takes one; write %[2]s+sentinel://h1:26379,h2:26379/master or %[2]s+cluster://h1:6379,h2:6379 for several", len(hosts), t.scheme)
		return
	}
	for _, one := range hosts {
		address, problem := readHost(one, port)
		switch {
		case problem != "":
			add("%s", problem)
		case slices.Contains(t.addresses, address):
			add("host %q is given twice", one)
		default:
			t.addresses = append(t.addresses, address)
		}
	}
}

// readHost is host:port of one host, to which defaultPort belongs where it names none.
func readHost(text, defaultPort string) (address, problem string) {
	var host, port string
	if strings.HasPrefix(text, "[") {
		inner, after, closed := strings.Cut(text[1:], "]")
		ip, err := netip.ParseAddr(inner)
		if !closed || err != nil || !ip.Is6() || after != "" && after[0] != ':' {
			return "", fmt.Sprintf("host %q: expected [address]:port, such as [::1]:6379", text)
		}
		host, port = inner, strings.TrimPrefix(after, ":")
	} else {
		host, port, _ = strings.Cut(text, ":")
		if !hostName.MatchString(host) {
			return "", fmt.Sprintf("host %q: expected a name or an address, such as 127.0.0.1", host)
		}
	}
	port = cmp.Or(port, defaultPort)
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", fmt.Sprintf("port %q of host %q: expected 1 to 65535; an IPv6 address stands in brackets", port, host)
	}
	return net.JoinHostPort(host, port), ""
}

// readPath reads /database, or /master/database behind sentinels.
func (t *Target) readPath(path string, add complain) {
	path = strings.TrimPrefix(path, "/")
	db, more, _ := strings.Cut(path, "/")
	if t.form == sentinel {
		master, err := url.PathUnescape(db)
		if err != nil || master == "" {
			add("the name that the sentinels give the primary is missing: expected %s://%s", t.scheme, t.example())
		}
		t.master = master
		db, more, _ = strings.Cut(more, "/")
	}
	if more != "" {
		add("path: expected nothing behind the database's number")
	}
	if db != "" {
		t.setDB(db, add)
	}
}

func (t *Target) setDB(text string, add complain) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		add("database %q: expected a number, such as 0", text)
	}
	t.db = n
}

func (t *Target) example() string {
	switch t.form {
	case sentinel:
		return "h1:26379,h2:26379,h3:26379/mymaster/0"
	case cluster:
		return "h1:6379,h2:6379,h3:6379"
	}
	return "127.0.0.1:6379/0"
}

// String is the URL with xxxxx for its passwords.
func (t *Target) String() string {
	var b strings.Builder
	b.WriteString(t.scheme + "://")
	if t.password != "" {
		b.WriteString(url.PathEscape(t.user) + ":" + hidden + "@")
	}
	b.WriteString(strings.Join(t.addresses, ","))
	if t.master != "" {
		b.WriteString("/" + url.PathEscape(t.master))
	}
	if t.network != "unix" && (t.form != cluster || t.db != 0) {
		b.WriteString("/" + strconv.Itoa(t.db))
	}
	if len(t.query) > 0 {
		shown := url.Values{}
		for name, values := range t.query {
			if name == "sentinel_password" {
				values = []string{hidden}
			}
			shown[name] = values
		}
		b.WriteString("?" + shown.Encode())
	}
	return b.String()
}

// GoString keeps passwords out of %#v.
func (t *Target) GoString() string { return t.String() }

// Name is where it is, for messages: 127.0.0.1:6379, or "mymaster of the sentinels h1:26379, h2:26379", or "the cluster of
// h1:7000, h2:7001".
func (t *Target) Name() string {
	hosts := strings.Join(t.addresses, ", ")
	switch t.form {
	case sentinel:
		return fmt.Sprintf("%s of the sentinels %s", t.master, hosts)
	case cluster:
		return "the cluster of " + hosts
	}
	return hosts
}

// IsCluster says whether it is a Redis Cluster, where a command's keys must share a slot.
func (t *Target) IsCluster() bool { return t.form == cluster }

// DialTimeout is how long a connection may take to be made.
func (t *Target) DialTimeout() time.Duration { return t.options.dial }

// ReadTimeout is how long an answer may take.
func (t *Target) ReadTimeout() time.Duration { return t.options.read }

// PoolTimeout is how long a command may wait for a free connection.
func (t *Target) PoolTimeout() time.Duration { return t.options.poolWait }

// PoolSize is how many connections there are at most, to each node of a cluster.
func (t *Target) PoolSize() int { return t.options.poolSize }
