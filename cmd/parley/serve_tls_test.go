package main_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestServeTLS: a server alone, as of a container, serves https, and SIGHUP has it read its files and serve on.
func TestServeTLS(t *testing.T) {
	binary := serveBinary(t)
	c := &cli{t: t, binary: binary}
	dir := filepath.Join(t.TempDir(), "tls")
	_, stderr, code := c.run("tls", "create", dir, "--hosts", "127.0.0.1", "--client", "crm")
	require.Equal(t, 0, code, stderr)
	at := func(name string) string { return filepath.Join(dir, name) }
	s := serve(t, binary, "PARLEY_DIR="+t.TempDir(), "PARLEY_TLS_CERTIFICATE="+at("server.pem"), "PARLEY_TLS_KEY="+at("server.key"),
		"PARLEY_TLS_CLIENT_CA="+at("ca.pem"), "PARLEY_CONFIG="+configuration(t,
			"security_tls: [{name: CRM, common_names: [crm]}]\nchannel_rest: [{name: Hello, service: hello, url_path: /hello, security: CRM}]\n",
			"def handle(self):\n    self.response.payload = {\"hello\": 1}\n"))
	s.waitReady(t)

	roots := x509.NewCertPool()
	roots.AddCert(leafOf(t, at("ca.pem")))
	own, err := tls.LoadX509KeyPair(at("crm.pem"), at("crm.key"))
	require.NoError(t, err)
	get := func(certificates ...tls.Certificate) (int, string) {
		transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certificates, MinVersion: tls.VersionTLS12}}
		defer transport.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.address+"/hello", http.NoBody)
		require.NoError(t, err)
		res, err := transport.RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.StatusCode, res.TLS.PeerCertificates[0].SerialNumber.String()
	}
	status, first := get(own)
	assert.Equal(t, 200, status)
	status, _ = get()
	assert.Equal(t, 401, status)

	_, stderr, code = c.run("tls", "create", dir, "--hosts", "127.0.0.1")
	require.Equal(t, 0, code, stderr)
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool {
		status, now := get(own)
		return status == 200 && now != first
	}, time.Minute, 10*time.Millisecond)
	s.stop(t)
	assert.Contains(t, s.log.String(), "certificates are read anew")
}

func TestServeTLSFaults(t *testing.T) {
	c := newCLI(t)
	dir := filepath.Join(t.TempDir(), "tls")
	_, stderr, code := c.run("tls", "create", dir, "--hosts", "127.0.0.1")
	require.Equal(t, 0, code, stderr)
	for _, row := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"serve", "--tls-certificate", "/nowhere/a.pem"}, 1, "TLS of server \"server1\": certificate: open /nowhere/a.pem: no such file"},
		{[]string{"serve", "--tls-certificate", filepath.Join(dir, "server.pem"), "--tls-client-auth", "require"}, 2, "TLS: client_ca: client_auth: require needs the authority"},
		{[]string{"serve", "--tls-key", filepath.Join(dir, "server.key")}, 2, "TLS: certificate: the path of a PEM file is missing"},
		{[]string{"tls", "create", dir}, 2, "whose certificate?"},
		{[]string{"tls", "create", dir, "--client", "../x"}, 2, `"../x" cannot be the name of a certificate`},
		{[]string{"tls", "create", dir, "--client", "ca"}, 2, `"ca" cannot be the name`},
		{[]string{"quickstart", "create", filepath.Join(t.TempDir(), "x"), "--tls-hosts", "x"}, 2, "--tls makes"},
	} {
		args := row.args
		if args[0] == "serve" {
			args = append(args, "--dir", t.TempDir(), "--name", "server1", "--address", freeServeAddress(t), "--admin-address", freeServeAddress(t), "--embedded-redis", freeServeAddress(t))
		}
		out, stderr, code := c.run(args...)
		assert.Equal(t, row.code, code, "%v", row.args)
		assert.Contains(t, out+stderr, row.want, strings.Join(row.args, " "))
	}
}
