package headers_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/security/headers"
	"github.com/parley-run/parley/runtime/service"
)

func try(config string) (security.Definition, error) {
	c, err := headers.Kind().Parse([]byte(config))
	if err != nil {
		return nil, err
	}
	return headers.Kind().New(c, security.Deps{Name: "Proxy", Reveal: func(key string, s kind.Secret) (string, error) {
		return strings.TrimPrefix(s.Form(), "env:"), nil
	}})
}

func TestConditions(t *testing.T) {
	const two = `{"all": {"X-Subject": "CN=partner,O=Bank", "x-proxy-key": {"secret": "env:c4nary"}}, "any": {"X-Role": {"matches": "admin|clerk"}, "X-Old": {"present": true}}, "user": "X-User"}`
	base := []string{"X-Subject", "CN=partner,O=Bank", "X-Proxy-Key", "c4nary", "X-User", "ann"}
	with := func(more ...string) []string { return append(append([]string{}, base...), more...) }
	for _, row := range []struct {
		name, config string
		headers      []string
		right        bool
	}{
		{"all and the first of any", two, with("X-Role", "clerk"), true},
		{"all and the other of any", two, with("X-Old", "1"), true},
		{"all and none of any", two, base, false},
		{"a part of an expression", two, with("X-Role", "administrator"), false},
		{"an expression over a line break", two, with("X-Role", "admin\nx"), false},
		{"an empty header is not there", two, with("X-Old", ""), false},
		{"one of all is wrong", two, []string{"X-Subject", "CN=partner,O=Bank", "X-Proxy-Key", "c4nar", "X-User", "ann", "X-Old", "1"}, false},
		{"one of all is missing", two, []string{"X-Proxy-Key", "c4nary", "X-User", "ann", "X-Old", "1"}, false},
		{"twice", two, with("X-Role", "clerk", "X-Subject", "CN=partner,O=Bank"), false},
		{"nobody", two, []string{"X-Subject", "CN=partner,O=Bank", "X-Proxy-Key", "c4nary", "X-Old", "1"}, false},
		{"nothing", two, nil, false},
		{"absent", `{"all": {"X-Internal": {"present": false}}}`, nil, true},
		{"not absent", `{"all": {"X-Internal": {"present": false}}}`, []string{"X-Internal", ""}, false},
		{"a choice within an expression", `{"all": {"X-A": {"matches": "a|b"}}}`, []string{"X-A", "xb"}, false},
	} {
		d, err := try(row.config)
		require.NoError(t, err, row.name)
		h := http.Header{}
		for i := 0; i < len(row.headers); i += 2 {
			h.Add(row.headers[i], row.headers[i+1])
		}
		who, err := d.(security.Guard).Check(context.Background(), &service.Request{Header: h})
		if !row.right {
			assert.Equal(t, service.Unauthenticated, service.AsError(err).Code, row.name)
			continue
		}
		require.NoError(t, err, row.name)
		if strings.Contains(row.config, "X-User") {
			assert.Equal(t, "ann", who.Name)
		} else {
			assert.Equal(t, "Proxy", who.Name)
		}
	}
}

func TestConditionsThatCannotBeUsedAreRefused(t *testing.T) {
	for _, row := range []struct{ name, config, want string }{
		{"none", `{}`, "all: there is no condition: anybody would be let in"},
		{"empty", `{"all": {"X-A": {}}}`, "all.X-A: expected one of equals, secret, matches and present"},
		{"an empty text", `{"all": {"X-A": ""}}`, "all.X-A: expected one of equals, secret, matches and present"},
		{"two in one", `{"all": {"X-A": {"equals": "a", "matches": "b"}}}`, "all.X-A: expected one of"},
		{"no expression", `{"any": {"X-A": {"matches": "("}}}`, "any.X-A: matches is no regular expression"},
		{"brackets that reach out", `{"any": {"X-A": {"matches": "a)|(b"}}}`, "any.X-A: matches is no regular expression"},
		{"no header", `{"all": {"X A": "b"}}`, "all.X A: this is no name of a header"},
		{"unknown", `{"all": {"X-A": {"eq": "b"}}}`, `unknown key "eq"`},
		{"a number", `{"all": {"X-A": 7}}`, "a condition is a text, or an object"},
		{"no user", `{"all": {"X-A": "b"}, "user": "a b"}`, `user: "a b" is no name of a header`},
	} {
		_, err := try(row.config)
		assert.ErrorContains(t, err, row.want, row.name)
	}
}

func TestSecretsOfConditionsAreHidden(t *testing.T) {
	var within []string
	for _, f := range headers.Kind().Fields {
		within = append(within, f.Within...)
	}
	assert.Equal(t, []string{"*.secret", "*.secret"}, within)
	_, err := try(`{"all": {"X-A": {"secret": ["c4nary"]}}}`)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "c4nary")
}
