// Package database is how the stores keep their tables: in PostgreSQL, which any number of machines may share, or in
// SQLite files, which the servers of one machine do. The statements are the same for both; what differs is here, and so
// are the schema, its migrations, and what happens while PostgreSQL is away.
package database

import (
	"context"
	"database/sql"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
)

// DB is a handle on a database. Safe for concurrent use. What the embedded handle does has no deadline of its own: use
// Do, Read and Write where the database may be away.
type DB struct {
	*sql.DB
	Dialect

	where  string // for messages: a file, or host:port/name
	tables []string
	schema fs.FS // the migrations
	asIs   bool
	config *pgx.ConnConfig // PostgreSQL's, else nil

	turn    chan struct{} // holds one token: whoever has it may change the schema
	current atomic.Bool   // the schema has been looked at and is new enough
}

// Dialect is what PostgreSQL and SQLite do not say alike.
type Dialect struct {
	Now string // SQL for the database's clock: milliseconds since 1970, a BIGINT

	goose    goose.Dialect
	begin    string           // a transaction that writes
	snapshot sql.TxOptions    // a transaction that sees all tables as they are at one moment
	patience time.Duration    // how long an answer may take; 0: as long as it takes, as a file does not go away
	missing  func(error) bool // a table that is not there
}

// Options say how a database is used. The zero value is one connection, whose commits a power cut may undo.
type Options struct {
	// Tables name the parts of the schema that are kept there: "catalog", "leases", "servers", "stats". PostgreSQL
	// has all of them, whatever is given.
	Tables      []string
	Durable     bool // a commit returns when it is on the disk
	ReadOnly    bool // statements that write fail, and no table is made; of SQLite alone
	AsIs        bool // no table is made or changed: it is only looked whether this program may use what is there
	Connections int  // how many at most; 0 is 1
}

func newDB(db *sql.DB, d Dialect, where string, o Options) *DB {
	db.SetMaxOpenConns(max(1, o.Connections))
	db.SetMaxIdleConns(max(1, o.Connections))
	made := &DB{DB: db, Dialect: d, where: where, tables: o.Tables, schema: migrations, asIs: o.AsIs, turn: make(chan struct{}, 1)}
	made.turn <- struct{}{}
	return made
}

// Where is the database for messages: a file, or host:port/name. It holds no password.
func (d *DB) Where() string { return d.where }

// Shared says that servers of other machines may use the database too: it is PostgreSQL.
func (d *DB) Shared() bool { return d.config != nil }

// Do runs do, which asks the database something that takes it no time, within the database's patience and ctx. The
// tables are there by then. Where the database cannot be reached, or does not answer, the error is an *Away.
func (d *DB) Do(ctx context.Context, do func(context.Context) error) error {
	return d.within(ctx, d.patience, do)
}

func (d *DB) within(ctx context.Context, patience time.Duration, do func(context.Context) error) error {
	if patience == 0 {
		return do(ctx)
	}
	if err := d.Prepare(ctx); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return d.judge(ctx, do(bounded))
}

// brief is ctx for something that takes the database no time.
func (d *DB) brief(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.patience == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d.patience)
}
