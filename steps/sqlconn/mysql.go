package sqlconn

import (
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

type mysqlSettings struct {
	config        *mysql.Config
	ca, cert, key string // files
	withTLS       bool
	anyName       bool // the certificate may be another host's
	anyone        bool // the certificate may be nobody's
}

// mysqlOptions are those of PyMySQL, mysqlclient, asyncmy and MySQL Connector that say more than how Python is to behave.
func mysqlOptions() setters[mysqlSettings] {
	s := setters[mysqlSettings]{
		"charset":            onlyUTF8[mysqlSettings],
		"collation":          func(s *mysqlSettings, v string) error { s.config.Collation = v; return nil },
		"unix_socket":        func(s *mysqlSettings, v string) error { s.config.Net, s.config.Addr = "unix", v; return nil },
		"user":               func(s *mysqlSettings, v string) error { s.config.User = v; return nil },
		"password":           func(s *mysqlSettings, v string) error { s.config.Passwd = v; return nil },
		"connect_timeout":    mysqlSeconds(func(c *mysql.Config) *time.Duration { return &c.Timeout }),
		"read_timeout":       mysqlSeconds(func(c *mysql.Config) *time.Duration { return &c.ReadTimeout }),
		"write_timeout":      mysqlSeconds(func(c *mysql.Config) *time.Duration { return &c.WriteTimeout }),
		"sql_mode":           mysqlVariable("sql_mode"),
		"time_zone":          mysqlVariable("time_zone"),
		"ssl":                mysqlTruth(func(s *mysqlSettings, on bool) { s.withTLS = on }),
		"ssl_disabled":       mysqlTruth(func(s *mysqlSettings, on bool) { s.withTLS = !on }),
		"ssl_ca":             mysqlFile(func(s *mysqlSettings) *string { return &s.ca }),
		"ssl_cert":           mysqlFile(func(s *mysqlSettings) *string { return &s.cert }),
		"ssl_key":            mysqlFile(func(s *mysqlSettings) *string { return &s.key }),
		"ssl_check_hostname": mysqlTruth(func(s *mysqlSettings, on bool) { s.anyName = !on }),
		"ssl_verify_cert":    mysqlTruth(func(s *mysqlSettings, on bool) { s.anyone = !on }),
		"ssl_mode":           mysqlMode,
	}
	for _, python := range []string{"autocommit", "binary_prefix", "local_infile", "use_pure", "use_unicode"} {
		s[python] = nothing
	}
	return s
}

func mysqlSeconds(field func(*mysql.Config) *time.Duration) func(*mysqlSettings, string) error {
	return func(s *mysqlSettings, value string) error {
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil || seconds < 0 {
			return fmt.Errorf("%q is not a number of seconds", value)
		}
		*field(s.config) = time.Duration(seconds * float64(time.Second))
		return nil
	}
}

func mysqlVariable(name string) func(*mysqlSettings, string) error {
	return func(s *mysqlSettings, value string) error {
		if s.config.Params == nil {
			s.config.Params = map[string]string{}
		}
		s.config.Params[name] = "'" + strings.ReplaceAll(value, "'", "''") + "'"
		return nil
	}
}

func mysqlTruth(set func(*mysqlSettings, bool)) func(*mysqlSettings, string) error {
	return func(s *mysqlSettings, value string) error {
		on, err := truth(value)
		set(s, on)
		return err
	}
}

func mysqlFile(field func(*mysqlSettings) *string) func(*mysqlSettings, string) error {
	return func(s *mysqlSettings, value string) error {
		*field(s), s.withTLS = value, true
		return nil
	}
}

// mysqlMode is ssl_mode, by the names of MySQL's own clients.
func mysqlMode(s *mysqlSettings, value string) error {
	switch mode := strings.ToUpper(value); mode {
	case "DISABLED":
		s.withTLS = false
	case "PREFERRED", "REQUIRED":
		s.withTLS, s.anyone = true, true
		s.config.AllowFallbackToPlaintext = mode == "PREFERRED"
	case "VERIFY_CA", "VERIFY_IDENTITY":
		s.withTLS, s.anyName = true, mode == "VERIFY_CA"
	default:
		return fmt.Errorf("%q is none of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY", value)
	}
	return nil
}

func connectMySQL(a address) (driver.Connector, error) {
	config := mysql.NewConfig()
	config.User, config.Passwd, config.DBName, config.Net = a.user, a.password, a.database, "tcp"
	config.Addr = net.JoinHostPort(orElse(a.host, "localhost"), orElse(a.port, "3306"))
	config.Collation = "utf8mb4_general_ci" // every MySQL and MariaDB has it
	config.Logger = &mysql.NopLogger{}
	s := mysqlSettings{config: config}
	if err := mysqlOptions().apply(&s, a.options); err != nil {
		return nil, err
	}
	if s.withTLS {
		var err error
		if config.TLS, err = s.tls(a.host); err != nil {
			return nil, err
		}
	}
	return mysql.NewConnector(config)
}

// tls is how the server is known, and how it knows us. Without a file of authorities those of the system count.
func (s *mysqlSettings) tls(host string) (*tls.Config, error) {
	config := &tls.Config{ServerName: orElse(host, "localhost"), InsecureSkipVerify: s.anyone || s.anyName, MinVersion: tls.VersionTLS12}
	if s.ca != "" {
		raw, err := os.ReadFile(s.ca)
		if err != nil {
			return nil, fmt.Errorf("the option ssl_ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(raw) {
			return nil, fmt.Errorf("the option ssl_ca: %s has no certificate in PEM form", s.ca)
		}
	}
	if s.anyName && !s.anyone {
		config.VerifyConnection = func(state tls.ConnectionState) error { return issued(state.PeerCertificates, config.RootCAs) }
	}
	if (s.cert == "") != (s.key == "") {
		return nil, errors.New("the options ssl_cert and ssl_key belong together")
	}
	if s.cert != "" {
		pair, err := tls.LoadX509KeyPair(s.cert, s.key)
		if err != nil {
			return nil, fmt.Errorf("the options ssl_cert and ssl_key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// issued says whether a certificate comes from one of the authorities; the first of chain is the server's.
func issued(chain []*x509.Certificate, authorities *x509.CertPool) error {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: authorities, Intermediates: between})
	return err
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
