package rest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/channel/rest"
	"github.com/parley-run/parley/runtime/kind"
)

// usual are the keys that the rows of TestParse leave out.
const usual = `"match_slash":false,"merge_url_params_req":true,"content_encoding":"","gzip_min_size":1024,"cors_origins":[],"cors_methods":[],"cors_headers":["Authorization","Content-Type"],"cors_expose":[],"cors_credentials":false,"cors_max_age":600,"cache_expiry":0,"cache_size":16777216,"cache_methods":["GET","HEAD"]}`

func TestParse(t *testing.T) {
	for _, row := range []struct{ name, raw, want string }{
		{
			"defaults", `{"service":"s","url_path":"/"}`,
			`{"is_active":true,"service":"s","security":"","has_rbac":false,"sec_use_rbac":false,"data_format":"json","url_path":"/","method":[],"url_params_pri":"qs-over-path","params_pri":"channel-params-over-msg","timeout":30,"max_body":1048576,` + usual,
		},
		{
			"everything", `{"service":"s","url_path":"/a/{id}/b/{other_2}","method":["get","Post","GET"],"timeout":"500ms","max_body":10,"data_format":"xml","is_active":false,"url_params_pri":"path-over-qs","params_pri":"msg-over-channel-params"}`,
			`{"is_active":false,"service":"s","security":"","has_rbac":false,"sec_use_rbac":false,"data_format":"xml","url_path":"/a/{id}/b/{other_2}","method":["GET","POST"],"url_params_pri":"path-over-qs","params_pri":"msg-over-channel-params","timeout":0.5,"max_body":10,` + usual,
		},
		{
			"one method, and no format", `{"service":"s","url_path":"/a/","method":"purge","data_format":""}`,
			`{"is_active":true,"service":"s","security":"","has_rbac":false,"sec_use_rbac":false,"data_format":"","url_path":"/a/","method":["PURGE"],"url_params_pri":"qs-over-path","params_pri":"channel-params-over-msg","timeout":30,"max_body":1048576,` + usual,
		},
		{
			"idempotent", `{"service":"s","url_path":"/","idempotent":true}`,
			`{"is_active":true,"service":"s","security":"","has_rbac":false,"sec_use_rbac":false,"data_format":"json","url_path":"/","method":[],"url_params_pri":"qs-over-path","params_pri":"channel-params-over-msg","timeout":30,"max_body":1048576,"idempotent":true,` + usual,
		},
		{
			"empty method", `{"service":"s","url_path":"/parleys","method":""}`,
			`{"is_active":true,"service":"s","security":"","has_rbac":false,"sec_use_rbac":false,"data_format":"json","url_path":"/parleys","method":[],"url_params_pri":"qs-over-path","params_pri":"channel-params-over-msg","timeout":30,"max_body":1048576,` + usual,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := rest.Kind().Parse([]byte(row.raw))
			require.NoError(t, err)
			canonical, err := json.Marshal(c)
			require.NoError(t, err)
			assert.JSONEq(t, row.want, string(canonical))
			again, err := rest.Kind().Parse(canonical)
			require.NoError(t, err)
			assert.Equal(t, c.Common(), again.Common())
		})
	}
}

func TestParseFaults(t *testing.T) {
	for _, row := range []struct{ name, raw, want string }{
		{"everything at once", `{"data_format":"pdf","method":"G T","timeout":0,"max_body":0,"params_pri":"qs","url_params_pri":"msg"}`, `service: missing; name the service that this channel exposes; ` +
			`data_format: unknown format "pdf"; expected one of ["json" "xml" "csv" "form" ""]; url_path: missing; it is a path such as /customers/{id}; ` +
			`method: "G T" is no HTTP method; expected one such as GET or POST; ` +
			`url_params_pri: expected qs-over-path or path-over-qs, not "msg"; params_pri: expected channel-params-over-msg or msg-over-channel-params, not "qs"; ` +
			`timeout: it must be more than 0; max_body: it must be more than 0 bytes, not 0`},
		{"unknown key", `{"service":"s","urlpath":"/"}`, `urlpath: unknown key; did you mean "url_path"?`},
		{"method of a wrong type", `{"method":5}`, "method: expected text or a list of text, not 5"},
		{"empty method in a list", `{"service":"s","url_path":"/","method":[""]}`, `method: "" is no HTTP method`},
		{"no slash", path("a"), `url_path: "a" must start with /`},
		{"of the system", path("/parley/x"), `"/parley/x" is under /parley/, which belongs to the system`},
		{"of the system, bare", path("/parley"), "is under /parley/"},
		{"of the system, escaped", path("/%7aato/x"), "is under /zato/"},
		{"of the load-balancer", path("/zato-lb-alive"), "is under /zato-lb-alive"},
		{"braces", path("/a/{id"), `the braces in "{id" are not balanced`},
		{"braces the wrong way", path("/a/}id{"), `"}id{" mixes a name`},
		{"no name", path("/a/{}"), "a pair of braces holds no name"},
		{"bad name", path("/a/{cust-id}"), "{cust-id} is not a name; names are letters"},
		{"a pattern of net/http", path("/a/{rest...}"), "{rest...} is not a name"},
		{"name twice", path("/{id}/a/{id}"), "{id} stands there twice"},
		{"name in a segment", path("/a-{id}"), `"a-{id}" mixes a name in braces with other text`},
		{"blank", path("/a b"), `"/a b" holds ' ', which no path can hold`},
		{"query", path("/a?b=1"), "holds '?'"},
		{"bad escape", path("/a%zz"), "holds a % that begins no escape"},
		{"empty segment", path("/a//b"), `has the segment ""`},
		{"a rest that does not end the path", `{"service":"s","url_path":"/a/{id}/b","match_slash":true}`, "match_slash: it needs a url_path that ends in a name in braces, such as /files/{name}: that name takes all that is left of the path, slashes included, one character or more; names before it take one segment"},
		{"a rest without a name", `{"service":"s","url_path":"/a","match_slash":true}`, "match_slash: it needs a url_path that ends in a name"},
		{"coding", `{"service":"s","url_path":"/a","content_encoding":"br","gzip_min_size":-1}`, `content_encoding: expected gzip or nothing, not "br"; gzip_min_size: it must be 0 bytes or more, not -1`},
		{"every website with credentials", `{"service":"s","url_path":"/a","cors_origins":["*"],"cors_credentials":true}`, "cors_credentials: with it, cors_origins cannot be *: every website could act for its visitors; name the websites that may"},
		{"credentials for nobody", `{"service":"s","url_path":"/a","cors_credentials":true}`, "cors_credentials: it does nothing without cors_origins"},
		{"origin with a path", `{"service":"s","url_path":"/a","cors_origins":["https://a.example/"]}`, `cors_origins: "https://a.example/" is no origin; expected one such as https://app.example.com, in lower case`},
		{"origin in capitals", `{"service":"s","url_path":"/a","cors_origins":["https://A.example"]}`, `"https://A.example" is no origin`},
		{"origin null", `{"service":"s","url_path":"/a","cors_origins":["null"]}`, `"null" is no origin`},
		{"names for CORS", `{"service":"s","url_path":"/a","cors_headers":["a b"],"cors_methods":["G T"]}`, `cors_methods: "G T" is no HTTP method; expected one such as GET or POST; cors_headers: "a b" is no name of a header`},
		{"cache", `{"service":"s","url_path":"/a","cache_size":0,"cache_methods":"G T"}`, `cache_size: it must be more than 0 bytes, not 0; cache_methods: "G T" is no HTTP method`},
		{"dots", path("/a/../b"), `has the segment ".."`},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := rest.Kind().Parse([]byte(row.raw))
			var faults kind.Faults
			require.ErrorAs(t, err, &faults)
			assert.Contains(t, err.Error(), row.want)
		})
	}
}

func path(p string) string { return `{"service":"s","url_path":"` + p + `"}` }

func TestKindDescribesItself(t *testing.T) {
	k := rest.Kind()
	assert.Equal(t, "channel_rest", k.Name)
	byName := map[string]kind.Field{}
	for _, f := range k.Fields {
		assert.NotEmpty(t, f.Doc, f.Name)
		byName[f.Name] = f
	}
	assert.Equal(t, "text or a list of text", byName["method"].Type)
	assert.Equal(t, "[]", byName["method"].Default)
	assert.Equal(t, "30", byName["timeout"].Default)
	assert.Empty(t, byName["url_path"].Default)
	assert.Equal(t, 30*time.Second, rest.Defaults().Timeout.Std())
}
