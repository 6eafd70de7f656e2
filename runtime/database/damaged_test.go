package database_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/database"
)

// statistics are what may be lost.
func statistics() database.Options { return database.Options{Tables: []string{"stats"}} }

func TestOpenExpendableReplacesDamagedFiles(t *testing.T) {
	tests := []struct {
		name   string
		damage func(raw []byte) []byte
	}{
		{"text", func([]byte) []byte { return []byte(strings.Repeat("garbage ", 1000)) }},
		{"cut off", func(raw []byte) []byte { return raw[:len(raw)/2] }},
		{"a page overwritten", func(raw []byte) []byte {
			for i := 4096; i < 8192; i++ {
				raw[i] = 0xa5
			}
			return raw
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			db, moved, err := database.OpenExpendable(t.Context(), path, statistics())
			require.NoError(t, err)
			assert.Empty(t, moved)
			for range 1000 {
				_, err = db.ExecContext(t.Context(), "INSERT INTO stats VALUES (hex(randomblob(16)), 'some text', 'to fill pages with', 0)")
				require.NoError(t, err)
			}
			require.NoError(t, db.Close())
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			raw = tt.damage(raw)
			require.NoError(t, os.WriteFile(path, raw, 0o600))

			// The servers of a machine do this at the same time.
			var group sync.WaitGroup
			var mu sync.Mutex
			var aside []string
			for range 4 {
				group.Go(func() {
					db, moved, err := database.OpenExpendable(t.Context(), path, statistics())
					if !assert.NoError(t, err) {
						return
					}
					_, err = db.ExecContext(t.Context(), "INSERT INTO stats VALUES (hex(randomblob(16)), 'new', '', 0)")
					assert.NoError(t, err)
					assert.NoError(t, db.Close())
					mu.Lock()
					defer mu.Unlock()
					if moved != "" {
						aside = append(aside, moved)
					}
				})
			}
			group.Wait()
			require.Len(t, aside, 1, "one of them moves the file, the others take what it made")
			kept, err := os.ReadFile(aside[0])
			require.NoError(t, err)
			assert.Equal(t, raw, kept)
			assert.Equal(t, 4, count(t, path))
		})
	}
}

func count(t *testing.T, path string) (n int) {
	t.Helper()
	db, moved, err := database.OpenExpendable(t.Context(), path, statistics())
	require.NoError(t, err)
	assert.Empty(t, moved)
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM stats").Scan(&n))
	require.NoError(t, db.Close())
	return n
}

func TestDamagedIsNothingElse(t *testing.T) {
	assert.False(t, database.Damaged(nil))
	assert.False(t, database.Damaged(sql.ErrNoRows))
	_, _, err := database.OpenExpendable(t.Context(), filepath.Join(t.TempDir(), "no folder", "x.db"), statistics())
	require.Error(t, err)
	assert.False(t, database.Damaged(err))
}
