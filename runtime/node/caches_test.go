package node_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type cached struct {
	Items []struct {
		Server, Channel, Kind string
		Replies               int
		Bytes, Hits, Misses   int64
	}
	Unasked []struct{ Server, Error string }
}

// TestKeptRepliesAreListedAndDropped: an operator sees what both servers have kept, and drops it on both.
func TestKeptRepliesAreListedAndDropped(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	g.run("server2")
	require.NoError(t, g.deploy("server1", "hello.star", "def handle(self):\n    self.response.payload = 'hello'\n"))
	require.NoError(t, g.define("channel_rest:\n  - {name: Kept, service: hello, url_path: '/kept/{id}', cache_expiry: 1h}\n  - {name: Not, service: hello, url_path: /not}\n"))
	for _, ask := range []struct{ server, path string }{{"server1", "/kept/1"}, {"server1", "/kept/1"}, {"server1", "/kept/2"}, {"server2", "/kept/1"}, {"server1", "/not"}} {
		status, _, body := g.ask(ask.server, ask.path)
		require.Equal(t, 200, status, body)
	}
	var out cached
	require.NoError(t, g.call("server2", "parley.cache.list", map[string]any{}, &out))
	require.Len(t, out.Items, 2)
	assert.Empty(t, out.Unasked)
	one, two := out.Items[0], out.Items[1]
	assert.Equal(t, []any{"server1", "Kept", "channel_rest", 2, int64(1), int64(2)}, []any{one.Server, one.Channel, one.Kind, one.Replies, one.Hits, one.Misses})
	assert.Equal(t, []any{"server2", "Kept", 1, int64(0), int64(1)}, []any{two.Server, two.Channel, two.Replies, two.Hits, two.Misses})
	assert.Greater(t, one.Bytes, two.Bytes)

	require.NoError(t, g.call("server2", "parley.cache.clear", map[string]any{"channel": "Not"}, &out))
	assert.Empty(t, out.Items)
	require.NoError(t, g.call("server2", "parley.cache.clear", map[string]any{"channel": "Kept"}, &out))
	assert.Equal(t, 2, out.Items[0].Replies, "what was dropped")
	require.NoError(t, g.call("server1", "parley.cache.list", map[string]any{"channel": "Kept"}, &out))
	assert.Equal(t, []any{0, int64(0), 0, int64(0)}, []any{out.Items[0].Replies, out.Items[0].Bytes, out.Items[1].Replies, out.Items[1].Bytes})
	_, header, _ := g.ask("server1", "/kept/1")
	assert.Empty(t, header.Get("Age"), "the service is asked again")
	assert.ErrorContains(t, g.call("server1", "parley.cache.clear", map[string]any{"channel": "Kpt"}, &out), "did you mean")
}
