package folder

import (
	"crypto/rand"
	"strings"
)

// alphabet has 32 characters that are not taken for one another: no l, o, 0 or 1.
const alphabet = "abcdefghijkmnpqrstuvwxyz23456789"

// NewPassword is 16 random characters, 80 bits, in groups of four.
func NewPassword() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random)
	var b strings.Builder
	for i, r := range random {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(alphabet[int(r)%len(alphabet)])
	}
	return b.String()
}
