package catalog

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/parley-run/parley/runtime/database"
)

// ErrPending says that a catalog can be read only once its schema has been changed.
var ErrPending = errors.New("the schema must be changed before the catalog can be read")

// Inspect reads the catalog in the PostgreSQL at url, or with "" in the file at path, and changes nothing, the schema
// included. A database that this program is too old for is an error; one that it would first have to change, and cannot
// read as it is, is ErrPending.
func Inspect(ctx context.Context, url, path string) (_ *Snapshot, err error) {
	o := database.Options{Tables: tables(), AsIs: true, ReadOnly: true}
	var db *database.DB
	if url != "" {
		db, err = database.OpenPostgres(url, o)
	} else if _, missing := os.Stat(path); missing != nil {
		return nil, fmt.Errorf("%w: %w", ErrPending, missing)
	} else {
		db, err = database.OpenFile(ctx, path, o)
	}
	if err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	d := &Database{write: db, read: db}
	defer func() { err = errors.Join(err, d.Close()) }()
	snapshot, err := d.Load(ctx, nil)
	if err == nil {
		return snapshot, nil
	}
	if pending, asked := db.Pending(ctx); asked == nil && pending {
		return nil, fmt.Errorf("%w: %w", ErrPending, err)
	}
	return nil, err
}
