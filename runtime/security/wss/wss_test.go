package wss_test

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/password"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/security/wss"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

const (
	oasis = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
	names = `xmlns:wsse="` + oasis + `wssecurity-secext-1.0.xsd" xmlns:wsu="` + oasis + `wssecurity-utility-1.0.xsd"`
)

// remembered is a memory of nonces.
type remembered map[string]time.Duration

func (r remembered) once(_ context.Context, key string, during time.Duration) (bool, error) {
	_, there := r[key]
	r[key] = during
	return !there, nil
}

func build(t *testing.T, config string, memory remembered) security.Definition {
	t.Helper()
	c, err := wss.Kind().Parse([]byte(config))
	require.NoError(t, err)
	def, err := wss.Kind().New(c, deps(memory))
	require.NoError(t, err)
	return def
}

func deps(memory remembered) security.Deps {
	return security.Deps{
		Name: "Partners", Names: service.ParleyNames(), Checks: &password.Checks{}, Shared: memory.once,
		Reveal: func(_ string, s kind.Secret) (string, error) { return s.Form(), nil },
	}
}

func message(header string) []byte {
	return []byte(`<s:Envelope xmlns:s="` + sio.SOAP11 + `" ` + names + `><s:Header>` + header + `</s:Header><s:Body><a/></s:Body></s:Envelope>`)
}

func security1(inside string) string { return "<wsse:Security>" + inside + "</wsse:Security>" }

// plain is a token in text; nonce and created may be empty.
func plain(user, password, nonce, created string) string {
	out := "<wsse:UsernameToken><wsse:Username>" + user + `</wsse:Username><wsse:Password Type="` + oasis + `username-token-profile-1.0#PasswordText">` + password + "</wsse:Password>"
	if nonce != "" {
		out += "<wsse:Nonce>" + base64.StdEncoding.EncodeToString([]byte(nonce)) + "</wsse:Nonce>"
	}
	if created != "" {
		out += "<wsu:Created>" + created + "</wsu:Created>"
	}
	return out + "</wsse:UsernameToken>"
}

// digested is the same with a digest.
func digested(user, password, nonce, created string) string {
	sum := sha1.Sum([]byte(nonce + created + password))
	return strings.Replace(plain(user, base64.StdEncoding.EncodeToString(sum[:]), nonce, created), "#PasswordText", "#PasswordDigest", 1)
}

func ago(d time.Duration) string { return time.Now().UTC().Add(-d).Format("2006-01-02T15:04:05.000Z") }

const refused = "you are not allowed to access this resource without valid credentials"

func TestCheck(t *testing.T) {
	const (
		text   = `{"username":"joe","password":"pw"}`
		strict = `{"username":"joe","password":"pw","reject_empty_nonce_creat":true,"reject_expiry_limit":60}`
		loose  = `{"username":"joe","password":"pw","reject_stale_tokens":false}`
		digest = `{"username":"joe","password":"pw","password_type":"digest"}`
	)
	for _, row := range []struct{ name, config, header, want string }{
		{"text", text, security1(plain("joe", "pw", "", "")), ""},
		{"text with a nonce", strict, security1(plain("joe", "pw", "n", ago(0))), ""},
		{"text without a type", text, security1(strings.Replace(plain("joe", "pw", "", ""), ` Type="`+oasis+`username-token-profile-1.0#PasswordText"`, "", 1)), ""},
		{"digest", digest, security1(digested("joe", "pw", "n", ago(0))), ""},
		{"a time without a zone", digest, security1(digested("joe", "pw", "n", strings.TrimSuffix(ago(0), "Z"))), ""},
		{"a clock that is ahead", digest, security1(digested("joe", "pw", "n", ago(-30*time.Second))), ""},
		{"old, where that is no matter", loose, security1(plain("joe", "pw", "n", ago(time.Hour))), ""},
		{"a token for somebody else beside", text, `<wsse:Security s:actor="urn:else">` + plain("jim", "x", "", "") + "</wsse:Security>" + security1(plain("joe", "pw", "", "")), ""},
		{"a timestamp", text, security1("<wsu:Timestamp><wsu:Expires>" + ago(-time.Minute) + "</wsu:Expires></wsu:Timestamp>" + plain("joe", "pw", "", "")), ""},

		{"a wrong password", text, security1(plain("joe", "pwx", "", "")), refused},
		{"a wrong user", text, security1(plain("jim", "pw", "", "")), refused},
		{"no password", text, security1("<wsse:UsernameToken><wsse:Username>joe</wsse:Username></wsse:UsernameToken>"), refused},
		{"an empty password", text, security1(plain("joe", "", "", "")), refused},
		{"no token", text, "<wsse:Security/>", refused},
		{"no header", text, "", refused},
		{"another namespace", text, strings.ReplaceAll(security1(plain("joe", "pw", "", "")), "wsse:", "s:"), refused},
		{"for somebody else", text, `<wsse:Security s:actor="urn:else">` + plain("joe", "pw", "", "") + "</wsse:Security>", refused},
		{"two tokens", text, security1(plain("joe", "pw", "", "") + plain("joe", "pw", "", "")), refused},
		{"two headers", text, security1(plain("joe", "pw", "", "")) + security1(plain("joe", "x", "", "")), refused},
		{"two users", text, security1(strings.Replace(plain("joe", "pw", "", ""), "<wsse:Password", "<wsse:Username>jim</wsse:Username><wsse:Password", 1)), refused},
		{"a digest for a text", text, security1(digested("joe", "pw", "n", ago(0))), refused},
		{"a text for a digest", digest, security1(plain("joe", "pw", "n", ago(0))), refused},
		{"a digest of another user", digest, security1(digested("jim", "pw", "n", ago(0))), refused},
		{"a digest of another password", digest, security1(digested("joe", "pwx", "n", ago(0))), refused},
		{"a digest that is none", digest, security1(strings.Replace(digested("joe", "pw", "n", ago(0)), "#PasswordDigest\">", "#PasswordDigest\">!", 1)), refused},
		{"a nonce that is none", strict, security1(strings.Replace(plain("joe", "pw", "n", ago(0)), "<wsse:Nonce>", "<wsse:Nonce>!", 1)), refused},
		{"a nonce that is long", strict, security1(plain("joe", "pw", strings.Repeat("n", 300), ago(0))), refused},
		{"another kind of password", text, security1(strings.Replace(plain("joe", "pw", "", ""), "#PasswordText", "#Other", 1)), refused},

		{"no nonce", strict, security1(plain("joe", "pw", "", ago(0))), "the UsernameToken has no Nonce or no Created"},
		{"no time", strict, security1(plain("joe", "pw", "n", "")), "the UsernameToken has no Nonce or no Created"},
		{"a digest without a nonce", digest, security1(digested("joe", "pw", "", ago(0))), "the UsernameToken has no Nonce or no Created"},
		{"stale", strict, security1(plain("joe", "pw", "n", ago(2*time.Minute))), "the UsernameToken is stale: it was made more than 1m0s ago"},
		{"stale, of another user", strict, security1(plain("jim", "pw", "n", ago(2*time.Minute))), refused},
		{"of the future", digest, security1(digested("joe", "pw", "n", ago(-2*time.Minute))), "the UsernameToken was made in the future; compare the clocks"},
		{"no time at all", digest, security1(digested("joe", "pw", "n", "yesterday")), "the UsernameToken's Created is no time such as"},
		{"a timestamp that is over", text, security1("<wsu:Timestamp><wsu:Expires>" + ago(time.Minute) + "</wsu:Expires></wsu:Timestamp>" + plain("joe", "pw", "", "")), "the message's Timestamp has expired"},
		{"a timestamp that is none", text, security1("<wsu:Timestamp><wsu:Expires>later</wsu:Expires></wsu:Timestamp>" + plain("joe", "pw", "", "")), "the message's Timestamp has expired"},
	} {
		t.Run(row.name, func(t *testing.T) {
			def := build(t, row.config, remembered{})
			who, err := def.(security.Guard).Check(t.Context(), &service.Request{Raw: message(row.header)})
			if row.want == "" {
				require.NoError(t, err)
				assert.Equal(t, &service.Principal{Definition: "Partners", Kind: "security_wss", Name: "joe"}, who)
				return
			}
			require.Error(t, err)
			e := service.AsError(err)
			assert.Contains(t, e.Message, row.want)
			assert.Equal(t, service.Unauthenticated, e.Code)
			assert.Equal(t, []string{"parley-wss"}, e.Header["Www-Authenticate"])
		})
	}
	for _, raw := range []string{"", `{"json": true}`, "<a/>"} {
		_, err := build(t, text, nil).(security.Guard).Check(t.Context(), &service.Request{Raw: []byte(raw)})
		assert.ErrorContains(t, err, refused, raw)
	}
}

func TestNonces(t *testing.T) {
	memory := remembered{}
	def := build(t, `{"username":"joe","password":"pw","password_type":"digest","reject_expiry_limit":60,"nonce_freshness_time":60}`, memory).(security.Guard)
	check := func(token string) error {
		_, err := def.Check(t.Context(), &service.Request{Raw: message(security1(token))})
		return err
	}
	first := digested("joe", "pw", "n", ago(-30*time.Second))
	require.NoError(t, check(first))
	assert.ErrorContains(t, check(first), "the UsernameToken's Nonce was used before")
	assert.ErrorContains(t, check(digested("joe", "pw", "n", ago(0))), "was used before", "at another time")
	require.NoError(t, check(digested("joe", "pw", "m", ago(0))))
	require.Error(t, check(digested("joe", "wrong", "o", ago(0))))
	require.Error(t, check(digested("jim", "pw", "o", ago(0))))
	assert.Len(t, memory, 2, "nobody who does not know the password fills it")
	for key, during := range memory {
		assert.NotContains(t, key, "n\n")
		assert.GreaterOrEqual(t, during, time.Minute)
		assert.LessOrEqual(t, during, 91*time.Second, "as long as the token would be taken")
	}
	c, err := wss.Kind().Parse([]byte(`{"username":"joe","password":"pw"}`))
	require.NoError(t, err)
	d := deps(nil)
	d.Shared = func(context.Context, string, time.Duration) (bool, error) { return false, errors.New("away") }
	failing, err := wss.Kind().New(c, d)
	require.NoError(t, err)
	_, err = failing.(security.Guard).Check(t.Context(), &service.Request{Raw: message(security1(plain("joe", "pw", "n", ago(0))))})
	assert.EqualError(t, err, "away", "who cannot remember lets nobody in")
}

func TestConfig(t *testing.T) {
	for _, row := range []struct{ name, config, want string }{
		{"nothing", `{}`, "username: missing"},
		{"a type", `{"username":"joe","password_type":"md5"}`, `password_type: expected text or digest, not "md5"`},
		{"no time", `{"username":"joe","reject_expiry_limit":0,"nonce_freshness_time":0}`, "reject_expiry_limit: it must be more than 0; nonce_freshness_time: it must be more than 0"},
		{"forgets too soon", `{"username":"joe","nonce_freshness_time":60}`, "nonce_freshness_time: it is less than reject_expiry_limit"},
	} {
		_, err := wss.Kind().Parse([]byte(row.config))
		assert.ErrorContains(t, err, row.want, row.name)
	}
	hash := password.New("pw")
	for _, row := range []struct{ name, config, want string }{
		{"no password", `{"username":"joe"}`, "password: missing; give it"},
		{"no password for a digest", `{"username":"joe","password_type":"digest"}`, "password: missing; give it"},
		{"a hash for a digest", `{"username":"joe","password":"hashed:` + hash.String() + `","password_type":"digest"}`, "password: only its hash is kept; give it again"},
		{"a hash for outgoing", `{"username":"joe","password":"hashed:` + hash.String() + `","outgoing":true}`, "password: only its hash is kept; give it again"},
	} {
		c, err := wss.Kind().Parse([]byte(row.config))
		require.NoError(t, err)
		_, err = wss.Kind().New(c, deps(nil))
		assert.ErrorContains(t, err, row.want, row.name)
	}
	for config, hashed := range map[string]bool{
		`{"username":"joe"}`: true, `{"username":"joe","password_type":"digest"}`: false, `{"username":"joe","outgoing":true}`: false,
	} {
		c, err := wss.Kind().Parse([]byte(config))
		require.NoError(t, err)
		assert.Equal(t, hashed, c.(wss.Config).Hashed("password"), config)
	}
	assert.True(t, build(t, `{"username":"joe","password":"pw"}`, nil).(interface {
		Understands(namespace, name string) bool
	}).Understands(oasis+"wssecurity-secext-1.0.xsd", "Security"))
}

func TestSignBody(t *testing.T) {
	for _, kind := range []string{"text", "digest"} {
		def := build(t, `{"username":"joe & co","password":"p<w","outgoing":true,"password_type":"`+kind+`"}`, remembered{})
		signed, err := def.(outconn.BodySigner).SignBody(t.Context(), nil, message(""))
		require.NoError(t, err)
		if kind == "digest" {
			assert.NotContains(t, string(signed), "p&lt;w")
		}
		_, err = def.(security.Guard).Check(t.Context(), &service.Request{Raw: signed})
		assert.NoError(t, err, "what it signs it lets in")
		again, err := def.(outconn.BodySigner).SignBody(t.Context(), nil, message(""))
		require.NoError(t, err)
		assert.NotEqual(t, string(signed), string(again), "each attempt has a nonce of its own")
		_, err = def.(outconn.BodySigner).SignBody(t.Context(), nil, []byte(`{"a":1}`))
		assert.ErrorContains(t, err, `the security definition "Partners" signs SOAP messages, and the body is none`)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/", http.NoBody)
		require.NoError(t, err)
		assert.Error(t, def.(security.Signer).Sign(t.Context(), r, nil))
	}
	_, err := build(t, `{"username":"joe","password":"pw"}`, nil).(outconn.BodySigner).SignBody(t.Context(), nil, message(""))
	assert.ErrorContains(t, err, "set outgoing: true and give its password again")
}

// TestZeepsToken takes a token that another implementation has made.
func TestZeepsToken(t *testing.T) {
	raw, err := os.ReadFile("testdata/zeep-4.2.1.xml")
	require.NoError(t, err)
	def := build(t, `{"username":"joe","password":"s3cret & more","password_type":"digest","reject_stale_tokens":false}`, remembered{})
	_, err = def.(security.Guard).Check(t.Context(), &service.Request{Raw: raw})
	require.NoError(t, err)
	_, err = def.(security.Guard).Check(t.Context(), &service.Request{Raw: []byte(strings.Replace(string(raw), "2026", "2027", 1))})
	assert.ErrorContains(t, err, refused, "the time is in the digest")
}
