package database

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

// migrations are the schema of both databases: SQLite takes PostgreSQL's types, and keeps in a BYTEA column what it is
// given. A file is called NUMBER_TABLES.sql, with the tables of Options.Tables. One that was released is never edited: a
// new one follows it. It only adds, for servers of the last version run beside those of the next; where that cannot
// be, it raises schema_version, and older programs refuse the database.
//
//go:embed migrations/*.sql
var migrations embed.FS

// preparing is how long changing the schema may take, or waiting for another server that does.
const preparing = 30 * time.Second

// versions are the numbers of the migrations of some tables, or of all, ascending; others are the files of the rest.
func versions(schema fs.FS, tables []string) (numbers []int64, others []string, err error) {
	files, err := fs.Glob(schema, "migrations/*.sql")
	if err != nil {
		return nil, nil, err
	}
	for _, path := range files {
		name := strings.TrimPrefix(path, "migrations/")
		number, of, _ := strings.Cut(strings.TrimSuffix(name, ".sql"), "_")
		of, _, _ = strings.Cut(of, "_")
		if len(tables) > 0 && !slices.Contains(tables, of) {
			others = append(others, name)
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, nil, fmt.Errorf("migration %s: %w", name, err)
		}
		numbers = append(numbers, n)
	}
	return numbers, others, nil
}

// Prepare makes the tables, or brings them to the newest version that this program knows. A database that is newer is
// fine, unless it says that this program is too old for it. Several processes may prepare a PostgreSQL at once. Once it
// has succeeded it costs nothing.
func (d *DB) Prepare(ctx context.Context) error {
	if d.current.Load() {
		return nil
	}
	select {
	case <-d.turn:
	case <-ctx.Done():
		return d.judge(ctx, ctx.Err())
	}
	defer func() { d.turn <- struct{}{} }()
	if d.current.Load() {
		return nil
	}
	if err := d.prepare(ctx); err != nil {
		return d.judge(ctx, err)
	}
	d.current.Store(true)
	return nil
}

func (d *DB) prepare(ctx context.Context) error {
	numbers, others, err := versions(d.schema, d.tables)
	if err != nil {
		return err
	}
	newest := slices.Max(numbers)
	ctx, cancel := context.WithTimeout(ctx, preparing)
	defer cancel()
	have, err := d.version(ctx)
	if err == nil && have < newest && !d.asIs {
		err = d.locked(ctx, func() error {
			if have, err := d.version(ctx); err != nil || have >= newest {
				return err // another server was faster
			}
			return d.migrate(ctx, others)
		})
	}
	if err != nil {
		return err
	}
	if d.asIs && have == 0 {
		return nil // there is nothing yet that this program could be too old for
	}
	return d.checkLeast(ctx)
}

// Pending says whether this program would change the schema before it used the database.
func (d *DB) Pending(ctx context.Context) (bool, error) {
	numbers, _, err := versions(d.schema, d.tables)
	if err != nil {
		return false, err
	}
	have, err := d.version(ctx)
	return have < slices.Max(numbers), err
}

// version is that of the last migration: 0 where there are no tables.
func (d *DB) version(ctx context.Context) (int64, error) {
	ctx, cancel := d.brief(ctx)
	defer cancel()
	var have sql.NullInt64
	err := d.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+goose.DefaultTablename).Scan(&have)
	if err != nil && d.missing(err) {
		return 0, nil
	}
	return have.Int64, err
}

func (d *DB) migrate(ctx context.Context, others []string) (err error) {
	files, err := fs.Sub(d.schema, "migrations")
	if err != nil {
		return err
	}
	db := d.DB
	if d.Shared() {
		db = d.migrating()
		defer func() { err = errors.Join(err, db.Close()) }()
	}
	provider, err := goose.NewProvider(d.goose, db, files,
		goose.WithExcludeNames(others), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("change the schema: %w", err)
	}
	return nil
}

// level is what schema_version is compared with: a program of a lower one cannot use the database. The table holds 1
// since the first release, whose programs refuse whatever is higher.
const level = 1

func (d *DB) checkLeast(ctx context.Context) error {
	if len(d.tables) > 0 && !slices.Contains(d.tables, "catalog") {
		return nil
	}
	ctx, cancel := d.brief(ctx)
	defer cancel()
	var least int64
	if err := d.QueryRowContext(ctx, "SELECT MAX(version) FROM schema_version").Scan(&least); err != nil {
		return err
	}
	if least > level {
		return fmt.Errorf("its schema is version %d and this program knows up to %d: use a newer parley", least, level)
	}
	return nil
}
