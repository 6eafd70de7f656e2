package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/password"
	"github.com/parley-run/parley/runtime/secret"
)

// keyVariable holds the cluster's keys, a line each, in place of the file: for servers whose folders are made anew.
const keyVariable = "PARLEY_SECRETS_KEY"

// keyring is the cluster's keys as this server last read them.
type keyring struct {
	file string // empty: they are in the environment, and never change while the process lives
	mu   sync.Mutex
	ring *secret.Keyring
}

func openSecrets(file string) (*keyring, error) {
	text := os.Getenv(keyVariable)
	if text == "" {
		ring, err := secret.Open(file)
		return &keyring{file: file, ring: ring}, err
	}
	ring, err := secret.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the environment variable %s: %w", keyVariable, err)
	}
	return &keyring{ring: ring}, nil
}

func (k *keyring) now() *secret.Keyring {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ring
}

// again reads the file once more: another server may have added a key.
func (k *keyring) again() (*secret.Keyring, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.file == "" {
		return k.ring, nil
	}
	ring, err := secret.Open(k.file)
	if err == nil {
		k.ring = ring
	}
	return k.ring, err
}

// sealing is the keyring, sealing by the key of that ID; empty: the oldest.
func (k *keyring) sealing(id string) (*secret.Keyring, error) {
	if id == "" {
		return k.now(), nil
	}
	ring, err := k.now().SealingBy(id)
	if err == nil {
		return ring, nil
	}
	if ring, err = k.again(); err != nil {
		return nil, err
	}
	return ring.SealingBy(id)
}

// unseal gives what was sealed for that place, by whatever key.
func (k *keyring) unseal(place, sealed string) (string, error) {
	plain, err := k.now().Unseal(place, sealed)
	var unknown *secret.UnknownKeyError
	if !errors.As(err, &unknown) {
		return plain, err
	}
	ring, err := k.again()
	if err != nil {
		return "", err
	}
	return ring.Unseal(place, sealed)
}

// placeOf is where a secret stands, which it is sealed for.
func placeOf(key catalog.Key, field string) string { return key.Kind + "/" + key.Name + "/" + field }

// revealer gives what the secrets of one object stand for.
type revealer func(field string, s kind.Secret) (string, error)

// reveal gives what the secrets of one object stand for. What it reads in a vault it notes in used.
func (n *Node) reveal(key catalog.Key, used *vaulted) revealer {
	if n.elsewhere != nil {
		return n.elsewhere.reveal(key, n.look(key, used))
	}
	return n.look(key, used)
}

func (n *Node) look(key catalog.Key, used *vaulted) revealer {
	return func(field string, s kind.Secret) (string, error) {
		form := s.Form()
		switch {
		case s.IsSealed():
			return n.secrets.unseal(placeOf(key, field), form)
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
			return n.fromVault(form, used)
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
	now, err := members(spec)
	if err != nil {
		return nil, err
	}
	before := map[string]kind.Secret{}
	if have != nil {
		old, err := members(have.Spec)
		if err != nil {
			return nil, err
		}
		eachSecret(old, info, func(at string, s kind.Secret) kind.Secret {
			before[at] = s
			return s
		})
	}
	var faults kind.Faults
	changed := false
	eachSecret(now, info, func(at string, s kind.Secret) kind.Secret {
		switch old := before[at]; {
		case s.IsPlain():
			s, err = k.keep(config, placeOf(key, at), at, s)
			if err != nil {
				faults.Add(at, "%v", err)
			}
		case !s.IsSet() && old.IsSet():
			s = old
		case s.IsKept():
			faults.Add(at, "%s means the one that is there, and there is none; give it, or a reference such as env:NAME", kind.Kept)
		default:
			return s
		}
		changed = true
		return s
	})
	if len(faults) > 0 {
		return nil, faults
	}
	if !changed {
		return spec, nil
	}
	return k.written(key.Kind, now)
}

// written is the members of an object's config as the catalog keeps them, in the order of its keys.
func (k kinds) written(name string, now map[string]any) ([]byte, error) {
	raw, err := json.Marshal(now)
	if err != nil {
		return nil, err
	}
	return k.Parse(name, raw)
}

// members are what a spec holds, its numbers as they are written.
func members(spec []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(spec))
	dec.UseNumber()
	var out map[string]any
	return out, dec.Decode(&out)
}

// placesOf are where a kind's configs hold secrets; see kind.Field.Within.
func placesOf(info kind.Info) []string {
	var out []string
	for _, f := range info.Fields {
		if f.Secret {
			out = append(out, f.Name)
		}
		for _, place := range f.Within {
			out = append(out, f.Name+"."+place)
		}
	}
	return out
}

// eachSecret calls do for each secret of a config, with its place such as "password", and keeps what it returns.
func eachSecret(config map[string]any, info kind.Info, do func(at string, s kind.Secret) kind.Secret) {
	for _, place := range placesOf(info) {
		visit(config, strings.Split(place, "."), nil, do)
	}
}

func visit(v any, place, at []string, do func(at string, s kind.Secret) kind.Secret) {
	step := func(key string, value any, set func(any)) {
		here := append(slices.Clone(at), key)
		if len(place) > 1 {
			visit(value, place[1:], here, do)
			return
		}
		text, _ := value.(string)
		if s := do(strings.Join(here, "."), kind.NewSecret(text)); s.Form() != text {
			set(s.Form())
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if place[0] == "*" || place[0] == key {
				step(key, v[key], func(now any) { v[key] = now })
			}
		}
	case []any:
		for i := range v {
			step(strconv.Itoa(i), v[i], func(now any) { v[i] = now })
		}
	}
}

// keep is how the catalog keeps a secret in plain.
func (k kinds) keep(config any, place, field string, s kind.Secret) (kind.Secret, error) {
	if h, ok := config.(hasher); ok && h.Hashed(field) {
		return kind.NewSecret("hashed:" + password.Salted(s.Form(), k.node.secrets.now().Salt(place)).String()), nil
	}
	ring, err := k.node.secrets.sealing(sealingKey(k.node.live.Current()))
	if err != nil {
		return s, err
	}
	return kind.NewSecret(ring.Seal(place, s.Form())), nil
}

// Secrets are the places of a kind's configs that hold secrets.
func (k kinds) Secrets(name string) []string { return placesOf(k.info(name)) }
