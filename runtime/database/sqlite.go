package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// BusyTimeout is how long a statement waits for a lock that another process holds on a SQLite file.
const BusyTimeout = 10 * time.Second

// OpenFile opens the SQLite file at path, making it and its tables where they are missing. It is readable by its owner
// alone, in WAL mode, and several processes may use it at once.
func OpenFile(ctx context.Context, path string, o Options) (*DB, error) {
	d, err := openFile(path, o)
	if err != nil || o.ReadOnly && !o.AsIs {
		return d, err
	}
	err = alone(path, func() error { return retry(ctx, func() error { return d.Prepare(ctx) }) })
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// openFile asks nothing of the file yet.
func openFile(path string, o Options) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// SQLite gives its journal files the mode of the database.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	q := url.Values{"_pragma": {fmt.Sprintf("busy_timeout(%d)", BusyTimeout.Milliseconds()), "journal_mode(WAL)", "synchronous(NORMAL)"}}
	if o.Durable {
		q["_pragma"][2] = "synchronous(FULL)"
	}
	if o.ReadOnly {
		q.Add("_pragma", "query_only(1)")
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	return newDB(db, sqliteDialect(), path, o), nil
}

func sqliteDialect() Dialect {
	return Dialect{
		Now:      "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
		goose:    goose.DialectSQLite3,
		begin:    "BEGIN IMMEDIATE",
		snapshot: sql.TxOptions{ReadOnly: true},
		missing: func(err error) bool {
			var fault *sqlite.Error
			return errors.As(err, &fault) && fault.Code() == sqlite3.SQLITE_ERROR && strings.Contains(fault.Error(), "no such table")
		},
	}
}

// alone runs do while no other process does so for a file of the same folder.
func alone(path string, do func() error) (err error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }() // which ends the lock
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", dir.Name(), err)
	}
	return do()
}

// retry repeats do while another process holds the file, for BusyTimeout at most: turning WAL on needs the file for
// oneself, and SQLite does not wait there.
func retry(ctx context.Context, do func() error) error {
	deadline := time.Now().Add(BusyTimeout)
	for {
		err := do()
		if err == nil || !has(err, sqlite3.SQLITE_BUSY) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}
