package kind

import (
	"encoding/json"
	"log/slog"
	"reflect"
	"slices"
	"strings"
)

// Secret is a text of a config that only what uses it may see. It prints as ***; its JSON, which the catalog keeps, is one of
//
//	"sealed:..."     encrypted by the cluster's key
//	"hashed:..."     an argon2id hash, which can be checked and never be had back
//	"env:NAME"       what the environment variable NAME of each server holds
//	"file:/path"     what that file of each server holds, without the line break at its end
//	"vault:PATH#KEY" what the vault of the cluster holds
//
// and, until it is sealed, the text itself.
type Secret struct{ text string }

// Kept stands in exported files for a secret: on import it means the one that is there.
const Kept = "(kept)"

// NewSecret is a Secret of that form.
func NewSecret(form string) Secret { return Secret{form} }

// Form is how the catalog keeps the secret. It may be the secret itself: do not print it.
func (s Secret) Form() string { return s.text }

// IsSet says whether there is one.
func (s Secret) IsSet() bool { return s.text != "" && s.text != Kept }

// IsKept says whether the one that is there is meant.
func (s Secret) IsKept() bool { return s.text == Kept }

// IsReference says whether the secret is elsewhere.
func (s Secret) IsReference() bool {
	return strings.HasPrefix(s.text, "env:") || strings.HasPrefix(s.text, "file:") || strings.HasPrefix(s.text, "vault:")
}

// IsHashed says whether the secret can be checked alone.
func (s Secret) IsHashed() bool { return strings.HasPrefix(s.text, "hashed:") }

// IsSealed says whether the secret is encrypted.
func (s Secret) IsSealed() bool { return strings.HasPrefix(s.text, "sealed:") }

// IsPlain says whether it is the secret itself, as users write it.
func (s Secret) IsPlain() bool {
	return s.IsSet() && !s.IsReference() && !s.IsHashed() && !s.IsSealed()
}

// String hides the secret.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return "***"
}

// GoString hides the secret.
func (s Secret) GoString() string { return "kind.Secret(***)" }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// TypeName says what a Secret accepts.
func (s *Secret) TypeName() string {
	return "text, or a reference such as env:NAME, file:/path or vault:path#key"
}

// MarshalJSON writes the form.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.text) }

// UnmarshalJSON reads the form.
func (s *Secret) UnmarshalJSON(raw []byte) error { return json.Unmarshal(raw, &s.text) }

// secretsIn are the places of secrets within values of type t. within are the types around it: one that holds itself ends.
func secretsIn(t reflect.Type, within []reflect.Type) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if slices.Contains(within, t) {
		return nil
	}
	within = append(slices.Clone(within), t)
	var out []string
	add := func(step string, below reflect.Type) {
		if below == reflect.TypeFor[Secret]() {
			out = append(out, step)
			return
		}
		for _, place := range secretsIn(below, within) {
			out = append(out, step+"."+place)
		}
	}
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && jsonName(f) != "-" {
				add(jsonName(f), f.Type)
			}
		}
	case reflect.Map, reflect.Slice:
		add("*", t.Elem())
	}
	return out
}
