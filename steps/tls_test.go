package steps_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
)

// secureServer answers by TLS whether it was shown a certificate. cert and key are the files of its own, which do for
// clients too.
func secureServer(t *testing.T) (address, cert, key string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"shown": %d}`, len(r.TLS.PeerCertificates))
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "cert.key")
	der, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	require.NoError(t, err)
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: server.Certificate().Raw}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
	}
	return server.URL, cert, key
}

func TestCertificates(t *testing.T) {
	address, cert, key := secureServer(t)
	k := begin(t, steps.Options{})
	k.must("Given address \"" + address + "\"\nAnd format \"JSON\"\nAnd URL path \"/\"")
	require.ErrorContains(t, k.say(invoking), "certificate signed by unknown authority")
	k.must("Given certificate authority \"" + cert + "\"\n" + invoking + `Then path "/shown" is an integer "0"`)
	k.must("Given client certificate \"" + cert + "\" with key \"" + key + "\"\n" + invoking + `Then path "/shown" is an integer "1"`)
	k.must("Given no client certificate\n" + invoking + `Then path "/shown" is an integer "0"`)

	for _, row := range []struct{ line, fault string }{
		{`Given certificate authority "` + key + `"`, "holds no certificate in PEM form"},
		{`Given certificate authority "/nowhere/ca.pem"`, "/nowhere/ca.pem"},
		{`Given client certificate "` + cert + `" with key "` + cert + `"`, "cert.pem and its key: tls: "},
		{`Given the cluster's client certificate`, "cluster"},
	} {
		err := k.say(row.line)
		require.ErrorContains(t, err, row.fault)
		assert.NotContains(t, err.Error(), "PRIVATE KEY-----\n")
	}
}
