package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/certificate"
)

// What lets in at --address.
const (
	tokenVariable    = "PARLEY_ADMIN_TOKEN"
	passwordVariable = "PARLEY_ADMIN_PASSWORD"
)

// callAt invokes an internal service of the process that --address names.
func (o *options) callAt(ctx context.Context, name string, in, out any) error {
	if o.remote == nil {
		remote, err := o.dialAddress()
		if err != nil {
			return usage(err)
		}
		o.remote = remote
	}
	return o.remote.Call(ctx, name, in, out)
}

// dialAddress is a client of the process that --address names, for the user of --user or whoever has the token.
func (o *options) dialAddress() (*admin.Client, error) {
	address, secured, err := o.secured()
	if err != nil {
		return nil, err
	}
	if o.user != "" {
		password, err := secretVariable(passwordVariable)
		if err == nil && password == "" {
			err = fmt.Errorf("--user needs the user's password: set %s, or %s%s to the path of a file with it", passwordVariable, passwordVariable, fileSuffix)
		}
		return admin.NewClient(address, "").LoggedIn(o.user, password).Secured(secured), err
	}
	token, err := secretVariable(tokenVariable)
	if err == nil && token == "" {
		err = fmt.Errorf("--address needs the cluster's token, which is in admin.token of its folder: set %s, or %s%s to the path of a file with it; or log in with --user NAME",
			tokenVariable, tokenVariable, fileSuffix)
	}
	return admin.NewClient(address, token).Secured(secured), err
}

// secured takes --address apart: host:port, and how to speak TLS with it; nil: not at all.
func (o *options) secured() (address string, config *tls.Config, err error) {
	scheme, address, has := strings.Cut(o.address, "://")
	if !has {
		scheme, address = "http", o.address
	}
	address = strings.TrimSuffix(address, "/")
	host, _, err := net.SplitHostPort(address)
	if err != nil || scheme != "http" && scheme != "https" {
		return "", nil, fmt.Errorf("--address: expected the host:port of an admin API, such as 127.0.0.1:18010, or https://host:port where it has TLS, not %q", o.address)
	}
	if scheme == "http" {
		if o.ca != "" {
			return "", nil, errors.New("--ca is of an address with TLS: write --address https://" + address)
		}
		return address, nil, nil
	}
	config = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if o.ca == "" {
		return address, config, nil
	}
	m, err := certificate.Files{CA: o.ca}.Load()
	if err != nil {
		return "", nil, fmt.Errorf("--ca: %w", err)
	}
	config.RootCAs = m.CA
	return address, config, nil
}

// secretVariable is the value of a variable of the environment, or what the file holds that is named by the variable with _FILE
// behind its name.
func secretVariable(name string) (string, error) {
	file := os.Getenv(name + fileSuffix)
	if value := os.Getenv(name); value != "" || file == "" {
		return value, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s%s: %w", name, fileSuffix, err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// statusAt prints what the servers of the cluster at --address have told it.
func (o *options) statusAt(c *cobra.Command) error {
	status := clusterStatus{Running: true, Servers: []serverStatus{}}
	if err := o.callAt(c.Context(), "parley.cluster.members", struct{}{}, &status.Elsewhere); err != nil {
		return err
	}
	for _, s := range status.Elsewhere {
		status.Revision = max(status.Revision, s.Revision)
	}
	status.Differ = differing(nil, status.Elsewhere)
	return o.print(c, status, func(w io.Writer) {
		line(w, "The cluster at %s is running, at revision %d", o.address, status.Revision)
		writeElsewhere(w, "SERVER", status.Elsewhere)
		for _, one := range status.Differ {
			line(w, "  %s", one)
		}
	})
}
