package folder_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/folder"
)

func create(t *testing.T, o folder.Options) (*folder.Folder, string) {
	t.Helper()
	o.FreePorts = true
	f, password, err := folder.Create(filepath.Join(t.TempDir(), "bank"), o)
	require.NoError(t, err)
	return f, password
}

func TestCreateMakesAFolderThatOpens(t *testing.T) {
	f, password := create(t, folder.Options{Servers: 3})

	again, err := folder.Open(f.Dir)
	require.NoError(t, err)
	assert.Equal(t, f, again)
	assert.Equal(t, "bank", f.Cluster.Name)
	require.Len(t, f.Cluster.Servers, 3)
	assert.Equal(t, "server3", f.Cluster.Servers[2].Name)

	addresses := map[string]bool{}
	for _, p := range f.Cluster.Ports() {
		addresses[p.Address] = true
	}
	assert.Len(t, addresses, 3+2*3, "each part has a port of its own")
	assert.Equal(t, "redis://"+f.Cluster.Redis.Embedded+"/0", f.RedisURL())

	assert.Regexp(t, `^[a-km-np-z2-9]{4}(-[a-km-np-z2-9]{4}){3}$`, password)
	raw, err := os.ReadFile(filepath.Join(f.Dir, "cluster.yaml"))
	require.NoError(t, err)
	assert.NotContains(t, string(raw), password)

	info, err := os.Stat(filepath.Join(f.Dir, "admin.token"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	token, err := f.Token()
	require.NoError(t, err)
	assert.Regexp(t, `^[0-9a-f]{64}$`, token)
	assert.DirExists(t, f.Incoming("server2"))
	assert.Equal(t, filepath.Join(f.Dir, "server2", "pickup", "incoming", "services"), f.Incoming("server2"))
}

func TestDefaultPorts(t *testing.T) {
	f, _, err := folder.Create(filepath.Join(t.TempDir(), "bank"), folder.Options{})
	if err != nil {
		require.ErrorContains(t, err, "in use")
		t.Skipf("the default ports are not free here: %v", err)
	}
	assert.Equal(t, "127.0.0.1:11223", f.Cluster.Balancer.Address)
	assert.Equal(t, "127.0.0.1:8183", f.Cluster.Supervisor.Admin)
	assert.Equal(t, "redis://127.0.0.1:16379/0", f.RedisURL())
	assert.Equal(t, []folder.Server{
		{Name: "server1", Address: "127.0.0.1:17010", Admin: "127.0.0.1:18010"},
		{Name: "server2", Address: "127.0.0.1:17011", Admin: "127.0.0.1:18011"},
	}, f.Cluster.Servers)
}

func TestCreateRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	port := taken.Addr().(*net.TCPAddr).Port
	free, _ := create(t, folder.Options{Servers: 6})
	ports := make([]int, 0, 15)
	for _, p := range free.Cluster.Ports() {
		_, text, err := net.SplitHostPort(p.Address)
		require.NoError(t, err)
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		ports = append(ports, n)
	}
	good := func(change func(*folder.Options)) folder.Options {
		o := folder.Options{Servers: 1, BalancerPort: ports[0], RedisPort: ports[1], ServerPort: ports[2], AdminPort: ports[3]}
		change(&o)
		return o
	}
	rows := []struct {
		name    string
		options folder.Options
		want    []string
	}{
		{"balancer's port taken", good(func(o *folder.Options) { o.BalancerPort = port }), []string{strconv.Itoa(port), "in use", "the balancer", "--balancer-port"}},
		{"redis's port taken", good(func(o *folder.Options) { o.RedisPort = port }), []string{strconv.Itoa(port), "the embedded Redis", "--redis-port"}},
		{"server's port taken", good(func(o *folder.Options) { o.ServerPort = port }), []string{strconv.Itoa(port), "server1", "--server-port"}},
		{"admin port taken", good(func(o *folder.Options) { o.AdminPort = port }), []string{strconv.Itoa(port), "supervisor", "--admin-port"}},
		{"one port twice", good(func(o *folder.Options) { o.ServerPort = ports[0] }), []string{"both the balancer and server1", "--server-port"}},
		{"one port twice, on two addresses", good(func(o *folder.Options) { o.ServerPort, o.Host = ports[0], "0.0.0.0" }), []string{"both the balancer and server1"}},
		{"no such port", good(func(o *folder.Options) { o.ServerPort = 70000 }), []string{"70000", "1 to 65535"}},
		{"bad redis", good(func(o *folder.Options) { o.RedisURL = "localhost:6379" }), []string{"--redis", "expected redis://host:6379/0"}},
		{"bad redis, not shown", good(func(o *folder.Options) { o.RedisURL = "redis://:s3cret@h:x" }), []string{"--redis", `port "x" of host "h"`}},
		{"no file of TLS", good(func(o *folder.Options) { o.RedisURL = "rediss://h?ca=/no/ca.pem" }), []string{"--redis: ca: open /no/ca.pem"}},
		{"no servers", good(func(o *folder.Options) { o.Servers = -1 }), []string{"--servers"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "bank")
			_, _, err := folder.Create(dir, row.options)
			require.Error(t, err)
			for _, want := range row.want {
				assert.ErrorContains(t, err, want)
			}
			assert.NoDirExists(t, dir)
		})
	}
	t.Run("not empty", func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o600))
		_, _, err := folder.Create(dir, folder.Options{FreePorts: true})
		require.ErrorContains(t, err, "thesis.txt")
	})
}

func TestHAProxy(t *testing.T) {
	f, _ := create(t, folder.Options{Balancer: folder.HAProxyBalancer})
	assert.Equal(t, "haproxy", f.Cluster.Balancer.Kind)
	owners := map[string]string{}
	for _, p := range f.Cluster.Ports() {
		owners[p.Owner] = p.Address
	}
	assert.Equal(t, f.Cluster.Balancer.HAProxy.Stats, owners["HAProxy's statistics page"])
	assert.True(t, f.Cluster.Supervised())
	apart := folder.Cluster{Balancer: folder.Balancer{Address: "127.0.0.1:1", Kind: folder.ExternalBalancer}}
	assert.False(t, apart.Supervised(), "somebody else runs HAProxy, and the servers")
	assert.NotEmpty(t, f.Cluster.Balancer.HAProxy.Stats)
	assert.Empty(t, f.FrontTLS())
	assert.Equal(t, "http://"+f.Cluster.Balancer.Address, f.BalancerURL())
	f.Cluster.Balancer.HAProxy.Certificate = "cert.pem"
	assert.Equal(t, filepath.Join(f.Dir, "cert.pem"), f.FrontTLS().Certificate)
	assert.Equal(t, "https://"+f.Cluster.Balancer.Address, f.BalancerURL())
	f.Cluster.Balancer.HAProxy.Certificate = "/etc/cert.pem"
	assert.Equal(t, "/etc/cert.pem", f.FrontTLS().Certificate)
	f.Cluster.Balancer.Kind = folder.ExternalBalancer
	for _, p := range f.Cluster.Ports() {
		assert.NotContains(t, p.Key, "balancer", "somebody else listens there")
	}
}

func TestExternalRedis(t *testing.T) {
	f, _ := create(t, folder.Options{RedisURL: "redis://10.1.1.1:6379/3"})
	assert.Equal(t, "redis://10.1.1.1:6379/3", f.RedisURL())
	for _, p := range f.Cluster.Ports() {
		assert.NotContains(t, p.Owner, "Redis")
	}
}

func TestOpenNamesEachFaultWithItsPlace(t *testing.T) {
	rows := []struct {
		name     string
		old, new string
		want     []string // of the error; :line:column: first
	}{
		{"unknown key", "compat:", "compart:", []string{":3:1:", `unknown key "compart"`, "compat"}},
		{"unknown key below", "    admin: \"", "    amdin: \"", []string{":16:5:", "servers[0]", "name, address, admin"}},
		{"bad compat", `compat: ""`, `compat: "zatoo"`, []string{":3:9:", `"zato"`, "zatoo"}},
		{"bad address", "  address: \"127", "  address: \"127.0.0.1\" #", []string{":5:12:", "balancer.address", "127.0.0.1:17010"}},
		{"wrong type", "servers:", "servers: 3\nx:", []string{":13:10:", "list"}},
		{"syntax", "balancer:", "balancer: [", []string{":"}},
		{"bad name", `name: "server1"`, `name: "../x"`, []string{":14:11:", "servers[0].name", "../x"}},
		{"name taken", `name: "server1"`, `name: "logs"`, []string{"servers[0].name", "logs"}},
		{"two of a name", `name: "server2"`, `name: "server1"`, []string{":17:11:", "servers[1].name", "server1"}},
		{"bad hash", "argon2id", "argon3", []string{"admin.password_hash", "$argon2id$"}},
		{"hash too dear", "m=19456", "m=99999999", []string{"admin.password_hash", "out of bounds"}},
		{"admin for all", `admin: "127.0.0.1`, `admin: "0.0.0.0`, []string{":12:10:", "supervisor.admin", "may be only with TLS and a password", "write 127.0.0.1:"}},
		{"admin of a server for all", `    admin: "127.0.0.1`, `    admin: "`, []string{":16:12:", "servers[0].admin", "write 127.0.0.1:"}},
		{"redis for all", `embedded: "127.0.0.1`, `embedded: "[::]`, []string{":8:13:", "redis.embedded", "write 127.0.0.1:"}},
		{"name that is a path", `name: "bank"`, `name: "../bank"`, []string{":2:7:", "name: expected", "../bank"}},
		{"name of dots", `name: "bank"`, `name: ".."`, []string{":2:7:", "name: expected"}},
		{"bad redis", `url: "" # of an external`, `url: "http://x" # of an external`, []string{":7:8:", "redis.url", "redis://"}},
		{"bad database", `url: "" # of PostgreSQL`, `url: "mysql://x:secret@y/z" # of PostgreSQL`, []string{":10:8:", "database.url: expected postgres://user:password@host:5432/name"}},
		{"no name of a database", `url: "" # of PostgreSQL`, `url: "postgres://x:secret@y" # of PostgreSQL`, []string{":10:8:", "database.url: the name of the database is missing"}},
		{"bad kind of balancer", "  address: \"127", "  kind: nginx\n  address: \"127", []string{":5:9:", "balancer.kind: expected embedded, haproxy or external", "nginx"}},
		{
			"key of another kind", "  address: \"127", "  haproxy: {certificate: x.pem}\n  address: \"127",
			[]string{":5:", "balancer.haproxy.certificate: it is for a balancer of the kind haproxy or external, and this one is embedded"},
		},
		{"socket of our own", "  address: \"127", "  kind: haproxy\n  haproxy: {socket: /x}\n  address: \"127", []string{":6:", "balancer.haproxy.socket"}},
		{"external without socket", "  address: \"127", "  kind: external\n  address: \"127", []string{"balancer.haproxy.socket", "give its path"}},
		{"bad page", "  address: \"127", "  kind: haproxy\n  haproxy: {stats: here}\n  address: \"127", []string{":6:", "balancer.haproxy.stats: expected host:port"}},
		{"TLS without a certificate", "  address: \"127", "  tls: {client_ca: ca.pem}\n  address: \"127", []string{":5:", "balancer.tls.certificate: the path of a PEM file is missing"}},
		{
			"TLS that asks for nobody's certificates", "  address: \"127", "  tls: {certificate: a.pem, client_auth: require}\n  address: \"127",
			[]string{":5:", "balancer.tls.client_ca: client_auth: require needs the authority"},
		},
		{"version of TLS", "  address: \"127", "  tls: {certificate: a.pem, min_version: 1.1}\n  address: \"127", []string{`balancer.tls.min_version: expected 1.2 or 1.3, not "1.1"`}},
		{
			"TLS of a server", "    admin: \"127", "    tls: {certificate: a.pem, client_auth: maybe}\n    admin: \"127",
			[]string{":16:", `servers[0].tls.client_auth: expected none, request or require, not "maybe"`},
		},
		{"unknown key of TLS", "  address: \"127", "  tls: {cert: a.pem}\n  address: \"127", []string{`unknown key "cert"`, "certificate, key, client_ca"}},
		{"key of no certificate", "  address: \"127", "  servers_tls: {key: a.key}\n  address: \"127", []string{"balancer.servers_tls.key: the certificate of it is missing"}},
		{
			"certificate twice", "  address: \"127", "  kind: haproxy\n  tls: {certificate: a.pem}\n  haproxy: {certificate: b.pem}\n  address: \"127",
			[]string{"balancer.haproxy.certificate: balancer.tls names the certificate already"},
		},
		{
			"two files for an external HAProxy", "  address: \"127", "  kind: external\n  haproxy: {socket: /x}\n  tls: {certificate: a.pem, key: a.key}\n  address: \"127",
			[]string{"balancer.tls.key: HAProxy takes certificate and key from one file"},
		},
		{"an area that there is not", "supervisor:", "areas: {off: [kvbd]}\nsupervisor:", []string{":11:15:", `areas.off[0]: there is no area "kvbd"; did you mean kvdb?`}},
		{"an area that must be", "supervisor:", "areas: {off: [kvdb, server]}\nsupervisor:", []string{`areas.off[1]: "server" cannot be switched off: the cluster itself needs it`}},
		{"an area that another needs", "supervisor:", "areas: {off: [stats]}\nsupervisor:", []string{"areas.off[0]: metrics needs stats: switch metrics off, too, or leave stats on"}},
		{"an area twice", "supervisor:", "areas: {off: [audit, audit]}\nsupervisor:", []string{`areas.off[1]: "audit" is there twice`}},
		{"negative days", "supervisor:", "statistics: {hours: -1}\nsupervisor:", []string{":11:", "statistics.hours: expected a number of days, 1 to 36500, not -1"}},
		{"a database of statistics that is none", "supervisor:", "statistics: {database: 'mysql://x'}\nsupervisor:", []string{"statistics.database: expected postgres://user:password@host:5432/name"}},
		{
			"exports that cannot be", "supervisor:",
			"export:\n  traces: {endpoint: 'localhost:4318', ratio: 1.5, headers: {'a b': x}}\n  sentry: {dsn: 'https://sec-ret.example/'}\n  new_relic: {region: asia, every: 1, url: x}\nsupervisor:",
			[]string{
				":12:", "export.traces.endpoint: expected a URL such as http://127.0.0.1:4318", "export.traces.ratio: expected a number from 0 to 1",
				"export.traces.headers: expected names of headers", "export.sentry.dsn: expected a DSN such as https://KEY@o1.ingest.sentry.io/42",
				"export.new_relic.region: expected us or eu", "export.new_relic.every: expected a number of seconds, 5 to 3600", "export.new_relic.url: expected a URL",
			},
		},
		{"an export that there is not", "supervisor:", "export: {jaeger: {}}\nsupervisor:", []string{`unknown key "jaeger"; the keys under export are traces, sentry, new_relic`}},
		{"unknown key of HAProxy", "  address: \"127", "  haproxy: {statistics: x}\n  address: \"127", []string{":5:", `unknown key "statistics"`, "certificate, stats"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			f, _ := create(t, folder.Options{})
			path := filepath.Join(f.Dir, "cluster.yaml")
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Contains(t, string(raw), row.old)
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(raw), row.old, row.new, 1)), 0o600))
			_, err = folder.Open(f.Dir)
			require.Error(t, err)
			assert.ErrorContains(t, err, path+":")
			for _, want := range row.want {
				assert.ErrorContains(t, err, want)
			}
			assert.NotContains(t, err.Error(), "secret")
		})
	}
	t.Run("all at once", func(t *testing.T) {
		dir := t.TempDir()
		text := "name: x\ncompat: y\nbalancer: {address: 1}\nservers: []\nadmin: {user: a}\n"
		require.NoError(t, os.WriteFile(filepath.Join(dir, "cluster.yaml"), []byte(text), 0o600))
		_, err := folder.Open(dir)
		require.Error(t, err)
		for _, want := range []string{":2:9: compat", ":3:21: balancer.address", ":4:", "servers", "supervisor.admin", "redis.embedded", "admin.password_hash"} {
			assert.ErrorContains(t, err, want)
		}
	})
	for name, text := range map[string]string{
		"brackets": strings.Repeat("[", 60_000),
		"braces":   "name: " + strings.Repeat("{a: ", 10_000),
		"dashes":   strings.Repeat("- ", 30_000) + "x",
		"keys":     strings.Repeat("? ", 30_000) + "x",
		"anchors":  "name: " + strings.Repeat("&a ", 20_000) + "x",
		"tags":     "name: " + strings.Repeat("!a ", 20_000) + "x",
		"size":     strings.Repeat("[", 100_000),
	} {
		t.Run("deep "+name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "cluster.yaml"), []byte(text), 0o600))
			start := time.Now()
			_, err := folder.Open(dir)
			require.Error(t, err)
			assert.Regexp(t, `cluster.yaml:1:\d+: (nested too deeply|the file has 100000 bytes, the limit is 65536)`, err.Error())
			assert.Less(t, time.Since(start), 20*time.Second)
		})
	}
	t.Run("no cluster", func(t *testing.T) {
		_, err := folder.Open(t.TempDir())
		require.ErrorContains(t, err, "parley quickstart create")
	})
	t.Run("empty file", func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "cluster.yaml"), nil, 0o600))
		_, err := folder.Open(dir)
		require.ErrorContains(t, err, ":1:1: expected keys and values")
	})
}

func TestHostIsTheBalancersAlone(t *testing.T) {
	f, _ := create(t, folder.Options{Host: "0.0.0.0"})
	for _, p := range f.Cluster.Ports() {
		host, _, err := net.SplitHostPort(p.Address)
		require.NoError(t, err)
		want := "127.0.0.1"
		if p.Owner == "the balancer" {
			want = "0.0.0.0"
		}
		assert.Equal(t, want, host, p.Owner)
	}
}

func TestNameIsTheFoldersWhereItCanBe(t *testing.T) {
	for dir, want := range map[string]string{"my bank": "my-bank", ".bank.1": "bank.1", "żółw_2": "żółw_2", "...": "cluster"} {
		f, _, err := folder.Create(filepath.Join(t.TempDir(), dir), folder.Options{FreePorts: true})
		require.NoError(t, err)
		assert.Equal(t, want, f.Cluster.Name)
	}
}

func TestTokenThatIsMissing(t *testing.T) {
	f, _ := create(t, folder.Options{})
	require.NoError(t, os.Remove(filepath.Join(f.Dir, "admin.token")))
	_, err := f.Token()
	require.ErrorContains(t, err, "openssl rand -hex 32 > '"+f.Dir)
}

func TestServer(t *testing.T) {
	f, _ := create(t, folder.Options{})
	s, err := f.Server("server2")
	require.NoError(t, err)
	assert.Equal(t, f.Cluster.Servers[1], s)
	_, err = f.Server("server9")
	require.ErrorContains(t, err, "server1, server2")
}

func TestFind(t *testing.T) {
	f, _ := create(t, folder.Options{})
	elsewhere := t.TempDir()

	t.Setenv("PARLEY_DIR", elsewhere)
	dir, err := folder.Find(f.Dir)
	require.NoError(t, err)
	assert.Equal(t, f.Dir, dir, "the flag wins")
	dir, err = folder.Find("")
	require.NoError(t, err)
	assert.Equal(t, elsewhere, dir, "then the environment")

	t.Setenv("PARLEY_DIR", "")
	t.Chdir(f.Dir)
	dir, err = folder.Find("")
	require.NoError(t, err)
	same, err := filepath.EvalSymlinks(f.Dir)
	require.NoError(t, err)
	got, err := filepath.EvalSymlinks(dir)
	require.NoError(t, err)
	assert.Equal(t, same, got, "then the current folder")

	t.Chdir(elsewhere)
	_, err = folder.Find("")
	require.ErrorContains(t, err, "--dir")
}

func TestDatabase(t *testing.T) {
	const url = "postgres://parley:s3cret@db.example:5433/bank?sslmode=require"
	f, _ := create(t, folder.Options{Name: "bank-2", DatabaseURL: url, ServerNames: []string{"north1", "north2", "north3"}})
	again, err := folder.Open(f.Dir)
	require.NoError(t, err)
	c := again.Cluster
	assert.Equal(t, "bank-2", c.Name)
	assert.Equal(t, url, c.Database.URL)
	assert.Equal(t, "postgres://parley:xxxxx@db.example:5433/bank?sslmode=require", c.Database.Name())
	var names []string
	for _, s := range c.Servers {
		names = append(names, s.Name)
	}
	assert.Equal(t, []string{"north1", "north2", "north3"}, names)
	assert.Equal(t, filepath.Join(f.Dir, "north2", "catalog.snapshot"), again.SnapshotFile("north2"))
	assert.Empty(t, folder.Database{}.Name())
	assert.Equal(t, 8, c.Database.Pool())

	path := filepath.Join(f.Dir, "cluster.yaml")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for given, want := range map[string]int{"connections: 20": 20, "connections: 0": 8, "": 8} {
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), "connections: 8", given, 1)), 0o600))
		again, err := folder.Open(f.Dir)
		require.NoError(t, err)
		assert.Equal(t, want, again.Cluster.Database.Pool())
	}
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), "connections: 8", "connections: 5", 1)), 0o600))
	_, err = folder.Open(f.Dir)
	require.ErrorContains(t, err, "database.connections: a server needs 6 at least, not 5; 0 is 8")

	for name, tt := range map[string]struct {
		o    folder.Options
		want string
	}{
		"no URL":            {folder.Options{DatabaseURL: "bank:s3cret"}, "--database: expected postgres://user:password@host:5432/name"},
		"another database":  {folder.Options{DatabaseURL: "mysql://a:s3cret@b/c"}, "--database: expected postgres://"},
		"no host":           {folder.Options{DatabaseURL: "postgres:///bank"}, "--database: expected postgres://"},
		"no name":           {folder.Options{DatabaseURL: "postgres://a:s3cret@b/"}, "--database: the name of the database is missing"},
		"a bad name":        {folder.Options{Name: "../x"}, "--name: expected up to 128 letters"},
		"a bad server name": {folder.Options{ServerNames: []string{"ok", "a b"}}, `--server-names: expected letters, digits, - and _, not "a b"`},
		"a server's twice":  {folder.Options{ServerNames: []string{"a", "a"}}, `--server-names: "a" is given twice`},
		"a name of ours":    {folder.Options{ServerNames: []string{"logs"}}, `--server-names: "logs" is taken by a part of the cluster's folder`},
	} {
		dir := filepath.Join(t.TempDir(), "c")
		tt.o.FreePorts = true
		_, _, err := folder.Create(dir, tt.o)
		require.ErrorContains(t, err, tt.want, name)
		assert.NotContains(t, err.Error(), "s3cret", name)
		assert.NoDirExists(t, dir, name)
	}
	for _, good := range []string{"postgresql://h/d", "postgres:///d?host=/run/postgresql", "postgres://h1:1,h2:2/d", "postgres://h?dbname=d"} {
		_, _, err := folder.Create(filepath.Join(t.TempDir(), "c"), folder.Options{FreePorts: true, DatabaseURL: good})
		assert.NoError(t, err, good)
	}
}
