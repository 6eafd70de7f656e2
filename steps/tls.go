package steps

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// encryption is what steps said of TLS. The zero value trusts what the system trusts, and the authority of a cluster with
// TLS, and shows no certificate.
type encryption struct {
	authority []byte // PEM; nil: none was named
	own       *tls.Certificate
}

func tlsSteps() []Step {
	return []Step{
		given(`certificate authority "{file}"`, "A PEM file of those that the API's certificate may be of, in place of those that the system trusts. Of a cluster with TLS it is known without.",
			`certificate authority "ca.pem"`, setAuthority),
		given(`client certificate "{file}" with key "{key_file}"`, "PEM files of what is shown to an API that asks for a certificate (mutual TLS).",
			`client certificate "client.pem" with key "client.key"`, setClientCertificate),
		given(`the cluster's client certificate`, "Shows what a cluster with TLS has made for a client: its name is client.", `the cluster's client certificate`,
			setClusterCertificate),
		given(`no client certificate`, "Shows none from here on.", `no client certificate`, func(_ context.Context, w *World, _ Args) error {
			w.encryption.own = nil
			return nil
		}),
	}
}

func setAuthority(_ context.Context, w *World, a Args) error {
	text, err := w.readData(a.Text(0))
	if err != nil {
		return err
	}
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return fmt.Errorf("%s holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)", a.Text(0))
	}
	w.encryption.authority = text
	return nil
}

func setClientCertificate(_ context.Context, w *World, a Args) error {
	certificate, err := w.readData(a.Text(0))
	if err != nil {
		return err
	}
	key, err := w.readData(a.Text(1))
	if err != nil {
		return err
	}
	return w.show(certificate, key, a.Text(0))
}

func setClusterCertificate(_ context.Context, w *World, _ Args) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	dir := filepath.Join(c.Dir(), "tls")
	certificate, err := os.ReadFile(filepath.Join(dir, "client.pem"))
	if err != nil {
		return fmt.Errorf("the cluster has no certificate of a client; start one with: Given a cluster of 2 servers with TLS: %w", err)
	}
	key, err := os.ReadFile(filepath.Join(dir, "client.key"))
	if err != nil {
		return err
	}
	return w.show(certificate, key, "client.pem")
}

func (w *World) show(certificate, key []byte, name string) error {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return fmt.Errorf("%s and its key: %w", name, err) // which tells nothing of the key
	}
	w.encryption.own = &pair
	return nil
}

// secured is base with what steps said of TLS.
func (w *World) secured(base *http.Client) *http.Client {
	authority := w.encryption.authority
	if c := w.file.cluster; c != nil && authority == nil {
		authority, _ = os.ReadFile(filepath.Join(c.Dir(), "tls", "ca.pem")) // it has none without TLS
	}
	if authority == nil && w.encryption.own == nil {
		return base
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if authority != nil {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(authority)
	}
	if w.encryption.own != nil {
		config.Certificates = []tls.Certificate{*w.encryption.own}
	}
	transport := base.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig, transport.DisableKeepAlives = config, true
	c := *base
	c.Transport = transport
	return &c
}
