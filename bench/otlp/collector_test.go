package otlp_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench/otlp"
)

// understood is a data point as the OpenTelemetry Collector's receiver understood it.
type understood struct {
	Metric, Type, Unit, Scope, Temporality string
	Resource, Attributes                   map[string]any
	Value                                  float64
	Count                                  uint64
	Sum                                    float64
	Counts                                 []uint64
	Bounds                                 []float64
	Start, Time                            time.Time
}

// TestTheCollectorUnderstandsResults sends a result to the Collector's own receiver, of tools/otlp. It downloads modules: it runs only
// where PARLEY_REQUIRE names it.
func TestTheCollectorUnderstandsResults(t *testing.T) {
	if !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "otlp") {
		t.Skip("the OpenTelemetry Collector's receiver is built only where PARLEY_REQUIRE names otlp: it downloads Go modules")
	}
	binary := filepath.Join(t.TempDir(), "otlp")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = "../../tools/otlp"
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	collector := exec.CommandContext(t.Context(), binary)
	stdin, err := collector.StdinPipe()
	require.NoError(t, err)
	stdout, err := collector.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, collector.Start())
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	require.True(t, lines.Scan())

	r := sample(t)
	to, err := otlp.Find("http://"+lines.Text(), func(string) string { return "" })
	require.NoError(t, err)
	require.NoError(t, to.Send(t.Context(), r))
	require.NoError(t, stdin.Close()) // what it has taken it has written
	var got []understood
	for lines.Scan() {
		var one understood
		require.NoError(t, json.Unmarshal(lines.Bytes(), &one), lines.Text())
		got = append(got, one)
	}
	require.NoError(t, collector.Wait())

	one := func(metric, attribute, value string) understood {
		for _, p := range got {
			if p.Metric == metric && (attribute == "" || p.Attributes[attribute] == value) {
				return p
			}
		}
		t.Fatalf("there is no %s with %s %s", metric, attribute, value)
		return understood{}
	}
	for _, p := range got {
		assert.Equal(t, "apitest", p.Resource["service.name"])
		assert.Equal(t, "evening", p.Attributes["profile"])
		assert.True(t, r.Started.Equal(p.Start), p.Start)
		assert.True(t, r.Started.Add(10*time.Second).Equal(p.Time), p.Time)
	}
	ok := one("parley.bench.requests", "outcome", "ok")
	assert.Equal(t, []any{"Sum", "Cumulative", "{request}", 995.0}, []any{ok.Type, ok.Temporality, ok.Unit, ok.Value})
	lost := one("parley.bench.lost", "", "")
	assert.InDelta(t, 1, lost.Value, 0)
	rate := one("parley.bench.rate.achieved", "", "")
	assert.Equal(t, []any{"Gauge", "{request}/s", 99.5}, []any{rate.Type, rate.Unit, rate.Value})
	p99 := one("parley.bench.phase.response_time.quantile", "quantile", "0.99")
	assert.Equal(t, []any{"s", 0.0125, "climb"}, []any{p99.Unit, p99.Value, p99.Attributes["phase"]})
	times := one("parley.bench.response_time", "", "")
	assert.Equal(t, []any{"Histogram", "Cumulative", "s"}, []any{times.Type, times.Temporality, times.Unit})
	assert.Len(t, times.Counts, len(times.Bounds)+1)
	sum := uint64(0)
	for _, n := range times.Counts {
		sum += n
	}
	assert.Equal(t, times.Count, sum)
	assert.EqualValues(t, len(recorded()), sum)
}
