package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/parley-run/parley/runtime/database"
	"github.com/parley-run/parley/runtime/service"
)

// Table is the table of a cluster's servers. Safe for concurrent use, by several processes too. While its database is
// away, its errors are a *service.Error of code Unavailable that names it.
type Table struct {
	db    *database.DB
	moved string
}

// OpenSQLite opens the table in the file at path, making both where they are missing. It is a file of its own,
// beside the catalog's: rows are written every 2 s and after each change, and what they say is worthless after
// a power cut, so nothing waits for the disk and no change to the catalog waits for them. For the same reason a
// damaged file is no error: it is moved aside, see Moved.
func OpenSQLite(ctx context.Context, path string) (*Table, error) {
	// One connection that waits for the write lock must not keep WaitFor from reading.
	db, moved, err := database.OpenExpendable(ctx, path, database.Options{Connections: 2, Tables: []string{"servers"}})
	if err != nil {
		return nil, fmt.Errorf("cluster: open %s: %w", path, err)
	}
	return &Table{db: db, moved: moved}, nil
}

// OpenPostgres is the table in the PostgreSQL at url, which may be away, over two connections at most, and one more where
// hints go through it. No row waits for the disk there either.
func OpenPostgres(url string) (*Table, error) {
	db, err := database.OpenPostgres(url, database.Options{Connections: 2})
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	return &Table{db: db}, nil
}

// Moved is what the damaged file is called now that was found by OpenSQLite, or empty: there was none. To be logged.
func (t *Table) Moved() string { return t.moved }

// Close lets go of the database.
func (t *Table) Close() error { return t.db.Close() }

// fault is err, of what was done to the table, as the admin API may tell it.
func fault(doing string, err error) error {
	var away *database.Away
	switch {
	case err == nil:
		return nil
	case errors.As(err, &away):
		return &service.Error{Code: service.Unavailable, Message: "cluster: " + away.Error(), Fix: "try again when it is back", Err: err}
	}
	return fmt.Errorf("cluster: %s: %w", doing, err)
}

// Members are the servers that have a row, by name: also those that were killed and those that drain.
func (t *Table) Members(ctx context.Context) ([]Member, error) {
	var members []Member
	err := t.db.Do(ctx, func(ctx context.Context) error {
		var err error
		members, err = t.members(ctx)
		return err
	})
	return members, fault("read the servers", err)
}

func (t *Table) members(ctx context.Context) (_ []Member, err error) {
	rows, err := t.db.QueryContext(ctx, `
SELECT name, address, admin, pid, revision, hash, quarantined, problem, draining, started_at, seen_at,
	draining = 0 AND seen_at > `+t.db.Now+` - $1
FROM servers ORDER BY name`, silence.Milliseconds())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var out []Member
	for rows.Next() {
		var m Member
		var quarantined []byte
		var startedAt, seenAt int64
		if err := rows.Scan(&m.Name, &m.Address, &m.Admin, &m.PID, &m.Revision, &m.Hash, &quarantined, &m.Problem,
			&m.Draining, &startedAt, &seenAt, &m.Counts); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(quarantined, &m.Quarantined); err != nil {
			return nil, fmt.Errorf("server %q: quarantined: %w", m.Name, err)
		}
		m.StartedAt, m.SeenAt = time.UnixMilli(startedAt), time.UnixMilli(seenAt)
		out = append(out, m)
	}
	return out, rows.Err()
}

// write upserts m's row, seen now. A process that was started earlier does not write over a later one's.
func (t *Table) write(ctx context.Context, m Member) error {
	quarantined, err := json.Marshal(m.Quarantined)
	if err != nil {
		return err
	}
	draining := 0
	if m.Draining {
		draining = 1
	}
	return t.exec(ctx, "write the row of", m.Name, `
INSERT INTO servers (name, address, admin, pid, revision, hash, quarantined, problem, draining, started_at, seen_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, `+t.db.Now+`)
ON CONFLICT (name) DO UPDATE SET address = excluded.address, admin = excluded.admin, pid = excluded.pid,
	revision = excluded.revision, hash = excluded.hash, quarantined = excluded.quarantined, problem = excluded.problem,
	draining = excluded.draining, started_at = excluded.started_at, seen_at = excluded.seen_at
WHERE servers.started_at <= excluded.started_at`,
		m.Name, m.Address, m.Admin, m.PID, m.Revision, m.Hash, string(quarantined), m.Problem, draining, m.StartedAt.UnixMilli())
}

// remove deletes m's row, unless a later process has taken the name.
func (t *Table) remove(ctx context.Context, m Member) error {
	return t.exec(ctx, "remove the row of", m.Name, "DELETE FROM servers WHERE name = $1 AND started_at = $2", m.Name, m.StartedAt.UnixMilli())
}

// Forget removes the row of the process pid of a server: whoever sees it die spares others the 6 s of waiting.
func (t *Table) Forget(ctx context.Context, name string, pid int) error {
	return t.exec(ctx, "remove the row of", name, "DELETE FROM servers WHERE name = $1 AND pid = $2", name, pid)
}

func (t *Table) exec(ctx context.Context, doing, name, statement string, args ...any) error {
	return fault(fmt.Sprintf("%s %q", doing, name), t.db.Do(ctx, func(ctx context.Context) error {
		_, err := t.db.ExecContext(ctx, statement, args...)
		return err
	}))
}
