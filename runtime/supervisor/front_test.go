package supervisor_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/balancer/haproxy"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/supervisor"
)

func needHAProxy(t *testing.T) haproxy.Program {
	t.Helper()
	p, err := haproxy.Find(t.Context(), "")
	if err != nil && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "haproxy") {
		t.Skip(err)
	}
	require.NoError(t, err)
	return p
}

func (c *cluster) balancerInfo() (info supervisor.BalancerInfo) {
	c.t.Helper()
	require.NoError(c.t, c.call("parley.balancer.stats", struct{}{}, &info))
	return info
}

func TestWeightsAreKept(t *testing.T) {
	for _, kind := range []string{folder.EmbeddedBalancer, folder.HAProxyBalancer} {
		t.Run(kind, func(t *testing.T) {
			if kind == folder.HAProxyBalancer {
				needHAProxy(t)
			}
			f := newFolder(t, folder.Options{Balancer: kind})
			c := startCluster(t, f, nil)
			c.waitState("server1", "up")
			c.waitState("server2", "up")
			var all []balancer.Status
			require.NoError(t, c.call("parley.balancer.weigh", supervisor.Weight{Server: "server1"}, &all))
			require.NoError(t, c.call("parley.balancer.weigh", supervisor.Weight{Server: "server2", Weight: 7}, &all))
			assert.Equal(t, 0, all[0].Weight)
			assert.Equal(t, 7, all[1].Weight)
			assert.Equal(t, "up", all[0].State, "it runs, and gets no requests")
			for range 4 {
				status, _, err := c.post("/slow", "x")
				require.NoError(t, err)
				require.Equal(t, 200, status)
			}
			info := c.balancerInfo()
			// HAProxy counts a request as done a moment after its reply has gone.
			require.Eventually(t, func() bool { info = c.balancerInfo(); return info.Totals.InFlight == 0 }, time.Minute, 10*time.Millisecond)
			assert.True(t, strings.HasPrefix(info.Kind, kind), info.Kind)
			assert.Equal(t, balancer.Totals{Requests: 4}, info.Totals)
			assert.Zero(t, info.Servers[0].Served)
			assert.Equal(t, int64(4), info.Servers[1].Served)
			require.NoError(t, c.stop())

			require.NoError(t, supervisor.KeepWeight(f, "server2", 100))
			c = startCluster(t, f, nil)
			c.waitState("server1", "up")
			info = c.balancerInfo()
			assert.Equal(t, 0, info.Servers[0].Weight)
			assert.Equal(t, 100, info.Servers[1].Weight)
			require.ErrorContains(t, c.call("parley.balancer.weigh", supervisor.Weight{Server: "server9"}, &all), "its servers are")
			require.ErrorContains(t, c.call("parley.balancer.weigh", supervisor.Weight{Server: "server1", Weight: 300}, &all), "expected 0 to 256")
			assert.Equal(t, 0, c.balancerInfo().Servers[0].Weight)
		})
	}
}

// TestWeightsReachTheAuditLog: a weight that is set while nothing can be written down is written down once something can, and
// so is one that was set while the cluster was stopped.
func TestWeightsReachTheAuditLog(t *testing.T) {
	f := newFolder(t, folder.Options{})
	require.NoError(t, os.WriteFile(f.WeightsFile(), []byte(`{"server2": 7}`), 0o600), "as earlier releases kept it")
	require.NoError(t, supervisor.KeepWeight(f, "server1", 5))
	var mu sync.Mutex
	var away bool
	var log []string
	c := startCluster(t, f, func(d *supervisor.Deps) {
		d.Record = func(ctx context.Context, user, server string, weight int) error {
			mu.Lock()
			defer mu.Unlock()
			if away {
				return errors.New("the database is away")
			}
			log = append(log, fmt.Sprintf("%s %d by %q, %s", server, weight, user, service.CallFrom(ctx).CID))
			return nil
		}
	})
	c.waitState("server1", "up")
	logged := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(log)
	}
	require.Eventually(t, func() bool { return len(logged()) == 1 }, patience, 10*time.Millisecond)
	mu.Lock()
	away = true
	mu.Unlock()
	by := service.WithCall(t.Context(), &service.Call{Who: "user otto", CID: "c1"})
	var all []balancer.Status
	require.NoError(t, c.callAs(by, "parley.balancer.weigh", supervisor.Weight{Server: "server2", Weight: 0}, &all), "it is set all the same")
	assert.Equal(t, 0, all[1].Weight)
	assert.Equal(t, 5, all[0].Weight)
	raw, err := os.ReadFile(f.WeightsFile())
	require.NoError(t, err)
	assert.JSONEq(t, `{"weights": {"server1": 5, "server2": 0}, "to_be_logged": [{"server": "server2", "weight": 0, "user": "otto", "cid": "c1"}]}`, string(raw))
	assert.Len(t, logged(), 1)
	mu.Lock()
	away = false
	mu.Unlock()
	require.Eventually(t, func() bool { return len(logged()) == 2 }, patience, 10*time.Millisecond)
	require.NoError(t, c.callAs(by, "parley.balancer.weigh", supervisor.Weight{Server: "server2", Weight: 100}, &all))
	assert.Equal(t, []string{`server1 5 by "", `, `server2 0 by "otto", c1`, `server2 100 by "otto", c1`}, logged(), "each once, in their order")
	raw, err = os.ReadFile(f.WeightsFile())
	require.NoError(t, err)
	assert.JSONEq(t, `{"weights": {"server1": 5}}`, string(raw))
}

func TestDamagedWeights(t *testing.T) {
	f := newFolder(t, folder.Options{})
	for text, want := range map[string]string{
		"no JSON": "mend it, or remove it", `{"server1": 300}`: "the weight of server1 is 300; expected 0 to 256", `{"server1": "x"}`: "holds no weights",
	} {
		require.NoError(t, os.WriteFile(f.WeightsFile(), []byte(text), 0o600))
		_, err := supervisor.New(supervisor.Deps{Folder: f, Serve: serveNothing})
		require.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, f.WeightsFile())
	}
	require.NoError(t, os.WriteFile(f.WeightsFile(), []byte(`{"gone": 3}`), 0o600))
	_, err := supervisor.New(supervisor.Deps{Folder: f, Serve: serveNothing})
	require.NoError(t, err, "a server that there is no more")
	require.NoError(t, os.WriteFile(f.WeightsFile(), []byte(`null`), 0o600))
	require.NoError(t, supervisor.KeepWeight(f, "server1", 5))
	raw, err := os.ReadFile(f.WeightsFile())
	require.NoError(t, err)
	assert.JSONEq(t, `{"weights": {"server1": 5}, "to_be_logged": [{"server": "server1", "weight": 5}]}`, string(raw))
}

func TestEmbeddedHasNothingToReload(t *testing.T) {
	c := startCluster(t, newFolder(t, folder.Options{Servers: 1}), nil)
	c.waitState("server1", "up")
	require.ErrorContains(t, c.call("parley.balancer.reload", struct{}{}, &struct{}{}), "is the embedded one")
}

// TestExternalHAProxy has an HAProxy that the test runs, as systemd would, and a supervisor that steers it.
func TestExternalHAProxy(t *testing.T) {
	program := needHAProxy(t)
	f := newFolder(t, folder.Options{})
	sockets, err := os.MkdirTemp("", "parley-test-") // a short path, for sockets
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	f.Cluster.Balancer.Kind = folder.ExternalBalancer
	f.Cluster.Balancer.HAProxy = folder.HAProxy{Socket: filepath.Join(sockets, "parley.sock"), Master: filepath.Join(sockets, "master.sock")}
	config, err := supervisor.HAProxyConfig(f, service.ParleyNames())
	require.NoError(t, err)
	text, err := config.Render()
	require.NoError(t, err)
	file := filepath.Join(sockets, "haproxy.cfg")
	require.NoError(t, os.WriteFile(file, text, 0o600))

	c := startCluster(t, f, nil)
	c.waitState("server1", "up") // though its HAProxy is away
	c.waitState("server2", "up")
	assert.Contains(t, c.balancerInfo().Error, "parley.sock")

	run := exec.CommandContext(context.WithoutCancel(t.Context()), program.Path, "-W", "-S", f.Cluster.Balancer.HAProxy.Master, "-f", file)
	require.NoError(t, run.Start())
	t.Cleanup(func() {
		_ = run.Process.Signal(os.Interrupt)
		_ = run.Wait()
	})
	require.Eventually(t, func() bool { return c.balancerInfo().Error == "" && c.server("server1").State == "up" }, patience, patience/1000)
	status, body, err := c.post("/slow", "hello")
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	assert.Equal(t, "hello", body)

	var servers []supervisor.ServerInfo
	require.NoError(t, c.call("parley.server.stop", supervisor.Target{Server: "server1"}, &servers))
	var all []balancer.Status
	status, _, err = c.post("/slow", "x")
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	require.NoError(t, c.call("parley.server.start", supervisor.Target{Server: "server1"}, &servers))
	c.waitState("server1", "up")

	require.NoError(t, c.call("parley.balancer.drain", supervisor.One{Server: "server1"}, &all))
	require.NoError(t, c.call("parley.balancer.reload", struct{}{}, &struct{}{}))
	require.NoError(t, c.call("parley.balancer.status", struct{}{}, &all))
	assert.Equal(t, balancer.Draining, all[0].State, "it is drained after the reload, too")
	require.NoError(t, c.call("parley.balancer.ready", supervisor.One{Server: "server1"}, &all))
	c.waitState("server1", "up")
	require.NoError(t, c.call("parley.balancer.weigh", supervisor.Weight{Server: "server2", Weight: 0}, &all))
	assert.Equal(t, 0, all[1].Weight)
}

func TestSupervisorWithoutHAProxy(t *testing.T) {
	f := newFolder(t, folder.Options{Balancer: folder.HAProxyBalancer})
	f.Cluster.Balancer.HAProxy.Binary = filepath.Join(t.TempDir(), "haproxy")
	c := startCluster(t, f, nil)
	err := <-c.ended
	c.ended <- nil
	require.ErrorContains(t, err, "name the haproxy program there")
	_, err = http.Get("http://" + f.Cluster.Balancer.Address)
	assert.Error(t, err)
}
