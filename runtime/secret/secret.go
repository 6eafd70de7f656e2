// Package secret keeps secrets that the catalog holds: encrypted by a key that is outside of the database.
//
// Sealing is deterministic: the same secret of the same object gives the same text under the same key, so that importing
// a file twice changes nothing. A sealed text opens only in the object and under the key of the config that it was sealed for.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	keyBytes   = 32
	nonceBytes = 12
	prefix     = "sealed:"
)

// Keyring is the keys of a cluster: the first seals, all open. It is not changed once it was read.
type Keyring struct{ keys []key }

type key struct {
	id    string
	raw   []byte
	aead  cipher.AEAD
	nonce []byte // of the HMAC that makes nonces
	salt  []byte // of the HMAC that makes salts
}

func newKey(raw []byte) (key, error) {
	derive := func(what string) ([]byte, error) {
		return hkdf.Key(sha256.New, raw, nil, "parley secrets "+what, keyBytes)
	}
	seal, err := derive("seal")
	if err != nil {
		return key{}, err
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return key{}, err
	}
	k := key{raw: raw}
	if k.aead, err = cipher.NewGCM(block); err != nil {
		return key{}, err
	}
	if k.nonce, err = derive("nonce"); err != nil {
		return key{}, err
	}
	if k.salt, err = derive("salt"); err != nil {
		return key{}, err
	}
	id, err := derive("id")
	k.id = hex.EncodeToString(id[:4])
	return k, err
}

// Open reads the keyring of the file path, which holds a key a line, the newest first, each 32 bytes in Base64. A file that is missing
// is made, 0600, with a random key; of several processes that do so at once, one does.
func Open(path string) (*Keyring, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("make the key of secrets: %w", err)
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("the key of secrets: %w", err)
	}
	ring, err := Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("the key of secrets, %s: %w", path, err)
	}
	return ring, nil
}

// Parse reads a keyring's text.
func Parse(text string) (*Keyring, error) {
	ring := &Keyring{}
	for n, line := range strings.Split(strings.TrimSpace(text), "\n") {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
		if err != nil || len(raw) != keyBytes {
			return nil, fmt.Errorf("line %d is no key: expected %d bytes in Base64, such as of: openssl rand -base64 32", n+1, keyBytes)
		}
		k, err := newKey(raw)
		if err != nil {
			return nil, err
		}
		ring.keys = append(ring.keys, k)
	}
	return ring, nil
}

// create writes a new key beside path and gives it that name, unless somebody was faster.
func create(path string) error {
	raw := make([]byte, keyBytes)
	_, _ = rand.Read(raw) // never fails, by its contract
	next, err := os.CreateTemp(filepath.Dir(path), ".secrets-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(next.Name()) }()
	_, err = next.WriteString(base64.StdEncoding.EncodeToString(raw) + "\n")
	if err == nil {
		err = next.Sync()
	}
	if err := errors.Join(err, next.Close()); err != nil {
		return err
	}
	if err := os.Link(next.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// With is the keyring's text with a new key in front, which the others' secrets can be sealed by.
func (r *Keyring) With() string {
	raw := make([]byte, keyBytes)
	_, _ = rand.Read(raw) // never fails, by its contract
	lines := []string{base64.StdEncoding.EncodeToString(raw)}
	for _, k := range r.keys {
		lines = append(lines, base64.StdEncoding.EncodeToString(k.raw))
	}
	return strings.Join(lines, "\n") + "\n"
}

// Seal encrypts plain for one place, such as "security_basic_auth/CRM/password".
func (r *Keyring) Seal(place, plain string) string {
	k := r.keys[0]
	mac := hmac.New(sha256.New, k.nonce)
	_, _ = fmt.Fprintf(mac, "%d:%s%s", len(place), place, plain)
	nonce := mac.Sum(nil)[:nonceBytes]
	return prefix + k.id + ":" + base64.RawStdEncoding.EncodeToString(k.aead.Seal(nonce, nonce, []byte(plain), []byte(place)))
}

// Unseal gives what was sealed for that place.
func (r *Keyring) Unseal(place, sealed string) (string, error) {
	id, text, ok := strings.Cut(strings.TrimPrefix(sealed, prefix), ":")
	if !ok || !strings.HasPrefix(sealed, prefix) {
		return "", errors.New("it is no sealed secret")
	}
	for _, k := range r.keys {
		if k.id != id {
			continue
		}
		raw, err := base64.RawStdEncoding.DecodeString(text)
		if err != nil || len(raw) < nonceBytes {
			return "", errors.New("the sealed secret is damaged; give the secret anew")
		}
		plain, err := k.aead.Open(nil, raw[:nonceBytes], raw[nonceBytes:], []byte(place))
		if err != nil {
			return "", errors.New("the sealed secret is damaged, or was sealed for another object; give the secret anew")
		}
		return string(plain), nil
	}
	return "", fmt.Errorf("it was sealed by the key %s, which this server does not have; copy the file of keys from a server that has it, or give the secret anew", id)
}

// Current says whether sealed was sealed by the key that seals now.
func (r *Keyring) Current(sealed string) bool {
	return strings.HasPrefix(sealed, prefix+r.keys[0].id+":")
}

// Salt is 16 bytes for a hash in that place: always the same ones, so that the same password gives the same hash.
func (r *Keyring) Salt(place string) []byte {
	mac := hmac.New(sha256.New, r.keys[len(r.keys)-1].salt) // the oldest: a new key changes no hash
	_, _ = mac.Write([]byte(place))
	return mac.Sum(nil)[:16]
}
