package node

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/password"
	"github.com/parley-run/parley/runtime/secret"
)

// keyVariable holds the cluster's keys, a line each, in place of the file: for servers whose folders are made anew.
const keyVariable = "PARLEY_SECRETS_KEY"

func openSecrets(file string) (*secret.Keyring, error) {
	text := os.Getenv(keyVariable)
	if text == "" {
		return secret.Open(file)
	}
	ring, err := secret.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the environment variable %s: %w", keyVariable, err)
	}
	return ring, nil
}

// placeOf is where a secret stands, which it is sealed for.
func placeOf(key catalog.Key, field string) string { return key.Kind + "/" + key.Name + "/" + field }

// reveal gives what the secrets of one object stand for.
func (n *Node) reveal(key catalog.Key) func(string, kind.Secret) (string, error) {
	return func(field string, s kind.Secret) (string, error) {
		form := s.Form()
		switch {
		case s.IsSealed():
			return n.secrets.Unseal(placeOf(key, field), form)
		case strings.HasPrefix(form, "env:"):
			name := strings.TrimPrefix(form, "env:")
			text, set := os.LookupEnv(name)
			if !set || text == "" {
				return "", fmt.Errorf("the environment variable %s of this server is not set; set it and start the server again", name)
			}
			return text, nil
		case strings.HasPrefix(form, "file:"):
			raw, err := os.ReadFile(strings.TrimPrefix(form, "file:"))
			if err != nil {
				return "", err
			}
			text := strings.TrimRight(string(raw), "\r\n")
			if text == "" {
				return "", fmt.Errorf("%s is empty", strings.TrimPrefix(form, "file:"))
			}
			return text, nil
		case strings.HasPrefix(form, "vault:"):
			return "", fmt.Errorf("%s: this cluster has no vault; use env:NAME or file:/path, or give the secret itself", form)
		case s.IsHashed():
			return "", fmt.Errorf("only its hash is kept; give it again")
		}
		return form, nil
	}
}

// hasher is a config some of whose secrets are only ever checked.
type hasher interface{ Hashed(key string) bool }

// Settle makes spec, of a file, what the catalog keeps: secrets in plain are sealed or hashed, and those that it does not
// give are the ones of have. Errors are kind.Faults.
func (k kinds) Settle(key catalog.Key, spec []byte, have *catalog.Object) ([]byte, error) {
	info, config, err := k.read(key.Kind, spec)
	if err != nil {
		return nil, err
	}
	var now, before map[string]json.RawMessage
	if err := json.Unmarshal(spec, &now); err != nil {
		return nil, err
	}
	if have != nil {
		if err := json.Unmarshal(have.Spec, &before); err != nil {
			return nil, err
		}
	}
	var faults kind.Faults
	changed := false
	for _, f := range info.Fields {
		if !f.Secret {
			continue
		}
		var s, old kind.Secret
		_ = json.Unmarshal(now[f.Name], &s) // it is one: Parse wrote it
		if before[f.Name] != nil {
			_ = json.Unmarshal(before[f.Name], &old)
		}
		switch {
		case s.IsPlain():
			s = k.keep(config, placeOf(key, f.Name), f.Name, s)
		case !s.IsSet() && old.IsSet():
			s = old
		case s.IsKept():
			faults.Add(f.Name, "%s means the one that is there, and there is none; give it, or a reference such as env:NAME", kind.Kept)
			continue
		default:
			continue
		}
		if now[f.Name], err = json.Marshal(s); err != nil {
			return nil, err
		}
		changed = true
	}
	if len(faults) > 0 {
		return nil, faults
	}
	if !changed {
		return spec, nil
	}
	raw, err := json.Marshal(now)
	if err != nil {
		return nil, err
	}
	return k.Parse(key.Kind, raw) // in the order of its keys
}

// keep is how the catalog keeps a secret in plain.
func (k kinds) keep(config any, place, field string, s kind.Secret) kind.Secret {
	if h, ok := config.(hasher); ok && h.Hashed(field) {
		return kind.NewSecret("hashed:" + password.Salted(s.Form(), k.node.secrets.Salt(place)).String())
	}
	return kind.NewSecret(k.node.secrets.Seal(place, s.Form()))
}

// Secrets are the keys of a kind that hold secrets.
func (k kinds) Secrets(name string) []string {
	var out []string
	for _, f := range k.info(name).Fields {
		if f.Secret {
			out = append(out, f.Name)
		}
	}
	return out
}
