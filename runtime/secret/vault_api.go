package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// place is where the API has what a path stands for.
type place struct {
	api   string // under /v1
	plain bool   // an engine of version 1: what it holds is not wrapped
}

// fetch reads a path, with another token once where the one that there is does not count any more.
func (v *Vault) fetch(ctx context.Context, engine, path string) (map[string]any, error) {
	whole := engine + "/" + path
	if err := v.logIn(ctx, false); err != nil {
		return nil, err
	}
	at, known := v.places[whole]
	if !known {
		at = place{api: engine + "/data/" + path}
	}
	data, status, err := v.get(ctx, at)
	if err == nil && status == http.StatusForbidden {
		counts, lost := v.counts(ctx)
		switch {
		case lost != nil:
			return nil, lost
		case !counts && v.config.RoleID == "":
			return nil, fmt.Errorf("the vault cannot be asked for %s: the token of this server has ended, or is none of its tokens", whole)
		case !counts:
			if err := v.logIn(ctx, true); err != nil {
				return nil, err
			}
			data, status, err = v.get(ctx, at)
		}
	}
	if err == nil && !known && (status == http.StatusForbidden || status == http.StatusNotFound) {
		if at, known = v.placeOf(ctx, engine, path); known {
			if data, status, err = v.get(ctx, at); status == http.StatusOK {
				v.places[whole] = at
			}
		}
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("the vault cannot be asked for %s: %w", whole, err)
	case status == http.StatusForbidden:
		return nil, &deniedError{whole}
	case status == http.StatusNotFound || status == http.StatusOK && data == nil:
		return nil, &goneError{whole}
	case status != http.StatusOK:
		return nil, fmt.Errorf("the vault cannot be asked for %s: it answered %s", whole, told(status))
	}
	return data, nil
}

// told is a status with what it means of a vault. Source: the table of status codes of its HTTP API.
func told(status int) string {
	if status == http.StatusServiceUnavailable {
		return "503: it is sealed, or down for maintenance"
	}
	return strconv.Itoa(status)
}

// get reads what is at a place.
func (v *Vault) get(ctx context.Context, at place) (data map[string]any, status int, err error) {
	if at.plain {
		var out struct{ Data map[string]any }
		status, err = v.call(ctx, http.MethodGet, at.api, nil, &out)
		return out.Data, status, err
	}
	var out struct {
		Data struct{ Data map[string]any }
	}
	status, err = v.call(ctx, http.MethodGet, at.api, nil, &out)
	return out.Data.Data, status, err
}

// placeOf asks where a path is, as the vault's own program does; false: it is where most are, or the vault does not say. The
// name of an engine may hold slashes, and only the vault knows which of them it ends at.
func (v *Vault) placeOf(ctx context.Context, engine, path string) (place, bool) {
	whole := engine + "/" + path
	var out struct {
		Data struct {
			Path, Type string
			Options    struct{ Version string }
		}
	}
	status, err := v.call(ctx, http.MethodGet, "sys/internal/ui/mounts/"+whole, nil, &out)
	within, is := strings.CutPrefix(whole, out.Data.Path)
	if err != nil || status != http.StatusOK || !is || within == "" || out.Data.Path == "" || out.Data.Type != "kv" && out.Data.Type != "generic" {
		return place{}, false
	}
	if out.Data.Options.Version != "2" {
		return place{api: whole, plain: true}, true
	}
	return place{api: out.Data.Path + "data/" + within}, within != path
}

// counts says whether the vault knows the token.
func (v *Vault) counts(ctx context.Context) (bool, error) {
	var out struct{}
	status, err := v.call(ctx, http.MethodGet, "auth/token/lookup-self", nil, &out)
	if err != nil {
		return false, fmt.Errorf("the vault cannot be asked for its token: %w", err)
	}
	return status == http.StatusOK, nil
}

// call asks the vault. Nothing that was sent or came back is in its errors.
func (v *Vault) call(ctx context.Context, method, path string, in, out any) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, v.config.Timeout)
	defer cancel()
	var body io.Reader = http.NoBody
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(raw)
	}
	target, err := url.Parse(v.config.Address)
	if err != nil {
		return 0, errors.New("its address is no URL")
	}
	req, err := http.NewRequestWithContext(ctx, method, target.JoinPath("v1", path).String(), body)
	if err != nil {
		return 0, errors.New("the path is no path of a URL")
	}
	req.Header.Set("X-Vault-Request", "true")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if v.config.Namespace != "" {
		req.Header.Set("X-Vault-Namespace", v.config.Namespace)
	}
	if v.token != "" && path != "auth/approle/login" {
		req.Header.Set("X-Vault-Token", v.token)
	}
	res, err := v.client.Do(req)
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err
		}
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer within %s", v.config.Timeout)
		}
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, vaultAnswer))
	if err != nil {
		return 0, errors.New("its answer was cut off")
	}
	if res.StatusCode == http.StatusOK {
		if json.Unmarshal(raw, out) != nil {
			return 0, errors.New("it answered something else than JSON")
		}
	}
	return res.StatusCode, nil
}
