package zmq_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/outconn"
)

func TestBindWaitsForThePort(t *testing.T) {
	address := freeAddress(t)
	spec := `{"address":"` + address + `","socket_method":"bind"}`
	old := start(t, spec)
	require.Eventually(t, func() bool { _, err := old.Ping(context.Background()); return err == nil }, patience, time.Millisecond)
	next := start(t, spec)
	require.Eventually(t, func() bool { return next.log.Count("zmq address cannot be bound yet") == 1 }, patience, time.Millisecond)
	_, err := next.Ping(context.Background())
	require.ErrorContains(t, err, "does not listen at "+address)
	require.ErrorContains(t, err, "address already in use")
	next.send(t, "kept")
	require.NoError(t, old.Close(context.Background()))
	require.Eventually(t, func() bool { return next.log.Count("zmq address is bound") == 1 }, patience, time.Millisecond)
	assert.Equal(t, []string{"kept"}, newGoPeer(t, "PULL connect", address).take(t, 1))
}

func TestWrongPeers(t *testing.T) {
	t.Run("not ZeroMQ", func(t *testing.T) {
		address := rawPeer(t, []byte(strings.Repeat("HTTP/1.1 400 Bad Request\r\n", 10)))
		c := start(t, push(address))
		require.Eventually(t, func() bool { return c.log.Count("no ZeroMQ handshake") > 0 }, patience, time.Millisecond)
	})
	greeting := make([]byte, 64)
	greeting[0], greeting[9], greeting[10] = 0xff, 0x7f, 3
	copy(greeting[12:], "NULL")
	t.Run("malformed metadata", func(t *testing.T) {
		address := rawPeer(t, append(bytes.Clone(greeting), "\x04\x0a\x05READY\x04abc"...))
		c := start(t, push(address))
		require.Eventually(t, func() bool { return c.log.Count("malformed handshake") > 0 }, patience, time.Millisecond)
	})
	t.Run("a frame of a terabyte", func(t *testing.T) {
		address := rawPeer(t, append(bytes.Clone(greeting), "\x06\x00\x00\x01\x00\x00\x00\x00\x00"...))
		c := start(t, push(address))
		require.Eventually(t, func() bool { return c.log.Count("a frame of 1099511627776 bytes") > 0 }, patience, time.Millisecond)
	})
	t.Run("a socket of another type", func(t *testing.T) {
		address := freeAddress(t)
		newGoPeer(t, "SUB bind a", address)
		c := start(t, push(address))
		require.Eventually(t, func() bool { return c.log.Count("not compatible") > 0 }, patience, time.Millisecond)
	})
}

func TestPingOfTheProtocolIsAnswered(t *testing.T) {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	start(t, push("tcp://"+l.Addr().String()))
	tcp, err := l.Accept()
	require.NoError(t, err)
	defer func() { _ = tcp.Close() }()
	require.NoError(t, tcp.SetDeadline(time.Now().Add(patience)))
	c, err := zmq4.Open(tcp, null.Security(), zmq4.Pull, nil, true, nil)
	require.NoError(t, err)
	require.NoError(t, c.SendCmd(zmq4.CmdPing, []byte("\x00\x10context")))
	cmd, err := c.RecvCmd()
	require.NoError(t, err)
	assert.Equal(t, zmq4.Cmd{Name: zmq4.CmdPong, Body: []byte("context")}, cmd)
}

// A write that ends half-way hands over its first messages for good; the one that was cut off is sent again.
func TestWriteThatIsCutOff(t *testing.T) {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	c := open(t, push("tcp://"+l.Addr().String()))
	small, big := numbered(0, 5), strings.Repeat("x", 20<<20) // more than all buffers on the way hold
	c.send(t, append(small, big, "behind")...)
	c.Conn.(outconn.Starter).Start()
	accept := func() (*net.TCPConn, *zmq4.Conn) {
		tcp, err := l.Accept()
		require.NoError(t, err)
		z, err := zmq4.Open(tcp, null.Security(), zmq4.Pull, nil, true, nil)
		require.NoError(t, err)
		return tcp.(*net.TCPConn), z
	}
	receive := func(z *zmq4.Conn) string {
		m, err := z.RecvMsg()
		require.NoError(t, err)
		return string(m.Bytes())
	}
	tcp, z := accept()
	for _, want := range small {
		assert.Equal(t, want, receive(z))
	}
	require.NoError(t, tcp.SetLinger(0))
	require.NoError(t, tcp.Close())
	tcp, z = accept()
	defer func() { _ = tcp.Close() }()
	assert.Len(t, receive(z), len(big))
	assert.Equal(t, "behind", receive(z))
}

func TestCloseWaitsUntilThePeerHasRead(t *testing.T) {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	c := start(t, push("tcp://"+l.Addr().String()))
	c.send(t, "last words")
	tcp, err := l.Accept()
	require.NoError(t, err)
	z, err := zmq4.Open(tcp, null.Security(), zmq4.Pull, nil, true, nil)
	require.NoError(t, err)
	var read atomic.Bool
	time.AfterFunc(100*time.Millisecond, func() {
		m, err := z.RecvMsg()
		assert.NoError(t, err)
		assert.Equal(t, "last words", string(m.Bytes()))
		_, err = z.RecvMsg()
		assert.ErrorIs(t, err, io.EOF)
		read.Store(true)
		_ = tcp.Close()
	})
	require.NoError(t, c.Close(context.Background()))
	assert.True(t, read.Load())
}

func TestNoGoroutineStays(t *testing.T) {
	for _, spec := range []string{
		push(freeAddress(t)),
		`{"address":"` + freeAddress(t) + `","socket_method":"bind"}`,
		`{"address":"` + freeAddress(t) + `","socket_method":"bind","socket_type":"PUB"}`,
	} {
		c := start(t, spec)
		require.NoError(t, c.Close(context.Background()))
	}
	address := freeAddress(t)
	l := rawPeer(t, nil)
	c := start(t, push(l))
	c.send(t, "x")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	require.Error(t, c.Close(ctx))
	p := newGoPeer(t, "PULL", address)
	c = start(t, push(address))
	c.send(t, "x")
	p.take(t, 1)
	require.NoError(t, c.Close(context.Background()))
	p.stop(t)
	ours := func() string {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		var left []string
		for _, one := range strings.Split(string(stacks), "\n\n") {
			if strings.Contains(one, "runtime/outconn/zmq.") {
				left = append(left, one)
			}
		}
		return strings.Join(left, "\n\n")
	}
	assert.Eventually(t, func() bool { return ours() == "" }, patience, 10*time.Millisecond)
	assert.Empty(t, ours())
}

// rawPeer accepts TCP connections, writes answer and keeps them open.
func rawPeer(t *testing.T, answer []byte) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var mu sync.Mutex
	var open []net.Conn
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			_ = c.Close()
		}
	})
	go func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			_, _ = c.Write(answer)
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
		}
	}()
	return "tcp://" + l.Addr().String()
}
