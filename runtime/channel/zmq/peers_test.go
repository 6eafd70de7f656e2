package zmq_test

import (
	"bufio"
	"context"
	"io"
	"log"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/go-zeromq/zmq4"
	"github.com/stretchr/testify/require"
)

// sender is the other side: PUSH or PUB, by libzmq or go-zeromq.
type sender interface {
	send(t testing.TB, messages ...string) // parts of one message are separated by |
	stop(t testing.TB)                     // in an orderly way; the address is free afterwards
	kill(t testing.TB)                     // as kill -9, where it is a process
}

// newSender makes a sender of type PUSH or PUB that connects or binds.
type newSender func(t testing.TB, socketType, method, address string) sender

// eachSender runs a test against every implementation of the other side.
func eachSender(t *testing.T, test func(*testing.T, newSender)) {
	t.Run("go-zeromq", func(t *testing.T) { test(t, newGoSender) })
	t.Run("libzmq", func(t *testing.T) {
		needLibzmq(t)
		test(t, newLibzmqSender)
	})
}

const python = "/usr/bin/python3"

func needLibzmq(t *testing.T) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), python, "-c", "import zmq").CombinedOutput()
	if err == nil {
		return
	}
	why := "libzmq for Python (Debian's python3-zmq) is not installed: " + strings.TrimSpace(string(out))
	if slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "libzmq") {
		t.Fatal(why)
	}
	t.Skip(why)
}

type goSender struct {
	socket zmq4.Socket
	cancel context.CancelFunc
}

func newGoSender(t testing.TB, socketType, method, address string) sender {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &goSender{cancel: cancel}
	quiet := zmq4.WithLogger(log.New(io.Discard, "", 0))
	if socketType == "PUSH" {
		s.socket = zmq4.NewPush(ctx, quiet)
	} else {
		s.socket = zmq4.NewPub(ctx, quiet)
	}
	if method == "bind" {
		require.NoError(t, s.socket.Listen(address))
	} else {
		require.NoError(t, s.socket.Dial(address))
	}
	t.Cleanup(func() { s.stop(t) })
	return s
}

func (s *goSender) send(t testing.TB, messages ...string) {
	t.Helper()
	for _, m := range messages {
		var parts [][]byte
		for _, part := range strings.Split(m, "|") {
			parts = append(parts, []byte(part))
		}
		require.NoError(t, s.socket.SendMulti(zmq4.NewMsgFrom(parts...)))
	}
}

func (s *goSender) stop(testing.TB) {
	_ = s.socket.Close()
	s.cancel()
}

func (s *goSender) kill(t testing.TB) { s.stop(t) }

type libzmqSender struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// The script sends each line of its standard input, parts separated by |, and ends with it.
const senderScript = `
import sys, zmq
kind, method, address = sys.argv[1:]
s = zmq.Context().socket(getattr(zmq, kind))
s.setsockopt(zmq.RECONNECT_IVL, 20)
s.setsockopt(zmq.LINGER, 1000)
getattr(s, method)(address)
print("ready", flush=True)
for line in sys.stdin:
    s.send_multipart([part.encode() for part in line.rstrip("\n").split("|")])
s.close()
zmq.Context.instance().term()
`

func newLibzmqSender(t testing.TB, socketType, method, address string) sender {
	t.Helper()
	s := &libzmqSender{cmd: exec.CommandContext(context.Background(), python, "-c", senderScript, socketType, method, address)}
	stdin, err := s.cmd.StdinPipe()
	require.NoError(t, err)
	s.stdin = stdin
	stdout, err := s.cmd.StdoutPipe()
	require.NoError(t, err)
	s.cmd.Stderr = os.Stderr
	require.NoError(t, s.cmd.Start())
	ready, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", ready)
	t.Cleanup(func() { s.kill(t) })
	return s
}

func (s *libzmqSender) send(t testing.TB, messages ...string) {
	t.Helper()
	_, err := io.WriteString(s.stdin, strings.Join(messages, "\n")+"\n")
	require.NoError(t, err)
}

func (s *libzmqSender) stop(testing.TB) {
	_ = s.stdin.Close()
	_ = s.cmd.Wait()
}

func (s *libzmqSender) kill(testing.TB) {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}
