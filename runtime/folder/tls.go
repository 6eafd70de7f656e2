package folder

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"slices"

	"github.com/parley-run/parley/runtime/certificate"
)

// TLS is how a listener serves https. Paths begin at the cluster's folder. What changes in the files is taken in while the
// listener serves.
type TLS struct {
	Certificate string `yaml:"certificate"` // PEM file, with those of the authorities between it and the root behind it
	Key         string `yaml:"key"`         // PEM file; empty: it is in that of the certificate
	ClientCA    string `yaml:"client_ca"`   // PEM file of the authorities that clients' certificates are of
	ClientAuth  string `yaml:"client_auth"` // none, request or require; empty: request where client_ca is given, else none
	MinVersion  string `yaml:"min_version"` // 1.2, which "" means too, or 1.3
}

// IsSet says whether the listener serves https.
func (t TLS) IsSet() bool { return t != TLS{} }

// ServersTLS is how the load-balancer calls servers that serve https. Paths begin at the cluster's folder.
type ServersTLS struct {
	CA          string `yaml:"ca"`          // PEM file of the authorities that the servers' certificates are of; empty: those that the system trusts
	Certificate string `yaml:"certificate"` // PEM file of what it shows to servers that ask for a certificate
	Key         string `yaml:"key"`         // PEM file; empty: it is in that of the certificate
	ServerName  string `yaml:"server_name"` // the name that the servers' certificates must have; empty: the host of each one's address
}

// FrontTLS is the TLS of the balancer, with absolute paths; of a HAProxy also where only its certificate is given.
func (f *Folder) FrontTLS() TLS {
	t := f.Cluster.Balancer.TLS
	if old := f.Cluster.Balancer.HAProxy.Certificate; old != "" {
		t.Certificate = old
	}
	return f.absolute(t)
}

// Listener is the TLS of a server, or nil where it serves http.
func (f *Folder) Listener(t TLS) *certificate.Listener {
	if !t.IsSet() {
		return nil
	}
	l := f.absolute(t).listener()
	return &l
}

func (t TLS) listener() certificate.Listener {
	return certificate.Listener{
		Files:      certificate.Files{Certificate: t.Certificate, Key: t.Key, CA: t.ClientCA},
		ClientAuth: certificate.ClientAuth(t.ClientAuth), MinVersion: t.MinVersion,
	}
}

// AdminTLS is how to call the admin API at address; nil: by http.
func (f *Folder) AdminTLS(address string) *tls.Config {
	a := f.Cluster.Admin
	if !a.TLS.IsSet() && a.CA == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	return certificate.Ours(host, f.path(a.TLS.Certificate), f.path(a.CA))
}

// ServersTLS are the files by which the balancer calls servers, with absolute paths.
func (f *Folder) ServersTLS() certificate.Files {
	t := f.Cluster.Balancer.ServersTLS
	return certificate.Files{Certificate: f.path(t.Certificate), Key: f.path(t.Key), CA: f.path(t.CA)}
}

// HasTLS says whether any server serves https.
func (c *Cluster) HasTLS() bool {
	return slices.ContainsFunc(c.Servers, func(s Server) bool { return s.TLS.IsSet() })
}

func (f *Folder) absolute(t TLS) TLS {
	t.Certificate, t.Key, t.ClientCA = f.path(t.Certificate), f.path(t.Key), f.path(t.ClientCA)
	return t
}

// TLSDir is where quickstart keeps the cluster's own authority and the certificates of it.
func (f *Folder) TLSDir() string { return filepath.Join(f.Dir, "tls") }
