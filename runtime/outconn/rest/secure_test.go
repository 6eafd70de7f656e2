package rest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/locked"
	"github.com/parley-run/parley/runtime/certificate"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/outconn/rest"
	"github.com/parley-run/parley/runtime/service"
)

func certificates(t *testing.T) (a *certificate.Authority, server, client certificate.Files) {
	t.Helper()
	a, _, err := certificate.OpenAuthority(filepath.Join(t.TempDir(), "tls"), "Bank CA")
	require.NoError(t, err)
	server, err = a.Server("server", []string{"bank.example.com", "127.0.0.1"})
	require.NoError(t, err)
	client, err = a.Client("crm")
	require.NoError(t, err)
	return a, server, client
}

// secured is an https remote that answers which protocol a request has and whose certificate, and the connection's number.
func secured(t *testing.T, l certificate.Listener) string {
	t.Helper()
	served, err := l.Open("the remote", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			who = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		_, _ = fmt.Fprintf(w, "%s %s %x", r.Proto, who, r.TLS.Version)
	})}
	served.Prepare(server)
	go func() { _ = server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { _ = server.Close() })
	return "https://" + listener.Addr().String()
}

// openWith is a connection with the dependencies that a node would give it.
func openWith(t *testing.T, d outconn.Deps, host string, keys ...any) (outconn.Conn, error) {
	t.Helper()
	spec := service.ObjectOf(append([]any{"host", host, "data_format", ""}, keys...)...)
	raw, err := spec.MarshalJSON()
	require.NoError(t, err)
	k := rest.Kind()
	cfg, err := k.Parse(raw)
	if err != nil {
		return nil, err
	}
	d.Name, d.Names = "CRM", service.ParleyNames()
	d.Reveal = func(_ string, s kind.Secret) (string, error) { return s.Form(), nil }
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	c, err := k.New(cfg, d)
	if err == nil {
		t.Cleanup(func() { assert.NoError(t, c.Close(context.Background())) })
	}
	return c, err
}

func answer(t *testing.T, c outconn.Conn) (string, error) {
	t.Helper()
	reply, err := c.Call(t.Context(), "post", []any{"cid", "x"}, nil)
	if err != nil {
		return "", err
	}
	return attr(t, reply, "text").(string), nil
}

func TestTLS(t *testing.T) {
	a, server, client := certificates(t)
	_, _, stranger := certificates(t)
	ca, err := os.ReadFile(server.CA)
	require.NoError(t, err)
	key, err := os.ReadFile(client.Key)
	require.NoError(t, err)
	byName, err := a.Server("byname", []string{"bank.example.com"})
	require.NoError(t, err)
	asks := certificate.Listener{Files: server}
	for _, tt := range []struct {
		name   string
		remote certificate.Listener
		keys   []any
		want   string // the answer, or where it begins with "!" what the error says
	}{
		{"the system's authorities do not know it", asks, nil, "!certificate signed by unknown authority"},
		{"its authority by file", asks, []any{"tls_ca", server.CA}, "HTTP/1.1 nobody 304"},
		{"its authority in PEM", asks, []any{"tls_ca", string(ca)}, "HTTP/1.1 nobody 304"},
		{"another authority", asks, []any{"tls_ca", stranger.CA}, "!certificate signed by unknown authority"},
		{"HTTP/2", asks, []any{"tls_ca", server.CA, "http2", true}, "HTTP/2.0 nobody 304"},
		{"a certificate of ours", asks, []any{"tls_ca", server.CA, "tls_certificate", client.Certificate, "tls_key", "file:" + client.Key}, "HTTP/1.1 crm 304"},
		{"its key in PEM", asks, []any{"tls_ca", server.CA, "tls_certificate", client.Certificate, "tls_key", string(key)}, "HTTP/1.1 crm 304"},
		{"over HTTP/2", asks, []any{"tls_ca", server.CA, "tls_certificate", client.Certificate, "tls_key", "file:" + client.Key, "http2", true}, "HTTP/2.0 crm 304"},
		{
			"none where one is required",
			certificate.Listener{Files: server, ClientAuth: certificate.RequireClientAuth},
			[]any{"tls_ca", server.CA},
			"!certificate required",
		},
		{"another name", certificate.Listener{Files: byName}, []any{"tls_ca", server.CA}, "!cannot validate certificate for 127.0.0.1"},
		{"the name that it has", certificate.Listener{Files: byName}, []any{"tls_ca", server.CA, "tls_server_name", "bank.example.com"}, "HTTP/1.1 nobody 304"},
		{"unverified", asks, []any{"tls_insecure_skip_verify", true}, "HTTP/1.1 nobody 304"},
		{"TLS 1.3", asks, []any{"tls_ca", server.CA, "tls_min_version", "1.3"}, "HTTP/1.1 nobody 304"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			c, err := openWith(t, outconn.Deps{Log: slog.New(slog.NewTextHandler(&log, nil))}, secured(t, tt.remote), tt.keys...)
			require.NoError(t, err)
			for range 2 {
				text, err := answer(t, c)
				if says, fails := strings.CutPrefix(tt.want, "!"); fails {
					require.ErrorContains(t, err, says)
					assert.Equal(t, service.Upstream, fault(t, err).Code)
					continue
				}
				require.NoError(t, err)
				assert.Equal(t, tt.want, text)
			}
			assert.Equal(t, tt.name == "unverified", strings.Contains(log.String(), "level=WARN"), log.String())
			assert.NotContains(t, log.String(), "PRIVATE")
		})
	}
}

func TestTLSFaults(t *testing.T) {
	_, server, client := certificates(t)
	for _, tt := range []struct {
		keys []any
		want string
	}{
		{[]any{"tls_ca", "ca.pem"}, "tls_ca: expected PEM, or the absolute path"},
		{[]any{"tls_ca", "/nowhere/ca.pem"}, "CA: open /nowhere/ca.pem"},
		{[]any{"tls_key", "file:/x"}, "tls_certificate: missing; tls_key is of one"},
		{[]any{"tls_certificate", client.Certificate, "tls_key", "file:" + server.Key}, "private key does not match"},
		{[]any{"tls_certificate", client.Certificate, "tls_key", "c4nary"}, "tls_key: it is no PEM"},
		{[]any{"tls_min_version", "1.0"}, "tls_min_version: expected 1.2 or 1.3"},
		{[]any{"tls_ca", server.CA, "tls_insecure_skip_verify", true}, "keep one"},
	} {
		_, err := openWith(t, outconn.Deps{}, "https://127.0.0.1:1", tt.keys...)
		require.ErrorContains(t, err, tt.want)
		assert.NotContains(t, err.Error(), "c4nary")
	}
	_, err := openWith(t, outconn.Deps{}, "http://127.0.0.1:1", "tls_ca", server.CA)
	require.ErrorContains(t, err, "host: it begins with http://, which has no TLS")
	_, err = openWith(t, outconn.Deps{}, "http://{host}:80")
	require.ErrorContains(t, err, "host: expected http://host:port", "no input can name the host")
}

// shows is a definition of mutual TLS.
type shows struct{ store *certificate.Store }

func (s shows) Sign(context.Context, *http.Request, []byte) error { return nil }
func (s shows) Client(base *tls.Config) (*tls.Config, any) {
	return s.store.Client(base), s.store.Current()
}

// TestRenewedCertificates: what changes on disk is shown on the next calls, and what is broken is not.
func TestRenewedCertificates(t *testing.T) {
	for _, own := range []bool{true, false} {
		t.Run(fmt.Sprint("by the connection's own keys: ", own), func(t *testing.T) {
			a, server, client := certificates(t)
			url := secured(t, certificate.Listener{Files: server})
			var log locked.Buffer
			d := outconn.Deps{Log: slog.New(slog.NewTextHandler(&log, nil))}
			keys := []any{"tls_ca", server.CA, "tls_certificate", client.Certificate, "tls_key", "file:" + client.Key, "http2", true}
			if !own {
				store, err := certificate.Open("the definition", client, d.Log)
				require.NoError(t, err)
				d.Signer, keys = shows{store}, nil
			}
			c, err := openWith(t, d, url, keys...)
			require.NoError(t, err)
			text, err := answer(t, c)
			require.NoError(t, err)
			assert.Contains(t, text, " crm ")

			next, err := a.Client("erp")
			require.NoError(t, err)
			move(t, next.Key, client.Key)
			require.Eventually(t, func() bool {
				text, err := answer(t, c)
				return err == nil && strings.Contains(text, " crm ") && strings.Contains(log.String(), "those from before stay")
			}, time.Minute, 10*time.Millisecond, "its key alone is another")
			move(t, next.Certificate, client.Certificate)
			require.Eventually(t, func() bool {
				text, err := answer(t, c)
				return err == nil && strings.Contains(text, " erp ")
			}, time.Minute, 10*time.Millisecond)
		})
	}
}

func move(t *testing.T, from, to string) {
	t.Helper()
	require.NoError(t, os.Rename(from, to))
}
