package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBenchSendsToOpenTelemetry: a result goes to where the flag, the profile or the environment says, and what is wrong there is told
// without taking anything from the run.
func TestBenchSendsToOpenTelemetry(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(target.Close)
	var got []string
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		got = append(got, r.URL.Path+" "+string(raw))
		if strings.HasPrefix(r.URL.Path, "/broken") {
			http.Error(w, "the disk is full", http.StatusInternalServerError)
		}
	}))
	t.Cleanup(receiver.Close)
	run := func(t *testing.T, args ...string) (said string, code int) {
		t.Helper()
		got = nil
		root := rootCommand()
		var stderr bytes.Buffer
		root.SetArgs(append([]string{"bench", "run"}, args...))
		root.SetOut(io.Discard)
		root.SetErr(&stderr)
		code = exitCode(root.ExecuteContext(t.Context()))
		return stderr.String(), code
	}
	t.Run("by the flag", func(t *testing.T) {
		_, code := run(t, profileFile(t, steady), "--address", target.URL, "--otlp", receiver.URL)
		assert.Zero(t, code)
		require.Len(t, got, 1)
		assert.True(t, strings.HasPrefix(got[0], "/v1/metrics {"), got[0])
		assert.Contains(t, got[0], `"parley.bench.response_time"`)
		assert.Contains(t, got[0], `{"key":"profile","value":{"stringValue":"steady"}}`)
	})
	t.Run("by the profile", func(t *testing.T) {
		_, code := run(t, profileFile(t, steady+"otlp: "+receiver.URL+"/in\n"), "--address", target.URL)
		assert.Zero(t, code)
		require.Len(t, got, 1)
		assert.True(t, strings.HasPrefix(got[0], "/in/v1/metrics {"), got[0])
	})
	t.Run("by the environment", func(t *testing.T) {
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.URL)
		_, code := run(t, profileFile(t, steady), "--address", target.URL)
		assert.Zero(t, code)
		assert.Len(t, got, 1)
	})
	t.Run("refused", func(t *testing.T) {
		for expected, want := range map[string]int{"failed == 0": 0, "failed > 0": exitFailed} {
			dir := filepath.Join(t.TempDir(), "report")
			profile := profileFile(t, strings.ReplaceAll(steady, "failed == 0", expected))
			said, code := run(t, profile, "--address", target.URL, "--otlp", receiver.URL+"/broken", "--out", dir)
			assert.Equal(t, want, code, "the exit code is that of the run")
			assert.Contains(t, said, "warning: the result was not sent to OpenTelemetry, all else is done: "+receiver.URL+"/broken/v1/metrics answered 500 Internal Server Error: the disk is full")
			assert.FileExists(t, filepath.Join(dir, "report.html"))
			assert.FileExists(t, filepath.Join(dir, "result.json"))
		}
	})
	t.Run("no URL", func(t *testing.T) {
		_, code, err := called(t, "bench", "run", profileFile(t, steady), "--address", target.URL, "--otlp", "collector")
		assert.Equal(t, exitUsage, code)
		require.ErrorContains(t, err, "expected the URL of an OTLP/HTTP receiver")
		path := profileFile(t, steady+"otlp: collector\n")
		_, code, err = called(t, "bench", "run", path, "--address", target.URL)
		assert.Equal(t, exitUsage, code)
		require.ErrorContains(t, err, path+":7:7: otlp: expected the URL of an OTLP/HTTP receiver")
	})
}
