package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/fixtures"
)

// versionedProgram is a program of servers with a Go service, and a fault of its own.
const versionedProgram = `package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/parley-run/parley/runtime/node"
	"github.com/parley-run/parley/runtime/service"
)

var answer, fault = "1", ""

type none struct{}

type out struct{ Answer string }

func main() {
	check := slices.Contains(os.Args, "--check")
	switch {
	case fault == "check" && check:
		fmt.Fprintln(os.Stderr, "no, thank you")
		os.Exit(1)
	case fault == "start" && !check:
		fmt.Println("cannot start like this")
		os.Exit(3)
	case fault == "later" && !check:
		time.AfterFunc(350*time.Millisecond, func() { os.Exit(4) })
	case fault == "hangs" && !check:
		select {}
	}
	services := []service.Service{
		service.New("go.answer", func(context.Context, service.Runtime, none) (out, error) { return out{answer}, nil }),
	}
	if fault == "fewer" {
		services = nil
	}
	node.Main(services...)
}
`

// buildVersion builds that program.
func buildVersion(t *testing.T, answer, fault string) string {
	t.Helper()
	dir := t.TempDir()
	target, overlay, source := filepath.Join(dir, "bank"+answer+fault), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "main.go")
	require.NoError(t, os.WriteFile(source, []byte(versionedProgram), 0o600))
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "cmd", "bank", "main.go"): source}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, replace, 0o600))
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-ldflags", "-s -w -X main.answer="+answer+" -X main.fault="+fault, "-o", target, "./cmd/bank")
	build.Dir = root
	said, err := build.CombinedOutput()
	require.NoError(t, err, string(said))
	return target
}

// startVersion starts a cluster whose servers run that program, with channels for its service and for one that records.
func startVersion(t *testing.T, servers int, program string) *fixtures.Cluster {
	t.Helper()
	c := start(t, servers)
	_, err := c.Parley(t.Context(), "upgrade", c.Dir(), "--binary", program)
	require.NoError(t, err)
	definitions, err := c.Put("d.yaml", []byte("channel_rest:\n  - {name: A, service: go.answer, url_path: /answer}\n  - {name: Record, service: bench.record, url_path: /bench/record}\n"))
	require.NoError(t, err)
	require.NoError(t, c.Import(t.Context(), nil, definitions))
	record, err := c.Sample("record/v1/record.star")
	require.NoError(t, err)
	_, err = c.Deploy(t.Context(), record)
	require.NoError(t, err)
	return c
}

// under runs do half a second into a load of POSTs with sequential ids, which goes on until a while after.
func under(t *testing.T, c *fixtures.Cluster, d time.Duration, do func(ctx context.Context) error) *bench.Result {
	t.Helper()
	o, err := redis.ParseURL(c.KVDB())
	require.NoError(t, err)
	db := redis.NewClient(o)
	defer func() { _ = db.Close() }()
	require.NoError(t, db.Del(t.Context(), "bench:ids").Err())
	result, err := bench.Run(t.Context(), bench.Profile{
		Name: "load", Rate: 100, Duration: bench.Duration(d), MaxScheduleLag: bench.Duration(time.Minute),
		Request: bench.Request{Path: "/bench/record", Headers: map[string]string{"Content-Type": "application/json"}, Body: `{"id":{{id}}}`},
		Timeout: bench.Duration(20 * time.Second),
		Events:  []bench.Event{{Name: "the change", At: bench.Duration(500 * time.Millisecond), Do: bench.EventRun, Run: "it"}},
		Log:     &bench.Log{KVDBList: "bench:ids"},
	}, bench.Options{
		Address: c.Address(), Do: func(ctx context.Context, _ bench.Event) error { return do(ctx) },
		Executed: func(ctx context.Context) ([]string, error) { return db.LRange(ctx, "bench:ids", 0, -1).Result() },
	})
	require.NoError(t, err)
	require.Empty(t, result.Invalid)
	// Where all wait for the processor, the load's own process does, too, and it counts from when each request was due.
	t.Logf("the slowest of %d answers took %.0f ms, from when it was sent %.0f ms; a request was sent late by %.0f ms at most",
		result.Sent, result.Response.Max, result.Service.Max, result.Lag.Max)
	return result
}

// assertAllServed holds that nobody noticed.
func assertAllServed(t *testing.T, r *bench.Result) {
	t.Helper()
	assert.Equal(t, bench.Counts{Sent: r.Sent, OK: r.Sent}, r.Counts, "%v", r.Errors)
	require.NotNil(t, r.Executed)
	assert.Zero(t, r.Executed.Lost)
	assert.Zero(t, r.Executed.Doubled)
}

func answers(t *testing.T, c *fixtures.Cluster) []string {
	t.Helper()
	var all []string
	for n := range c.Servers() {
		status, body := post(t, c.ServerAddress(n+1)+"/answer", `{}`)
		assert.Equal(t, 200, status, body)
		all = append(all, strings.TrimSuffix(strings.TrimPrefix(body, `{"response":{"answer":"`), `"}}`))
	}
	return all
}

func pids(t *testing.T, c *fixtures.Cluster) map[string]int {
	t.Helper()
	s, err := c.Status(t.Context())
	require.NoError(t, err)
	all := map[string]int{}
	for _, one := range s.Servers {
		assert.Equal(t, "up", one.State, one.Name)
		all[one.Name] = one.PID
	}
	return all
}

const endsLater = "it ends when it has just got ready"

// TestUpgrade goes from one program to the next and back again, under load, and through programs that cannot run.
func TestUpgrade(t *testing.T) {
	first, second := buildVersion(t, "1", ""), buildVersion(t, "2", "")
	c := startVersion(t, 2, first)
	upgrade := func(ctx context.Context, program string) error {
		_, err := c.Parley(ctx, "upgrade", c.Dir(), "--binary", program)
		return err
	}
	assert.Equal(t, []string{"1", "1"}, answers(t, c))
	assertAllServed(t, under(t, c, 4*time.Second, func(ctx context.Context) error { return upgrade(ctx, second) }))
	assert.Equal(t, []string{"2", "2"}, answers(t, c))
	assertAllServed(t, under(t, c, 4*time.Second, func(ctx context.Context) error { return upgrade(ctx, first) }))
	assert.Equal(t, []string{"1", "1"}, answers(t, c))

	before := pids(t, c)
	text := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(text, []byte("text"), 0o600))
	noProgram := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(noProgram, []byte("\x7fELF no more"), 0o700))
	for _, row := range []struct {
		name, program, said string
		code                int
		restarted           bool // server1 was, and runs the old one again
	}{
		{"no file", "/no/such/program", "no such file or directory", 2, false},
		{"a folder", t.TempDir(), "is no executable file", 2, false},
		{"a text", text, "is no executable file", 2, false},
		{"no program", noProgram, "cannot run this cluster, and nothing was changed", 1, false},
		{"another program", "/bin/echo", "it ended well, but did not say what it can run", 1, false},
		{"it fails the check", buildVersion(t, "3", "check"), "no, thank you", 1, false},
		{"it lacks a service", buildVersion(t, "3", "fewer"), `it has no service "go.answer", which runs now`, 1, false},
		{"it does not start", buildVersion(t, "3", "start"), "it ended: exit status 3; it runs what it ran before again", 1, true},
		{endsLater, buildVersion(t, "3", "later"), "it ended: exit status 4; it runs what it ran before again", 1, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			var said string
			try := func(ctx context.Context) error {
				err := upgrade(ctx, row.program)
				var failed *fixtures.CommandError
				if !errors.As(err, &failed) {
					return fmt.Errorf("it was not refused: %w", err)
				}
				assert.Equal(t, row.code, failed.Code)
				said = failed.Stderr
				return nil
			}
			if !row.restarted { // no server is touched
				require.NoError(t, try(t.Context()))
			} else {
				r := under(t, c, 3*time.Second, try)
				assert.Zero(t, r.Failed, "%v", r.Errors)
				assert.Zero(t, r.Executed.Lost)
				assert.Zero(t, r.Executed.Doubled)
				if row.name != endsLater { // which takes along what it was handling
					assert.Zero(t, r.Unknown, "%v", r.Errors)
				}
			}
			assert.Contains(t, said, row.said)
			assert.Equal(t, []string{"1", "1"}, answers(t, c))
			now := pids(t, c)
			assert.Equal(t, before["server2"], now["server2"], "the rest is left as it was")
			if row.restarted {
				assert.Contains(t, said, "no server was started anew; left as they were: server2")
				assert.NotEqual(t, before["server1"], now["server1"])
			} else {
				assert.Equal(t, before["server1"], now["server1"])
			}
			before = now
		})
	}

	t.Run("it lasts, until the cluster's own program is another", func(t *testing.T) {
		require.NoError(t, upgrade(t.Context(), second))
		_, err := c.Parley(t.Context(), "restart", c.Dir(), "--no-restart")
		require.NoError(t, err)
		assert.Equal(t, []string{"2", "2"}, answers(t, c))

		config := filepath.Join(c.Dir(), "cluster.yaml")
		text, err := os.ReadFile(config)
		require.NoError(t, err)
		changed := strings.Replace(string(text), `server_command: ""`, fmt.Sprintf("server_command: %q", first), 1)
		require.NoError(t, os.WriteFile(config, []byte(changed), 0o600))
		_, err = c.Parley(t.Context(), "restart", c.Dir(), "--no-restart")
		require.NoError(t, err)
		assert.Equal(t, []string{"1", "1"}, answers(t, c))
	})
}

// TestRollingRestart restarts all servers, and some, under load.
func TestRollingRestart(t *testing.T) {
	c := startVersion(t, 3, buildVersion(t, "1", ""))
	before := pids(t, c)
	assertAllServed(t, under(t, c, 6*time.Second, func(ctx context.Context) error {
		_, err := c.Parley(ctx, "restart", "--rolling", c.Dir())
		return err
	}))
	now := pids(t, c)
	for name, pid := range before {
		assert.NotEqual(t, pid, now[name], name)
	}
	_, err := c.Parley(t.Context(), "restart", c.Dir(), "server2")
	require.NoError(t, err)
	after := pids(t, c)
	assert.Equal(t, now["server1"], after["server1"])
	assert.NotEqual(t, now["server2"], after["server2"])

	require.NoError(t, c.Kill(t.Context(), 1))
	require.NoError(t, c.Kill(t.Context(), 2))
	require.Eventually(t, func() bool {
		s, err := c.Status(t.Context())
		return err == nil && s.Servers[0].State == "down" && s.Servers[1].State == "down"
	}, time.Minute, 20*time.Millisecond)
	out, err := c.Parley(t.Context(), "restart", c.Dir(), "server3")
	require.Error(t, err, string(out))
	assert.Contains(t, err.Error(), "no server but server3 is up: nobody would answer while it is started anew")
}
