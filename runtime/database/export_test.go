package database

import (
	"io/fs"
	"testing/fstest"
)

// AddMigration makes d a handle of a later release, whose schema has one more migration.
func (d *DB) AddMigration(name, statements string) error {
	later := fstest.MapFS{"migrations/" + name: {Data: []byte("-- +goose Up\n" + statements)}}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	for _, path := range files {
		raw, err := migrations.ReadFile(path)
		if err != nil {
			return err
		}
		later[path] = &fstest.MapFile{Data: raw}
	}
	d.schema = later
	d.current.Store(false)
	return nil
}
