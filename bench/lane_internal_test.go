package bench

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestARequestHardlyAllocates: a load of millions of requests is to leave nothing behind that must be collected.
func TestARequestHardlyAllocates(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		in, reply := make([]byte, 4<<10), []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
		for {
			if n, err := c.Read(in); err != nil || !bytes.Contains(in[:n], []byte("\r\n\r\n")) {
				return
			}
			if _, err := c.Write(reply); err != nil {
				return
			}
		}
	}()
	p := Profile{Name: "lane", Rate: 1, Duration: Duration(time.Second), Request: Request{Method: "GET", Path: "/"}}.withDefaults()
	send, err := newSender(p, "http://"+l.Addr().String(), NewSchedule(p))
	require.NoError(t, err)
	w := newWorker(send)
	t.Cleanup(w.way.close)
	pass := func() {}
	assert.LessOrEqual(t, testing.AllocsPerRun(200, func() {
		if h := w.once(t.Context(), 0, 0, &send.kept, pass); h.outcome != OK {
			t.Fatal(h.fault)
		}
	}), 1.0)
}
