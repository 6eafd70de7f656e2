package main

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/clipage"
)

// TestCLIPage keeps docs/cli-apitest.md equal to what apitest --help says; -update writes it.
func TestCLIPage(t *testing.T) {
	const page = "../../docs/cli-apitest.md"
	want := clipage.Page(rootCommand(), "Exit codes: 0 passed; 1 failed: a test, a threshold or a gate; 2 wrong usage or configuration; 3 an invalid measurement; 4 inconclusive;\n"+
		"5 nothing was selected; 130 interrupted. What it is for and how to begin: [apitest.md](apitest.md).\n\n"+
		"This page is made from the commands themselves; after a change of them run `go test ./cmd/apitest -run CLIPage -update`.")
	if flag.Lookup("update").Value.String() == "true" {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o644))
		return
	}
	have, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, want, string(have), "docs/cli-apitest.md is not what apitest --help says: run go test ./cmd/apitest -run CLIPage -update")
}
