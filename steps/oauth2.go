package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// oauth2 is what steps said of OAuth 2 (RFC 6749): where a token is asked for and with what, and the token that requests
// carry. The zero value asks with the grant password, in a form.
type oauth2 struct {
	address, username, password string
	scopes, grant, extra        string
	userField, passwordField    string // names of the fields that hold username and password
	format                      string // JSON; anything else is a form, as in zato-apitest
	token                       string // empty: requests carry none
}

// Names under which what is secret of it is masked.
const (
	oauth2Password = "oauth2_password"
	oauth2Token    = "oauth2_token"
)

func oauth2Steps() []Step {
	set := func(pattern, doc, example string, field func(*oauth2) *string) Step {
		return given("OAuth2 "+pattern, doc, "OAuth2 "+example, func(_ context.Context, w *World, a Args) error {
			*field(&w.oauth2) = a.Text(0)
			return nil
		})
	}
	return []Step{
		set(`endpoint "{address}"`, "Where tokens are asked for: the whole URL.", `endpoint "https://login.example.com/token"`,
			func(o *oauth2) *string { return &o.address }),
		given(`OAuth2 credentials "{username}" "{password}"`, "Who asks: a user, or a client's ID and its secret.", `OAuth2 credentials "joe" "secret"`,
			setOAuth2Credentials),
		set(`scopes "{scopes}"`, "What the token is for.", `scopes "read write"`, func(o *oauth2) *string { return &o.scopes }),
		set(`grant type "{grant_type}"`, "How it is asked for; password where none is said.", `grant type "client_credentials"`,
			func(o *oauth2) *string { return &o.grant }),
		set(`extra fields "{extra_fields}"`, "More that is sent, as name=value with commas between.", `extra fields "audience=api, tenant=7"`,
			func(o *oauth2) *string { return &o.extra }),
		set(`client ID field "{client_id_field}"`, "What the field of the user, or client, is called; username where none is said.", `client ID field "client_id"`,
			func(o *oauth2) *string { return &o.userField }),
		set(`client secret field "{client_secret_field}"`, "What the field of the password, or secret, is called; password where none is said.",
			`client secret field "client_secret"`, func(o *oauth2) *string { return &o.passwordField }),
		set(`request format "{request_format}"`, "JSON, or FORM; FORM where none is said.", `request format "JSON"`,
			func(o *oauth2) *string { return &o.format }),
		given(`I store an OAuth2 bearer token under "{name}"`, "Asks for a token, and keeps it.", `I store an OAuth2 bearer token under "token"`, storeOAuth2Token),
		given(`OAuth2 bearer token "{token}"`, "Requests carry this token from here on, in the place of other credentials.", `OAuth2 bearer token "#token"`,
			setOAuth2Token),
		then(`OAuth2 context is cleaned up`, "Takes back all that was said of OAuth 2, the token that requests carry included.", `OAuth2 context is cleaned up`,
			func(_ context.Context, w *World, _ Args) error {
				w.oauth2 = oauth2{}
				return nil
			}),
	}
}

func setOAuth2Credentials(_ context.Context, w *World, a Args) error {
	w.suite.mask.Add(oauth2Password, a.Text(1))
	w.oauth2.username, w.oauth2.password = a.Text(0), a.Text(1)
	return nil
}

func setOAuth2Token(_ context.Context, w *World, a Args) error {
	token := a.Text(0)
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("a bearer token has no blanks, line ends or letters beyond ASCII; is it the whole reply that was stored?")
	}
	w.suite.mask.Add(oauth2Token, token)
	w.oauth2.token = token
	return nil
}

// fields are what is sent for a token. Scopes go under the name of RFC 6749, and under that of zato-apitest; who knows the
// one must ignore the other.
func (o *oauth2) fields() (*object, error) {
	f := newObject()
	f.set(orElse(o.userField, "username"), o.username)
	f.set(orElse(o.passwordField, "password"), o.password)
	f.set("grant_type", orElse(o.grant, "password"))
	if o.scopes != "" {
		f.set("scope", o.scopes)
		f.set("scopes", o.scopes)
	}
	for pair := range strings.SplitSeq(o.extra, ",") {
		name, value, two := strings.Cut(pair, "=")
		if name = strings.TrimSpace(name); name == "" && !two {
			continue
		}
		if !two || name == "" {
			return nil, fmt.Errorf("%q is no extra field of OAuth 2; write name=value, with commas between several", strings.TrimSpace(pair))
		}
		f.set(name, strings.TrimSpace(value))
	}
	return f, nil
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// request asks for a token.
func (o *oauth2) request(ctx context.Context) (*http.Request, error) {
	switch {
	case o.address == "":
		return nil, errors.New(`nobody to ask for a token; say who with: Given OAuth2 endpoint "https://host/path"`)
	case o.username == "":
		return nil, errors.New(`nothing to ask for a token with; say it with: Given OAuth2 credentials "username" "password"`)
	}
	fields, err := o.fields()
	if err != nil {
		return nil, err
	}
	kind, body := typeForm, []byte(nil)
	if strings.EqualFold(o.format, formatJSON) {
		kind, body = typeJSON, asciiJSON(encodeJSON(fields, ""))
	} else {
		var pairs []string
		for _, name := range fields.keys {
			pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(textOf(fields.values[name])))
		}
		body = []byte(strings.Join(pairs, "&"))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, requote(o.address), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the OAuth2 endpoint %q is no URL: %w", o.address, err)
	}
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" || req.URL.Host == "" {
		return nil, fmt.Errorf("the OAuth2 endpoint %q is no URL of HTTP; write it like https://host/path", o.address)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Cache-Control", "no-cache")
	return req, nil
}

func storeOAuth2Token(ctx context.Context, w *World, a Args) error {
	w.suite.mask.url(w.oauth2.address)
	w.suite.mask.fields(w.oauth2.extra)
	req, err := w.oauth2.request(ctx)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", w.suite.options.UserAgent)
	e, err := exchange(w.session(), req, w.suite.largest())
	w.last = e
	if err == nil {
		err = unpack(e, w.suite.largest())
	}
	if err != nil {
		return fmt.Errorf("no OAuth2 bearer token: %w", err)
	}
	if e.Status >= http.StatusBadRequest {
		return failf("no OAuth2 bearer token: %s answered %s", req.URL.Host, statusText(e.Status))
	}
	tree, err := readJSON(e.text(formatJSON))
	if err != nil {
		return fmt.Errorf("no OAuth2 bearer token: %w", e.unreadable(formatJSON, err))
	}
	found, err := lookUp(tree, "/access_token")
	token, isText := found.(string)
	if err != nil || !isText || token == "" {
		return failf("no OAuth2 bearer token: the reply has no text called access_token")
	}
	w.suite.mask.Add(oauth2Token, token)
	w.Store(a.Text(0), token)
	return nil
}
