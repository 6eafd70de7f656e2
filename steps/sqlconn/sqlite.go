package sqlconn

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"modernc.org/sqlite"
)

// sqliteTimeout is how long a database that somebody else writes to is waited for, in seconds: Python's own.
const sqliteTimeout = 5.0

type sqliteSettings struct {
	timeout float64
	uri     bool
	query   url.Values // of SQLite's own URI
}

// sqliteOptions are those of Python's sqlite3, and with uri=true those of SQLite's URIs.
func sqliteOptions() setters[sqliteSettings] {
	s := setters[sqliteSettings]{
		"timeout": func(s *sqliteSettings, value string) (err error) {
			if s.timeout, err = strconv.ParseFloat(value, 64); err != nil || s.timeout < 0 {
				return fmt.Errorf("%q is not a number of seconds", value)
			}
			return nil
		},
		"uri": func(s *sqliteSettings, value string) (err error) {
			s.uri, err = truth(value)
			return err
		},
	}
	for _, own := range []string{"cache", "immutable", "mode", "modeof", "nolock", "psow", "vfs"} {
		s[own] = func(s *sqliteSettings, value string) error {
			s.query.Set(own, value)
			return nil
		}
	}
	for _, python := range []string{"cached_statements", "check_same_thread", "isolation_level"} {
		s[python] = nothing
	}
	return s
}

func connectSQLite(a address) (driver.Connector, error) {
	if a.host != "" || a.user != "" || a.port != "" {
		return nil, errors.New("a SQLite database is on no host; write sqlite:///relative/path.db, sqlite:////absolute/path.db or sqlite:// for one in memory")
	}
	s := sqliteSettings{timeout: sqliteTimeout, query: url.Values{}}
	if err := sqliteOptions().apply(&s, a.options); err != nil {
		return nil, err
	}
	if len(s.query) > 0 && !s.uri {
		return nil, errors.New("the options mode, cache and the like belong to sqlite:///file:path?uri=true")
	}
	s.query.Set("_pragma", fmt.Sprintf("busy_timeout(%d)", int(s.timeout*1000)))
	if s.uri {
		return sqlite.NewConnector("file:" + strings.TrimPrefix(a.database, "file:") + "?" + s.query.Encode())
	}
	// A path is taken as it is: what would begin something else in a URI is written otherwise.
	name := strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23").Replace(orElse(a.database, ":memory:"))
	return sqlite.NewConnector("file:" + name + "?" + s.query.Encode())
}
