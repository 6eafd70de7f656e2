package main

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench/figures"
)

func runCommand(args ...string) (string, error) {
	var out bytes.Buffer
	c := command()
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&out)
	err := c.Execute()
	return out.String(), err
}

func TestWrongUsage(t *testing.T) {
	for _, row := range []struct {
		name string
		args []string
		says string
	}{
		{"unknown part", []string{"--only", "size,spead"}, `"spead" is none of throughput, echo, statistics, documents, deploy, startup, size`},
		{"too few rounds", []string{"--rounds", "1"}, "--rounds is at least 2, not 1"},
		{"unknown flag", []string{"--fast"}, "--fast"},
		{"an argument", []string{"all"}, "all"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := runCommand(append(row.args, "--dir", t.TempDir())...)
			require.ErrorContains(t, err, row.says)
			assert.Equal(t, 2, figures.ExitCode(io.Discard, "bench-core", err, false))
		})
	}
}

func TestWhatCannotBeMeasured(t *testing.T) {
	t.Setenv("PARLEY_BIN", "")
	dir := t.TempDir()
	_, err := runCommand("--only", "deploy", "--bin", filepath.Join(dir, "bin"), "--dir", dir)
	require.ErrorContains(t, err, "could not measure: deploy: there is no parley command to measure; run `make build`")
	assert.Equal(t, 3, figures.ExitCode(io.Discard, "bench-core", err, false))
	assert.Equal(t, 130, figures.ExitCode(io.Discard, "bench-core", errors.New("context canceled"), true))
	assert.Zero(t, figures.ExitCode(io.Discard, "bench-core", nil, false))
}
