package steps_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/run"
)

// A secret that is a common word, or has three characters or less, is masked where a name tells what it is, or where it is
// all there is; other texts that have it by chance stay readable.
func TestMaskOfWords(t *testing.T) {
	m := &steps.Mask{}
	m.Named("password", "secret")
	m.Named("api_key", "a")
	m.Named("pin_password", "Z9")
	rows := []struct{ name, text, want string }{
		{"a header", "X-Api-Key: secret\nHost: secret", "X-Api-Key: ***\nHost: secret"},
		{"a header with a scheme", "Authorization: Bearer secret", "Authorization: Bearer ***"},
		{"JSON", `{"password": "secret", "note": "a secret", "a": "b"}`, `{"password": "***", "note": "a secret", "a": "b"}`},
		{"JSON in lines", "\"token\":\n  \"a\"", "\"token\":\n  \"***\""},
		{"JSON in a text", `"{\"password\": \"secret\"}"`, `"{\"password\": \"***\"}"`},
		{"JSON's names", `{"secret": 1, "client_secret": "secret"}`, `{"secret": 1, "client_secret": "***"}`},
		{"a name that is the word", `{"secret": "secret"}`, `{"secret": "***"}`},
		{"a list", `{"tokens": ["secret"]}`, `{"tokens": ["***"]}`},
		{"XML", `<a><wsse:Password Type="x">secret</wsse:Password><b>secret</b></a>`, `<a><wsse:Password Type="x">***</wsse:Password><b>secret</b></a>`},
		{"an attribute", `<a password="secret" b="secret"/>`, `<a password="***" b="secret"/>`},
		{"a query", "/secret?b=a&token=secret&secret=a#a", "/secret?b=a&token=***&secret=***#a"},
		{"a form", "user=a&password=a", "user=a&password=***"},
		{"a URL", "postgresql://secret:secret@secret/secret", "postgresql://secret:***@secret/secret"},
		{"Basic Auth", `Basic Auth "secret" "secret"`, `Basic Auth "secret" "***"`},
		{"OAuth 2", `OAuth2 credentials "a" "a"`, `OAuth2 credentials "a" "***"`},
		{"a bearer token", `OAuth2 bearer token "secret"`, `OAuth2 bearer token "***"`},
		{"a header's step", `header "X-Token" "a"`, `header "X-Token" "***"`},
		{"a parameter's step", `request param "password" is "a"`, `request param "password" is "***"`},
		{"a pointer's step", `JSON Pointer "/a/password" in request is "secret"`, `JSON Pointer "/a/password" in request is "***"`},
		{"a check", `JSON Pointer "/a/password" is "secret"`, `JSON Pointer "/a/password" is "***"`},
		{"a stored value", `I store "secret" under "password"`, `I store "***" under "password"`},
		{"Zato's", `I store "1" "/x" "joe" "secret" under Zato "secret"`, `I store "1" "/x" "joe" "***" under Zato "secret"`},
		{"all there is", `"secret"`, `"***"`},
		{"all there is, of a letter", "a", "a"},
		{"Base64", base64.StdEncoding.EncodeToString([]byte("joe:secret")), "am9lOn***A=="},
		{"a sentence", "the secret of a good test is no secret", "the secret of a good test is no secret"},
		{"other fields", `{"type": "secret", "x": "a"} /secret X-Type: secret`, `{"type": "secret", "x": "a"} /secret X-Type: secret`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, m.Text(row.text)) })
	}
}

// What is no common word is masked wherever it stands: of four and five characters as a word or number of its own, longer also
// inside others.
func TestMaskOfShortSecrets(t *testing.T) {
	rows := []struct{ secret, text, want string }{
		{"7381", "the PIN is 7381.", "the PIN is ***."},
		{"7381", "order 273815", "order 273815"},
		{"7381", `{"7381": 7381}`, `{"***": ***}`},
		{"hunt3", "hunt3", "***"},
		{"hunt3", "xhunt3", "xhunt3"},
		{"hunter", "xhunter2", "x***2"},
		{"password1", "x/password1234", "x/***234"},
		{"correct", "correctly", "***ly"},
	}
	for _, row := range rows {
		m := &steps.Mask{}
		m.Add("pin", row.secret)
		assert.Equal(t, row.want, m.Text(row.text), "%s in %s", row.secret, row.text)
	}
}

// A run whose password is the word "secret" says that word where it is none, and never where it is.
func TestRunWithAWordForAPassword(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		_, _ = w.Write([]byte(`{"password": "` + password + `", "message": "the secret garden", "pin": "` + r.Header.Get("X-Pin") + `"}`))
	}))
	t.Cleanup(server.Close)
	done, err := run.Features(t.Context(), run.Options{
		Paths: []string{"a.feature"}, Steps: steps.Options{Secrets: []string{"pin"}, User: map[string]any{"pin": "ab"}},
		FS: fstest.MapFS{"a.feature": {Data: []byte(`Feature: a secret
  Scenario: the secret garden
    Given address "` + server.URL + `"
    And Basic Auth "joe" "secret"
    And header "X-Pin" "@pin"
    And format "JSON"
    When the URL is invoked
    Then JSON Pointer "/message" is "the secret gardener"
`)}},
	})
	require.NoError(t, err)
	s := done.Features[0].Scenarios[0]
	assert.Equal(t, "a secret", done.Features[0].Name)
	assert.Equal(t, "the secret garden", s.Name)
	assert.Equal(t, `Basic Auth "joe" "***"`, s.Steps[1].Text)
	f := s.Failing().Failure
	assert.Equal(t, `"the secret garden"`, f.Got)
	assert.Contains(t, f.Exchange.Reply, `"password": "***"`)
	assert.Contains(t, f.Exchange.Reply, `"message": "the secret garden"`)
	assert.Contains(t, f.Exchange.Reply, `"pin": "***"`)
	assert.Contains(t, f.Exchange.Curl, ` -u joe:"$BASIC_AUTH_PASSWORD"`)
	assert.NotContains(t, f.Exchange.Request, "secret")
	assert.NotContains(t, f.Exchange.Request, strings.TrimRight(base64.StdEncoding.EncodeToString([]byte("joe:secret")), "="))
}
