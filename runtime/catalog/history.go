package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/parley-run/parley/runtime/database"
	"github.com/parley-run/parley/runtime/service"
)

// Version implements Store.
func (d *Database) Version(ctx context.Context) (Version, error) {
	var v Version
	err := d.read.Do(ctx, func(ctx context.Context) error {
		var err error
		v, err = versionOf(ctx, d.read)
		return err
	})
	return v, d.fault("read the revision", err)
}

func versionOf(ctx context.Context, db database.Conn) (v Version, err error) {
	err = db.QueryRowContext(ctx, "SELECT revision, mark FROM cluster").Scan(&v.Revision, &v.Mark)
	return v, err
}

// Has implements Store. A Commit that was cut off may still be on its way through the network, or wait in a database that
// stands still; it holds the cluster's row until it has ended. So this takes the row too: what it sees then is final.
func (d *Database) Has(ctx context.Context, v Version) (bool, error) {
	found, seen := false, errors.New("seen: nothing is to be saved")
	err := d.write.Write(ctx, func(ctx context.Context, tx database.Conn) error {
		if _, err := tx.ExecContext(ctx, "UPDATE cluster SET revision = revision"); err != nil {
			return err
		}
		mark, err := markOf(ctx, tx, v.Revision)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		found = err == nil && mark == v.Mark
		return seen
	})
	if errors.Is(err, seen) {
		err = nil
	}
	return found, d.fault(fmt.Sprintf("look for revision %d", v.Revision), err)
}

// markOf is the mark of a revision of the store's history; sql.ErrNoRows: it has none of that number.
func markOf(ctx context.Context, db database.Conn, revision int64) (mark string, err error) {
	err = db.QueryRowContext(ctx, "SELECT mark FROM audit WHERE revision = $1", revision).Scan(&mark)
	return mark, err
}

// base is the snapshot that what is loaded of the store, now at that version, goes on from: prev, or an empty one where
// an operator has given up the history that prev is of.
func base(ctx context.Context, tx database.Conn, prev *Snapshot, now Version) (*Snapshot, error) {
	mark, err := markOf(ctx, tx, prev.Revision)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if prev.Revision == 0 {
			return prev, nil // where every history begins
		}
	case err != nil:
		return nil, err
	case prev.Revision <= now.Revision && (mark == prev.Mark || mark == "" || prev.Mark == ""):
		return prev, nil
	}
	var accepted int64
	err = tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(revision), 0) FROM audit WHERE accepts = 1").Scan(&accepted)
	switch {
	case err != nil:
		return nil, err
	case accepted > prev.Revision:
		return &Snapshot{}, nil
	case now.Revision < prev.Revision:
		return nil, fmt.Errorf("%w: it is at revision %d, this server at %d", ErrRestored, now.Revision, prev.Revision)
	default:
		return nil, fmt.Errorf("%w: it is at revision %d, but its revision %d is not the one that this server knows", ErrRestored, now.Revision, prev.Revision)
	}
}

// Accept implements Store.
func (d *Database) Accept(ctx context.Context, least int64, by string) (Version, error) {
	v := Version{Mark: newMark()}
	err := d.write.Write(ctx, func(ctx context.Context, tx database.Conn) error {
		var had int64
		// The update comes first: it is the lock.
		err := tx.QueryRowContext(ctx, `
UPDATE cluster SET revision = 1 + CASE WHEN revision > $1 THEN revision ELSE $1 END, mark = $2
RETURNING revision, (SELECT COALESCE(MAX(revision), 0) FROM audit)`, least, v.Mark).Scan(&v.Revision, &had)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO audit (revision, who, what, at, mark, accepts, cid) VALUES ($1, $2, $3, $4, $5, 1, $6)",
			v.Revision, by, fmt.Sprintf("accepted the database as it was restored, at revision %d", had), d.now().UnixMilli(), v.Mark,
			service.CallFrom(ctx).CID)
		if err != nil {
			return err
		}
		return chainUp(ctx, tx, v.Revision)
	})
	return v, d.fault("accept the database as restored", err)
}
