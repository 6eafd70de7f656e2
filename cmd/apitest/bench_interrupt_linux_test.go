package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// benchAt starts a run of a profile against a server of its own.
func benchAt(t *testing.T, profile string, stdout *os.File) *exec.Cmd {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "p.yaml"), []byte(profile), 0o600))
	run := exec.Command("apitest", "bench", "run", "p.yaml", "--address", server.URL)
	run.Dir = dir
	if stdout != nil {
		run.Stdout = stdout
	}
	require.NoError(t, run.Start())
	t.Cleanup(func() { _ = run.Process.Kill() }) // it has ended
	return run
}

func alive(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(raw), ") Z ")
}

// TestInterruptedEventLeavesNothing: Ctrl-C ends what an event's command has started, too.
func TestInterruptedEventLeavesNothing(t *testing.T) {
	run := benchAt(t, "rate: 10\nduration: 1m\nrequest: {path: /a}\nevents: [{at: 0s, run: 'sleep 3600 & echo $! > new; mv new pid; wait'}]\n", nil)
	pid := 0
	require.Eventually(t, func() bool {
		raw, err := os.ReadFile(filepath.Join(run.Dir, "pid"))
		pid, _ = strconv.Atoi(strings.TrimSpace(string(raw)))
		return err == nil && pid > 0
	}, time.Minute, 20*time.Millisecond)
	require.True(t, alive(pid))
	require.NoError(t, run.Process.Signal(os.Interrupt))
	var ended *exec.ExitError
	require.ErrorAs(t, run.Wait(), &ended)
	assert.Equal(t, exitInterrupted, ended.ExitCode())
	assert.Eventually(t, func() bool { return !alive(pid) }, time.Minute, 20*time.Millisecond)
	_ = syscall.Kill(pid, syscall.SIGKILL) // where it was left
}

// TestInterruptTwiceUnderLoad: a run that cannot print what it has, since nobody reads it, is ended by a second Ctrl-C.
func TestInterruptTwiceUnderLoad(t *testing.T) {
	unread, out, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _ = unread.Close() }()
	require.NoError(t, out.SetWriteDeadline(time.Now().Add(100*time.Millisecond)))
	for err == nil {
		_, err = out.Write(make([]byte, 4096))
	}
	require.True(t, errors.Is(err, os.ErrDeadlineExceeded), "the pipe is full")
	run := benchAt(t, "rate: 10\nduration: 10m\nrequest: {path: /a}\nevents: [{at: 0s, run: 'echo > begun'}]\n", out)
	require.NoError(t, out.Close())
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(run.Dir, "begun"))
		return err == nil
	}, time.Minute, 20*time.Millisecond)
	assertSecondInterruptEnds(t, run)
}
