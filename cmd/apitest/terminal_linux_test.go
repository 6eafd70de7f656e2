package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/parley-run/parley/internal/locked"
)

// terminal opens a pseudo-terminal of so many columns: what is written to tty comes out of screen.
func terminal(t *testing.T, columns uint16) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there are no pseudo-terminals: ", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(int(screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}))
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return screen, tty
}

const slowFeature = `Feature: slow
  Scenario: quick
    Given I store "x" under "y"
  Scenario: slow, with a name that is far longer than the terminal has columns
    Given address "%s"
    When the URL is invoked
    Then status is "204"
  Scenario: last
    Given I store "x" under "y"
`

// TestTerminal: a long run on a terminal shows how far it is in one line that goes away; one that goes into a file
// shows nothing of that, and no colour.
func TestTerminal(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "slow.feature"), fmt.Appendf(nil, slowFeature, server.URL), 0o600))

	const columns = 50
	screen, tty := terminal(t, columns)
	out := &locked.Buffer{}
	var reading sync.WaitGroup
	reading.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, err := screen.Read(buffer)
			_, _ = out.Write(buffer[:n])
			if err != nil {
				return // the process has ended, and nobody else has the terminal open
			}
		}
	})
	command := exec.Command("apitest", "run", "slow.feature", "--parallel", "1")
	command.Dir, command.Stdout = dir, tty
	command.Env = append(os.Environ(), "NO_COLOR=")
	require.NoError(t, command.Start())
	require.NoError(t, tty.Close())
	progress := regexp.MustCompile(`\r\x1b\[K(1 of 3 scenarios, \d+ s: slow[^\r\n\x1b]*)`)
	seen := assert.Eventually(t, func() bool { return progress.MatchString(out.String()) }, time.Minute, 10*time.Millisecond)
	close(release)
	require.NoError(t, command.Wait())
	reading.Wait()
	require.True(t, seen, "%q", out.String())
	text := out.String()
	line := progress.FindStringSubmatch(text)[1]
	assert.Less(t, utf8.RuneCountInString(line), columns, line)
	assert.True(t, strings.HasSuffix(line, "…"), line)
	after := text[strings.LastIndex(text, "1 of 3 scenarios"):]
	assert.Regexp(t, `^[^\n]*\r\x1b\[K`, after, "the line goes before anything else comes")
	assert.Contains(t, text, "\x1b[32m✓\x1b[0m quick")
	assert.Contains(t, text, "3 scenarios: 3 passed")

	t.Run("into a file", func(t *testing.T) {
		command := exec.Command("apitest", "run", "slow.feature", "--parallel", "1")
		command.Dir = dir
		text, err := command.Output()
		require.NoError(t, err)
		assert.NotContains(t, string(text), "\x1b")
		assert.NotContains(t, string(text), "\r")
		assert.NotContains(t, string(text), "1 of 3")
		assert.Contains(t, string(text), "3 scenarios: 3 passed")
	})
	t.Run("into a file, in colour since it is said so", func(t *testing.T) {
		command := exec.Command("apitest", "run", "slow.feature", "--color", "always")
		command.Dir = dir
		text, err := command.Output()
		require.NoError(t, err)
		assert.Contains(t, string(text), "\x1b[32m✓\x1b[0m quick")
	})
}
