package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-run/parley/runtime/database"
	"github.com/parley-run/parley/runtime/service"
)

// Database is the Store in a database: a SQLite file, for servers that share a machine, or PostgreSQL. Any number of
// processes may use it at once; one writes at a time and readers never wait. What Commit acknowledged is on the disk.
type Database struct {
	write *database.DB
	read  *database.DB // the same, where the database is PostgreSQL
	now   func() time.Time

	versioned []string // kinds of which former versions are kept
}

const readers = 2 // Load and Version; more only cost memory

// tables are what the catalog's own SQLite file holds.
func tables() []string { return []string{"catalog", "leases"} }

// OpenSQLite opens the catalog in the file at path, making the file and its tables where they are missing.
func OpenSQLite(ctx context.Context, path string) (*Database, error) {
	// One connection: writers of this process queue here, not in SQLite's busy loop.
	write, err := database.OpenFile(ctx, path, database.Options{Durable: true, Tables: tables()})
	if err != nil {
		return nil, fmt.Errorf("catalog: open %s: %w", path, err)
	}
	read, err := database.OpenFile(ctx, path, database.Options{Durable: true, ReadOnly: true, Connections: readers})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("catalog: open %s: %w", path, err), write.Close())
	}
	return &Database{write: write, read: read, now: time.Now}, nil
}

// OpenPostgres is the catalog in the PostgreSQL at url, over so many connections at most. It may be away: the tables are
// made, where they are missing, when it is first asked.
func OpenPostgres(url string, connections int) (*Database, error) {
	db, err := database.OpenPostgres(url, database.Options{Durable: true, Connections: connections})
	if err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	return &Database{write: db, read: db, now: time.Now}, nil
}

// Clock makes now the time that is written beside changes, in place of time.Now. Called before anything else.
func (d *Database) Clock(now func() time.Time) { d.now = now }

// DB is the writing handle, for packages that keep tables of their own in the catalog's database.
func (d *Database) DB() *database.DB { return d.write }

// Where is the database for messages: a file, or host:port/name.
func (d *Database) Where() string { return d.write.Where() }

// Close lets go of the database.
func (d *Database) Close() error {
	if d.read == d.write {
		return d.write.Close()
	}
	return errors.Join(d.read.Close(), d.write.Close())
}

// fault is err, of what was done to the database, as the admin API may tell it.
func (d *Database) fault(doing string, err error) error {
	var away *database.Away
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrRestored):
		return &service.Error{
			Code: service.Conflict, Message: err.Error(), Fix: "if that is on purpose, say so with: parley catalog accept-restore", Err: err,
		}
	case database.Unwritable(err):
		return &service.Error{
			Code: service.Unavailable, Message: fmt.Sprintf("the catalog in %s cannot be written: %v", d.Where(), err),
			Fix: "look at its disk: is it full, or failing?", Err: err,
		}
	case errors.As(err, &away):
		unavailable := &service.Error{
			Code: service.Unavailable, Message: "catalog: " + away.Error(),
			Fix: "nothing was changed, and what is deployed serves on; try again when the database is back", Err: err,
		}
		if errors.Is(err, database.ErrUnclear) {
			unavailable.Fix = "look with parley status and parley services when the database is back"
			return unavailable
		}
		return unsaved{unavailable}
	}
	return fmt.Errorf("catalog: %s: %w", doing, err)
}

// unsaved marks an error after which the store is as it was.
type unsaved struct{ error }

func (u unsaved) Unwrap() error      { return u.error }
func (unsaved) Is(target error) bool { return target == ErrUnsaved }
