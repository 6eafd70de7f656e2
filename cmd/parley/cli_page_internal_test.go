package main

import (
	"flag"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/clipage"
)

// TestCLIPage keeps docs/cli.md equal to what parley --help says; -update writes it.
func TestCLIPage(t *testing.T) {
	const page = "../../docs/cli.md"
	root := rootCommand(&options{stderr: io.Discard})
	serve, _, err := root.Find([]string{"serve"})
	require.NoError(t, err)
	serve.Flags().Lookup("name").DefValue = "" // this machine's
	want := clipage.Page(root, "Exit codes: 0 done; 1 failed, or not all servers serve it; 2 wrong usage or configuration; 4 to 6 for `parley enmasse diff`: a difference\n"+
		"was found; 4 inconclusive; 130 interrupted. An unknown command or flag is answered with the one that was probably meant.\n\n"+
		"A shell completes commands, flags and the names of services, channels and other objects of the running cluster, for example with\n"+
		"`source <(parley completion bash)` in `~/.bashrc`.\n\n"+
		"This page is made from the commands themselves; after a change of them run `go test ./cmd/parley -run CLIPage -update`.")
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o644))
		return
	}
	have, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, want, string(have), "docs/cli.md is not what parley --help says: run go test ./cmd/parley -run CLIPage -update")
}
