// Package vault reads secrets from the key/value engines of HashiCorp Vault, versions 1 and 2, over its HTTP API
// (https://developer.hashicorp.com/vault/api-docs/secret/kv).
package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// NoToken is the token that stands in a new project's configuration: it means that there is no Vault.
const NoToken = "invalid"

const (
	largestReply  = 1 << 20 // bytes
	mostRedirects = 5       // a standby server sends its client to the active one
)

// New gives a function that reads the field "value" of a secret. Its path is as the HTTP API has it, without /v1: such as
// secret/myapp/password, and with version 2 of the engine secret/data/myapp/password. A value that is no text is given as
// JSON. The function is nil where address or token is empty, or the token is NoToken; it may be called from many goroutines.
// The address is Vault's, such as http://localhost:8200; client bounds the time of a call, nil is one of net/http's.
func New(address, token string, client *http.Client) func(ctx context.Context, path string) (string, error) {
	if address == "" || token == "" || token == NoToken {
		return nil
	}
	own := http.Client{}
	if client != nil {
		own = *client
	}
	own.CheckRedirect = redirect
	v := &reader{base: strings.TrimRight(address, "/") + "/v1/", token: token, client: &own}
	return v.read
}

type reader struct {
	base, token string
	client      *http.Client
}

// redirect follows within one scheme, and from HTTP to HTTPS: the token must not go over an open wire that was secret.
func redirect(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) > mostRedirects:
		return fmt.Errorf("there were more than %d redirects", mostRedirects)
	case via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https":
		return fmt.Errorf("it redirects from HTTPS to %s, where the token would be readable", req.URL.Scheme)
	}
	return nil
}

// reply is Vault's, of a secret and of an error alike.
type reply struct {
	Data     json.RawMessage `json:"data"`
	Errors   []string        `json:"errors"`
	Warnings []string        `json:"warnings"`
}

func (v *reader) read(ctx context.Context, path string) (string, error) {
	target, err := v.target(path)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return "", fmt.Errorf("the address of Vault: %w", err)
	}
	req.Header.Set("X-Vault-Token", v.token)
	req.Header.Set("X-Vault-Request", "true") // a Vault agent between may ask for it
	resp, err := v.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, largestReply+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("the reply broke off: %w", err)
	case len(raw) > largestReply:
		return "", fmt.Errorf("the reply has more than %d bytes", largestReply)
	}
	var r reply
	if err := json.Unmarshal(raw, &r); err != nil && resp.StatusCode == http.StatusOK {
		return "", fmt.Errorf("the reply is none of Vault's: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", refused(resp.StatusCode, &r)
	}
	return valueOf(&r)
}

// target is the URL of a secret. What leads out of the API is an error.
func (v *reader) target(path string) (string, error) {
	path = strings.TrimPrefix(strings.Trim(path, "/"), "v1/")
	steps := strings.Split(path, "/")
	for i, s := range steps {
		if s == "" || s == "." || s == ".." {
			return "", fmt.Errorf("%q is no path of a secret; write it like secret/myapp/password", path)
		}
		steps[i] = url.PathEscape(s)
	}
	return v.base + strings.Join(steps, "/"), nil
}

func refused(status int, r *reply) error {
	said := strings.Join(append(r.Errors, r.Warnings...), "; ")
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if said != "" {
		text += ": " + said
	}
	switch {
	case strings.Contains(said, "versioned"):
		text += "; the engine is of version 2, so write data behind its name: secret/data/myapp/password"
	case status == http.StatusForbidden:
		text += "; the token may not read this, or has expired"
	case status == http.StatusNotFound:
		text += "; there is no such secret, or it was deleted"
	}
	return errors.New(text)
}

// valueOf is the field "value": of version 2 where the data has metadata with a version beside it, else of version 1.
func valueOf(r *reply) (string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(r.Data, &fields); err != nil {
		return "", errors.New("the reply has no data")
	}
	var inner, metadata map[string]json.RawMessage
	if json.Unmarshal(fields["metadata"], &metadata) == nil && metadata["version"] != nil && json.Unmarshal(fields["data"], &inner) == nil {
		fields = inner
	}
	value, there := fields["value"]
	if !there || string(value) == "null" {
		names := slices.Sorted(maps.Keys(fields))
		if len(names) == 0 {
			names = []string{"none"}
		}
		return "", fmt.Errorf(`the secret has no field "value"; it has: %s`, strings.Join(names, ", "))
	}
	var text string
	if err := json.Unmarshal(value, &text); err == nil {
		return text, nil
	}
	return string(value), nil
}
