package haproxy

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Password is the one of the statistics page, kept in the file path, which only its owner may read. Where there is
// none yet, it is made: 100 random bits.
func Password(path string) (string, error) {
	for range 2 {
		raw, err := os.ReadFile(path)
		switch {
		case err == nil:
			password := strings.TrimSpace(string(raw))
			if len(password) < 12 || control(password) {
				return "", fmt.Errorf("%s holds no password of 12 characters or more on one line; remove the file, and a new one is made", path)
			}
			return password, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		if err := writeNew(path, rand.Text()[:20]+"\n"); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%s comes and goes; try again", path)
}

// writeNew makes a file that was not there, whole or not at all.
func writeNew(path, text string) error {
	next, err := os.CreateTemp(filepath.Dir(path), ".password-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(next.Name()) }()
	_, err = next.WriteString(text)
	if err := errors.Join(err, next.Close()); err != nil {
		return err
	}
	return os.Link(next.Name(), path) // fails where there is one already
}

// hashRounds is the least that the form allows: the password is random, so that no guessing has to be slowed down,
// and HAProxy does this work for each request of the page.
const hashRounds = 1000

// Hash is password in the form that HAProxy's user lists know: SHA-256 of crypt(3). The same password has the same
// hash, so that the same cluster has the same configuration; the salt is another one for each password.
func Hash(password string) string {
	mac := hmac.New(sha256.New, []byte("parley haproxy statistics"))
	_, _ = mac.Write([]byte(password)) // never fails, by its contract
	return sha256Crypt(password, hex.EncodeToString(mac.Sum(nil))[:16], hashRounds)
}

// sha256Crypt follows Ulrich Drepper's "Unix crypt using SHA-256 and SHA-512", version 0.4, step by step; the
// numbers are the steps' there.
func sha256Crypt(password, salt string, rounds int) string {
	key, seed := []byte(password), []byte(salt)
	sum := func(parts ...[]byte) []byte {
		h := sha256.New()
		for _, p := range parts {
			_, _ = h.Write(p)
		}
		return h.Sum(nil)
	}
	repeat := func(block []byte, n int) []byte {
		out := make([]byte, 0, n+len(block))
		for len(out) < n {
			out = append(out, block...)
		}
		return out[:n]
	}

	b := sum(key, seed, key) // 4 to 8
	parts := [][]byte{key, seed, repeat(b, len(key))}
	for n := len(key); n > 0; n >>= 1 { // 11
		if n&1 == 1 {
			parts = append(parts, b)
		} else {
			parts = append(parts, key)
		}
	}
	a := sum(parts...)

	p := repeat(sum(repeat(key, len(key)*len(key))), len(key))          // 13 to 16
	s := repeat(sum(repeat(seed, (16+int(a[0]))*len(seed))), len(seed)) // 17 to 20

	for i := range rounds { // 21
		parts := [][]byte{a}
		if i&1 == 1 {
			parts[0] = p
		}
		if i%3 != 0 {
			parts = append(parts, s)
		}
		if i%7 != 0 {
			parts = append(parts, p)
		}
		if i&1 == 1 {
			parts = append(parts, a)
		} else {
			parts = append(parts, p)
		}
		a = sum(parts...)
	}
	return fmt.Sprintf("$5$rounds=%d$%s$%s", rounds, salt, crypt64(a))
}

// crypt64 writes a sum in the order and the alphabet of crypt(3) (22.e).
func crypt64(sum []byte) string {
	const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var out strings.Builder
	write := func(v uint, n int) {
		for range n {
			out.WriteByte(alphabet[v&63])
			v >>= 6
		}
	}
	for i := range 10 {
		x, y, z := i, i+10, i+20
		for range i % 3 { // the three bytes change places
			x, y, z = z, x, y
		}
		write(uint(sum[x])<<16|uint(sum[y])<<8|uint(sum[z]), 4)
	}
	write(uint(sum[31])<<8|uint(sum[30]), 3)
	return out.String()
}
