package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestInterruptTwice: a process that cannot end, here since nobody reads what it prints, is ended by a second Ctrl-C.
func TestInterruptTwice(t *testing.T) {
	dir := t.TempDir()
	var feature strings.Builder
	feature.WriteString("Feature: long\n")
	for i := range 3000 {
		fmt.Fprintf(&feature, "  Scenario: %d %s\n    Given I store \"x\" under \"y\"\n", i, strings.Repeat("a long name ", 10))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "long.feature"), []byte(feature.String()), 0o600))
	unread, out, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _ = unread.Close() }()
	run := exec.Command("apitest", "run", "long.feature")
	run.Dir, run.Stdout = dir, out
	require.NoError(t, run.Start())
	require.NoError(t, out.Close())
	before := 0
	require.Eventually(t, func() bool { // the pipe is full, and it waits for room
		n, err := unix.IoctlGetInt(int(unread.Fd()), unix.TIOCINQ)
		full := err == nil && n > 32<<10 && n == before
		before = n
		return full
	}, time.Minute, 200*time.Millisecond)
	assertSecondInterruptEnds(t, run)
}

// assertSecondInterruptEnds interrupts a run that cannot end in an orderly way, again and again: the second signal itself ends it.
func assertSecondInterruptEnds(t *testing.T, run *exec.Cmd) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = run.Wait() // its exit code tells
	}()
	for deadline := time.After(time.Minute); ; {
		_ = run.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-deadline:
			_ = run.Process.Kill()
			<-ended
			t.Fatal("no Ctrl-C ends it")
		case <-time.After(100 * time.Millisecond):
			continue
		}
		break
	}
	status, ok := run.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	assert.True(t, status.Signaled() && status.Signal() == syscall.SIGINT, "ended by the second signal itself, not in an orderly way: %v", status)
}
