package mocks_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/Azure/go-ntlmssp"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/mocks"
)

const guarded = `
stubs:
  - path: /basic
    auth: {basic: {username: joe, password: s3cret}}
    json: {who: joe}
  - path: /ntlm
    auth: {ntlm: {username: joe, domain: BANK, password: s3cret}}
    json: {who: joe}
  - path: /aws/{any}
    auth: {aws: {access_key: AKIA1, secret_key: s3cret, region: eu-central-1, service: execute-api}}
    json: {who: AKIA1}
  - path: /s3/{any}
    auth: {aws: {access_key: AKIA1, secret_key: s3cret, session_token: tok, region: eu-central-1, service: s3}}
    json: {who: AKIA1}
`

func startGuarded(t *testing.T) *mocks.HTTP {
	t.Helper()
	stubs, err := mocks.ParseStubs("guarded.yaml", []byte(guarded))
	require.NoError(t, err)
	m, err := mocks.StartHTTP(t.Context(), mocks.HTTPOptions{Name: "bank", Stubs: stubs})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

// says makes a request that sign has signed, and gives the status and the body.
func says(t *testing.T, client *http.Client, method, url, body string, sign func(*http.Request)) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	sign(req)
	res, err := client.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(raw)
}

func TestBasicAuthOfMocks(t *testing.T) {
	m := startGuarded(t)
	for _, row := range []struct {
		name, user, password, want string
		status                     int
	}{
		{"the right one", "joe", "s3cret", `{"who": "joe"}`, 200},
		{"a wrong password", "joe", "s3cre", `{"error": "mock \"bank\": the password is another"}`, 401},
		{"a wrong user", "jim", "s3cret", `{"error": "mock \"bank\": the user is \"jim\", the stub has \"joe\""}`, 401},
	} {
		t.Run(row.name, func(t *testing.T) {
			status, body := says(t, http.DefaultClient, http.MethodGet, m.URL()+"/basic", "", func(r *http.Request) { r.SetBasicAuth(row.user, row.password) })
			assert.Equal(t, row.status, status)
			assert.JSONEq(t, row.want, body)
		})
	}
	assert.Equal(t, 1, m.Count(), "who is refused is not received")
}

// settled reads each reply as a whole, so that the next request has the same connection.
type settled struct{ http.RoundTripper }

func (s settled) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := s.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(raw))
	return res, err
}

// TestNTLMOfMocks has Microsoft's client for Go log in.
func TestNTLMOfMocks(t *testing.T) {
	m := startGuarded(t)
	for _, row := range []struct {
		name, user, password, want string
		status                     int
	}{
		{"the right one", `BANK\joe`, "s3cret", "joe", 200},
		{"in other letters", `bank\JOE`, "s3cret", "joe", 200},
		{"a wrong password", `BANK\joe`, "S3cret", "the password is another", 401},
		{"a wrong user", `BANK\jim`, "s3cret", `the user is \"jim\"`, 401},
		{"a wrong domain", `SHOP\joe`, "s3cret", `the domain is \"SHOP\"`, 401},
	} {
		t.Run(row.name, func(t *testing.T) {
			transport := &http.Transport{MaxConnsPerHost: 1}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: ntlmssp.Negotiator{RoundTripper: settled{transport}}}
			status, body := says(t, client, http.MethodPost, m.URL()+"/ntlm", "a body", func(r *http.Request) { r.SetBasicAuth(row.user, row.password) })
			assert.Equal(t, row.status, status)
			assert.Contains(t, body, row.want)
		})
	}
	assert.Equal(t, 2, m.Count())
	assert.Equal(t, "a body", string(m.Received()[0].Body))
	status, body := says(t, http.DefaultClient, http.MethodGet, m.URL()+"/ntlm", "", func(*http.Request) {})
	assert.Equal(t, 401, status)
	assert.Contains(t, body, "nobody has logged in on this connection")
	status, body = says(t, http.DefaultClient, http.MethodGet, m.URL()+"/ntlm", "", func(r *http.Request) {
		r.Header.Set("Authorization", "NTLM TlRMTVNTUAADAAAA")
	})
	assert.Equal(t, 401, status)
	assert.Contains(t, body, "without a challenge")
}

// TestAWSOfMocks has AWS's own signer sign, and spoils what it has signed.
func TestAWSOfMocks(t *testing.T) {
	m := startGuarded(t)
	type request struct {
		key, secret, token, region, service string
		at                                  time.Time
		spoil                               func(*http.Request)
	}
	for _, row := range []struct {
		name, path string
		change     func(*request)
		status     int
		want       string
	}{
		{"the right one", "/aws/a%20b?z=1&a=%2F&a=2", func(*request) {}, 200, "AKIA1"},
		{"of S3", "/s3/a%20b?list=", func(r *request) { r.service, r.token = "s3", "tok" }, 200, "AKIA1"},
		{"another secret", "/aws/a", func(r *request) { r.secret = "S3cret" }, 401, "the signature does not fit"},
		{"another key", "/aws/a", func(r *request) { r.key = "AKIA2" }, 401, `the access key is \"AKIA2\"`},
		{"another region", "/aws/a", func(r *request) { r.region = "us-east-1" }, 401, "the signature is for"},
		{"no token", "/s3/a", func(r *request) { r.service = "s3" }, 401, "is not the session token"},
		{"an old one", "/aws/a", func(r *request) { r.at = r.at.Add(-time.Hour) }, 401, "which is 1h0m"},
		{"another path", "/aws/a", func(r *request) { r.spoil = func(q *http.Request) { q.URL.Path = "/aws/b" } }, 401, "the signature does not fit"},
		{"another parameter", "/aws/a", func(r *request) { r.spoil = func(q *http.Request) { q.URL.RawQuery = "b=1" } }, 401, "the signature does not fit"},
		{"another method", "/aws/a", func(r *request) { r.spoil = func(q *http.Request) { q.Method = http.MethodPut } }, 401, "the signature does not fit"},
		{"another body", "/aws/a", func(r *request) {
			r.spoil = func(q *http.Request) { q.Body = io.NopCloser(strings.NewReader("A body")) }
		}, 401, "the signature does not fit"},
		{"no signature", "/aws/a", func(r *request) { r.spoil = func(q *http.Request) { q.Header.Del("Authorization") } }, 401, "has no AWS4-HMAC-SHA256"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := request{key: "AKIA1", secret: "s3cret", region: "eu-central-1", service: "execute-api", at: time.Now(), spoil: func(*http.Request) {}}
			row.change(&r)
			signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = r.service == "s3" })
			status, body := says(t, http.DefaultClient, http.MethodPost, m.URL()+row.path, "a body", func(q *http.Request) {
				hash := sha256.Sum256([]byte("a body"))
				credentials := aws.Credentials{AccessKeyID: r.key, SecretAccessKey: r.secret, SessionToken: r.token}
				require.NoError(t, signer.SignHTTP(t.Context(), credentials, q, hex.EncodeToString(hash[:]), r.service, r.region, r.at))
				r.spoil(q)
			})
			assert.Equal(t, row.status, status, body)
			assert.Contains(t, body, row.want)
		})
	}
	assert.Equal(t, 2, m.Count())
}

// TestCurlAndMocks is what curl makes of both.
func TestCurlAndMocks(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip(err)
	}
	m := startGuarded(t)
	for _, row := range []struct{ name, path, user, way, want string }{
		{"NTLM", "/ntlm", `BANK\joe:s3cret`, "--ntlm", "200"},
		{"NTLM, a wrong password", "/ntlm", `BANK\joe:s3cre`, "--ntlm", "401"},
		{"AWS", "/aws/a", "AKIA1:s3cret", "--aws-sigv4=aws:amz:eu-central-1:execute-api", "200"},
		{"AWS, a wrong secret", "/aws/a", "AKIA1:s3cre", "--aws-sigv4=aws:amz:eu-central-1:execute-api", "401"},
	} {
		t.Run(row.name, func(t *testing.T) {
			args := []string{"--silent", "--noproxy", "*", "--output", "/dev/null", "--write-out", "%{http_code}", "--user", row.user, "--data", "a=1"}
			way, value, found := strings.Cut(row.way, "=")
			if args = append(args, way); found {
				args = append(args, value)
			}
			out, err := exec.CommandContext(t.Context(), curl, append(args, m.URL()+row.path)...).CombinedOutput()
			if err != nil {
				t.Skip(fmt.Errorf("this curl cannot: %w: %s", err, out))
			}
			assert.Equal(t, row.want, string(out))
		})
	}
}

func TestFaultsOfAuth(t *testing.T) {
	_, err := mocks.ParseStubs("m.yaml", []byte(`
stubs:
  - path: /a
    auth: {}
  - path: /b
    auth: {basic: {username: joe}}
  - path: /c
    auth: {basic: {username: joe, password: x}, ntlm: {username: joe, password: x}}
  - path: /d
    auth: {aws: {access_key: A}}
`))
	require.ErrorContains(t, err, "m.yaml:4:11: auth has 0 ways; give one of basic, ntlm and aws")
	require.ErrorContains(t, err, "m.yaml:6:20: password is missing")
	require.ErrorContains(t, err, "auth has 2 ways")
	for _, key := range []string{"secret_key", "region", "service"} {
		require.ErrorContains(t, err, key+" is missing")
	}
}
