package zmq_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/channel"
)

// rawPeer is a connection whose every byte the test chooses.
type rawPeer struct{ net.Conn }

func dialRaw(t testing.TB, address string) rawPeer {
	t.Helper()
	var d net.Dialer
	var tcp net.Conn
	require.Eventually(t, func() bool {
		var err error
		tcp, err = d.DialContext(context.Background(), "tcp", strings.TrimPrefix(address, "tcp://"))
		return err == nil
	}, patience, time.Millisecond)
	t.Cleanup(func() { _ = tcp.Close() })
	require.NoError(t, tcp.SetDeadline(time.Now().Add(patience)))
	return rawPeer{tcp}
}

func greeting(mechanism string) []byte {
	g := make([]byte, 64)
	g[0], g[9], g[10] = 0xff, 0x7f, 3
	copy(g[12:], mechanism)
	return g
}

func ready(socketType string) []byte {
	body := append([]byte("\x05READY\x0bSocket-Type\x00\x00\x00"), byte(len(socketType)))
	body = append(body, socketType...)
	return append([]byte{4, byte(len(body))}, body...)
}

func (p rawPeer) put(t testing.TB, b ...byte) {
	t.Helper()
	_, err := p.Write(b)
	require.NoError(t, err)
}

// handshake is done when the other side's READY has come.
func (p rawPeer) handshake(t testing.TB, socketType string) {
	t.Helper()
	p.put(t, append(greeting("NULL"), ready(socketType)...)...)
	theirs := make([]byte, 64+2)
	_, err := io.ReadFull(p, theirs)
	require.NoError(t, err)
	_, err = io.CopyN(io.Discard, p, int64(theirs[65]))
	require.NoError(t, err)
}

// closed waits for the other side to close the connection.
func (p rawPeer) closed(t testing.TB) {
	t.Helper()
	_, err := io.Copy(io.Discard, p)
	assert.NotErrorIs(t, err, os.ErrDeadlineExceeded, "it is closed before the time is over")
}

const fillSize = 64 << 10

// fill sends messages of fillSize bytes until nobody reads any more, and says how many bytes it sent.
func (p rawPeer) fill(t testing.TB) int {
	t.Helper()
	frame := append(binary.BigEndian.AppendUint64([]byte{2}, fillSize), make([]byte, fillSize)...)
	sent := 0
	for sent < 256<<20 {
		require.NoError(t, p.SetWriteDeadline(time.Now().Add(300*time.Millisecond)))
		n, err := p.Write(frame)
		sent += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return sent
		}
		require.NoError(t, err)
	}
	return sent
}

// Each of these peers is shown out, and the others are served on.
func TestPeersThatAreBad(t *testing.T) {
	huge := binary.BigEndian.AppendUint64([]byte{2}, 1<<40)
	tooBig := binary.BigEndian.AppendUint64([]byte{2}, 1001)
	for _, row := range []struct {
		name   string
		shaken bool
		sends  []byte
		log    string
	}{
		{"HTTP", false, []byte("GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: something that is long enough\r\n\r\n"), "zmq peer refused"},
		{"random bytes", false, bytes.Repeat([]byte{0xff, 0x80, 0x01, 0x7f, 0xa5}, 1000), "zmq peer refused"},
		{"another mechanism", false, greeting("PLAIN"), "zmq peer refused"},
		{"malformed metadata", false, append(greeting("NULL"), "\x04\x0a\x05READY\x04abc"...), "malformed handshake"},
		{"a handshake of a terabyte", false, append(greeting("NULL"), append([]byte{6}, huge[1:]...)...), "1099511627776 bytes"},
		{"a type that does not fit", false, append(greeting("NULL"), ready("PUB")...), "not compatible"},
		{"gone amid the greeting", false, []byte{0xff, 0, 0}, "zmq peer refused"},
		{"a message of a terabyte", true, huge, "over the limit of 1000 bytes; raise the channel's max_size"},
		{"a message one byte too big", true, tooBig, "over the limit of 1000 bytes"},
		{"parts that are too big together", true, bytes.Repeat(append([]byte{1, 200}, make([]byte, 200)...), 6), "over the limit of 1000 bytes"},
		{"parts without end", true, bytes.Repeat([]byte{1, 0}, 200), "more than 100 parts"},
		{"gone amid a message", true, []byte{0, 100, 'a', 'b'}, "zmq peer went"},
	} {
		t.Run(row.name, func(t *testing.T) {
			address := freeAddress(t)
			u := run(t, spec(address, `,"max_size":1000`), nil)
			good := dialRaw(t, address)
			good.handshake(t, "PUSH")
			bad := dialRaw(t, address)
			if row.shaken {
				bad.handshake(t, "PUSH")
			}
			_, _ = bad.Write(row.sends)
			if strings.HasPrefix(row.name, "gone") {
				require.NoError(t, bad.Close())
			} else {
				bad.closed(t)
			}
			u.eventually("it is told", func() bool { return u.log.Count(row.log) == 1 })
			good.put(t, 0, 2, 'o', 'k')
			u.eventually("the good peer is served", func() bool { return len(u.messages()) == 1 })
			assert.Equal(t, []string{"ok"}, u.messages())
		})
	}
}

// A thousand bytes are the limit, and commands between messages are none.
func TestLimitAndCommands(t *testing.T) {
	address := freeAddress(t)
	u := run(t, spec(address, `,"max_size":1000`), nil)
	p := dialRaw(t, address)
	p.handshake(t, "PUSH")
	p.put(t, append(binary.BigEndian.AppendUint64([]byte{2}, 1000), make([]byte, 1000)...)...)
	p.put(t, append([]byte{4, 14}, "\x04PING\x00\x10context"...)...)
	pong := make([]byte, 2+5+7)
	_, err := io.ReadFull(p, pong)
	require.NoError(t, err)
	assert.Equal(t, "\x04\x0c\x04PONGcontext", string(pong))
	p.put(t, 4, 4, 3, 'H', 'E', 'Y')
	p.put(t, 0, 0)
	u.eventually("both messages come", func() bool { return len(u.messages()) == 2 })
	assert.Len(t, u.messages()[0], 1000)
	assert.Empty(t, u.messages()[1])
}

// Connections that never finish their handshake hold up nobody, and are closed after 5 s or with the channel.
func TestHalfOpenHandshakes(t *testing.T) {
	address := freeAddress(t)
	u := run(t, spec(address, ""), nil)
	var half []rawPeer
	for i := range 50 {
		p := dialRaw(t, address)
		if i%2 == 0 {
			p.put(t, greeting("NULL")[:30]...)
		}
		half = append(half, p)
	}
	good := dialRaw(t, address)
	good.handshake(t, "PUSH")
	good.put(t, 0, 2, 'o', 'k')
	u.eventually("the good peer is served", func() bool { return len(u.messages()) == 1 })
	half[0].closed(t)
	u.end(channel.ErrStopped)
	for _, p := range half[1:] {
		p.closed(t)
	}
}

// When the lease is lost the sockets close at once, with what is still on the way.
func TestLostLeaseClosesAtOnce(t *testing.T) {
	address := freeAddress(t)
	u := run(t, spec(address, ""), nil)
	p := dialRaw(t, address)
	p.handshake(t, "PUSH")
	p.put(t, 0, 2, 'o', 'k')
	u.eventually("it is served", func() bool { return len(u.messages()) == 1 })
	u.end(errors.New("lost"))
	p.closed(t)
	assert.Equal(t, []string{"ok"}, u.messages())
}

func TestNoGoroutineStays(t *testing.T) {
	for _, more := range []string{"", `,"socket_method":"connect"`, `,"socket_type":"SUB"`} {
		address := freeAddress(t)
		u := run(t, spec(address, more), nil)
		if more == "" {
			dialRaw(t, address).handshake(t, "PUSH")
			dialRaw(t, address)
		}
		u.end(channel.ErrStopped)
	}
	ours := func() string {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		var left []string
		for _, one := range strings.Split(string(stacks), "\n\n") {
			if strings.Contains(one, "runtime/channel/zmq.") {
				left = append(left, one)
			}
		}
		return strings.Join(left, "\n\n")
	}
	assert.Eventually(t, func() bool { return ours() == "" }, patience, 10*time.Millisecond, ours())
}
