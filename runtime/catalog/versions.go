package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parley-run/parley/runtime/database"
)

// versionsKept is how many former versions of an object are kept.
const versionsKept = 30

// ObjectVersion is one change of an object, as its history has it.
type ObjectVersion struct {
	Revision int64
	At       time.Time
	Who      string
	Action   string // put or delete
	Hash     string // of its content from then on; empty: it was deleted
	Kept     bool   // ObjectAt can give it
	Current  bool   // it is what serves
}

// KeepVersions makes the catalog keep former versions of objects of those kinds: of each, the last thirty. Called before anything
// else.
func (d *Database) KeepVersions(kinds ...string) { d.versioned = kinds }

// keepVersion keeps what an object is, before it is changed.
func (d *Database) keepVersion(ctx context.Context, tx database.Conn, key Key) error {
	if !slices.Contains(d.versioned, key.Kind) {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `
INSERT INTO object_versions (kind, name, revision, hash, spec)
SELECT kind, name, revision, hash, spec FROM objects WHERE kind = $1 AND name = $2
ON CONFLICT (kind, name, revision) DO NOTHING`, key.Kind, key.Name); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
DELETE FROM object_versions WHERE kind = $1 AND name = $2 AND revision NOT IN
(SELECT revision FROM object_versions WHERE kind = $1 AND name = $2 ORDER BY revision DESC LIMIT $3)`, key.Kind, key.Name, versionsKept)
	return err
}

// Versions are the last n changes of an object, newest first.
func (d *Database) Versions(ctx context.Context, key Key, n int) ([]ObjectVersion, error) {
	out := []ObjectVersion{}
	err := d.read.Do(ctx, func(ctx context.Context) (err error) {
		out = out[:0]
		rows, err := d.read.QueryContext(ctx, `
SELECT c.revision, c.at, c.who, c.action, c.hash_after,
	(SELECT COUNT(*) FROM object_versions v WHERE v.kind = c.kind AND v.name = c.name AND v.revision = c.revision),
	(SELECT COUNT(*) FROM objects o WHERE o.kind = c.kind AND o.name = c.name AND o.revision = c.revision)
FROM change_log c WHERE c.kind = $1 AND c.name = $2 ORDER BY c.revision DESC LIMIT $3`, key.Kind, key.Name, n)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var v ObjectVersion
			var at, former, current int64
			if err := rows.Scan(&v.Revision, &at, &v.Who, &v.Action, &v.Hash, &former, &current); err != nil {
				return err
			}
			v.At, v.Current, v.Kept = time.UnixMilli(at).UTC(), current > 0, former+current > 0
			out = append(out, v)
		}
		return rows.Err()
	})
	return out, d.fault(fmt.Sprintf("read the history of %s", key), err)
}

// ErrNoVersion says that an object has no version of that revision, or that it is not kept any more.
var ErrNoVersion = errors.New("there is no such version")

// ObjectAt is what an object was since that revision, or is; ErrNoVersion where that is not known.
func (d *Database) ObjectAt(ctx context.Context, key Key, revision int64) (*Object, error) {
	o := Object{Kind: key.Kind, Name: key.Name, Revision: revision}
	err := d.read.Do(ctx, func(ctx context.Context) error {
		return d.read.QueryRowContext(ctx, `
SELECT spec FROM objects WHERE kind = $1 AND name = $2 AND revision = $3
UNION ALL SELECT spec FROM object_versions WHERE kind = $1 AND name = $2 AND revision = $3 LIMIT 1`, key.Kind, key.Name, revision).Scan(&o.Spec)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNoVersion
	}
	return &o, d.fault(fmt.Sprintf("read version %d of %s", revision, key), err)
}
