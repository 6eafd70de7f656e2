package node_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/node"
	"github.com/parley-run/parley/runtime/service"
)

func (g *ground) listed() map[string]bool {
	var all []struct{ Name string }
	require.NoError(g.t, g.call("server1", "parley.api.services", nil, &all))
	out := map[string]bool{}
	for _, one := range all {
		out[one.Name] = true
	}
	return out
}

// TestAreasAreOn: what a server can do without is there where nothing is said.
func TestAreasAreOn(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	listed := g.listed()
	for _, name := range []string{"parley.kvdb.execute", "parley.audit.list", "parley.stats.get", "parley.object.list", "parley.enmasse.export", "parley.secrets.status"} {
		assert.True(t, listed[name], name)
	}
	assert.FileExists(t, g.folder.StatsDB())
	var info node.Info
	require.NoError(t, g.call("server1", "parley.server.info", nil, &info))
	areas := map[string]bool{}
	for _, one := range info.Started {
		assert.False(t, one.Off, one.Area)
		areas[one.Area] = one.MS > 0
	}
	assert.Equal(t, map[string]bool{"keys": true, "cluster": true, "stats": true, "catalog": true, "kvdb": true}, areas)
	assert.Regexp(t, `msg="server is ready".* started="keys [0-9.]+ ms, cluster [0-9.]+ ms, stats [0-9.]+ ms, catalog [0-9.]+ ms, kvdb [0-9.]+ ms"`, g.logs.String())
}

// TestAreasThatAreOff: they are neither loaded nor listed, and what needs them says why it cannot.
func TestAreasThatAreOff(t *testing.T) {
	g := newGround(t)
	for _, a := range folder.Optional() {
		g.folder.Cluster.Areas.Off = append(g.folder.Cluster.Areas.Off, a.Name)
	}
	stop := g.run("server1")
	for name := range g.listed() {
		assert.NotRegexp(t, `^parley\.(kvdb|audit|stats|object|enmasse|secrets)\.`, name)
	}
	require.NoError(t, g.deploy("server1", "k.star", "def handle(self):\n    self.kvdb.conn.get('x')\n"))
	err := g.call("server1", "parley.service.invoke", map[string]any{"name": "k"}, nil)
	assert.ErrorContains(t, err, "the area kvdb is switched off on this server; take it out of areas.off of cluster.yaml")
	err = g.call("server1", "parley.stats.get", nil, nil)
	assert.EqualError(t, err, `there is no internal service "parley.stats.get": the area stats is switched off; take it out of areas.off of cluster.yaml`)
	assert.Equal(t, service.NotFound, service.AsError(err).Code)
	status, _, _ := g.request(http.MethodGet, g.url("server1")+"/parley/openapi.json", "")
	assert.Equal(t, 404, status)
	assert.NoFileExists(t, g.folder.StatsDB())
	require.NoError(t, os.WriteFile(g.folder.Incoming("server1")+"/p.star", []byte("def handle(self):\n    pass\n"), 0o600))
	var pong struct{ Info string }
	require.NoError(t, g.call("server1", "parley.outconn.ping", nil, &pong))
	assert.Contains(t, pong.Info, "server1")
	var info node.Info
	require.NoError(t, g.call("server1", "parley.server.info", nil, &info))
	off := 0
	for _, one := range info.Started {
		if one.Off {
			off++
		}
	}
	assert.Len(t, folder.Optional(), off)
	assert.Contains(t, g.logs.String(), "kvdb off")
	stop()
	assert.NotContains(t, g.logs.String(), "p.star", "nobody looked into the pickup folder")
}
