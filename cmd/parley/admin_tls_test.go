package main_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/folder"
)

// TestAdminAPIIsNotOpen: the admin API is served beyond the machine only by TLS and with a password.
func TestAdminAPIIsNotOpen(t *testing.T) {
	c := newCLI(t)
	dir := filepath.Join(t.TempDir(), "tls")
	_, stderr, code := c.run("tls", "create", dir, "--server", "admin", "--hosts", "127.0.0.1,localhost")
	require.Equal(t, 0, code, stderr)
	certificate, key := filepath.Join(dir, "admin.pem"), filepath.Join(dir, "admin.key")
	_, port, err := net.SplitHostPort(freeServeAddress(t))
	require.NoError(t, err)
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"neither", nil, "give --admin-tls-certificate"},
		{"no password", []string{"--admin-tls-certificate", certificate, "--admin-tls-key", key}, "--admin-password"},
		{"no TLS", []string{"--admin-password", "secret"}, "or listen on 127.0.0.1:" + port},
		{"no certificate", []string{"--admin-password", "secret", "--admin-tls-key", key}, "TLS of the admin API: the certificate is missing"},
	} {
		for _, host := range []string{"0.0.0.0", "[::]", ""} {
			args := append([]string{
				"serve", "--dir", t.TempDir(), "--name", "server1", "--address", freeServeAddress(t), "--embedded-redis", freeServeAddress(t),
				"--admin-address", host + ":" + port,
			}, row.args...)
			out, stderr, code := c.run(args...)
			assert.Equal(t, 2, code, row.name)
			assert.Contains(t, out+stderr, row.want, "%s at %q", row.name, host)
		}
	}
}

// calls is whether that client can call the admin API by its password.
func calls(t *testing.T, roots *x509.CertPool, url, password string) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/parley/api/parley.server.info", http.NoBody)
	require.NoError(t, err)
	req.SetBasicAuth("admin", password)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// TestAdminAPIByTLS serves one to all, its certificate given as text, as containers have it.
func TestAdminAPIByTLS(t *testing.T) {
	c := newCLI(t)
	dir := filepath.Join(t.TempDir(), "tls")
	_, stderr, code := c.run("tls", "create", dir, "--server", "admin", "--hosts", "127.0.0.1,localhost")
	require.Equal(t, 0, code, stderr)
	text := func(name string) string {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return string(raw)
	}
	_, port, err := net.SplitHostPort(freeServeAddress(t))
	require.NoError(t, err)
	home := t.TempDir()
	s := serve(t, serveBinary(t), "PARLEY_DIR="+home, "PARLEY_ADMIN_ADDRESS=0.0.0.0:"+port, "PARLEY_ADMIN_PASSWORD=s3cret",
		"PARLEY_ADMIN_TLS_CERTIFICATE="+text("admin.pem"), "PARLEY_ADMIN_TLS_KEY="+text("admin.key"))
	s.waitReady(t)
	out, err := s.run(t.Context(), "services")
	require.NoError(t, err, out)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM([]byte(text("ca.pem"))))
	status, err := calls(t, roots, "https://localhost:"+port, "s3cret")
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	status, err = calls(t, roots, "https://localhost:"+port, "wrong")
	require.NoError(t, err)
	assert.Equal(t, 401, status)
	_, err = calls(t, nil, "https://localhost:"+port, "s3cret")
	assert.ErrorContains(t, err, "certificate", "an authority that nobody trusts")
	status, _ = calls(t, roots, "http://localhost:"+port, "s3cret")
	assert.NotEqual(t, 200, status, "in plain")
	info, err := os.Stat(filepath.Join(home, "tls", "admin.key"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	commandsByTLS(t, c, "localhost:"+port, filepath.Join(dir, "ca.pem"), filepath.Join(home, "admin.token"))
}

// commandsByTLS calls the admin API at address, of whose certificate ca is the authority, as a shell on another machine does.
func commandsByTLS(t *testing.T, c *cli, address, ca, token string) {
	t.Helper()
	other := filepath.Join(t.TempDir(), "other")
	_, stderr, code := c.run("tls", "create", other, "--server", "other", "--hosts", "localhost")
	require.Equal(t, 0, code, stderr)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for _, row := range []struct {
		name  string
		args  []string
		env   map[string]string
		code  int
		wants string
	}{
		{"a user", []string{"--address", "https://" + address, "--ca", ca, "--user", "admin", "status"}, map[string]string{"PASSWORD": "s3cret"}, 0, "is running, at revision"},
		{"the token", []string{"--address", "https://" + address + "/", "--ca", ca, "outconns", "list"}, map[string]string{"TOKEN_FILE": token}, 0, "There are none."},
		{"a wrong password", []string{"--address", "https://" + address, "--ca", ca, "--user", "admin", "services"}, map[string]string{"PASSWORD": "x"}, 1, "the password is missing or wrong"},
		{"no password", []string{"--address", "https://" + address, "--ca", ca, "--user", "admin", "services"}, nil, 2, "--user needs the user's password: set PARLEY_ADMIN_PASSWORD"},
		{"nobody", []string{"--address", "https://" + address, "--ca", ca, "services"}, nil, 2, "or log in with --user NAME"},
		{"an unknown authority", []string{"--address", "https://" + address, "--user", "admin", "services"}, map[string]string{"PASSWORD": "s3cret"}, 1, "is not trusted: x509: certificate signed by unknown authority"},
		{"another authority", []string{"--address", "https://" + address, "--ca", filepath.Join(other, "ca.pem"), "--user", "admin", "services"}, map[string]string{"PASSWORD": "s3cret"}, 1, "is not trusted"},
		{"in plain", []string{"--address", address, "services"}, map[string]string{"TOKEN_FILE": token}, 1, "speaks TLS; call https://" + address},
		{"TLS with one that has none", []string{"--address", "https://" + plain.Listener.Addr().String(), "services"}, map[string]string{"TOKEN_FILE": token}, 1, "speaks no TLS; call http://"},
		{"an authority in plain", []string{"--address", address, "--ca", ca, "services"}, nil, 2, "--ca is of an address with TLS: write --address https://" + address},
		{"no authority", []string{"--address", "https://" + address, "--ca", filepath.Join(other, "none.pem"), "services"}, nil, 2, "--ca: "},
		{"no address", []string{"--address", "https://localhost", "services"}, nil, 2, "expected the host:port of an admin API"},
		{"another scheme", []string{"--address", "tcp://" + address, "services"}, nil, 2, "expected the host:port of an admin API"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for name, value := range row.env {
				t.Setenv("PARLEY_ADMIN_"+name, value)
			}
			stdout, stderr, code := c.run(row.args...)
			assert.Equal(t, row.code, code, stderr)
			assert.Contains(t, stdout+stderr, row.wants)
			assert.NotContains(t, stdout+stderr, "s3cret")
		})
	}
}

// TestClusterWithAdminTLS: every process of a cluster calls every other by TLS.
func TestClusterWithAdminTLS(t *testing.T) {
	s := &shell{t: t, binary: serveBinary(t), dir: t.TempDir()}
	s.must("quickstart", "create", "c", "--free-ports", "--servers", "2")
	s.must("tls", "create", "c/tls", "--server", "admin", "--hosts", "example.com") // not the name that the cluster calls by: it knows its own
	file := filepath.Join(s.dir, "c", "cluster.yaml")
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	s.write("c/cluster.yaml", strings.Replace(string(raw), "\nadmin:\n", "\nadmin:\n  tls: {certificate: tls/admin.pem, key: tls/admin.key}\n", 1))
	s.must("start", "c")
	t.Cleanup(func() { s.run("", "stop", "c") })
	s.write("d.star", "def handle(self):\n    self.response.payload = {'a': 1}\n")
	s.must("deploy", "d.star")
	s.must("invoke", "d")
	assert.Contains(t, s.must("status"), "server2")
	assert.Contains(t, s.must("stats"), "d ", "of both servers")
	s.must("server", "offline", "server1")
	s.must("server", "online", "server1")
	s.must("restart", "server2")
	f, err := folder.Open(filepath.Join(s.dir, "c"))
	require.NoError(t, err)
	status, _ := calls(t, nil, "http://"+f.Cluster.Supervisor.Admin, "x")
	assert.NotEqual(t, 401, status, "in plain it answers nobody")
	_, err = calls(t, nil, "https://"+f.Cluster.Servers[0].Admin, "x")
	assert.ErrorContains(t, err, "certificate")
}
