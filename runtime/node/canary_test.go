package node_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/node"
)

// secretive is a kind of security definition whose secrets nobody must see.
type secretive struct {
	kind     string
	good     string   // YAML of a definition's keys, with secrets that hold the canary; empty: the kind is for outgoing connections alone
	out      string   // the same for outgoing connections; empty: the kind has none
	silent   bool     // it shows nothing to a host that does not ask
	bad      []string // YAML of what is refused, with a secret
	callers  [][]string
	refusals int // how many of callers, the last ones, are refused
}

// secretives are all kinds. authority is the URL of a server that gives tokens, and says what they are worth.
func secretives(t *testing.T, authority string) []secretive {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	private, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})))
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "erp"}, NotAfter: time.Now().Add(time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	public, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})))
	require.NoError(t, err)
	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	return []secretive{
		{
			kind: "security_basic_auth", good: "username: joe, password: c4nary-1", out: "username: joe, password: c4nary-1, outgoing: true",
			bad:     []string{"username: 'a:b', password: c4nary-1", "username: joe, password: [c4nary-1]", "username: joe, password: {c4nary-1: 1}"},
			callers: [][]string{{"Basic", "joe:c4nary-1"}, {"Basic", "joe:c4nary-wrong"}, {"Authorization", "Basic c4nary"}}, refusals: 2,
		},
		{
			kind: "security_api_key", good: "key: c4nary-2", out: "key: c4nary-2, outgoing: true",
			bad:     []string{"header: host, key: c4nary-2", "key: [c4nary-2]"},
			callers: [][]string{{"X-Api-Key", "c4nary-2"}, {"X-Api-Key", "c4nary-wrong"}}, refusals: 1,
		},
		{
			kind: "security_headers", good: "all: {X-Proxy-Key: {secret: c4nary-3}}",
			bad:     []string{"all: {X-Proxy-Key: {secret: [c4nary-3]}}", "all: {X-Proxy-Key: {secret: c4nary-3, present: true}}", "all: {X-Proxy-Key: {secrte: c4nary-3}}"},
			callers: [][]string{{"X-Proxy-Key", "c4nary-3"}, {"X-Proxy-Key", "c4nary-wrong"}}, refusals: 1,
		},
		{
			kind: "security_jwt", good: "secret: c4nary-4-of-more-than-32-bytes-x, username: joe, password: c4nary-5",
			out: "algorithm: RS256, private_key: " + string(private) + ", subject: parley",
			bad: []string{
				"secret: c4nary-4", "secret: [c4nary-4]", "algorithm: RS256, private_key: c4nary-4", "algorithm: RS256, secret: c4nary-4-of-more-than-32-bytes-x",
				"algorithm: RS256, jwks_url: 'http://u:c4nary@h/'",
			},
			callers: [][]string{bearer("c4nary"), bearer("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjNG5hcnkifQ.c4nary")}, refusals: 2,
		},
		{
			kind: "security_oauth2", good: "client_id: parley, client_secret: c4nary-6, introspection_url: '" + authority + "/introspect'",
			out:     "client_id: parley, client_secret: c4nary-6, token_url: '" + authority + "/token'",
			bad:     []string{"client_id: parley, client_secret: c4nary-6", "client_id: parley, client_secret: [c4nary-6], token_url: 'http://h/'", "client_id: parley, client_secret: c4nary-6, token_url: 'http://u:c4nary@h/'"},
			callers: [][]string{bearer("c4nary-token"), bearer("c4nary-wrong"), bearer("c4nary-down")}, refusals: 2,
		},
		{
			kind: "security_wss", good: "username: joe, password: c4nary-7, password_type: digest",
			bad:     []string{"username: joe, password: c4nary-7, password_type: plain", "username: joe, password: [c4nary-7]"},
			callers: [][]string{{"Authorization", "Basic c4nary"}}, refusals: 1,
		},
		{
			kind: "security_tls", good: "ca: " + string(public), out: "certificate: " + string(public) + ", key: " + string(private), silent: true,
			bad:     []string{"certificate: " + string(public) + ", key: c4nary-8", "key: [c4nary-8]", "key: c4nary-8"},
			callers: [][]string{{"Client-Cert", ":c4nary:"}}, refusals: 1,
		},
		{
			kind: "security_ntlm", out: "username: joe, password: c4nary-9", silent: true,
			bad: []string{"username: '', password: c4nary-9", "username: joe, password: [c4nary-9]"},
		},
		{
			kind: "security_aws", out: "access_key: AKIA, secret_key: c4nary-10, session_token: c4nary-11, region: eu-central-1, service: s3",
			bad: []string{"access_key: AKIA, secret_key: c4nary-10, region: eu-central-1", "access_key: AKIA, secret_key: {c4nary: 10}, region: x, service: s3"},
		},
	}
}

// No credential, token or secret of any kind is in a log, an error, an export, the OpenAPI document, what a server says of
// itself, statistics, or a file of the cluster.
func TestNoSecretOfAnyKindIsSeen(t *testing.T) {
	authority := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		switch token := r.PostForm.Get("token"); {
		case strings.HasSuffix(token, "-down"):
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = fmt.Fprint(w, token)
		case r.URL.Path == "/introspect":
			_, _ = fmt.Fprintf(w, `{"active": %t, "username": "joe"}`, token == "c4nary-token")
		default:
			_, _ = fmt.Fprint(w, `{"access_token": "c4nary-out", "token_type": "Bearer", "expires_in": 60}`)
		}
	}))
	t.Cleanup(authority.Close)
	var mu sync.Mutex
	shown := 0
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if len(r.Header["Authorization"])+len(r.Header["X-Api-Key"]) > 0 {
			shown++
		}
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprint(w, `{}`)
	}))
	t.Cleanup(remote.Close)

	g := newGround(t)
	stop := g.run("server1")
	require.NoError(t, g.deploy("server1", "who.star", whoIs))
	said := &strings.Builder{} // all that anybody was told
	kinds := secretives(t, authority.URL)
	for _, kind := range node.SecurityKinds() {
		assert.True(t, slices.ContainsFunc(kinds, func(s secretive) bool { return s.kind == kind }), "add a row for %s", kind)
	}
	outgoing := 0
	for _, k := range kinds {
		channel := "/" + k.kind
		if k.good != "" {
			require.NoError(t, g.define(fmt.Sprintf("%[1]s:\n  - {name: In %[1]s, %[2]s}\nchannel_rest:\n  - {name: %[1]s, service: who, url_path: %[3]s, security: In %[1]s}\n", k.kind, k.good, channel)), k.kind)
		}
		if k.out != "" {
			if !k.silent {
				outgoing++
			}
			require.NoError(t, g.define(fmt.Sprintf("%[1]s:\n  - {name: Out %[1]s, %[2]s}\noutgoing_rest:\n  - {name: %[1]s, host: '%[3]s', security: Out %[1]s}\n", k.kind, k.out, remote.URL)), k.kind)
			source := fmt.Sprintf("def handle(self):\n    self.response.payload = {\"status\": self.out.rest.get(%q).conn.get(self.cid).status_code}\n", k.kind)
			require.NoError(t, g.deploy("server1", "out"+strings.ReplaceAll(k.kind, "_", "")+".star", source))
			var status struct{ Status int }
			require.NoError(t, g.call("server1", "parley.service.invoke", map[string]string{"name": "out" + strings.ReplaceAll(k.kind, "_", "")}, &status), k.kind)
			assert.Equal(t, http.StatusTeapot, status.Status, k.kind)
		}
		for i, bad := range k.bad {
			err := g.define(fmt.Sprintf("%s:\n  - {name: Bad, %s}\n", k.kind, bad))
			require.Error(t, err, "%s %d", k.kind, i)
			fmt.Fprintln(said, k.kind, err)
		}
		for i, headers := range k.callers {
			status, header, body := g.ask("server1", channel, headers...)
			if i < len(k.callers)-k.refusals {
				assert.Equal(t, 200, status, "%s %d: %s", k.kind, i, body)
			} else {
				assert.Contains(t, []int{401, 503}, status, "%s %d", k.kind, i)
			}
			fmt.Fprintln(said, k.kind, header, body)
		}
	}
	assert.Equal(t, outgoing, shown, "each kind shows its credentials")

	var content struct{ Content string }
	require.NoError(t, g.call("server1", "parley.enmasse.export", struct{}{}, &content))
	said.WriteString(content.Content)
	assert.NotContains(t, content.Content, "sealed:")
	assert.NotContains(t, content.Content, "hashed:")
	for _, name := range []string{"parley.server.info", "parley.stats.get", "parley.service.list", "parley.secrets.status", "parley.cluster.members"} {
		var raw json.RawMessage
		require.NoError(t, g.call("server1", name, struct{}{}, &raw))
		said.Write(raw)
	}
	_, _, document := g.request(http.MethodGet, g.url("server1")+"/parley/openapi.json", "")
	said.WriteString(document)
	var before, after struct{ Revision int64 }
	require.NoError(t, g.call("server1", "parley.enmasse.export", struct{}{}, &before))
	require.NoError(t, g.define(content.Content))
	require.NoError(t, g.call("server1", "parley.enmasse.export", struct{}{}, &after))
	assert.Equal(t, before.Revision, after.Revision, "what was exported is what is there")
	var out rotated
	require.NoError(t, g.call("server1", "parley.secrets.rotate", struct{}{}, &out))
	assert.Positive(t, out.Sealed)
	assert.Empty(t, out.Lost)
	for _, k := range kinds {
		if k.refusals < len(k.callers) {
			status, _, body := g.ask("server1", "/"+k.kind, k.callers[0]...)
			assert.Equal(t, 200, status, "%s: %s", k.kind, body)
		}
	}
	stop()
	require.NoError(t, filepath.WalkDir(g.folder.Dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			said.Write(raw)
		}
		return err
	}))
	said.WriteString(g.logs.String())
	for _, hidden := range []string{"c4nary", url.QueryEscape("c4nary"), base64.StdEncoding.EncodeToString([]byte("joe:c4nary"))[:12], "IBADANBgkqhkiG9w0BAQEFAASC"} {
		if at := strings.Index(said.String(), hidden); at >= 0 {
			t.Errorf("%q is seen: %q", hidden, said.String()[max(0, at-200):min(said.Len(), at+60)])
		}
	}
}
