package supervisor_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/supervisor"
)

// TestReplaceRefuses holds what a server is not replaced by; cmd/parley's tests replace real ones.
func TestReplaceRefuses(t *testing.T) {
	f := newFolder(t, folder.Options{Servers: 2})
	require.NoError(t, os.MkdirAll(filepath.Join(f.ProgramsDir(), "folder"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(f.ProgramsDir(), "text"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(f.ProgramsDir(), "program"), nil, 0o700))
	c := startCluster(t, f, func(d *supervisor.Deps) { d.NoRestart = true })
	one := c.waitState("server1", "up")
	c.waitState("server2", "up")
	for _, row := range []struct{ name, server, file, said string }{
		{"an unknown server", "server9", "", `has no server "server9"`},
		{"no server", "", "", "which server?"},
		{"a path", "server1", "../logs/server1.log", "is no name of a file in"},
		{"an absolute path", "server1", "/bin/true", "is no name of a file in"},
		{"the folder above", "server1", "..", "is no name of a file in"},
		{"no file", "server1", "none", "no such file or directory"},
		{"a folder", "server1", "folder", "is no file that its owner may execute"},
		{"a text", "server1", "text", "is no file that its owner may execute"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out supervisor.ServerInfo
			err := c.call("parley.server.replace", supervisor.Replacement{Server: row.server, File: row.file}, &out)
			assert.ErrorContains(t, err, row.said)
		})
	}
	assert.Equal(t, one.PID, c.server("server1").PID, "nothing was touched")

	var list []supervisor.ServerInfo
	require.NoError(t, c.call("parley.server.stop", supervisor.One{Server: "server2"}, &list))
	var out supervisor.ServerInfo
	err := c.call("parley.server.replace", supervisor.Replacement{Server: "server1", File: "program"}, &out)
	assert.ErrorContains(t, err, "no server but server1 is up")
	assert.Equal(t, one.PID, c.server("server1").PID)
}

func TestProgramsThatCannotBeRead(t *testing.T) {
	f := newFolder(t, folder.Options{Servers: 1})
	require.NoError(t, os.MkdirAll(f.ProgramsDir(), 0o700))
	require.NoError(t, os.WriteFile(f.ProgramsFile(), []byte("{"), 0o600))
	_, err := supervisor.New(supervisor.Deps{Folder: f, Serve: serveNothing})
	assert.ErrorContains(t, err, "remove the file, and they run")
}
