package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

const steady = "name: steady\nrate: 100\nduration: 100ms\nmax_schedule_lag: 1m\nrequest: {path: /a}\nexpect: [failed == 0]\n"

func profileFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "load.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestBenchRunWritesEveryFormat(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(target.Close)
	dir := filepath.Join(t.TempDir(), "report")
	out, code, err := called(t, "bench", "run", profileFile(t, steady), "--address", target.URL, "--out", dir, "--format", "markdown")
	require.NoError(t, err)
	assert.Zero(t, code)
	assert.Contains(t, out, "### steady: as expected")
	for _, name := range []string{"report.html", "summary.txt", "result.json", "junit.xml", "series.csv", "summary.md", "metrics.prom"} {
		assert.FileExists(t, filepath.Join(dir, name))
	}
	for _, row := range []struct{ format, want string }{{"junit", "<testsuite"}, {"csv", "from_s,asked"}, {"prometheus", "# HELP parley_bench_requests"}} {
		out, _, err := called(t, "bench", "run", profileFile(t, steady), "--address", target.URL, "--format", row.format)
		require.NoError(t, err)
		assert.Contains(t, out, row.want)
	}
}

// full takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestBenchRunLosesNothing: where the result cannot be printed its files are there all the same.
func TestBenchRunLosesNothing(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(target.Close)
	dir := filepath.Join(t.TempDir(), "report")
	root := rootCommand()
	root.SetArgs([]string{"bench", "run", profileFile(t, steady), "--address", target.URL, "--out", dir})
	root.SetOut(full{})
	root.SetErr(io.Discard)
	require.ErrorIs(t, root.ExecuteContext(t.Context()), syscall.ENOSPC)
	_, err := bench.ReadResult(filepath.Join(dir, "result.json"))
	require.NoError(t, err)
}

// TestHalfAFileIsRemoved: what could not be written to its end is no report.
func TestHalfAFileIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "junit.xml")
	require.ErrorIs(t, writeFile(path, func(w io.Writer) error {
		_, err := io.WriteString(w, "<testsuite")
		return errors.Join(err, syscall.ENOSPC)
	}), syscall.ENOSPC)
	assert.NoFileExists(t, path)
}

func TestBenchRunRefuses(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := l.Addr().String()
	require.NoError(t, l.Close())
	plain := profileFile(t, steady)
	taken := filepath.Join(t.TempDir(), "taken")
	require.NoError(t, os.MkdirAll(filepath.Join(taken, "result.json"), 0o755))
	for _, row := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a target that is not there", []string{plain, "--address", nobody}, exitInvalid, "does not answer"},
		{"a report in a file", []string{plain, "--address", nobody, "--out", plain}, exitUsage, "--out: mkdir " + plain + ": not a directory; give a folder"},
		{"a folder of a report's name", []string{plain, "--address", nobody, "--out", taken}, exitUsage, "result.json is a folder, and a report goes there"},
		{"no such format", []string{plain, "--address", nobody, "--format", "pdf"}, exitUsage, "none of text, json, junit, csv, markdown, prometheus"},
		{"no such shard", []string{plain, "--address", nobody, "--shard", "9/8"}, exitUsage, `--shard "9/8" is not such as 3/8`},
		{"a shard and more", []string{plain, "--address", nobody, "--shard", "1/8x"}, exitUsage, `--shard "1/8x" is not such as 3/8`},
		{"an address for a profile", []string{"http://" + nobody}, exitUsage, "is no profile; name a file that says how much load, and the target with --address http://" + nobody},
		{"no such built-in one", []string{"failovr"}, exitUsage, "no such file or directory; built in are failover, hot-deploy, statistics"},
		{"no such time", []string{plain, "--address", nobody, "--start-at", "noon"}, exitUsage, "is not a time such as"},
		{"a time that is over", []string{plain, "--address", nobody, "--no-probe", "--start-at", "2020-01-01T00:00:00Z"}, exitUsage, "and that is over"},
		{"a built-in one elsewhere", []string{"failover", "--address", nobody}, exitUsage, "failover is built in and starts a cluster of its own"},
		{"two targets", []string{plain, "--address", nobody, "--servers", "2"}, exitUsage, "leave out --address and --dir"},
		{"no such source", []string{"failover", "--source", "clouds"}, exitUsage, "clouds"},
		{"an unknown key", []string{profileFile(t, "rate: 1\nduratoin: 2s\n"), "--address", nobody}, exitUsage, `:2:1: unknown field "duratoin"; did you mean "duration"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, code, err := called(t, append([]string{"bench", "run"}, row.args...)...)
			assert.Equal(t, row.code, code)
			require.ErrorContains(t, err, row.want)
		})
	}
}

func TestBenchMerge(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(target.Close)
	profile := profileFile(t, steady)
	var files []string
	at := time.Now().Add(3 * time.Second).Format(time.RFC3339Nano)
	done := make(chan string, 2)
	for _, shard := range []string{"1/2", "2/2"} {
		go func() {
			root := rootCommand()
			var out bytes.Buffer
			root.SetArgs([]string{"bench", "run", profile, "--address", target.URL, "--shard", shard, "--start-at", at, "--format", "json"})
			root.SetOut(&out)
			root.SetErr(io.Discard)
			assert.NoError(t, root.ExecuteContext(t.Context()))
			done <- out.String()
		}()
	}
	for range 2 {
		path := filepath.Join(t.TempDir(), "shard.json")
		require.NoError(t, os.WriteFile(path, []byte(<-done), 0o600))
		files = append(files, path)
	}
	out, code, err := called(t, "bench", "merge", files[0], files[1], "--profile", profile, "--format", "json")
	require.NoError(t, err)
	assert.Zero(t, code)
	var r bench.Result
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	assert.Equal(t, bench.Counts{Sent: 10, OK: 10}, r.Counts)
	assert.Equal(t, 2, r.Merged)
	assert.Equal(t, []bench.Verdict{{Text: "failed == 0", Got: "0", OK: true}}, r.Verdicts)

	other := profileFile(t, strings.ReplaceAll(steady, "rate: 100", "rate: 101"))
	_, code, err = called(t, "bench", "merge", files[0], files[1], "--profile", other)
	assert.Equal(t, exitUsage, code)
	require.ErrorContains(t, err, `profile "steady" is not that of the results: it sends POST /a, 101 requests/s for 0.1s, and they are of POST /a, 100 requests/s`)

	_, code, err = called(t, "bench", "merge", files[0], files[0])
	assert.Equal(t, exitUsage, code)
	require.ErrorContains(t, err, "two results of shard")
}

func TestBenchSchema(t *testing.T) {
	out, _, err := called(t, "bench", "schema", "profile")
	require.NoError(t, err)
	assert.Contains(t, out, `"title": "A load profile of apitest bench"`)
	_, code, err := called(t, "bench", "schema", "load")
	assert.Equal(t, exitUsage, code)
	require.ErrorContains(t, err, `no schema of "load"`)
}
