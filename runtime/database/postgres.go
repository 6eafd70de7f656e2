package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// How long PostgreSQL is waited for, unless the URL says otherwise.
const (
	patience       = 3 * time.Second // for an answer
	connectTimeout = 2 * time.Second // for a connection to each of its hosts
	// idleInTransaction is how long PostgreSQL itself waits for a server in the midst of a transaction, such as one
	// that was paused: it holds locks.
	idleInTransaction = "5s"
	connectionMost    = 30 * time.Minute // that one is used: after a failover, connections find the new host
	connectionIdle    = time.Minute      // that one is kept unused
	// migrationLock is how long a change of the schema waits for those who use a table, while all others wait behind it.
	migrationLock = "2s"
)

// OpenPostgres is the database at url, such as postgres://user:password@host:5432/name, with all that libpq's URLs and
// environment variables know. No connection is made yet: the database may be away. The tables are made, or brought to
// the newest version, when it is first used.
func OpenPostgres(url string, o Options) (*DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err // it names the fault and masks the password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	// A peer that vanished without a word is found out.
	config.DialFunc = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}).DialContext
	defaults := map[string]string{"application_name": "parley", "idle_in_transaction_session_timeout": idleInTransaction}
	if !o.Durable {
		defaults["synchronous_commit"] = "off"
	}
	for name, value := range defaults {
		if _, given := config.RuntimeParams[name]; !given {
			config.RuntimeParams[name] = value
		}
	}
	o.Tables = nil // all
	// A restart of PostgreSQL leaves dead connections in the pool: each is asked before it is used, so that none of them
	// fails a change.
	options := []stdlib.OptionOpenDB{stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return true })}
	if _, given := config.RuntimeParams["synchronous_commit"]; !given {
		options = append(options, stdlib.OptionAfterConnect(hold))
	}
	d := newDB(stdlib.OpenDB(*config, options...), postgresDialect(), whereOf(config), o)
	d.config = config
	d.SetConnMaxLifetime(connectionMost)
	d.SetConnMaxIdleTime(connectionIdle)
	return d, nil
}

// hold makes commits wait for the disk where the server's own configuration would not let them.
func hold(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT set_config('synchronous_commit', 'on', FALSE) WHERE current_setting('synchronous_commit') = 'off'")
	return err
}

func postgresDialect() Dialect {
	return Dialect{
		Now:      "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
		goose:    goose.DialectPostgres,
		begin:    "BEGIN",
		snapshot: sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		patience: patience,
		missing: func(err error) bool {
			var fault *pgconn.PgError
			return errors.As(err, &fault) && fault.Code == "42P01"
		},
	}
}

// whereOf names the database without the password.
func whereOf(c *pgx.ConnConfig) string {
	at := func(host string, port uint16) string {
		if strings.HasPrefix(host, "/") {
			return host // a folder of sockets
		}
		return net.JoinHostPort(host, strconv.Itoa(int(port)))
	}
	hosts := []string{at(c.Host, c.Port)}
	for _, f := range c.Fallbacks { // one a host, or two where it is tried with TLS and without
		if host := at(f.Host, f.Port); host != hosts[len(hosts)-1] {
			hosts = append(hosts, host)
		}
	}
	return strings.Join(hosts, ",") + "/" + c.Database
}

// schemaLock is the number that all servers lock while they change PostgreSQL's schema: any, but always the same.
const schemaLock = 0x7061726c6579 // "parley"

// locked runs do while no other process changes the schema: whoever opens a file holds it alone already. goose's own
// lock would not do: it looks for its table, and makes it, before it takes the lock.
func (d *DB) locked(ctx context.Context, do func() error) error {
	if !d.Shared() {
		return do()
	}
	conn, err := pgx.ConnectConfig(ctx, d.config.Copy())
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(end) // which ends the lock
	}()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", schemaLock); err != nil {
		return fmt.Errorf("wait for another server that changes the schema: %w", err)
	}
	return do()
}

// migrating is a handle on PostgreSQL for changes of the schema.
func (d *DB) migrating() *sql.DB {
	config := d.config.Copy()
	if _, given := config.RuntimeParams["lock_timeout"]; !given {
		config.RuntimeParams["lock_timeout"] = migrationLock
	}
	return stdlib.OpenDB(*config)
}
