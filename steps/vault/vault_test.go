package vault_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/vault"
)

const token = "hvs.reader"

// server answers as Vault's API documentation has it, for an engine of version 1 at secret/ and one of version 2 at kv/.
func server(t *testing.T) *httptest.Server {
	t.Helper()
	answers := map[string]struct {
		status int
		body   string
	}{
		"/v1/secret/app":     {200, `{"request_id": "1", "lease_id": "", "renewable": false, "lease_duration": 2764800, "data": {"value": "s3cret", "user": "joe"}, "wrap_info": null, "warnings": null, "auth": null}`},
		"/v1/secret/number":  {200, `{"data": {"value": 42}}`},
		"/v1/secret/tree":    {200, `{"data": {"value": {"a": 1}}}`},
		"/v1/secret/other":   {200, `{"data": {"user": "joe", "pass": "x"}}`},
		"/v1/secret/empty":   {200, `{"data": {}}`},
		"/v1/secret/null":    {200, `{"data": {"value": null}}`},
		"/v1/secret/alike":   {200, `{"data": {"value": "of version 1", "data": {"value": "inside"}, "metadata": {"author": "joe"}}}`},
		"/v1/secret/nothing": {200, `{}`},
		"/v1/secret/html":    {200, `<html>`},
		"/v1/secret/large":   {200, `{"data": {"value": "` + strings.Repeat("x", 2<<20) + `"}}`},
		"/v1/kv/data/app":    {200, `{"data": {"data": {"value": "n3w"}, "metadata": {"created_time": "2018-03-22T02:24:06.945319214Z", "custom_metadata": null, "deletion_time": "", "destroyed": false, "version": 2}}}`},
		"/v1/kv/data/gone":   {404, `{"data": {"data": null, "metadata": {"deletion_time": "2018-03-22T02:36:43.986212308Z", "destroyed": false, "version": 1}}}`},
		"/v1/kv/app":         {404, `{"errors": [], "warnings": ["Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use."]}`},
		"/v1/secret/a b":     {200, `{"data": {"value": "blank"}}`},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, there := answers[r.URL.Path]
		switch {
		case r.Method != http.MethodGet:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.Header.Get("X-Vault-Token") != token:
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"errors": ["permission denied"]}`))
		case r.URL.Path == "/v1/secret/standby":
			http.Redirect(w, r, "/v1/secret/app", http.StatusTemporaryRedirect)
		case r.URL.Path == "/v1/secret/round":
			http.Redirect(w, r, "/v1/secret/round", http.StatusTemporaryRedirect)
		case r.URL.Path == "/v1/secret/silent":
			<-r.Context().Done()
		case !there:
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"errors": []}`))
		default:
			w.WriteHeader(answer.status)
			_, _ = w.Write([]byte(answer.body))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestRead(t *testing.T) {
	address := server(t).URL
	rows := []struct {
		name, path string
		want       string
		fault      string // empty: none
	}{
		{"version 1", "secret/app", "s3cret", ""},
		{"version 2", "kv/data/app", "n3w", ""},
		{"a slash before it", "/secret/app", "s3cret", ""},
		{"with the API's version", "v1/secret/app", "s3cret", ""},
		{"a blank in it", "secret/a b", "blank", ""},
		{"a number", "secret/number", "42", ""},
		{"a tree", "secret/tree", `{"a": 1}`, ""},
		{"fields of version 1 called like those of version 2", "secret/alike", "of version 1", ""},
		{"a standby sends on", "secret/standby", "s3cret", ""},
		{"no such secret", "secret/nobody", "", "404 Not Found; there is no such secret, or it was deleted"},
		{"a deleted one", "kv/data/gone", "", "404 Not Found; there is no such secret, or it was deleted"},
		{"version 2 without data", "kv/app", "", "write data behind its name: secret/data/myapp/password"},
		{"no field value", "secret/other", "", `the secret has no field "value"; it has: pass, user`},
		{"no field at all", "secret/empty", "", `it has: none`},
		{"a value that is null", "secret/null", "", `the secret has no field "value"`},
		{"no data", "secret/nothing", "", "the reply has no data"},
		{"another server", "secret/html", "", "the reply is none of Vault's"},
		{"a huge reply", "secret/large", "", "more than 1048576 bytes"},
		{"a circle", "secret/round", "", "there were more than 5 redirects"},
		{"out of the API", "secret/../../sys/seal", "", "is no path of a secret; write it like secret/myapp/password"},
		{"nothing", "", "", "is no path of a secret"},
	}
	read := vault.New(address+"/", token, nil)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got, err := read(t.Context(), row.path)
			if row.fault != "" {
				require.ErrorContains(t, err, row.fault)
				assert.NotContains(t, err.Error(), token)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, got)
		})
	}
}

func TestAWrongTokenIsToldSo(t *testing.T) {
	_, err := vault.New(server(t).URL, "hvs.other", nil)(t.Context(), "secret/app")
	require.EqualError(t, err, "403 Forbidden: permission denied; the token may not read this, or has expired")
}

func TestNoVault(t *testing.T) {
	assert.Nil(t, vault.New("http://localhost:8200", "invalid", nil))
	assert.Nil(t, vault.New("http://localhost:8200", "", nil))
	assert.Nil(t, vault.New("", token, nil))
}

func TestTheClientAndTheContextBoundTheTime(t *testing.T) {
	address := server(t).URL
	_, err := vault.New(address, token, &http.Client{Timeout: 20 * time.Millisecond})(t.Context(), "secret/silent")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = vault.New(address, token, nil)(ctx, "secret/app")
	require.ErrorIs(t, err, context.Canceled)
}

func TestTheTokenDoesNotLeaveHTTPS(t *testing.T) {
	open := server(t)
	closed := httptest.NewTLSServer(http.RedirectHandler(open.URL+"/v1/secret/app", http.StatusTemporaryRedirect))
	t.Cleanup(closed.Close)
	_, err := vault.New(closed.URL, token, closed.Client())(t.Context(), "secret/app")
	require.ErrorContains(t, err, "it redirects from HTTPS to http, where the token would be readable")
}

func TestNobodyListens(t *testing.T) {
	s := server(t)
	s.Close()
	_, err := vault.New(s.URL, token, nil)(t.Context(), "secret/app")
	require.ErrorContains(t, err, "refused")
}
