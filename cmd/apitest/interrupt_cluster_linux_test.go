package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
)

// clusterEndsWithin is how long the end of a cluster that was starting may take here: containers are removed one by one.
const clusterEndsWithin = 3 * time.Minute

// TestInterruptClusterStart ends a run while its cluster starts, at several moments: neither processes nor folders nor
// containers are left behind.
func TestInterruptClusterStart(t *testing.T) {
	parley, err := fixtures.Binary()
	if err != nil {
		parley, err = fixtures.Build(t.Context(), t.TempDir())
	}
	require.NoError(t, err)
	for _, row := range []struct {
		source  string
		needs   []string
		count   func(t *testing.T, temp string) int // what the cluster has started
		moments []int                               // counts at which it is interrupted; 0: its folder has just been made
	}{
		{"", nil, countProcesses, []int{0, 1, 2, 4}},
		{" installed", []string{"postgres", "redis", "haproxy"}, countProcesses, []int{0, 1, 3, 6}},
		{" in containers", []string{"docker"}, countContainers, []int{0, 1, 2, 4, 7}},
	} {
		for _, moment := range row.moments {
			t.Run(fmt.Sprintf("a cluster of 3 servers%s, of which there are %d", row.source, moment), func(t *testing.T) {
				for _, name := range row.needs {
					needsProgram(t, name)
				}
				temp, err := os.MkdirTemp("", "cut-*") // PostgreSQL's account must come through
				require.NoError(t, err)
				t.Cleanup(func() { _ = os.RemoveAll(temp) })
				require.NoError(t, os.Chmod(temp, 0o755)) //nolint:gosec // see above
				feature := "Feature: cut\n  Scenario: cut off\n    Given a cluster of 3 servers" + row.source + "\n    Then I sleep for \"600\"\n"
				require.NoError(t, os.WriteFile(filepath.Join(temp, "cut.feature"), []byte(feature), 0o600))
				var out bytes.Buffer
				run := exec.Command("apitest", "run", "cut.feature")
				run.Dir, run.Stdout, run.Stderr = temp, &out, &out
				run.Env = append(os.Environ(), "TMPDIR="+temp, "PARLEY_BIN="+parley)
				require.NoError(t, run.Start())
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					_ = run.Wait() // its exit code tells
				}()
				begun := assert.Eventually(t, func() bool {
					folders, _ := filepath.Glob(filepath.Join(temp, "parley-fixture-*"))
					return len(folders) > 0 && row.count(t, temp) >= moment
				}, 3*time.Minute, 2*time.Millisecond)
				interrupted := time.Now()
				require.NoError(t, run.Process.Signal(os.Interrupt))
				select {
				case <-ended:
				case <-time.After(clusterEndsWithin):
					_ = run.Process.Kill()
					<-ended
					t.Fatalf("it goes on %s after Ctrl-C:\n%s", clusterEndsWithin, &out)
				}
				t.Logf("ended %s after Ctrl-C", time.Since(interrupted).Round(time.Millisecond))
				require.True(t, begun, "it never came so far:\n%s", &out)
				assert.Equal(t, exitInterrupted, run.ProcessState.ExitCode(), out.String())
				assert.Contains(t, out.String(), "1 scenario: 0 passed, 1 skipped")
				assert.Contains(t, out.String(), "the run was interrupted while this step ran")
				left, err := filepath.Glob(filepath.Join(temp, "parley-*"))
				require.NoError(t, err)
				assert.Empty(t, left, "folders")
				assert.Zero(t, countProcesses(t, temp), "processes")
				if slices.Contains(row.needs, "docker") {
					assert.Zero(t, countContainers(t, temp), "containers and networks")
				}
			})
		}
	}
}

// TestUnread: where nobody reads what a run prints, as of apitest run ... | head -1, it ends, and its cluster with it.
func TestUnread(t *testing.T) {
	parley, err := fixtures.Binary()
	if err != nil {
		parley, err = fixtures.Build(t.Context(), t.TempDir())
	}
	require.NoError(t, err)
	temp := t.TempDir()
	feature := "Feature: unread\n  Scenario: up\n    Given a cluster of 1 server\n  Scenario: long\n    Given I store \"x\" under \"y\"\n    Then I sleep for \"600\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(temp, "unread.feature"), []byte(feature), 0o600))
	unread, out, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, unread.Close())
	run := exec.Command("apitest", "run", "unread.feature")
	run.Dir, run.Stdout = temp, out
	run.Env = append(os.Environ(), "TMPDIR="+temp, "PARLEY_BIN="+parley)
	require.NoError(t, run.Start())
	require.NoError(t, out.Close())
	limit := time.AfterFunc(3*time.Minute, func() { _ = run.Process.Signal(os.Interrupt) })
	_ = run.Wait() // its exit code tells
	assert.True(t, limit.Stop(), "it goes on though nobody reads")
	assert.Equal(t, exitInterrupted, run.ProcessState.ExitCode(), run.ProcessState)
	left, err := filepath.Glob(filepath.Join(temp, "parley-*"))
	require.NoError(t, err)
	assert.Empty(t, left, "folders")
	assert.Zero(t, countProcesses(t, temp), "processes")
}

// countProcesses is how many processes have a folder in their command line, the tool itself left out.
func countProcesses(t *testing.T, folder string) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	n := 0
	for _, file := range files {
		if line, err := os.ReadFile(file); err == nil && bytes.Contains(line, []byte(folder)) { // it may be gone
			n++
		}
	}
	return n
}

// countContainers is how many containers and networks of clusters in a folder the engine has, whatever their state.
func countContainers(t *testing.T, folder string) int {
	t.Helper()
	n := 0
	for _, list := range [][]string{
		{"ps", "--all", "--format", `{{.Label "run.parley.root"}}`},
		{"network", "ls", "--format", `{{.Label "run.parley.root"}}`},
	} {
		out, err := exec.Command("docker", list...).Output()
		require.NoError(t, err)
		n += strings.Count(string(out), folder+"/")
	}
	return n
}

// needsProgram skips a test that needs what is not installed, unless PARLEY_REQUIRE names it.
func needsProgram(t *testing.T, name string) {
	t.Helper()
	var err error
	switch name {
	case "docker":
		err = exec.Command("docker", "info").Run()
	case "postgres":
		var p *fixtures.Postgres
		if p, err = fixtures.StartPostgres(t.Context(), t.TempDir()); err == nil {
			err = p.Close()
		}
	default:
		_, err = exec.LookPath(map[string]string{"redis": "redis-server", "haproxy": "haproxy"}[name])
	}
	if err != nil && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), name) {
		t.Skipf("%s: %v", name, err)
	}
	require.NoError(t, err)
}
