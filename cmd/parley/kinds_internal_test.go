package main

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestKindsPage keeps docs/kinds.md equal to what the program knows; -update writes it.
func TestKindsPage(t *testing.T) {
	const page = "../../docs/kinds.md"
	want := kindsPage()
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o644))
		return
	}
	have, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, want, string(have), "docs/kinds.md is not what the kinds say: run go test ./cmd/parley -run KindsPage -update")
}
