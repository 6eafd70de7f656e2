package main_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const tlsDefinitions = `
security_tls:
  - name: Client
    ca: DIR/tls/ca.pem
    common_names: [client]
    certificate: DIR/tls/client.pem
    key: file:DIR/tls/client.key
channel_rest:
  - {name: Open, service: hello, url_path: /open}
  - {name: Hello, service: hello, url_path: /hello, security: Client}
  - {name: Relay, service: relay, url_path: /relay}
outgoing_rest:
  - {name: Self, host: "URL", url_path: /hello, security: Client}
`

const (
	openService = "def handle(self):\n    names = [k for k in self.request.http.headers]\n" +
		"    self.response.payload = {\"length\": len(str(self.request.raw_request or \"\")), \"told\": \"Client-Cert\" in names or \"X-Parley-Balancer\" in names}\n"
	relayService = "def handle(self):\n    self.response.payload = {\"status\": self.outgoing.rest[\"Self\"].conn.get(self.cid).status_code}\n"
)

// curl answers with curl's own words: the version of HTTP and the status.
func curl(t *testing.T, args ...string) string {
	t.Helper()
	args = append([]string{"-s", "-o", filepath.Join(t.TempDir(), "body"), "-w", "%{http_version} %{http_code}"}, args...)
	out, err := exec.CommandContext(t.Context(), "curl", args...).Output()
	if err != nil {
		return "no connection"
	}
	return string(out)
}

// TestTLSThroughLoadBalancers has curl call a cluster all of whose ways are encrypted, through both load-balancers: to it, from
// it to the servers, which ask it for a certificate, and from a service out and back in.
func TestTLSThroughLoadBalancers(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	for _, kind := range []string{"embedded", "haproxy"} {
		t.Run(kind, func(t *testing.T) {
			if kind == "haproxy" {
				needHAProxy(t)
			}
			c := newCLI(t)
			c.dir = filepath.Join(t.TempDir(), "bank")
			must := func(args ...string) string {
				out, stderr, code := c.run(args...)
				require.Equal(t, 0, code, "%v: %s%s", args, out, stderr)
				return out
			}
			at := func(name string) string { return filepath.Join(c.dir, "tls", name) }
			out := must("quickstart", "create", c.dir, "--tls", "--tls-hosts", "bank.test", "--free-ports", "--balancer", kind)
			assert.Contains(t, out, "https://127.0.0.1:")
			must("tls", "create", at(""), "--server", "servers", "--hosts", "localhost", "--client", "balancer-client", "--client", "crm")
			must("tls", "create", filepath.Join(c.dir, "foreign"), "--client", "client")
			encryptServers(t, c.dir)
			if kind == "haproxy" {
				must("haproxy", "check")
			}
			out = must("start")
			t.Cleanup(func() { c.run("stop") })
			assert.Contains(t, out, "https://127.0.0.1:")
			must("ready")
			front, server := addresses(t, must("status", "-o", "json"))
			must("deploy", c.file("hello.star", openService), c.file("relay.star", relayService))
			text := strings.NewReplacer("DIR", c.dir, "URL", front).Replace(tlsDefinitions)
			must("enmasse", "import", c.file("tls.yaml", text))

			der := base64.StdEncoding.EncodeToString(leafOf(t, at("client.pem")).Raw)
			big := c.file("big", `"`+strings.Repeat("x", 400_000)+`"`)
			own := []string{"--cert", at("client.pem"), "--key", at("client.key")}
			crm := []string{"--cert", at("crm.pem"), "--key", at("crm.key")}
			foreign := []string{"--cert", filepath.Join(c.dir, "foreign", "client.pem"), "--key", filepath.Join(c.dir, "foreign", "client.key")}
			balancers := []string{"--cert", at("balancer-client.pem"), "--key", at("balancer-client.key")}
			forged := []string{"-H", "Client-Cert: :" + der + ":", "-H", "X-Parley-Balancer: 0"}
			for _, row := range []struct {
				name, url string
				args      [][]string
				want      string
			}{
				{"no certificate is asked for", front + "/open", nil, "2 200"},
				{"none shown", front + "/hello", nil, "2 401"},
				{"the right one", front + "/hello", [][]string{own}, "2 200"},
				{"the right one over HTTP/1.1", front + "/hello", [][]string{own, {"--http1.1"}}, "1.1 200"},
				{"the right one by TLS 1.2", front + "/hello", [][]string{own, {"--tls-max", "1.2"}}, "2 200"},
				{"a long body", front + "/hello", [][]string{own, {"--data-binary", "@" + big}}, "2 200"},
				{"a long body over HTTP/1.1", front + "/hello", [][]string{own, {"--http1.1", "--data-binary", "@" + big}}, "1.1 200"},
				{"another of the authority", front + "/hello", [][]string{crm}, "2 401"},
				{"one of another authority", front + "/open", [][]string{foreign}, "no connection"},
				{"only said to be shown", front + "/hello", [][]string{forged}, "2 401"},
				{"only said, beside another", front + "/hello", [][]string{crm, forged}, "2 401"},
				{"TLS 1.1", front + "/open", [][]string{{"--tls-max", "1.1"}}, "no connection"},
				{"straight to the server", server + "/hello", [][]string{own}, "2 200"},
				{"straight, said by the load-balancer's certificate", server + "/hello", [][]string{balancers, forged}, "2 401"},
				{"straight, none shown", server + "/open", nil, "no connection"},
				{"a service's own call", front + "/relay", nil, "2 200"},
			} {
				args := append([]string{"--cacert", at("ca.pem"), row.url}, joined(row.args)...)
				assert.Equal(t, row.want, curl(t, args...), row.name)
			}
			plain := curl(t, strings.Replace(front, "https://", "http://", 1)+"/open")
			assert.NotContains(t, plain, "200")
			assert.Equal(t, `{"length":0,"told":false}`, strings.TrimSpace(bodyOf(t, at, front+"/hello")))
			assert.Equal(t, `{"status":200}`, strings.TrimSpace(bodyOf(t, at, front+"/relay")))

			renew(t, c, at, front)
		})
	}
}

// encryptServers gives the servers TLS, and the load-balancer a certificate to show to them.
func encryptServers(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "cluster.yaml")
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	text := regexp.MustCompile(`(?m)^(    admin: .*)$`).ReplaceAllString(string(raw),
		"$1\n    tls: {certificate: tls/servers.pem, key: tls/servers.key, client_ca: tls/ca.pem, client_auth: require, min_version: 1.3}")
	text = strings.Replace(text, "balancer:\n", "balancer:\n  servers_tls: {ca: tls/ca.pem, certificate: tls/balancer-client.pem, key: tls/balancer-client.key, server_name: localhost}\n", 1)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func addresses(t *testing.T, status string) (front, server string) {
	t.Helper()
	var s struct {
		Balancer struct{ URL string }
		Servers  []struct{ URL string }
	}
	require.NoError(t, json.Unmarshal([]byte(status), &s))
	require.Len(t, s.Servers, 2)
	// The servers' certificate is for a name.
	return s.Balancer.URL, strings.Replace(s.Servers[0].URL, "127.0.0.1", "localhost", 1)
}

func leafOf(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	block, _ := pem.Decode(raw)
	require.NotNil(t, block)
	leaf, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return leaf
}

func joined(all [][]string) (out []string) {
	for _, one := range all {
		out = append(out, one...)
	}
	return out
}

func bodyOf(t *testing.T, at func(string) string, url string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "curl", "-s", "--cacert", at("ca.pem"), "--cert", at("client.pem"), "--key", at("client.key"), url).Output()
	require.NoError(t, err)
	return string(out)
}

// renew makes the load-balancer's certificate anew while clients call: it is served soon, and no request fails. A broken one
// is not served.
func renew(t *testing.T, c *cli, at func(string) string, front string) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(leafOf(t, at("ca.pem")))
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	address := strings.TrimPrefix(front, "https://")
	served := func() string {
		conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			return err.Error()
		}
		defer func() { _ = conn.Close() }()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := served()
	ctx, stop := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	var good atomic.Int64
	var failed sync.Map
	for range 4 {
		clients.Go(func() {
			transport := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: true}
			defer transport.CloseIdleConnections()
			for ctx.Err() == nil {
				req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, front+"/open", http.NoBody)
				assert.NoError(t, err)
				res, err := transport.RoundTrip(req)
				if err != nil {
					failed.Store(err.Error(), true)
					continue
				}
				_ = res.Body.Close()
				if res.StatusCode != http.StatusOK {
					failed.Store(fmt.Sprint(res.StatusCode), true)
				}
				good.Add(1)
			}
		})
	}
	_, stderr, code := c.run("tls", "create", at(""), "--server", "balancer", "--hosts", "127.0.0.1,localhost")
	require.Equal(t, 0, code, stderr)
	second := leafOf(t, at("balancer.pem")).SerialNumber.String()
	require.NotEqual(t, first, second)
	require.Eventually(t, func() bool { return served() == second }, time.Minute, 20*time.Millisecond)

	require.NoError(t, os.WriteFile(at("balancer.key"), []byte("junk"), 0o600))
	log := filepath.Join(c.dir, "logs", "supervisor.log")
	require.Eventually(t, func() bool {
		raw, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(raw), "changed certificates cannot be used; those from before stay") && strings.Contains(string(raw), at("balancer.key"))
	}, time.Minute, 20*time.Millisecond)
	assert.Equal(t, second, served())
	count := good.Load()
	require.Eventually(t, func() bool { return good.Load() > count+100 }, time.Minute, time.Millisecond)
	stop()
	clients.Wait()
	failed.Range(func(why, _ any) bool {
		assert.Fail(t, "a request failed", why)
		return true
	})
}
