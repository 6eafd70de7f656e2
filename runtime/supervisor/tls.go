package supervisor

import (
	"crypto/tls"
	"fmt"

	"github.com/parley-run/parley/runtime/balancer/haproxy"
	"github.com/parley-run/parley/runtime/certificate"
	"github.com/parley-run/parley/runtime/folder"
)

// secured is what the load-balancer has of TLS.
type secured struct {
	front   *certificate.Served // nil: clients call http, or HAProxy has it
	servers func() *tls.Config  // for a connection to a server with TLS; nil: the system's authorities
	proof   string              // shown to servers with a client's certificate
}

// openTLS reads the certificates that cluster.yaml names.
func openTLS(d Deps) (secured, error) {
	var s secured
	f := d.Folder
	b := f.Cluster.Balancer
	var err error
	if l := f.Listener(b.TLS); l != nil && b.Kind != folder.HAProxyBalancer && b.Kind != folder.ExternalBalancer {
		if s.front, err = l.Open("the load-balancer", d.Log); err != nil {
			return s, err
		}
		token, err := f.Token()
		if err != nil {
			return s, err
		}
		s.proof = certificate.Proof(token)
	}
	if files, name := f.ServersTLS(), b.ServersTLS.ServerName; files.IsSet() || name != "" {
		store, err := certificate.Open("the load-balancer towards servers", files, d.Log)
		if err != nil {
			return s, fmt.Errorf("balancer.servers_tls: %w", err)
		}
		base := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: name}
		s.servers = func() *tls.Config { return store.Client(base) }
	}
	return s, nil
}

// haproxyTLS is the part of HAProxy's configuration that is of TLS.
func haproxyTLS(f *folder.Folder, c *haproxy.Config) error {
	front, servers := f.FrontTLS(), f.ServersTLS()
	c.Certificate, c.Key, c.MinVersion = front.Certificate, front.Key, front.MinVersion
	c.ServersTLS = haproxy.ServersTLS{
		CA: servers.CA, Certificate: servers.Certificate, Key: servers.Key, ServerName: f.Cluster.Balancer.ServersTLS.ServerName,
	}
	auth := certificate.Listener{Files: certificate.Files{CA: front.ClientCA}, ClientAuth: certificate.ClientAuth(front.ClientAuth)}.Auth()
	if auth == certificate.NoClientAuth {
		return nil
	}
	token, err := f.Token()
	if err != nil {
		return err
	}
	c.ClientCA, c.ClientMust, c.Proof = front.ClientCA, auth == certificate.RequireClientAuth, certificate.Proof(token)
	return nil
}

// certificates are the files that HAProxy has loaded.
func (m managed) certificates() ([]*certificate.Store, error) {
	front := m.d.Folder.FrontTLS()
	var out []*certificate.Store
	for _, one := range []struct {
		what  string
		files certificate.Files
	}{
		{"the load-balancer", certificate.Files{Certificate: front.Certificate, Key: front.Key, CA: front.ClientCA}},
		{"the load-balancer towards servers", m.d.Folder.ServersTLS()},
	} {
		if !one.files.IsSet() {
			continue
		}
		store, err := certificate.Open(one.what, one.files, m.d.Log)
		if err != nil {
			return nil, err
		}
		out = append(out, store)
	}
	return out, nil
}
