package sqlconn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Conn is a connection to a database. There is one at most towards the server, so that a transaction, a temporary table
// or a database in memory is that of all statements; where it breaks, the next statement makes a new one.
type Conn struct {
	Names
	db      *sql.DB
	dialect *dialect
	shown   string
	closed  bool
}

// Open connects by an URL of SQLAlchemy's form, dialect+driver://user:password@host:port/database?option=value, and
// returns when the database has answered. The driver is not looked at: they are Python's. Of SQLite databases relative
// paths are of the working directory. An error names no secret.
func Open(ctx context.Context, text string) (*Conn, error) {
	a, err := split(text)
	if err != nil {
		return nil, err
	}
	d := dialects()[a.dialect]
	if d == nil {
		return nil, fmt.Errorf("no database is called %q; %s", a.dialect, known())
	}
	connector, err := d.connect(a)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.shown(), err)
	}
	c := &Conn{Names: d.names, db: sql.OpenDB(connector), dialect: d, shown: a.shown()}
	c.db.SetMaxOpenConns(1)
	c.db.SetMaxIdleConns(1)
	if err := c.ready(ctx); err != nil {
		if a.dialect == "sqlite" && strings.Contains(err.Error(), "unable to open database file") {
			err = fmt.Errorf("%w; is there such a folder, and may you write to it? A path that begins without / is of the current folder", err)
		}
		return nil, errors.Join(c.failed(ctx, err), c.Close())
	}
	return c, nil
}

// ready sees that the database answers; SQLite looks into a file only when it has to.
func (c *Conn) ready(ctx context.Context) error {
	if c.dialect.name != "sqlite" {
		return c.db.PingContext(ctx)
	}
	var version int
	return c.db.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&version)
}

// Close ends it. Twice is no error.
func (c *Conn) Close() error {
	c.closed = true
	return c.db.Close()
}

// String is where it leads, without a password.
func (c *Conn) String() string { return c.shown }

// MarshalText is what people see.
func (c *Conn) MarshalText() ([]byte, error) { return []byte(c.shown), nil }

// errNoRows says that a statement gives no rows, not even none.
var errNoRows = errors.New("the statement gives no rows")

// NoRows says that err means: it was no query. What the statement did is done.
func NoRows(err error) bool { return errors.Is(err, errNoRows) }

// Query runs a statement that gives rows.
func (c *Conn) Query(ctx context.Context, statement string) (*Result, error) {
	if err := c.open(); err != nil {
		return nil, err
	}
	rows, err := c.db.QueryContext(ctx, statement)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	r, err := c.read(rows)
	if err = errors.Join(err, rows.Close()); err != nil {
		return nil, c.failed(ctx, err)
	}
	return r, nil
}

// Exec runs a statement that gives none. Parameters stand in it as [Names.Parameter] says.
func (c *Conn) Exec(ctx context.Context, statement string, values ...any) error {
	if err := c.open(); err != nil {
		return err
	}
	_, err := c.db.ExecContext(ctx, statement, values...)
	return c.failed(ctx, err)
}

// Together runs several statements so that all take effect or none; MySQL takes no CREATE TABLE back.
func (c *Conn) Together(ctx context.Context, do func(exec func(ctx context.Context, statement string, values ...any) error) error) error {
	if err := c.open(); err != nil {
		return err
	}
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return c.failed(ctx, err)
	}
	err = do(func(ctx context.Context, statement string, values ...any) error {
		_, err := tx.ExecContext(ctx, statement, values...)
		return c.failed(ctx, err)
	})
	if err != nil {
		_ = tx.Rollback() // it fails where the connection is gone, and then there is nothing to take back
		return err
	}
	return c.failed(ctx, tx.Commit())
}

// Type is a column's type, such as varchar(30), as this database calls it.
func (c *Conn) Type(text string) string {
	if other, there := c.dialect.types[strings.ToLower(text)]; there {
		return other
	}
	return text
}

func (c *Conn) open() error {
	if c.closed {
		return fmt.Errorf("the connection to %s is closed", c.shown)
	}
	return nil
}

// failed says where it failed, and where it took too long what the context's cause says of that.
func (c *Conn) failed(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", c.shown, context.Cause(ctx))
	}
	return fmt.Errorf("%s: %w", c.shown, err)
}
