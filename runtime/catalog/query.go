package catalog

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/parley-run/parley/runtime/database"
)

// newMark is a mark that no other change has.
func newMark() string { return rand.Text() }

// Commit implements Store.
func (d *Database) Commit(ctx context.Context, from Version, mark string, c Change) (int64, error) {
	if err := c.Check(); err != nil {
		return 0, err
	}
	var revision int64
	err := d.write.Write(ctx, func(ctx context.Context, tx database.Conn) error {
		var err error
		revision, err = d.save(ctx, tx, from, mark, c)
		return err
	})
	if errors.Is(err, ErrRevision) {
		return 0, err
	}
	return revision, d.fault(fmt.Sprintf("save a change to revision %d", from.Revision), err)
}

// save writes c in tx. The cluster's row goes first: it is the lock, so revisions commit in their order.
func (d *Database) save(ctx context.Context, tx database.Conn, from Version, mark string, c Change) (int64, error) {
	var revision int64
	err := tx.QueryRowContext(ctx, "UPDATE cluster SET revision = revision + 1, mark = $1 WHERE revision = $2 AND mark = $3 RETURNING revision",
		mark, from.Revision, from.Mark).Scan(&revision)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrRevision
	}
	if err != nil {
		return 0, err
	}
	at := d.now().UnixMilli()
	for _, o := range c.Put {
		err := d.keepVersion(ctx, tx, o.Key())
		if err == nil {
			err = put(ctx, tx, revision, o, c.By, at)
		}
		if err != nil {
			return 0, fmt.Errorf("%s: %w", o.Key(), err)
		}
	}
	for _, key := range c.Delete {
		err := d.keepVersion(ctx, tx, key)
		if err == nil {
			err = remove(ctx, tx, revision, key, c.By, at)
		}
		if err != nil {
			return 0, fmt.Errorf("%s: %w", key, err)
		}
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO audit (revision, who, what, at, mark, cid) VALUES ($1, $2, $3, $4, $5, $6)",
		revision, c.By, c.summary(), at, mark, c.CID)
	if err != nil {
		return 0, err
	}
	return revision, chainUp(ctx, tx, revision)
}

func put(ctx context.Context, tx database.Conn, revision int64, o Object, who string, at int64) error {
	sum := sumOf(o.Kind, o.Name, o.Spec)
	hash := hex.EncodeToString(sum[:])
	spec := o.Spec
	if spec == nil {
		spec = []byte{} // nil would be NULL
	}
	if _, err := tx.ExecContext(ctx, `
INSERT INTO change_log (revision, kind, name, action, who, at, hash_before, hash_after)
VALUES ($1, $2, $3, 'put', $4, $5, COALESCE((SELECT hash FROM objects WHERE kind = $2 AND name = $3), ''), $6)`,
		revision, o.Kind, o.Name, who, at, hash); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
INSERT INTO objects (kind, name, spec, hash, revision) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (kind, name) DO UPDATE SET spec = excluded.spec, hash = excluded.hash, revision = excluded.revision`,
		o.Kind, o.Name, spec, hash, revision)
	return err
}

func remove(ctx context.Context, tx database.Conn, revision int64, key Key, who string, at int64) error {
	if _, err := tx.ExecContext(ctx, `
INSERT INTO change_log (revision, kind, name, action, who, at, hash_before, hash_after)
SELECT $1, kind, name, 'delete', $4, $5, hash, '' FROM objects WHERE kind = $2 AND name = $3`,
		revision, key.Kind, key.Name, who, at); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM objects WHERE kind = $1 AND name = $2", key.Kind, key.Name)
	return err
}

// Load implements Store.
func (d *Database) Load(ctx context.Context, prev *Snapshot) (*Snapshot, error) {
	var snapshot *Snapshot
	err := d.read.Read(ctx, func(ctx context.Context, tx database.Conn) error {
		var err error
		snapshot, err = load(ctx, tx, prev)
		return err
	})
	return snapshot, d.fault("load", err)
}

// load reads in one transaction: version and objects are of one moment.
func load(ctx context.Context, tx database.Conn, prev *Snapshot) (*Snapshot, error) {
	now, err := versionOf(ctx, tx)
	if err != nil {
		return nil, err
	}
	switch {
	case prev == nil:
		prev = &Snapshot{} // everything
	case prev.Version() == now:
		return prev, nil
	default:
		if prev, err = base(ctx, tx, prev, now); err != nil {
			return nil, err
		}
	}
	put, err := changedSince(ctx, tx, prev.Revision)
	if err != nil {
		return nil, err
	}
	var gone []Key
	if len(prev.Objects) > 0 {
		if gone, err = goneSince(ctx, tx, prev.Revision); err != nil {
			return nil, err
		}
	}
	next := prev.replace(now.Revision, put, gone)
	next.Mark = now.Mark
	return next, nil
}

func changedSince(ctx context.Context, tx database.Conn, revision int64) (_ []*Object, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT kind, name, spec, revision FROM objects WHERE revision > $1", revision)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var out []*Object
	for rows.Next() {
		var o Object
		if err := rows.Scan(&o.Kind, &o.Name, &o.Spec, &o.Revision); err != nil {
			return nil, err
		}
		out = append(out, newObject(o.Kind, o.Name, o.Spec, o.Revision))
	}
	return out, rows.Err()
}

func goneSince(ctx context.Context, tx database.Conn, revision int64) (_ []Key, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT DISTINCT kind, name FROM change_log WHERE revision > $1 AND action = 'delete'", revision)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var out []Key
	for rows.Next() {
		var key Key
		if err := rows.Scan(&key.Kind, &key.Name); err != nil {
			return nil, err
		}
		out = append(out, key)
	}
	return out, rows.Err()
}
