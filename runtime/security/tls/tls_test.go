package tls_test

import (
	stdtls "crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/certificate"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/security/tls"
	"github.com/parley-run/parley/runtime/service"
)

func authority(t *testing.T, name string) *certificate.Authority {
	t.Helper()
	a, _, err := certificate.OpenAuthority(filepath.Join(t.TempDir(), "tls"), name)
	require.NoError(t, err)
	return a
}

// shown is a connection on which a client has shown its certificate.
func shown(t *testing.T, f certificate.Files, verified bool) *stdtls.ConnectionState {
	t.Helper()
	m, err := f.Load()
	require.NoError(t, err)
	s := &stdtls.ConnectionState{PeerCertificates: []*x509.Certificate{m.Certificate.Leaf}}
	if verified {
		s.VerifiedChains = [][]*x509.Certificate{s.PeerCertificates}
	}
	return s
}

func build(t *testing.T, keys ...any) (security.Definition, error) {
	t.Helper()
	raw, err := service.ObjectOf(keys...).MarshalJSON()
	require.NoError(t, err)
	c, err := tls.Kind().Parse(raw)
	if err != nil {
		return nil, err
	}
	return tls.Kind().New(c, security.Deps{
		Name: "Partners", Log: slog.New(slog.DiscardHandler), Reveal: func(_ string, s kind.Secret) (string, error) { return s.Form(), nil },
	})
}

func check(t *testing.T, d security.Definition, state *stdtls.ConnectionState) (*service.Principal, error) {
	t.Helper()
	return d.(security.Guard).Check(t.Context(), &service.Request{TLS: state})
}

func TestGuard(t *testing.T) {
	bank, other := authority(t, "Bank CA"), authority(t, "Bank CA")
	crm, err := bank.Client("crm")
	require.NoError(t, err)
	server, err := bank.Server("server", []string{"bank.example.com"})
	require.NoError(t, err)
	forged, err := other.Client("crm")
	require.NoError(t, err)
	m, err := crm.Load()
	require.NoError(t, err)
	print := certificate.Fingerprint(m.Certificate.Leaf)
	var colons []string
	for i := 0; i < len(print); i += 2 {
		colons = append(colons, strings.ToUpper(print[i:i+2]))
	}
	ca := filepath.Join(bank.Dir, "ca.pem")
	pem, err := os.ReadFile(ca)
	require.NoError(t, err)

	for _, tt := range []struct {
		name  string
		keys  []any
		state *stdtls.ConnectionState
		let   bool
	}{
		{"of the authority", []any{"ca", ca}, shown(t, crm, false), true},
		{"of the authority, in PEM", []any{"ca", string(pem)}, shown(t, crm, false), true},
		{"in plain", []any{"ca", ca}, nil, false},
		{"none shown", []any{"ca", ca}, &stdtls.ConnectionState{}, false},
		{"of another authority of that name", []any{"ca", ca}, shown(t, forged, true), false},
		{"a server's", []any{"ca", ca}, shown(t, server, false), false},
		{"verified by the listener", nil, shown(t, crm, true), true},
		{"verified by nobody", nil, shown(t, crm, false), false},
		{"its CN", []any{"ca", ca, "common_names", []any{"erp", "crm"}}, shown(t, crm, false), true},
		{"another CN", []any{"ca", ca, "common_names", []any{"erp"}}, shown(t, crm, false), false},
		{"its issuer's CN", []any{"issuers", []any{"Bank CA"}}, shown(t, crm, true), true},
		{"its issuer", []any{"issuers", []any{"CN=Bank CA"}}, shown(t, crm, true), true},
		{"another issuer", []any{"issuers", []any{"Bank"}}, shown(t, crm, true), false},
		{"its fingerprint", []any{"fingerprints", []any{print}}, shown(t, crm, true), true},
		{"as openssl prints it", []any{"fingerprints", []any{strings.Join(colons, ":")}}, shown(t, crm, true), true},
		{"another fingerprint", []any{"fingerprints", []any{strings.Repeat("0", 64)}}, shown(t, crm, true), false},
		{"one condition of two", []any{"fingerprints", []any{print}, "common_names", []any{"erp"}}, shown(t, crm, true), false},
		{"no such name", []any{"ca", ca, "sans", []any{"bank.example.com"}}, shown(t, crm, false), false},
		{"inactive", []any{"ca", ca, "is_active", false}, shown(t, crm, false), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := build(t, tt.keys...)
			require.NoError(t, err)
			for range 2 { // the second time from memory
				who, err := check(t, d, tt.state)
				if !tt.let {
					var refused *service.Error
					require.ErrorAs(t, err, &refused)
					assert.Contains(t, []service.Code{service.Unauthenticated, service.Denied}, refused.Code)
					continue
				}
				require.NoError(t, err)
				assert.Equal(t, "CN=crm", who.Name)
				assert.Equal(t, "Partners", who.Definition)
				assert.Equal(t, "security_tls", who.Kind)
				got, _ := who.Claims.(*service.Object).Get("fingerprint")
				assert.Equal(t, print, got)
			}
		})
	}
}

// TestAnotherAuthority: once the file of the authority is another one, its old clients are strangers.
func TestAnotherAuthority(t *testing.T) {
	bank, other := authority(t, "Bank CA"), authority(t, "Other CA")
	crm, err := bank.Client("crm")
	require.NoError(t, err)
	ca := filepath.Join(bank.Dir, "ca.pem")
	d, err := build(t, "ca", ca)
	require.NoError(t, err)
	state := shown(t, crm, false)
	_, err = check(t, d, state)
	require.NoError(t, err)
	require.NoError(t, os.Rename(filepath.Join(other.Dir, "ca.pem"), ca))
	require.Eventually(t, func() bool {
		_, err := check(t, d, state)
		return err != nil
	}, time.Minute, 10*time.Millisecond)
}

func TestOutgoing(t *testing.T) {
	bank := authority(t, "Bank CA")
	crm, err := bank.Client("crm")
	require.NoError(t, err)
	key, err := os.ReadFile(crm.Key)
	require.NoError(t, err)
	for _, form := range []string{"file:" + crm.Key, string(key)} {
		d, err := build(t, "ca", crm.CA, "certificate", crm.Certificate, "key", form)
		require.NoError(t, err)
		config, first := d.(outconn.Certified).Client(&stdtls.Config{ServerName: "bank", MinVersion: stdtls.VersionTLS12})
		assert.Equal(t, "bank", config.ServerName)
		assert.NotNil(t, config.RootCAs)
		require.Len(t, config.Certificates, 1)
		assert.Equal(t, "crm", config.Certificates[0].Leaf.Subject.CommonName)
		_, second := d.(outconn.Certified).Client(config)
		assert.Equal(t, first, second)
		require.NoError(t, d.(security.Signer).Sign(t.Context(), nil, nil))
		assert.NotContains(t, fmt.Sprintf("%+v", d), "PRIVATE KEY")
	}
	d, err := build(t, "ca", crm.CA)
	require.NoError(t, err)
	require.ErrorContains(t, d.(security.Signer).Sign(t.Context(), nil, nil), `"Partners" has no certificate to show`)
}

func TestConfig(t *testing.T) {
	bank := authority(t, "Bank CA")
	crm, err := bank.Client("crm")
	require.NoError(t, err)
	erp, err := bank.Client("erp")
	require.NoError(t, err)
	for _, tt := range []struct {
		keys []any
		want string
	}{
		{[]any{"ca", "ca.pem"}, "ca: expected PEM, or the absolute path"},
		{[]any{"ca", "/nowhere/ca.pem"}, "open /nowhere/ca.pem"},
		{[]any{"key", "file:/x"}, "certificate: missing; the key is of one"},
		{[]any{"certificate", crm.Certificate, "key", "file:" + erp.Key}, "private key does not match"},
		{[]any{"certificate", crm.Certificate, "key", "c4nary"}, "key: it is no PEM"},
		{[]any{"fingerprints", []any{"12:34"}}, `fingerprints: "12:34" is no SHA-256`},
		{[]any{"common_names", []any{""}}, "common_names: holds an empty text"},
	} {
		_, err := build(t, tt.keys...)
		require.ErrorContains(t, err, tt.want)
		assert.NotContains(t, err.Error(), "c4nary")
	}
}
