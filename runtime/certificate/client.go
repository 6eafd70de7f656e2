package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
)

// Ours is how to call a server of one's own on host: its certificate is the very one in the file own, as on the same
// machine, or one for that host by an authority in the file ca, or where ca is empty, by one that the system trusts. The
// files are read at each handshake.
func Ours(host, own, ca string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: host,
		InsecureSkipVerify: true, // what is verified instead, is by VerifyConnection
		VerifyConnection: func(state tls.ConnectionState) error {
			shown := state.PeerCertificates
			if len(shown) == 0 {
				return errors.New("no certificate was shown")
			}
			if own != "" {
				m, err := (Files{Certificate: own}).leaf()
				if err == nil && slices.Equal(m, shown[0].Raw) {
					return nil
				}
			}
			o := x509.VerifyOptions{DNSName: host, Intermediates: x509.NewCertPool()}
			for _, one := range shown[1:] {
				o.Intermediates.AddCert(one)
			}
			if ca != "" {
				m, err := Files{CA: ca}.Load()
				if err != nil {
					return err
				}
				o.Roots = m.CA
			}
			if _, err := shown[0].Verify(o); err != nil {
				return fmt.Errorf("the certificate of %s is neither the one of this machine nor of a known authority: %w", host, err)
			}
			return nil
		},
	}
}

// leaf is the first certificate, whoever has its key.
func (f Files) leaf() ([]byte, error) {
	raw, err := read("certificate", f.Certificate)
	if err != nil {
		return nil, err
	}
	chain, err := certificates(raw)
	if err != nil {
		return nil, err
	}
	return chain[0].Raw, nil
}
