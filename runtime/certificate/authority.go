package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// How long certificates are valid. Browsers take servers' for 398 days at most.
const (
	authorityDays = 3650
	leafDays      = 397
)

// The files of an authority in its folder.
const (
	CAFile    = "ca.pem"
	caKeyFile = "ca.key"
)

// Authority signs the certificates of one's own servers and clients. Its folder holds ca.pem, which others may have, and
// ca.key, which nobody else may.
type Authority struct {
	Dir  string
	cert *x509.Certificate
	key  crypto.Signer
}

// OpenAuthority is the one of folder dir, made where there is none, with that name.
func OpenAuthority(dir, name string) (a *Authority, made bool, err error) {
	pemFile, keyFile := filepath.Join(dir, CAFile), filepath.Join(dir, caKeyFile)
	_, noCert := os.Stat(pemFile)
	_, noKey := os.Stat(keyFile)
	if !errors.Is(noCert, fs.ErrNotExist) || !errors.Is(noKey, fs.ErrNotExist) {
		m, err := Files{Certificate: pemFile, Key: keyFile}.Load()
		if err != nil {
			return nil, false, fmt.Errorf("the certificate authority in %s: %w", dir, err)
		}
		key, ok := m.Certificate.PrivateKey.(crypto.Signer)
		if !ok || !m.Certificate.Leaf.IsCA {
			return nil, false, fmt.Errorf("the certificate authority in %s: %s is no authority's", dir, pemFile)
		}
		return &Authority{dir, m.Certificate.Leaf, key}, false, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, false, err
	}
	template, err := newTemplate(name, authorityDays)
	if err != nil {
		return nil, false, err
	}
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, false, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, false, err
	}
	return &Authority{dir, cert, key}, true, write(pemFile, keyFile, [][]byte{der}, key)
}

// Server makes the certificate of a server that clients call by these names and addresses, as NAME.pem and NAME.key in
// the authority's folder. A file that is there is replaced.
func (a *Authority) Server(name string, hosts []string) (Files, error) {
	template, err := newTemplate(hosts[0], leafDays)
	if err != nil {
		return Files{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return a.sign(name, template)
}

// Client makes the certificate of a client of that name, likewise.
func (a *Authority) Client(name string) (Files, error) {
	template, err := newTemplate(name, leafDays)
	if err != nil {
		return Files{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.sign(name, template)
}

func (a *Authority) sign(name string, template *x509.Certificate) (Files, error) {
	f := Files{Certificate: filepath.Join(a.Dir, name+".pem"), Key: filepath.Join(a.Dir, name+".key"), CA: filepath.Join(a.Dir, CAFile)}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return f, err
	}
	if template.NotAfter.After(a.cert.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return f, err
	}
	return f, write(f.Certificate, f.Key, [][]byte{der}, key)
}

func newTemplate(name string, days int) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, days),
	}, err
}

// write writes both files, each as a whole: a server may be reading them.
func write(certificate, key string, chain [][]byte, private crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	var text []byte
	for _, one := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: one})...)
	}
	return errors.Join(replace(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), replace(certificate, text))
}

func replace(path string, raw []byte) error {
	next := path + ".next"
	if err := os.WriteFile(next, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
