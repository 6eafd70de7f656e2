package haproxy_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/balancer/haproxy"
	"github.com/parley-run/parley/runtime/service"
)

// certificate writes a PEM file with a certificate for 127.0.0.1 and its key.
func certificate(t testing.TB, path string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	made := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "parley"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, made, made, &key.PublicKey, key)
	require.NoError(t, err)
	keyRaw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyRaw})...)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(text))
	return pool
}

func plain(dir string) haproxy.Config {
	return haproxy.Config{
		Cluster: "bank", Front: "127.0.0.1:11223", Sockets: haproxy.In(dir),
		Servers: []haproxy.Server{{Name: "server1", Address: "127.0.0.1:17010", Weight: 100}},
	}
}

func servers(n int) (out []haproxy.Server) {
	for i := range n {
		out = append(out, haproxy.Server{Name: fmt.Sprint("server", i+1), Address: fmt.Sprint("127.0.0.1:", 17010+i), Weight: i * 20})
	}
	return out
}

func TestHAProxyTakesWhatIsRendered(t *testing.T) {
	dir := t.TempDir()
	odd := filepath.Join(dir, `o'brien "and" $HOME \n, 100% #1`)
	require.NoError(t, os.Mkdir(odd, 0o700))
	certificate(t, filepath.Join(odd, "cert.pem"))
	state := filepath.Join(odd, "haproxy.state")
	require.NoError(t, os.WriteFile(state, []byte("1\n"), 0o600))
	rows := map[string]struct {
		change func(c *haproxy.Config)
		want   []string
	}{
		"one server": {func(*haproxy.Config) {}, []string{"bind 127.0.0.1:11223", "server server1 127.0.0.1:17010 weight 100", "monitor-uri /parley-lb-alive"}},
		"ten": {
			func(c *haproxy.Config) { c.Servers = servers(10) },
			[]string{"server server1 127.0.0.1:17010 weight 0", "server server10 127.0.0.1:17019 weight 180"},
		},
		"a page": {func(c *haproxy.Config) { c.Stats, c.Password = "127.0.0.1:8404", haproxy.Hash("secret") }, []string{"bind 127.0.0.1:8404", "user parley password '$5$"}},
		"tls":    {func(c *haproxy.Config) { c.Certificate = filepath.Join(odd, "cert.pem") }, []string{" ssl crt '", "X-Forwarded-Proto https"}},
		"certificates of clients": {
			func(c *haproxy.Config) {
				c.Certificate, c.ClientCA, c.Proof = filepath.Join(odd, "cert.pem"), filepath.Join(odd, "cert.pem"), strings.Repeat("a", 64)
			},
			[]string{" verify optional\n", "set-header X-Parley-Balancer " + strings.Repeat("a", 64), "set-header Client-Cert :%[ssl_c_der,base64]: if", "ssl-min-ver TLSv1.2"},
		},
		"certificates that clients must have": {
			func(c *haproxy.Config) {
				c.Certificate, c.ClientCA, c.Proof = filepath.Join(odd, "cert.pem"), filepath.Join(odd, "cert.pem"), strings.Repeat("a", 64)
				c.ClientMust, c.MinVersion = true, "1.3"
			},
			[]string{" verify required\n", "ssl-min-ver TLSv1.3"},
		},
		"nobody's certificate": {func(*haproxy.Config) {}, []string{"del-header Client-Cert\n", "del-header Client-Cert-Chain\n", "del-header X-Parley-Balancer\n"}},
		"servers with TLS": {
			func(c *haproxy.Config) {
				c.Servers[0].TLS, c.Servers[0].Address = true, "localhost:17010"
				c.ServersTLS = haproxy.ServersTLS{CA: filepath.Join(odd, "cert.pem"), Certificate: filepath.Join(odd, "cert.pem")}
			},
			[]string{"server server1 localhost:17010 weight 100 ssl verify required ca-file '", "verifyhost localhost sni str(localhost) check-sni localhost crt '"},
		},
		"servers with TLS and another name": {
			func(c *haproxy.Config) {
				c.Servers[0].TLS = true
				c.ServersTLS = haproxy.ServersTLS{CA: filepath.Join(odd, "cert.pem"), ServerName: "bank.example.com"}
			},
			[]string{"verifyhost bank.example.com sni str(bank.example.com)"},
		},
		"ipv6": {
			func(c *haproxy.Config) { c.Front, c.Servers[0].Address = "[::1]:11223", "[2001:db8::1]:17010" },
			[]string{"bind ipv6@::1:11223", "server server1 ipv6@2001:db8::1:17010"},
		},
		"all addresses":         {func(c *haproxy.Config) { c.Front = ":11223" }, []string{"bind *:11223"}},
		"a name for an address": {func(c *haproxy.Config) { c.Servers[0].Address = "localhost:17010" }, []string{"server server1 localhost:17010"}},
		"a name server": {
			func(c *haproxy.Config) { c.Servers[0].Address, c.Resolver = "localhost:17010", "127.0.0.11:53" },
			[]string{"nameserver first 127.0.0.11:53", "rise 1 resolvers names init-addr last,libc,none\n    server server1 localhost:17010 weight 100"},
		},
		"zato":  {func(c *haproxy.Config) { c.Names = service.ZatoNames() }, []string{"monitor-uri /zato-lb-alive", "uri /zato/ready", `"zato_env"`, "hdr X-Zato-CID"}},
		"state": {func(c *haproxy.Config) { c.StateFile = state }, []string{"server-state-file '", "load-server-state-from-file global"}},
		"odd names": {func(c *haproxy.Config) {
			c.Cluster = `bank's "$HOME" {{.}} \n #`
			c.Servers = append(c.Servers, haproxy.Server{Name: "a.b:c-D_9", Address: "127.0.0.1:1"}, haproxy.Server{Name: "9", Address: "127.0.0.1:2"})
		}, []string{"server a.b:c-D_9 127.0.0.1:1 weight 0", "server 9 "}},
	}
	program := installed(t)
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			c := plain("/tmp")
			row.change(&c)
			text, err := c.Render()
			require.NoError(t, err)
			for _, want := range row.want {
				assert.Contains(t, string(text), want)
			}
			file := filepath.Join(t.TempDir(), "haproxy.cfg")
			require.NoError(t, os.WriteFile(file, text, 0o600))
			require.NoError(t, program.Check(context.Background(), file))
			out, err := exec.CommandContext(t.Context(), program.Path, "-c", "-f", file).CombinedOutput()
			require.NoError(t, err)
			assert.NotContains(t, string(out), "WARNING")
			again, err := c.Render()
			require.NoError(t, err)
			assert.Equal(t, string(text), string(again), "the same cluster has the same configuration")
		})
	}
}

func TestWhatCannotBeRendered(t *testing.T) {
	rows := map[string]struct {
		change func(c *haproxy.Config)
		want   string
	}{
		"no server":         {func(c *haproxy.Config) { c.Servers = nil }, "no server"},
		"same name":         {func(c *haproxy.Config) { c.Servers = append(c.Servers, c.Servers[0]) }, `two servers are named "server1"`},
		"line in a name":    {func(c *haproxy.Config) { c.Servers[0].Name = "a\n    server b" }, "expected a name"},
		"space in a name":   {func(c *haproxy.Config) { c.Servers[0].Name = "a b" }, "expected a name"},
		"option for a name": {func(c *haproxy.Config) { c.Servers[0].Name = "-x" }, "expected a name"},
		"line in cluster":   {func(c *haproxy.Config) { c.Cluster = "bank\nglobal" }, "line break"},
		"carriage return":   {func(c *haproxy.Config) { c.Cluster = "bank\rglobal" }, "line break"},
		"word behind address": {
			func(c *haproxy.Config) { c.Servers[0].Address = "127.0.0.1:1 backup" },
			`expected host:port such as 127.0.0.1:17010, not "127.0.0.1:1 backup"`,
		},
		"line in a host":          {func(c *haproxy.Config) { c.Servers[0].Address = "a\nb:1" }, "expected host:port"},
		"variable in a host":      {func(c *haproxy.Config) { c.Front = "$HOME:1" }, "expected host:port"},
		"no port":                 {func(c *haproxy.Config) { c.Front = "127.0.0.1" }, "expected host:port"},
		"port 0":                  {func(c *haproxy.Config) { c.Front = "127.0.0.1:0" }, "expected host:port"},
		"port 65536":              {func(c *haproxy.Config) { c.Front = "127.0.0.1:65536" }, "expected host:port"},
		"line in certificate":     {func(c *haproxy.Config) { c.Certificate = "/x\nstats admin" }, "control characters"},
		"clients without a proof": {func(c *haproxy.Config) { c.Certificate, c.ClientCA = "/x", "/y" }, "the proof that it shows to servers"},
		"a proof of other text":   {func(c *haproxy.Config) { c.Certificate, c.ClientCA, c.Proof = "/x", "/y", "a\nb" }, "the proof that it shows to servers"},
		"clients in plain":        {func(c *haproxy.Config) { c.ClientCA, c.Proof = "/y", strings.Repeat("a", 64) }, "need a certificate of the load-balancer's own"},
		"two files":               {func(c *haproxy.Config) { c.Certificate, c.Key = "/x", "/y" }, "from one file"},
		"version":                 {func(c *haproxy.Config) { c.MinVersion = "1.1" }, "min_version: expected 1.2 or 1.3"},
		"line in an authority":    {func(c *haproxy.Config) { c.ServersTLS.CA = "/x\ny" }, "control characters"},
		"a server without authority": {
			func(c *haproxy.Config) { c.Servers[0].TLS, c.ServersTLS.ServerName = true, "x" }, `server "server1" serves https: give the authority`,
		},
		"a server by address": {
			func(c *haproxy.Config) { c.Servers[0].TLS, c.ServersTLS.CA = true, "/x" }, "HAProxy verifies names alone: give that of the servers' certificates",
		},
		"where from":         {func(c *haproxy.Config) { c.Certificate = "cert.pem" }, "absolute"},
		"weight":             {func(c *haproxy.Config) { c.Servers[0].Weight = 257 }, "257; expected 0 to 256"},
		"negative weight":    {func(c *haproxy.Config) { c.Servers[0].Weight = -1 }, "expected 0 to 256"},
		"page without hash":  {func(c *haproxy.Config) { c.Stats = "127.0.0.1:8404" }, "needs a user and the hash"},
		"odd user":           {func(c *haproxy.Config) { c.Stats, c.Password, c.User = "127.0.0.1:8404", "x", "a b" }, "needs a user"},
		"name server":        {func(c *haproxy.Config) { c.Resolver = "127.0.0.11" }, "the name server's address: expected host:port"},
		"odd socket":         {func(c *haproxy.Config) { c.Sockets.Relay = "/tmp/a b" }, "letters, digits"},
		"long socket":        {func(c *haproxy.Config) { c.Sockets.Relay = "/" + strings.Repeat("a", 100) }, "sockets may have 90"},
		"no socket":          {func(c *haproxy.Config) { c.Sockets = haproxy.Sockets{} }, "expected an absolute path"},
		"line in state file": {func(c *haproxy.Config) { c.StateFile = "/tmp/\n" }, "control character"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			c := plain("/tmp")
			row.change(&c)
			text, err := c.Render()
			require.ErrorContains(t, err, row.want)
			assert.Empty(t, text)
		})
	}
	c := plain("/tmp")
	c.Front, c.Cluster = "x", "a\nb"
	_, err := c.Render()
	require.ErrorContains(t, err, "line break")
	assert.ErrorContains(t, err, "expected host:port", "all at once")
}

func TestFaultsAreShownWithTheirLine(t *testing.T) {
	program := installed(t)
	c := plain("/tmp")
	c.Certificate = "/nowhere/cert.pem"
	text, err := c.Render()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	err = program.Check(context.Background(), file)
	require.ErrorContains(t, err, "HAProxy "+program.Version+" refuses "+file)
	assert.ErrorContains(t, err, "/nowhere/cert.pem")
	line := 1
	for i, l := range strings.Split(string(text), "\n") {
		if strings.Contains(l, "bind 127") {
			line = i + 1
		}
	}
	assert.ErrorContains(t, err, fmt.Sprintf("    %d | bind 127.0.0.1:11223 ssl crt '/nowhere/cert.pem'", line))
	assert.NotContains(t, err.Error(), "NOTICE")
}

func TestPrograms(t *testing.T) {
	dir := t.TempDir()
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700)) //nolint:gosec // a program
		return path
	}
	rows := map[string]struct{ program, want string }{
		"old":     {script("old", "echo 'HA-Proxy version 1.8.30 2021/04/12'"), "is HAProxy 1.8.30; Parley needs 2.4 or newer: install a newer one"},
		"other":   {script("other", "echo nginx version 3.0; exit 1"), "is not HAProxy"},
		"missing": {filepath.Join(dir, "nothing"), "balancer.haproxy.binary: " + filepath.Join(dir, "nothing") + " cannot be run: "},
		"folder":  {dir, "cannot be run"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			_, err := haproxy.Find(context.Background(), row.program)
			require.ErrorContains(t, err, row.want)
		})
	}
	p, err := haproxy.Find(context.Background(), script("new", "echo 'HAProxy version 3.2.1-1 2026/01/01 - https://haproxy.org/'"))
	require.NoError(t, err)
	assert.Equal(t, "3.2.1-1", p.Version)
}

// The values are those of crypt(3) of glibc 2.36.
func TestHashIsThatOfCrypt(t *testing.T) {
	for password, want := range map[string]string{
		"":                       "xa0HvuaJLNMllIstBuhtBKeAOwj/tbHHFvO6oD8ygT1",
		"x":                      "uzoBNOx9qcLdEHuaTw92YmcA6P86CqL/qtsq1qkFkf6",
		"ABCDEFGHIJKLMNOPQRST":   "Tr1Q2HZFfAGABp5fWjeX4W5A6gsL3VHeZuUt6lZhTTB",
		"pässword":               "z6pySp.uu24r0oWe/rofP5rVnxwiB5JeA.n4Y2fRf16",
		strings.Repeat("a", 100): "QD4cBksJ8th6QYzvXkETBhGinyeJBUpugNqJZ8qiwF5",
	} {
		assert.Equal(t, "$5$rounds=1000$0123456789abcdef$"+want, haproxy.Crypt(password, "0123456789abcdef", 1000), password)
	}
}

func TestPassword(t *testing.T) {
	path := filepath.Join(t.TempDir(), "haproxy.password")
	first, err := haproxy.Password(path)
	require.NoError(t, err)
	assert.Regexp(t, `^[A-Z2-7]{20}$`, first)
	again, err := haproxy.Password(path)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.NoError(t, os.WriteFile(path, []byte("short\n"), 0o600))
	_, err = haproxy.Password(path)
	require.ErrorContains(t, err, "remove the file, and a new one is made")
	_, err = haproxy.Password(filepath.Join(t.TempDir(), "no", "folder"))
	require.Error(t, err)

	assert.Equal(t, haproxy.Hash(first), haproxy.Hash(first))
	assert.NotEqual(t, haproxy.Hash("a"), haproxy.Hash("b"))
	assert.NotContains(t, haproxy.Hash(first), first)
}
