// Package certificate holds certificates and their authorities as TLS wants them: read from PEM, read anew when their
// files change, and made by an authority of one's own. Standard library only.
package certificate

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Files are where PEM is: each the path of a file, or the PEM itself. Empty: there is none.
type Files struct {
	Certificate string // with those of the authorities between it and the root behind it
	Key         string // empty: it is in Certificate's file
	CA          string // one authority or several
}

// IsSet says whether any is given.
func (f Files) IsSet() bool { return f != Files{} }

// Material is what the files hold.
type Material struct {
	Certificate *tls.Certificate // nil: there is none
	CA          *x509.CertPool   // nil: there is none
}

// inline says whether text is PEM itself.
func inline(text string) bool { return strings.Contains(text, "-----BEGIN ") }

// Check is what is wrong with text as a place of PEM that an object of the catalog names, empty where nothing is. Files
// are not looked at: each server has its own.
func Check(text string) string {
	switch {
	case text == "" || filepath.IsAbs(text):
		return ""
	case !inline(text):
		return "expected PEM, or the absolute path of a PEM file that each server has"
	}
	if block, _ := pem.Decode([]byte(text)); block == nil {
		return "it begins like PEM, and is none"
	}
	return ""
}

// Load reads the files now.
func (f Files) Load() (Material, error) {
	var m Material
	if f.Certificate != "" {
		pair, err := f.pair()
		if err != nil {
			return m, err
		}
		m.Certificate = pair
	}
	if f.CA != "" {
		raw, err := read("CA", f.CA)
		if err != nil {
			return m, err
		}
		if m.CA, err = pool(raw); err != nil {
			return m, fmt.Errorf("CA %s: %w", name(f.CA), err)
		}
	}
	return m, nil
}

func (f Files) pair() (*tls.Certificate, error) {
	raw, err := read("certificate", f.Certificate)
	if err != nil {
		return nil, err
	}
	key, where := raw, f.Certificate
	if f.Key != "" {
		where = f.Key
		if key, err = read("key", f.Key); err != nil {
			return nil, err
		}
	}
	pair, err := tls.X509KeyPair(raw, key)
	if err != nil {
		// What package tls says names neither of the two, and holds nothing of the key.
		return nil, fmt.Errorf("certificate %s with key %s: %s", name(f.Certificate), name(where), strings.TrimPrefix(err.Error(), "tls: "))
	}
	return &pair, nil
}

// expired is an error where the certificate's time is over.
func (m Material) expired() error {
	if m.Certificate == nil || !time.Now().After(m.Certificate.Leaf.NotAfter) {
		return nil
	}
	leaf := m.Certificate.Leaf
	return fmt.Errorf("the certificate of %s expired on %s; renew it", leaf.Subject, leaf.NotAfter.UTC().Format(time.RFC3339))
}

func read(what, text string) ([]byte, error) {
	if inline(text) {
		return []byte(text), nil
	}
	raw, err := os.ReadFile(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return raw, nil
}

// name is a place for people: never the PEM.
func name(text string) string {
	if inline(text) {
		return "(PEM)"
	}
	return text
}

func pool(raw []byte) (*x509.CertPool, error) {
	all, err := certificates(raw)
	if err != nil {
		return nil, err
	}
	made := x509.NewCertPool()
	for _, one := range all {
		made.AddCert(one)
	}
	return made, nil
}

// certificates are those in raw: one at least.
func certificates(raw []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for {
		var block *pem.Block
		if block, raw = pem.Decode(raw); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		return nil, errors.New("no certificate in PEM form (-----BEGIN CERTIFICATE-----) is in it")
	}
	return out, nil
}

// Fingerprint is the SHA-256 of a certificate, 64 lower-case hexadecimal digits, as openssl x509 -fingerprint -sha256
// prints it between colons.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// ParseVersion is a version of TLS as configurations write it: 1.2, which "" means too, or 1.3.
func ParseVersion(text string) (uint16, error) {
	switch text {
	case "", "1.2":
		return tls.VersionTLS12, nil
	case "1.3":
		return tls.VersionTLS13, nil
	}
	return 0, fmt.Errorf("expected 1.2 or 1.3, not %q", text)
}
