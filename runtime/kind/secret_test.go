package kind_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/runtime/kind"
)

// nested holds secrets wherever there may be some.
type nested struct {
	Key   kind.Secret              `json:"key"`
	Peers map[string]peer          `json:"peers"`
	List  []peer                   `json:"list"`
	Plain map[string]string        `json:"plain"`
	Deep  map[string][]kind.Secret `json:"deep"`
	Same  *nested                  `json:"same"`
}

type peer struct {
	Name     string      `json:"name"`
	Password kind.Secret `json:"password"`
	hidden   kind.Secret //nolint:unused // what is not exported is no config
}

func TestSecretsWithinAConfig(t *testing.T) {
	got := map[string][]string{}
	for _, f := range kind.Describe(nested{}) {
		got[fmt.Sprint(f.Name, f.Secret)] = f.Within
	}
	assert.Equal(t, map[string][]string{
		"keytrue": nil, "peersfalse": {"*.password"}, "listfalse": {"*.password"}, "plainfalse": nil, "deepfalse": {"*.*"},
		"samefalse": {"key", "peers.*.password", "list.*.password", "deep.*.*"},
	}, got)
	_, err := kind.Decode([]byte(`{"key": ["c4nary"], "peers": {"a": {"password": ["c4nary"]}}, "list": ["c4nary"]}`), nested{})
	assert.EqualError(t, err, `key: expected text, or a reference such as env:NAME, file:/path or vault:path#key, not this; list: expected a list of object, not this; `+
		`peers: expected an object, not this`)
}

func TestPartsOfAConfig(t *testing.T) {
	type grant struct {
		Services []string `json:"services" names:"services" doc:"names"`
		Mode     string   `json:"mode" choices:"a,b"`
	}
	type guarded struct {
		Password kind.Secret `json:"password"`
	}
	type config struct {
		Grants  []grant           `json:"grants"`
		Methods map[string]string `json:"methods" names:"services"`
		Guarded []guarded         `json:"guarded"`
		Any     map[string]any    `json:"any"`
		Names   []string          `json:"names"`
	}
	got := map[string][]kind.Field{}
	for _, f := range kind.Describe(config{}) {
		got[f.Name] = f.Parts
	}
	assert.Equal(t, map[string][]kind.Field{
		"grants":  {{Name: "services", Type: "a list of text", Names: "services", Doc: "names"}, {Name: "mode", Type: "text", Choices: []string{"a", "b"}}},
		"methods": {{Type: "text", Names: "services"}},
		"guarded": nil, // its secrets are given as one JSON
		"any":     nil,
		"names":   nil,
	}, got)
}
