package rest

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/parley-run/parley/runtime/certificate"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
)

// checkTLS finds what is wrong with how the host is spoken to.
func (c Config) checkTLS(faults *kind.Faults) {
	t := c.TLS
	if problem := certificate.Check(t.CA); problem != "" {
		faults.Add("tls_ca", "%s", problem)
	}
	if problem := certificate.Check(t.Certificate); problem != "" {
		faults.Add("tls_certificate", "%s", problem)
	}
	if t.Key.IsSet() && t.Certificate == "" {
		faults.Add("tls_certificate", "missing; tls_key is of one")
	}
	if _, err := certificate.ParseVersion(t.MinVersion); err != nil {
		faults.Add("tls_min_version", "%s", err)
	}
	if t.InsecureSkipVerify && t.CA != "" {
		faults.Add("tls_insecure_skip_verify", "tls_ca says what the host's certificate must be of, and this not to look; keep one")
	}
	if strings.HasPrefix(c.Host, "http://") && (t.CA != "" || t.Certificate != "" || t.ServerName != "" || t.InsecureSkipVerify || c.HTTP2) {
		faults.Add("host", "it begins with http://, which has no TLS and no HTTP/2; write https://, or leave out http2 and what begins with tls_")
	}
}

// secure is how connections to the host are made.
type secure struct {
	base   *tls.Config
	store  *certificate.Store // nil: no files of its own
	signer outconn.Certified  // nil: the definition has nothing to do with TLS
}

func newSecure(cfg Config, d outconn.Deps) (*secure, error) {
	minimum, err := certificate.ParseVersion(cfg.MinVersion)
	if err != nil {
		return nil, kind.Faults{{Path: "tls_min_version", Message: err.Error()}}
	}
	s := &secure{base: &tls.Config{MinVersion: minimum, ServerName: cfg.ServerName, InsecureSkipVerify: cfg.InsecureSkipVerify}} //nolint:gosec // the key says so
	if cfg.InsecureSkipVerify && d.Log != nil {
		d.Log.Warn("tls_insecure_skip_verify is true: the host's certificate is not verified, and anybody in between can read and change what is sent",
			"outconn", d.Name, "host", cfg.Host)
	}
	files := certificate.Files{CA: cfg.CA, Certificate: cfg.Certificate}
	if path, ok := strings.CutPrefix(cfg.Key.Form(), "file:"); ok {
		files.Key = path // so that a change of the file is seen
	} else if cfg.Key.IsSet() {
		if files.Key, err = d.Reveal("tls_key", cfg.Key); err != nil {
			return nil, kind.Faults{{Path: "tls_key", Message: err.Error()}}
		}
		if !strings.Contains(files.Key, "-----BEGIN ") {
			return nil, kind.Faults{{Path: "tls_key", Message: "it is no PEM; a file is named as file:/path"}}
		}
	}
	if files.IsSet() {
		if s.store, err = certificate.Open(fmt.Sprintf("outconn %q", d.Name), files, d.Log); err != nil {
			return nil, kind.Faults{{Path: "tls", Message: err.Error()}}
		}
	}
	s.signer, _ = d.Signer.(outconn.Certified)
	if _, converses := d.Signer.(outconn.Conversing); converses && cfg.HTTP2 {
		return nil, kind.Faults{{Path: "http2", Message: "the security definition speaks HTTP/1.1 alone; leave http2 out"}}
	}
	return s, nil
}

// changes says whether what connections are made with may change.
func (s *secure) changes() bool { return s.store != nil || s.signer != nil }

// version is what connections are made with now; another value once it has changed.
func (s *secure) version() (v [2]any) {
	if s.store != nil {
		v[0] = s.store.Current()
	}
	if s.signer != nil {
		_, v[1] = s.signer.Client(s.base)
	}
	return v
}

// config is for connections of that moment. The connection's own files come before those of its definition.
func (s *secure) config() *tls.Config {
	c := s.base.Clone()
	if s.signer != nil {
		c, _ = s.signer.Client(c)
	}
	if s.store != nil {
		c = s.store.Client(c)
	}
	c.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	return c
}

// line is what calls go through. Once certificates have changed there is a new one, and the old one ends with the calls
// that are on it.
type line struct {
	http.RoundTripper
	version [2]any

	mu  sync.Mutex
	all []*http.Transport
}

func (c *conn) newLine() *line {
	l := &line{version: c.tls.version()}
	config := c.tls.config()
	conversing, ok := c.signer.(outconn.Conversing)
	if !ok {
		l.RoundTripper = l.add(newTransport(c.cfg, config))
		return l
	}
	l.RoundTripper = conversing.Transport(func() http.RoundTripper {
		t := newTransport(c.cfg, config)
		t.MaxConnsPerHost, t.MaxIdleConnsPerHost = 1, 1
		return l.add(t)
	})
	return l
}

func (l *line) add(t *http.Transport) *http.Transport {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, t)
	return t
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.all {
		t.CloseIdleConnections()
	}
}

// line is the one of now.
func (c *conn) line() *line {
	now := c.lines.Load()
	if !c.tls.changes() || now.version == c.tls.version() {
		return now
	}
	next := c.newLine()
	if !c.lines.CompareAndSwap(now, next) {
		return c.lines.Load()
	}
	now.close()
	return next
}
