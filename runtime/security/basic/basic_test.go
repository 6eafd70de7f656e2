package basic_test

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/password"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/security/basic"
	"github.com/parley-run/parley/runtime/service"
)

func TestCallers(t *testing.T) {
	c, err := basic.Kind().Parse([]byte(`{"username":"joe","password":"c4nary:Pass\u00e9"}`))
	require.NoError(t, err)
	d, err := basic.Kind().New(c, security.Deps{
		Name: "Partners", Names: service.ParleyNames(), Checks: &password.Checks{},
		Reveal: func(_ string, s kind.Secret) (string, error) { return s.Form(), nil },
	})
	require.NoError(t, err)
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	right := "Basic " + encoded("joe:c4nary:Passé")
	for _, row := range []struct {
		name   string
		values []string
		known  bool
	}{
		{"right", []string{right}, true},
		{"the scheme in other letters", []string{"bAsIc " + encoded("joe:c4nary:Passé")}, true},
		{"nothing", nil, false},
		{"an empty header", []string{""}, false},
		{"another password", []string{"Basic " + encoded("joe:c4nary:pass")}, false},
		{"a longer password", []string{"Basic " + encoded("joe:c4nary:Passéx")}, false},
		{"another user", []string{"Basic " + encoded("Joe:c4nary:Passé")}, false},
		{"no colon", []string{"Basic " + encoded("joe")}, false},
		{"no Base64", []string{"Basic joe:c4nary:Passé"}, false},
		{"another scheme", []string{"Bearer " + encoded("joe:c4nary:Passé")}, false},
		{"a right one and a wrong one", []string{right, "Basic " + encoded("ann:x")}, false},
		{"a wrong one and a right one", []string{"Basic " + encoded("ann:x"), right}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			req := &service.Request{Header: map[string][]string{}}
			if row.values != nil {
				req.Header["Authorization"] = row.values
			}
			who, err := d.(security.Guard).Check(t.Context(), req)
			if row.known {
				require.NoError(t, err)
				assert.Equal(t, &service.Principal{Definition: "Partners", Kind: "security_basic_auth", Name: "joe"}, who)
				return
			}
			assert.Equal(t, service.Unauthenticated, service.AsError(err).Code)
			assert.NotContains(t, err.Error(), "c4nary")
		})
	}
}
