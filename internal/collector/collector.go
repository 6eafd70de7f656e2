// Package collector is the OpenTelemetry Collector's own OTLP receiver, for tests of what is sent to it.
package collector

import (
	"encoding/json"
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

	"github.com/parley-run/parley/internal/locked"
)

// Collector is a receiver that runs.
type Collector struct {
	URL  string // of OTLP/HTTP
	Stop func() // ends it: what it has taken it has written by then. It is done when the test ends, too

	out locked.Buffer
}

// Start builds and starts tools/otlp, for a test whose package is two folders deep. It downloads modules: where PARLEY_REQUIRE does
// not name otlp, the test is skipped.
func Start(t *testing.T) *Collector {
	t.Helper()
	if !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "otlp") {
		t.Skip("the OpenTelemetry Collector's receiver is built only where PARLEY_REQUIRE names otlp: it downloads Go modules")
	}
	binary := filepath.Join(t.TempDir(), "otlp")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = filepath.Join("..", "..", "tools", "otlp")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))

	c := &Collector{}
	run := exec.Command(binary) //nolint:noctx // it ends with its standard input
	run.Stdout = &c.out
	stdin, err := run.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, run.Start())
	c.Stop = sync.OnceFunc(func() {
		_ = stdin.Close()
		assert.NoError(t, run.Wait())
	})
	t.Cleanup(c.Stop)
	require.Eventually(t, func() bool { return c.out.Count("\n") > 0 }, time.Minute, time.Millisecond, "it says where it listens")
	address, _, _ := strings.Cut(c.out.String(), "\n")
	c.URL = "http://" + address
	return c
}

// Received is what the collector understood so far: a span or a data point each.
func Received[T any](t *testing.T, c *Collector) []T {
	t.Helper()
	lines := strings.Split(c.out.String(), "\n")
	var all []T
	for _, line := range lines[1 : len(lines)-1] { // the first says where it listens, and the last is not over
		var one T
		require.NoError(t, json.Unmarshal([]byte(line), &one), line)
		all = append(all, one)
	}
	return all
}
