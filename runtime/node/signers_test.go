package node_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/certificate"
)

const signed = `
security_aws:
  - {name: Bucket, access_key: AKIDEXAMPLE, secret_key: c4nary-secret, session_token: c4nary-token, region: eu-central-1, service: s3}
security_ntlm:
  - {name: Exchange, username: joe, domain: BANK, password: c4nary-pass}
security_tls:
  - {name: Partner, ca: DIR/ca.pem, certificate: DIR/crm.pem, key: "file:DIR/crm.key"}
outgoing_rest:
  - {name: Bucket, host: "URL", url_path: "/bank/{key}", security: Bucket, data_format: ""}
  - {name: Exchange, host: "URL", url_path: /mail, security: Exchange, data_format: ""}
  - {name: Partner, host: "TLS", url_path: /partner, security: Partner, data_format: "", http2: true}
  - {name: Moved, host: "URL", url_path: /moved, follow_redirects: any, data_format: ""}
channel_rest:
  - {name: Call, service: call, url_path: /call}
`

const caller = `def handle(self):
    out = self.outgoing.rest
    self.response.payload = {
        "bucket": out["Bucket"].conn.put(self.cid, "body", {"key": "a b/c"}).status_code,
        "exchange": out["Exchange"].conn.get(self.cid).status_code,
        "partner": out["Partner"].conn.get(self.cid).text,
    }
`

// TestOutgoingSigners: connections are signed by AWS's signatures, NTLM and certificates, and nobody sees the secrets.
func TestOutgoingSigners(t *testing.T) {
	var mu sync.Mutex
	seen := map[string][]http.Header{}
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		seen[r.RequestURI] = append(seen[r.RequestURI], r.Header)
		mu.Unlock()
		switch r.URL.Path {
		case "/mail":
			w.Header().Set("WWW-Authenticate", "NTLM")
			w.WriteHeader(http.StatusUnauthorized)
		case "/moved":
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		}
	}))
	t.Cleanup(remote.Close)
	dir := filepath.Join(t.TempDir(), "tls")
	a, _, err := certificate.OpenAuthority(dir, "Bank CA")
	require.NoError(t, err)
	server, err := a.Server("server", []string{"127.0.0.1"})
	require.NoError(t, err)
	_, err = a.Client("crm")
	require.NoError(t, err)
	secure := partner(t, certificate.Listener{Files: server, ClientAuth: certificate.RequireClientAuth})

	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "call.star", caller, "moved.star", "def handle(self):\n    self.outgoing.rest[\"Moved\"].conn.get(self.cid)\n"))
	text := strings.NewReplacer("DIR", dir, "URL", remote.URL, `"TLS"`, `"`+secure+`"`).Replace(signed)
	require.NoError(t, g.define(text+"  - {name: Moved, service: moved, url_path: /moved}\n"))
	status, _, body := g.request(http.MethodGet, g.url("server1")+"/call", "")
	require.Equal(t, 200, status, body)
	assert.JSONEq(t, `{"bucket":200,"exchange":401,"partner":"HTTP/2.0 crm"}`, body)

	mu.Lock()
	bucket := seen["/bank/a%20b%2Fc"]
	mail := seen["/mail"]
	mu.Unlock()
	require.Len(t, bucket, 1)
	assert.Regexp(t, `^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/eu-central-1/s3/aws4_request, SignedHeaders=content-length;content-type;host;`+
		`x-amz-content-sha256;x-amz-date;x-amz-security-token;x-parley-cid, Signature=[0-9a-f]{64}$`, bucket[0].Get("Authorization"))
	assert.Equal(t, "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5", bucket[0].Get("X-Amz-Content-Sha256"), "of the word body")
	assert.Equal(t, "c4nary-token", bucket[0].Get("X-Amz-Security-Token"))
	require.Len(t, mail, 2)
	assert.Empty(t, mail[0].Get("Authorization"))
	scheme, message, _ := strings.Cut(mail[1].Get("Authorization"), " ")
	raw, err := base64.StdEncoding.DecodeString(message)
	require.NoError(t, err)
	assert.Equal(t, "NTLM NTLMSSP\x00\x01", scheme+" "+string(raw[:9]))

	status, _, body = g.request(http.MethodGet, g.url("server1")+"/moved", "")
	assert.Equal(t, 502, status)
	assert.Contains(t, details(body), "169.254.169.254 is link-local")

	assert.NotContains(t, g.logs.String(), "c4nary")
	var exported struct{ Content string }
	require.NoError(t, g.call("server1", "parley.enmasse.export", struct{}{}, &exported))
	catalog, err := os.ReadFile(g.folder.CatalogDB())
	require.NoError(t, err)
	for _, secret := range []string{"c4nary-secret", "c4nary-token", "c4nary-pass"} {
		assert.NotContains(t, exported.Content, secret)
		assert.NotContains(t, string(catalog), secret)
	}
}

// partner answers by TLS which protocol it is called in, and by whom.
func partner(t *testing.T, l certificate.Listener) string {
	t.Helper()
	served, err := l.Open("the partner", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.Proto, " ", r.TLS.PeerCertificates[0].Subject.CommonName)
	})}
	served.Prepare(srv)
	go func() { _ = srv.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { _ = srv.Shutdown(context.Background()) })
	return "https://" + listener.Addr().String()
}

func TestSignersAreForOutgoingConnections(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "who.star", "def handle(self):\n    pass\n"))
	err := g.define("security_ntlm: [{name: Exchange, username: joe, password: x}]\nchannel_rest: [{name: C, service: who, url_path: /c, security: Exchange}]\n")
	require.ErrorContains(t, err, `security_ntlm "Exchange" is for outgoing connections alone`)
	err = g.define("security_ntlm: [{name: Exchange, username: joe, password: x}]\n" +
		"outgoing_rest: [{name: C, host: \"https://127.0.0.1:1\", security: Exchange, http2: true}]\n")
	require.ErrorContains(t, err, "http2: the security definition speaks HTTP/1.1 alone")
}
