package cluster

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/parley-run/parley/runtime/database"
)

var (
	// ErrHeld says that another has the lease.
	ErrHeld = errors.New("cluster: the lease is held by another")
	// ErrLost says that the lease is not its former holder's any more: it was taken by another, or released.
	ErrLost = errors.New("cluster: the lease is lost")
)

// Lease is the right to do what one server at a time may do, such as to consume from a queue, until it expires.
type Lease struct {
	Name   string
	Holder string // empty: it was released
	// Token fences: it is higher than that of any earlier holder, for ever. Whatever the holder writes goes through
	// Leases.Write, or carries the token to something that refuses lower ones. It begins at the time, so that a restored
	// database gives no token twice.
	Token   int64
	TakenAt time.Time
	Expires time.Time // by the database's clock, as TakenAt is
}

// Leases are the leases of a cluster, one row a name. Safe for concurrent use, by several processes too. While the
// database is away, errors are a *service.Error of code Unavailable that names it.
type Leases struct{ db *database.DB }

// NewLeases keeps the leases in db, with the tables "leases": a database whose commits outlast a power cut, for a token
// must not come twice.
func NewLeases(db *database.DB) *Leases { return &Leases{db: db} }

// Take makes holder the lease's holder for ttl, where nobody is. Else the error is ErrHeld, and says who.
func (l *Leases) Take(ctx context.Context, name, holder string, ttl time.Duration) (Lease, error) {
	var taken Lease
	err := l.db.Do(ctx, func(ctx context.Context) error {
		var err error
		taken, err = scanLease(l.db.QueryRowContext(ctx, `
INSERT INTO leases (name, holder, token, taken_at, expires_at) VALUES ($1, $2, `+l.db.Now+`, `+l.db.Now+`, `+l.db.Now+` + $3)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,
	token = CASE WHEN leases.token < excluded.token THEN excluded.token ELSE leases.token + 1 END,
	taken_at = excluded.taken_at, expires_at = excluded.expires_at
WHERE leases.expires_at <= `+l.db.Now+`
RETURNING name, holder, token, taken_at, expires_at`, name, holder, ttl.Milliseconds()))
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		other, err := scanLease(l.db.QueryRowContext(ctx, "SELECT name, holder, token, taken_at, expires_at FROM leases WHERE name = $1", name))
		if err != nil {
			return err
		}
		return fmt.Errorf("%w: %q by %q, since %s", ErrHeld, name, other.Holder, other.TakenAt.UTC().Format(time.RFC3339))
	})
	if errors.Is(err, ErrHeld) {
		return Lease{}, err
	}
	return taken, fault(fmt.Sprintf("take the lease %q", name), err)
}

func scanLease(row *sql.Row) (Lease, error) {
	var l Lease
	var taken, expires int64
	err := row.Scan(&l.Name, &l.Holder, &l.Token, &taken, &expires)
	l.TakenAt, l.Expires = time.UnixMilli(taken), time.UnixMilli(expires)
	return l, err
}

// mine is a lease's row, for as long as its token is the newest. It may have expired: until another takes it, that does
// no harm.
const mine = " WHERE name = $1 AND token = $2 AND holder <> ''"

// Renew lets the holder have the lease for ttl from now. ErrLost: another has it.
func (l *Leases) Renew(ctx context.Context, lease Lease, ttl time.Duration) (Lease, error) {
	err := l.db.Do(ctx, func(ctx context.Context) error {
		var err error
		lease, err = scanLease(l.db.QueryRowContext(ctx, "UPDATE leases SET expires_at = "+l.db.Now+" + $3"+mine+
			" RETURNING name, holder, token, taken_at, expires_at", lease.Name, lease.Token, ttl.Milliseconds()))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Lease{}, ErrLost
	}
	return lease, fault("renew a lease", err)
}

// Release lets another take the lease at once. One that is lost already is no fault.
func (l *Leases) Release(ctx context.Context, lease Lease) error {
	return fault(fmt.Sprintf("release the lease %q", lease.Name), l.db.Do(ctx, func(ctx context.Context) error {
		// The row stays: it remembers the token.
		_, err := l.db.ExecContext(ctx, "UPDATE leases SET holder = '', expires_at = 0"+mine, lease.Name, lease.Token)
		return err
	}))
}

// Write runs do in a transaction of the leases' database that is saved only if lease is still its holder's. Nobody can
// take the lease while do runs. ErrLost: another has it, and do was not run.
func (l *Leases) Write(ctx context.Context, lease Lease, do func(context.Context, database.Conn) error) error {
	err := l.db.Write(ctx, func(ctx context.Context, tx database.Conn) error {
		locked, err := tx.ExecContext(ctx, "UPDATE leases SET token = token"+mine, lease.Name, lease.Token)
		if err != nil {
			return err
		}
		if n, err := locked.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrLost, err)
		}
		return do(ctx, tx)
	})
	if errors.Is(err, ErrLost) {
		return fmt.Errorf("%w: %q, which %q took under token %d", ErrLost, lease.Name, lease.Holder, lease.Token)
	}
	return fault(fmt.Sprintf("write under the lease %q", lease.Name), err)
}

// All are the leases that were ever taken, by name.
func (l *Leases) All(ctx context.Context) ([]Lease, error) {
	var all []Lease
	err := l.db.Do(ctx, func(ctx context.Context) (err error) {
		rows, err := l.db.QueryContext(ctx, "SELECT name, holder, token, taken_at, expires_at FROM leases ORDER BY name")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		all = nil
		for rows.Next() {
			var one Lease
			var taken, expires int64
			if err := rows.Scan(&one.Name, &one.Holder, &one.Token, &taken, &expires); err != nil {
				return err
			}
			one.TakenAt, one.Expires = time.UnixMilli(taken), time.UnixMilli(expires)
			all = append(all, one)
		}
		return rows.Err()
	})
	return all, fault("read the leases", err)
}
