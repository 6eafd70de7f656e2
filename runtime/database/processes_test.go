package database_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/database"
)

// TestOpenExpendableFromSeveralProcesses lets several processes find the same damaged file, as the servers of a
// machine do: SQLite's locks hold between processes only.
func TestOpenExpendableFromSeveralProcesses(t *testing.T) {
	const path = "PARLEY_TEST_EXPENDABLE"
	if file := os.Getenv(path); file != "" {
		db, _, err := database.OpenExpendable(t.Context(), file, statistics())
		require.NoError(t, err)
		_, err = db.ExecContext(t.Context(), "INSERT INTO stats VALUES (hex(randomblob(16)), 'new', '', 0)")
		require.NoError(t, err)
		require.NoError(t, db.Close())
		return
	}
	const processes = 4
	for range 10 {
		file := filepath.Join(t.TempDir(), "x.db")
		require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte("garbage "), 1000), 0o600))
		outputs := make([]bytes.Buffer, processes)
		started := make([]*exec.Cmd, processes)
		for i := range started {
			started[i] = exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
			started[i].Env = append(os.Environ(), path+"="+file)
			started[i].Stdout, started[i].Stderr = &outputs[i], &outputs[i]
			require.NoError(t, started[i].Start())
		}
		for i, process := range started {
			assert.NoError(t, process.Wait(), outputs[i].String())
		}
		aside, err := filepath.Glob(file + ".damaged-*")
		require.NoError(t, err)
		assert.Len(t, aside, 1)
		assert.Equal(t, processes, count(t, file))
	}
}
