package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/node"
	"github.com/parley-run/parley/runtime/service"
)

type nothing struct{}

func goService(name string) service.Service {
	return service.New(name, func(context.Context, service.Runtime, nothing) (nothing, error) { return nothing{}, nil })
}

func TestCheck(t *testing.T) {
	g := newGround(t)
	check := func(services ...service.Service) (node.Checked, error) {
		var out bytes.Buffer
		err := node.Check(t.Context(), g.folder.Dir, "server1", &out, services...)
		var said node.Checked
		if err == nil {
			require.NoError(t, json.Unmarshal(out.Bytes(), &said))
		}
		return said, err
	}
	said, err := check(goService("go.one"))
	require.NoError(t, err)
	assert.Equal(t, []string{"go.one"}, said.Services)
	assert.Len(t, said.Notes, 1, "there is no catalog yet")
	assert.NoFileExists(t, g.folder.CatalogDB())

	g.run("server1", goService("go.one"))
	require.NoError(t, g.deploy("server1", "hello.star", "def handle(self):\n    pass\n"))
	require.NoError(t, g.define("channel_rest:\n  - {name: A, service: hello, url_path: /hello}\n"))
	said, err = check(goService("go.two"))
	require.NoError(t, err)
	assert.Equal(t, []string{"go.two", "hello"}, said.Services)
	assert.Equal(t, int64(2), said.Revision)
	assert.Empty(t, said.Quarantined)
	assert.Empty(t, said.Notes)

	said, err = check(goService("hello"))
	require.NoError(t, err)
	require.Len(t, said.Quarantined, 1, "two claim one name")
	assert.Contains(t, said.Quarantined[0], "hello.star")

	_, err = check(goService("go.one"), goService("go.one"))
	assert.ErrorContains(t, err, `the service "go.one" is compiled in twice`)
	assert.ErrorContains(t, node.Check(t.Context(), g.folder.Dir, "server9", &bytes.Buffer{}), `has no server "server9"`)
	config := filepath.Join(g.folder.Dir, "cluster.yaml")
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(config, append(text, "shiny: new\n"...), 0o600))
	_, err = check()
	assert.ErrorContains(t, err, `unknown key "shiny"`)
}

func TestMemory(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	var m node.Memory
	require.NoError(t, g.call("server1", "parley.server.memory", struct{}{}, &m))
	assert.Greater(t, m.Heap, int64(100_000))
	assert.Greater(t, m.Goroutines, 5)
}
