package sio

import (
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
)

// Conventions say what a field's name alone stands for where it declares no type. They are a cluster's own: an object of its
// catalog, of the kind that ConventionsKind describes.
type Conventions struct {
	IntExact     []string `json:"int_exact" doc:"names of integers"`
	IntSuffix    []string `json:"int_suffix" doc:"ends of names of integers"`
	BoolPrefix   []string `json:"bool_prefix" doc:"beginnings of names of what is true or false"`
	SecretExact  []string `json:"secret_exact" doc:"names of secrets, which no error, log or sample shows"`
	SecretSuffix []string `json:"secret_suffix" doc:"ends of names of secrets"`
}

// ConventionsName is the name of the one object of that kind that a catalog may have.
const ConventionsName = "conventions"

// ConventionsKind describes the conventions as an object of the catalog.
func ConventionsKind() kind.Info {
	return kind.Info{
		Name: "simple_io", Doc: "what the name of a field alone stands for; the one object is called " + ConventionsName,
		Fields: kind.Describe(DefaultConventions()),
	}
}

// ParseConventions reads the object's config over the usual conventions. Its errors are kind.Faults.
func ParseConventions(raw []byte) (*Conventions, error) {
	c, err := kind.Decode(raw, DefaultConventions())
	return &c, err
}

// Check finds names that cannot be meant: an empty one is the beginning and the end of every name.
func (c Conventions) Check() kind.Faults {
	var faults kind.Faults
	for _, one := range []struct {
		key   string
		names []string
	}{
		{"int_exact", c.IntExact}, {"int_suffix", c.IntSuffix}, {"bool_prefix", c.BoolPrefix}, {"secret_exact", c.SecretExact}, {"secret_suffix", c.SecretSuffix},
	} {
		if slices.Contains(one.names, "") {
			faults.Add(one.key, "holds an empty name, which every field would match")
		}
	}
	return faults
}

// DefaultConventions are those of a cluster that has none of its own.
func DefaultConventions() Conventions {
	return Conventions{
		IntExact:   []string{"id"},
		IntSuffix:  []string{"_id", "_size", "_timeout", "_count"},
		BoolPrefix: []string{"is_", "needs_", "should_", "by_", "has_", "may_"},
		SecretExact: []string{
			"auth_data", "auth_token", "password", "password1", "password2", "secret_key", "token", "secret", "api_key", "authorization",
		},
		SecretSuffix: []string{"_password", "_secret", "_token"},
	}
}

// typeOf is the type that a name stands for.
func (c *Conventions) typeOf(name string) fieldType {
	switch {
	case slices.Contains(c.IntExact, name) || hasSuffix(name, c.IntSuffix):
		return typeInt
	case hasPrefix(name, c.BoolPrefix):
		return typeBool
	default:
		return typeText
	}
}

// IsSecret says whether a name stands for a secret.
func (c *Conventions) IsSecret(name string) bool {
	return slices.Contains(c.SecretExact, name) || hasSuffix(name, c.SecretSuffix)
}

func hasSuffix(name string, suffixes []string) bool {
	return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) })
}

func hasPrefix(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(s string) bool { return strings.HasPrefix(name, s) })
}
