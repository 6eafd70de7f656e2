// Package password hashes passwords with argon2id and checks them, at a bounded cost.
package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of a hash that we make, after OWASP's password storage cheat sheet: 19 MiB, 2 passes, 1 lane.
const (
	hashMemory = 19 * 1024 // KiB
	hashTime   = 2
	hashLanes  = 1
	hashBytes  = 32
	saltBytes  = 16
)

// The most that a hash may cost: a typing error must not take the machine's memory.
const (
	maxMemory = 1024 * 1024 // KiB
	maxTime   = 32
)

// Hash is a password's argon2id hash.
type Hash struct {
	memory, time uint32
	lanes        uint8
	salt, sum    []byte
}

var errHash = errors.New("expected an argon2id hash such as $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH")

// Parse reads the PHC string form, $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH.
func Parse(text string) (Hash, error) {
	var h Hash
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, errHash
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.lanes); err != nil || n != 3 {
		return h, errHash
	}
	if h.memory < 8 || h.memory > maxMemory || h.time < 1 || h.time > maxTime || h.lanes < 1 {
		return h, fmt.Errorf("cost %s is out of bounds: m up to %d, t up to %d", parts[3], maxMemory, maxTime)
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil || len(h.salt) < 8 {
		return h, errHash
	}
	if h.sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(h.sum) < 16 || len(h.sum) > 128 {
		return h, errHash
	}
	return h, nil
}

// New hashes a password with a random salt.
func New(password string) Hash {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails, by its contract
	return Salted(password, salt)
}

// Salted hashes a password with that salt, 8 bytes or more.
func Salted(password string, salt []byte) Hash {
	h := Hash{memory: hashMemory, time: hashTime, lanes: hashLanes, salt: salt}
	h.sum = argon2.IDKey([]byte(password), salt, h.time, h.memory, h.lanes, hashBytes)
	return h
}

// String is the PHC form.
func (h Hash) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.lanes, enc.EncodeToString(h.salt), enc.EncodeToString(h.sum))
}

// Matches says whether that is the password. It takes the time and the memory that the hash asks for.
func (h Hash) Matches(password string) bool {
	sum := argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.lanes, uint32(len(h.sum)))
	return subtle.ConstantTimeCompare(sum, h.sum) == 1
}
