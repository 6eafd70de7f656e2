package jwt

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// The least that keys must be, after RFC 7518, sections 3.2 and 3.3.
const (
	minSecret  = 32   // bytes
	minModulus = 2048 // bits
)

// method is a pinned algorithm.
func method(algorithm string) jwt.SigningMethod {
	switch algorithm {
	case rs256:
		return jwt.SigningMethodRS256
	case es256:
		return jwt.SigningMethodES256
	default:
		return jwt.SigningMethodHS256
	}
}

// keySource finds the key that a token of that kid is checked by. The error errNoKey refuses the token; any other says
// that it cannot be known.
type keySource interface {
	key(ctx context.Context, kid string) (any, error)
}

var errNoKey = errors.New("signed by a key that is not known")

// oneKey is the key of all tokens.
type oneKey struct{ is any }

func (k oneKey) key(context.Context, string) (any, error) { return k.is, nil }

// sharedSecret is the key of HS256.
func sharedSecret(text string) ([]byte, error) {
	if strings.Contains(text, "-----BEGIN ") {
		return nil, errors.New("this is a key in PEM, which HS256 does not use: whoever has a public one could sign by it; make algorithm RS256 or ES256")
	}
	if len(text) < minSecret {
		return nil, fmt.Errorf("it has %d bytes, HS256 needs %d or more; make one with: openssl rand -base64 48", len(text), minSecret)
	}
	return []byte(text), nil
}

// publicKey reads a key or a certificate in PEM, or the file that holds it.
func publicKey(algorithm, text string) (crypto.PublicKey, error) {
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		text = string(raw)
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("expected a public key in PEM, which begins with -----BEGIN PUBLIC KEY-----, or file:/path")
	}
	var key any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			key = cert.PublicKey
		}
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		return nil, errors.New("this is a private key, which belongs into private_key; the public one is of: openssl pkey -pubout")
	default:
		return nil, fmt.Errorf("a PEM block of %s is no public key", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("the public key cannot be read: %w", err)
	}
	return key, fits(algorithm, key)
}

// privateKey reads a key in PEM. Its errors show nothing of it.
func privateKey(algorithm, text string) (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("expected a private key in PEM, which begins with -----BEGIN PRIVATE KEY-----")
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, errors.New("the PEM block is no private key without a password of its own")
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, errors.New("the private key cannot be read")
	}
	return signer, fits(algorithm, signer.Public())
}

// fits says whether a public key is one of that algorithm, and strong enough.
func fits(algorithm string, key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); algorithm == rs256 && bits < minModulus {
			return fmt.Errorf("the RSA key has %d bits, RS256 needs %d or more", bits, minModulus)
		}
		if algorithm == rs256 {
			return nil
		}
	case *ecdsa.PublicKey:
		if algorithm == es256 && key.Curve == elliptic.P256() {
			return nil
		}
		return fmt.Errorf("the key is of the curve %s, %s needs %s", key.Params().Name, algorithm, wanted(algorithm))
	}
	return fmt.Errorf("the key is of another algorithm, %s needs %s", algorithm, wanted(algorithm))
}

func wanted(algorithm string) string {
	if algorithm == rs256 {
		return "an RSA key"
	}
	return "an elliptic one of the curve P-256"
}
