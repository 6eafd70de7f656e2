package steps

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-run/parley/steps/sqlconn"
)

// maskConfigured registers the configured values that are secret.
func (s *Suite) maskConfigured() {
	s.mask.extra = s.options.Secrets
	if len(s.mask.extra) > 0 {
		s.mask.words.held = regexp.MustCompile(holding(s.mask.extra))
	}
	for name, v := range s.options.User {
		if text, isText := v.(string); isText {
			s.mask.Named(name, text)
		}
	}
}

// basicAuthPassword is the name under which such a password is masked.
const basicAuthPassword = "basic_auth_password"

// basic registers what Basic Auth sends.
func (m *Mask) basic(user, password string) {
	m.Add(basicAuthPassword, password)
	if password != "" {
		m.Add("basic_auth", base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	}
}

// url registers the secrets in a URL or a part of one: its password, and parameters whose names tell.
func (m *Mask) url(text string) {
	u, err := url.Parse(requote(text))
	if err != nil {
		return
	}
	if password, set := u.User.Password(); set {
		m.Add("url_password", password)
		m.basic(u.User.Username(), password)
	}
	for name, values := range u.Query() {
		for _, v := range values {
			m.Named(name, v)
		}
	}
}

// fields registers the secrets in pairs such as client_secret=abc, with commas between.
func (m *Mask) fields(text string) {
	for pair := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(pair, "=")
		m.Named(strings.TrimSpace(name), strings.TrimSpace(value))
	}
}

// header registers what is secret in a header whose name tells: of "Bearer abc" only what follows the scheme.
func (m *Mask) header(name, value string) {
	scheme, credentials, two := strings.Cut(value, " ")
	if !two || !strings.HasSuffix(strings.ToLower(name), "authorization") {
		m.Named(name, value)
		return
	}
	m.Named(name, credentials)
	if plain, err := base64.StdEncoding.DecodeString(credentials); err == nil && strings.EqualFold(scheme, "Basic") {
		if user, password, found := strings.Cut(string(plain), ":"); found {
			m.basic(user, password)
		}
	}
}

// tree registers the texts and numbers of a tree whose names say that they are secret.
func (m *Mask) tree(name string, v any) { eachNamed(name, v, m.Named) }

// eachNamed calls do with the texts and numbers of a tree and their names, an element of a list by that of the list.
func eachNamed(name string, v any, do func(name, value string)) {
	switch v := v.(type) {
	case string:
		do(name, v)
	case json.Number:
		do(name, v.String())
	case []any:
		for _, e := range v {
			eachNamed(name, e, do)
		}
	case *object:
		for _, key := range v.keys {
			eachNamed(key, v.values[key], do)
		}
	}
}

// received registers what a server has sent that is secret by its name: new tokens, cookies. Nobody has chosen these
// names to tell a secret, so that a value must look like one: "token_type": "Bearer" does not.
func (m *Mask) received(e *Exchange) {
	named := func(name, value string) {
		if looksSecret(value) {
			m.Named(name, value)
		}
	}
	for name, values := range e.Header {
		for _, value := range values {
			if http.CanonicalHeaderKey(name) == "Set-Cookie" {
				value, _, _ = strings.Cut(value, ";")
				_, value, _ = strings.Cut(value, "=")
			}
			named(name, value)
		}
	}
	for _, body := range [][]byte{e.RequestBody, e.Body} {
		if tree, err := decodeJSON(body); err == nil {
			eachNamed("", tree, named)
		}
	}
}

var beginsAsDate = regexp.MustCompile(`^\d{4}-\d\d-\d\d`)

// looksSecret says whether a value is one that nobody would write as a word.
func looksSecret(value string) bool {
	const enough = 8
	if len(value) < enough || strings.ContainsAny(value, " \t\n") {
		return false
	}
	return !beginsAsDate.MatchString(value) && strings.ContainsFunc(value, func(r rune) bool { return r < 'a' || r > 'z' })
}

// Foresee registers the secrets that a line holds as it is written, before it is run: it may be printed as the neighbour
// of one that fails.
func (s *Suite) Foresee(l *Line) {
	find, there := s.foreseen[l.m.row.Pattern]
	if !there {
		return
	}
	for _, p := range l.m.params {
		if strings.HasPrefix(p, vaultPrefix) || strings.ContainsAny(p[:1], "$#@") || embedded.MatchString(p) {
			return // a value to be filled in: it is masked when it is known
		}
	}
	find(s.mask, l.m.params)
}

// secretsOf says how secrets are found in the parameters of a step, by its pattern.
func secretsOf() map[string]func(m *Mask, p []string) {
	location := func(m *Mask, p []string) { m.url(p[0]) }
	named := func(m *Mask, p []string) { m.Named(p[1], p[0]) }
	inJSON := func(m *Mask, p []string) {
		if path, err := segments(p[0]); err == nil && len(path) > 0 {
			m.Named(path[len(path)-1], p[1])
		}
	}
	return map[string]func(m *Mask, p []string){
		`address "{address}"`:                           location,
		`URL path "{url_path}"`:                         location,
		`query string "{query_string}"`:                 location,
		`Basic Auth "{username}" "{password}"`:          func(m *Mask, p []string) { m.basic(p[0], p[1]) },
		`header "{header}" "{value}"`:                   func(m *Mask, p []string) { m.header(p[0], p[1]) },
		`I store "{value}" under "{name}"`:              named,
		`request param "{name}" is "{value}"`:           func(m *Mask, p []string) { m.Named(p[0], p[1]) },
		`form field "{name}" is "{value}"`:              func(m *Mask, p []string) { m.Named(p[0], p[1]) },
		`JSON Pointer "{path}" in request is "{value}"`: inJSON,
		`OAuth2 endpoint "{address}"`:                   location,
		`OAuth2 credentials "{username}" "{password}"`:  func(m *Mask, p []string) { m.Add(oauth2Password, p[1]) },
		`OAuth2 extra fields "{extra_fields}"`:          func(m *Mask, p []string) { m.fields(p[0]) },
		`OAuth2 bearer token "{token}"`:                 func(m *Mask, p []string) { m.Add(oauth2Token, p[0]) },
		`request is "{data}"`: func(m *Mask, p []string) {
			if tree, err := decodeOwn([]byte(p[0])); err == nil {
				m.tree("", tree)
			}
		},
		`I connect to "{sqlalchemy_url}" as "{conn_name}"`: func(m *Mask, p []string) {
			for _, secret := range sqlconn.Secrets(p[0]) {
				m.Add(p[1]+"_password", secret)
			}
		},
		`I store "{cluster_id}" "{url_path}" "{username}" "{password}" under Zato "{conn_name}"`: func(m *Mask, p []string) {
			m.Add("zato_password", p[3])
		},
	}
}

// ForeseenPatterns are the patterns of the steps in whose lines Foresee looks for secrets.
func ForeseenPatterns() []string { return slices.Sorted(maps.Keys(secretsOf())) }
