package gate_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench/gate"
)

// TestNothingIsLeft of what servers start beside themselves: not what shrugs a signal off, and what has gone into a session of
// its own holds nobody up.
func TestNothingIsLeft(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	o := options(t)
	o.Cycles, o.Requests = 1, []gate.Request{{Path: "/a"}}
	stubborn := fmt.Sprintf(`sh -c 'trap "" TERM; echo $$ >> %s; while :; do sleep 1; done' >/dev/null 2>&1 & `, pids)
	o.Base.Command = stubborn + o.Base.Command
	alone := filepath.Join(t.TempDir(), "alone")
	o.Candidate.Command = fmt.Sprintf("setsid sh -c 'echo $$ > %s; exec sleep 3600' & ", alone) + o.Candidate.Command
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	_, err := gate.Run(ctx, o)
	require.NoError(t, err)
	left := func(pid int) bool {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err == nil && !strings.Contains(string(raw), ") Z ")
	}
	for pid := range started(t, pids) {
		assert.Eventually(t, func() bool { return !left(pid) }, time.Minute, 10*time.Millisecond, "process %d is left", pid)
	}
	for pid := range started(t, alone) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // nobody else knows of it
	}
}

// started are the processes that wrote their numbers into a file: one at least.
func started(t *testing.T, path string) map[int]bool {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	out := map[int]bool{}
	for _, text := range strings.Fields(string(raw)) {
		pid, err := strconv.Atoi(text)
		require.NoError(t, err)
		out[pid] = true
	}
	require.NotEmpty(t, out)
	return out
}
