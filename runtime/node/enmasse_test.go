package node_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/enmasse"
	"github.com/parley-run/parley/runtime/node"
)

// diff is parley.enmasse.diff of one file.
func (g *ground) diff(content string) enmasse.DiffOut {
	g.t.Helper()
	var out enmasse.DiffOut
	in := map[string]any{"files": []map[string]string{{"name": "-", "content": content}}}
	require.NoError(g.t, g.call("server1", "parley.enmasse.diff", in, &out))
	return out
}

func (g *ground) exported(format string) string {
	g.t.Helper()
	var out struct{ Content string }
	require.NoError(g.t, g.call("server1", "parley.enmasse.export", map[string]string{"format": format}, &out))
	return out.Content
}

// TestEveryKindExportsAndImports is of a server that runs an object of every kind.
func TestEveryKindExportsAndImports(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.deploy("server1", "hello.star", "def handle(self):\n    pass\n"))
	require.NoError(t, g.define(node.KindsFile(t, t.TempDir())))
	for _, format := range []string{"yaml", "json"} {
		content := g.exported(format)
		for _, k := range node.Kinds() {
			assert.Contains(t, content, k.Name, format)
		}
		assert.NotContains(t, content, "c4nary", format)
		assert.NotContains(t, content, "sealed:", format)
		assert.NotContains(t, content, "hashed:", format)
		out := g.diff(content)
		assert.Empty(t, out.Differences, format)
		require.NoError(t, g.define(content))
		assert.Equal(t, out.Revision, g.diff(content).Revision, "an import of an export is no change")
	}

	var listed []enmasse.ObjectListed
	require.NoError(t, g.call("server1", "parley.object.list", map[string]any{}, &listed))
	assert.GreaterOrEqual(t, len(listed), len(node.Kinds()))
	for _, one := range listed {
		var got struct{ Config map[string]any }
		in := map[string]any{"kind": one.Kind, "name": one.Name}
		require.NoError(t, g.call("server1", "parley.object.get", in, &got))
		var edited struct{ Revision int64 }
		in["config"] = got.Config
		require.NoError(t, g.call("server1", "parley.object.edit", in, &edited), "%s: what get gives, edit takes", one.Kind)
		assert.Equal(t, one.Revision, edited.Revision, "%s: and it changes nothing", one.Kind)
	}
}
