package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/internal/freeport"
)

func needLibzmq(t *testing.T) {
	t.Helper()
	if err := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", "import zmq").Run(); err != nil {
		if slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "libzmq") {
			require.NoError(t, err, "PARLEY_REQUIRE asks for libzmq")
		}
		t.Skip("libzmq for Python (Debian's python3-zmq) is not installed")
	}
}

// pushing is a PUSH socket of libzmq that sends a number every five milliseconds, in a process of its own.
type pushing struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
}

// The script sends numbers; at each line of its standard input it says which one is next, and at "stop" it sends no more.
const pushScript = `
import select, sys, time, zmq
s = zmq.Context().socket(zmq.PUSH)
s.setsockopt(zmq.RECONNECT_IVL, 50)
s.connect(sys.argv[1])
n, at = 0, time.monotonic()
while True:
    if select.select([sys.stdin], [], [], max(0, at - time.monotonic()))[0]:
        line = sys.stdin.readline()
        if not line:
            break
        print(n, flush=True)
        if line == "stop\n":
            at = float("inf")
            sys.stdin.readline()
            break
    elif time.monotonic() >= at:
        s.send_string(str(n))
        n, at = n + 1, at + 0.005
s.close(linger=0)
`

func startPushing(t *testing.T, address string) *pushing {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "/usr/bin/python3", "-c", pushScript, address)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &pushing{t, in, bufio.NewReader(out)}
}

// says is the number that comes next.
func (p *pushing) says(line string) int {
	p.t.Helper()
	_, err := io.WriteString(p.in, line+"\n")
	require.NoError(p.t, err)
	said, err := p.out.ReadString('\n')
	require.NoError(p.t, err)
	n, err := strconv.Atoi(strings.TrimSpace(said))
	require.NoError(p.t, err)
	return n
}

// channelHolder is the number of the server on which the only channel that runs by itself runs, and how many others wait.
func channelHolder(t *testing.T, c *fixtures.Cluster) (holder, waiting int) {
	t.Helper()
	var holders []int
	for range 5 { // the servers are asked one after the other: while it moves, two may say so, each at its time
		raw, err := c.Parley(t.Context(), "status", c.Dir(), "--output", "json")
		require.NoError(t, err)
		var status struct {
			Servers []struct {
				Channels []struct{ State string }
			}
		}
		require.NoError(t, json.Unmarshal(raw, &status))
		holders, waiting = nil, 0
		for i, s := range status.Servers {
			for _, one := range s.Channels {
				switch one.State {
				case "runs":
					holders = append(holders, i+1)
				case "waits for its lease":
					waiting++
				}
			}
		}
		switch len(holders) {
		case 0:
			return 0, waiting
		case 1:
			return holders[0], waiting
		}
	}
	require.Fail(t, "it runs on several servers at once", "%v", holders)
	return 0, 0
}

// untilHeld waits until another server than that one runs the channel.
func untilHeld(t *testing.T, c *fixtures.Cluster, not int) (holder int) {
	t.Helper()
	require.Eventually(t, func() bool {
		holder, _ = channelHolder(t, c)
		return holder != 0 && holder != not
	}, time.Minute, 50*time.Millisecond)
	return holder
}

func (k *kvdbOf) list(name string) []string {
	k.t.Helper()
	all, err := k.LRange(k.t.Context(), name, 0, -1).Result()
	require.NoError(k.t, err)
	return all
}

type kvdbOf struct {
	t *testing.T
	*redis.Client
}

func openKVDB(t *testing.T, c *fixtures.Cluster) *kvdbOf {
	t.Helper()
	options, err := redis.ParseURL(c.KVDB())
	require.NoError(t, err)
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return &kvdbOf{t, client}
}

func bring(t *testing.T, c *fixtures.Cluster, definitions, name, source string) {
	t.Helper()
	file, err := c.Put(name, []byte(source))
	require.NoError(t, err)
	_, err = c.Deploy(t.Context(), file)
	require.NoError(t, err)
	yaml, err := c.Put("channels.yaml", []byte(definitions))
	require.NoError(t, err)
	require.NoError(t, c.Import(t.Context(), nil, yaml))
}

// TestZeroMQChannelMoves pushes two hundred messages a second by libzmq into a channel of a cluster of three, whose holder is
// killed, and then the next one stopped as planned. Nothing is handled twice; what was sent after the kill arrives, and all
// that was sent around the planned stop; what is lost lay in the dead server's sockets.
func TestZeroMQChannelMoves(t *testing.T) {
	needLibzmq(t)
	c := start(t, 3)
	address, err := freeport.Address(t.Context())
	require.NoError(t, err)
	address = "tcp://" + address
	bring(t, c, fmt.Sprintf("channel_zmq:\n  - {name: Numbers, service: numbers, data_format: '', address: %q}\n", address),
		"numbers.star", "def handle(self):\n    self.kvdb.conn.rpush('numbers', self.request.payload)\n")
	kvdb := openKVDB(t, c)
	pusher := startPushing(t, address)
	require.Eventually(t, func() bool { return len(kvdb.list("numbers")) > 500 }, time.Minute, 20*time.Millisecond)

	first := untilHeld(t, c, 0)
	before := pusher.says("")
	require.NoError(t, c.Kill(t.Context(), first))
	killed, began := pusher.says(""), time.Now()
	second := untilHeld(t, c, first)
	taken, outage := pusher.says(""), time.Since(began)
	require.Eventually(t, func() bool { return len(kvdb.list("numbers")) > taken+200 }, time.Minute, 20*time.Millisecond)

	leaving := pusher.says("")
	require.NoError(t, c.StopServer(t.Context(), second))
	left := pusher.says("")
	untilHeld(t, c, second)
	require.Eventually(t, func() bool { return slices.Contains(kvdb.list("numbers"), strconv.Itoa(left+200)) }, time.Minute, 20*time.Millisecond)
	last := pusher.says("stop")
	require.Eventually(t, func() bool { return slices.Contains(kvdb.list("numbers"), strconv.Itoa(last-1)) }, time.Minute, 20*time.Millisecond)

	times := map[int]int{}
	for _, text := range kvdb.list("numbers") {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		times[n]++
	}
	var lost []int
	for n := range last {
		switch times[n] {
		case 1:
		case 0:
			lost = append(lost, n)
		default:
			assert.Failf(t, "handled twice", "%d was, %d times", n, times[n])
		}
	}
	t.Logf("sent %d; killed server%d between %d and %d, server%d had the channel after %s, by %d; stopped it between %d and %d; lost: %v",
		last, first, before, killed, second, outage.Round(time.Millisecond), taken, leaving, left, lost)
	for _, n := range lost {
		assert.True(t, n < killed+20 && n > before-1000, "%d was lost though nothing was killed then", n)
	}
	assert.Less(t, len(lost), 200)
}

// TestFileChannelMoves kills the server that is in the midst of a file: another one begins it again.
func TestFileChannelMoves(t *testing.T) {
	c := start(t, 2)
	dir := t.TempDir()
	bring(t, c, fmt.Sprintf("channel_file:\n  - {name: Orders, service: orders, pickup_from: %q, poll: 20ms, settle: 10ms, data_format: csv}\n", dir), "orders.star", `
def handle(self):
    name = self.request.channel_params["file_name"]
    self.kvdb.conn.rpush("begun", name)
    self.kvdb.conn.blpop("go", 60)
    self.kvdb.conn.rpush("handled", name + ":" + self.request.payload[0]["id"])
`)
	kvdb := openKVDB(t, c)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.csv"), []byte("id\n7\n"), 0o600))
	require.Eventually(t, func() bool { return len(kvdb.list("begun")) == 1 }, time.Minute, 20*time.Millisecond)
	first := untilHeld(t, c, 0)
	require.NoError(t, c.Kill(t.Context(), first))
	untilHeld(t, c, first)
	require.Eventually(t, func() bool { return len(kvdb.list("begun")) >= 2 }, time.Minute, 20*time.Millisecond)
	require.NoError(t, kvdb.RPush(t.Context(), "go", "1", "1", "1", "1", "1", "1").Err()) // one may go to who was killed
	require.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(dir, "done", "a.csv")); return err == nil }, time.Minute, 20*time.Millisecond)
	begun := kvdb.list("begun") // on a slow machine the lease may have moved on
	assert.LessOrEqual(t, len(begun), 4)
	for _, name := range begun {
		assert.Equal(t, "a.csv", name)
	}
	assert.Equal(t, "a.csv:7", kvdb.list("handled")[0])
	require.Eventually(t, func() bool {
		for i := range c.Servers() {
			if log, err := c.Logs(i + 1); err == nil && i+1 != first && strings.Contains(log, "is begun again") {
				return true
			}
		}
		return false
	}, time.Minute, 20*time.Millisecond)
}
