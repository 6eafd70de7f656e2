package security_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/password"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
)

// TestWhereWrongPasswordsComeFrom: whoever has a network of IPv6 has more addresses than anybody can count.
func TestWhereWrongPasswordsComeFrom(t *testing.T) {
	for _, row := range []struct {
		name, first, other string // formats of addresses
		slowed             bool
	}{
		{"one address", "10.0.0.1:%d", "10.0.0.1:99", true},
		{"another", "10.0.0.1:%d", "10.0.0.2:99", false},
		{"one network of IPv6", "[2001:db8:0:1::%d]:1", "[2001:db8:0:1:ffff::1]:1", true},
		{"another network", "[2001:db8:0:1::%d]:1", "[2001:db8:0:2::1]:1", false},
		{"IPv4 within IPv6", "[::ffff:10.0.0.1]:%d", "10.0.0.1:99", true},
		{"two of them", "[::ffff:10.0.0.1]:%d", "[::ffff:10.0.0.2]:1", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			var secret kind.Secret
			require.NoError(t, secret.UnmarshalJSON([]byte(`"right"`)))
			h, err := security.NewHashed(security.Deps{
				Name: "Partners", Checks: &password.Checks{}, Reveal: func(_ string, s kind.Secret) (string, error) { return s.Form(), nil },
			}, "password", secret)
			require.NoError(t, err)
			for i := range 6 {
				right, err := h.Matches(security.From(t.Context(), fmt.Sprintf(row.first, i+1)), true, "joe", fmt.Sprint(i))
				require.NoError(t, err)
				require.False(t, right)
			}
			right, err := h.Matches(security.From(t.Context(), row.other), true, "joe", "right")
			if row.slowed {
				assert.Equal(t, service.TooMany, service.AsError(err).Code)
				assert.Equal(t, []string{"1"}, service.AsError(err).Header["Retry-After"])
			} else {
				require.NoError(t, err)
				assert.True(t, right)
			}
		})
	}
}
