package supervisor_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/supervisor"
)

const patience = time.Minute

func newFolder(t *testing.T, o folder.Options) *folder.Folder {
	t.Helper()
	o.FreePorts = true
	f, _, err := folder.Create(filepath.Join(t.TempDir(), "bank"), o)
	require.NoError(t, err)
	return f
}

// cluster is a supervisor that runs in this process.
type cluster struct {
	t *testing.T
	*supervisor.Supervisor
	f      *folder.Folder
	cancel context.CancelFunc
	ended  chan error
}

func startCluster(t *testing.T, f *folder.Folder, change func(*supervisor.Deps)) *cluster {
	t.Helper()
	t.Setenv("SUPERVISOR_TEST_ROLE", "server")
	d := supervisor.Deps{Folder: f, Serve: serveNothing, Command: []string{os.Args[0]}}
	if change != nil {
		change(&d)
	}
	s, err := supervisor.New(d)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	c := &cluster{t, s, f, cancel, make(chan error, 1)}
	go func() { c.ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-c.ended: //nolint:errcheck // a test that cares has stopped it already, and looked
		case <-time.After(patience):
			assert.Fail(t, "the cluster does not stop")
		}
	})
	return c
}

func (c *cluster) stop() error {
	c.cancel()
	err := <-c.ended
	c.ended <- nil
	return err
}

func (c *cluster) server(name string) supervisor.ServerInfo {
	for _, s := range c.Servers(context.Background()) {
		if s.Name == name {
			return s
		}
	}
	return supervisor.ServerInfo{}
}

func (c *cluster) waitState(name, state string) supervisor.ServerInfo {
	c.t.Helper()
	require.Eventually(c.t, func() bool { return c.server(name).State == state }, patience, 2*time.Millisecond, "%s is not %s", name, state)
	return c.server(name)
}

// call invokes an internal service; out is filled with its reply.
func (c *cluster) call(name string, in, out any) error {
	c.t.Helper()
	return c.callAs(context.Background(), name, in, out)
}

func (c *cluster) callAs(ctx context.Context, name string, in, out any) error {
	c.t.Helper()
	for _, s := range c.Services() {
		if s.Name != name {
			continue
		}
		input, err := service.FromGo(in)
		require.NoError(c.t, err)
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		res, err := s.Handler.Handle(ctx, &service.Request{Input: input})
		if err != nil {
			return err
		}
		raw, err := service.AppendJSON(nil, res.Payload)
		require.NoError(c.t, err)
		return json.Unmarshal(raw, out)
	}
	require.Fail(c.t, "no service "+name)
	return nil
}

func (c *cluster) post(path, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(context.Background(), "POST", "http://"+c.f.Cluster.Balancer.Address+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	return res.StatusCode, string(raw), err
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestRunsAndStopsACluster(t *testing.T) {
	f := newFolder(t, folder.Options{})
	c := startCluster(t, f, nil)
	one, two := c.waitState("server1", "up"), c.waitState("server2", "up")
	assert.Equal(t, f.Cluster.Servers[0].Admin, one.Admin)
	require.NotEqual(t, one.PID, two.PID)

	raw, err := os.ReadFile(f.SupervisorFile())
	require.NoError(t, err)
	assert.JSONEq(t, `{"pid":`+strconv.Itoa(os.Getpid())+`,"admin":"`+f.Cluster.Supervisor.Admin+`"}`, string(raw))
	status, body, err := c.post("/slow", "hello")
	require.NoError(t, err)
	assert.Equal(t, "200 hello", strconv.Itoa(status)+" "+body)

	options, err := redis.ParseURL(f.RedisURL())
	require.NoError(t, err)
	client := redis.NewClient(options)
	require.NoError(t, client.Set(context.Background(), "k", "v", 0).Err())
	require.NoError(t, client.Close())

	got := make(chan string, 1)
	go func() {
		_, body, err := c.post("/slow", "in flight")
		if err != nil {
			body = err.Error()
		}
		got <- body
	}()
	require.Eventually(t, func() bool {
		var status []struct {
			InFlight int `json:"in_flight"`
		}
		return c.call("parley.balancer.status", struct{}{}, &status) == nil && status[0].InFlight+status[1].InFlight == 1
	}, patience, time.Millisecond)
	require.NoError(t, c.stop())
	assert.Equal(t, "in flight", <-got, "a planned stop lets requests come to their end")
	assert.False(t, alive(one.PID))
	assert.False(t, alive(two.PID))
	assert.NoFileExists(t, f.SupervisorFile())
	saved, err := os.ReadFile(f.RedisFile())
	require.NoError(t, err)
	assert.Contains(t, string(saved), `{"key":"k","type":"string","value":"v"}`)
	log, err := os.ReadFile(f.LogFile("server1"))
	require.NoError(t, err)
	assert.Equal(t, "stops: SIGTERM\n", string(log))
}

func TestKilledServerIsStartedAgain(t *testing.T) {
	c := startCluster(t, newFolder(t, folder.Options{}), nil)
	first, other := c.waitState("server1", "up"), c.waitState("server2", "up")
	require.NoError(t, syscall.Kill(first.PID, syscall.SIGKILL))
	require.Eventually(t, func() bool {
		now := c.server("server1")
		return now.State == "up" && now.PID != first.PID && now.Restarts == 1
	}, patience, 2*time.Millisecond)
	assert.Equal(t, other, c.server("server2"), "the other one is not touched")
}

func TestServerThatKeepsDyingIsStartedLessAndLessOften(t *testing.T) {
	crash := filepath.Join(t.TempDir(), "crash")
	t.Setenv("SUPERVISOR_TEST_CRASH", crash)
	require.NoError(t, os.WriteFile(crash, nil, 0o600))
	c := startCluster(t, newFolder(t, folder.Options{Servers: 1}), nil)
	start := time.Now()
	require.Eventually(t, func() bool { return c.server("server1").Restarts >= 3 }, patience, 2*time.Millisecond)
	assert.GreaterOrEqual(t, time.Since(start), (200+400+800)*time.Millisecond)
	require.NoError(t, os.Remove(crash))
	c.waitState("server1", "up")
}

func TestNoRestart(t *testing.T) {
	c := startCluster(t, newFolder(t, folder.Options{Servers: 1}), func(d *supervisor.Deps) { d.NoRestart = true })
	first := c.waitState("server1", "up")
	require.NoError(t, syscall.Kill(first.PID, syscall.SIGKILL))
	down := c.waitState("server1", "down")
	assert.Zero(t, down.PID)
	require.Never(t, func() bool { return c.server("server1").PID != 0 }, 400*time.Millisecond, 10*time.Millisecond)
	var servers []supervisor.ServerInfo
	require.NoError(t, c.call("parley.server.start", supervisor.Target{Server: "server1"}, &servers))
	assert.NotZero(t, servers[0].PID)
	c.waitState("server1", "up")
}

func TestStopAndStartOneServer(t *testing.T) {
	c := startCluster(t, newFolder(t, folder.Options{}), nil)
	first := c.waitState("server1", "up")
	c.waitState("server2", "up")
	var servers []supervisor.ServerInfo
	require.NoError(t, c.call("parley.server.stop", supervisor.Target{Server: "server1"}, &servers))
	assert.Equal(t, "stopped", servers[0].State)
	assert.Equal(t, "up", servers[1].State)
	assert.False(t, alive(first.PID))
	for range 3 {
		status, _, err := c.post("/slow", "x")
		require.NoError(t, err)
		assert.Equal(t, 200, status)
	}
	require.NoError(t, c.call("parley.server.stop", supervisor.Target{Server: "server1"}, &servers), "stopping twice is no error")
	require.NoError(t, c.call("parley.server.start", supervisor.Target{}, &servers))
	assert.Equal(t, "starting", servers[0].State)
	again := c.waitState("server1", "up")
	assert.Zero(t, again.Restarts, "it did not die")

	require.ErrorContains(t, c.call("parley.server.stop", supervisor.Target{Server: "server9"}, &servers), "server1, server2")
}

func TestDrainAndReady(t *testing.T) {
	c := startCluster(t, newFolder(t, folder.Options{}), nil)
	c.waitState("server1", "up")
	var status []map[string]any
	require.NoError(t, c.call("parley.balancer.drain", supervisor.One{Server: "server1"}, &status))
	assert.Equal(t, "draining", status[0]["state"])
	assert.Equal(t, "draining", c.server("server1").State)
	require.NoError(t, c.call("parley.balancer.ready", supervisor.One{Server: "server1"}, &status))
	assert.Equal(t, "up", c.server("server1").State)
	require.ErrorContains(t, c.call("parley.balancer.drain", supervisor.One{Server: "x"}, &status), "server1")
}

func TestStopService(t *testing.T) {
	c := startCluster(t, newFolder(t, folder.Options{Servers: 1}), nil)
	c.waitState("server1", "up")
	var out map[string]any
	require.NoError(t, c.call("parley.supervisor.stop", struct{}{}, &out))
	assert.Equal(t, map[string]any{"stopping": true}, out)
	require.NoError(t, <-c.ended)
	c.ended <- nil
	assert.NoFileExists(t, c.f.SupervisorFile())
}

func TestPortInUse(t *testing.T) {
	f := newFolder(t, folder.Options{})
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", f.Cluster.Servers[1].Address)
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	c := startCluster(t, f, nil)
	err = <-c.ended
	c.ended <- nil
	require.ErrorContains(t, err, "in use")
	assert.ErrorContains(t, err, "server2")
	assert.ErrorContains(t, err, "servers[1].address")
}

func TestSecondSupervisorIsRefused(t *testing.T) {
	f := newFolder(t, folder.Options{Servers: 1})
	c := startCluster(t, f, nil)
	c.waitState("server1", "up")
	second, err := supervisor.New(supervisor.Deps{Folder: f, Serve: serveNothing})
	require.NoError(t, err)
	err = second.Run(context.Background())
	require.ErrorContains(t, err, "process "+strconv.Itoa(os.Getpid()))
	assert.ErrorContains(t, err, "parley stop")
	assert.FileExists(t, f.SupervisorFile())
}

func TestExternalRedis(t *testing.T) {
	c := startCluster(t, newFolder(t, folder.Options{Servers: 1, RedisURL: "redis://127.0.0.1:1/0"}), nil)
	c.waitState("server1", "up")
	require.NoError(t, c.stop())
	assert.NoFileExists(t, c.f.RedisFile())
}

func TestKilledSupervisor(t *testing.T) {
	f := newFolder(t, folder.Options{Servers: 2})
	cmd := exec.CommandContext(context.Background(), os.Args[0])
	cmd.Env = append(os.Environ(), "SUPERVISOR_TEST_ROLE=supervisor", "SUPERVISOR_TEST_DIR="+f.Dir)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	up := func(s folder.Server) bool {
		req, err := http.NewRequestWithContext(context.Background(), "GET", "http://"+s.Address+"/parley/ready", nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		return err == nil
	}
	for _, s := range f.Cluster.Servers {
		require.Eventually(t, func() bool { return up(s) }, patience, 10*time.Millisecond)
	}
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	assert.FileExists(t, f.SupervisorFile())

	// The next one waits for the old servers to stop, and takes over.
	c := startCluster(t, f, nil)
	c.waitState("server1", "up")
	c.waitState("server2", "up")
	for _, s := range f.Cluster.Servers {
		log, err := os.ReadFile(f.LogFile(s.Name))
		require.NoError(t, err)
		assert.Equal(t, "stops: supervisor gone\n", string(log))
	}
	require.NoError(t, c.stop())
}
