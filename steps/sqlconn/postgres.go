package sqlconn

import (
	"database/sql/driver"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresSettings are libpq's, by their names.
type postgresSettings map[string]string

// postgresOptions are those of psycopg2 and psycopg, which are libpq's, and what asyncpg and pg8000 call otherwise.
func postgresOptions() setters[postgresSettings] {
	s := setters[postgresSettings]{
		"timeout": postgresNumber("connect_timeout"), "connect_timeout": postgresNumber("connect_timeout"),
		"dbname": postgresSetting("database"), "ssl": postgresTLS, "client_encoding": onlyUTF8[postgresSettings], "host": postgresHost,
	}
	for _, same := range []string{
		"application_name", "channel_binding", "database", "krbsrvname", "options", "passfile", "password", "port", "service", "sslcert", "sslkey",
		"sslmode", "sslnegotiation", "sslpassword", "sslrootcert", "sslsni", "target_session_attrs", "user",
	} {
		s[same] = postgresSetting(same)
	}
	for _, tuning := range []string{
		"gssencmode", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "prepare_threshold", "prepared_statement_cache_size",
		"statement_cache_size", "tcp_user_timeout",
	} {
		s[tuning] = nothing
	}
	return s
}

func postgresSetting(name string) func(*postgresSettings, string) error {
	return func(s *postgresSettings, value string) error {
		(*s)[name] = value
		return nil
	}
}

func postgresNumber(name string) func(*postgresSettings, string) error {
	return func(s *postgresSettings, value string) error {
		if _, err := strconv.Atoi(value); err != nil {
			return fmt.Errorf("%q is not a whole number of seconds", value)
		}
		(*s)[name] = value
		return nil
	}
}

// postgresHost is a host beside that before the database, or a folder with a UNIX socket. There may be several.
func postgresHost(s *postgresSettings, value string) error {
	host, port := value, ""
	if !strings.HasPrefix(value, "/") {
		var err error
		if host, port, err = splitHost(value); err != nil {
			return err
		}
	}
	if before, there := (*s)["host"]; there {
		host = before + "," + host
		if port != "" || strings.Contains((*s)["port"], ",") {
			port = (*s)["port"] + "," + port
		}
	}
	(*s)["host"] = host
	if port != "" {
		(*s)["port"] = port
	}
	return nil
}

// postgresTLS is asyncpg's ssl: true, or the name of a mode.
func postgresTLS(s *postgresSettings, value string) error {
	if on, err := truth(value); err == nil {
		value = map[bool]string{true: "require", false: "disable"}[on]
	}
	(*s)["sslmode"] = value
	return nil
}

func onlyUTF8[T any](_ *T, value string) error {
	switch strings.ToLower(strings.ReplaceAll(value, "-", "")) {
	case "utf8", "utf8mb4", "utf8mb3", "unicode", "auto":
		return nil
	}
	return fmt.Errorf("%q is not understood; texts are always in UTF-8", value)
}

func connectPostgres(a address) (driver.Connector, error) {
	s := postgresSettings{}
	for name, value := range map[string]string{"user": a.user, "host": a.host, "port": a.port, "database": a.database} {
		if value != "" {
			s[name] = value
		}
	}
	if err := postgresOptions().apply(&s, a.options); err != nil {
		return nil, err
	}
	password, given := s["password"]
	delete(s, "password") // what ParseConfig refuses, it shows
	if !given {
		password = a.password
	}
	var text strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for name, value := range s {
		fmt.Fprintf(&text, "%s='%s' ", name, escape.Replace(value))
	}
	config, err := pgx.ParseConfig(text.String())
	if err != nil {
		return nil, err
	}
	if password != "" {
		config.Password = password
	}
	// No statement is prepared ahead: between two steps, a table may become another one.
	config.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	return stdlib.GetConnector(*config), nil
}
