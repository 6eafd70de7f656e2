package rest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked sends a request with headers, given as pairs.
func asked(t *testing.T, method, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return send(t, req)
}

const app, other = "https://app.example.com", "https://other.example.com"

func TestCORSPreflight(t *testing.T) {
	const named = `"cors_origins":["https://app.example.com"],`
	for _, row := range []struct {
		name, keys, origin, method, headers  string
		allowOrigin, allowMethods, allowSent string
		credentials, maxAge                  string
	}{
		{"what is allowed", named + `"cors_credentials":true,"cors_max_age":60`, app, "POST", "content-type, authorization", app, "GET, HEAD, OPTIONS, POST", "content-type, authorization", "true", "60"},
		{"every website", `"cors_origins":["*"]`, other, "GET", "", "*", "GET, HEAD, OPTIONS, POST", "", "", "600"},
		{"HEAD comes with GET", named + `"cors_methods":"GET"`, app, "HEAD", "", app, "GET, HEAD, OPTIONS", "", "", "600"},
		{"any header", named + `"cors_headers":["*"]`, app, "GET", "x-own", app, "GET, HEAD, OPTIONS, POST", "x-own", "", "600"},
		{"another website", named + `"cors_credentials":true`, other, "POST", "", "", "", "", "", ""},
		{"another port", named + `"cors_credentials":true`, app + ":8443", "POST", "", "", "", "", "", ""},
		{"a method that the channel does not take", named + `"cors_max_age":1`, app, "DELETE", "", "", "", "", "", ""},
		{"a method that pages may not use", named + `"cors_methods":["GET"]`, app, "POST", "", "", "", "", "", ""},
		{"a header that pages may not send", named + `"cors_headers":["X-Own"]`, app, "POST", "X-Other", "", "", "", "", ""},
		{"no keys for it", `"cors_origins":[]`, app, "POST", "", "", "", "", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			server, _ := serve(t, `{"service":"test.service","url_path":"/test","method":["GET","POST","OPTIONS"],`+row.keys+`}`, echo, nil)
			headers := []string{"Origin", row.origin, "Access-Control-Request-Method", row.method}
			if row.headers != "" {
				headers = append(headers, "Access-Control-Request-Headers", row.headers)
			}
			resp, body := asked(t, "OPTIONS", server.URL+"/test", headers...)
			if row.name != "no keys for it" { // there the service answers: its channel names OPTIONS
				assert.Equal(t, 204, resp.StatusCode)
				assert.Equal(t, "GET, HEAD, OPTIONS, POST", resp.Header.Get("Allow"))
				assert.Contains(t, resp.Header.Values("Vary"), "Access-Control-Request-Method, Access-Control-Request-Headers")
			}
			assert.Empty(t, body)
			assert.Equal(t, row.allowOrigin, resp.Header.Get("Access-Control-Allow-Origin"))
			assert.Equal(t, row.allowMethods, resp.Header.Get("Access-Control-Allow-Methods"))
			assert.Equal(t, row.allowSent, resp.Header.Get("Access-Control-Allow-Headers"))
			assert.Equal(t, row.credentials, resp.Header.Get("Access-Control-Allow-Credentials"))
			assert.Equal(t, row.maxAge, resp.Header.Get("Access-Control-Max-Age"))
		})
	}
}

func TestCORSReplies(t *testing.T) {
	const keys = `{"service":"test.service","url_path":"/test","cors_expose":["X-Own"],`
	for _, row := range []struct {
		name, keys, origin, query   string
		status                      int
		allow, credentials, exposed string
		vary                        []string
	}{
		{"a page that may", `"cors_origins":["https://app.example.com"],"cors_credentials":true}`, app, "", 200, app, "true", "X-Parley-CID, X-Own", []string{"Origin"}},
		{"an error is readable too", `"cors_origins":["https://app.example.com"]}`, app, "?a=%zz", 400, app, "", "X-Parley-CID, X-Own", []string{"Origin"}},
		{"every website", `"cors_origins":["*"]}`, other, "", 200, "*", "", "X-Parley-CID, X-Own", nil},
		{"another website", `"cors_origins":["https://app.example.com"],"cors_credentials":true}`, other, "", 200, "", "", "", []string{"Origin"}},
		{"no page", `"cors_origins":["https://app.example.com"]}`, "", "", 200, "", "", "", []string{"Origin"}},
		{"no keys for it", `"cors_origins":[]}`, app, "", 200, "", "", "", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			server, _ := serve(t, keys+row.keys, echo, nil)
			headers := []string{"X-Any", "1"}
			if row.origin != "" {
				headers = append(headers, "Origin", row.origin)
			}
			resp, _ := asked(t, "GET", server.URL+"/test"+row.query, headers...)
			assert.Equal(t, row.status, resp.StatusCode)
			assert.Equal(t, row.allow, resp.Header.Get("Access-Control-Allow-Origin"))
			assert.Equal(t, row.credentials, resp.Header.Get("Access-Control-Allow-Credentials"))
			assert.Equal(t, row.exposed, resp.Header.Get("Access-Control-Expose-Headers"))
			assert.Equal(t, row.vary, resp.Header.Values("Vary"))
		})
	}
}
