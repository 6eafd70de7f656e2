package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/node"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/supervisor"
	"github.com/parley-run/parley/spelling"
)

// serving is what parley serve is told, by flags or the environment.
type serving struct {
	dir, config string
	patience    time.Duration
	alone       folder.Alone
}

// setting is one of parley serve: a flag, and an environment variable that is used where the flag is not given.
type setting struct {
	flag, variable string
	value          *string
	fallback       string
	doc            string
}

func (s *serving) settings() []setting {
	host, err := os.Hostname()
	if err != nil || folder.CheckServerName(host) != nil {
		host = "server1"
	}
	return []setting{
		{"cluster", "PARLEY_CLUSTER", &s.alone.Cluster, "parley", "name of the cluster, the same on all its servers"},
		{"name", "PARLEY_SERVER", &s.alone.Server, host, "name of this server, which no other of the cluster has (default: the host's)"},
		{"address", "PARLEY_ADDRESS", &s.alone.Address, "0.0.0.0:17010", "host:port that clients and load-balancers call"},
		{"admin-address", "PARLEY_ADMIN_ADDRESS", &s.alone.Admin, "127.0.0.1:18010", "host:port of the admin API; on another than the loopback interface only with --admin-tls-certificate and --admin-password"},
		{"database", "PARLEY_DATABASE", &s.alone.DatabaseURL, "", "PostgreSQL that the servers share, such as postgres://user:password@host:5432/name; empty: files in --dir"},
		{"redis", "PARLEY_REDIS", &s.alone.RedisURL, "", "Redis that the servers share, such as redis://host:6379/0; empty: an embedded one"},
		{"embedded-redis", "PARLEY_EMBEDDED_REDIS", &s.alone.Embedded, "127.0.0.1:16379", "host:port of the embedded Redis, where --redis names none"},
		{"admin-tls-certificate", "PARLEY_ADMIN_TLS_CERTIFICATE", &s.alone.AdminTLS.Certificate, "", "PEM file, or PEM: the admin API is called by https; empty: by http, and on the loopback interface alone"},
		{"admin-tls-key", "PARLEY_ADMIN_TLS_KEY", &s.alone.AdminTLS.Key, "", "PEM file, or PEM, of its key; empty: it is with the certificate"},
		{"admin-token", "PARLEY_ADMIN_TOKEN", &s.alone.Token, "", "bearer token of the admin API, 32 characters or more; empty: one is made and kept in --dir"},
		{"admin-password", "PARLEY_ADMIN_PASSWORD", &s.alone.Password, "", "password of the user admin; empty: the token alone lets in"},
		{"trusted-proxies", "PARLEY_TRUSTED_PROXIES", &s.alone.Proxies, "", "addresses and networks of load-balancers, such as 10.0.0.0/8: their X-Forwarded-For is believed; empty: this machine's"},
		{"areas-off", "PARLEY_AREAS_OFF", &s.alone.Off, "", "areas that are neither loaded nor listed, such as metrics,stats (docs/admin-api.md)"},
		{"tls-certificate", "PARLEY_TLS_CERTIFICATE", &s.alone.TLS.Certificate, "", "PEM file: clients and load-balancers call https; empty: http"},
		{"tls-key", "PARLEY_TLS_KEY", &s.alone.TLS.Key, "", "PEM file of its key; empty: it is in the certificate's file"},
		{"tls-client-ca", "PARLEY_TLS_CLIENT_CA", &s.alone.TLS.ClientCA, "", "PEM file of the authorities that clients' certificates are of"},
		{"tls-client-auth", "PARLEY_TLS_CLIENT_AUTH", &s.alone.TLS.ClientAuth, "", "none, request or require a certificate of clients"},
		{"compat", "PARLEY_COMPAT", &s.alone.Compat, "", `"zato" answers clients with the names they know from Zato`},
		{"config", "PARLEY_CONFIG", &s.config, "/etc/parley", "folder whose *.yaml are imported and whose services/*.star are deployed at the start"},
	}
}

// fileSuffix makes another variable of a setting's: it names a file that holds the value, as secrets are given to containers.
const fileSuffix = "_FILE"

// serveCommand runs one server without a supervisor.
func serveCommand(o *options) *cobra.Command {
	var s serving
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run one server in the foreground, without a supervisor, as containers do",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			warnUnknown(s.settings(), o.stderr)
			if err := s.fromEnvironment(c); err != nil {
				return usage(err)
			}
			s.dir = o.dir
			if s.dir == "" {
				s.dir = os.Getenv("PARLEY_DIR")
			}
			if s.dir == "" {
				return usage(errors.New("where may this server keep what it has to? give a folder with --dir or PARLEY_DIR"))
			}
			return s.run(c.Context(), c.OutOrStdout())
		},
	}
	var doc strings.Builder
	doc.WriteString("Run one server in the foreground, without a supervisor, as containers do. It makes a cluster with all servers of the same --cluster,\n" +
		"--database and --redis. Before it is ready it imports and deploys what --config holds, unless it did so at an earlier start.\n\n" +
		"Each flag can be given as an environment variable, or as the path of a file in that variable's name with " + fileSuffix + " behind:\n")
	for _, one := range s.settings() {
		c.Flags().StringVar(one.value, one.flag, one.fallback, one.doc)
		fmt.Fprintf(&doc, "\n  --%-21s %s", one.flag, one.variable)
	}
	c.Flags().DurationVar(&s.patience, "patience", time.Minute, "how long the start waits for a database that is away")
	c.Long = doc.String()
	return c
}

// fromEnvironment takes what no flag says.
func (s *serving) fromEnvironment(c *cobra.Command) error {
	var faults []error
	for _, one := range s.settings() {
		value, given := os.LookupEnv(one.variable)
		file, inFile := os.LookupEnv(one.variable + fileSuffix)
		switch {
		case c.Flags().Changed(one.flag):
			continue
		case given && inFile && value != "" && file != "":
			faults = append(faults, fmt.Errorf("both %s and %s%s are set; keep one", one.variable, one.variable, fileSuffix))
		case inFile && file != "":
			raw, err := os.ReadFile(file)
			if err != nil {
				faults = append(faults, fmt.Errorf("%s%s: %w", one.variable, fileSuffix, err))
			}
			*one.value = strings.TrimRight(string(raw), "\r\n")
		case given && value != "":
			*one.value = value
		}
	}
	return errors.Join(faults...)
}

// warnUnknown names variables that are spelled almost like one of ours. Others begin with PARLEY_ too: Kubernetes sets some
// for each of its services.
func warnUnknown(settings []setting, out io.Writer) {
	known := []string{"PARLEY_DIR"}
	for _, one := range settings {
		known = append(known, one.variable)
	}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		plain := strings.TrimSuffix(name, fileSuffix)
		near := spelling.Nearest(plain, known)
		words := strings.Trim(strings.TrimPrefix(plain, "PARLEY_"), "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
		if strings.HasPrefix(name, "PARLEY_") && words && near != "" && near != plain && max(len(plain)-len(near), len(near)-len(plain)) < 5 {
			line(out, "parley: the variable %s is not known; is %s meant?", name, near)
		}
	}
}

// tlsPaths makes the paths of TLS begin where the command was given.
func (s *serving) tlsPaths() error {
	t, own := &s.alone.TLS, &s.alone.AdminTLS
	for _, path := range []*string{&t.Certificate, &t.Key, &t.ClientCA, &own.Certificate, &own.Key} {
		isPEM := strings.Contains(*path, "-----BEGIN ")
		if isPEM && (path == &own.Certificate || path == &own.Key) {
			continue // the folder keeps it
		}
		if isPEM {
			return errors.New("the settings of TLS are paths of PEM files, and one of them is PEM itself; name its file without " + fileSuffix)
		}
		if *path == "" {
			continue
		}
		var err error
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	return nil
}

// run runs the server until ctx ends.
func (s *serving) run(ctx context.Context, out io.Writer) (err error) {
	if err := s.tlsPaths(); err != nil {
		return usage(err)
	}
	f, err := folder.OpenAlone(s.dir, s.alone)
	if err != nil {
		return usage(err)
	}
	brought, err := node.ReadBrought(s.config)
	if err != nil {
		return usage(err)
	}
	if s.alone.RedisURL == "" {
		redis, err := supervisor.StartRedis(s.alone.Embedded, f.RedisFile(), slog.New(slog.NewTextHandler(out, nil))) //nolint:contextcheck // it only reads a file
		if err != nil {
			return err
		}
		defer func() { //nolint:contextcheck // ctx has ended when it is saved
			if closed := redis.Close(); closed != nil {
				err = errors.Join(err, fmt.Errorf("embedded Redis is not saved: %w", closed))
			}
		}()
	}
	err = node.ServeConfig(ctx, node.Config{Folder: f, Server: s.alone.Server, Brought: brought, Patience: s.patience}, out)
	var refused *service.Error
	if errors.As(err, &refused) && refused.Code == service.Invalid {
		return usage(err)
	}
	return err
}
