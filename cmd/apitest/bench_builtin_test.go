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
	const (
		slack = 5.0 // s: the machine has other work
		late  = 0.5 // s: so much later than it happened may somebody write it into a log
	)
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
			var r *bench.Result
			var kill, start bench.EventResult
			for try := 1; try == 1 || kill.Detected == nil || start.TrafficAgain == nil; try++ {
				if try > 3 {
					t.Skipf("the machine is so busy that the server is not back before the run is over: %+v", r.Events)
				}
				r = runBuiltInProfile(t, append([]string{"failover"}, row.args...)...)
				require.Len(t, r.Events, 2)
				kill, start = r.Events[0], r.Events[1]
			}
			died, down := toldBy(t, r, row.killer, row.died), toldBy(t, r, row.front, "server is down: server1")
			assert.GreaterOrEqual(t, died, kill.At-late, "nobody kills it before")
			assert.LessOrEqual(t, died, kill.At+kill.Took/1000+slack)
			assert.GreaterOrEqual(t, kill.At+*kill.Detected, down-late, "who asks the balancer cannot know before it")
			assert.InDelta(t, kill.At+*kill.Detected, down, slack)
			comes, up := toldBy(t, r, row.killer, row.comes), toldBy(t, r, row.front, "server is up: server1")
			assert.GreaterOrEqual(t, comes, start.At-late)
			assert.Greater(t, up, comes-late)
			assert.GreaterOrEqual(t, start.At+*start.TrafficAgain, up-late, "the balancer gives it nothing before")
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
	if r.OK == r.Sent { // else the machine is so busy that servers are taken for dead, and requests come to none
		assert.Equal(t, int64(r.Sent), r.Services[0].Requests)
		assert.Zero(t, r.Services[0].Errors)
	}
	own := r.Services[0].Itself
	require.NotNil(t, own)
	assert.Equal(t, r.Services[0].Requests, own.Count)
	assert.Greater(t, own.P50, 20.0, "as long as the back end takes at least")
	assert.InEpsilon(t, own.P50, r.Services[0].P50, tolerance)
	assert.InEpsilon(t, own.P95, r.Services[0].P95, tolerance)
	var met int
	for _, v := range r.Verdicts {
		if v.OK && strings.HasPrefix(v.Text, "the servers' p") {
			met++
		}
	}
	assert.Equal(t, 2, met, "%+v", r.Verdicts)
}
