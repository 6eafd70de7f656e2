package certificate_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/locked"
	"github.com/parley-run/parley/runtime/certificate"
)

const patience = time.Minute

func newLog() (*slog.Logger, *locked.Buffer) {
	out := &locked.Buffer{}
	return slog.New(slog.NewTextHandler(out, nil)), out
}

// authority makes one, with the certificate of a server on 127.0.0.1 and of a client.
func authority(t *testing.T) (a *certificate.Authority, server, client certificate.Files) {
	t.Helper()
	a, made, err := certificate.OpenAuthority(filepath.Join(t.TempDir(), "tls"), "Bank CA")
	require.NoError(t, err)
	require.True(t, made)
	server, err = a.Server("server", []string{"127.0.0.1", "localhost"})
	require.NoError(t, err)
	client, err = a.Client("crm")
	require.NoError(t, err)
	return a, server, client
}

func TestAuthority(t *testing.T) {
	a, server, client := authority(t)
	entries, err := os.ReadDir(a.Dir)
	require.NoError(t, err)
	names := []string{}
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), e.Name())
		names = append(names, e.Name())
	}
	assert.Equal(t, []string{"ca.key", "ca.pem", "crm.key", "crm.pem", "server.key", "server.pem"}, names)

	m, err := server.Load()
	require.NoError(t, err)
	leaf := m.Certificate.Leaf
	assert.Equal(t, []string{"localhost"}, leaf.DNSNames)
	assert.Equal(t, "127.0.0.1", leaf.IPAddresses[0].String())
	assert.LessOrEqual(t, time.Until(leaf.NotAfter), 398*24*time.Hour)
	_, err = leaf.Verify(x509.VerifyOptions{Roots: m.CA, DNSName: "localhost"})
	require.NoError(t, err)
	_, err = leaf.Verify(x509.VerifyOptions{Roots: m.CA, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	require.Error(t, err, "a server's certificate is no client's")
	m, err = client.Load()
	require.NoError(t, err)
	assert.Equal(t, "CN=crm", m.Certificate.Leaf.Subject.String())
	_, err = m.Certificate.Leaf.Verify(x509.VerifyOptions{Roots: m.CA, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	require.NoError(t, err)

	again, made, err := certificate.OpenAuthority(a.Dir, "Other")
	require.NoError(t, err)
	assert.False(t, made, "it is the one that is there")
	other, err := again.Client("erp")
	require.NoError(t, err)
	n, err := other.Load()
	require.NoError(t, err)
	assert.Equal(t, "Bank CA", n.Certificate.Leaf.Issuer.CommonName)

	require.NoError(t, os.Remove(filepath.Join(a.Dir, "ca.key")))
	_, _, err = certificate.OpenAuthority(a.Dir, "Other")
	assert.ErrorContains(t, err, "ca.key", "one that is broken is not replaced")
}

func TestLoadNamesWhatIsWrong(t *testing.T) {
	_, server, client := authority(t)
	junk := filepath.Join(t.TempDir(), "junk.pem")
	require.NoError(t, os.WriteFile(junk, []byte("junk"), 0o600))
	key, err := os.ReadFile(server.Key)
	require.NoError(t, err)
	for _, tt := range []struct {
		files certificate.Files
		want  string
	}{
		{certificate.Files{Certificate: "/nowhere/a.pem"}, "certificate: open /nowhere/a.pem: no such file"},
		{certificate.Files{Certificate: server.Certificate, Key: client.Key}, server.Certificate + " with key " + client.Key + ": private key does not match"},
		{certificate.Files{Certificate: server.Certificate}, server.Certificate + " with key " + server.Certificate},
		{certificate.Files{Certificate: junk, Key: server.Key}, junk},
		{certificate.Files{CA: junk}, "CA " + junk + ": no certificate in PEM form"},
		{certificate.Files{CA: string(key)}, "CA (PEM): no certificate"},
	} {
		_, err := tt.files.Load()
		require.ErrorContains(t, err, tt.want)
		assert.NotContains(t, err.Error(), "PRIVATE")
	}
	pem, err := os.ReadFile(server.Certificate)
	require.NoError(t, err)
	m, err := certificate.Files{Certificate: string(pem), Key: string(key), CA: string(pem)}.Load()
	require.NoError(t, err, "PEM itself does too")
	assert.Equal(t, "CN=127.0.0.1", m.Certificate.Leaf.Subject.String())
	assert.Empty(t, certificate.Check(string(pem)))
	assert.Contains(t, certificate.Check("ca.pem"), "absolute path")
	assert.Contains(t, certificate.Check("-----BEGIN CERTIFICATE-----\n!"), "and is none")
}

// serve is an HTTPS server that says which protocol a request has, and whose certificate.
func serve(t *testing.T, l certificate.Listener) (address string, log *locked.Buffer) {
	t.Helper()
	logger, log := newLog()
	served, err := l.Open("the server", logger)
	require.NoError(t, err)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			who = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		_, _ = fmt.Fprintf(w, "%s %s", r.Proto, who)
	})}
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() { served.Run(ctx) })
	served.Prepare(server)
	parts.Go(func() { _ = server.ServeTLS(listener, "", "") })
	t.Cleanup(func() {
		cancel()
		_ = server.Close()
		parts.Wait()
	})
	return listener.Addr().String(), log
}

// get makes a request on a connection of its own.
func get(t *testing.T, address string, config *tls.Config, http2 bool) (body string, served *x509.Certificate, err error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: http2, DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address, http.NoBody)
	require.NoError(t, err)
	res, err := (&http.Client{Transport: transport, Timeout: patience}).Do(req)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	return string(raw), res.TLS.PeerCertificates[0], err
}

func clientConfig(t *testing.T, ca string, own certificate.Files) *tls.Config {
	t.Helper()
	m, err := certificate.Files{CA: ca, Certificate: own.Certificate, Key: own.Key}.Load()
	require.NoError(t, err)
	c := &tls.Config{RootCAs: m.CA, MinVersion: tls.VersionTLS12}
	if m.Certificate != nil {
		c.Certificates = []tls.Certificate{*m.Certificate}
	}
	return c
}

func TestListener(t *testing.T) {
	_, server, client := authority(t)
	_, _, stranger := authority(t)
	for _, tt := range []struct {
		name     string
		listener certificate.Listener
		own      certificate.Files
		want     string // "": it is not talked to
	}{
		{"no certificates of clients", certificate.Listener{Files: certificate.Files{Certificate: server.Certificate, Key: server.Key}}, client, "HTTP/2.0 nobody"},
		{"asked", certificate.Listener{Files: server}, client, "HTTP/2.0 crm"},
		{"asked, none shown", certificate.Listener{Files: server}, certificate.Files{}, "HTTP/2.0 nobody"},
		{"asked, of another authority", certificate.Listener{Files: server}, stranger, ""},
		{"required", certificate.Listener{Files: server, ClientAuth: certificate.RequireClientAuth, MinVersion: "1.3"}, client, "HTTP/2.0 crm"},
		{"required, none shown", certificate.Listener{Files: server, ClientAuth: certificate.RequireClientAuth}, certificate.Files{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address, log := serve(t, tt.listener)
			config := clientConfig(t, server.CA, tt.own)
			if tt.own == stranger { // it would keep its certificate to itself: the server names another authority
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &config.Certificates[0], nil }
			}
			body, _, err := get(t, address, config, true)
			if tt.want == "" {
				require.Error(t, err)
				require.Eventually(t, func() bool { return bytes.Contains([]byte(log.String()), []byte("TLS handshake failed")) }, patience, time.Millisecond)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, body)
			body, _, err = get(t, address, config, false)
			require.NoError(t, err)
			assert.Equal(t, "HTTP/1.1"+tt.want[8:], body)

			config.MinVersion, config.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
			_, _, err = get(t, address, config, false)
			assert.Equal(t, tt.listener.MinVersion == "1.3", err != nil, "TLS 1.2: %v", err)
			config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
			_, _, err = get(t, address, config, false)
			assert.Error(t, err, "TLS 1.1 is no more")
		})
	}
}

func TestListenerCheck(t *testing.T) {
	file := certificate.Files{Certificate: "a.pem"}
	for _, tt := range []struct {
		listener certificate.Listener
		key      string
	}{
		{certificate.Listener{}, "certificate"},
		{certificate.Listener{Files: file, ClientAuth: "maybe"}, "client_auth"},
		{certificate.Listener{Files: file, ClientAuth: "require"}, "client_ca"},
		{certificate.Listener{Files: certificate.Files{Certificate: "a", CA: "b"}, ClientAuth: "none"}, "client_ca"},
		{certificate.Listener{Files: file, MinVersion: "1.1"}, "min_version"},
	} {
		assert.Contains(t, tt.listener.Check(), tt.key)
	}
	assert.Empty(t, certificate.Listener{Files: file, ClientAuth: "none", MinVersion: "1.2"}.Check())
}

// TestChangedFiles: what is renewed is served without a restart, what is broken is not, and nobody's connection ends.
func TestChangedFiles(t *testing.T) {
	a, server, client := authority(t)
	address, log := serve(t, certificate.Listener{Files: server})
	config := clientConfig(t, server.CA, client)
	_, first, err := get(t, address, config, true)
	require.NoError(t, err)

	// A connection that stays open over all changes.
	open, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer func() { _ = open.Close() }()
	reader := bufio.NewReader(open)
	ask := func() {
		_, err := io.WriteString(open, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		res, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		raw, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, "HTTP/1.1 crm", string(raw))
	}
	ask()

	_, err = a.Server("server", []string{"127.0.0.1", "renewed"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, now, err := get(t, address, config, true)
		return err == nil && now.SerialNumber.Cmp(first.SerialNumber) != 0
	}, patience, 10*time.Millisecond)
	assert.Contains(t, log.String(), "certificates are read anew")
	ask()

	_, second, err := get(t, address, config, true)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(server.Key, []byte("junk"), 0o600))
	require.Eventually(t, func() bool {
		return bytes.Contains([]byte(log.String()), []byte("changed certificates cannot be used; those from before stay"))
	}, patience, 10*time.Millisecond)
	assert.Contains(t, log.String(), server.Key, "the fault names the file")
	_, now, err := get(t, address, config, true)
	require.NoError(t, err)
	assert.Equal(t, second.SerialNumber, now.SerialNumber)
	ask()

	// Another authority: clients of the old one are strangers from then on.
	b, other, _ := authority(t)
	_ = b
	for _, pair := range [][2]string{{other.Certificate, server.Certificate}, {other.Key, server.Key}, {other.CA, server.CA}} {
		raw, err := os.ReadFile(pair[0])
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(pair[1], raw, 0o600))
	}
	require.Eventually(t, func() bool {
		config := clientConfig(t, other.CA, certificate.Files{})
		body, _, err := get(t, address, config, true)
		return err == nil && body == "HTTP/2.0 nobody"
	}, patience, 10*time.Millisecond)
	config = clientConfig(t, other.CA, client)
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &config.Certificates[0], nil }
	_, _, err = get(t, address, config, true)
	require.Error(t, err)
	ask()
}

func TestForwarded(t *testing.T) {
	a, _, client := authority(t)
	m, err := client.Load()
	require.NoError(t, err)
	ca, err := certificate.Files{Certificate: filepath.Join(a.Dir, "ca.pem"), Key: filepath.Join(a.Dir, "ca.key")}.Load()
	require.NoError(t, err)
	shown := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{m.Certificate.Leaf, ca.Certificate.Leaf}}
	shown.VerifiedChains = [][]*x509.Certificate{shown.PeerCertificates}
	proof := certificate.Proof("token-of-the-cluster")
	forged := http.Header{"Client-Cert": {":AAAA:"}, "Client-Cert-Chain": {"x"}, "X-Parley-Balancer": {"y"}, "Kept": {"z"}}

	forward := func(state *tls.ConnectionState, proof string) http.Header {
		h := forged.Clone()
		certificate.Forward(h, state, proof)
		return h
	}
	assert.Equal(t, http.Header{"Kept": {"z"}}, forward(nil, proof), "in plain")
	assert.Equal(t, http.Header{"Kept": {"z"}}, forward(shown, ""), "nobody asks for certificates")
	assert.Equal(t, http.Header{"Kept": {"z"}, "X-Parley-Balancer": {proof}}, forward(&tls.ConnectionState{}, proof), "none shown")
	unverified := &tls.ConnectionState{PeerCertificates: shown.PeerCertificates}
	assert.Equal(t, http.Header{"Kept": {"z"}, "X-Parley-Balancer": {proof}}, forward(unverified, proof), "one that was not verified is none")

	received := func(h http.Header, own *tls.ConnectionState, expected string) *http.Request {
		r := &http.Request{Header: h, TLS: own}
		certificate.Forwarded(r, expected)
		assert.Equal(t, http.Header{"Kept": {"z"}}, r.Header, "services see none of it")
		return r
	}
	balancers := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{ca.Certificate.Leaf}, VerifiedChains: [][]*x509.Certificate{{ca.Certificate.Leaf}}}
	r := received(forward(shown, proof), balancers, proof)
	require.Len(t, r.TLS.PeerCertificates, 2)
	assert.Equal(t, "CN=crm", r.TLS.PeerCertificates[0].Subject.String())
	assert.Equal(t, "CN=Bank CA", r.TLS.PeerCertificates[1].Subject.String())
	assert.NotEmpty(t, r.TLS.VerifiedChains)

	r = received(forward(&tls.ConnectionState{}, proof), balancers, proof)
	assert.Empty(t, r.TLS.PeerCertificates, "the load-balancer's own certificate is not its client's")
	for name, h := range map[string]http.Header{
		"no proof":         {"Kept": {"z"}, "Client-Cert": forward(shown, proof)["Client-Cert"]},
		"a wrong proof":    forward(shown, certificate.Proof("another token")),
		"two":              {"Kept": {"z"}, "Client-Cert": forward(shown, proof)["Client-Cert"], "X-Parley-Balancer": {proof, proof}},
		"the token itself": forward(shown, "token-of-the-cluster"),
	} {
		assert.Nil(t, received(h, nil, proof).TLS, name)
		assert.Same(t, balancers, received(h.Clone(), balancers, proof).TLS, name)
	}
	r = received(forward(shown, proof), nil, "")
	assert.Nil(t, r.TLS, "a server without a token believes nobody")
	for _, junk := range []string{"", ":", "::", ":!:", ":AAAA:", forward(shown, proof)["Client-Cert"][0] + ", " + forward(shown, proof)["Client-Cert"][0]} {
		r = received(http.Header{"Kept": {"z"}, "Client-Cert": {junk}, "X-Parley-Balancer": {proof}}, nil, proof)
		assert.Empty(t, r.TLS.PeerCertificates, junk)
	}
}
