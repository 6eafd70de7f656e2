package folder_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/folder"
)

func TestPutProgram(t *testing.T) {
	f, _, err := folder.Create(filepath.Join(t.TempDir(), "bank"), folder.Options{FreePorts: true})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "services")
	require.NoError(t, os.WriteFile(file, []byte("#!/bin/sh\n"), 0o644))

	name, err := f.PutProgram(file, "services")
	require.NoError(t, err)
	assert.Equal(t, "services-a8076d3d28d2", name)
	path := filepath.Join(f.ProgramsDir(), name)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	again, err := f.PutProgram(path, filepath.Base(path))
	require.NoError(t, err)
	assert.Equal(t, name, again, "a program of the folder keeps its name")

	_, err = f.PutProgram(filepath.Join(t.TempDir(), "none"), "none")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = f.PutProgram(t.TempDir(), "folder")
	require.ErrorContains(t, err, "is a directory")
	left, err := os.ReadDir(f.ProgramsDir())
	require.NoError(t, err)
	assert.Len(t, left, 1, "nothing half-made is left")
}
