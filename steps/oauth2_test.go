package steps_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
)

// tokenServer gives tokens at /token to who asks as it should, and tells at /me who came. It keeps what was asked last.
func tokenServer(t *testing.T) (address string, asked *map[string]string) {
	t.Helper()
	asked = &map[string]string{}
	mux := http.NewServeMux()
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		got := map[string]string{"Content-Type": r.Header.Get("Content-Type"), "method": r.Method}
		if strings.HasPrefix(got["Content-Type"], "application/json") {
			var fields map[string]string
			_ = json.NewDecoder(r.Body).Decode(&fields)
			for name, value := range fields {
				got[name] = value
			}
		} else if r.ParseForm() == nil {
			for name, values := range r.PostForm {
				got[name] = strings.Join(values, "; ")
			}
		}
		*asked = got
		if got["password"] == "wrong-one" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		switch got["username"] {
		case "nobody":
			_, _ = w.Write([]byte(`{"token_type": "bearer"}`))
		case "page":
			_, _ = w.Write([]byte(`<html>`))
		default:
			_, _ = w.Write([]byte(`{"access_token": "t0ken-1", "token_type": "bearer"}`))
		}
	})
	mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"authorization": %q}`, r.Header.Get("Authorization"))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, asked
}

const (
	asJoe     = "Given OAuth2 endpoint \"#{server}/token\"\nAnd OAuth2 credentials \"joe\" \"s3cret-1\"\n"
	withToken = asJoe + "And I store an OAuth2 bearer token under \"token\"\nAnd OAuth2 bearer token \"#token\"\nAnd format \"JSON\"\nAnd URL path \"/me\"\n"
)

// newestRows are the Then steps that only zato-apitest 24.10 has.
func newestRows() []thenRow {
	values := "Given I store \"Sean\" under \"text\"\nAnd format \"JSON\"\nAnd request is \"{}\"\nAnd URL path \"/json\"\nWhen this step is invoked\nAnd the URL is invoked\n" +
		"Then I store \"/flow\" from response under \"list\"\nAnd I store \"/age\" from response under \"whole\"\n" +
		"And I store \"/ratio\" from response under \"part\"\nAnd I store \"/ok\" from response under \"yes\"\n" +
		"Given I store \"9b2e44f0-1a3c-4d5e-8f60-718293a4b5c6\" under \"uuid\"\nAnd I store \"9b2e44f0-1a3c-1d5e-8f60-718293a4b5c6\" under \"first\"\n"
	const other = "the variable is of another type"
	return []thenRow{
		{values, `variable "#text" is any string`, ""},
		{values, `variable "#whole" is any string`, other + "\n  expected: a text\n  got:      42"},
		{values, `variable "#whole" is any integer`, ""},
		{values, `variable "#yes" is any integer`, ""},
		{values, `variable "#part" is any integer`, other},
		{values, `variable "#part" is any float`, ""},
		{values, `variable "#whole" is any float`, other},
		{values, `variable "#yes" is any Boolean`, ""},
		{values, `variable "#whole" is any Boolean`, other},
		{values, `variable "#list" is any list`, ""},
		{values, `variable "#text" is any list`, other},
		{values + "Given I store \"1\" \"/\" \"ann\" \"secret\" under Zato \"dict\"\n", `variable "#dict" is any dict`, ""},
		{values, `variable "#list" is any dict`, other},
		{values, `variable "#uuid" is any UUID4`, ""},
		{values, `variable "#first" is any UUID4`, "expected: a UUID of version 4"},
		{values, `variable "#text" is any UUID4`, other},
		{values, `I proceed further`, ""},
		{values, "I proceed further\nAnd variable \"#text\" is any list", other},
		{values, `context is logged`, ""},
		{values, "context is logged\nAnd variable \"#text\" is any list", other},
		{values, `I store header "X-Kind" from response under "kind"` + "\nAnd variable \"#kind\" is a string \"sample\"", ""},
		{values, `I store header "X-None" from response under "kind"`, `the reply has no header "X-None"`},
		{values, "OAuth2 context is cleaned up", ""},
		{"Given OAuth2 endpoint \"http://127.0.0.1:1\"\n", "OAuth2 context is cleaned up\nGiven I store an OAuth2 bearer token under \"t\"", "nobody to ask for a token"},
	}
}

func TestThenOfTheNewestSteps(t *testing.T) {
	t.Setenv("SERVER", sampleServer(t))
	checkRows(t, newestRows(), `Given address "$SERVER"`, steps.Options{})
}

func TestTokensAreAskedFor(t *testing.T) {
	rows := []struct {
		name, lines string
		want        map[string]string // what was asked
	}{
		{"as a form", asJoe, map[string]string{"Content-Type": "application/x-www-form-urlencoded", "method": "POST", "grant_type": "password", "username": "joe", "password": "s3cret-1"}},
		{
			"as JSON", asJoe + "Given OAuth2 request format \"json\"",
			map[string]string{"Content-Type": "application/json", "method": "POST", "grant_type": "password", "username": "joe", "password": "s3cret-1"},
		},
		{
			"as a client", asJoe + "Given OAuth2 client ID field \"client_id\"\nAnd OAuth2 client secret field \"client_secret\"\nAnd OAuth2 grant type \"client_credentials\"\n" +
				"And OAuth2 scopes \"read write\"\nAnd OAuth2 extra fields \"audience = api, tenant=a=b,\"",
			map[string]string{
				"Content-Type": "application/x-www-form-urlencoded", "method": "POST", "grant_type": "client_credentials", "client_id": "joe", "client_secret": "s3cret-1",
				"scope": "read write", "scopes": "read write", "audience": "api", "tenant": "a=b",
			},
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			address, asked := tokenServer(t)
			k := begin(t, steps.Options{})
			k.must("Given I store \"" + address + "\" under \"server\"\n" + row.lines + "\nGiven I store an OAuth2 bearer token under \"token\"\nThen variable \"#token\" is a string \"t0ken-1\"")
			assert.Equal(t, row.want, *asked)
		})
	}
}

func TestRequestsCarryTheToken(t *testing.T) {
	address, _ := tokenServer(t)
	k := begin(t, steps.Options{})
	k.must("Given I store \"" + address + "\" under \"server\"\nAnd address \"" + address + "\"\nAnd Basic Auth \"ann\" \"secret\"\n" + withToken + invoking +
		`Then path "/authorization" is "Bearer t0ken-1"`)
	k.must("Then OAuth2 context is cleaned up\n" + invoking + `Then path "/authorization" is "Basic YW5uOnNlY3JldA=="`)
	k.must(withToken + "Then context is cleaned up\nGiven address \"" + address + "\"\nAnd format \"JSON\"\nAnd URL path \"/me\"\n" + invoking + `Then path "/authorization" is empty`)
}

func TestTokensThatAreNotGiven(t *testing.T) {
	rows := []struct{ name, lines, fault string }{
		{"no endpoint", "Given OAuth2 credentials \"joe\" \"secret\"", "nobody to ask for a token; say who with: Given OAuth2 endpoint"},
		{"no credentials", "Given OAuth2 endpoint \"http://x\"", "nothing to ask for a token with; say it with: Given OAuth2 credentials"},
		{"no URL", "Given OAuth2 endpoint \"127.0.0.1/token\"\nAnd OAuth2 credentials \"joe\" \"secret\"", `the OAuth2 endpoint "127.0.0.1/token" is no URL of HTTP`},
		{"nobody there", "Given OAuth2 endpoint \"http://127.0.0.1:1/token\"\nAnd OAuth2 credentials \"joe\" \"secret\"", "no OAuth2 bearer token: no reply from 127.0.0.1:1"},
		{"refused", asJoe + "Given OAuth2 credentials \"joe\" \"wrong-one\"", "answered 401 Unauthorized"},
		{"a reply without a token", asJoe + "Given OAuth2 credentials \"nobody\" \"secret\"", "the reply has no text called access_token"},
		{"a page", asJoe + "Given OAuth2 credentials \"page\" \"secret\"", "no OAuth2 bearer token: the reply is not JSON"},
		{"a field without value", asJoe + "Given OAuth2 extra fields \"audience\"", `"audience" is no extra field of OAuth 2; write name=value`},
		{"a field without name", asJoe + "Given OAuth2 extra fields \"a=1,=2\"", `"=2" is no extra field`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			address, _ := tokenServer(t)
			k := begin(t, steps.Options{})
			k.must("Given I store \"" + address + "\" under \"server\"\n" + row.lines)
			err := k.say(`Given I store an OAuth2 bearer token under "token"`)
			require.ErrorContains(t, err, row.fault)
			told := k.world.Explain(err).Text()
			assert.NotContains(t, told, "wrong-one")
			assert.NotContains(t, told, "s3cret-1")
		})
	}
	k := begin(t, steps.Options{})
	assert.ErrorContains(t, k.say("Given OAuth2 bearer token \"{\"access_token\": \"x\"}\""), "a bearer token has no blanks")
}

func TestTheTokenIsMaskedAndTheContextLogged(t *testing.T) {
	address, _ := tokenServer(t)
	var logged []string
	k := begin(t, steps.Options{Log: func(format string, values ...any) { logged = append(logged, fmt.Sprintf(format, values...)) }})
	k.must("Given I store \"" + address + "\" under \"server\"\nAnd address \"" + address + "\"\n" + withToken + "And I connect to \"sqlite://\" as \"db\"\n" + invoking)
	told := k.world.Explain(assert.AnError).Text()
	assert.NotContains(t, told, "t0ken-1")
	assert.Contains(t, told, "Authorization: Bearer ***")
	k.must("Then context is logged")
	assert.Equal(t, []string{"stored db: sqlite://", `stored server: "` + address + `"`, `stored token: "***"`}, logged)
}
