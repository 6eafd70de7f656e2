package haproxy

import (
	"os"
	"path/filepath"

	"github.com/parley-run/parley/runtime/certificate"
)

// The files that certificates and their keys are put together in: HAProxy takes both from one.
const (
	frontFile   = "haproxy-front.pem"
	serversFile = "haproxy-servers.pem"
)

// joined is c with each certificate and its key in one file of dir.
func (c Config) joined(dir string) Config {
	if c.Key != "" {
		c.Certificate, c.Key = filepath.Join(dir, frontFile), ""
	}
	if c.ServersTLS.Key != "" {
		c.ServersTLS.Certificate, c.ServersTLS.Key = filepath.Join(dir, serversFile), ""
	}
	return c
}

// Join is c with each certificate and its key in one file of dir, which it writes once they fit together. Where they are
// in one file already, that is used.
func (c Config) Join(dir string) (Config, error) {
	for _, one := range []struct {
		name  string
		files certificate.Files
	}{
		{frontFile, certificate.Files{Certificate: c.Certificate, Key: c.Key}},
		{serversFile, certificate.Files{Certificate: c.ServersTLS.Certificate, Key: c.ServersTLS.Key}},
	} {
		if one.files.Key == "" {
			continue
		}
		if _, err := one.files.Load(); err != nil {
			return c, err
		}
		if err := join(filepath.Join(dir, one.name), one.files.Certificate, one.files.Key); err != nil {
			return c, err
		}
	}
	return c.joined(dir), nil
}

func join(path string, parts ...string) error {
	var text []byte
	for _, part := range parts {
		raw, err := os.ReadFile(part)
		if err != nil {
			return err
		}
		text = append(append(text, raw...), '\n')
	}
	next := path + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
