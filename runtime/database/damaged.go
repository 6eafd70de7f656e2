package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// errDamaged is what SQLite itself found wrong with a file.
var errDamaged = errors.New("the file is damaged")

// Damaged says that err means: a SQLite file's content is not that of a database, or not of a whole one.
func Damaged(err error) bool {
	return errors.Is(err, errDamaged) || has(err, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
}

// Unwritable says that err means: the disk that holds a SQLite file is full, fails, or may not be written to.
func Unwritable(err error) bool {
	return has(err, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
}

func has(err error, codes ...int) bool {
	var fault *sqlite.Error
	if !errors.As(err, &fault) {
		return false
	}
	for _, code := range codes {
		if fault.Code()&0xff == code {
			return true
		}
	}
	return false
}

// OpenExpendable is OpenFile for content that may be lost: where the file is damaged, an empty one takes its place, and
// moved is what the damaged one is called now. Several processes may do so at once: one at a time looks, so that none
// opens what another is moving.
func OpenExpendable(ctx context.Context, path string, o Options) (d *DB, moved string, err error) {
	err = alone(path, func() error {
		d, err = openWhole(ctx, path, o)
		if err == nil || !Damaged(err) {
			return err
		}
		moved = fmt.Sprintf("%s.damaged-%d", path, time.Now().Unix())
		for _, suffix := range []string{"-wal", "-shm", ""} {
			if err := os.Rename(path+suffix, moved+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		d, err = openWhole(ctx, path, o)
		return err
	})
	return d, moved, err
}

// openWhole opens the file, makes its tables, and looks at all of it: damage shows only where it is read.
func openWhole(ctx context.Context, path string, o Options) (*DB, error) {
	d, err := openFile(path, o)
	if err != nil {
		return nil, err
	}
	var verdict string
	err = retry(ctx, func() error {
		if err := d.Prepare(ctx); err != nil {
			return err
		}
		return d.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict)
	})
	if err == nil && verdict != "ok" {
		err = fmt.Errorf("%w: %s", errDamaged, verdict)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}
