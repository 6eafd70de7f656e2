package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Conn runs statements: a connection in a transaction.
type Conn interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// ErrUnclear says that PostgreSQL did not tell whether it saved a transaction. Any other *Away that Write returns means
// that nothing was saved.
var ErrUnclear = errors.New("whether it was saved is not known")

// readPatience is how long a transaction that reads may take: it may fetch all of a large catalog.
const readPatience = 10 * time.Second

// Read runs do in a transaction that sees all tables as they are at one moment. Its errors are those of Do.
func (d *DB) Read(ctx context.Context, do func(context.Context, Conn) error) error {
	limit := d.patience
	if limit > 0 {
		limit = readPatience
	}
	return d.within(ctx, limit, func(ctx context.Context) error {
		tx, err := d.BeginTx(ctx, &d.snapshot)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // nothing to save
		return do(ctx, tx)
	})
}

// Write runs do in a transaction, which is saved unless do returns an error. SQLite's holds the write lock from its
// start. ctx counts until do begins, and do then runs to its end, within the database's patience: a caller that goes
// leaves no doubt about what was saved. Errors are those of Do, some of them ErrUnclear.
func (d *DB) Write(ctx context.Context, do func(context.Context, Conn) error) error {
	if d.patience > 0 {
		if err := d.Prepare(ctx); err != nil {
			return err
		}
	}
	conn, err := d.beginWrite(ctx)
	if err != nil {
		return d.judge(ctx, err)
	}
	begun, cancel := d.brief(context.WithoutCancel(ctx))
	defer cancel()
	err = d.judge(begun, d.write(begun, conn, do))
	if closeErr := conn.Close(); err == nil && d.patience == 0 {
		err = closeErr
	}
	return err
}

func (d *DB) beginWrite(ctx context.Context) (*sql.Conn, error) {
	ctx, cancel := d.brief(ctx)
	defer cancel()
	conn, err := d.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, d.begin); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// write runs do in conn's transaction and ends that.
func (d *DB) write(ctx context.Context, conn *sql.Conn, do func(context.Context, Conn) error) error {
	err := do(ctx, conn)
	if err == nil {
		if _, err = conn.ExecContext(ctx, "COMMIT"); err != nil && d.Shared() {
			err = fmt.Errorf("%w: %w", ErrUnclear, err)
		}
	}
	if err != nil {
		// do may have used up all of its time, and what stays open holds locks.
		ctx, cancel := d.brief(context.WithoutCancel(ctx))
		defer cancel()
		_, _ = conn.ExecContext(ctx, "ROLLBACK") // fails where no transaction is left, or no connection: fine
	}
	return err
}
