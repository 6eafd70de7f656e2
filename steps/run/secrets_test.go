package run_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

// TestNoSecretIsPrinted puts secrets wherever a feature file, the configuration, the environment and a server can have
// one, and looks for them in all that a run prints, in their usual encodings.
func TestNoSecretIsPrinted(t *testing.T) {
	const (
		literal   = `Lit&eral/"s3cr3t"+ö` // written in the feature file
		neighbour = "n3v3r-run-n31ghb0ur" // in a step that is never come to
		later     = "told-t00-late"       // met by the last scenario, and printed by the first
		variable  = "from=the=env1r0nment"
		setting   = "from the c0nfiguration"
		issued    = "1ssued-by-the-server"
		cell      = "in-4-row-of-examples"
		client    = "cl1ent-of-oauth" // three in steps of OAuth 2
		extra     = "3xtra-field-of-oauth"
		bearer    = "b34rer-of-oauth"
		field     = "f0rm-field"
	)
	all := []string{literal, neighbour, later, variable, setting, issued, cell, client, extra, bearer, field}
	t.Setenv("MY_API_KEY", variable)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "sid="+issued+"; Path=/")
		w.Header().Set("X-Echo", url.QueryEscape(r.Header.Get("X-Api-Key")))
		w.WriteHeader(http.StatusTeapot)
		user, password, _ := r.BasicAuth()
		text, err := json.Marshal(map[string]any{
			"access_token": issued, "user": user, "echo": password, "encoded": base64.StdEncoding.EncodeToString([]byte("xy:" + password)),
			"url": url.PathEscape(password), "html": html.EscapeString(password), "key": r.Header.Get("X-Api-Key"), "setting": r.URL.Query().Get("q"), "later": later,
		})
		if err == nil {
			_, _ = w.Write(text)
		}
	}))
	t.Cleanup(server.Close)
	feature := `Feature: Secrets
  Scenario: they are sent, and come back
    Given address "` + server.URL + `"
    And format "JSON"
    And Basic Auth "joe" "` + literal + `"
    And header "X-Api-Key" "$MY_API_KEY"
    And query string "?q=@password"
    And request is "{"password": "x", "note": ""}"
    And path "/note" in request is "` + strings.ReplaceAll(literal, `"`, `\"`) + `"
      """
      the documentation knows ` + literal + `
      """
    When the URL is invoked
    Then status is "200"
      | a table | ` + strings.ReplaceAll(literal, `|`, `\|`) + ` |
    And Basic Auth "joe" "` + neighbour + `"

  Scenario: the difference has them
    Given address "` + server.URL + `"
    And format "JSON"
    And Basic Auth "joe" "` + literal + `"
    And header "X-Api-Key" "$MY_API_KEY"
    When the URL is invoked
    Then JSON response is equal to "{"key": 1, "echo": "2"}"

  Scenario: a step that is not there behind them
    Given I store "` + neighbour + `" under "other password"
    Given Basic Auht "joe" "` + literal + `"

  Scenario Outline: row with <secret>
    Given I store "<secret>" under "client_secret"
    And I store "x" under "y"
    Then variable "#client_secret" is a string "other"

    Examples:
      | secret |
      | ` + cell + ` |

  Scenario: OAuth 2
    Given I store "x" under "y"
    And OAuth2 endpoint "` + server.URL + `"
    And OAuth2 credentials "joe" "` + client + `"
    And OAuth2 extra fields "audience=api, api_key=` + extra + `"
    And form field "password" is "` + field + `"
    And I store an OAuth2 bearer token under "t"
    And OAuth2 bearer token "` + bearer + `"

  Scenario: one met late
    Given I store "` + later + `" under "token"
    Then variable "#token" is a string "other"
`
	for _, dry := range []bool{false, true} {
		out := &bytes.Buffer{}
		sinks := several{
			&report.Console{Out: out}, &report.Console{Out: out, Terminal: true, Color: true, Width: 100}, &report.Dots{Out: out}, &report.Dots{Out: out, Terminal: true},
		}
		done, err := run.Features(t.Context(), run.Options{
			Paths: []string{"a.feature"}, FS: files(strings.ReplaceAll(feature, "@password", "@{password}")), Sink: sinks, Parallel: 1, DryRun: dry,
			Steps: steps.Options{User: map[string]any{"password": setting}},
		})
		require.NoError(t, err)
		require.Empty(t, done.Faults)
		if !dry {
			require.Equal(t, report.Counts{Failed: 5, Undefined: 1}, done.Scenarios(), "%s", out)
			require.Contains(t, out.String(), "418 I'm a teapot")
		}
		printed := map[string]string{"terminal": out.String()}
		for _, format := range report.Formats() {
			page := &bytes.Buffer{}
			require.NoError(t, format.Write(page, done))
			printed[format.Name] = page.String() + embedded(t, format.Name, page.Bytes(), dry)
		}
		github := &bytes.Buffer{}
		require.NoError(t, errors.Join(report.WriteGitHub(github, done), report.WriteSummary(github, done)))
		printed["github"] = github.String()
		for name, text := range printed {
			assert.Contains(t, text, "***", name)
			for _, secret := range all {
				for _, form := range encodings(secret) {
					assert.NotContains(t, text, form, "%s, dry: %v", name, dry)
				}
			}
		}
	}
}

// several are told of a run one after the other.
type several []report.Sink

func (s several) Begin(r *report.Run, n int) { s.each(func(one report.Sink) { one.Begin(r, n) }) }
func (s several) Feature(f *report.Feature)  { s.each(func(one report.Sink) { one.Feature(f) }) }
func (s several) Scenario(f *report.Feature, sc *report.Scenario) {
	s.each(func(one report.Sink) { one.Scenario(f, sc) })
}
func (s several) Progress(p report.Progress) { s.each(func(one report.Sink) { one.Progress(p) }) }
func (s several) End(r *report.Run)          { s.each(func(one report.Sink) { one.End(r) }) }
func (s several) each(do func(report.Sink)) {
	for _, one := range s {
		do(one)
	}
}

// encodings are the forms of a secret that nobody must see.
func encodings(secret string) []string {
	quoted, _ := json.Marshal(secret)
	in := base64.StdEncoding.EncodeToString
	all := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ToLower(url.QueryEscape(secret)), html.EscapeString(secret), string(quoted[1 : len(quoted)-1]),
		strings.ReplaceAll(secret, `"`, `\"`), strings.TrimRight(in([]byte(secret)), "="), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		strings.TrimRight(in([]byte("joe:"+secret)), "="),
	}
	for _, user := range []string{"x", "xy", "xyz"} { // whatever stands before: all but the ends
		text := strings.TrimRight(in([]byte(user+":"+secret)), "=")
		all = append(all, text[8:len(text)-4])
	}
	return all
}

// embedded is what a cucumber report has in Base64.
func embedded(t *testing.T, format string, page []byte, dry bool) string {
	t.Helper()
	if format != "cucumber" {
		return ""
	}
	text := ""
	for _, m := range regexp.MustCompile(`"data": "([^"]+)"`).FindAllSubmatch(page, -1) {
		raw, err := base64.StdEncoding.DecodeString(string(m[1]))
		require.NoError(t, err)
		text += string(raw) + "\n"
	}
	require.Equal(t, dry, text == "")
	return text
}
