package node_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRefusalDoesNotWaitForABodyThatStalls(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	require.NoError(t, g.define("channel_rest:\n  - {name: Get, service: hello, url_path: /get, method: GET}\n"))
	for path, status := range map[string]string{"/nowhere": "404", "/get": "405"} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(g.url("server1"), "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		_, err = io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nab")
		require.NoError(t, err)
		reply, err := io.ReadAll(conn)
		require.NoError(t, err, "the reply comes and the connection is closed")
		assert.True(t, strings.HasPrefix(string(reply), "HTTP/1.1 "+status), string(reply))
		assert.Contains(t, string(reply), "PARLEY_ERROR")
	}
}
