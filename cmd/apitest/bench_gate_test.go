package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/bench/gate"
	"github.com/parley-run/parley/internal/locked"
)

// called runs a command of apitest and gives its exit code and what went wrong.
func called(t *testing.T, args ...string) (stdout string, code int, err error) {
	t.Helper()
	root := rootCommand()
	var out bytes.Buffer
	var said locked.Buffer
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&said)
	err = root.ExecuteContext(t.Context())
	return out.String(), exitCode(err), err
}

func TestBenchGateUsage(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "requests.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("- path: /a\n  wieght: 3\n"), 0o644))
	empty := filepath.Join(dir, "empty.yaml")
	require.NoError(t, os.WriteFile(empty, []byte("[]\n"), 0o644))
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	one := `{"routes": [{"weight": 1, "x": 0.01}]}` + "\n"
	good, cycles, damaged, hollow := file("good.yaml", "[{path: /a}]"), file("cycles", one), file("damaged", one+one[:20]), file("hollow", "{}\n")
	file("empty.yamlx", "")
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing", nil, "give --base and --candidate"},
		{"no requests", []string{"--base", "a {port}", "--candidate", "b {port}"}, "say with --requests what is sent"},
		{"an unknown key", []string{"--base", "a {port}", "--candidate", "b {port}", "--requests", bad}, bad + `:2:3: unknown field "wieght"; did you mean "weight"`},
		{"an empty list", []string{"--base", "a {port}", "--candidate", "b {port}", "--requests", empty}, "it lists no request"},
		{"a base that is nothing", []string{"--base", "no-such", "--candidate", "b {port}", "--requests", bad + "x"}, "no such file"},
		{"an output", []string{"--output", "xml"}, "--output \"xml\" is none of text, json and markdown"},
		{"a way", []string{"--self-test", "--ways", "luck"}, `--ways "luck" is none of cpu, lock, alloc, sleep`},
		{"noise", []string{"--self-test", "--noise", "loud"}, `--noise "loud" is neither none nor burner`},
		{"cycles less than none", []string{"--base", "a {port}", "--candidate", "b {port}", "--requests", good, "--cycles", "-1"}, "cycles, measure and warmup are never less than 0"},
		{"no time at all", []string{"--self-test", "--measure", "-1s"}, "cycles, measure and warmup are never less than 0"},
		{"a margin of no number", []string{"--base", "a {port}", "--candidate", "b {port}", "--requests", good, "--tolerated", "NaN"}, "expected 0 <= tolerated < caught"},
		{"a margin for kept cycles", []string{"--resample", cycles, "--caught", "0"}, "expected 0 <= tolerated < caught"},
		{"a damaged cycle", []string{"--resample", damaged}, damaged + ": cycle 2: unexpected EOF; leave out that line"},
		{"a cycle of nothing", []string{"--resample", hollow}, "cycle 1: it measured nothing, and is not void; leave out that line"},
		{"no cycle that counts", []string{"--resample", empty + "x"}, "it holds no cycle that counts"},
		{"kept cycles", []string{"--resample", filepath.Join(dir, "none")}, "no such file"},
	} {
		_, code, err := called(t, append([]string{"bench", "gate"}, row.args...)...)
		assert.Equal(t, exitUsage, code, row.name)
		assert.ErrorContains(t, err, row.want, row.name)
	}
}

func TestBenchCompare(t *testing.T) {
	dir := t.TempDir()
	save := func(name string, change func(*bench.Result)) string {
		r := &bench.Result{Name: "load", Request: "POST /a", Rate: 100, Duration: 2, Counts: bench.Counts{Sent: 200, OK: 200}, Response: bench.Latency{P50: 2, P99: 4}}
		change(r)
		path := filepath.Join(dir, name)
		require.NoError(t, writeFile(path, r.WriteJSON))
		return path
	}
	old := save("old.json", func(*bench.Result) {})
	out, code, err := called(t, "bench", "compare", old, save("new.json", func(r *bench.Result) { r.Response.P50, r.OK, r.Failed = 3, 195, 5 }))
	require.NoError(t, err)
	assert.Zero(t, code)
	assert.Regexp(t, `response time p50 +2\.\d+ ms +3\.\d+ ms +\+50\.0 %`, out)
	assert.Regexp(t, `failed +0 +5 +\+5`, out)

	_, code, err = called(t, "bench", "compare", old, save("other.json", func(r *bench.Result) { r.Rate, r.Request, r.Invalid = 200, "GET /a", []string{"late"} }))
	assert.Equal(t, exitInvalid, code)
	for _, want := range []string{"cannot be compared", "requests a second asked for: 100 and 200", "what was sent: POST /a and GET /a", "the new one is invalid: late"} {
		assert.ErrorContains(t, err, want)
	}
	_, code, err = called(t, "bench", "compare", old, filepath.Join(dir, "none.json"))
	assert.Equal(t, exitUsage, code)
	assert.ErrorContains(t, err, "none.json")
	nonsense := filepath.Join(dir, "nonsense.json")
	require.NoError(t, os.WriteFile(nonsense, []byte("{}"), 0o644))
	_, code, err = called(t, "bench", "compare", nonsense, old)
	assert.Equal(t, exitUsage, code)
	assert.ErrorContains(t, err, "it is no result of a benchmark")
}

// TestGatePage makes the verdicts of docs/gate.md anew from the cycles beside it: the page tells what they say, and what is
// promised of the gate holds on them.
func TestGatePage(t *testing.T) {
	out, code, err := called(t, "bench", "gate", "--resample", "../../docs/gate-cycles.jsonl")
	require.NoError(t, err)
	assert.Zero(t, code)
	page, err := os.ReadFile("../../docs/gate.md")
	require.NoError(t, err)
	assert.Contains(t, string(page), out)

	raw, err := os.Open("../../docs/gate-cycles.jsonl")
	require.NoError(t, err)
	t.Cleanup(func() { _ = raw.Close() })
	cycles, err := gate.ReadCycles(raw)
	require.NoError(t, err)
	for _, c := range gate.Resample(cycles, gate.DefaultMargins(), 1) {
		require.GreaterOrEqual(t, c.Kept, 100, "%s: real cycles", c.Label)
		if c.Label == "A/A" {
			assert.LessOrEqual(t, c.Fail, 0.01)
		} else {
			assert.GreaterOrEqual(t, c.Fail, 0.95, c.Label)
		}
	}
}
