package certificate

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

// ClientAuth says whether clients show a certificate.
type ClientAuth string

// What clients may be asked for. The authority is always Files.CA.
const (
	NoClientAuth      ClientAuth = "none"
	RequestClientAuth ClientAuth = "request" // a certificate that is shown must be of the authority
	RequireClientAuth ClientAuth = "require" // who shows none is not talked to
)

// Listener is a TLS listener's configuration: HTTP/2 and HTTP/1.1 by ALPN.
type Listener struct {
	Files      Files
	ClientAuth ClientAuth // empty: request where Files.CA is given, else none
	MinVersion string     // 1.2, which "" means too, or 1.3
}

// Check finds what is wrong with the values, each behind its key. Files are not looked at.
func (l Listener) Check() map[string]string {
	out := map[string]string{}
	if l.Files.Certificate == "" {
		out["certificate"] = "the path of a PEM file is missing"
	}
	switch {
	case !slices.Contains([]ClientAuth{"", NoClientAuth, RequestClientAuth, RequireClientAuth}, l.ClientAuth):
		out["client_auth"] = fmt.Sprintf("expected none, request or require, not %q", string(l.ClientAuth))
	case l.Asks() && l.Files.CA == "":
		out["client_ca"] = fmt.Sprintf("client_auth: %s needs the authority that clients' certificates are of", string(l.ClientAuth))
	case l.ClientAuth == NoClientAuth && l.Files.CA != "":
		out["client_ca"] = "client_auth: none asks clients for no certificate; leave it out, or write client_auth: request or require"
	}
	if _, err := ParseVersion(l.MinVersion); err != nil {
		out["min_version"] = err.Error()
	}
	return out
}

// Asks says whether clients are asked for a certificate.
func (l Listener) Asks() bool { return l.Auth() != NoClientAuth }

// Auth is ClientAuth with the default filled in.
func (l Listener) Auth() ClientAuth {
	switch {
	case l.ClientAuth != "":
		return l.ClientAuth
	case l.Files.CA != "":
		return RequestClientAuth
	}
	return NoClientAuth
}

// Served is a listener's TLS while it serves. Each handshake is made with what the files hold by then; connections that are
// there already stay.
type Served struct {
	Listener
	store   *Store
	minimum uint16
	log     *slog.Logger
	last    atomic.Pointer[served]
}

// served is one configuration for all connections of a version: it holds the keys that sessions are resumed by, and no
// session of before a change may be.
type served struct {
	of     *Version
	config *tls.Config
}

// Open reads the files of what, such as `server "server1"`, whose errors name them.
func (l Listener) Open(what string, log *slog.Logger) (*Served, error) {
	for key, problem := range l.Check() {
		return nil, fmt.Errorf("TLS of %s: %s: %s", what, key, problem)
	}
	store, err := Open(what, l.Files, log)
	if err != nil {
		return nil, fmt.Errorf("TLS of %s: %w", what, err)
	}
	minimum, err := ParseVersion(l.MinVersion)
	return &Served{Listener: l, store: store, minimum: minimum, log: log}, err
}

// Run looks at the files until ctx ends, and reads them at once on SIGHUP.
func (s *Served) Run(ctx context.Context) {
	s.store.Watch(ctx, nil)
}

// Config is for a listener: HTTP/2 and HTTP/1.1 by ALPN.
func (s *Served) Config() *tls.Config {
	return &tls.Config{MinVersion: s.minimum, NextProtos: protocols(), GetConfigForClient: s.forClient}
}

// Prepare has server use TLS, where s is not nil. Handshakes that failed are logged with their reason.
func (s *Served) Prepare(server *http.Server) {
	if s == nil {
		return
	}
	server.TLSConfig = s.Config()
	server.ErrorLog = log.New(handshakes{s.log}, "", 0)
}

// handshakes passes on what net/http says, but for connections that somebody only opened and closed.
type handshakes struct{ log *slog.Logger }

func (h handshakes) Write(p []byte) (int, error) {
	text := strings.TrimSpace(string(p))
	if why, ok := strings.CutPrefix(text, "http: TLS handshake error from "); ok {
		if !strings.HasSuffix(why, ": EOF") && !strings.HasSuffix(why, "connection reset by peer") {
			h.log.Info("TLS handshake failed", "err", why)
		}
		return len(p), nil
	}
	h.log.Warn("http server", "err", text)
	return len(p), nil
}

func protocols() []string { return []string{"h2", "http/1.1"} }

func (s *Served) forClient(*tls.ClientHelloInfo) (*tls.Config, error) {
	v := s.store.Current()
	if last := s.last.Load(); last != nil && last.of == v {
		return last.config, nil
	}
	next := &served{v, s.config(v, s.minimum)}
	s.last.Store(next)
	return next.config, nil
}

func (l Listener) config(v *Version, minimum uint16) *tls.Config {
	c := &tls.Config{
		MinVersion: minimum, NextProtos: protocols(),
		Certificates: []tls.Certificate{*v.Certificate}, ClientCAs: v.CA,
	}
	switch l.Auth() {
	case RequestClientAuth:
		c.ClientAuth = tls.VerifyClientCertIfGiven
	case RequireClientAuth:
		c.ClientAuth = tls.RequireAndVerifyClientCert
	case NoClientAuth:
	}
	return c
}
