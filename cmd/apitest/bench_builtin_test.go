package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/fixtures"
)

// runBuiltInProfile runs one against a cluster of its own.
func runBuiltInProfile(t *testing.T, args ...string) *bench.Result {
	t.Helper()
	out, code, err := called(t, append([]string{"bench", "run", "--format", "json"}, args...)...)
	var r bench.Result
	require.NoError(t, json.Unmarshal([]byte(out), &r), "%v", err)
	if len(r.Invalid) == 1 && strings.Contains(r.Invalid[0], "could not keep the schedule") {
		assert.Equal(t, exitInvalid, code) // the machine has other work: its latencies do not count, all else does
		return &r
	}
	if slices.ContainsFunc(r.Unmet, func(why string) bool {
		return !strings.HasPrefix(why, "error_rate < ") && !strings.HasPrefix(why, "recovery < ")
	}) || len(r.Unmet) == 0 {
		require.NoError(t, err) // how many requests are under way when a server dies is up to the machine
		assert.Zero(t, code)
	}
	return &r
}

// toldBy is when a log says that for the first time; where from is empty, any log.
func toldBy(t *testing.T, r *bench.Result, from, text string) float64 {
	t.Helper()
	i := slices.IndexFunc(r.Log, func(l bench.LogLine) bool { return strings.HasPrefix(l.Text, text) && (from == "" || l.From == from) })
	require.GreaterOrEqual(t, i, 0, "no log of %s says %q: %v", from, text, r.Log)
	return r.Log[i].At
}

// TestBuiltInFailover kills a server under load. What the report says must agree with the logs of those who saw it themselves.
func TestBuiltInFailover(t *testing.T) {
	if _, err := fixtures.Binary(); err != nil {
		t.Skip(err)
	}
	const slack = 2.0 // s: the machine has other work
	for _, row := range []struct {
		name                       string
		args, needs                []string
		killer, died, front, comes string // who logs that the server died, and what; who logs whether it is in traffic; what is logged of its start
	}{
		{"embedded", nil, nil, "supervisor", "server died: server1", "supervisor", "server started: server1"},
		{"installed", []string{"--source", "installed"}, []string{"postgres", "redis", "haproxy"}, "supervisor", "server died: server1", "haproxy", "server started: server1"},
		{"containers", []string{"--source", "containers"}, []string{"docker"}, "engine", "died: server1, exit code 137", "haproxy", "started: server1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, name := range row.needs {
				needsProgram(t, name)
			}
			r := runBuiltInProfile(t, append([]string{"failover"}, row.args...)...)
			require.Len(t, r.Events, 2)
			kill, start := r.Events[0], r.Events[1]
			require.NotNil(t, kill.Detected)
			require.NotNil(t, start.TrafficAgain)
			died, down := toldBy(t, r, row.killer, row.died), toldBy(t, r, row.front, "server is down: server1")
			assert.GreaterOrEqual(t, died, kill.At-0.01, "nobody kills it before")
			assert.LessOrEqual(t, died, kill.At+kill.Took/1000+slack)
			assert.GreaterOrEqual(t, kill.At+*kill.Detected, down-0.01, "who asks the balancer cannot know before it")
			assert.InDelta(t, kill.At+*kill.Detected, down, slack)
			comes, up := toldBy(t, r, row.killer, row.comes), toldBy(t, r, row.front, "server is up: server1")
			assert.GreaterOrEqual(t, comes, start.At-0.01)
			assert.Greater(t, up, comes)
			assert.GreaterOrEqual(t, start.At+*start.TrafficAgain, up-0.01, "the balancer gives it nothing before")
			assert.InDelta(t, start.At+*start.TrafficAgain, up, slack)
			if kill.Impact != nil && len(r.Invalid)+len(r.Unmet) == 0 {
				assert.True(t, kill.Impact.Recovered)
				assert.LessOrEqual(t, kill.Impact.Recovery, *kill.Detected+slack)
			}
			require.NotNil(t, r.Executed)
			assert.Zero(t, r.Executed.Lost+r.Executed.Doubled)
			require.Len(t, r.Servers, 2)
			if slices.Contains(row.needs, "docker") {
				for _, list := range [][]string{{"ps", "--all", "--quiet"}, {"network", "ls", "--quiet"}} {
					out, err := exec.CommandContext(t.Context(), "docker", append(list, "--filter", fmt.Sprintf("label=run.parley.pid=%d", os.Getpid()))...).Output()
					require.NoError(t, err)
					assert.Empty(t, string(out), "nothing is left behind: docker %v", list)
				}
			}
		})
	}
}

// TestBuiltInStatistics holds the servers' statistics against what was sent and what the services measured.
func TestBuiltInStatistics(t *testing.T) {
	if _, err := fixtures.Binary(); err != nil {
		t.Skip(err)
	}
	r := runBuiltInProfile(t, "statistics")
	require.Len(t, r.Services, 1)
	if r.OK < r.Sent && len(r.Invalid) > 0 { // the machine has so much other work that requests were given up
		assert.LessOrEqual(t, int64(r.OK), r.Services[0].Requests)
		assert.GreaterOrEqual(t, int64(r.Sent), r.Services[0].Requests)
		return
	}
	assert.Equal(t, int64(r.Sent), r.Services[0].Requests)
	assert.Zero(t, r.Services[0].Errors)
	own := r.Services[0].Itself
	require.NotNil(t, own)
	assert.Equal(t, int64(r.Sent), own.Count)
	assert.Greater(t, own.P95, 1.5*own.P50, "the back end takes 20 to 120 ms")
	assert.InEpsilon(t, own.P50, r.Services[0].P50, tolerance)
	assert.InEpsilon(t, own.P95, r.Services[0].P95, tolerance)
	assert.GreaterOrEqual(t, r.Service.P50, own.P50, "the client waits for the network, too")
	var met int
	for _, v := range r.Verdicts {
		if v.OK && strings.HasPrefix(v.Text, "the servers' p") {
			met++
		}
	}
	assert.Equal(t, 2, met, "%+v", r.Verdicts)
}
