package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/folder"
)

// cli is the command as the code is now.
type cli struct {
	t      *testing.T
	binary string
	dir    string // of the cluster
}

func newCLI(t *testing.T) *cli {
	t.Helper()
	c := &cli{t: t, binary: os.Getenv("PARLEY_BIN")}
	if c.binary == "" {
		var err error
		c.binary, err = fixtures.Build(t.Context(), t.TempDir())
		require.NoError(t, err)
	}
	return c
}

func (c *cli) run(args ...string) (stdout, stderr string, code int) {
	c.t.Helper()
	ctx := context.WithoutCancel(c.t.Context()) // clean-ups run commands, too
	cmd := exec.CommandContext(ctx, c.binary, args...)
	cmd.Env = append(os.Environ(), "PARLEY_DIR="+c.dir)
	cmd.WaitDelay = 10 * time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		require.NoError(c.t, err)
	}
	return out.String(), said.String(), cmd.ProcessState.ExitCode()
}

// file is a service file outside of the cluster.
func (c *cli) file(name, source string) string {
	c.t.Helper()
	path := filepath.Join(c.t.TempDir(), name)
	require.NoError(c.t, os.WriteFile(path, []byte(source), 0o600))
	return path
}

// TestStartTellsWhyServersDie starts a cluster whose servers cannot start.
func TestStartTellsWhyServersDie(t *testing.T) {
	for _, flag := range []string{"", "--no-restart"} {
		t.Run("start "+flag, func(t *testing.T) {
			c := newCLI(t)
			f, _, err := folder.Create(filepath.Join(t.TempDir(), "cluster"), folder.Options{FreePorts: true})
			require.NoError(t, err)
			c.dir = f.Dir
			require.NoError(t, os.WriteFile(f.CatalogDB(), bytes.Repeat([]byte("garbage "), 1000), 0o600))
			t.Cleanup(func() { c.run("stop") })

			start := time.Now()
			_, stderr, code := c.run(strings.Fields("start " + flag)...)
			assert.Equal(t, 1, code)
			assert.Less(t, time.Since(start), 50*time.Second, "it does not wait the minute that servers have to come up")
			assert.Regexp(t, `the cluster did not start: server[12] dies; the end of .*server[12]\.log says:`, stderr)
			assert.Contains(t, stderr, "file is not a database")
			assert.Contains(t, stderr, f.CatalogDB())
			assert.NoFileExists(t, f.SupervisorFile())
			_, stderr, code = c.run("stop")
			assert.Equal(t, 1, code)
			assert.Contains(t, stderr, "is not running", "what was started is stopped")
		})
	}
}

// TestDamagedFilesThatHoldNothingStopNothing starts a cluster whose statistics and table of servers are damaged.
func TestDamagedFilesThatHoldNothingStopNothing(t *testing.T) {
	c := newCLI(t)
	f, _, err := folder.Create(filepath.Join(t.TempDir(), "cluster"), folder.Options{FreePorts: true})
	require.NoError(t, err)
	c.dir = f.Dir
	for _, path := range []string{f.StatsDB(), f.MembersDB()} {
		require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("garbage "), 1000), 0o600))
	}
	t.Cleanup(func() { c.run("stop") })
	_, stderr, code := c.run("start", "--no-restart")
	require.Zero(t, code, stderr)
	for _, path := range []string{f.StatsDB(), f.MembersDB()} {
		aside, err := filepath.Glob(path + ".damaged-*")
		require.NoError(t, err)
		assert.Len(t, aside, 1)
	}
	stdout, _, _ := c.run("deploy", c.file("a.star", "def handle(self):\n    pass\n"))
	assert.Contains(t, stdout, "server1  serves it")
	assert.Contains(t, stdout, "server2  serves it")
}

func TestFaultsAreTold(t *testing.T) {
	c := newCLI(t)
	cluster := fixtures.New(t, fixtures.Spec{Servers: 2, Binary: c.binary})
	c.dir = cluster.Dir()

	t.Run("nothing", func(t *testing.T) {
		stdout, stderr, code := c.run("kvdb", "get", "nokey")
		assert.Equal(t, []any{"(nothing)\n", "", 0}, []any{stdout, stderr, code})
		stdout, stderr, code = c.run("--output", "json", "kvdb", "get", "nokey")
		assert.Equal(t, []any{"null\n", "", 0}, []any{stdout, stderr, code})
	})

	t.Run("not UTF-8", func(t *testing.T) {
		_, stderr, code := c.run("deploy", c.file("latin.star", "x = 1\ny = 'caf\xe9'\n"))
		assert.Equal(t, "parley: latin.star:2:9: not UTF-8; save the file in that encoding\n", stderr)
		assert.Equal(t, 1, code)
	})

	t.Run("unknown servers", func(t *testing.T) {
		for _, args := range [][]string{{"start", "server9"}, {"stop", "server9"}, {"start", c.dir, "server9"}, {"stop", c.dir, "server1", "server9"}} {
			_, stderr, code := c.run(args...)
			assert.Equal(t, 2, code, args)
			assert.Contains(t, stderr, "server9", args)
		}
	})

	t.Run("what is not declared any more", func(t *testing.T) {
		one := "def handle(self):\n    pass\n"
		_, stderr, code := c.run("deploy", c.file("one.star", one))
		require.Zero(t, code, stderr)
		stdout, stderr, code := c.run("deploy", c.file("one.star", "def helper(self):\n    pass\n"))
		require.Zero(t, code, stderr)
		assert.Contains(t, stdout, "note: one is not declared any more\n")
		assert.Contains(t, stdout, "note: one.star declares no service\n")
		stdout, _, _ = c.run("deploy", c.file("one.star", `load("lib.star", "x")`+"\n"+one), c.file("lib.star", "x = 1\n"))
		assert.NotContains(t, stdout, "note:")
		_, stderr, code = c.run("deploy", c.file("one.star", ""))
		assert.Equal(t, 1, code)
		assert.Contains(t, stderr, `one.star is empty; parley undeploy one.star takes a file away`)
	})

	t.Run("torn files", func(t *testing.T) {
		path := filepath.Join(cluster.PickupFolder(1), "k.star")
		helper, handle := "def two():\n    return 2\n\n", "def handle(self):\n    self.response.payload = two()\n"
		require.NoError(t, os.WriteFile(path, []byte(helper+handle), 0o600))
		invoke := func() string {
			stdout, stderr, _ := c.run("invoke", "k")
			return stdout + stderr
		}
		require.Eventually(t, func() bool { return invoke() == "2\n" }, time.Minute, 10*time.Millisecond)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
		require.NoError(t, err)
		defer func() { _ = f.Close() }()
		for _, piece := range []string{"", strings.Replace(helper, "2\n", "3\n", 1)} {
			written := time.Now()
			_, err = f.WriteString(piece)
			require.NoError(t, err)
			for time.Since(written) < 500*time.Millisecond {
				if said := invoke(); time.Since(written) < 2500*time.Millisecond { // it is held back for 3 s
					require.Equal(t, "2\n", said, "the old version keeps serving")
				}
			}
		}
		_, err = f.WriteString(handle)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return invoke() == "3\n" }, time.Minute, 10*time.Millisecond)
	})

	t.Run("paused servers", func(t *testing.T) {
		pause := func(n int) (goOn func()) {
			require.NoError(t, cluster.Pause(t.Context(), n)) // and it stands still by then: a signal takes a moment to arrive
			return func() { require.NoError(t, cluster.Resume(t.Context(), n)) }
		}
		goOn := pause(1)
		start := time.Now()
		stdout, stderr, code := c.run("services")
		assert.Zero(t, code, stderr)
		assert.Contains(t, stdout, "SERVICE")
		assert.Contains(t, stderr, "parley: server1 did not answer within 1s\n")
		assert.Less(t, time.Since(start), time.Minute)
		goOn()

		goOn = pause(2)
		stdout, stderr, code = c.run("deploy", c.file("p.star", fmt.Sprintf("def handle(self):\n    # %s\n    pass\n", time.Now())))
		assert.Zero(t, code, stderr)
		assert.Contains(t, stdout, "server1  serves it")
		assert.Contains(t, stdout, "server2  did not answer for 6 s and does not count")
		goOn()
	})
}
