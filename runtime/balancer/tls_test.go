package balancer_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/backend"
	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/certificate"
)

// pair are certificates of one authority: a server's for localhost, and a client's.
func pair(t *testing.T) (server, client certificate.Material) {
	t.Helper()
	a, _, err := certificate.OpenAuthority(filepath.Join(t.TempDir(), "tls"), "Bank CA")
	require.NoError(t, err)
	files, err := a.Server("server", []string{"localhost"})
	require.NoError(t, err)
	server, err = files.Load()
	require.NoError(t, err)
	files, err = a.Client("crm")
	require.NoError(t, err)
	client, err = files.Load()
	require.NoError(t, err)
	return server, client
}

func TestServersWithTLS(t *testing.T) {
	server, client := pair(t)
	config := &tls.Config{
		Certificates: []tls.Certificate{*server.Certificate}, ClientCAs: server.CA, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	}
	var drops sync.Map
	handle := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if _, ok := drops.Load(name); ok {
				drop(w, r)
				return
			}
			body, _ := io.ReadAll(r.Body)
			_, _ = w.Write(body)
		}
	}
	one, two := backend.New(t, config, handle("server1")), backend.New(t, config, handle("server2"))
	b, srv := front(t, func(o *balancer.Options) {
		o.CheckInterval = time.Hour
		o.ServersTLS = func() *tls.Config {
			return &tls.Config{RootCAs: client.CA, Certificates: []tls.Certificate{*client.Certificate}, ServerName: "localhost", MinVersion: tls.VersionTLS12}
		}
	}, one, two)
	waitState(t, b, "server1", "up")
	waitState(t, b, "server2", "up")
	big := strings.Repeat("x", 3<<20)
	for range 4 {
		assert.Equal(t, big, do(t, srv.Client(), "POST", srv.URL+"/x", big).body)
	}

	// As without TLS: what a server may have handled is not sent again, but for a GET.
	drops.Store("server1", true)
	unknown, good := 0, 0
	for i := range 4 {
		a := do(t, srv.Client(), "POST", srv.URL+"/x", "x", "X-Id", fmt.Sprint(i))
		switch {
		case a.status == http.StatusOK:
			good++
		case a.status == http.StatusBadGateway && a.header.Get("X-Parley-Outcome") == "unknown":
			unknown++
		}
		assert.Equal(t, 200, do(t, srv.Client(), "GET", srv.URL+"/x", "").status)
	}
	assert.Equal(t, 4, unknown+good)
	assert.Positive(t, unknown)
	drops.Delete("server1")
	for id, n := range one.Handled() {
		assert.Equal(t, 1, n+two.Handled()[id], "request %s", id)
	}

	// What no byte was sent of goes to the next server.
	one.Kill()
	for range 4 {
		a := do(t, srv.Client(), "POST", srv.URL+"/x", "hello")
		assert.Equal(t, "200 hello", fmt.Sprint(a.status, " ", a.body))
	}
	assert.Equal(t, "down", state(b, "server1").State)
}

func TestServersThatAreNotVerified(t *testing.T) {
	server, _ := pair(t)
	other, _ := pair(t)
	config := &tls.Config{Certificates: []tls.Certificate{*server.Certificate}, MinVersion: tls.VersionTLS12}
	for name, row := range map[string]struct {
		own  *tls.Config
		want string
	}{
		"another authority": {&tls.Config{RootCAs: other.CA, ServerName: "localhost", MinVersion: tls.VersionTLS12}, "certificate signed by unknown authority"},
		"another name":      {&tls.Config{RootCAs: server.CA, MinVersion: tls.VersionTLS12}, "cannot validate certificate for 127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := false
			be := backend.New(t, config, func(http.ResponseWriter, *http.Request) { asked = true })
			b, srv := front(t, func(o *balancer.Options) {
				o.Wait = -1
				o.ServersTLS = func() *tls.Config { return row.own }
			}, be)
			require.Eventually(t, func() bool { return strings.Contains(state(b, "server1").Error, row.want) }, time.Minute, time.Millisecond)
			assert.Equal(t, 503, do(t, srv.Client(), "POST", srv.URL+"/x", "secret").status)
			assert.False(t, asked)
		})
	}
}

func TestClientsCertificatesArePassedOn(t *testing.T) {
	server, client := pair(t)
	proof := certificate.Proof("token")
	be := backend.New(t, nil, func(w http.ResponseWriter, r *http.Request) {
		certificate.Forwarded(r, proof)
		who := "nobody"
		if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
			who = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		_, _ = fmt.Fprint(w, who, " ", r.Header.Get("X-Forwarded-Proto"))
	})
	b, plain := front(t, func(o *balancer.Options) { o.Proof = proof }, be)
	waitState(t, b, "server1", "up")
	srv := httptest.NewUnstartedServer(b)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{*server.Certificate}, ClientCAs: server.CA, ClientAuth: tls.VerifyClientCertIfGiven, MinVersion: tls.VersionTLS12}
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	url := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	calling := func(certificates ...tls.Certificate) *http.Client {
		transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: server.CA, Certificates: certificates, MinVersion: tls.VersionTLS12}}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	assert.Equal(t, "crm https", do(t, calling(*client.Certificate), "GET", url+"/x", "").body)
	assert.Equal(t, "nobody https", do(t, calling(), "GET", url+"/x", "").body)
	forged := []string{"Client-Cert", ":AAAA:", "X-Parley-Balancer", proof} // even one who knows the proof cannot pass it
	assert.Equal(t, "nobody https", do(t, calling(), "GET", url+"/x", "", forged...).body)
	assert.Equal(t, "nobody http", do(t, plain.Client(), "GET", plain.URL+"/x", "", forged...).body)
}
