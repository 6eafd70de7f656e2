// Package tls is the security_tls kind: mutual TLS. Callers are known by the certificate that they show, and those we call
// know us by ours.
package tls

import (
	"context"
	"crypto/sha256"
	stdtls "crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/certificate"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
)

// Config is what a definition holds. Of several conditions all must hold, and of several values of one any.
type Config struct {
	security.Base
	CA           string      `json:"ca" doc:"authorities that the other side's certificate must be of: PEM, or the path of a PEM file on each server; empty: a caller's was verified by the listener, and a host's by what the system trusts"`
	CommonNames  []string    `json:"common_names" doc:"CN of the subject that a caller's certificate may have; empty: any"`
	SANs         []string    `json:"sans" doc:"names, addresses, e-mail addresses or URIs of which a caller's certificate must have one; empty: any"`
	Issuers      []string    `json:"issuers" doc:"issuer that a caller's certificate may have: its CN, or all of it such as CN=Bank CA,O=Bank; empty: any"`
	Fingerprints []string    `json:"fingerprints" doc:"SHA-256 of the certificates that callers may show, in hexadecimal digits with colons or without; empty: any"`
	Certificate  string      `json:"certificate" doc:"what outgoing connections show: PEM, or the path of a PEM file on each server"`
	Key          kind.Secret `json:"key" doc:"the certificate's private key in PEM, or a reference to it such as file:/path; empty: it is in the certificate's file"`
}

const name = "security_tls"

// Kind is the row for the node's table of kinds.
func Kind() security.Kind {
	return security.Define(name, "a certificate, by mutual TLS", Config{Base: security.Base{IsActive: true}}, build)
}

// Check finds everything that is wrong with the values.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	if problem := certificate.Check(c.CA); problem != "" {
		faults.Add("ca", "%s", problem)
	}
	if problem := certificate.Check(c.Certificate); problem != "" {
		faults.Add("certificate", "%s", problem)
	}
	if c.Key.IsSet() && c.Certificate == "" {
		faults.Add("certificate", "missing; the key is of one")
	}
	for _, one := range c.Fingerprints {
		if digits := plainDigits(one); len(digits) != 64 || strings.Trim(digits, "0123456789abcdef") != "" {
			faults.Add("fingerprints", "%q is no SHA-256: expected 64 hexadecimal digits, as openssl x509 -noout -fingerprint -sha256 prints them", one)
		}
	}
	for _, list := range []struct {
		key    string
		values []string
	}{{"common_names", c.CommonNames}, {"sans", c.SANs}, {"issuers", c.Issuers}} {
		if slices.Contains(list.values, "") {
			faults.Add(list.key, "holds an empty text, which no certificate is meant by")
		}
	}
	return faults
}

func plainDigits(fingerprint string) string {
	return strings.ToLower(strings.ReplaceAll(fingerprint, ":", ""))
}

type definition struct {
	config Config
	name   string
	store  *certificate.Store

	mu     sync.Mutex
	known  map[[32]byte]time.Time // certificates that were verified, and until when they hold
	knownV *certificate.Version   // what they were verified by
}

func build(c Config, d security.Deps) (security.Definition, error) {
	files := certificate.Files{Certificate: c.Certificate, CA: c.CA}
	if path, ok := strings.CutPrefix(c.Key.Form(), "file:"); ok && c.Key.IsSet() {
		files.Key = path // so that a change of the file is seen
	} else if c.Key.IsSet() {
		plain, err := d.Reveal("key", c.Key)
		if err != nil {
			return nil, kind.Faults{{Path: "key", Message: err.Error()}}
		}
		files.Key = plain
		if !strings.Contains(plain, "-----BEGIN ") {
			return nil, kind.Faults{{Path: "key", Message: "it is no PEM; a file is named as file:/path"}}
		}
	}
	store, err := certificate.Open(fmt.Sprintf("%s %q", name, d.Name), files, d.Log)
	if err != nil {
		return nil, kind.Faults{{Message: err.Error()}}
	}
	c.Fingerprints = slices.Clone(c.Fingerprints)
	for i, one := range c.Fingerprints {
		c.Fingerprints[i] = plainDigits(one)
	}
	c.Key = kind.Secret{} // the store has it
	return &definition{config: c, name: d.Name, store: store}, nil
}

// Check looks at the certificate of the connection, or at the one that the cluster's own load-balancer was shown.
func (d *definition) Check(_ context.Context, req *service.Request) (*service.Principal, error) {
	if req.TLS == nil || len(req.TLS.PeerCertificates) == 0 || !d.verified(req.TLS) {
		return nil, security.Refused("parley-tls")
	}
	leaf := req.TLS.PeerCertificates[0]
	if !d.meets(leaf) {
		return nil, security.Refused("parley-tls")
	}
	return &service.Principal{Definition: d.name, Kind: name, Name: leaf.Subject.String(), Claims: claims(leaf)}, nil
}

// maxKnown bounds the memory of certificates that were verified, which costs some 100 microseconds.
const maxKnown = 1024

// verified says whether the certificate is of an authority that counts, and its time not over.
func (d *definition) verified(state *stdtls.ConnectionState) bool {
	v, now := d.store.Current(), time.Now()
	leaf := state.PeerCertificates[0]
	if v.CA == nil {
		return len(state.VerifiedChains) > 0 && !now.After(leaf.NotAfter)
	}
	digest := sha256.Sum256(leaf.Raw)
	d.mu.Lock()
	if d.knownV != v || len(d.known) >= maxKnown {
		d.known, d.knownV = map[[32]byte]time.Time{}, v
	}
	until, ok := d.known[digest]
	d.mu.Unlock()
	if ok {
		return !now.After(until)
	}
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: v.CA, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return false
	}
	until = leaf.NotAfter
	for _, c := range chains[0] {
		if c.NotAfter.Before(until) {
			until = c.NotAfter
		}
	}
	d.mu.Lock()
	if d.knownV == v {
		d.known[digest] = until
	}
	d.mu.Unlock()
	return true
}

// meets says whether the certificate meets the conditions.
func (d *definition) meets(c *x509.Certificate) bool {
	any := func(allowed []string, has ...string) bool {
		return len(allowed) == 0 || slices.ContainsFunc(has, func(one string) bool { return slices.Contains(allowed, one) })
	}
	return any(d.config.CommonNames, c.Subject.CommonName) && any(d.config.SANs, sans(c)...) &&
		any(d.config.Issuers, c.Issuer.CommonName, c.Issuer.String()) && any(d.config.Fingerprints, certificate.Fingerprint(c))
}

func sans(c *x509.Certificate) []string {
	out := slices.Concat(c.DNSNames, c.EmailAddresses)
	for _, ip := range c.IPAddresses {
		out = append(out, ip.String())
	}
	for _, uri := range c.URIs {
		out = append(out, uri.String())
	}
	return out
}

// claims is what services may want to know of a certificate.
func claims(c *x509.Certificate) *service.Object {
	names := []any{}
	for _, one := range sans(c) {
		names = append(names, one)
	}
	return service.ObjectOf("cn", c.Subject.CommonName, "subject", c.Subject.String(), "issuer", c.Issuer.String(),
		"serial", fmt.Sprintf("%x", c.SerialNumber), "fingerprint", certificate.Fingerprint(c), "sans", names,
		"not_after", c.NotAfter.UTC().Format(time.RFC3339))
}

// Sign has nothing to add to a request: what is shown is shown when the connection is made.
func (d *definition) Sign(context.Context, *http.Request, []byte) error {
	if d.config.Certificate == "" {
		return service.Errorf(service.Internal, "the security definition %q has no certificate to show; give it with its key", d.name)
	}
	return nil
}

// Client is base for a connection that is made now, with what the definition shows and whom it trusts. version is another
// one once files have changed.
func (d *definition) Client(base *stdtls.Config) (config *stdtls.Config, version any) {
	return d.store.Client(base), d.store.Current()
}

// Scheme describes the credentials for OpenAPI.
func (d *definition) Scheme() *service.Object { return service.ObjectOf("type", "mutualTLS") }
