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
	"slices"
	"strings"
	"syscall"
)

const (
	keyBytes   = 32
	nonceBytes = 12
	prefix     = "sealed:"
)

// Keyring is the keys of a cluster, the newest first: one seals, all open. It is not changed once it was read.
type Keyring struct {
	keys  []key
	seals int // index of the one that seals; the oldest, until SealingBy says otherwise: a new key is known to all servers before it seals
}

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
	ring.seals = len(ring.keys) - 1
	return ring, nil
}

// create writes a new key beside path and gives it that name, unless somebody was faster.
func create(path string) error {
	next, err := write(path, (&Keyring{}).With())
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(next) }()
	if err := os.Link(next, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// AddKey puts a new key in front of those in the file path, and gives the keyring that is there now. The file is replaced
// as a whole, or not at all, by one process of the machine at a time.
func AddKey(path string) (*Keyring, error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("add a key of secrets: %w", err)
	}
	defer func() { _ = dir.Close() }() // which ends the lock
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("add a key of secrets: lock %s: %w", dir.Name(), err)
	}
	ring, err := Open(path)
	if err != nil {
		return nil, err
	}
	next, err := write(path, ring.With())
	if err == nil {
		if err = os.Rename(next, path); err != nil {
			_ = os.Remove(next)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("add a key of secrets: %w", err)
	}
	_ = dir.Sync() // the key must be there after a power cut; where a file system cannot do that, nothing can
	return Open(path)
}

// write makes a file beside path that holds text, and gives its name. On an error there is none.
func write(path, text string) (string, error) {
	next, err := os.CreateTemp(filepath.Dir(path), ".secrets-*")
	if err != nil {
		return "", err
	}
	_, err = next.WriteString(text)
	if err == nil {
		err = next.Sync()
	}
	if err := errors.Join(err, next.Close()); err != nil {
		return "", errors.Join(err, os.Remove(next.Name()))
	}
	return next.Name(), nil
}

// IDs name the keys, the newest first. They tell nothing of them.
func (r *Keyring) IDs() []string {
	ids := make([]string, len(r.keys))
	for i, k := range r.keys {
		ids[i] = k.id
	}
	return ids
}

// SealingBy is r with that key as the one that seals.
func (r *Keyring) SealingBy(id string) (*Keyring, error) {
	i := slices.Index(r.IDs(), id)
	if i < 0 {
		return nil, &UnknownKeyError{id}
	}
	return &Keyring{keys: r.keys, seals: i}, nil
}

// Sealing is the ID of the key that seals.
func (r *Keyring) Sealing() string { return r.keys[r.seals].id }

// UnknownKeyError says that a key is not in the keyring.
type UnknownKeyError struct{ ID string }

func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("it was sealed by the key %s, which this server does not have; copy the file of keys from a server that has it, or give the secret anew", e.ID)
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
	k := r.keys[r.seals]
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
	return "", &UnknownKeyError{id}
}

// KeyOf is the ID of the key that sealed a text, or empty where it is no sealed text.
func KeyOf(sealed string) string {
	text, ok := strings.CutPrefix(sealed, prefix)
	id, _, cut := strings.Cut(text, ":")
	if !ok || !cut {
		return ""
	}
	return id
}

// Current says whether sealed was sealed by the key that seals now.
func (r *Keyring) Current(sealed string) bool {
	return strings.HasPrefix(sealed, prefix+r.Sealing()+":")
}

// Salt is 16 bytes for a hash in that place: always the same ones, so that the same password gives the same hash.
func (r *Keyring) Salt(place string) []byte {
	mac := hmac.New(sha256.New, r.keys[len(r.keys)-1].salt) // the oldest: a new key changes no hash
	_, _ = mac.Write([]byte(place))
	return mac.Sum(nil)[:16]
}
