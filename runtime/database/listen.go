package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// The connection that listens.
const (
	quietMost  = 5 * time.Second // nothing heard for so long: it asks whether PostgreSQL is still there
	redialWait = 500 * time.Millisecond
)

// Listen calls heard with what is sent by Notify to channel, on a connection of its own, until ctx ends. A connection
// that is lost is made anew for as long as it takes; what was sent meanwhile is lost. lost is told why, once for each
// time. Of PostgreSQL alone.
func (d *DB) Listen(ctx context.Context, channel string, heard func(payload string), lost func(error)) {
	told := false
	for ctx.Err() == nil {
		err := d.listen(ctx, channel, heard, func() { told = false })
		if ctx.Err() == nil && !told {
			told = true
			lost(d.judge(ctx, err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(redialWait):
		}
	}
}

func (d *DB) listen(ctx context.Context, channel string, heard func(string), listening func()) error {
	if d.config == nil {
		return errors.New("SQLite sends no notifications")
	}
	dial, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	conn, err := pgx.ConnectConfig(dial, d.config.Copy())
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(end) // nothing more is wanted of it
	}()
	if _, err := conn.Exec(dial, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	listening()
	for {
		quiet, cancel := context.WithTimeout(ctx, quietMost)
		n, err := conn.WaitForNotification(quiet)
		expired := quiet.Err() != nil
		cancel()
		switch {
		case err == nil:
			heard(n.Payload)
		case ctx.Err() != nil:
			return ctx.Err()
		case expired && !conn.IsClosed():
			if err := d.ping(ctx, conn); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

func (d *DB) ping(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	return conn.Ping(ctx)
}

// Notify sends payload to those that listen to channel. Of PostgreSQL alone.
func (d *DB) Notify(ctx context.Context, channel, payload string) error {
	return d.Do(ctx, func(ctx context.Context) error {
		_, err := d.ExecContext(ctx, "SELECT pg_notify($1, $2)", channel, payload)
		return err
	})
}
