package jwt_test

import (
	"testing"

	golang "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// BenchmarkCheck is what a good token costs a request, Redis apart.
func BenchmarkCheck(b *testing.B) {
	g := newGround()
	r, e := keys(b)
	for _, row := range []struct {
		algorithm string
		method    golang.SigningMethod
		key       any
		config    map[string]any
	}{
		{"HS256", golang.SigningMethodHS256, []byte(shared), map[string]any{"secret": shared}},
		{"RS256", golang.SigningMethodRS256, r, map[string]any{"algorithm": "RS256", "public_key": pemOf(b, r.Public())}},
		{"ES256", golang.SigningMethodES256, e, map[string]any{"algorithm": "ES256", "public_key": pemOf(b, e.Public())}},
	} {
		guard := g.guard(b, row.config)
		token := signed(b, row.method, row.key, g.claims(nil))
		b.Run(row.algorithm, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := ask(guard, token)
				require.NoError(b, err)
			}
		})
	}
}
