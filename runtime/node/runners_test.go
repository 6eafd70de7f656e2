package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/freeport"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/zmtp"
)

// pusher is a PUSH peer of one TCP connection, so that a test sees when that is closed.
type pusher struct {
	t  *testing.T
	at string
	net.Conn
}

func (g *ground) push(address string) *pusher {
	g.t.Helper()
	p := &pusher{t: g.t, at: address}
	require.Eventually(g.t, p.dial, time.Minute, 5*time.Millisecond, "nobody listens at %s; log:\n%s", address, g.logs)
	g.t.Cleanup(func() { _ = p.Close() })
	return p
}

func (p *pusher) dial() bool {
	var d net.Dialer
	tcp, err := d.DialContext(context.Background(), "tcp", p.at)
	if err != nil {
		return false
	}
	p.Conn = tcp
	_, err = zmtp.Handshake(context.Background(), tcp, "PUSH")
	return err == nil
}

func (p *pusher) send(message string) {
	p.t.Helper()
	_, err := p.Write(append(zmtp.Header(len(message)), message...))
	require.NoError(p.t, err)
}

// isOpen says whether the other side has closed the connection.
func (p *pusher) isOpen() bool {
	require.NoError(p.t, p.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	_, err := io.Copy(io.Discard, p.Conn)
	return errors.Is(err, os.ErrDeadlineExceeded)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address(t.Context())
	require.NoError(t, err)
	return address
}

// got is what the services have recorded.
func (g *ground) got(server string) []string {
	g.t.Helper()
	var out []string
	require.NoError(g.t, g.call(server, "parley.kvdb.execute", map[string]any{"command": "LRANGE", "args": []string{"got", "0", "-1"}}, &out))
	return out
}

func (g *ground) gets(server string, want ...string) {
	g.t.Helper()
	require.Eventually(g.t, func() bool { return len(g.got(server)) >= len(want) }, time.Minute, 5*time.Millisecond, "log:\n%s", g.logs)
	assert.Equal(g.t, want, g.got(server))
}

type standing struct {
	Kind, Name, State, Problem string
	Handled, Failed            int64
}

func (g *ground) standing(server string) standing {
	g.t.Helper()
	var out struct{ Channels []standing }
	require.Eventually(g.t, func() bool { // a server that follows has it a moment later
		out.Channels = nil
		return g.call(server, "parley.server.info", struct{}{}, &out) == nil && len(out.Channels) == 1
	}, time.Minute, 5*time.Millisecond, "log:\n%s", g.logs)
	return out.Channels[0]
}

func (g *ground) stands(server string, ok func(standing) bool) {
	g.t.Helper()
	require.Eventually(g.t, func() bool { return ok(g.standing(server)) }, time.Minute, 5*time.Millisecond, "log:\n%s", g.logs)
}

const record = "def handle(self):\n    self.kvdb.conn.rpush('got', %q + self.request.payload)\n"

func zmqChannel(address, more string) string {
	return fmt.Sprintf("channel_zmq:\n  - {name: Orders, service: orders, data_format: '', address: 'tcp://%s'%s}\n", address, more)
}

// A new version of the service, and of the conventions that it is read by, closes no socket and loses no message.
func TestChannelOutlivesItsServices(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	at := freeAddress(t)
	require.NoError(t, g.define(zmqChannel(at, "")))
	g.stands("server1", func(s standing) bool { return s.State == "waits for its service to be deployed" })
	require.NoError(t, g.deploy("server1", "orders.star", fmt.Sprintf(record, "v0 ")))
	p := g.push(at)
	p.send("first")
	want := []string{"v0 first"}
	g.gets("server1", want...)
	for i := 1; i < 5; i++ {
		if i == 3 {
			require.NoError(t, g.define("channel_rest:\n  - {name: Other, service: orders, url_path: /other}\n"))
		}
		require.NoError(t, g.deploy("server1", "orders.star", fmt.Sprintf(record, fmt.Sprintf("v%d ", i))))
		p.send("next")
		want = append(want, fmt.Sprintf("v%d next", i))
		g.gets("server1", want...)
	}
	assert.True(t, p.isOpen())
	assert.Equal(t, standing{Kind: "channel_zmq", Name: "Orders", State: "runs", Handled: 5}, g.standing("server1"))
	assert.Equal(t, 1, strings.Count(g.logs.String(), "zmq channel listens"))

	require.NoError(t, g.deploy("server1", "orders.star", "def handle(self):\n    error(400, 'no such order')\n"))
	p.send("bad")
	g.stands("server1", func(s standing) bool { return s.Handled == 6 && s.Failed == 1 })
	assert.Contains(t, g.logs.String(), "no such order")
	assert.True(t, p.isOpen())
}

// Another config of the channel is another channel: what the old one accepted is handled, by the service that it had, and
// the new one has the address meanwhile.
func TestChannelThatChanges(t *testing.T) {
	g := newGround(t)
	entered, release := make(chan string, 10), make(chan struct{})
	var count atomic.Int64
	slow := service.New("orders", func(_ context.Context, _ service.Runtime, in struct{ ID string }) (any, error) {
		entered <- in.ID
		<-release
		count.Add(1)
		return nil, nil
	})
	fast := service.New("orders.fast", func(_ context.Context, _ service.Runtime, in struct{ ID string }) (any, error) {
		entered <- "fast " + in.ID
		return nil, nil
	})
	g.run("server1", slow, fast)
	at := freeAddress(t)
	require.NoError(t, g.define(fmt.Sprintf("channel_zmq:\n  - {name: Orders, service: orders, address: 'tcp://%s'}\n", at)))
	p := g.push(at)
	p.send(`{"id":"1"}`)
	assert.Equal(t, "1", <-entered)
	p.send(`{"id":"2"}`) // waits for its turn

	require.NoError(t, g.define(fmt.Sprintf("channel_zmq:\n  - {name: Orders, service: orders.fast, address: 'tcp://%s'}\n", at)))
	require.Eventually(t, func() bool { return !p.isOpen() }, time.Minute, time.Millisecond)
	again := g.push(at)
	again.send(`{"id":"3"}`)
	assert.Equal(t, "fast 3", <-entered, "while the old one is not done")
	close(release)
	assert.Equal(t, "2", <-entered, "read by the old one, so it is the old service's")
	require.Eventually(t, func() bool { return count.Load() == 2 }, time.Minute, time.Millisecond)

	require.NoError(t, g.define(fmt.Sprintf("channel_zmq:\n  - {name: Orders, service: orders.fast, is_active: false, address: 'tcp://%s'}\n", at)))
	require.Eventually(t, func() bool { return !again.isOpen() }, time.Minute, time.Millisecond)
	assert.False(t, again.dial(), "an inactive channel does not listen")
}

func TestAddressThatIsTaken(t *testing.T) {
	g := newGround(t)
	g.run("server1")
	var config net.ListenConfig
	other, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	at := other.Addr().String()
	require.NoError(t, g.deploy("server1", "orders.star", fmt.Sprintf(record, "")))
	require.NoError(t, g.define(zmqChannel(at, "")), "a fault of the moment refuses no change")
	g.stands("server1", func(s standing) bool { return strings.Contains(s.Problem, "address already in use") })
	assert.Contains(t, g.standing("server1").Problem, "cannot listen at tcp://"+at)
	assert.Equal(t, 1, strings.Count(g.logs.String(), "channel cannot run, and is tried again"), "told once")
	require.NoError(t, other.Close())
	p := g.push(at)
	p.send("late")
	g.gets("server1", "late")
	g.stands("server1", func(s standing) bool { return s.Problem == "" })
}

// One server of the cluster has the channel; another takes it over when that one stops, and what was accepted is handled.
func TestChannelMovesToAnotherServer(t *testing.T) {
	g := newGround(t)
	stop := map[string]func(){"server1": g.run("server1"), "server2": g.run("server2")}
	at := freeAddress(t)
	require.NoError(t, g.deploy("server1", "orders.star", fmt.Sprintf(record, "")))
	require.NoError(t, g.define(zmqChannel(at, "")))
	p := g.push(at)
	p.send("1")
	g.gets("server2", "1")
	holder, other := "server1", "server2"
	if g.standing("server2").State == "runs" {
		holder, other = other, holder
	}
	assert.Equal(t, "runs", g.standing(holder).State)
	assert.Equal(t, "waits for its lease", g.standing(other).State)
	p.send("2")
	p.send("3")
	stop[holder]()
	assert.False(t, p.isOpen())
	p = g.push(at)
	p.send("4")
	g.gets(other, "1", "2", "3", "4")
	g.stands(other, func(s standing) bool { return s.State == "runs" })
	var leases []struct{ Name, Holder string }
	require.NoError(t, g.call(other, "parley.cluster.leases", struct{}{}, &leases))
	assert.Contains(t, leases, struct{ Name, Holder string }{"channel_zmq Orders", other})
}
