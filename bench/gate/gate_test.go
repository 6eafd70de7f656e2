package gate_test

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench/gate"
)

// TestMain is the server under test, too, where GATE_PORT says so: processes are what is compared.
func TestMain(m *testing.M) {
	if port, err := strconv.Atoi(os.Getenv("GATE_PORT")); err == nil {
		extra, _ := strconv.ParseFloat(os.Getenv("GATE_EXTRA"), 64)
		t := gate.Target{Port: port, Work: 200, Inject: "cpu", Extra: extra}
		if err := t.Serve(context.Background()); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// target is this test's own program as a server.
func target(t *testing.T, name, extra string) gate.Server {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	return gate.Server{Name: name, Binary: program, Command: "GATE_PORT={port} GATE_EXTRA=" + extra + " exec {binary}"}
}

func options(t *testing.T) gate.Options {
	t.Helper()
	return gate.Options{
		Base: target(t, "base", "0"), Candidate: target(t, "candidate", "0"),
		Requests: []gate.Request{{Path: "/a", Weight: 3}, {Path: "/b", Body: "x"}},
		Warmup:   20, Measure: 1200 * time.Millisecond, Cycles: 2, Seed: 7,
	}
}

func TestRun(t *testing.T) {
	o := options(t)
	o.Candidate = target(t, "candidate", "20") // so much slower that no neighbour hides it
	var seen []gate.Cycle
	o.Progress = func(c gate.Cycle, _ gate.Decision) { seen = append(seen, c) }
	r, err := gate.Run(t.Context(), o)
	require.NoError(t, err)
	assert.Equal(t, 2, r.Decision.Cycles)
	assert.Greater(t, r.Decision.Ratio, 1.2)
	assert.Len(t, seen, 2)
	require.Len(t, r.Routes, 2)
	assert.Equal(t, "GET /a", r.Routes[0].Name)
	assert.Equal(t, "POST /b", r.Routes[1].Name)
	assert.Greater(t, r.Routes[0].Candidate, r.Routes[0].Base)
	c := r.Cycles[0]
	assert.Positive(t, c.Base.Requests)
	assert.Equal(t, c.Base.Requests, c.Candidate.Requests, "each request goes to both")
	assert.Zero(t, c.Base.Errors)
	assert.InDelta(t, (3*c.Routes[0].X+c.Routes[1].X)/4, c.Primary(), 1e-9)

	var kept bytes.Buffer
	for _, one := range r.Cycles {
		require.NoError(t, gate.WriteCycle(&kept, one))
	}
	again, err := gate.ReadCycles(&kept)
	require.NoError(t, err)
	assert.Equal(t, r.Cycles[1].Routes, again[1].Routes)

	var text, markdown bytes.Buffer
	require.NoError(t, r.WriteText(&text))
	require.NoError(t, r.WriteMarkdown(&markdown))
	for _, want := range []string{"candidate candidate against base base", "GET /a", "POST /b", "2 cycles", "seed 7"} {
		assert.Contains(t, text.String(), want)
	}
	assert.Contains(t, markdown.String(), "| GET /a |")
}

func TestACandidateThatFailsRequests(t *testing.T) {
	o := options(t)
	o.Base = target(t, "base", "20") // so slow that the generator has next to nothing to do
	o.Cycles, o.Candidate.Command = 0, `exec python3 -c 'import http.server as h
class H(h.BaseHTTPRequestHandler):
  def do_GET(s): s.send_response(500); s.end_headers()
  do_POST = do_GET
  def log_message(*a): pass
h.HTTPServer(("127.0.0.1", {port}), H).serve_forever()'`
	if _, err := os.Stat("/usr/bin/python3"); err != nil {
		t.Skip(err)
	}
	r, err := gate.Run(t.Context(), o)
	require.NoError(t, err)
	assert.Equal(t, gate.Fail, r.Verdict)
	assert.Contains(t, strings.Join(r.Reasons, "; "), "requests to the candidate failed, of the base none")
}

func TestServersThatCannotBeMeasured(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*gate.Options)
		want   string
	}{
		{"it ends", func(o *gate.Options) { o.Candidate.Command = "echo no such option >&2; exit 3" }, `candidate ended before it was ready: it said "no such option"`},
		{"the base refuses", func(o *gate.Options) { o.Base.Command = "exec python3 -m http.server --bind 127.0.0.1 {port}" }, "base: POST /b answers 501"},
		{"nothing to send", func(o *gate.Options) { o.Requests = nil }, "there is no request to send"},
		{"a bad path", func(o *gate.Options) { o.Requests[0].Path = "a" }, "expected a path that begins with /"},
		{"a weight of no number", func(o *gate.Options) { o.Requests[0].Weight = math.NaN() }, "a weight of more than 0"},
		{"a bad method", func(o *gate.Options) { o.Requests[0].Method = "G T" }, `request "G T /b": net/http: invalid method`},

		{"a bad header", func(o *gate.Options) { o.Requests[0].Headers = map[string]string{"a b": "c"} }, `no header can be called "a b"`},
		{"cycles less than none", func(o *gate.Options) { o.Cycles = -1 }, "cycles, measure and warmup are never less than 0, not -1"},
		{"bad margins", func(o *gate.Options) { o.Margins = gate.Margins{Tolerated: 1, Caught: 0.5} }, "expected 0 <= tolerated < caught"},
		{"too short", func(o *gate.Options) { o.Measure = 10 * time.Millisecond }, "too few replies in 10ms"},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := options(t)
			o.Requests = []gate.Request{{Path: "/b", Body: "x"}}
			row.change(&o)
			if _, err := os.Stat("/usr/bin/python3"); err != nil && strings.Contains(o.Base.Command, "python3") {
				t.Skip(err)
			}
			_, err := gate.Run(t.Context(), o)
			assert.ErrorContains(t, err, row.want)
		})
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := options(t)
	o.Cycles, o.Progress = 20, func(gate.Cycle, gate.Decision) { cancel() }
	r, err := gate.Run(ctx, o)
	require.ErrorIs(t, err, context.Canceled)
	require.NotNil(t, r, "what there is until then")
	assert.Len(t, r.Cycles, 1)
}

func TestResolve(t *testing.T) {
	work := t.TempDir()
	program := filepath.Join(work, "parley")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755))
	s, err := gate.Source{Memory: "http://127.0.0.1:{port}/debug/vars"}.Resolve(t.Context(), "./x --port {port}", work)
	require.NoError(t, err)
	assert.Equal(t, gate.Server{Name: "./x --port {port}", Command: "./x --port {port}", Memory: gate.Probe{URL: "http://127.0.0.1:{port}/debug/vars"}}, s)

	s, err = gate.Source{}.Resolve(t.Context(), program, work)
	require.NoError(t, err)
	assert.Equal(t, program, s.Binary)
	assert.Contains(t, s.Command, "exec {binary} serve")
	assert.FileExists(t, filepath.Join(work, "config", "services", "gate.star"))

	folder := t.TempDir()
	s, err = gate.Source{Build: "cp " + program + " {binary}", Serve: "{binary} --on {port}"}.Resolve(t.Context(), folder, work)
	require.NoError(t, err)
	assert.FileExists(t, s.Binary)
	assert.Equal(t, "{binary} --on {port}", s.Command)

	_, err = gate.Source{Build: "true"}.Resolve(t.Context(), folder, work)
	assert.ErrorContains(t, err, "made no file {binary}")
	_, err = gate.Source{Build: "echo broken >&2; exit 1"}.Resolve(t.Context(), folder, work)
	assert.ErrorContains(t, err, "broken")
	_, err = gate.Source{}.Resolve(t.Context(), "no-such-commit", work)
	assert.ErrorContains(t, err, `"no-such-commit" is no command with {port}, no file, no folder, and no commit`)
}

func TestResample(t *testing.T) {
	var kept []gate.Cycle
	for i := range 20 {
		wobble := float64(i%3-1) / 1000
		kept = append(kept, gate.Cycle{Label: "A/A", Noise: "none", Routes: []gate.Route{{Weight: 1, X: wobble, Blocks: [][2]float64{{100, 100}, {110, 110}}}}})
		kept = append(kept, gate.Cycle{Label: "cpu +5%", Noise: "none", Routes: []gate.Route{{Weight: 1, X: 0.05 + wobble}}})
	}
	kept = append(kept, gate.Cycle{Label: "A/A", Noise: "none", Void: "errors", Routes: []gate.Route{{Weight: 1, X: 9}}})
	all := gate.Resample(kept, gate.DefaultMargins(), 1)
	require.Len(t, all, 2)
	assert.Equal(t, "A/A", all[0].Label)
	assert.Equal(t, 20, all[0].Kept, "what does not count is left out")
	assert.InDelta(t, 1, all[0].Pass, 0.001)
	assert.InDelta(t, 1, all[0].Naive, 0.001, "the naive method takes the drift from 100 to 110 for a difference")
	assert.InDelta(t, 1, all[1].Fail, 0.001)
}
