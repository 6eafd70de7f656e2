package folder

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"strings"

	"github.com/parley-run/parley/runtime/password"
)

// CheckPassword says whether that is the administrator. An unknown user costs the same work as a known one; the
// pair that was right within the last minute costs next to nothing. Of the others, two are worked on at a time.
func (f *Folder) CheckPassword(user, given string) bool {
	right, err := f.passwords.Do(context.Background(), func() bool { return f.matches(user, given) }, user, given, f.Cluster.Admin.PasswordHash)
	return err == nil && right
}

func (f *Folder) matches(user, given string) bool {
	h, err := password.Parse(f.Cluster.Admin.PasswordHash)
	if err != nil {
		return false
	}
	right := h.Matches(given)
	return right && subtle.ConstantTimeCompare([]byte(user), []byte(f.Cluster.Admin.User)) == 1
}

// alphabet has 32 characters that are not taken for one another: no l, o, 0 or 1.
const alphabet = "abcdefghijkmnpqrstuvwxyz23456789"

// newPassword is 16 random characters, 80 bits, in groups of four.
func newPassword() string {
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
