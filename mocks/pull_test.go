package mocks_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/mocks"
)

func startPull(t *testing.T) *mocks.Pull {
	t.Helper()
	m, err := mocks.StartPull(t.Context(), mocks.PullOptions{Name: "Fraud detection"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	return m
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func push(t *testing.T, address string, messages ...zmq4.Msg) {
	t.Helper()
	s := zmq4.NewPush(t.Context())
	t.Cleanup(func() { _ = s.Close() })
	require.NoError(t, s.Dial(address))
	for _, m := range messages {
		require.NoError(t, s.SendMulti(m))
	}
}

func TestPullReceives(t *testing.T) {
	m := startPull(t)
	before := time.Now()
	push(t, m.Address(), zmq4.NewMsgString("one"), zmq4.NewMsgFrom([]byte("t"), []byte("wo")), zmq4.NewMsgString(strings.Repeat("x", 100_000)))
	got, err := m.WaitFor(within(t, time.Minute), 3)
	require.NoError(t, err)
	assert.Equal(t, []string{"one", "two", strings.Repeat("x", 100_000)}, m.Messages())
	assert.Equal(t, [][]byte{[]byte("t"), []byte("wo")}, got[1].Frames)
	assert.WithinRange(t, got[0].Time, before, time.Now())
	m.Clear()
	assert.Empty(t, m.Messages())
}

func TestPullStopsAndStartsOnTheSamePort(t *testing.T) {
	m := startPull(t)
	address := m.Address()
	for i := range 3 {
		push(t, address, zmq4.NewMsgString("hello"))
		_, err := m.WaitFor(within(t, time.Minute), i+1)
		require.NoError(t, err)
		require.NoError(t, m.Stop())
		_, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(address, "tcp://"))
		require.ErrorContains(t, err, "refused")
		require.NoError(t, m.Start(t.Context()))
		assert.Equal(t, address, m.Address())
	}
	assert.Equal(t, []string{"hello", "hello", "hello"}, m.Messages(), "what was received stays")
}

func TestPullIsNotHeldUpBySilentPeer(t *testing.T) {
	m := startPull(t)
	silent, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(m.Address(), "tcp://"))
	require.NoError(t, err)
	defer func() { _ = silent.Close() }()
	push(t, m.Address(), zmq4.NewMsgString("through"))
	_, err = m.WaitFor(within(t, time.Minute), 1)
	require.NoError(t, err)
}

func TestPullAnswersNothing(t *testing.T) {
	m := startPull(t)
	assert.ErrorContains(t, m.SetBehaviour(t.Context(), mocks.Behaviour{Status: 500}), "only down can be set")
	require.NoError(t, m.SetBehaviour(t.Context(), mocks.Behaviour{Down: true}))
	assert.True(t, m.Behaviour().Down)
	_, err := mocks.StartPull(t.Context(), mocks.PullOptions{Address: "127.0.0.1:1"})
	assert.ErrorContains(t, err, `address "127.0.0.1:1" must be tcp://host:port`)
}

// pythonWithZMQ is Debian's Python, which has libzmq where python3-zmq is installed.
const pythonWithZMQ = "/usr/bin/python3"

// TestPullReceivesFromLibzmq proves the mock against the C library, over a stop and a start as well: libzmq connects
// again by itself and delivers what it has queued meanwhile.
func TestPullReceivesFromLibzmq(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), pythonWithZMQ, "-c", "import zmq").CombinedOutput(); err != nil {
		const reason = "needs libzmq by way of Python (Debian: python3-zmq)"
		require.NotContains(t, strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "libzmq", "%s: %s", reason, out)
		t.Skip(reason)
	}
	m := startPull(t)
	peer := exec.CommandContext(t.Context(), pythonWithZMQ, "-c", `
import sys, zmq
s = zmq.Context().socket(zmq.PUSH)
s.setsockopt(zmq.RECONNECT_IVL, 10)
s.connect(sys.argv[1])
for line in sys.stdin:
    s.send_multipart([part.encode() for part in line.rstrip("\n").split("|")])
s.close(linger=5000)
`, m.Address())
	peer.Stderr = os.Stderr
	in, err := peer.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, peer.Start())
	send := func(text string) {
		_, err := in.Write([]byte(text + "\n"))
		require.NoError(t, err)
	}

	send("first")
	send("two|frames")
	_, err = m.WaitFor(within(t, time.Minute), 2)
	require.NoError(t, err)
	require.NoError(t, m.Stop())
	require.NoError(t, m.Start(t.Context()))
	// What libzmq wrote into the dying connection is gone, as with a real peer, so it is sent until it arrives.
	require.Eventually(t, func() bool {
		send("after the restart")
		return slices.Contains(m.Messages(), "after the restart")
	}, time.Minute, 50*time.Millisecond)
	require.NoError(t, in.Close())
	require.NoError(t, peer.Wait())
	assert.Equal(t, []string{"first", "twoframes", "after the restart"}, m.Messages()[:3])
}
