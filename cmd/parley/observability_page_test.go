package main_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestObservabilityPage runs the commands of docs/observability.md, in their order, on free ports, with somebody who takes what is sent.
func TestObservabilityPage(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	text, err := os.ReadFile("../../docs/observability.md")
	require.NoError(t, err)
	var mu sync.Mutex
	paths := map[string]int{}
	taker := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		paths[r.URL.Path]++
	}))
	t.Cleanup(taker.Close)
	address := strings.TrimPrefix(taker.URL, "http://")
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, "bin"), 0o755))
	require.NoError(t, os.Symlink(c.binary, filepath.Join(home, "bin", "parley")))
	t.Cleanup(func() { _ = exec.Command(c.binary, "stop", filepath.Join(home, "bank")).Run() })
	script := "cd " + home + "\n"
	for _, b := range consoleBlocks(string(text)) {
		for _, command := range b.commands {
			command = strings.Replace(command, "quickstart create", "quickstart create --free-ports", 1)
			for _, port := range []string{"4318", "9000", "9001"} {
				command = strings.ReplaceAll(command, "127.0.0.1:"+port, address)
			}
			script += "echo '==='\n" + command + "\n"
		}
	}
	shell := exec.CommandContext(t.Context(), "bash", "-euc", script)
	shell.Env = append(os.Environ(), "PATH="+filepath.Join(home, "bin")+":"+os.Getenv("PATH"), "PARLEY_DIR=")
	out, err := shell.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Regexp(t, `server\d +traces +2 +0 +0 +0 +0 +-`, string(out), "a span of each request")
	assert.Regexp(t, `server\d +sentry +1 +0 +0 +0 +0 +-`, string(out))
	assert.Regexp(t, `server\d +new_relic +[1-9]\d* +0 +0 +0 +0 +-`, string(out))
	mu.Lock()
	defer mu.Unlock()
	assert.Positive(t, paths["/v1/traces"])
	assert.Equal(t, 1, paths["/api/42/envelope/"])
	assert.Positive(t, paths["/metric/v1"])
	logs, err := filepath.Glob(filepath.Join(home, "bank/logs/*"))
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	for _, log := range logs {
		raw, err := os.ReadFile(log)
		require.NoError(t, err)
		assert.NotContains(t, string(raw), "3f1c", "the key of Sentry is in no log")
		assert.NotContains(t, string(raw), "0123456789", "nor is New Relic's")
	}
}
